/** Commands of `zkevm-sequencer`. An expected failure is one sentence with its code; a stack is for faults of the program only. */

import { ERROR_CATALOGUE } from '../common/error-catalogue.js';
import { errorCode, errorMessage } from '../common/errors.js';
import { configDocs } from '../config/docs.js';
import { VERSION } from '../version.js';
import { parseArguments, usage } from './arguments.js';
import { runDb } from './commands/db.js';
import { runReplay } from './commands/replay.js';
import { runStart } from './commands/start.js';
import { runWitness } from './commands/witness.js';
import { errorDocs } from './error-docs.js';
import { helpText } from './help.js';
import type { Terminal } from './terminal.js';

/** Runs one command line; answers the exit code. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await run(args, terminal);
  } catch (error) {
    terminal.err(`${failureText(error)}\n`);
    return 1;
  }
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  // Its options are its own, not settings of a node.
  if (args[0] === 'replay') return runReplay(args.slice(1), terminal);
  if (args[0] === 'db') return runDb(args.slice(1), terminal);
  if (args[0] === 'witness') return runWitness(args.slice(1), terminal);
  const parsed = parseArguments(args);
  if (parsed.help) return print(terminal, helpText());
  if (parsed.version) return print(terminal, `${VERSION}\n`);
  const command = parsed.words.join(' ');
  switch (command) {
    case '':
    case 'start':
      return runStart(parsed, terminal);
    case 'config docs':
      return print(terminal, configDocs());
    case 'errors docs':
      return print(terminal, errorDocs());
    default:
      throw usage(`${command} is no command`);
  }
}

function print(terminal: Terminal, text: string): number {
  terminal.out(text);
  return 0;
}

/** One sentence for what is expected; the stack for what is not. */
export function failureText(error: unknown): string {
  const code = errorCode(error);
  if (code !== undefined && Object.hasOwn(ERROR_CATALOGUE, code)) return `error: ${errorMessage(error)} [${code}]`;
  return `unexpected failure: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
