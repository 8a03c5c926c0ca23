/** Choices from one seed. */

/** The seed of a test: ZKEVM_SEED where it is set, else always the same. Whoever asks prints it. */
export function seedOr(usual: number): number {
  const given = process.env['ZKEVM_SEED'];
  if (given === undefined) return usual;
  if (!/^\d{1,10}$/.test(given)) throw new RangeError(`ZKEVM_SEED is not a number of up to ten digits: ${given}`);
  return Number(given);
}

/** A seed that differs from run to run, unless ZKEVM_SEED is set: for long runs, which look for what nobody has seen. */
export function freshSeed(): number {
  return seedOr(Date.now() % 0xffff_ffff);
}

export class Seeded {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to but not including 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
