/** Progress of a long command on the error stream. */
import type { MaintenanceProgress } from '../native/maintenance.js';
import type { Terminal } from './terminal.js';

/** Short commands say nothing. */
const INTERVAL_MS = 2000;

/** Writes how far it is every now and then, when that has changed; answers a function that ends it. */
export function progressLine(read: () => MaintenanceProgress, terminal: Terminal): () => void {
  let last = '';
  const timer = setInterval(() => {
    const { phase, done, total } = read();
    const text = total > 0 ? `${phase}: ${done} of ${total} (${Math.floor((100 * done) / total)} %)` : `${phase}: ${done}`;
    if (phase !== '' && text !== last) terminal.err(`${text}\n`);
    last = text;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
