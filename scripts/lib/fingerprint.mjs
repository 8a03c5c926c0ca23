/** Content hashes: what is up to date is decided by what files say, never by their dates. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { recipe, root, stateDir } from './project.mjs';

/** All files below `dir` for which `keep(relativePath, isFolder)` holds, sorted. */
export function filesBelow(dir, keep = () => true) {
  if (!existsSync(dir)) return [];
  const found = [];
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (!keep(relative(root, path), entry.isDirectory())) continue;
    if (entry.isDirectory()) found.push(...filesBelow(path, keep));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

export function hashFiles(files, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`\0${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

const TESTS_ONLY = /(^|\/)(tests|benches|fuzz|torture|target|node_modules)$|(^|[/_])tests?\.rs$|\.md$|\.node$|native\/binding\/addon\./;

/** Identity of the addon: its sources, the locked crates, and the recipe. Rust tests and benches do not change it. */
export function addonFingerprint() {
  const native = filesBelow(join(root, 'native'), (path) => !TESTS_ONLY.test(path));
  return hashFiles([...native, join(root, 'Cargo.toml'), join(root, 'Cargo.lock')], JSON.stringify(recipe));
}

/** Identity of the compiled TypeScript. */
export function distFingerprint() {
  const sources = filesBelow(join(root, 'src'));
  return hashFiles([
    ...sources,
    ...['tsconfig.json', 'package-lock.json', 'native/binding/addon.d.ts'].map((file) => join(root, file)).filter(existsSync),
  ]);
}

/** What was recorded about a part of this clone, or null. */
export function recorded(part) {
  try {
    return JSON.parse(readFileSync(join(stateDir, `${part}.json`), 'utf8'));
  } catch {
    return null;
  }
}

export function record(part, facts) {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, `${part}.json`), `${JSON.stringify(facts, null, 2)}\n`);
}

/** Size and date of a file, to notice that it was replaced behind our back. */
export function stamp(file) {
  if (!existsSync(file)) return null;
  const { size, mtimeMs } = statSync(file);
  return `${size}:${mtimeMs}`;
}
