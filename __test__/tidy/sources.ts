/** The project's own files, as git knows them: what the tidy specs read. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../helpers/paths.js';

export interface Source {
  /** Path from the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

const BINARY = /\.(png|svg|gz|node|ico)$/;
const GENERATED = /(^|\/)(package-lock\.json|Cargo\.lock)$|^native\/binding\/addon\.(cjs|d\.ts)$/;

/** Tracked and new text files, generated ones left out. */
export function sources(matching: RegExp): Source[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0');
  return listed
    .filter((path) => matching.test(path) && !BINARY.test(path) && !GENERATED.test(path) && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** `path:line` of every match. */
export function places({ path, text }: Source, pattern: RegExp): string[] {
  return [...text.matchAll(new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`))].map(
    ({ index, 0: match }) => `${path}:${text.slice(0, index).split('\n').length}: ${match.trim().slice(0, 80)}`,
  );
}
