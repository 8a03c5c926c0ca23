import test from 'ava';
import { COUNTER_NAMES, RESOURCE_BYTES, RESOURCE_GAS } from '../../../../src/native/layouts.js';
import { bytesRule } from '../../../../src/sequencer/closing/bytes.js';
import { exhaustedRule } from '../../../../src/sequencer/closing/exhausted.js';
import { forcedRule } from '../../../../src/sequencer/closing/forced.js';
import { forkChangeRule } from '../../../../src/sequencer/closing/fork-change.js';
import { gasRule } from '../../../../src/sequencer/closing/gas.js';
import { judgeClosing } from '../../../../src/sequencer/closing/index.js';
import { nothingFitsRule } from '../../../../src/sequencer/closing/nothing-fits.js';
import { operatorRule } from '../../../../src/sequencer/closing/operator.js';
import { rowsRule } from '../../../../src/sequencer/closing/rows.js';
import { shutdownRule } from '../../../../src/sequencer/closing/shutdown.js';
import { stopAtBlockRule } from '../../../../src/sequencer/closing/stop-at-block.js';
import { timeRule } from '../../../../src/sequencer/closing/time.js';
import { transactionsRule } from '../../../../src/sequencer/closing/transactions.js';
import type { ClosingContext } from '../../../../src/sequencer/closing/types.js';
import { SEQUENCER_DEFAULTS } from '../../../../src/sequencer/config.js';
import { ResourceLedger } from '../../../../src/sequencer/resource-ledger.js';
import { zeroResources } from '../../../../src/sequencer/resources.js';

const LIMITS = new Array<number>(10).fill(1_000);

/** Ledger of limits 1000 with one resource used. */
function using(resource: number, used: number): ResourceLedger {
  const vector = zeroResources();
  vector[resource] = used;
  return new ResourceLedger(LIMITS, vector);
}

function context(changes: Partial<ClosingContext> = {}): ClosingContext {
  return {
    config: SEQUENCER_DEFAULTS,
    nowMs: 1_000_000,
    ledger: new ResourceLedger(LIMITS),
    txCount: 1,
    blockCount: 1,
    openedAtMs: 1_000_000,
    markerShortfall: null,
    nothingFits: false,
    forcedDeadlineMs: null,
    operatorRequested: false,
    draining: false,
    isLastBlock: false,
    forkChanges: false,
    ...changes,
  };
}

test('transactions: at the limit, not below it, never when it is off', (t) => {
  const config = { ...SEQUENCER_DEFAULTS, batchTxsMax: 300 };
  t.deepEqual(transactionsRule(context({ config, txCount: 300 })), { reason: 'Max transactions', bound: 300 });
  t.is(transactionsRule(context({ config, txCount: 299 })), null);
  t.is(transactionsRule(context({ txCount: 1_000_000 })), null);
});

for (const [resource, name] of COUNTER_NAMES.entries()) {
  test(`rows: margin of ${name}`, (t) => {
    t.deepEqual(rowsRule(context({ ledger: using(resource, 900) })), { reason: 'Resource margin exhausted', resource });
    t.is(rowsRule(context({ ledger: using(resource, 899) })), null);
    t.is(rowsRule(context({ ledger: using(resource, 1_000), txCount: 0 })), null, 'an empty batch has nothing to close');
  });
}

test('rows: of several, the first in order of inspection is named', (t) => {
  const used = new Array<number>(10).fill(950);
  const verdict = rowsRule(context({ ledger: new ResourceLedger(LIMITS, used) }));
  t.is(verdict?.resource, COUNTER_NAMES.indexOf('steps'));
});

test('bytes and gas: margin', (t) => {
  t.deepEqual(bytesRule(context({ ledger: using(RESOURCE_BYTES, 900) })), {
    reason: 'Resource margin exhausted',
    resource: RESOURCE_BYTES,
  });
  t.is(bytesRule(context({ ledger: using(RESOURCE_BYTES, 899) })), null);
  t.deepEqual(gasRule(context({ ledger: using(RESOURCE_GAS, 900) })), { reason: 'Resource margin exhausted', resource: RESOURCE_GAS });
  t.is(gasRule(context({ ledger: using(RESOURCE_GAS, 899) })), null);
});

test('margin: a margin of 0 closes only what is used up', (t) => {
  const config = { ...SEQUENCER_DEFAULTS, resourceMarginPercent: 0 };
  t.is(bytesRule(context({ config, ledger: using(RESOURCE_BYTES, 999) })), null);
  t.not(bytesRule(context({ config, ledger: using(RESOURCE_BYTES, 1_000) })), null);
});

