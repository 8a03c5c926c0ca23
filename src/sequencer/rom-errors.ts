/** ROM error numbers that decide what becomes of a transaction; the rest only matters for receipts. */

/** Number of an outcome without an error. */
export const ROM_NO_ERROR = 1;

/** Intrinsic errors: the transaction is skipped and changes no state. */
export const INTRINSIC_ERRORS: Readonly<Record<number, string>> = {
  20: 'INTRINSIC_INVALID_SIGNATURE',
  21: 'INTRINSIC_INVALID_CHAIN_ID',
  22: 'INTRINSIC_INVALID_NONCE',
  23: 'INTRINSIC_INVALID_GAS_LIMIT',
  24: 'INTRINSIC_INVALID_BALANCE',
  25: 'INTRINSIC_INVALID_BATCH_GAS_LIMIT',
  26: 'INTRINSIC_INVALID_SENDER_CODE',
  27: 'INTRINSIC_TX_GAS_OVERFLOW',
};

/** The nonce is not the sender's next one. */
export const ROM_INVALID_NONCE = 22;
/** The balance does not cover gas and value. */
export const ROM_INVALID_BALANCE = 24;
