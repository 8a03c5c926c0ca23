/** The eth namespace. */
import type { MethodTable } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { accessListMethods } from './access-list.js';
import { blockMethods } from './blocks.js';
import { chainMethods } from './chain.js';
import { logMethods } from './logs.js';
import { stateMethods } from './state.js';
import { transactionMethods } from './transactions.js';

export function ethMethods(services: RpcServices): MethodTable {
  return {
    ...chainMethods(services),
    ...stateMethods(services),
    ...accessListMethods(services),
    ...blockMethods(services),
    ...transactionMethods(services),
    ...logMethods(services),
  };
}
