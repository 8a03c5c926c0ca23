/**
 * `npm run bench -- NAME [--json FILE] [--plots FOLDER] [options of the bench]`: one benchmark, with the machine, the commit and the flags
 * beside its numbers.
 * bench/README.md says which bench answers which question.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Failure, runMain } from './lib/failure.mjs';
import { recipe, root } from './lib/project.mjs';
import { query, run } from './lib/run.mjs';
import { setup } from './lib/setup.mjs';
import { prepareToolchain } from './lib/toolchain.mjs';
import { treePlots } from './lib/tree-plots.mjs';
import { tsc } from './lib/typescript.mjs';

const BENCHES = {
  boundary: (args) => fromNode('boundary', args),
  executor: (args) => fromRust('zkevm-executor', 'executor_bench', args),
  poseidon: (args) => fromRust('zkevm-state-tree', 'bench_poseidon', args),
  sequencer: (args) => fromNode('sequencer', args),
  'state-tree': async (args) => ({
    memory: await fromRust('zkevm-state-tree', 'bench_state_tree', args),
    store: await fromRust('zkevm-engine', 'bench_tree_store', args),
  }),
};

/** What draws the results of a bench: SVG texts by file name. */
const PLOTS = { 'state-tree': treePlots };

await runMain(async () => {
  const [name, ...rest] = process.argv.slice(2);
  const bench = BENCHES[name];
  if (!bench) throw new Failure(`Which bench? There are ${Object.keys(BENCHES).join(', ')}.`, 'npm run bench -- NAME [--json FILE]');
  const file = takeOption(rest, '--json');
  const folder = takeOption(rest, '--plots');
  if (folder !== null && !PLOTS[name]) throw new Failure(`The bench ${name} has no plots.`);
  await setup();
  const results = await bench(rest);
  const text = `${JSON.stringify({ bench: name, ...conditions(rest), results }, null, 2)}\n`;
  process.stdout.write(text);
  if (file !== null) writeFileSync(fromCaller(file), text);
  if (folder === null) return;
  mkdirSync(fromCaller(folder), { recursive: true });
  for (const [plot, svg] of Object.entries(PLOTS[name](results))) writeFileSync(join(fromCaller(folder), plot), svg);
});

/** Where the caller means, who may stand anywhere. */
function fromCaller(path) {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/** Takes an option and its value out of the arguments; null when it is not there. */
function takeOption(args, option) {
  const at = args.indexOf(option);
  if (at < 0) return null;
  const [, value] = args.splice(at, 2);
  if (value === undefined) throw new Failure(`${option} needs a value.`);
  return value;
}

/** Without these a number means nothing. */
function conditions(args) {
  const changed = query('git', ['-C', root, 'status', '--porcelain', '--untracked-files=no']);
  const commit = query('git', ['-C', root, 'rev-parse', '--short=12', 'HEAD']);
  return {
    when: new Date().toISOString(),
    commit: commit && `${commit}${changed ? ' with changes' : ''}`,
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, loadBefore: Number(loadavg()[0]?.toFixed(2)) },
    node: process.versions.node,
    rustc: query('rustc', ['--version']),
    flags: recipe.rustflags,
    args,
  };
}

async function fromNode(name, args) {
  const { code, output } = await tsc(['-p', 'tsconfig.test.json']);
  if (code !== 0) throw new Failure(`The benches do not compile: ${output.split('\n')[0]}`);
  const { runBench } = await import(pathToFileURL(join(root, 'build/bench', `${name}.js`)).href);
  return runBench(args);
}

/** A native bench prints one JSON document as the last thing on its standard output. */
async function fromRust(crate, example, args) {
  const env = await prepareToolchain();
  const target = ['--release', '--locked', '--target', `${recipe.target}.${recipe.glibc}`];
  const built = await run('cargo-zigbuild', ['zigbuild', ...target, '-p', crate, '--example', example], { cwd: root, env });
  if (built.code !== 0) throw new Failure(`The bench ${example} does not compile.`);
  const binary = join(process.env.CARGO_TARGET_DIR || join(root, 'target'), recipe.target, 'release/examples', example);
  const { code, output } = await run(binary, args, { cwd: root });
  const start = output.indexOf('{');
  if (code !== 0 || start < 0) throw new Failure(`The bench ${example} ended with code ${code}: ${output.trim().split('\n').at(-1)}`);
  return JSON.parse(output.slice(start));
}
