/** Randomness from one seed, which is printed: the same seed gives the same run. */

export interface Random {
  readonly seed: number;
  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number;
}

/** The seed comes from ZKEVM_SEED where it is set. */
export function random(): Random {
  const seed = Number(process.env['ZKEVM_SEED'] ?? Date.now() % 0xffff_ffff) >>> 0;
  let state = seed;
  // mulberry32: small, and good enough to choose moments.
  const next = () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, between: (min, max) => min + Math.floor(next() * (max - min + 1)) };
}
