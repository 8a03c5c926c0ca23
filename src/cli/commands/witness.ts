/**
 * `witness BATCH [--out FILE] [--rpc URL]`: a closed batch as a self-contained input of the executor, in the format of the public vectors:
 * `npm run conformance -- FILE` executes it without a database. From a running node over JSON-RPC, else from the data directory.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CodedError, errorMessage } from '../../common/errors.js';
import { composeConfig } from '../../config/config.js';
import { loadGenesis } from '../../config/genesis.js';
import { loadConfig, readConfigFile } from '../../config/load.js';
import { openEngine } from '../../native/index.js';
import { engineOptions } from '../../node.js';
import { parseArguments, usage } from '../arguments.js';
import type { Terminal } from '../terminal.js';

const HELP = `Usage: zkevm-sequencer witness BATCH [options]

Writes a closed batch with all state that it touches as one JSON document, which conformance executes without a database.

Options:
  --out FILE   where to; standard output when missing
  --rpc URL    ask a running node; without it the data directory is opened, which must not be in use

Without --rpc the options of start say which chain and which data directory, for example --data-dir and --genesis.
`;

const RPC_TIMEOUT_MS = 10 * 60_000;

interface Options {
  readonly batch: number;
  readonly out: string | null;
  readonly rpc: string | null;
  /** What is left: options of a node. */
  readonly rest: readonly string[];
}

/** Answers the exit code. */
export async function runWitness(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    terminal.out(HELP);
    return 0;
  }
  const options = parse(args);
  const { rpc, batch, rest, out } = options;
  const json = rpc === null ? await fromDataDirectory(batch, rest, terminal) : await fromNode(rpc, batch);
  if (out === null) terminal.out(`${json}\n`);
  else writeFile(out, `${json}\n`);
  return 0;
}

function parse(args: readonly string[]): Options {
  const values: Record<'out' | 'rpc', string | null> = { out: null, rpc: null };
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const [, name, inline] = /^--(out|rpc)(?:=(.*))?$/.exec(arg) ?? [];
    if (name === undefined) {
      rest.push(arg);
      continue;
    }
    const value = inline ?? args[++at];
    if (value === undefined || value === '') throw usage(`--${name} needs a value`, 'witness');
    values[name as 'out' | 'rpc'] = value;
  }
  const { words, options } = parseArguments(rest);
  const [batch, ...more] = words;
  if (batch === undefined || more.length > 0 || !/^(?:[1-9]\d{0,14}|0x[0-9a-f]{1,12})$/i.test(batch)) {
    throw usage('witness takes the number of one closed batch', 'witness');
  }
  if (values.rpc !== null && options.size > 0) throw usage('--rpc leaves no use for options of a node', 'witness');
  return { ...values, batch: Number(batch), rest, out: values.out === null ? null : resolve(values.out) };
}

async function fromNode(url: string, batch: number): Promise<string> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'zkevm_getProverInput', params: [batch] });
  const headers = { 'content-type': 'application/json' };
  const request = { method: 'POST', headers, body, signal: AbortSignal.timeout(RPC_TIMEOUT_MS) };
  let answer: { result?: unknown; error?: { code: number; message: string } };
  try {
    answer = (await (await fetch(url, request)).json()) as typeof answer;
  } catch (error) {
    throw new CodedError(`no node answers at ${url}: ${errorMessage(error)}`, { code: 'NODE_UNREACHABLE', url }, { cause: error });
  }
  if (answer.error !== undefined || answer.result === undefined) {
    const what = answer.error === undefined ? 'no result' : answer.error.message;
    throw new CodedError(`the node at ${url} refuses: ${what}`, { code: 'NODE_REFUSED', url });
  }
  return JSON.stringify(answer.result);
}

async function fromDataDirectory(batch: number, args: readonly string[], terminal: Terminal): Promise<string> {
  const { options, configFile } = parseArguments(args);
  const file = configFile === null ? null : readConfigFile(configFile);
  const config = composeConfig(loadConfig({ options, env: terminal.env, file }));
  const { directory } = config.data;
  // Opening would make a new one. Every database of RocksDB has this file.
  if (!existsSync(join(directory, 'CURRENT')))
    throw new CodedError(`there is no database in ${directory}`, { code: 'DATA_DIR_MISSING', directory });
  const engine = await openEngine(engineOptions(config, loadGenesis(config.chain)));
  try {
    return await engine.batchWitness(batch, true, config.rpc.proofChangesMax);
  } finally {
    await engine.close();
  }
}

function writeFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CodedError(`${path} cannot be written: ${errorMessage(error)}`, { code: 'OUTPUT_UNWRITABLE', path }, { cause: error });
  }
}
