/** Reads the command line: a command, and options as `--name value`, `--name=value`, `--name` (on) and `--no-name` (off). */
import { CodedError } from '../common/errors.js';
import { FLAG_ALIASES, NAMED_SETTINGS } from '../config/schema.js';

export interface Arguments {
  /** Words that are no options, e.g. `['config', 'docs']`. */
  readonly words: readonly string[];
  /** Options of the configuration by name. */
  readonly options: ReadonlyMap<string, string>;
  /** File given with --config. */
  readonly configFile: string | null;
  readonly help: boolean;
  readonly version: boolean;
}

const TOGGLES: ReadonlySet<string> = new Set(NAMED_SETTINGS.filter(({ setting }) => setting.kind === 'boolean').map(({ flag }) => flag));

/** Throws CLI_USAGE for what cannot be read; names and values are checked with the rest of the configuration. */
export function parseArguments(args: readonly string[]): Arguments {
  const words: string[] = [];
  const options = new Map<string, string>();
  let [configFile, help, version]: [string | null, boolean, boolean] = [null, false, false];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '-h' || arg === '--help') help = true;
    else if (arg === '-V' || arg === '--version') version = true;
    else if (!arg.startsWith('-')) words.push(arg);
    else {
      const option = readOption(arg, args[at + 1]);
      if (option.tookNext) at++;
      const name = FLAG_ALIASES[option.name] ?? option.name;
      if (name === 'config') configFile = option.value;
      else if (options.has(name)) throw usage(`--${name} is given twice`);
      else options.set(name, option.value);
    }
  }
  return { words, options, configFile, help, version };
}

function readOption(arg: string, next: string | undefined): { name: string; value: string; tookNext: boolean } {
  if (!arg.startsWith('--') || arg === '--') throw usage(`${arg} is no option`);
  const equals = arg.indexOf('=');
  if (equals > 0) return { name: arg.slice(2, equals), value: arg.slice(equals + 1), tookNext: false };
  const name = arg.slice(2);
  if (TOGGLES.has(name)) return { name, value: 'true', tookNext: false };
  if (name.startsWith('no-') && TOGGLES.has(name.slice(3))) return { name: name.slice(3), value: 'false', tookNext: false };
  if (next === undefined || next.startsWith('--')) {
    // An unknown name is reported as such, with the other faults of the configuration.
    if (!isKnown(name)) return { name, value: '', tookNext: false };
    throw usage(`--${name} needs a value`);
  }
  return { name, value: next, tookNext: true };
}

function isKnown(name: string): boolean {
  return name === 'config' || Object.hasOwn(FLAG_ALIASES, name) || NAMED_SETTINGS.some(({ flag }) => flag === name);
}

/** A command line that cannot be understood; `command` is the one whose help explains it, where it has one of its own. */
export function usage(message: string, command?: 'db' | 'replay' | 'witness'): CodedError {
  const help = ['zkevm-sequencer', command, '--help'].filter((word) => word !== undefined).join(' ');
  return new CodedError(`${message}: see ${help}`, { code: 'CLI_USAGE' });
}
