/**
 * What compiling the addon needs: Rust (asked for), perl (apt, or asked for), libclang and ccache (apt or PyPI), zig and cargo-zigbuild
 * (PyPI, in a private folder).
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Failure } from './failure.mjs';
import { step } from './progress.mjs';
import { cacheDir, recipe, root } from './project.mjs';
import { looksOffline, query, run, which } from './run.mjs';

const PREBUILT = 'Or install the prebuilt platform package, which needs no compiler at all (see README.md).';
/** A release and a test build of everything, RocksDB twice. */
const DISK_BYTES = 4 * 1024 ** 3;

export const venv = join(cacheDir, `zig-${recipe.zig}`);

/** Installs what is missing; answers the environment for cargo. */
export async function prepareToolchain() {
  const rust = checkRust();
  checkDisk();
  await step('toolchain', async (detail) => {
    await systemPackages(detail);
    checkPerl();
    await zigVenv(detail);
    if (!libclangDir()) await libclangFromPyPi(detail);
    return `rustc ${rust}, zig ${recipe.zig}${which('ccache') ? ', ccache' : ''}`;
  });
  return buildEnvironment();
}

function cargoPath() {
  return `${join(homedir(), '.cargo/bin')}`;
}

function checkRust() {
  const wanted = /rust-version = "([\d.]+)"/.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))?.[1] ?? '1.94';
  const path = `${process.env.PATH}${delimiter}${cargoPath()}`;
  const env = { ...process.env, PATH: path };
  const version = which('cargo', path) && /rustc ([\d.]+)/.exec(query('rustc', ['--version'], env) ?? '')?.[1];
  if (!version) {
    throw new Failure(
      `Rust ${wanted} or newer is needed to compile the native part, and no Rust compiler was found.`,
      `Install it (https://rustup.rs) and try again. ${PREBUILT}`,
    );
  }
  const newer = version.localeCompare(wanted, 'en', { numeric: true }) >= 0;
  if (!newer)
    throw new Failure(
      `Rust ${wanted} or newer is needed to compile the native part, but rustc is ${version}.`,
      `Run 'rustup update stable' and try again. ${PREBUILT}`,
    );
  return version;
}

/** It writes the assembly of the hash function. */
function checkPerl() {
  if (!which('perl'))
    throw new Failure('Perl is needed to compile the native part, and no perl was found.', `Install it and try again. ${PREBUILT}`);
}

function checkDisk() {
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < DISK_BYTES) {
    throw new Failure(
      `Compiling needs about ${DISK_BYTES / 1024 ** 3} GiB of disk, but only ${((bavail * bsize) / 1024 ** 3).toFixed(1)} GiB are free at ${root}.`,
      PREBUILT,
    );
  }
}

