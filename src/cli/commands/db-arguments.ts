/** The command line of `db`: options of its own, and those of the configuration that say where the database is. */
import { loadConfig, readConfigFile } from '../../config/load.js';
import { parseArguments, usage } from '../arguments.js';

/** Options that only `db` has. */
interface OwnOptions {
  /** Report as one line of JSON. */
  readonly json: boolean;
  /** What cannot be undone is meant. */
  readonly yes: boolean;
  /** Text of --keep. */
  readonly keep: string | null;
  /** Text of --to-batch. */
  readonly toBatch: string | null;
}

export interface DbArguments extends OwnOptions {
  /** The word after `db`. */
  readonly command: string;
  /** Folders that the command names. */
  readonly words: readonly string[];
  readonly help: boolean;
  readonly dataDir: string;
  readonly cacheBytes: number;
  /** Blocks whose state the configuration keeps; null = all. */
  readonly history: number | null;
}

/** Throws CLI_USAGE, or the faults of the configuration. */
export function parseDbArguments(args: readonly string[], env: Readonly<Record<string, string | undefined>>): DbArguments {
  const own = takeOwnOptions(args);
  const { words, options, configFile, help } = parseArguments(own.rest);
  const [command = '', ...folders] = words;
  if (help || command === 'help') {
    return { command, words: folders, help: true, ...own, dataDir: '', cacheBytes: 0, history: null };
  }
  const { data } = loadConfig({ options, env, file: configFile === null ? null : readConfigFile(configFile) });
  return {
    command,
    words: folders,
    help: false,
    ...own,
    dataDir: data.directory,
    cacheBytes: data.cacheBytes,
    history: data.history,
  };
}

/** Takes the options of `db` out of the command line. */
function takeOwnOptions(args: readonly string[]): OwnOptions & { readonly rest: readonly string[] } {
  const rest: string[] = [];
  const texts = new Map<string, string>();
  let [json, yes] = [false, false];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const name = TEXT_OPTIONS.find((option) => arg === option || arg.startsWith(`${option}=`));
    if (arg === '--json') json = true;
    else if (arg === '--yes') yes = true;
    else if (name === undefined) rest.push(arg);
    else if (arg !== name) texts.set(name, arg.slice(name.length + 1));
    else {
      at++;
      const value = args[at];
      if (value === undefined) throw usage(`${name} needs a value`, 'db');
      texts.set(name, value);
    }
  }
  return { json, yes, keep: texts.get('--keep') ?? null, toBatch: texts.get('--to-batch') ?? null, rest };
}

const TEXT_OPTIONS = ['--keep', '--to-batch'] as const;
