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

const compiled = new Map<string, Promise<Contract>>();

/** Compiles `FOLDER/NAME.sol`, once. */
export function contract(name: string, folder = 'examples/contracts'): Promise<Contract> {
  const path = `${folder}/${name}`;
  const known = compiled.get(path) ?? compileFile(name, folder);
  compiled.set(path, known);
  return known;
}

async function compileFile(name: string, folder: string): Promise<Contract> {
  const { compile } = (await import(pathToFileURL(join(ROOT, 'examples/compile.mjs')).href)) as { compile(file: URL): Contract };
  return compile(pathToFileURL(join(ROOT, folder, `${name}.sol`)));
}

/** The repository's manifest. */
export function manifest(): { version: string } {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
}
