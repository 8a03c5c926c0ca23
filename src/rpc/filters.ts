/**
 * Filters that are polled: new blocks, logs, pending transactions. A filter keeps a cursor, not its results: blocks and logs are read from
 * the chain when asked, pending hashes from one ring that all filters share. A filter that is not polled for `filterIdleMs` is removed.
 */
import type { Clock } from '../common/clock.js';
import type { NativeEngine } from '../native/engine.js';
import type { BlockResolver } from './block-ref.js';
import type { CallGate } from './call-gate.js';
import { rpcError } from './errors.js';
import { randomId } from './ids.js';
import { engineFilter, type LogCriteria, type LogRange, resolveRange } from './log-criteria.js';
import type { RpcPool, RpcSequencer } from './modules.js';

/** Hashes of pending transactions kept for pollers: some seconds at full load. A filter that falls further behind is removed. */
const PENDING_RING_MAX = 65_536;
/** Newest block hashes kept for pollers; older ones are read from the chain. */
const RECENT_HASHES_MAX = 1024;

type FilterKind =
  | { readonly kind: 'block' }
  | { readonly kind: 'logs'; readonly criteria: LogCriteria; readonly range: LogRange }
  | { readonly kind: 'pending' };

interface Filter {
  readonly what: FilterKind;
  /** Last block seen, or number of pending hashes seen. */
  cursor: number;
  polledAtMs: number;
}

export interface FilterOptions {
  readonly filtersMax: number;
  readonly filterIdleMs: number;
  readonly logsRangeMax: number;
  readonly logsResultsMax: number;
}

export interface FilterModules {
  readonly engine: NativeEngine;
  readonly pool: RpcPool;
  readonly sequencer: RpcSequencer;
  readonly blocks: BlockResolver;
  readonly clock: Clock;
  readonly gate: CallGate;
}

/** All filters of the node. */
export class Filters {
  readonly #options: FilterOptions;
  readonly #modules: FilterModules;
  readonly #filters = new Map<string, Filter>();
  readonly #hashes = new Map<number, string>();
  #pending: string[] = [];
  /** Number of the first hash in `#pending`, counted from the start of the node. */
  #pendingFirst = 0;
  #pendingFilters = 0;
  readonly #stop: (() => void)[];

  constructor(options: FilterOptions, modules: FilterModules) {
    this.#options = options;
    this.#modules = modules;
    this.#stop = [
      modules.sequencer.onBlock((block) => this.#remember(block.number, block.hash)),
      modules.sequencer.onRemoval(() => (newest) => this.#wentBack(newest)),
      modules.pool.onPending((transaction) => this.#collect(transaction.hash)),
    ];
  }

  get count(): number {
    return this.#filters.size;
  }

  newBlockFilter(): string {
    return this.#add({ kind: 'block' }, this.#modules.engine.blockNumber());
  }

  newLogFilter(criteria: LogCriteria, range: LogRange): string {
    return this.#add({ kind: 'logs', criteria, range }, this.#modules.engine.blockNumber());
  }

  newPendingFilter(): string {
    const id = this.#add({ kind: 'pending' }, this.#pendingFirst + this.#pending.length);
    this.#pendingFilters++;
    return id;
  }

  /** False when there is no such filter. */
  uninstall(id: string): boolean {
    const filter = this.#filters.get(id);
    if (filter === undefined) return false;
    this.#remove(id, filter);
    return true;
  }

  /** What came since the last poll, as JSON text. */
  changes(id: string): string | Promise<string> {
    const filter = this.#poll(id);
    if (filter.what.kind === 'block') return this.#blockChanges(filter);
    if (filter.what.kind === 'pending') return this.#pendingChanges(id, filter);
    return this.#logChanges(filter, filter.what.criteria);
  }

  /** All logs of a log filter, as JSON text. */
  logs(id: string): Promise<string> {
    const { what } = this.#poll(id);
    if (what.kind !== 'logs') throw rpcError('RPC_FILTER_NOT_FOUND', 'filter not found');
    return this.query(what.criteria, what.range);
  }

  /** `eth_getLogs`. */
  query(criteria: LogCriteria, range: LogRange): Promise<string> {
    const { engine, blocks } = this.#modules;
    const span = resolveRange(range, engine, blocks, this.#options.logsRangeMax);
    return span === null ? Promise.resolve('[]') : this.#read(criteria, span.from, span.to);
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.#filters.clear();
  }

  #add(what: FilterKind, cursor: number): string {
    this.#expire();
    if (this.#filters.size >= this.#options.filtersMax) {
      throw rpcError('RPC_LIMIT_EXCEEDED', `too many filters, want at most ${this.#options.filtersMax}`);
    }
    const id = randomId();
    this.#filters.set(id, { what, cursor, polledAtMs: this.#modules.clock.nowMs() });
    return id;
  }

  #poll(id: string): Filter {
    this.#expire();
    const filter = this.#filters.get(id);
    if (filter === undefined) throw rpcError('RPC_FILTER_NOT_FOUND', 'filter not found');
    filter.polledAtMs = this.#modules.clock.nowMs();
    // The map is in order of polling, so that expiry looks at the oldest only.
    this.#filters.delete(id);
    this.#filters.set(id, filter);
    return filter;
  }

  #expire(): void {
    const oldest = this.#modules.clock.nowMs() - this.#options.filterIdleMs;
    for (const [id, filter] of this.#filters) {
      if (filter.polledAtMs > oldest) return;
      this.#remove(id, filter);
    }
  }

