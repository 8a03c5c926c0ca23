/** Node itself and node_modules. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { hashFiles } from './fingerprint.mjs';
import { step } from './progress.mjs';
import { manifest, root } from './project.mjs';
import { looksOffline, run } from './run.mjs';

const MARKER = join(root, 'node_modules/.zkevm-sequencer');

/** Refuses a Node that the addon and the HTTP server are not built for. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major > 20 && major < 25);
  if (!supported) {
    throw new Failure(
      `Node ${process.versions.node} is not supported: this version runs on Node ${manifest.engines.node}.`,
      'Install Node 22 and try again.',
    );
  }
}

/** The HTTP server's binary is chosen per Node major when packages are installed, so the major is part of the identity. */
function packagesIdentity() {
  return `${hashFiles([join(root, 'package-lock.json')])} node ${process.versions.node.split('.')[0]}`;
}

export function packagesAreCurrent() {
  try {
    return readFileSync(MARKER, 'utf8') === packagesIdentity();
  } catch {
    return false;
  }
}

/** `npm ci` when node_modules is missing or was made from another lock file or for another Node. */
export async function installPackages() {
  if (packagesAreCurrent()) return;
  const why = existsSync(join(root, 'node_modules')) ? 'not made from this package-lock.json by this Node' : 'missing';
  await step('packages', async (detail) => {
    detail(`npm ci (node_modules is ${why})`);
    const { code, output } = await npm(['ci', '--no-fund', '--no-audit', ...(await offline())]);
    if (code === 127) throw new Failure('npm was not found.', 'Install Node with npm, put it on PATH and try again.');
    if (code !== 0 && (looksOffline(output) || /ENOTCACHED/.test(output))) {
      throw new Failure(
        'npm could not reach the package registry.',
        'Check the network (or npm’s registry and proxy settings) and try again.',
      );
    }
    if (code !== 0) throw new Failure(`npm ci failed: ${npmReason(output)}`, 'Fix the cause and try again.');
    writeFileSync(MARKER, packagesIdentity());
  });
}

/** Without a network npm tries for minutes; asked first, it says so at once, and its cache may have everything all the same. */
async function offline() {
  const { code, output } = await npm(['ping', '--fetch-retries=0', '--fetch-timeout=10000']);
  return code !== 0 && looksOffline(output) ? ['--offline'] : [];
}

/** Runs npm with the Node that runs this script. */
export function npm(args, options = {}) {
  const script = process.env.npm_execpath;
  return script && /npm-cli\.js$/.test(script) ? run(process.execPath, [script, ...args], options) : run('npm', args, options);
}

function npmReason(output) {
  const lines = output.split('\n').filter((line) => /npm (error|ERR!)/.test(line));
  const texts = lines.map((line) => line.replace(/^npm (error|ERR!)\s*/, '')).filter((line) => line !== '');
  return texts.find((line) => !/^(code|errno|syscall|path) /.test(line)) ?? texts[0] ?? 'no reason given';
}
