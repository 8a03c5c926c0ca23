/** The native addon: found, restored or compiled, in this order. The identity is the hash of its sources and recipe. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { addonFingerprint, filesBelow, record, recorded, stamp } from './fingerprint.mjs';
import { duration, say, step } from './progress.mjs';
import { addon, cacheDir, manifest, recipe, root } from './project.mjs';
import { looksOffline, query, run } from './run.mjs';
import { prepareToolchain } from './toolchain.mjs';

const ADDONS_KEPT = 5;
/** In a platform package: the identity of the sources it was compiled from. */
export const SOURCES = 'sources.sha256';
const outputs = [addon.binary, addon.loader, addon.types];

/** Takes a finished addon where there is one. Comes before `npm ci`, which would remove a platform package that was put there by hand. */
export async function findAddon() {
  checkPlatform();
  const identity = addonFingerprint();
  return addonIsCurrent(identity) || (await restore(identity));
}

export async function compileAddon() {
  const identity = addonFingerprint();
  const env = await prepareToolchain();
  await compile(env);
  record('addon', { identity, stamp: stamp(join(addon.dir, addon.binary)) });
  keep(identity);
}

function checkPlatform() {
  process.report.excludeNetwork = true;
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  if (process.platform !== 'linux' || process.arch !== 'x64' || !glibc) {
    throw new Failure(
      `This version is built for Linux on x86-64 with glibc ${recipe.glibc} or newer, not for ${process.platform} on ${process.arch}.`,
    );
  }
}

function addonIsCurrent(identity) {
  const facts = recorded('addon');
  return facts?.identity === identity && facts.stamp === stamp(join(addon.dir, addon.binary)) && existsSync(join(addon.dir, addon.loader));
}

/** Prebuilt for exactly these sources: an installed platform package, or the user's cache. */
async function restore(identity) {
  for (const { from, what } of prebuilt(identity)) {
    if (!existsSync(join(from, addon.binary))) continue;
    await step('addon', async () => {
      for (const name of outputs) if (existsSync(join(from, name))) place(join(from, name), join(addon.dir, name));
      record('addon', { identity, stamp: stamp(join(addon.dir, addon.binary)) });
      return `taken from ${what}`;
    });
    return true;
  }
  return false;
}

function prebuilt(identity) {
  const found = [];
  const from = join(root, 'node_modules', addon.platformPackage);
  if (existsSync(join(from, addon.binary))) {
    const sources = existsSync(join(from, SOURCES)) ? readFileSync(join(from, SOURCES), 'utf8').trim() : 'unknown';
    if (sources === identity) found.push({ from, what: 'the prebuilt platform package' });
    else say(`  addon        the installed ${addon.platformPackage} is of other sources: not used`);
  }
  found.push({ from: cacheFolder(identity), what: `the cache (${cacheFolder(identity)})` });
  return found;
}

const cacheFolder = (identity) => join(cacheDir, 'addons', identity.slice(0, 32));

/** Replaces by renaming: a running node keeps the file it has mapped. */
function place(from, to) {
  if (existsSync(to) && sha256(from) === sha256(to)) return;
  const temporary = `${to}.${process.pid}.tmp`;
  copyFileSync(from, temporary);
  renameSync(temporary, to);
}

const sha256 = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Keeps the finished addon in the user's cache for the next clone; forgets the oldest. */
function keep(identity) {
  const folder = cacheFolder(identity);
  const temporary = `${folder}.${process.pid}.tmp`;
  mkdirSync(temporary, { recursive: true });
  for (const name of outputs) copyFileSync(join(addon.dir, name), join(temporary, name));
  rmSync(folder, { recursive: true, force: true });
  renameSync(temporary, folder);
  utimesSync(folder, new Date(), new Date());
  const parent = join(cacheDir, 'addons');
  const byAge = readdirSync(parent)
    .map((name) => join(parent, name))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of byAge.slice(ADDONS_KEPT)) rmSync(old, { recursive: true, force: true });
}

