/** Waits for receipts: `eth_sendRawTransactionSync` (EIP-7966). One listener for all that wait; nothing is polled. */
import type { Clock } from '../common/clock.js';
import type { NativeEngine, SealedBlock } from '../native/engine.js';
import { rpcError } from './errors.js';
import type { RpcSequencer } from './modules.js';

const HASH_BYTES = 32;

/** Requests that wait at a time; more are refused, because each holds a connection. */
const WAITING_MAX = 10_000;

export class ReceiptWaiter {
  readonly #engine: NativeEngine;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;
  readonly #stop: () => void;

  constructor(modules: { engine: NativeEngine; sequencer: RpcSequencer; clock: Clock }) {
    this.#engine = modules.engine;
    this.#clock = modules.clock;
    this.#stop = modules.sequencer.onBlock((block) => this.#published(block));
  }

  /** The receipt as JSON text, at once or when its block is published. Rejects with RPC_RECEIPT_TIMEOUT. */
  wait(hash: string, timeoutMs: number): Promise<string> {
    const key = hash.slice(2);
    const bytes = Buffer.from(key, 'hex');
    const known = this.#engine.receiptJson(bytes);
    if (known !== null) return Promise.resolve(known);
    if (this.#count >= WAITING_MAX)
      throw rpcError('RPC_LIMIT_EXCEEDED', `too many requests wait for receipts, want at most ${WAITING_MAX}`);
    return new Promise((resolve, reject) => {
      const published = (): void => {
        cancel();
        this.#forget(key, published);
        resolve(this.#engine.receiptJson(bytes) ?? 'null');
      };
      const cancel = this.#clock.schedule(timeoutMs, () => {
        this.#forget(key, published);
        reject(rpcError('RPC_RECEIPT_TIMEOUT', `transaction was added to the pool but is not in a block after ${timeoutMs} ms`, hash));
      });
      this.#remember(key, published);
    });
  }

  close(): void {
    this.#stop();
  }

  #remember(key: string, published: () => void): void {
    const set = this.#waiting.get(key) ?? new Set();
    set.add(published);
    this.#waiting.set(key, set);
    this.#count++;
  }

  #forget(key: string, published: () => void): void {
    const set = this.#waiting.get(key);
    if (set === undefined || !set.delete(published)) return;
    this.#count--;
    if (set.size === 0) this.#waiting.delete(key);
  }

  #published(block: SealedBlock): void {
    if (this.#count === 0) return;
    for (let at = 0; at < block.txHashes.length; at += HASH_BYTES) {
      const key = block.txHashes.toString('hex', at, at + HASH_BYTES);
      for (const published of [...(this.#waiting.get(key) ?? [])]) published();
    }
  }
}
