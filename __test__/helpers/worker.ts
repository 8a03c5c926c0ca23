/**
 * Runs in every process of tests, before its file: when nothing is left to test, the process has to end by itself. One that something keeps
 * alive says what, and fails, instead of holding up everything until the limit of the whole run.
 */
import { registerCompletionHandler } from 'ava';

/** Longer than any connection is kept for reuse. */
const GRACE_MS = 60_000;

registerCompletionHandler(() => {
  const end = (): void => {
    process.stderr.write(`the tests are over, but something is still open: ${process.getActiveResourcesInfo().join(', ')}\n`);
    process.exit(1);
  };
  setTimeout(end, GRACE_MS).unref();
});
