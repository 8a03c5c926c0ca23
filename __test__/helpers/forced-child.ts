/** A process to be killed: processes the forced batches that its parent wrote into a file, and says each as it goes. */
import { readFileSync } from 'node:fs';
import { silentLogger } from '../../src/common/logger.js';
import type { WaitingForcedBatch } from '../../src/sequencer/forced-batches.js';
import { openForcedChain } from './forced-chain.js';

const [path, file] = process.argv.slice(2);
if (path === undefined || file === undefined) throw new Error('usage: forced-child DATABASE FILE');
const batches = JSON.parse(readFileSync(file, 'utf8')) as WaitingForcedBatch[];
const log = (message: string): void => void process.stdout.write(`${message}\n`);
const { source, sequencer } = await openForcedChain(path, { log: { ...silentLogger, info: log } });
source.add(...batches);
// Nothing is left to be killed for.
setInterval(() => {
  if ((sequencer.status().forcedBatches?.next ?? 0) > batches.length) process.exit(0);
}, 50);
