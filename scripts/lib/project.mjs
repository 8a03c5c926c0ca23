/** Where things are, and the one build recipe. Everything that decides how the addon is compiled is here, because it is part of its identity. */
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const manifest = createRequire(import.meta.url)('../../package.json');

/** Survives a deleted clone: toolchain, compiler cache, finished addons. */
export const cacheDir = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'zkevm-sequencer');
/** Belongs to this clone: what was set up from which sources, and the log. */
export const stateDir = join(root, '.cache');
export const logFile = join(stateDir, 'setup.log');

export const addon = {
  dir: join(root, 'native/binding'),
  loader: 'addon.cjs',
  types: 'addon.d.ts',
  binary: `${manifest.napi.binaryName}.linux-x64-gnu.node`,
  platform: 'linux-x64-gnu',
  platformPackage: `${manifest.napi.packageName}-linux-x64-gnu`,
};

/** One configuration everywhere: what is tested is what is shipped. zig carries clang, libc++ and glibc's headers, hence no C++ compiler is asked of the machine. */
export const recipe = {
  target: 'x86_64-unknown-linux-gnu',
  glibc: '2.28',
  zig: '0.17.1',
  cargoZigbuild: '0.24.0',
  libclang: '18.1.1',
  /** SSE4.2 for RocksDB's checksums: every x86-64 CPU since 2009. */
  rustflags: '-C target-cpu=x86-64-v2',
};

/** Vectors are optional: tests that need them say so loudly when they are missing. */
export const vectorsDir = resolve(root, process.env.ZKEVM_VECTORS || '../shared/vectors');
