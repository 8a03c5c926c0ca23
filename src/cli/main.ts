#!/usr/bin/env node
/** The executable. */
import { failureText, runCli } from './cli.js';
import { processTerminal } from './terminal.js';

/** What nobody handled leaves the process in an unknown state: it ends, and the last durable write is the truth at the next start. */
function crash(error: unknown): void {
  processTerminal.err(`${failureText(error)}\n`);
  process.exit(1);
}
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

process.exitCode = await runCli(process.argv.slice(2), processTerminal);
