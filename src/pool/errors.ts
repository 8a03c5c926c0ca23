/**
 * Every reason for which the pool refuses a transaction: the stable code and the exact message prefix that clients match on. JSON-RPC
 * numbers are not decided here; `rpc/errors` maps the codes.
 */
import type { ErrorCode } from '../common/error-catalogue.js';
import { CodedError, type ErrorFacts } from '../common/errors.js';
import { formatEther } from './units.js';

/** Codes of pool refusals: the rows of the error catalogue that concern admission. */
export type PoolErrorCode = Extract<ErrorCode, `TX_${string}` | `POOL_${string}` | 'SEQUENCER_HALTED'>;

/** Facts of a refusal. */
export interface PoolErrorFacts extends ErrorFacts {
  readonly code: PoolErrorCode;
}

/** A refused transaction: expected, one for each item of a group, never a fault of the node. */
export class PoolError extends CodedError<PoolErrorFacts> {
  constructor(code: PoolErrorCode, message: string) {
    // A flood is refused thousands of times a second: where in this program is of no use, and would be most of its cost.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, { code });
    Error.stackTraceLimit = limit;
    this.name = 'PoolError';
  }
}

/** In a flood this is what nearly everybody hears: one object says it to all of them. */
const FULL = new PoolError('POOL_FULL', 'txpool is full');

/** Message builders; each result starts with the prefix that clients know. */
export const poolErrors = {
  rlpInvalid: () => new PoolError('TX_RLP_INVALID', 'invalid tx input'),
  typeNotSupported: () =>
    new PoolError(
      'TX_TYPE_NOT_SUPPORTED',
      'transaction type not supported: transaction type not valid, only legacy transactions are accepted',
    ),
  signatureInvalid: () => new PoolError('TX_SIGNATURE_INVALID', 'invalid sender'),
  fieldOverflow: () => new PoolError('TX_FIELD_OVERFLOW', 'gas uint64 overflow'),
  tooLarge: (size: number, limit: number) => new PoolError('TX_TOO_LARGE', `oversized data: transaction size ${size}, limit ${limit}`),
  initCodeTooLarge: (size: number, limit: number) =>
    new PoolError('TX_INIT_CODE_TOO_LARGE', `max initcode size exceeded: code size ${size} limit ${limit}`),
  chainId: (have: bigint, want: bigint) => new PoolError('TX_CHAIN_ID_INVALID', `invalid chain id for signer: have ${have} want ${want}`),
  notReplayProtected: () => new PoolError('TX_NOT_REPLAY_PROTECTED', 'only replay-protected (EIP-155) transactions allowed over RPC'),
  nonceMax: () => new PoolError('TX_NONCE_MAX', 'nonce has max value'),
  gasLimit: (gas: bigint, limit: number) => new PoolError('TX_GAS_LIMIT_EXCEEDED', `exceeds block gas limit: gas ${gas}, limit ${limit}`),
  intrinsicGas: (gas: bigint, minimum: number) =>
    new PoolError('TX_INTRINSIC_GAS_TOO_LOW', `intrinsic gas too low: gas ${gas}, minimum needed ${minimum}`),
  senderBlocked: () => new PoolError('TX_SENDER_BLOCKED', 'sender blocked'),
  deployForbidden: () => new PoolError('TX_DEPLOY_NOT_ALLOWED', 'sender not allowed to deploy contracts'),
  alreadyKnown: () => new PoolError('TX_ALREADY_KNOWN', 'already known'),
  halted: (reason: string) => new PoolError('SEQUENCER_HALTED', `sequencer halted: ${reason}`),
  full: () => FULL,
  underpriced: (price: bigint, minimum: bigint) =>
    new PoolError('TX_UNDERPRICED', `transaction underpriced: gas price ${price}, minimum needed ${minimum}`),
  claimNotFree: (minimum: bigint, rule: string) =>
    new PoolError('TX_UNDERPRICED', `transaction underpriced: gas price 0, minimum needed ${minimum}: a claim is free only if ${rule}`),
  feeCap: (fee: bigint, cap: bigint) =>
    new PoolError('TX_FEE_CAP_EXCEEDED', `tx fee (${formatEther(fee)} ether) exceeds the configured cap (${formatEther(cap)} ether)`),
  nonceTooLow: (next: number, nonce: number) => new PoolError('TX_NONCE_TOO_LOW', `nonce too low: next nonce ${next}, tx nonce ${nonce}`),
  nonceInOpenBlock: () => new PoolError('TX_NONCE_TOO_LOW', 'nonce too low: transaction with this nonce is already in the open block'),
  nonceTooHigh: (next: number, nonce: bigint | number) =>
    new PoolError('TX_NONCE_TOO_HIGH', `nonce too high: next nonce ${next}, tx nonce ${nonce}`),
  accountLimit: (limit: number) => new PoolError('POOL_ACCOUNT_LIMIT', `account limit exceeded: limit ${limit}`),
  senderNotEoa: () => new PoolError('TX_SENDER_NOT_EOA', 'sender not an eoa'),
  insufficientFunds: (balance: bigint, cost: bigint) =>
    new PoolError(
      'TX_INSUFFICIENT_FUNDS',
      `insufficient funds for gas * price + value: balance ${balance}, tx cost ${cost}, overshot ${cost - balance}`,
    ),
  replacementUnderpriced: (price: bigint, minimum: bigint) =>
    new PoolError('TX_REPLACEMENT_UNDERPRICED', `replacement transaction underpriced: gas price ${price}, minimum needed ${minimum}`),
  outOfCounters: (key: string, used: number, limit: number) =>
    new PoolError('TX_OUT_OF_COUNTERS', `out of counters: ${key} used ${used} limit ${limit}`),
  preExecutionFailed: () => new PoolError('TX_EXECUTION_FAILED', 'internal error: pre-execution failed'),
  belowBreakEven: (price: bigint, breakEven: bigint) =>
    new PoolError('TX_UNDERPRICED', `transaction underpriced: effective gas price: gas price ${price} below break-even ${breakEven}`),
} as const;
