/** What has to have become of every transaction, and what `zkevm_explainTransaction` has to say about it: from what it was made for. */
import { results } from '../helpers/rpc.js';
import type { Kind, PoolWorld, Sent } from './world.js';

/** Where a transaction ends. */
type Fate = 'included' | 'waits' | 'replaced' | 'invalid' | 'refused';

interface Model {
  readonly fates: readonly Fate[];
  /** What the refusal says. */
  readonly refusal?: RegExp;
  /** Verdicts of the closed batches since its arrival, one letter each. */
  readonly verdicts?: RegExp;
  /** Why it does not go on, as zkevm_getPoolTransaction says. */
  readonly state?: (state: PoolState) => boolean;
}

interface PoolState {
  readonly status: string;
  readonly reason: string | null;
  readonly missingNonce?: string;
  readonly missingFundsWei?: string;
  readonly replacedBy?: string;
}

const LETTER: Readonly<Record<string, string>> = {
  included: 'I',
  misfit: 'M',
  nonceGap: 'G',
  behindEarlierNonce: 'B',
  missingFunds: 'F',
  notReached: 'N',
};

const REACHED: Model = { fates: ['included'], verdicts: /^[NBM]*I$/ };

/** A flood may fill the lane of pre-execution: then a stranger is told so. */
const MODELS: Readonly<Record<Kind, Model>> = {
  honest: REACHED,
  drain: REACHED,
  refill: REACHED,
  switch: REACHED,
  gapFill: REACHED,
  large: REACHED,
  replacement: { fates: ['included'], verdicts: /^G*[NBM]*I$/ },
  gap: { fates: ['included', 'waits'], verdicts: /^(G*[NBM]*I|G+)$/, state: ({ missingNonce }) => missingNonce !== undefined },
  drained: {
    fates: ['included', 'waits'],
    verdicts: /^([NB]*F*[NBM]*I|[NB]*F+)$/,
    state: ({ missingFundsWei }) => missingFundsWei !== undefined,
  },
  replaced: { fates: ['replaced'], state: ({ replacedBy }) => replacedBy !== undefined },
  bait: { fates: ['invalid'], state: ({ reason }) => /^out of counters: \w+ used \d+ limit \d+$/.test(reason ?? '') },
  outOfCounters: { fates: ['refused'], refusal: /^out of counters: steps|^txpool is full/ },
  replacementTooCheap: { fates: ['refused'], refusal: /^replacement transaction underpriced/ },
  underpriced: { fates: ['refused'], refusal: /^transaction underpriced/ },
  oversized: { fates: ['refused'], refusal: /^oversized data/ },
};

/** Transactions judged at a time. */
const CHUNK = 10_000;

/** Judges what was sent; answers what was expected otherwise, with the reason. `fates` counts by kind and fate. */
export async function judgeAll(world: PoolWorld, list: readonly Sent[], fates?: Map<string, number>): Promise<Map<Sent, string>> {
  const wrong = new Map<Sent, string>();
  for (let from = 0; from < list.length; from += CHUNK) await judgeSome(world, list.slice(from, from + CHUNK), wrong, fates);
  return wrong;
}

async function judgeSome(world: PoolWorld, list: readonly Sent[], wrong: Map<Sent, string>, fates?: Map<string, number>): Promise<void> {
  const accepted = list.filter(({ answer }) => answer === null);
  const ask = (method: string) =>
    results(
      world.node.url,
      method,
      accepted.map(({ hash }) => [hash]),
    );
  const states = (await ask('zkevm_getPoolTransaction')) as (PoolState | null)[];
  const explanations = (await ask('zkevm_explainTransaction')) as (Explained | null)[];
  const found = new Map(accepted.map((sent, i) => [sent, { state: states[i] ?? null, explanation: explanations[i] ?? null }]));
  for (const sent of list) {
    const { state, explanation } = found.get(sent) ?? { state: null, explanation: null };
    const fate = fateOf(sent, state);
    fates?.set(`${sent.kind} ${fate}`, (fates.get(`${sent.kind} ${fate}`) ?? 0) + 1);
    const fault = judge(sent, fate, state, explanation);
    if (fault !== null) wrong.set(sent, `${sent.kind} ${sent.hash}: ${fault}`);
  }
}

interface Explained {
  readonly batches: readonly { verdict: string }[];
}

function fateOf({ answer, block }: Sent, state: PoolState | null): Fate | 'unknown' {
  if (typeof answer === 'string') return 'refused';
  if (block !== undefined) return 'included';
  if (state === null) return 'unknown';
  if (state.status === 'pending') return 'waits';
  return state.status === 'replaced' || state.status === 'invalid' ? state.status : 'unknown';
}

function judge(sent: Sent, fate: Fate | 'unknown', state: PoolState | null, explanation: Explained | null): string | null {
  const model = MODELS[sent.kind];
  if (fate === 'unknown' || !model.fates.includes(fate)) {
    return `${fate}, expected ${model.fates.join(' or ')}: ${JSON.stringify({ state, answer: sent.answer })}`;
  }
  if (fate === 'refused') return model.refusal?.test(sent.answer ?? '') === true ? null : `refused with ${sent.answer}`;
  if (fate === 'included' && state?.status !== 'selected') return `included, but its state is ${JSON.stringify(state)}`;
  if (fate !== 'included' && state !== null && model.state?.(state) === false)
    return `the state does not say why: ${JSON.stringify(state)}`;
  // Included in the first batch that it met, ended, or included so long ago that it is forgotten.
  if (explanation === null) return fate === 'waits' ? 'it waits, and nothing explains why' : null;
  const letters = explanation.batches.map(({ verdict }) => LETTER[verdict] ?? '?').join('');
  if (model.verdicts === undefined || letters === '' || model.verdicts.test(letters)) return null;
  return `${fate} is explained as ${letters}`;
}
