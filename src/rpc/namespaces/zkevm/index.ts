/** The zkevm namespace. */
import type { MethodTable } from '../../method.js';
import type { RpcServices } from '../../services.js';
import { batchMethods } from './batches.js';
import { blockMethods } from './blocks.js';
import { counterMethods } from './counters.js';
import { feeMethods } from './fees.js';
import { forkMethods } from './forks.js';
import { proofMethods } from './proofs.js';
import { statusMethods } from './status.js';
import { traceCounterMethods } from './trace-counters.js';
import { l2HashMethods } from './transactions.js';

export function zkevmMethods(services: RpcServices): MethodTable {
  return {
    ...batchMethods(services),
    ...blockMethods(services),
    ...counterMethods(services),
    ...feeMethods(services),
    ...forkMethods(services),
    ...l2HashMethods(services),
    ...proofMethods(services),
    ...statusMethods(services),
    ...traceCounterMethods(services),
  };
}
