/** The debug namespace. */
import type { MethodTable } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { rawMethods } from './raw.js';
import { traceMethods } from './traces.js';

export function debugMethods(services: RpcServices): MethodTable {
  return { ...traceMethods(services), ...rawMethods(services) };
}
