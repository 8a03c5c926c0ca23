/** Reads the configuration from all its sources, and reports all its faults together. */
import { readFileSync } from 'node:fs';
import { CodedError, errorMessage } from '../common/errors.js';
import { adminFaults } from '../rpc/admin-config.js';
import { CONFIG_SCHEMA, type ConfigSections, ENV_PREFIX, NAMED_SETTINGS, type NamedSetting } from './schema.js';

/** Where values come from. */
export interface ConfigSources {
  /** Values of the command line by option name; bare booleans as `true`. */
  readonly options: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Content of the configuration file; null without one. */
  readonly file: unknown;
}

/** Reads the file given with --config. Throws CONFIG_FILE_UNREADABLE. */
export function readConfigFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CodedError(
      `cannot read the configuration file ${path}: ${errorMessage(cause)}`,
      { code: 'CONFIG_FILE_UNREADABLE', path },
      { cause },
    );
  }
}

/** The checked configuration. Throws CONFIG_INVALID with every fault. */
export function loadConfig(sources: ConfigSources): ConfigSections {
  const faults: string[] = [];
  const file = fileSections(sources.file, faults);
  unknownEnv(sources.env, faults);
  unknownOptions(sources.options, faults);
  const config: Record<string, Record<string, unknown>> = {};
  for (const named of NAMED_SETTINGS) {
    let section = config[named.section];
    if (section === undefined) {
      section = {};
      config[named.section] = section;
    }
    section[named.key] = settingValue(named, sources, file, faults);
  }
  const sections = config as unknown as ConfigSections;
  // Relations between settings only make sense when each is sound.
  if (faults.length === 0) checkRelations(sections, faults);
  if (faults.length > 0) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
    throw new CodedError(`the configuration has ${count}: ${faults.join('; ')}`, { code: 'CONFIG_INVALID', faults });
  }
  return sections;
}

type FileSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fileSections(file: unknown, faults: string[]): FileSections {
  if (file === null) return {};
  if (!isObject(file)) {
    faults.push('configuration file: must be an object of sections');
    return {};
  }
  const sections: Record<string, Record<string, unknown>> = {};
  for (const [section, values] of Object.entries(file)) {
    if (!Object.hasOwn(CONFIG_SCHEMA, section)) faults.push(`configuration file: ${section} is no section`);
    else if (!isObject(values)) faults.push(`configuration file: ${section} must be an object`);
    else {
      sections[section] = values;
      const settings = CONFIG_SCHEMA[section as keyof ConfigSections];
      for (const key of Object.keys(values)) {
        if (!Object.hasOwn(settings, key)) faults.push(`configuration file: ${section}.${key} is no setting`);
      }
    }
  }
  return sections;
}

function unknownEnv(env: ConfigSources['env'], faults: string[]): void {
  for (const name of Object.keys(env)) {
    if (name.startsWith(ENV_PREFIX) && !NAMED_SETTINGS.some((named) => named.env === name))
      faults.push(`environment: ${name} is no setting`);
  }
}

function unknownOptions(options: ConfigSources['options'], faults: string[]): void {
  for (const name of options.keys()) {
    if (!NAMED_SETTINGS.some((named) => named.flag === name)) faults.push(`--${name} is no option`);
  }
}

function settingValue(named: NamedSetting, sources: ConfigSources, file: FileSections, faults: string[]): unknown {
  const { setting, section, key, flag, env } = named;
  const attempt = (where: string, read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      faults.push(`${where} ${errorMessage(error)}`);
      return setting.default;
    }
  };
  const option = sources.options.get(flag);
  if (option !== undefined) return attempt(`--${flag}`, () => setting.fromText(option));
  const variable = sources.env[env];
  if (variable !== undefined) return attempt(env, () => setting.fromText(variable));
  const inFile = file[section];
  if (inFile !== undefined && Object.hasOwn(inFile, key)) return attempt(`${section}.${key}`, () => setting.fromJson(inFile[key]));
  return setting.default;
}

function checkRelations({ admin, gasPrice, effectiveGasPrice, sequencer, pool }: ConfigSections, faults: string[]): void {
  faults.push(...adminFaults(admin));
  if (gasPrice.defaultWei < gasPrice.floorWei) {
    faults.push(
      `gasPrice.defaultWei (${gasPrice.defaultWei}) must be at least gasPrice.floorWei (${gasPrice.floorWei}): suggested prices would be refused`,
    );
  }
  if (gasPrice.maxWei > 0n && gasPrice.maxWei < gasPrice.defaultWei)
    faults.push('gasPrice.maxWei must be 0 or at least gasPrice.defaultWei');
  if (gasPrice.mode !== 'fixed' && gasPrice.l1RpcUrl === null) faults.push(`gasPrice.mode ${gasPrice.mode} needs gasPrice.l1RpcUrl`);
  if (effectiveGasPrice.mode === 'breakEven' && gasPrice.l1RpcUrl === null) {
    faults.push('effectiveGasPrice.mode breakEven needs gasPrice.l1RpcUrl: without an L1 price everybody pays the signed price in full');
  }
  if (sequencer.batchMaxAgeMs < sequencer.blockIntervalMs)
    faults.push('sequencer.batchMaxAgeMs must be at least sequencer.blockIntervalMs');
  if (pool.accountTxsMax > pool.txsMax) faults.push('pool.accountTxsMax must be at most pool.txsMax');
  if (pool.txBytesMax > sequencer.batchBytesMax) faults.push('pool.txBytesMax must be at most sequencer.batchBytesMax');
}
