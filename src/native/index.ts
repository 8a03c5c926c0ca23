/**
 * The only importer of the addon. Finds the package's root from wherever this file was compiled to, loads the generated loader there (local
 * build first, then the platform package), and compares the layouts of both sides before anything else runs.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../common/errors.js';
import type { EngineOptions, NativeEngine } from './engine.js';
import { ADMISSION_ROW, LAYOUT_VERSION, OUTCOME_HEADER, OUTCOME_ROW, REPRICING, RESOURCE_COUNT, TOUCHED_ROW } from './layouts.js';
import type { NativeMaintenance } from './maintenance.js';

/** Functions of the addon that need no open engine. */
interface Addon {
  openEngine(options: EngineOptions): Promise<NativeEngine>;
  layoutSizes(): number[];
  runVector(json: string): Promise<string>;
  genesisRoot(json: string): Promise<string>;
  Maintenance: new (cacheBytes: number) => NativeMaintenance;
}

const LOADER = join('native', 'binding', 'addon.cjs');

let loaded: Addon | undefined;

function unavailable(reason: string): CodedError {
  const platform = `${process.platform}-${process.arch}`;
  return new CodedError(`the native addon does not load on ${platform}: ${reason}`, { code: 'ADDON_UNAVAILABLE', platform, reason });
}

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, LOADER))) {
    const parent = dirname(folder);
    if (parent === folder) {
      throw unavailable('it is not built and no prebuilt package is installed');
    }
    folder = parent;
  }
  return folder;
}

function assertLayouts(addon: Addon): void {
  const expected = [
    LAYOUT_VERSION,
    ADMISSION_ROW.bytes,
    OUTCOME_HEADER.bytes,
    OUTCOME_ROW.bytes,
    TOUCHED_ROW.bytes,
    RESOURCE_COUNT,
    REPRICING.gas,
  ];
  const actual = addon.layoutSizes();
  if (expected.length !== actual.length || expected.some((size, index) => size !== actual[index])) {
    throw new CodedError(`the native addon has other layouts: expected ${expected.join()}, got ${actual.join()}`, {
      code: 'LAYOUT_MISMATCH',
      expected,
      actual,
    });
  }
}

function addon(): Addon {
  if (loaded !== undefined) return loaded;
  const root = packageRoot();
  let module: Addon;
  try {
    module = createRequire(join(root, 'package.json'))(join(root, LOADER)) as Addon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw unavailable(reason);
  }
  assertLayouts(module);
  loaded = module;
  return module;
}

/** Opens or creates the database. Rejects with the codes of docs/errors.md. */
export function openEngine(options: EngineOptions): Promise<NativeEngine> {
  return addon().openEngine(options);
}

/** Verbs for a database that no node runs on, with so much memory for caches and for sorting. */
export function openMaintenance(cacheBytes: number): NativeMaintenance {
  return new (addon().Maintenance)(cacheBytes);
}

/** Runs one executor vector (JSON text in any format of the public vectors) and answers its report as JSON text. */
export function runVector(json: string): Promise<string> {
  return addon().runVector(json);
}

/** Computes the state root of a genesis file: JSON `{stated, computed}`. */
export function genesisRoot(json: string): Promise<string> {
  return addon().genesisRoot(json);
}
