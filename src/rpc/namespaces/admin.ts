/** The admin namespace: what an operator does to a running node. Served on the operator's port only. */
import { join } from 'node:path';
import { toHex } from '../../common/bytes.js';
import { LOG_LEVELS, type Logger, type LogLevel } from '../../common/logger.js';
import type { AdminAccess, AdminAccessPolicy, AdminModules } from '../admin-modules.js';
import { invalidArgument, rpcError } from '../errors.js';
import { trustedOnly } from '../finality.js';
import { type MethodTable, method, type Params } from '../method.js';
import { addressValue } from '../params.js';

const MODES = ['off', 'allow', 'deny'] as const;
/** Addresses of one request. */
const ADDRESSES_MAX = 10_000;

/** A name, never a path: snapshots stay in their folder. */
const SNAPSHOT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

type List = 'send' | 'deploy' | 'blockedRecipients';
const LISTS: readonly List[] = ['send', 'deploy', 'blockedRecipients'];
const MODE_OF = { send: 'sendMode', deploy: 'deployMode' } as const;

export function adminMethods(modules: AdminModules, logger: Logger): MethodTable {
  const methods = {
    ...sequencerMethods(modules),
    ...rollbackMethods(modules),
    ...accessMethods(modules.access),
    ...logMethods(modules.log),
    ...snapshotMethods(modules.snapshots),
    admin_quarantinedTransactions: method(0, 0, () =>
      JSON.stringify(modules.quarantine.list().map(({ atMs, ...rest }) => ({ ...rest, at: new Date(atMs).toISOString() }))),
    ),
  };
  // What an operator did belongs into the log whatever its level, beside what came of it.
  return Object.fromEntries(
    Object.entries(methods).map(([name, entry]) => [
      name,
      {
        ...entry,
        run: (params: Params, context) => {
          logger.info('operator request', { method: name, params });
          return entry.run(params, context);
        },
      } satisfies MethodTable[string],
    ]),
  );
}

function sequencerMethods({ sequencer, stop }: AdminModules): MethodTable {
  const status = () => JSON.stringify(sequencer.status());
  return {
    admin_status: method(0, 0, status),
    admin_closeBatch: method(0, 0, () => {
      const { mode } = sequencer.status();
      if (mode !== 'sequencing' && mode !== 'throttled')
        throw rpcError('ADMIN_NOT_POSSIBLE', `no batch is closed while the mode is ${mode}`);
      return JSON.stringify({ batch: sequencer.requestBatchClose() });
    }),
    admin_pause: method(0, 0, () => {
      sequencer.pause();
      return status();
    }),
    admin_resume: method(0, 0, () => {
      const { isHaltFinal, haltReason } = sequencer.status();
      if (isHaltFinal) throw rpcError('ADMIN_NOT_POSSIBLE', `only a new start of the node ends this halt: ${haltReason}`);
      sequencer.resume();
      return status();
    }),
    admin_drain: method(0, 0, () => {
      stop();
      return 'true';
    }),
  };
}

function rollbackMethods({ sequencer, finality = trustedOnly }: AdminModules): MethodTable {
  const run = async (params: Params): Promise<string> => {
    const [toBatch, options] = params;
    if (typeof toBatch !== 'number' || !Number.isSafeInteger(toBatch) || toBatch < 0)
      throw invalidArgument(0, 'must be the number of a batch');
    const { confirm, force } = typeof options === 'object' && options !== null ? (options as { confirm?: unknown; force?: unknown }) : {};
    if (confirm !== true) throw invalidArgument(1, 'must be {"confirm": true}: published blocks are removed for good');
    const virtual = finality.virtualBatch();
    if (toBatch < virtual && force !== true) {
      throw rpcError('ROLLBACK_REFUSED', `the chain is not taken back: batches up to ${virtual} are sequenced on L1`);
    }
    return JSON.stringify(await sequencer.rollback(toBatch));
  };
  return { admin_rollbackBatches: method(2, 2, run) };
}

function accessMethods(access: AdminAccess): MethodTable {
  const text = () => JSON.stringify({ source: access.isStored ? 'runtime' : 'configuration', ...access.policy });
  const edit = (change: (policy: AdminAccessPolicy) => AdminAccessPolicy) => access.change(change).then(text);
  const onList = (combine: (now: readonly string[], given: readonly string[]) => string[]) =>
    method(2, 2, (params) => {
      const list = wordParam(params, 0, LISTS);
      const given = addressesParam(params, 1);
      return edit((policy) => ({ ...policy, [list]: combine(policy[list], given) }));
    });
  return {
    admin_accessPolicy: method(0, 0, text),
    admin_setAccessMode: method(2, 2, (params) => {
      const list = wordParam(params, 0, ['send', 'deploy'] as const);
      const mode = wordParam(params, 1, MODES);
      return edit((policy) => ({ ...policy, [MODE_OF[list]]: mode }));
    }),
    admin_addAccess: onList((now, given) => [...now, ...given]),
    admin_removeAccess: onList((now, given) => now.filter((address) => !given.includes(address))),
    admin_resetAccess: method(0, 0, () => access.reset().then(text)),
  };
}

function logMethods(log: AdminModules['log']): MethodTable {
  return {
    admin_logLevel: method(0, 0, () => JSON.stringify(log.level)),
    admin_setLogLevel: method(1, 1, (params) => {
      log.setLevel(wordParam<LogLevel>(params, 0, LOG_LEVELS));
      return JSON.stringify(log.level);
    }),
  };
}

function snapshotMethods({ directory, engine }: AdminModules['snapshots']): MethodTable {
  let isRunning = false;
  const take = async (params: Params): Promise<string> => {
    if (directory === null) throw rpcError('SNAPSHOT_DISABLED', 'data.snapshotDirectory is not set');
    const name = params[0] ?? `block-${engine.head().blockNumber}`;
    if (typeof name !== 'string' || !SNAPSHOT_NAME.test(name))
      throw invalidArgument(0, 'must be letters, digits, dots, dashes, underscores');
    // Each flushes memory tables: one at a time.
    if (isRunning) throw rpcError('ADMIN_NOT_POSSIBLE', 'a snapshot is being made');
    isRunning = true;
    try {
      return await engine.snapshot(join(directory, name));
    } finally {
      isRunning = false;
    }
  };
  return { admin_snapshot: method(0, 1, take) };
}

function wordParam<T extends string>(params: Params, index: number, words: readonly T[]): T {
  const word = words.find((candidate) => candidate === params[index]);
  if (word === undefined) throw invalidArgument(index, `must be one of ${words.join(', ')}`);
  return word;
}

function addressesParam(params: Params, index: number): string[] {
  const value = params[index];
  if (!Array.isArray(value) || value.length > ADDRESSES_MAX) {
    throw invalidArgument(index, `must be an array of at most ${ADDRESSES_MAX} addresses`);
  }
  return value.map((address: unknown) => toHex(addressValue(address, index)));
}
