/**
 * Loaded before a node: as long as the file that ZKEVM_TEST_FAULT names is there, its engine opens no L2 block. A fault of the surroundings, which
 * goes away without a new start.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { EngineOptions, NativeEngine } from '../../src/native/engine.js';
import { ROOT } from './paths.js';

const { ZKEVM_TEST_FAULT: fault = '' } = process.env;
// The very object that the node loads later.
const addon = createRequire(import.meta.url)(join(ROOT, 'native/binding/addon.cjs')) as {
  openEngine(options: EngineOptions): Promise<NativeEngine>;
};
const open = addon.openEngine;
addon.openEngine = async (options) => {
  const engine = await open(options);
  const openBlock = engine.openBlock.bind(engine);
  engine.openBlock = async (request) => {
    if (existsSync(fault)) throw Object.assign(new Error('the engine opens no block'), { code: 'EXECUTOR_FAILED' });
    return openBlock(request);
  };
  return engine;
};
