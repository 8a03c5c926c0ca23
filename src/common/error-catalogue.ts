/**
 * Every stable code of the node with its cause and its remedy: the source of `docs/errors.md`. A part adds its codes to its own block;
 * `rpc/errors.ts` then has to give each a JSON-RPC number before the project compiles.
 */

/** What a reader of a code wants to know. */
export interface ErrorEntry {
  /** When it happens. */
  readonly cause: string;
  /** What to do about it. */
  readonly remedy: string;
}

const START = {
  CLI_USAGE: {
    cause: 'The command line has an unknown command or option, or a value is missing.',
    remedy: 'See `zkevm-sequencer --help`.',
  },
  CONFIG_INVALID: {
    cause: 'One or more settings are unknown, have the wrong type or are out of range; the message lists all of them.',
    remedy: 'Correct the settings named in the message; `docs/config.md` has type, default and range of each.',
  },
  CONFIG_FILE_UNREADABLE: {
    cause: 'The file given with --config cannot be read or is not JSON.',
    remedy: 'Check the path, its permissions and its syntax.',
  },
  NODE_UNREACHABLE: { cause: 'No node answers at the URL given with --rpc.', remedy: 'Check the URL, and that the node runs.' },
  NODE_REFUSED: { cause: 'The node asked with --rpc answers with an error.', remedy: 'Do as its message says.' },
  OUTPUT_UNWRITABLE: { cause: 'The file given with --out cannot be written.', remedy: 'Check the path, its permissions and free space.' },
  RECORDING_UNREADABLE: {
    cause: 'The file given with --record, or to `replay`, cannot be read or written, or is not a recording of this version.',
    remedy: 'Check the path and its permissions; replay with the version that recorded, or record into a new file.',
  },
  RECORDING_BASE_MISSING: {
    cause:
      'The recording begins on a data directory that was not new, and the copy of it that the node kept beside the recording is not there.',
    remedy: 'Put the folder FILE.base-... beside the recording, or name it with `replay FILE --base DIR`.',
  },
  GENESIS_UNREADABLE: { cause: 'The file given with --genesis cannot be read.', remedy: 'Check the path and its permissions.' },
  GENESIS_INVALID: {
    cause: 'The genesis file is not JSON, or not in the public format {root, genesis: [...], firstBatchData?}.',
    remedy: 'Use the genesis file published for the network.',
  },
  GENESIS_ROOT_MISMATCH: {
    cause: 'The state root computed from the genesis file differs from the root it states; the message has both.',
    remedy: 'The file is damaged or edited: fetch it again, or remove its `root` if the content is what you want.',
  },
  GENESIS_DIFFERS: {
    cause: 'The data directory was created from another genesis, chain id or fork id than the ones given.',
    remedy: 'Start with the settings of the data directory, or choose another --data-dir.',
  },
  FORK_NOT_SUPPORTED: {
    cause: 'The fork id is not one that this version executes.',
    remedy: 'Use a supported fork id (see the README).',
  },
  DATA_DIR_LOCKED: {
    cause: 'Another process has the data directory open.',
    remedy: 'Stop the other process, or choose another --data-dir.',
  },
  DATA_DIR_UNWRITABLE: {
    cause: 'The data directory cannot be created, read or written.',
    remedy: 'Check its permissions, its owner and the free space of the disk.',
  },
  DATA_DIR_FORMAT_NEWER: {
    cause: 'The data directory was written by a newer version of this program.',
    remedy: 'Use that version or a later one; nothing was changed.',
  },
  DATA_DIR_MISSING: {
    cause: 'There is no database in the folder given.',
    remedy: 'Check --data-dir or the path; `zkevm-sequencer start` creates a database, the db commands do not.',
  },
  ADDON_UNAVAILABLE: {
    cause: 'The native addon for this platform is not there or does not load.',
    remedy: 'Install again on this machine with optional dependencies, or build the addon (CONTRIBUTING.md).',
  },
  LAYOUT_MISMATCH: {
    cause: 'The native addon and the TypeScript side disagree about a boundary layout: they come from different versions.',
    remedy: 'Build or install both from the same version.',
  },
  RPC_TRANSPORT_UNAVAILABLE: {
    cause: 'No uWebSockets.js binary loads on this Node version and C library.',
    remedy: 'Use Node 20 or 22 (glibc 2.27 or newer), or Node 22 or 24 (glibc 2.38 or newer), and install again under that Node version.',
  },
  RPC_PORT_IN_USE: { cause: 'Another process listens on the JSON-RPC port.', remedy: 'Stop it, or choose another --port.' },
  RPC_LISTEN_FAILED: {
    cause: 'The JSON-RPC address cannot be listened on: not an address of this machine, or no permission for the port.',
    remedy: 'Check --host and --port; ports below 1024 need a privilege.',
  },
} as const satisfies Record<string, ErrorEntry>;

