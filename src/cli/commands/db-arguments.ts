/** The command line of `db`: options of its own, and those of the configuration that say where the database is. */
import { loadConfig, readConfigFile } from '../../config/load.js';
import { parseArguments, usage } from '../arguments.js';

export interface DbArguments {
  /** The word after `db`. */
  readonly command: string;
  /** Folders that the command names. */
  readonly words: readonly string[];
  readonly help: boolean;
  /** Report as one line of JSON. */
  readonly json: boolean;
  /** Text of --keep. */
  readonly keep: string | null;
  readonly dataDir: string;
  readonly cacheBytes: number;
  /** Blocks whose state the configuration keeps; null = all. */
  readonly history: number | null;
}

/** Throws CLI_USAGE, or the faults of the configuration. */
export function parseDbArguments(args: readonly string[], env: Readonly<Record<string, string | undefined>>): DbArguments {
  const rest: string[] = [];
  let json = false;
  let keep: string | null = null;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--json') json = true;
    else if (arg.startsWith('--keep=')) keep = arg.slice('--keep='.length);
    else if (arg === '--keep') {
      at++;
      const value = args[at];
      if (value === undefined) throw usage('--keep needs a value');
      keep = value;
    } else rest.push(arg);
  }
  const { words, options, configFile, help } = parseArguments(rest);
  const [command = '', ...folders] = words;
  if (help || command === 'help') {
    return { command, words: folders, help: true, json, keep, dataDir: '', cacheBytes: 0, history: null };
  }
  const { data } = loadConfig({ options, env, file: configFile === null ? null : readConfigFile(configFile) });
  return {
    command,
    words: folders,
    help: false,
    json,
    keep,
    dataDir: data.directory,
    cacheBytes: data.cacheBytes,
    history: data.history,
  };
}