async function compile(env) {
  say('  addon        compiling the native part: RocksDB takes about 13 minutes on two cores the first time, the rest about 2');
  await step('addon', async (detail) => {
    detail('fetching crates');
    await fetchCrates(env);
    const total = countCrates(env);
    const targetDir = process.env.CARGO_TARGET_DIR || join(root, 'target');
    let crates = 0;
    let current = '';
    const started = Date.now();
    let rocksStarted = 0;
    // The last crate is optimised as a whole and linked: the longest silence of a build.
    const doing = () => (crates >= total - 1 ? ' (optimising and linking)' : current && ` (${current})`);
    const show = () => {
      const objects = rocksObjects(targetDir);
      if (objects > 0 && rocksStarted === 0) rocksStarted = Date.now();
      const building = objects > 0 && objects < ROCKSDB_OBJECTS;
      const rocks = building ? `, RocksDB ${objects} of about ${ROCKSDB_OBJECTS} C++ files${remaining(objects, rocksStarted)}` : '';
      detail(`${Math.min(crates, total)} of ${total} crates${rocks}${doing()}`);
    };
    const timer = setInterval(show, 1000);
    const onLine = (line) => {
      const crate = /^\s*Compiling (\S+)/.exec(line)?.[1];
      if (!crate) return;
      crates += 1;
      current = crate;
    };
    const { code, output } = await run(process.execPath, napiArguments(), { cwd: root, env, onLine }).finally(() => clearInterval(timer));
    if (code !== 0) throw compileFailure(code, output);
    return `compiled in ${duration(Date.now() - started)}`;
  });
}

function napiArguments() {
  const cli = join(root, 'node_modules/@napi-rs/cli', 'dist/cli.js');
  const out = [
    '--manifest-path',
    join(addon.dir, 'Cargo.toml'),
    '--package-json-path',
    join(root, 'package.json'),
    '--output-dir',
    addon.dir,
  ];
  const target = ['-x', '--target', `${recipe.target}.${recipe.glibc}`];
  return [
    cli,
    'build',
    '--platform',
    '--release',
    ...target,
    ...out,
    '--js',
    addon.loader,
    '--dts',
    addon.types,
    '--js-package-name',
    manifest.napi.packageName,
    '--',
    '--locked',
  ];
}

async function fetchCrates(env) {
  const { code, output } = await run('cargo', ['fetch', '--locked', '--target', recipe.target], { cwd: root, env });
  if (code === 0) return;
  if (looksOffline(output))
    throw new Failure(
      'cargo could not download the crates: the registry is not reachable.',
      'Check the network (or cargo’s registry and proxy settings) and try again.',
    );
  if (/--locked was passed/.test(output))
    throw new Failure(
      'Cargo.lock does not fit the Cargo.toml files.',
      'Run `cargo update --workspace`, look at the difference and commit it.',
    );
  throw new Failure(`cargo could not fetch the crates: ${firstError(output)}`);
}

function compileFailure(code, output) {
  if (code === 130 || code === 143) return new Failure('Interrupted; what is compiled so far is kept for the next time.');
  if (/No space left on device/.test(output))
    return new Failure('The disk is full.', 'Free about 4 GiB and try again; what is compiled so far is kept.');
  return new Failure(`The native part did not compile: ${firstError(output)}`);
}

const firstError = (output) =>
  output
    .split('\n')
    .find((line) => /^\s*error/i.test(line))
    ?.trim() ?? 'no reason given';

function countCrates(env) {
  const tree = query(
    'cargo',
    ['tree', '--locked', '-p', 'zkevm-sequencer-binding', '-e', 'normal,build', '--prefix', 'none', '--target', recipe.target],
    env,
  );
  return tree ? new Set(tree.split('\n').map((line) => line.replace(' (*)', ''))).size : 0;
}

/** At librocksdb-sys 0.19. */
const ROCKSDB_OBJECTS = 343;

function rocksObjects(targetDir) {
  const dir = join(targetDir, recipe.target, 'release/build');
  if (!existsSync(dir)) return 0;
  const folders = readdirSync(dir).filter((name) => name.startsWith('librocksdb-sys-'));
  return Math.max(
    0,
    ...folders.map((name) => filesBelow(join(dir, name, 'out'), (path, isFolder) => isFolder || path.endsWith('.o')).length),
  );
}

function remaining(objects, started) {
  if (objects < 20 || objects >= ROCKSDB_OBJECTS) return '';
  return `, about ${duration(((Date.now() - started) / objects) * (ROCKSDB_OBJECTS - objects))} left`;
}