const ENGINE = {
  STATE_DB_CORRUPT: {
    cause:
      'Stored data is damaged: a checksum does not fit, a record does not decode, or one that must exist is missing. Nothing is written any more.',
    remedy:
      'See what `zkevm-sequencer db verify` finds, then restore a snapshot (docs/operations.md); keep the damaged folder for analysis.',
  },
  STATE_DB_POISONED: {
    cause: 'An earlier disk write failed; the database refuses further work until it is reopened.',
    remedy: 'Look for the first failure in the log, mend the disk, then restart the node.',
  },
  STATE_DB_IO: { cause: 'RocksDB reported a failure.', remedy: 'Check the disk and its free space, then restart the node.' },
  STATE_PRUNED: {
    cause: 'The state of that block is no longer kept.',
    remedy: 'Ask for a newer block, or ask a node that keeps more history.',
  },
  STATE_TOO_OLD: {
    cause: 'So many keys changed since that block that its state tree is not rebuilt for a proof or a witness.',
    remedy: 'Ask for a newer block or batch, or raise rpc.proofChangesMax.',
  },
  PROOF_INVALID: {
    cause: 'A state proof does not prove what it claims under the given state root.',
    remedy: 'Check that proof and state root are of the same block; if they are, do not trust the node that answered.',
  },
  BATCH_NOT_CLOSED: {
    cause: 'A witness was asked for of a batch that is open, does not exist, or is the genesis.',
    remedy: 'Ask for a batch from 1 to the last closed one,.',
  },
  WITNESS_INCOMPLETE: {
    cause: 'A witness lacks a node or a code that executing its batch needs.',
    remedy: 'Make the witness anew, with the same version that executes it; please report it if it persists.',
  },
  BLOCK_NOT_FOUND: { cause: 'There is no such L2 block.', remedy: 'Ask for a block number up to eth_blockNumber.' },
  LOGS_TOO_MANY: {
    cause: 'The log query matches more logs than one answer may hold.',
    remedy: 'Narrow the block range, addresses or topics.',
  },
  CALL_TIMEOUT: {
    cause: 'A call, an estimate or a trace ran longer than its time budget.',
    remedy: 'Make the call smaller, give a trace a longer `timeout`, or raise rpc.callTimeoutMs or rpc.traceTimeoutMs.',
  },
  TRACE_TOO_LARGE: {
    cause: 'A trace is larger than rpc.traceLimitBytes.',
    remedy: 'Ask for less: a tracer that says less, `disableStack`, `limit`, fewer blocks; or raise the limit.',
  },
  CALL_INVALID: {
    cause: 'The transaction or the overrides of a call cannot be understood.',
    remedy: 'Correct the request as the message says.',
  },
  SNAPSHOT_INVALID: {
    cause:
      'What should be restored is no snapshot, or is not complete: `snapshot.json` or a file that it lists is missing or has another size.',
    remedy: 'Use a folder that `db snapshot` or admin_snapshot made, whole; copy it again.',
  },
  ROLLBACK_REFUSED: {
    cause: 'The chain cannot be taken back to that batch: it is not closed, its state is pruned, or a later one was injected or forced.',
    remedy: 'The message says which; take a later batch, or restore a snapshot from before (docs/operations.md).',
  },
  SNAPSHOT_EXISTS: {
    cause: 'The folder that a snapshot or a restore should make is there already and not empty.',
    remedy: 'Choose another folder; nothing is ever overwritten.',
  },
  SNAPSHOT_IO: {
    cause: 'A file of a snapshot cannot be read or written; the message has the reason.',
    remedy: 'Check permissions and free space.',
  },
  SNAPSHOT_DISABLED: {
    cause: 'admin_snapshot has nowhere to put snapshots.',
    remedy: 'Set data.snapshotDirectory.',
  },
  ENGINE_CLOSED: { cause: 'The request came while the node was stopping.', remedy: 'Send it again after the restart.' },
  ENGINE_BUSY: {
    cause: 'A verb of the engine was called in the wrong order, for example a second open L2 block.',
    remedy: 'A fault of the node: please report it with the log.',
  },
  LAYOUT_INVALID: {
    cause: 'A value at the native boundary has the wrong size, version or range.',
    remedy: 'A fault of the node: please report it with the log.',
  },
  STATE_TREE_FAILED: {
    cause: 'The state tree could not be read or computed.',
    remedy: 'Restart the node; restore the data directory from a backup if it persists.',
  },
  EXECUTOR_FAILED: {
    cause: 'The executor failed on something that is not the fault of a transaction.',
    remedy: 'Restart the node; please report it with the log.',
  },
  INTERNAL_PANIC: {
    cause: 'The native side failed in a way that it does not expect; the node halts rather than carry on.',
    remedy: 'Restart the node; please report it with the log.',
  },
} as const satisfies Record<string, ErrorEntry>;

