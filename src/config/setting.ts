/**
 * One setting: its documentation, default, range, and how it is read from JSON or text. A component's `config.ts` declares its settings as
 * `Settings<XConfig>`; the loader, the command line and `docs/config.md` derive from them.
 */

/** A setting of type T. */
export interface Setting<T> {
  /** What it does, one sentence. */
  readonly doc: string;
  readonly default: T;
  /** Kind of value for the documentation: `integer`, `boolean`, ... */
  readonly kind: string;
  /** Allowed values for the documentation. */
  readonly range: string;
  /** Command line name without dashes, where it is not derived from section and key. */
  readonly flag?: string;
  /** Checks a value from a JSON file. Throws RangeError that says what is expected. */
  fromJson(value: unknown): T;
  /** Checks a value from the command line or the environment. Throws RangeError that says what is expected. */
  fromText(text: string): T;
  /** The default as it would be written in a JSON file. */
  defaultText(): string;
}

/** The settings of a component, one for each field of its configuration. */
export type Settings<C> = { readonly [K in keyof C]-?: Setting<C[K]> };

interface Common<T> {
  doc: string;
  default: T;
  flag?: string;
}

type Kind<T> = Pick<Setting<T>, 'kind' | 'range' | 'fromJson' | 'fromText'>;

function setting<T>(options: Common<T>, kind: Kind<T>): Setting<T> {
  const { doc, flag } = options;
  return {
    doc,
    default: options.default,
    ...(flag === undefined ? {} : { flag }),
    ...kind,
    defaultText: () =>
      JSON.stringify(options.default, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)) ?? 'null',
  };
}

/** A whole number within `min` and `max`, both included. */
export function integer(options: Common<number> & { min: number; max: number }): Setting<number> {
  const { min, max } = options;
  const check = (value: unknown): number => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new RangeError(`must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
  return setting(options, {
    kind: 'integer',
    range: `${min} to ${max}`,
    fromJson: check,
    fromText: (text) => check(/^\d+$/.test(text) ? Number(text) : text),
  });
}

/** A number with fractions within `min` and `max`, both included. */
export function decimal(options: Common<number> & { min: number; max: number }): Setting<number> {
  const { min, max } = options;
  const check = (value: unknown): number => {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
      throw new RangeError(`must be a number from ${min} to ${max}`);
    }
    return value;
  };
  return setting(options, {
    kind: 'number',
    range: `${min} to ${max}`,
    fromJson: check,
    fromText: (text) => check(/^\d+(\.\d+)?$/.test(text) ? Number(text) : text),
  });
}

/** An amount in wei: a decimal string, or a whole number that JSON can hold. */
export function wei(options: Common<bigint> & { min?: bigint; max?: bigint }): Setting<bigint> {
  const min = options.min ?? 0n;
  const max = options.max ?? (1n << 128n) - 1n;
  const check = (value: unknown): bigint => {
    const digits = typeof value === 'string' && /^\d+$/.test(value);
    const whole = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
    const amount = digits || whole ? BigInt(value) : -1n;
    if (amount < min || amount > max) throw new RangeError(`must be an amount in wei from ${min} to ${max}, as a decimal string`);
    return amount;
  };
  return setting(options, { kind: 'wei', range: `${min} to ${max}`, fromJson: check, fromText: check });
}

/** On or off. On the command line the bare option means on; `--name=false` or `--no-name` means off. */
export function toggle(options: Common<boolean>): Setting<boolean> {
  return setting(options, {
    kind: 'boolean',
    range: 'true, false',
    fromJson(value) {
      if (typeof value !== 'boolean') throw new RangeError('must be true or false');
      return value;
    },
    fromText(text) {
      if (text !== 'true' && text !== 'false') throw new RangeError('must be true or false');
      return text === 'true';
    },
  });
}

/** One of a few words. */
export function choice<const T extends string>(options: Common<T> & { of: readonly T[] }): Setting<T> {
  const check = (value: unknown): T => {
    const found = options.of.find((word) => word === value);
    if (found === undefined) throw new RangeError(`must be one of ${options.of.join(', ')}`);
    return found;
  };
  return setting(options, { kind: 'word', range: options.of.join(', '), fromJson: check, fromText: check });
}

/** How many old states are kept: `archive` (null), `none` (0) or a number of blocks. */
export function historyBlocks(options: Common<number | null> & { max: number }): Setting<number | null> {
  const { max } = options;
  const check = (value: unknown): number | null => {
    if (value === 'archive') return null;
    if (value === 'none') return 0;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max) return value;
    throw new RangeError(`must be archive, none or a number of blocks up to ${max}`);
  };
  return {
    ...setting(options, {
      kind: 'blocks',
      range: `archive, none, 0 to ${max}`,
      fromJson: check,
      fromText: (text) => check(/^\d+$/.test(text) ? Number(text) : text),
    }),
    defaultText: () => JSON.stringify(options.default ?? 'archive'),
  };
}

/** Text that is not empty, e.g. a path or a host. */
export function text(options: Common<string>): Setting<string> {
  const check = (value: unknown): string => {
    if (typeof value !== 'string' || value === '') throw new RangeError('must be text');
    return value;
  };
  return setting(options, { kind: 'text', range: 'not empty', fromJson: check, fromText: check });
}

/** Text that may be absent. */
export function optionalText(options: Common<string | null>): Setting<string | null> {
  const check = (value: unknown): string | null => {
    if (value === null) return null;
    if (typeof value !== 'string' || value === '') throw new RangeError('must be text or null');
    return value;
  };
  return setting(options, { kind: 'text', range: 'not empty, or null', fromJson: check, fromText: check });
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** An address that may be absent; kept in lower case. */
export function optionalAddress(options: Common<string | null>): Setting<string | null> {
  const check = (value: unknown): string | null => {
    if (value === null) return null;
    if (typeof value !== 'string' || !ADDRESS.test(value)) throw new RangeError('must be a 0x address of 20 bytes');
    return value.toLowerCase();
  };
  return setting(options, { kind: 'address', range: '20 bytes as 0x hex, or null', fromJson: check, fromText: check });
}

/** A list of words; comma separated on the command line. `of` limits the words. */
export function list(options: Common<readonly string[]> & { of?: readonly string[] }): Setting<readonly string[]> {
  const { of } = options;
  const check = (value: unknown): readonly string[] => {
    const words = Array.isArray(value) && value.every((word) => typeof word === 'string' && word !== '') ? (value as string[]) : null;
    if (words === null) throw new RangeError('must be a list of texts');
    const strange = of === undefined ? undefined : words.find((word) => !of.includes(word));
    if (strange !== undefined) throw new RangeError(`has ${JSON.stringify(strange)}, which is none of ${of?.join(', ')}`);
    return words;
  };
  return setting(options, {
    kind: 'list',
    range: of === undefined ? 'texts' : of.join(', '),
    fromJson: check,
    fromText: (words) => check(words === '' ? [] : words.split(',').map((word) => word.trim())),
  });
}

/** A list of addresses; comma separated on the command line; kept in lower case. */
export function addressList(options: Common<readonly string[]>): Setting<readonly string[]> {
  const check = (value: unknown): readonly string[] => {
    if (!Array.isArray(value) || !value.every((word) => typeof word === 'string' && ADDRESS.test(word))) {
      throw new RangeError('must be a list of 0x addresses of 20 bytes');
    }
    return (value as string[]).map((address) => address.toLowerCase());
  };
  return setting(options, {
    kind: 'list of addresses',
    range: '20 bytes as 0x hex each',
    fromJson: check,
    fromText: (words) => check(words === '' ? [] : words.split(',').map((word) => word.trim())),
  });
}
