/** What has to have become of every transaction, and what `zkevm_explainTransaction` has to say about it: from what it was made for. */
import type { Course, Kind } from './packets.js';
import type { PoolWorld } from './world.js';

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
  // Not known to be harmless before it has been executed: it may find the queue for such ones full.
  large: { ...REACHED, fates: ['included', 'refused'], refusal: /^txpool is full/ },
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
  maximal: { fates: ['refused'], refusal: /^out of counters: \w+ used|^txpool is full/ },
};

/** Transactions judged at a time. */
const CHUNK = 10_000;

/** What was found of transactions that have come to where they were to come. */
export class Findings {
  /** By kind and fate. */
  readonly fates = new Map<string, number>();
  /** Those that met closed batches, each with a verdict for every one of them. */
  explained = 0;
  /** Included in the first batch that they met, refused, or forgotten since: rightly without explanation. */
  unexplained = 0;

  found({ kind }: Course, fate: Fate, isExplained: boolean): void {
    const name = `${kind} ${fate}`;
    this.fates.set(name, (this.fates.get(name) ?? 0) + 1);
    if (isExplained) this.explained++;
    else this.unexplained++;
  }
}

/** What one transaction is judged by. */
interface Evidence {
  readonly state: PoolState | null;
  readonly explanation: Explained | null;
  /** The batch of its block, where it is included. */
  readonly batch: number | null;
}

interface Explained {
  readonly batches: readonly { readonly batch: string; readonly verdict: string }[];
}

/**
 * Judges what was answered; answers what is not as expected, with the reason. What has come to its end is forgotten then; what waits for
 * ever is judged again the next time, and `findings` has it only where `last` is set.
 */
export async function judgeAll(world: PoolWorld, findings: Findings, last: boolean): Promise<Map<Course, string>> {
  const wrong = new Map<Course, string>();
  const list = [...world.open.values()];
  for (let from = 0; from < list.length; from += CHUNK) {
    const chunk = list.slice(from, from + CHUNK);
    const evidence = await collect(world, chunk);
    for (const [i, course] of chunk.entries()) {
      const { state, explanation, batch } = evidence[i] ?? { state: null, explanation: null, batch: null };
      const fate = fateOf(course, state);
      const fault = judge(course, fate, { state, explanation, batch });
      if (fault !== null) wrong.set(course, `${fault}\n  ${courseOf(course, { state, explanation, batch })}`);
      else if (fate !== 'unknown' && (fate !== 'waits' || last)) findings.found(course, fate, explanation !== null);
      if (fault === null && fate !== 'waits') world.forget(course);
    }
  }
  return wrong;
}

async function collect(world: PoolWorld, list: readonly Course[]): Promise<Evidence[]> {
  const hashes = list.map(({ hash }) => [hash]);
  const states = (await world.ask('zkevm_getPoolTransaction', hashes)) as (PoolState | null)[];
  const explanations = (await world.ask('zkevm_explainTransaction', hashes)) as (Explained | null)[];
  const blocks = [...new Set(list.flatMap(({ block }) => (block === undefined ? [] : [block])))];
  const numbers = await world.ask(
    'zkevm_batchNumberByBlockNumber',
    blocks.map((block) => [`0x${block.toString(16)}`]),
  );
  const batchOf = new Map(blocks.map((block, i) => [block, Number(numbers[i])]));
  return list.map(({ block }, i) => ({
    state: states[i] ?? null,
    explanation: explanations[i] ?? null,
    batch: block === undefined ? null : (batchOf.get(block) ?? null),
  }));
}

function fateOf({ answer, block }: Course, state: PoolState | null): Fate | 'unknown' {
  if (typeof answer === 'string') return 'refused';
  if (block !== undefined) return 'included';
  if (state === null) return 'unknown';
  if (state.status === 'pending') return 'waits';
  return state.status === 'replaced' || state.status === 'invalid' ? state.status : 'unknown';
}

function judge(course: Course, fate: Fate | 'unknown', evidence: Evidence): string | null {
  const { state, explanation } = evidence;
  const model = MODELS[course.kind];
  if (fate === 'unknown' || !model.fates.includes(fate)) {
    return `${fate}, expected ${model.fates.join(' or ')}`;
  }
  if (fate === 'refused') return judgeRefused(course, model, evidence);
  if (fate === 'included' && state?.status !== 'selected') return 'included, but the pool says otherwise';
  if (fate !== 'included' && state !== null && model.state?.(state) === false) return `${fate}, and its state does not say why`;
  // Included in the first batch that it met, ended, or included so long ago that it is forgotten.
  if (explanation === null) return fate === 'waits' ? 'it waits, and nothing explains why' : null;
  return judgeExplanation(fate, model, explanation, evidence.batch);
}

/** Refused for what it was made for, and the pool knows nothing of it. */
function judgeRefused({ answer }: Course, { refusal }: Model, { state, explanation }: Evidence): string | null {
  if (refusal?.test(answer ?? '') !== true) return `refused with ${answer}`;
  return state === null && explanation === null ? null : 'refused, and yet the pool knows of it';
}

/** One verdict for each batch without a hole, the expected ones, and at last the batch that it is in. */
function judgeExplanation(fate: Fate, { verdicts }: Model, { batches }: Explained, batch: number | null): string | null {
  const letters = lettersOf(batches);
  if (verdicts !== undefined && letters !== '' && !verdicts.test(letters)) return `${fate} is explained as ${letters}`;
  const numbers = batches.map(({ batch }) => Number(batch));
  if (numbers.some((number, i) => number !== (numbers[0] ?? 0) + i)) return `explained for the batches ${numbers.join(', ')}`;
  if (batch !== null && numbers.at(-1) !== batch) return `in batch ${batch}, explained for the batches ${numbers.join(', ')}`;
  return null;
}

function lettersOf(batches: Explained['batches']): string {
  return batches.map(({ verdict }) => LETTER[verdict] ?? '?').join('');
}

/** Everything that is known of a transaction: what is wrong once in many hours has to be told from this. */
function courseOf(course: Course, { state, explanation, batch }: Evidence): string {
  const verdicts = explanation === null ? null : lettersOf(explanation.batches);
  return JSON.stringify({
    ...course,
    answer: course.answer === undefined ? 'none yet' : course.answer,
    batch,
    verdicts,
    state,
    explanation,
  });
}
