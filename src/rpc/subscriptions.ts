/**
 * `eth_subscribe`: pushes from the publish event of a block and from the pool. One listener each for the whole node; a block's logs are
 * parsed once, and only when somebody subscribed to logs. Frames go through the connection's sink, which keeps their order and disconnects
 * clients that cannot keep up. Ids end with their connection.
 */
import type { NativeEngine, SealedBlock } from '../native/engine.js';
import { rpcError } from './errors.js';
import { randomId } from './ids.js';
import { type LogCriteria, type LogFields, matchesLog } from './log-criteria.js';
import type { NotificationSink } from './method.js';
import type { PoolTransaction, RpcPool, RpcSequencer } from './modules.js';

/** Removed logs that are told of after the chain was taken back: the newest. */
const REMOVED_LOGS_MAX = 100_000;

/** What a client can subscribe to. */
export type SubscriptionKind =
  | { readonly kind: 'newHeads' }
  | { readonly kind: 'logs'; readonly criteria: LogCriteria }
  | { readonly kind: 'newPendingTransactions'; readonly full: boolean };

interface Subscription {
  readonly id: string;
  readonly sink: NotificationSink;
  readonly what: SubscriptionKind;
}

export interface SubscriptionModules {
  readonly engine: NativeEngine;
  readonly pool: RpcPool;
  readonly sequencer: RpcSequencer;
}

/** All subscriptions of the node. */
export class Subscriptions {
  readonly #engine: NativeEngine;
  readonly #subscriptionsMax: number;
  readonly #bySink = new Map<NotificationSink, Map<string, Subscription>>();
  readonly #heads = new Set<Subscription>();
  readonly #logs = new Map<Subscription, LogCriteria>();
  readonly #pending = new Map<Subscription, boolean>();
  readonly #stop: (() => void)[];

  constructor(subscriptionsMax: number, modules: SubscriptionModules) {
    this.#subscriptionsMax = subscriptionsMax;
    this.#engine = modules.engine;
    this.#stop = [
      modules.sequencer.onBlock((block) => this.#publish(block)),
      modules.sequencer.onRemoval((newest) => this.#collectRemoved(newest)),
      modules.pool.onPending((transaction) => this.#announce(transaction)),
    ];
  }

  /** Number of subscriptions. */
  get count(): number {
    return this.#heads.size + this.#logs.size + this.#pending.size;
  }

  /** Answers the id. */
  subscribe(sink: NotificationSink, what: SubscriptionKind): string {
    let own = this.#bySink.get(sink);
    if (own === undefined) {
      own = new Map();
      this.#bySink.set(sink, own);
      sink.onClose(() => this.#forget(sink));
    }
    if (own.size >= this.#subscriptionsMax) {
      throw rpcError('RPC_LIMIT_EXCEEDED', `too many subscriptions, want at most ${this.#subscriptionsMax} on one connection`);
    }
    const subscription: Subscription = { id: randomId(), sink, what };
    own.set(subscription.id, subscription);
    if (what.kind === 'newHeads') this.#heads.add(subscription);
    else if (what.kind === 'logs') this.#logs.set(subscription, what.criteria);
    else this.#pending.set(subscription, what.full);
    return subscription.id;
  }

  /** False when the connection has no such subscription. */
  unsubscribe(sink: NotificationSink, id: string): boolean {
    const own = this.#bySink.get(sink);
    const subscription = own?.get(id);
    if (own === undefined || subscription === undefined) return false;
    own.delete(id);
    this.#drop(subscription);
    return true;
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.#bySink.clear();
    this.#heads.clear();
    this.#logs.clear();
    this.#pending.clear();
  }

  #forget(sink: NotificationSink): void {
    for (const subscription of this.#bySink.get(sink)?.values() ?? []) this.#drop(subscription);
    this.#bySink.delete(sink);
  }

  #drop(subscription: Subscription): void {
    this.#heads.delete(subscription);
    this.#logs.delete(subscription);
    this.#pending.delete(subscription);
  }

  #publish(block: SealedBlock): void {
    for (const subscription of this.#heads) push(subscription, block.headerJson);
    if (this.#logs.size === 0) return;
    const logs = (JSON.parse(this.#engine.blockLogsJson(block.number)) as LogFields[]).map((log) => ({ log, text: JSON.stringify(log) }));
    for (const [subscription, criteria] of this.#logs) {
      for (const { log, text } of logs) {
        if (matchesLog(criteria, log)) push(subscription, text);
      }
    }
  }

  /** Logs of the blocks after `newest`, newest first as they are undone: told when the blocks are gone. */
  #collectRemoved(newest: number): (newest: number) => void {
    const removed: { readonly block: number; readonly subscription: Subscription; readonly text: string }[] = [];
    const head = this.#logs.size === 0 ? newest : this.#engine.blockNumber();
    for (let block = head; block > newest && removed.length < REMOVED_LOGS_MAX; block--) {
      const logs = (JSON.parse(this.#engine.blockLogsJson(block)) as LogFields[]).reverse();
      for (const log of logs) {
        const text = JSON.stringify({ ...log, removed: true });
        for (const [subscription, criteria] of this.#logs) if (matchesLog(criteria, log)) removed.push({ block, subscription, text });
      }
    }
    return (last) => {
      for (const { block, subscription, text } of removed) {
        if (block > last && this.#logs.has(subscription)) push(subscription, text);
      }
    };
  }

  #announce(transaction: PoolTransaction): void {
    if (this.#pending.size === 0) return;
    let object: string | undefined;
    for (const [subscription, full] of this.#pending) {
      if (full) object ??= this.#engine.pendingTransactionJson(transaction.raw, Buffer.from(transaction.sender.slice(2), 'hex'));
      push(subscription, full && object !== undefined ? object : `"${transaction.hash}"`);
    }
  }
}

function push(subscription: Subscription, resultJson: string): void {
  subscription.sink.send(
    `{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"${subscription.id}","result":${resultJson}}}`,
  );
}
