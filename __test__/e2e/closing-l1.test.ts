/**
 * The closing reasons that L1 gives cause to, on the real engine. There is no L1 side yet, so that deadline and fork come from the hooks
 * that it will use; everything behind them is real: admission, execution, tree, commit, the stored batch.
 */
import test, { type ExecutionContext } from 'ava';
import type { Certificate } from '../../src/sequencer/certificate.js';
import { account, signed } from '../helpers/accounts.js';
import { type ForcedChainOptions, openForcedChain } from '../helpers/forced-chain.js';
import { forcedBatch } from '../helpers/forced-source.js';
import { until } from '../helpers/node.js';
import { temporaryFolder } from '../helpers/paths.js';

async function chain(t: ExecutionContext, options: ForcedChainOptions = {}) {
  const { engine, pool, source, close } = await openForcedChain(await temporaryFolder(t), options);
  t.teardown(close);
  const closed = (number: number) =>
    until(`batch ${number} is closed`, async () => {
      const json = engine.batchJson(number, false);
      const batch = json === null ? null : (JSON.parse(json) as { closed: boolean; closingCertificate: Certificate });
      return batch?.closed === true ? batch.closingCertificate : null;
    });
  const send = async (nonce: number) => pool.add(Buffer.from((await signed(account(0), { nonce })).slice(2), 'hex'));
  return { engine, source, closed, send };
}

test('forced batch deadline: the open batch is closed at the deadline, not before', async (t) => {
  const { closed, send, source } = await chain(t);
  const deadlineMs = Date.now() + 700;
  await send(0);
  source.add(forcedBatch(1, Buffer.alloc(0), { deadlineMs }));
  const certificate = await closed(1);
  t.is(certificate.reason, 'Forced batch deadline');
  t.true(certificate.closedAtMs >= deadlineMs, `${certificate.closedAtMs} and ${deadlineMs}`);
  t.is(certificate.txCount, 1);
  t.false(certificate.closedByResource);
  t.is((await closed(2)).reason, 'Forced batch');
});

test('fork change: the last batch of a fork is closed before the next block', async (t) => {
  const { closed, send, engine } = await chain(t, { forkChangesAfter: (batch) => batch === 1 });
  await send(0);
  t.is((await closed(1)).reason, 'Fork change');
  await send(1);
  await until('block 2', async () => (engine.blockNumber() === 2 ? true : null));
  t.is(engine.batchNumberByBlock(2), 2);
  t.is(engine.head().closedBatch, 1, 'batch 2 goes on');
});
