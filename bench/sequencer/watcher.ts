/** Watches for blocks and notes when each transaction was first seen in one. */
import { Connection, post } from './http.js';

/** Often enough for the latencies that are asked for, and two hundred small requests a second at most. */
const POLL_MS = 5;
/** Without a new block for so long, what is missing is not coming. */
const STALLED_MS = 15_000;

/** What was seen. */
export interface Seen {
  readonly blocks: number;
  readonly lastMs: number;
  readonly steadyPerSecond: number;
  /** By index of the transaction; NaN where it was not seen. */
  readonly seenMs: readonly number[];
}

interface BlockSeen {
  readonly atMs: number;
  readonly count: number;
}

/** Polls one server over a connection of its own. */
export class Watcher {
  readonly #connection: Connection;
  readonly #host: string;
  readonly #index: ReadonlyMap<string, number>;
  readonly #seenMs: number[];
  readonly #blocks: BlockSeen[] = [];
  #next: number;
  #missing: number;
  #watching: Promise<void> = Promise.resolve();
  #errors = 0;
  #stop = false;

  private constructor(connection: Connection, host: string, hashes: readonly string[], next: number) {
    this.#connection = connection;
    this.#host = host;
    this.#index = new Map(hashes.map((hash, i) => [hash, i]));
    this.#seenMs = new Array<number>(hashes.length).fill(Number.NaN);
    this.#missing = hashes.length;
    this.#next = next;
  }

  static async start(host: string, port: number, hashes: readonly string[]): Promise<Watcher> {
    const connection = await Connection.open(host, port);
    const head = JSON.parse(await connection.send(request(host, 'eth_blockNumber', []))) as { result: string };
    return new Watcher(connection, host, hashes, Number(head.result) + 1);
  }

  watch(): void {
    this.#watching = this.#run();
  }

  /** Resolves when every transaction that was not refused is in a block, or none comes any more. */
  async done(refused: number): Promise<Seen> {
    this.#errors = refused;
    await this.#watching;
    this.#connection.close();
    const first = this.#blocks[0];
    const last = this.#blocks.at(-1);
    const between = this.#blocks.slice(1).reduce((sum, { count }) => sum + count, 0);
    const seconds = first === undefined || last === undefined ? 0 : (last.atMs - first.atMs) / 1000;
    return {
      blocks: this.#blocks.length,
      lastMs: last?.atMs ?? performance.now(),
      steadyPerSecond: seconds > 0 ? between / seconds : 0,
      seenMs: this.#seenMs,
    };
  }

  async #run(): Promise<void> {
    let lastMs = performance.now();
    while (!this.#stop && this.#missing > this.#errors) {
      const hashes = await this.#block(this.#next);
      if (hashes === null) {
        if (performance.now() - lastMs > STALLED_MS) return;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        continue;
      }
      lastMs = performance.now();
      this.#next++;
      this.#note(hashes, lastMs);
    }
  }

  #note(hashes: readonly string[], atMs: number): void {
    let count = 0;
    for (const hash of hashes) {
      const i = this.#index.get(hash);
      if (i === undefined) continue;
      this.#seenMs[i] = atMs;
      count++;
    }
    this.#missing -= count;
    if (count > 0) this.#blocks.push({ atMs, count });
  }

  async #block(number: number): Promise<readonly string[] | null> {
    const text = await this.#connection.send(request(this.#host, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false]));
    const { result } = JSON.parse(text) as { result: { transactions: string[] } | null };
    return result === null || result === undefined ? null : result.transactions;
  }
}

function request(host: string, method: string, params: readonly unknown[]): Buffer {
  return post(host, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
}
