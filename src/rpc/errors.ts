/**
 * The one place where JSON-RPC error numbers live. The table is total over the node's codes: a new code does not compile until it has a
 * number here. What a client may read is decided here too: faults of the node show their code only, never paths or internals.
 */
import type { ErrorCode } from '../common/error-catalogue.js';
import { CodedError, errorCode, errorMessage } from '../common/errors.js';

/** Numbers of JSON-RPC 2.0, EIP-1474 and geth. */
export const RPC_CODE = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  server: -32000,
  limitExceeded: -32005,
  reverted: 3,
  receiptTimeout: 4,
} as const;

/** How a code is answered: its number, and `own` message, a fixed one, or none but the code (`internal`). */
interface RpcRule {
  readonly number: number;
  readonly say: 'own' | 'internal' | { readonly text: string };
}

const own = (number: number): RpcRule => ({ number, say: 'own' });
const fixed = (number: number, text: string): RpcRule => ({ number, say: { text } });
const SERVER = own(RPC_CODE.server);
const PARAMS = own(RPC_CODE.invalidParams);
const INTERNAL: RpcRule = { number: RPC_CODE.internal, say: 'internal' };

/** JSON-RPC number and message of every code. */
export const RPC_RULES: Readonly<Record<ErrorCode, RpcRule>> = {
  // Faults at start cannot reach a client; should one do so, it is a fault of the node.
  CLI_USAGE: INTERNAL,
  CONFIG_INVALID: INTERNAL,
  NODE_UNREACHABLE: INTERNAL,
  NODE_REFUSED: INTERNAL,
  OUTPUT_UNWRITABLE: INTERNAL,
  CONFIG_FILE_UNREADABLE: INTERNAL,
  RECORDING_UNREADABLE: INTERNAL,
  RECORDING_BASE_MISSING: INTERNAL,
  GENESIS_UNREADABLE: INTERNAL,
  GENESIS_INVALID: INTERNAL,
  GENESIS_ROOT_MISMATCH: INTERNAL,
  GENESIS_DIFFERS: INTERNAL,
  FORK_NOT_SUPPORTED: INTERNAL,
  DATA_DIR_LOCKED: INTERNAL,
  DATA_DIR_UNWRITABLE: INTERNAL,
  DATA_DIR_FORMAT_NEWER: INTERNAL,
  DATA_DIR_MISSING: INTERNAL,
  ADDON_UNAVAILABLE: INTERNAL,
  LAYOUT_MISMATCH: INTERNAL,
  RPC_TRANSPORT_UNAVAILABLE: INTERNAL,
  RPC_PORT_IN_USE: INTERNAL,
  RPC_LISTEN_FAILED: INTERNAL,
  BATCH_LIMITS_INVALID: INTERNAL,

  STATE_DB_CORRUPT: INTERNAL,
  STATE_DB_POISONED: INTERNAL,
  STATE_DB_IO: INTERNAL,
  ENGINE_BUSY: INTERNAL,
  LAYOUT_INVALID: INTERNAL,
  STATE_TREE_FAILED: INTERNAL,
  EXECUTOR_FAILED: INTERNAL,
  INTERNAL_PANIC: INTERNAL,
  SNAPSHOT_INVALID: INTERNAL,
  ROLLBACK_REFUSED: SERVER,
  SNAPSHOT_EXISTS: SERVER,
  SNAPSHOT_IO: SERVER,
  SNAPSHOT_DISABLED: SERVER,
  ENGINE_CLOSED: fixed(RPC_CODE.server, 'sequencer halted: the node is shutting down'),
  STATE_PRUNED: SERVER,
  STATE_TOO_OLD: own(RPC_CODE.limitExceeded),
  // Thrown by the verifier, which no method calls.
  PROOF_INVALID: INTERNAL,
  BATCH_NOT_CLOSED: SERVER,
  WITNESS_INCOMPLETE: INTERNAL,
  BLOCK_NOT_FOUND: fixed(RPC_CODE.server, 'header not found'),
  LOGS_TOO_MANY: own(RPC_CODE.limitExceeded),
  CALL_INVALID: PARAMS,
  TRACE_TOO_LARGE: own(RPC_CODE.limitExceeded),
  CALL_TIMEOUT: fixed(RPC_CODE.server, 'execution timeout'),

  TX_RLP_INVALID: PARAMS,
  TX_TYPE_NOT_SUPPORTED: SERVER,
  TX_SIGNATURE_INVALID: SERVER,
  TX_CHAIN_ID_INVALID: SERVER,
  TX_NOT_REPLAY_PROTECTED: SERVER,
  TX_FIELD_OVERFLOW: SERVER,
  TX_TOO_LARGE: SERVER,
  TX_INIT_CODE_TOO_LARGE: SERVER,
  TX_NONCE_TOO_LOW: SERVER,
  TX_NONCE_TOO_HIGH: SERVER,
  TX_NONCE_MAX: SERVER,
  TX_ALREADY_KNOWN: SERVER,
  TX_REPLACEMENT_UNDERPRICED: SERVER,
  TX_INSUFFICIENT_FUNDS: SERVER,
  TX_INTRINSIC_GAS_TOO_LOW: SERVER,
  TX_GAS_LIMIT_EXCEEDED: SERVER,
  TX_UNDERPRICED: SERVER,
  TX_FEE_CAP_EXCEEDED: SERVER,
  TX_OUT_OF_COUNTERS: SERVER,
  TX_EXECUTION_FAILED: SERVER,
  TX_SENDER_BLOCKED: SERVER,
  TX_DEPLOY_NOT_ALLOWED: SERVER,
  TX_SENDER_NOT_EOA: SERVER,
  POOL_FULL: SERVER,
  POOL_ACCOUNT_LIMIT: SERVER,
  SEQUENCER_HALTED: SERVER,
  SEQUENCER_UNAVAILABLE: SERVER,

  RPC_PARSE_ERROR: own(RPC_CODE.parse),
  RPC_INVALID_REQUEST: own(RPC_CODE.invalidRequest),
  RPC_METHOD_NOT_FOUND: own(RPC_CODE.methodNotFound),
  RPC_INVALID_PARAMS: PARAMS,
  RPC_BODY_TOO_LARGE: own(RPC_CODE.invalidRequest),
  RPC_RESPONSE_TOO_LARGE: own(RPC_CODE.limitExceeded),
  RPC_LIMIT_EXCEEDED: own(RPC_CODE.limitExceeded),
  RPC_RATE_LIMITED: own(RPC_CODE.limitExceeded),
  ADMIN_NOT_POSSIBLE: SERVER,
  RPC_HEADER_NOT_FOUND: SERVER,
  RPC_TAG_NOT_FOUND: SERVER,
  RPC_UNKNOWN_BLOCK: SERVER,
  RPC_TRANSACTION_NOT_FOUND: SERVER,
  RPC_FILTER_NOT_FOUND: SERVER,
  RPC_NOTIFICATIONS_UNSUPPORTED: own(RPC_CODE.methodNotFound),
  RPC_EXECUTION_REVERTED: own(RPC_CODE.reverted),
  RPC_EXECUTION_FAILED: SERVER,
  RPC_OUT_OF_COUNTERS: SERVER,
  RPC_GAS_ALLOWANCE_EXCEEDED: SERVER,
  RPC_INSUFFICIENT_FUNDS: SERVER,
  RPC_RECEIPT_TIMEOUT: own(RPC_CODE.receiptTimeout),
  RPC_INTERNAL: INTERNAL,
};

