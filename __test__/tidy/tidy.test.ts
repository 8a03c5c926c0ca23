/** House rules as tests: what imports what, where panics are caught, how long files are, what never gets into a commit. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { ROOT } from '../helpers/paths.js';
import { places, type Source, sources } from './sources.js';

/** A file over this is worth a split; over twice as much it fails. */
const LINES_FAIR = 400;

/** Made by a build or a run, not there in a clone. */
const GENERATED = /^(bench\/results|artifacts)(\/|$)|\.(node|tgz)$/;

const inGit = (() => {
  try {
    execFileSync('git', ['rev-parse', '--git-dir'], { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();
// Outside a checkout (an unpacked archive) there is no list of files to check.
const rule = inGit ? test : test.skip;

rule('only src/native touches the addon', (t) => {
  const typescript = sources(/^src\/.*\.ts$/).filter(({ path }) => !path.startsWith('src/native/'));
  t.true(typescript.length > 20);
  t.deepEqual(
    typescript.flatMap((source) => places(source, /addon\.cjs|native\/binding|\.node['"]|createRequire|process\.dlopen/)),
    [],
  );
});

rule('only native/binding depends on napi', (t) => {
  const manifests = sources(/^native\/[^/]+\/Cargo\.toml$/).filter(({ path }) => path !== 'native/binding/Cargo.toml');
  t.true(manifests.length >= 5);
  t.deepEqual(
    manifests.flatMap((source) => places(source, /^napi.*$/m)),
    [],
  );
  const rust = sources(/^native\/.*\.rs$/).filter(({ path }) => !path.startsWith('native/binding/'));
  t.deepEqual(
    rust.flatMap((source) => places(source, /\bnapi(_derive)?::/)),
    [],
  );
});

rule('layers look down, never up: native and common import no component, rpc no pool or sequencer', (t) => {
  const upwards = (folder: string, forbidden: string) =>
    sources(new RegExp(`^src/${folder}/.*\\.ts$`)).flatMap((source) =>
      places(source, new RegExp(`from '(\\.\\./)+(${forbidden})[/.][^']*'`)),
    );
  t.deepEqual(upwards('common', 'native|rpc|pool|sequencer|cli|config'), []);
  t.deepEqual(upwards('native', 'rpc|pool|sequencer|cli|config'), []);
  t.deepEqual(upwards('rpc', 'pool|sequencer|cli'), []);
  // rpc/modules holds the interfaces that the RPC needs of the others, owned by their consumer.
  t.deepEqual(upwards('pool', 'rpc(?!/modules)|sequencer|cli'), []);
  t.deepEqual(upwards('sequencer', 'rpc(?!/modules)|cli'), []);
});

rule('every export of the binding catches panics', (t) => {
  const binding = sources(/^native\/binding\/src\/.*\.rs$/);
  const exports = binding.flatMap((source) => exportedFunctions(source));
  t.true(exports.length >= 10, `found ${exports.length} exports`);
  t.deepEqual(
    exports.filter(({ attribute }) => !attribute.includes('catch_unwind')).map(({ place }) => place),
    [],
  );
  // A task runs on a thread of its own, where the attribute does not reach.
  const tasks = binding.flatMap((source) => computeBodies(source));
  t.deepEqual(
    tasks.filter(({ body }) => !/catch_unwind|guard(ed)?\b|caught|catching/.test(body)).map(({ place }) => place),
    [],
    'compute() of every task',
  );
});

rule('panics unwind: an abort could not be caught', (t) => {
  const [manifest] = sources(/^Cargo\.toml$/);
  t.false(/panic\s*=\s*"abort"/.test(manifest?.text ?? ''));
});

rule('no console in the node', (t) => {
  t.deepEqual(
    sources(/^src\/.*\.ts$/).flatMap((source) => places(source, /\bconsole\.\w+/)),
    [],
  );
});

rule('time and randomness are passed in, not taken, where decisions are made', (t) => {
  t.deepEqual(
    sources(/^src\/(sequencer|pool)\/.*\.ts$/).flatMap((source) => places(source, /\bDate\.now\(|\bMath\.random\(|performance\.now\(/)),
    [],
  );
});

rule('no path of a machine, and no mail address, in any file', (t) => {
  const pattern = new RegExp(`(?<![\\w.$}])/(${['work', 'root', 'home/\\w+', 'Users/\\w+'].join('|')})/`);
  t.deepEqual(
    sources(/./).flatMap((source) => places(source, pattern)),
    [],
  );
});

rule('files are of a size to be read', (t) => {
  const long = sources(/\.(ts|mjs|rs)$/)
    .map(({ path, text }) => ({ path, lines: text.split('\n').length }))
    .filter(({ path, lines }) => lines > LINES_FAIR && !/constants|vectors?_data|table/.test(path))
    .sort((a, b) => b.lines - a.lines);
  for (const { path, lines } of long) t.log(`${lines} lines: ${path}`);
  t.deepEqual(
    long.filter(({ lines }) => lines > 2 * LINES_FAIR),
    [],
  );
});

rule('what the documents point to exists', (t) => {
  const documents = sources(/^([A-Z]+|bench\/README|docs\/.*)\.md$/);
  t.true(documents.length >= 5);
  const missing = documents.flatMap(({ path, text }) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => join(dirname(path), match[1] ?? ''));
    const paths = [...text.matchAll(/`((?:src|native|scripts|npm|docs|bench|examples|__test__|\.ci)\/[\w./{},-]+)`/g)].flatMap((match) =>
      braces(match[1] ?? ''),
    );
    return [...links, ...paths]
      .filter((target) => !existsSync(join(ROOT, target)) && !GENERATED.test(target))
      .map((target) => `${path}: ${target}`);
  });
  t.deepEqual(missing, []);
});

/** `a/{b,c}.ts` -> `a/b.ts`, `a/c.ts`. */
function braces(path: string): string[] {
  const [, before, inside, after] = /^(.*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (inside === undefined) return [path];
  return inside.split(',').flatMap((word) => braces(`${before}${word}${after}`));
}

interface Export {
  readonly place: string;
  readonly attribute: string;
}

/** Functions, methods and constructors under a `#[napi...]` attribute; structs, enums, objects and impl blocks are not calls. */
function exportedFunctions({ path, text }: Source): Export[] {
  const found: Export[] = [];
  for (const match of text.matchAll(
    /#\[napi(\([^\]]*\))?\]\s*((?:#\[[^\]]*\]\s*|\/\/[^\n]*\n\s*)*)pub\s+(?:async\s+|unsafe\s+)*fn\s+(\w+)/g,
  )) {
    const line = text.slice(0, match.index).split('\n').length;
    found.push({ place: `${path}:${line}: ${match[3]}`, attribute: match[1] ?? '' });
  }
  return found;
}

function computeBodies({ path, text }: Source): { place: string; body: string }[] {
  return [...text.matchAll(/fn compute\(&mut self\)[^{]*\{/g)].map(({ index }) => ({
    place: `${path}:${text.slice(0, index).split('\n').length}: compute`,
    body: text.slice(index, text.indexOf('\n    }', index)),
  }));
}