const POOL = {
  TX_RLP_INVALID: {
    cause: 'The raw transaction is not canonical RLP of a legacy transaction.',
    remedy: 'Encode it anew with a current library.',
  },
  TX_TYPE_NOT_SUPPORTED: {
    cause: 'The transaction is typed (EIP-2718); this chain takes legacy transactions only.',
    remedy: 'Send a legacy transaction (`cast --legacy`, `type: 0`).',
  },
  TX_INIT_CODE_TOO_LARGE: {
    cause: 'A contract creation has more init code than pool.initCodeBytesMax allows.',
    remedy: 'Deploy the contract in parts; the operator sets the limit.',
  },
  TX_SIGNATURE_INVALID: {
    cause: 'The signature does not recover a sender, or its s value is in the upper half.',
    remedy: 'Sign the transaction anew.',
  },
  TX_CHAIN_ID_INVALID: {
    cause: 'The transaction is signed for another chain.',
    remedy: 'Sign it for the chain id that eth_chainId answers.',
  },
  TX_NOT_REPLAY_PROTECTED: {
    cause: 'The transaction is signed without a chain id and pool.allowPreEip155 is off.',
    remedy: 'Sign it with a chain id (EIP-155).',
  },
  TX_FIELD_OVERFLOW: { cause: 'A field, or gas times price plus value, does not fit its width.', remedy: 'Lower the field.' },
  TX_TOO_LARGE: { cause: 'The transaction or its data is larger than a batch can carry.', remedy: 'Split it.' },
  TX_NONCE_TOO_LOW: { cause: 'The nonce was used already.', remedy: 'Use eth_getTransactionCount with `pending`.' },
  TX_NONCE_TOO_HIGH: { cause: 'The nonce is further ahead of the account than the pool keeps.', remedy: 'Send the missing nonces first.' },
  TX_NONCE_MAX: { cause: 'The account has reached the largest nonce.', remedy: 'Use another account.' },
  TX_ALREADY_KNOWN: { cause: 'The pool or the open batch has this very transaction.', remedy: 'Nothing: wait for its receipt.' },
  TX_REPLACEMENT_UNDERPRICED: {
    cause: 'A transaction with the same nonce is in the pool and the new price is not high enough to replace it.',
    remedy: 'Raise the price by pool.priceBumpPercent (10 % by default).',
  },
  TX_INSUFFICIENT_FUNDS: { cause: 'The balance is lower than gas times price plus value.', remedy: 'Fund the account or lower the cost.' },
  TX_INTRINSIC_GAS_TOO_LOW: {
    cause: 'The gas limit is below what the transaction costs before it runs.',
    remedy: 'Raise the gas limit (eth_estimateGas).',
  },
  TX_GAS_LIMIT_EXCEEDED: { cause: 'The gas limit is above 30,000,000.', remedy: 'Lower the gas limit.' },
  TX_UNDERPRICED: { cause: 'The gas price is below the minimum that is accepted now.', remedy: 'Use at least eth_gasPrice.' },
  TX_FEE_CAP_EXCEEDED: {
    cause: 'Gas times price is above the configured cap.',
    remedy: 'Check the price; raise pool.feeCapWei if it is meant.',
  },
  TX_OUT_OF_COUNTERS: {
    cause: 'The transaction alone needs more zk-counters than a batch has; the message names the counter.',
    remedy: 'Split the work.',
  },
  TX_EXECUTION_FAILED: {
    cause: 'The executor could not run the transaction for reasons of its own.',
    remedy: 'Send it again; report it if it persists.',
  },
  TX_SENDER_BLOCKED: { cause: 'The access policy does not let this sender send.', remedy: 'Ask the operator.' },
  TX_DEPLOY_NOT_ALLOWED: { cause: 'The access policy does not let this sender deploy contracts.', remedy: 'Ask the operator.' },
  TX_SENDER_NOT_EOA: { cause: 'The sender is a contract (EIP-3607).', remedy: 'Use another account.' },
  POOL_FULL: {
    cause:
      'The pool is full and the price does not outbid its cheapest transaction; or so much arrives that fits no batch that calls of this kind have to wait.',
    remedy: 'Raise the price or try later; send a contract call again.',
  },
  POOL_ACCOUNT_LIMIT: {
    cause: 'The account has as many transactions in the pool as it may have.',
    remedy: 'Wait until some are included.',
  },
} as const satisfies Record<string, ErrorEntry>;

