/** A restart with a well filled pool; `npm run torture -- reload` does it with 100,000 and measures. */
import test from 'ava';
import { reloadPool } from '../torture/reload.js';

const COUNT = 5_000;

test(`${COUNT} pending transactions are all back after a kill`, async (t) => {
  const { pending } = await reloadPool(t, COUNT, (line) => t.log(line));
  t.is(pending, COUNT);
});
