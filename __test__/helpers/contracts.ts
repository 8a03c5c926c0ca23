/** Our own contracts, compiled by the same code as the examples. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Abi } from 'viem';
import { ROOT } from './paths.js';

export interface Contract {
  readonly abi: Abi;
  readonly bytecode: `0x${string}`;
}

const COMPILER = pathToFileURL(join(ROOT, 'examples/compile.mjs')).href;
const PROGRAM = `import { compile } from '${COMPILER}'; process.stdout.write(JSON.stringify(compile(new URL(process.argv[1]))));`;
const compiled = new Map<string, Promise<Contract>>();

/**
 * Compiles `FOLDER/NAME.sol`, once. In a process of its own: the compiler would hold up all tests of the file for seconds, on a busy machine
 * for longer than the node waits on an open connection for its request.
 */
export function contract(name: string, folder = 'examples/contracts'): Promise<Contract> {
  const path = join(ROOT, folder, `${name}.sol`);
  const known = compiled.get(path) ?? compileFile(path);
  compiled.set(path, known);
  return known;
}

async function compileFile(path: string): Promise<Contract> {
  const args = ['--input-type=module', '-e', PROGRAM, '--', pathToFileURL(path).href];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 64 << 20 });
  return JSON.parse(stdout) as Contract;
}

/** The repository's manifest. */
export function manifest(): { version: string } {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
}