/** bindgen loads libclang; ccache makes the next cold build a matter of seconds. Both are optional here: there are other ways below. */
async function systemPackages(detail) {
  const missing = [];
  if (!libclangDir()) missing.push('libclang-dev');
  if (!which('ccache')) missing.push('ccache');
  if (!which('perl')) missing.push('perl');
  if (which('python3') && query('python3', ['-c', 'import venv, ensurepip']) === null) missing.push('python3-venv');
  const usable = process.getuid?.() === 0 && which('apt-get') && !process.env.ZKEVM_SETUP_NO_APT;
  if (!missing.length || !usable) return;
  detail(`apt-get install ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if ((await run('apt-get', install, { env })).code === 0) return;
  await run('apt-get', ['update'], { env });
  await run('apt-get', install, { env });
}

/** Folder of a system libclang that comes with its headers, or null. */
function libclangDir() {
  if (process.env.LIBCLANG_PATH) return process.env.LIBCLANG_PATH;
  const llvm = '/usr/lib';
  const homes = existsSync(llvm) ? readdirSync(llvm).filter((name) => /^llvm-\d+$/.test(name)) : [];
  for (const home of homes.sort().reverse()) {
    const lib = join(llvm, home, 'lib');
    if (existsSync(join(lib, 'clang')) && readdirSync(lib).some((name) => /^libclang(-\d+)?\.so/.test(name))) return lib;
  }
  return null;
}

const pythonBin = (name) => join(venv, 'bin', name);

function sitePackages(path) {
  const lib = join(venv, 'lib');
  const python = existsSync(lib) ? readdirSync(lib).find((name) => name.startsWith('python')) : undefined;
  const dir = python && join(lib, python, 'site-packages', path);
  return dir && existsSync(dir) ? dir : null;
}

async function zigVenv(detail) {
  const installed = pythonBin('cargo-zigbuild');
  if (!(query(installed, ['--version']) ?? '').includes(recipe.cargoZigbuild) || !sitePackages('ziglang')) {
    if (!which('python3')) {
      throw new Failure(
        'Python 3 is needed to fetch the zig compiler, and no python3 was found.',
        `Install python3 with its venv module and try again. ${PREBUILT}`,
      );
    }
    detail(`zig ${recipe.zig} and cargo-zigbuild ${recipe.cargoZigbuild} from PyPI`);
    mkdirSync(cacheDir, { recursive: true });
    rmSync(venv, { recursive: true, force: true });
    const made = await run('python3', ['-m', 'venv', venv]);
    if (made.code !== 0)
      throw new Failure(
        'Python’s venv module does not work.',
        `Install it (Debian: apt-get install python3-venv) and try again. ${PREBUILT}`,
      );
    await pip([`ziglang==${recipe.zig}`, `cargo-zigbuild==${recipe.cargoZigbuild}`]);
  }
  for (const [name, mode] of Object.entries(COMPILERS)) {
    writeExecutable(name, compilerScript(mode));
    writeExecutable(`ccache-${name}`, launcherScript(name));
  }
}

async function libclangFromPyPi(detail) {
  if (sitePackages('clang/native')) return;
  detail('libclang from PyPI');
  await pip([`libclang==${recipe.libclang}`]);
}

async function pip(packages) {
  const { code, output } = await run(pythonBin('python3'), [
    '-m',
    'pip',
    'install',
    '--disable-pip-version-check',
    '--no-input',
    ...packages,
  ]);
  if (code === 0) return;
  if (looksOffline(output))
    throw new Failure(
      'The build tools could not be fetched: PyPI is not reachable.',
      `Check the network (or pip’s index and proxy settings) and try again. ${PREBUILT}`,
    );
  throw new Failure(`pip could not install ${packages.join(' and ')}.`, PREBUILT);
}

const COMPILERS = { zigcc: 'cc', zigcxx: 'c++' };

/** A compiler of one word with the recipe inside, so that ccache and build scripts see the same one every time. */
function compilerScript(mode) {
  return `#!/bin/sh
export CARGO_ZIGBUILD_ZIG_VERSION=${recipe.zig} CARGO_ZIGBUILD_ZIG_COMMAND=${pythonBin('python3')} CARGO_ZIGBUILD_ZIG_COMMAND_ARGS='-m ziglang'
exec ${pythonBin('cargo-zigbuild')} zig ${mode} -- -fno-sanitize=all -target x86_64-linux-gnu.${recipe.glibc} "$@"
`;
}

/**
 * The compiler behind ccache. ccache recognises a compilation without preprocessing it only when its arguments are the same, but each
 * target directory has its own copy of lz4's headers: they are given one place, named by their content. That makes RocksDB a matter of
 * seconds in a new clone instead of minutes.
 */
function launcherScript(name) {
  return `#!/bin/sh
for argument do
  shift
  case $argument in
    */build/lz4-sys-*/out/include)
      sum=$(cat "$argument"/*.h | cksum | tr ' ' -)
      shared=${join(cacheDir, 'include')}/lz4-$sum
      if [ ! -d "$shared" ]; then
        mkdir -p ${join(cacheDir, 'include')} && cp -R "$argument" "$shared.$$" && mv -T "$shared.$$" "$shared" 2>/dev/null
        rm -rf "$shared.$$"
      fi
      [ -d "$shared" ] && argument=$shared
      ;;
  esac
  set -- "$@" "$argument"
done
exec ccache ${join(cacheDir, name)} "$@"
`;
}

function writeExecutable(name, text) {
  const file = join(cacheDir, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

function buildEnvironment() {
  const target = recipe.target.replaceAll('-', '_');
  const compiler = (name) => join(cacheDir, which('ccache') ? `ccache-${name}` : name);
  const env = {
    ...process.env,
    PATH: [join(venv, 'bin'), process.env.PATH, cargoPath()].join(delimiter),
    [`CC_${target}`]: compiler('zigcc'),
    [`CXX_${target}`]: compiler('zigcxx'),
    [`CARGO_TARGET_${target.toUpperCase()}_RUSTFLAGS`]: recipe.rustflags,
    CCACHE_DIR: process.env.CCACHE_DIR || join(cacheDir, 'ccache'),
    CCACHE_COMPILERTYPE: 'clang',
    CCACHE_COMPILERCHECK: 'content',
    CCACHE_NOHASHDIR: '1',
    CARGO_TERM_COLOR: 'never',
  };
  const system = libclangDir();
  if (!system) {
    env.LIBCLANG_PATH = sitePackages('clang/native');
    // PyPI's libclang comes without clang's own headers (stdbool.h and the like); zig has them.
    env.BINDGEN_EXTRA_CLANG_ARGS = `-isystem ${sitePackages('ziglang/lib/include')}`;
  }
  return env;
}