test('exhausted: the marker does not fit', (t) => {
  t.is(exhaustedRule(context()), null);
  const markerShortfall = { resource: 3, needed: 10, remaining: 9 };
  t.deepEqual(exhaustedRule(context({ markerShortfall })), { reason: 'Resource exhausted', resource: 3, bound: 10 });
});

test('nothing fits: only a batch that holds something is closed by it', (t) => {
  t.deepEqual(nothingFitsRule(context({ nothingFits: true })), { reason: 'No transaction fits' });
  t.not(nothingFitsRule(context({ nothingFits: true, txCount: 0 })), null, 'empty blocks have taken room as well');
  t.is(nothingFitsRule(context({ nothingFits: true, txCount: 0, blockCount: 0 })), null);
  t.is(nothingFitsRule(context()), null);
});

test('forced: from the deadline on', (t) => {
  t.is(forcedRule(context()), null);
  t.is(forcedRule(context({ forcedDeadlineMs: 1_000_001 })), null);
  t.deepEqual(forcedRule(context({ forcedDeadlineMs: 1_000_000 })), { reason: 'Forced batch deadline', bound: 1_000_000 });
});

test('time: from the age on, and never without a transaction', (t) => {
  const openedAtMs = 1_000_000 - SEQUENCER_DEFAULTS.batchMaxAgeMs;
  t.deepEqual(timeRule(context({ openedAtMs })), { reason: 'Max delta timestamp', bound: SEQUENCER_DEFAULTS.batchMaxAgeMs });
  t.is(timeRule(context({ openedAtMs: openedAtMs + 1 })), null);
  t.is(timeRule(context({ openedAtMs: 0, txCount: 0 })), null);
});

test('fork change, operator, shutdown', (t) => {
  t.deepEqual(forkChangeRule(context({ forkChanges: true })), { reason: 'Fork change' });
  t.is(forkChangeRule(context()), null);
  t.deepEqual(operatorRule(context({ operatorRequested: true })), { reason: 'Operator' });
  t.is(operatorRule(context()), null);
  t.deepEqual(shutdownRule(context({ draining: true })), { reason: 'Shutdown' });
  t.is(shutdownRule(context({ draining: true, txCount: 0 })), null);
  t.is(shutdownRule(context({ draining: true, config: { ...SEQUENCER_DEFAULTS, closeBatchOnShutdown: false } })), null);
  t.is(shutdownRule(context()), null);
});

test('order: counts, then resources, then deadlines, then requests', (t) => {
  const all = context({
    config: { ...SEQUENCER_DEFAULTS, batchTxsMax: 1 },
    ledger: using(RESOURCE_BYTES, 950),
    markerShortfall: { resource: 0, needed: 2, remaining: 1 },
    nothingFits: true,
    forcedDeadlineMs: 0,
    openedAtMs: 0,
    forkChanges: true,
    operatorRequested: true,
    draining: true,
  });
  t.is(judgeClosing(all)?.reason, 'Max transactions');
  const unlimited = { ...all, config: SEQUENCER_DEFAULTS };
  t.is(judgeClosing(unlimited)?.reason, 'Resource exhausted');
  t.is(judgeClosing({ ...unlimited, markerShortfall: null })?.reason, 'Resource margin exhausted');
  const roomy = { ...unlimited, markerShortfall: null, ledger: new ResourceLedger(LIMITS) };
  t.is(judgeClosing(roomy)?.reason, 'No transaction fits');
  t.is(judgeClosing({ ...roomy, nothingFits: false })?.reason, 'Forced batch deadline');
  const calm = { ...roomy, nothingFits: false, forcedDeadlineMs: null };
  t.is(judgeClosing(calm)?.reason, 'Max delta timestamp');
  t.is(judgeClosing({ ...calm, openedAtMs: calm.nowMs })?.reason, 'Fork change');
  t.is(judgeClosing({ ...calm, openedAtMs: calm.nowMs, forkChanges: false })?.reason, 'Operator');
  t.is(judgeClosing(context()), null);
});

test('stop at block', (t) => {
  t.deepEqual(stopAtBlockRule(context({ isLastBlock: true })), { reason: 'Stop at block' });
  t.is(stopAtBlockRule(context()), null);
  t.is(judgeClosing(context({ isLastBlock: true, operatorRequested: true }))?.reason, 'Stop at block');
});
