/** What `db` says to people. */
import type {
  CompactReport,
  PruneReport,
  RestoreReport,
  RollbackReport,
  SnapshotReport,
  StatsReport,
  VerifyReport,
} from '../../native/maintenance.js';

export const DB_HELP = `Usage: zkevm-sequencer db COMMAND [options]

The node must not run on the database; to copy one in use, see admin_snapshot in docs/operations.md.

Commands:
  verify           walk the state tree, hash every node, compare every leaf with the flat state; check blocks, transactions, receipts,
                   logs, indexes, batches, codes, history and pool; name the first difference
  stats            sizes of the tables and of the chain
  compact          rewrite all tables without what was deleted or overwritten
  prune            forget old states; blocks, transactions and receipts stay
  rollback         take the chain back to the end of a closed batch; transactions of removed blocks wait in the pool again
  snapshot FOLDER  copy the database into a folder that does not exist yet
  restore FOLDER   check a snapshot, and make it the database in --data-dir, which must not exist or be empty

Options:
  --data-dir DIR          the database [./data]
  --config FILE           settings as for start: data.directory, data.cacheBytes and data.history are used
  --data-cache-bytes N    memory for caches and sorting [1 GiB]
  --keep N|none           prune: states of so many blocks before the newest stay [--history]
  --to-batch N            rollback: the newest batch afterwards
  --yes                   rollback: published blocks are to be removed for good
  --json                  the report as one line of JSON
  -h, --help              this text

Exit codes: 0 done, 1 not done (the reason has a code, see docs/errors.md), 2 verify or restore found a difference.
Progress goes to standard error, the report to standard output.
`;

/** A report in words. */
export function reportText(command: string, report: unknown): string {
  switch (command) {
    case 'verify':
      return verifyText(report as VerifyReport);
    case 'stats':
      return statsText(report as StatsReport);
    case 'compact':
      return compactText(report as CompactReport);
    case 'prune':
      return pruneText(report as PruneReport);
    case 'rollback':
      return rollbackText(report as RollbackReport);
    case 'snapshot':
      return snapshotText(report as SnapshotReport);
    default:
      return restoreText(report as RestoreReport);
  }
}

function verifyText({ ok, difference, checked, millis }: VerifyReport): string {
  const facts = Object.entries(checked).map(([name, value]) => `  ${name.padEnd(16)} ${value}`);
  const verdict = ok ? 'sound' : 'NOT SOUND';
  const found =
    difference === null
      ? ''
      : `\nfirst difference: ${difference.what}\n  expected: ${difference.expected}\n  found:    ${difference.found}\n`;
  return `${verdict}, checked in ${(millis / 1000).toFixed(1)} s\n${facts.join('\n')}\n${found}`;
}

function statsText({ families, ...facts }: StatsReport): string {
  const lines = Object.entries(facts).map(([name, value]) => `  ${name.padEnd(16)} ${value}`);
  const rows = families.map(
    ({ name, keysEstimated, fileBytes, memtableBytes, levelFiles }) =>
      `  ${name.padEnd(24)} ${String(keysEstimated).padStart(12)} ${String(fileBytes).padStart(15)} ${String(memtableBytes).padStart(13)}  ${levelFiles.join(' ')}`,
  );
  const head = `  ${'table'.padEnd(24)} ${'keys (about)'.padStart(12)} ${'bytes on disk'.padStart(15)} ${'in memory'.padStart(13)}  files by level`;
  return `${lines.join('\n')}\n\n${head}\n${rows.join('\n')}\n`;
}

function compactText({ bytesBefore, bytesAfter }: CompactReport): string {
  return `compacted: ${bytesBefore} bytes before, ${bytesAfter} after\n`;
}

function pruneText({ removed, oldestState, headBlock }: PruneReport): string {
  return `${removed} previous values removed; the states of blocks ${oldestState} to ${headBlock} can be read\n`;
}

function rollbackText({ batch, headBlock, blockHash, stateRoot, removedBatches, removedBlocks, pendingAgain }: RollbackReport): string {
  const removed = `${removedBatches} batches and ${removedBlocks} L2 blocks removed, ${pendingAgain} transactions wait again`;
  return `${removed}\nbatch ${batch} is the newest, L2 block ${headBlock} its last\n  block hash ${blockHash}\n  state root ${stateRoot}\n`;
}

function snapshotText({ path, block, blockHash, stateRoot, bytes }: SnapshotReport): string {
  return `snapshot of block ${block} in ${path}, ${bytes} bytes\n  block hash ${blockHash}\n  state root ${stateRoot}\n`;
}

function restoreText({ path, block, verified }: RestoreReport): string {
  const check = verifyText(verified);
  return verified.ok ? `${check}restored block ${block} to ${path}\n` : `${check}nothing was restored\n`;
}
