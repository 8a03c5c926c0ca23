/**
 * What the outside knows of a node under load: every transaction that was sent with the answer it got, and every block that was published.
 * The watcher reads the blocks one by one and throws where a promise of the chain is broken.
 */
import { sleep, type TestNode } from '../helpers/node.js';
import type { QuickWallet } from '../helpers/quick-signer.js';
import { batch, result } from '../helpers/rpc.js';

/** What a transaction is up to. */
export type Kind =
  | 'honest'
  | 'outOfCounters'
  | 'gap'
  | 'gapFill'
  | 'replaced'
  | 'replacement'
  | 'replacementTooCheap'
  | 'drain'
  | 'drained'
  | 'refill'
  | 'underpriced'
  | 'oversized'
  | 'large'
  | 'bait'
  | 'switch';

/** A transaction that was sent. */
export interface Sent {
  readonly kind: Kind;
  readonly hash: string;
  /** Empty once it is answered: there are millions. */
  raw: string;
  readonly sender: string;
  readonly nonce: number;
  /** Unset until it is answered; null where it was accepted, else the refusal. */
  answer?: string | null;
  block?: number;
}

/** Everything that was sent and seen. */
export class PoolWorld {
  readonly sent = new Map<string, Sent>();
  /** Honest transactions that were accepted and not seen in a block yet. */
  honestOpen = 0;
  honestIncluded = 0;
  blocks = 0;
  #nextBlock = 1;
  readonly #nonces = new Map<string, number>();
  #stopped = false;

  constructor(readonly node: TestNode) {}

  /** Makes a transaction of a wallet; it is known before it is sent, since its block may be seen before its answer. */
  make(kind: Kind, wallet: QuickWallet, fields: Omit<Parameters<QuickWallet['sign']>[0], 'nonce'>, nonce = wallet.nonce++): Sent {
    const { raw, hash } = wallet.sign({ ...fields, nonce });
    return { kind, hash, raw, sender: wallet.address, nonce };
  }

  /** Sends a group in one JSON-RPC batch and notes the answers. */
  async send(group: readonly Sent[]): Promise<void> {
    for (const sent of group) {
      this.sent.set(sent.hash, sent);
      if (sent.kind === 'honest') this.honestOpen++;
    }
    const answers = await batch(
      this.node.url,
      'eth_sendRawTransaction',
      group.map(({ raw }) => [raw]),
    );
    for (const [i, sent] of group.entries()) {
      const { error, result: hash } = answers[i] ?? {};
      sent.answer = error === undefined ? null : error.message;
      sent.raw = '';
      if (error === undefined && hash !== sent.hash) throw new Error(`sent ${sent.hash}, acknowledged ${hash}`);
      if (error !== undefined && sent.kind === 'honest') throw new Error(`an honest transaction was refused: ${error.message}`);
    }
  }

  /** Reads blocks as they are published, until `stop`. */
  async watch(): Promise<void> {
    while (!this.#stopped) if (!(await this.#next())) await sleep(10);
  }

  stop(): void {
    this.#stopped = true;
  }

  async #next(): Promise<boolean> {
    const number = this.#nextBlock;
    const block = await result(this.node.url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
    if (block === null) return false;
    this.#nextBlock++;
    this.blocks++;
    for (const hash of block.transactions as string[]) this.#included(hash, number);
    return true;
  }

  #included(hash: string, number: number): void {
    const sent = this.sent.get(hash);
    if (sent === undefined) throw new Error(`block ${number} holds ${hash}, which nobody sent`);
    if (sent.block !== undefined) throw new Error(`${hash} is in the blocks ${sent.block} and ${number}`);
    const expected = this.#nonces.get(sent.sender) ?? 0;
    if (sent.nonce !== expected) throw new Error(`block ${number}: nonce ${sent.nonce} of ${sent.sender}, expected ${expected}`);
    this.#nonces.set(sent.sender, expected + 1);
    sent.block = number;
    if (sent.kind !== 'honest') return;
    this.honestOpen--;
    this.honestIncluded++;
  }
}