const SEQUENCER = {
  SEQUENCER_HALTED: {
    cause: 'The sequencer stopped producing blocks, or the node is shutting down; the message has the reason.',
    remedy: 'Operators: see zkevm_status and the log. Users: try later.',
  },
  SEQUENCER_UNAVAILABLE: { cause: 'This node does not sequence and its sequencer cannot be reached.', remedy: 'Try later.' },
  BATCH_LIMITS_INVALID: {
    cause: 'The configured batch limits exceed what the fork allows, or leave no room for a transaction.',
    remedy: 'Lower the limits, or leave them at their defaults.',
  },
} as const satisfies Record<string, ErrorEntry>;

const RPC = {
  RPC_PARSE_ERROR: { cause: 'The request body is not JSON.', remedy: 'Send one JSON-RPC 2.0 object or an array of them.' },
  RPC_INVALID_REQUEST: {
    cause: 'The request is not a JSON-RPC 2.0 object with a method, or the batch is empty or too large.',
    remedy: 'Correct the envelope.',
  },
  RPC_METHOD_NOT_FOUND: {
    cause: 'The method does not exist, or its namespace is switched off.',
    remedy: 'See docs/rpc.md and rpc.namespaces.',
  },
  RPC_INVALID_PARAMS: { cause: 'A parameter is missing, surplus or malformed; the message says which.', remedy: 'Correct the parameter.' },
  RPC_BODY_TOO_LARGE: { cause: 'The request body is over rpc.bodyLimitBytes (HTTP 413).', remedy: 'Send smaller requests or batches.' },
  RPC_RESPONSE_TOO_LARGE: {
    cause: 'The answers of a batch are together over rpc.batchResponseLimitBytes.',
    remedy: 'Ask for less in one batch.',
  },
  RPC_LIMIT_EXCEEDED: {
    cause: 'A limit of the server is reached: filters, subscriptions or results.',
    remedy: 'Release some, or ask for less.',
  },
  RPC_RATE_LIMITED: {
    cause: 'The client address asked for more than its rate allows; over HTTP also status 429 with Retry-After.',
    remedy: 'Wait as long as Retry-After says. Operators: the `rpc.rate...` settings, and `rpc.trustedProxies` behind a reverse proxy.',
  },
  ADMIN_NOT_POSSIBLE: {
    cause: 'The node is in a mode in which the operator request makes no sense; the message has the mode.',
    remedy: 'See admin_status; a halted sequencer goes on with admin_resume, or with a new start where the message says so.',
  },
  RPC_HEADER_NOT_FOUND: {
    cause: 'The block that the state is asked of does not exist.',
    remedy: 'Ask for a block number up to eth_blockNumber.',
  },
  RPC_TAG_NOT_FOUND: {
    cause: 'No block has reached the state `safe` or `finalized` yet.',
    remedy: 'Use `latest` until batches are verified.',
  },
  RPC_UNKNOWN_BLOCK: { cause: 'No block has that hash.', remedy: 'Check the hash.' },
  RPC_TRANSACTION_NOT_FOUND: {
    cause: 'No L2 block holds the transaction that is to be traced.',
    remedy: 'Check the hash; a transaction in the pool can be traced once it is included.',
  },
  RPC_FILTER_NOT_FOUND: { cause: 'The filter does not exist or was not polled for five minutes.', remedy: 'Create it anew.' },
  RPC_NOTIFICATIONS_UNSUPPORTED: { cause: 'eth_subscribe needs a WebSocket connection.', remedy: 'Connect with ws:// to the same port.' },
  RPC_EXECUTION_REVERTED: {
    cause: 'The call reverted; `data` holds the revert data.',
    remedy: 'Decode `data` with the ABI of the contract.',
  },
  RPC_EXECUTION_FAILED: { cause: 'The call failed in the EVM; the message names the reason.', remedy: 'Correct the call.' },
  RPC_OUT_OF_COUNTERS: {
    cause: 'The call needs more zk-counters than a batch has; the message names the counter.',
    remedy: 'Split the work.',
  },
  RPC_GAS_ALLOWANCE_EXCEEDED: {
    cause: 'The transaction does not succeed with the gas that is allowed.',
    remedy: 'Raise `gas`, or correct the call.',
  },
  RPC_INSUFFICIENT_FUNDS: {
    cause: 'The sender of an estimate lacks the funds for the value or the gas price.',
    remedy: 'Lower `value` or `gasPrice`.',
  },
  RPC_RECEIPT_TIMEOUT: {
    cause: 'The transaction of eth_sendRawTransactionSync is in the pool but was not included within the time given.',
    remedy: 'Ask for its receipt later; `data` is its hash.',
  },
  RPC_INTERNAL: { cause: 'The node failed to answer; the log has the reason.', remedy: 'Report it with the log if it persists.' },
} as const satisfies Record<string, ErrorEntry>;

/** All codes. */
export const ERROR_CATALOGUE = { ...START, ...ENGINE, ...POOL, ...SEQUENCER, ...RPC } as const;

/** A stable code of the node. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** The codes by part, in the order of `docs/errors.md`. */
export const ERROR_GROUPS: readonly { title: string; codes: Readonly<Record<string, ErrorEntry>> }[] = [
  { title: 'Start and configuration', codes: START },
  { title: 'Engine and database', codes: ENGINE },
  { title: 'Pool', codes: POOL },
  { title: 'Sequencer', codes: SEQUENCER },
  { title: 'JSON-RPC', codes: RPC },
];