/** The `error` member of an answer. */
export interface RpcErrorObject {
  readonly code: number;
  readonly message: string;
  /** Hex of revert data, or the hash that a receipt was waited for. */
  readonly data?: string;
}

/** An error that a method answers. `data` is the hex of revert data. */
export function rpcError(code: ErrorCode, message: string, data?: string): CodedError {
  return new CodedError(message, data === undefined ? { code } : { code, data });
}

/** `invalid argument I: what`. */
export function invalidArgument(index: number, what: string): CodedError {
  return rpcError('RPC_INVALID_PARAMS', `invalid argument ${index}: ${what}`);
}

/** True for failures that are faults of the node rather than of the request: they are logged. */
export function isInternal(error: unknown): boolean {
  return ruleOf(error).say === 'internal';
}

/** The answer to a failure of any origin. */
export function toRpcError(error: unknown): RpcErrorObject {
  const rule = ruleOf(error);
  if (rule.say === 'internal') {
    const code = errorCode(error);
    return { code: rule.number, message: code !== undefined && code in RPC_RULES ? `internal error: ${code}` : 'internal error' };
  }
  const message = rule.say === 'own' ? errorMessage(error) : rule.say.text;
  const data = error instanceof CodedError ? error.facts['data'] : undefined;
  return typeof data === 'string' ? { code: rule.number, message, data } : { code: rule.number, message };
}

function ruleOf(error: unknown): RpcRule {
  const code = errorCode(error);
  return code !== undefined && Object.hasOwn(RPC_RULES, code) ? RPC_RULES[code as ErrorCode] : INTERNAL;
}
