/** Settings from the defaults and ranges that a component declares as plain constants (pool, sequencer). */
import type { NumberRule } from '../pool/config.js';
import { integer, type Setting, type Settings, wei } from './setting.js';

/** Components state whole numbers and wei alike; the default tells which. */
function fromRule(rule: NumberRule, value: number | bigint, flag: string | undefined): Setting<number> | Setting<bigint> {
  const doc = `${rule.help} Unit: ${rule.unit}.`;
  const named = flag === undefined ? {} : { flag };
  if (typeof value === 'bigint') return wei({ doc, default: value, min: BigInt(rule.min), max: BigInt(rule.max), ...named });
  return integer({ doc, default: value, min: Number(rule.min), max: Number(rule.max), ...named });
}

/** Settings of the fields that have a rule. `flags` names them on the command line where the derived name does not do. */
export function ruledSettings<C extends object, K extends keyof C & string>(
  defaults: C,
  rules: Readonly<Record<K, NumberRule>>,
  flags: Partial<Record<K, string>> = {},
): Settings<Pick<C, K>> {
  const settings: Partial<Record<K, unknown>> = {};
  for (const name of Object.keys(rules) as K[]) {
    const value = defaults[name];
    if (typeof value !== 'number' && typeof value !== 'bigint')
      throw new TypeError(`setting ${name} has a rule for numbers but no number as default`);
    settings[name] = fromRule(rules[name], value, flags[name]);
  }
  return settings as Settings<Pick<C, K>>;
}
