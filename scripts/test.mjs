/**
 * `npm test`: all there is to check, after doing its own set-up. Every part runs even when an earlier one failed; the last line is
 * 'N passed, N failed'. With arguments only the named parts run: `npm test -- rust ava`.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, runMain } from './lib/failure.mjs';
import { addonFingerprint } from './lib/fingerprint.mjs';
import { duration, say } from './lib/progress.mjs';
import { addon, logFile, recipe, root, vectorsDir } from './lib/project.mjs';
import { query, run } from './lib/run.mjs';
import { setup } from './lib/setup.mjs';
import { prepareToolchain } from './lib/toolchain.mjs';
import { tsc } from './lib/typescript.mjs';

/** The profile of tests: optimised like a release, with debug assertions and overflow checks. */
const PROFILE = 'release-test';
const TARGET = ['--target', `${recipe.target}.${recipe.glibc}`, '--profile', PROFILE, '--locked'];

/** Seed of property tests: always the same, so that what passed here passes there. ZKEVM_SEED chooses another, for all kinds of tests. */
const USUAL_SEED = '1';

/** @typedef {{passed: number, failed: number, skipped: number}} Counts */
const check = (code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });

const parts = {
  format: { title: 'rustfmt', run: rustfmt },
  clippy: { title: 'clippy', run: clippy },
  rust: { title: 'Rust tests', run: rustTests },
  types: { title: 'TypeScript types', run: types },
  biome: { title: 'biome', run: biome },
  binding: { title: 'generated binding', run: binding },
  ava: { title: 'TypeScript tests', run: avaTests },
};

await runMain(async () => {
  const wanted = process.argv.slice(2);
  for (const name of wanted)
    if (!parts[name]) throw new Failure(`There is no part '${name}': the parts are ${Object.keys(parts).join(', ')}.`);
  await setup();
  process.env.ZKEVM_VECTORS = vectorsDir;
  if (!existsSync(vectorsDir))
    loud(`VECTORS MISSING: ${vectorsDir} does not exist, every test against them is SKIPPED (set ZKEVM_VECTORS to their folder)`);
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  for (const [name, part] of Object.entries(parts)) {
    if (wanted.length && !wanted.includes(name)) continue;
    say(`\n── ${part.title}`);
    const started = Date.now();
    const counts = await part.run();
    for (const key of Object.keys(sum)) sum[key] += counts[key];
    lines.push(`  ${part.title.padEnd(18)} ${tally(counts).padEnd(40)} ${duration(Date.now() - started)}`);
  }
  if (!existsSync(vectorsDir)) loud('VECTORS MISSING: the tests against them were skipped');
  process.stdout.write(`\n${lines.join('\n')}\n\n${tally(sum)}\n`);
  return sum.failed ? 1 : 0;
});

function tally({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
}

function loud(text) {
  say(`\n${'!'.repeat(80)}\n!! ${text}\n${'!'.repeat(80)}`);
}

async function rustfmt() {
  if (query('cargo', ['fmt', '--version']) === null) return left('rustfmt is not installed');
  return check((await run('cargo', ['fmt', '--all', '--check'], { cwd: root, echo: true })).code);
}

async function clippy() {
  if (query('cargo', ['clippy', '--version']) === null) return left('clippy is not installed');
  const env = await prepareToolchain();
  return check(
    (
      await run('cargo-zigbuild', ['clippy', '--workspace', '--all-targets', ...TARGET, '--', '-D', 'warnings'], {
        cwd: root,
        env,
        echo: true,
      })
    ).code,
  );
}

/** A component that is not there is said, and counted as skipped: never as passed. */
function left(why) {
  loud(`SKIPPED: ${why}`);
  return { passed: 0, failed: 0, skipped: 1 };
}

/** The binding has no tests of its own in Rust: its functions exist only inside Node. */
async function rustTests() {
  const env = await prepareToolchain();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const onLine = (line) => {
    const result = /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
    if (!result) return;
    counts.passed += Number(result[1]);
    counts.failed += Number(result[2]);
    counts.skipped += Number(result[3]);
  };
  const seed = process.env.ZKEVM_SEED || USUAL_SEED;
  say(`property tests with seed ${seed} (ZKEVM_SEED=N chooses another)`);
  env.PROPTEST_RNG_SEED = seed;
  const args = ['test', '--workspace', '--exclude', 'zkevm-sequencer-binding', '--no-fail-fast', ...TARGET];
  const { code } = await run('cargo-zigbuild', args, { cwd: root, env, onLine, echo: true });
  return honest(counts, code, 'cargo test');
}

/** A run that failed without a failed test (it did not compile, it was killed), or that ran nothing at all, is a failure. */
function honest(counts, code, name) {
  if (code !== 0 && counts.failed === 0) {
    say(`${name} ended with code ${code} without naming a failed test`);
    return { ...counts, failed: 1 };
  }
  if (counts.passed + counts.failed === 0) {
    say(`${name} ran no test`);
    return { ...counts, failed: 1 };
  }
  return counts;
}

/** Tests and benches compile; the addon's d.ts stands alone without skipLibCheck. */
async function types() {
  rmSync(join(root, 'build'), { recursive: true, force: true });
  const all = await tsc(['-p', 'tsconfig.test.json'], { echo: true });
  const alone = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    'false',
    '--types',
    'node',
    '--module',
    'NodeNext',
    '--target',
    'ES2023',
  ];
  const dts = await tsc([...alone, join(addon.dir, addon.types)], { echo: true });
  const sum = [check(all.code), check(dts.code)];
  return { passed: sum[0].passed + sum[1].passed, failed: sum[0].failed + sum[1].failed, skipped: 0 };
}

async function biome() {
  return check(
    (await run(join(root, 'node_modules/.bin/biome'), ['ci', '--colors=off', '--error-on-warnings', '.'], { cwd: root, echo: true })).code,
  );
}

/** The committed loader and d.ts are those that the build generates, so that an API change shows in review. */
async function binding() {
  if (query('git', ['-C', root, 'rev-parse', '--git-dir']) === null)
    return left('not a git checkout, the generated binding cannot be compared');
  const files = [addon.loader, addon.types].map((name) => join('native/binding', name));
  const { code } = await run('git', ['diff', '--exit-code', '--stat', 'HEAD', '--', ...files], { cwd: root, echo: true });
  const tracked = query('git', ['-C', root, 'ls-files', '--error-unmatch', ...files]) !== null;
  if (!tracked) say('the generated binding is not committed');
  const built = JSON.parse(readFileSync(join(root, '.cache/addon.json'), 'utf8')).identity;
  if (built !== addonFingerprint()) say('the native sources changed while the tests ran');
  return check(code || (tracked ? 0 : 1));
}

async function avaTests() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const onLine = (line) => {
    const text = line.trim();
    const skipped = /^(\d+) tests? skipped$/.exec(text);
    const failed =
      /^(\d+) (?:tests? failed|hooks? failed|uncaught exceptions?|unhandled rejections?|tests? (?:remained|were) pending.*)$/.exec(text);
    // The reporter gives the sum of passed tests only when none failed.
    if (text.startsWith('✔ ')) counts.passed += 1;
    if (skipped) counts.skipped = Number(skipped[1]);
    if (failed) counts.failed += Number(failed[1]);
  };
  const { code } = await run(process.execPath, [join(root, 'node_modules/ava/entrypoints/cli.mjs')], { cwd: root, onLine, echo: true });
  if (code !== 0) say(`the log is in ${logFile}`);
  return honest(counts, code, 'ava');
}