  #remove(id: string, filter: Filter): void {
    this.#filters.delete(id);
    if (filter.what.kind !== 'pending') return;
    this.#pendingFilters--;
    if (this.#pendingFilters === 0) {
      this.#pendingFirst += this.#pending.length;
      this.#pending = [];
    }
  }

  #blockChanges(filter: Filter): string {
    const head = this.#modules.engine.blockNumber();
    const hashes: string[] = [];
    for (let number = filter.cursor + 1; number <= head; number++) hashes.push(this.#hashOf(number));
    filter.cursor = head;
    return JSON.stringify(hashes);
  }

  #pendingChanges(id: string, filter: Filter): string {
    if (filter.cursor < this.#pendingFirst) {
      // Hashes were dropped that this client has not seen: better gone than silently incomplete.
      this.#remove(id, filter);
      throw rpcError('RPC_FILTER_NOT_FOUND', 'filter not found: more transactions came than are kept, create it anew');
    }
    const fresh = this.#pending.slice(filter.cursor - this.#pendingFirst);
    filter.cursor = this.#pendingFirst + this.#pending.length;
    return JSON.stringify(fresh);
  }

  async #logChanges(filter: Filter, criteria: LogCriteria): Promise<string> {
    const from = filter.cursor + 1;
    const head = this.#modules.engine.blockNumber();
    if (from > head) return '[]';
    const to = Math.min(head, from + this.#options.logsRangeMax - 1);
    // Moved on before reading, so that two polls at once do not answer the same logs; moved back when reading fails.
    filter.cursor = to;
    try {
      return await this.#read(criteria, from, to);
    } catch (error) {
      if (filter.cursor === to) filter.cursor = from - 1;
      throw error;
    }
  }

  async #read(criteria: LogCriteria, from: number, to: number): Promise<string> {
    const max = this.#options.logsResultsMax;
    try {
      return await this.#modules.gate.run(() => this.#modules.engine.logsJson(engineFilter(criteria, from, to), max));
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'LOGS_TOO_MANY') throw error;
      throw rpcError('LOGS_TOO_MANY', `query returned more than ${max} results`);
    }
  }

  #hashOf(number: number): string {
    const known = this.#hashes.get(number);
    if (known !== undefined) return known;
    const json = this.#modules.engine.blockJson(number, false, false);
    if (json === null) throw rpcError('BLOCK_NOT_FOUND', `block ${number} is missing`);
    return (JSON.parse(json) as { hash: string }).hash;
  }

  #remember(number: number, hash: string): void {
    this.#hashes.set(number, hash);
    this.#hashes.delete(number - RECENT_HASHES_MAX);
  }

  /** Blocks after this one are gone: the ones that come in their place are news. */
  #wentBack(newest: number): void {
    for (const number of [...this.#hashes.keys()]) if (number > newest) this.#hashes.delete(number);
    for (const filter of this.#filters.values()) if (filter.what.kind !== 'pending') filter.cursor = Math.min(filter.cursor, newest);
  }

  #collect(hash: string): void {
    if (this.#pendingFilters === 0) return;
    this.#pending.push(hash);
    if (this.#pending.length < 2 * PENDING_RING_MAX) return;
    // Cut in halves: one copy for many pushes.
    this.#pendingFirst += this.#pending.length - PENDING_RING_MAX;
    this.#pending = this.#pending.slice(-PENDING_RING_MAX);
  }
}
