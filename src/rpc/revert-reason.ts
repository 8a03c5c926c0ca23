/** Reads `Error(string)` and `Panic(uint256)` from revert data, the two that every compiler emits. */

const ERROR_SELECTOR = '08c379a0';
const PANIC_SELECTOR = '4e487b71';
const WORD = 32;

/** Meanings of Solidity's panic codes, in geth's words. */
const PANICS: Readonly<Record<number, string>> = {
  0: 'generic panic',
  1: 'assert(false)',
  17: 'arithmetic underflow or overflow',
  18: 'division or modulo by zero',
  33: 'enum overflow',
  34: 'invalid encoded storage byte array accessed',
  49: 'out-of-bounds array access; popping on an empty array',
  50: 'out-of-bounds access of an array or bytesN',
  65: 'out of memory',
  81: 'uninitialized function',
};

/** The reason in words; null where the data is neither or is malformed. */
export function revertReason(output: Buffer): string | null {
  if (output.length < 4) return null;
  const selector = output.toString('hex', 0, 4);
  const body = output.subarray(4);
  if (selector === ERROR_SELECTOR) return errorString(body);
  if (selector === PANIC_SELECTOR) return panic(body);
  return null;
}

function errorString(body: Buffer): string | null {
  const offset = word(body, 0);
  const length = offset === null ? null : word(body, offset);
  if (offset === null || length === null) return null;
  const start = offset + WORD;
  return start + length > body.length ? null : body.toString('utf8', start, start + length);
}

function panic(body: Buffer): string | null {
  const code = word(body, 0);
  if (code === null) return null;
  return PANICS[code] ?? `unknown panic code: 0x${code.toString(16)}`;
}

/** A word that is an offset or a length inside the data; null where it cannot be one. */
function word(body: Buffer, at: number): number | null {
  if (at + WORD > body.length) return null;
  const high = body.subarray(at, at + WORD - 4);
  return high.every((byte) => byte === 0) ? body.readUInt32BE(at + WORD - 4) : null;
}
