/** zkevm: which contract, function and opcode used how many rows of the execution trace. */
import { type MethodTable, method } from '../../method.js';
import { hashParam } from '../../params.js';
import type { RpcServices } from '../../services.js';
import { traceOptions } from '../../trace-request.js';
import { transaction } from '../debug/traces.js';

export function traceCounterMethods(services: RpcServices): MethodTable {
  return {
    zkevm_traceCounters: method(1, 1, (params) =>
      transaction(services, hashParam(params, 0), traceOptions(services, { form: 'debug', options: { tracer: 'counterTracer' } })),
    ),
  };
}
