/**
 * Contracts that use up one counter each, written by hand: a loop whose body is paid mostly in that counter. The calldata is the number of
 * rounds, so that one contract makes transactions of any size.
 */
import type { CounterName } from '../../src/native/layouts.js';

/** Bytes of memory that hashes run over. */
const LONG = '4000';
/** Deployed code is filled up to this where its own length is what is paid for: the limit of the protocol. */
const CODE_BYTES_MAX = 0x6000;

interface Shape {
  /** One round; leaves the stack as it was. */
  readonly body: string;
  readonly codeBytes?: number;
}

/** `STATICCALL` of a precompile over the first `length` bytes of memory, its answer thrown away. */
const precompile = (address: string, length: string): string => `60006000${length}600060${address}5afa50`;

const SHAPES: Readonly<Record<CounterName, Shape>> = {
  // JUMPDEST: nothing but steps.
  steps: { body: '5b'.repeat(1_000) },
  // A multiplication on the curve of precompile 7: 20,052 arithmetics at once.
  arith: { body: precompile('07', '6060') },
  // SAR: ten binaries each.
  binary: { body: `6001${'801d'.repeat(200)}50` },
  // EXTCODECOPY aligns twice for each byte, also where there is no code.
  memAlign: { body: '610c006000600060003c' },
  keccaks: { body: `61${LONG}60002050` },
  // EXTCODECOPY of one byte hashes the whole code of its target: itself.
  padding: { body: '600160006000303c'.repeat(10), codeBytes: CODE_BYTES_MAX },
  // SLOAD walks the tree.
  poseidon: { body: '60005450'.repeat(50) },
  sha256: { body: precompile('02', '610400') },
};

const hex4 = (value: number): string => value.toString(16).padStart(4, '0');

/** Init code of the contract that exhausts a counter. */
export function exhausting(counter: CounterName): string {
  const { body, codeBytes } = SHAPES[counter];
  // n = calldata[0]; do { body } while (--n)
  const runtime = `6000355b${body}60019003806100035700`;
  const length = runtime.length / 2;
  const headBytes = 15;
  return `0x61${hex4(length)}61${hex4(headBytes)}60003961${hex4(codeBytes ?? length)}6000f3${runtime}`;
}

/** Calldata for so many rounds. */
export function rounds(count: number): string {
  return `0x${count.toString(16).padStart(64, '0')}`;
}
