/** Our own contracts, compiled by the same code as the examples. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Abi } from 'viem';
import { ROOT } from './paths.js';

export interface Contract {
  readonly abi: Abi;
  readonly bytecode: `0x${string}`;
}

/** Compiles `FOLDER/NAME.sol`. */
export async function contract(name: string, folder = 'examples/contracts'): Promise<Contract> {
  const { compile } = (await import(pathToFileURL(join(ROOT, 'examples/compile.mjs')).href)) as { compile(file: URL): Contract };
  return compile(pathToFileURL(join(ROOT, folder, `${name}.sol`)));
}

/** The repository's manifest. */
export function manifest(): { version: string } {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
}
