/**
 * What the outside knows of a node under load: every transaction that was sent with the answer it got, and every block that was published.
 * The watcher reads the blocks one by one and throws where a promise of the chain is broken.
 */
import { post } from '../../bench/sequencer/http.js';
import { sleep, type TestNode } from '../helpers/node.js';
import type { RpcAnswer } from '../helpers/rpc.js';
import { Lines } from './lines.js';
import { type Course, type Draft, type Packet, PacketMaker } from './packets.js';

const ALREADY_KNOWN = 'already known';
const TOO_LARGE = 'batch response too large';
/** Requests in one JSON-RPC batch; the node is started with this limit. */
export const BATCH_ITEMS = 500;
/** Batches that are asked side by side: while one is answered, the next is on its way. */
const BATCHES_OPEN_MAX = 4;

/** Everything that was sent and seen, and is not judged yet. */
export class PoolWorld {
  /** By hash: from before it is sent, since its block may be seen before its answer. */
  readonly open = new Map<string, Course>();
  /** Honest transactions that were sent and not seen in a block yet. */
  honestOpen = 0;
  honestIncluded = 0;
  included = 0;
  readonly #lines: Lines;
  readonly #host: string;
  readonly #packets: PacketMaker;
  #nextBlock = 1;
  readonly #nonces = new Map<string, number>();
  #stopped = false;

  constructor(readonly node: TestNode) {
    this.#lines = new Lines(node.port);
    this.#host = `127.0.0.1:${node.port}`;
    this.#packets = new PacketMaker(this.#host);
  }

  /** Signs transactions, for one packet. */
  pack(group: readonly Draft[]): Promise<Packet> {
    return this.#packets.pack(group);
  }

  /** Sends a packet and notes the answers. */
  async send({ courses, request }: Packet): Promise<void> {
    for (const course of courses) {
      this.open.set(course.hash, course);
      if (course.kind === 'honest') this.honestOpen++;
    }
    const { body, again } = await this.#lines.send(request);
    const answers = JSON.parse(body) as RpcAnswer[];
    for (const [i, course] of courses.entries()) {
      const { error, result: hash } = answers[i] ?? {};
      const accepted = error === undefined || (again && error.message === ALREADY_KNOWN);
      course.answer = accepted ? null : error.message;
      if (error === undefined && hash !== course.hash) throw new Error(`sent ${course.hash}, acknowledged ${hash}`);
      if (!accepted && course.kind === 'honest')
        throw new Error(`an honest transaction was refused: ${JSON.stringify({ ...course, error })}`);
    }
  }

  /** The results of one method for many parameters, in order; every one has to succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: the shapes of JSON-RPC results are what is checked.
  async ask(method: string, list: readonly (readonly unknown[])[]): Promise<any[]> {
    // biome-ignore lint/suspicious/noExplicitAny: see above.
    const found: any[][] = [];
    let next = 0;
    const askOn = async (): Promise<void> => {
      while (next < list.length) {
        const from = next;
        next += BATCH_ITEMS;
        found[from / BATCH_ITEMS] = await this.#askBatch(method, list.slice(from, next));
      }
    };
    await Promise.all(Array.from({ length: BATCHES_OPEN_MAX }, askOn));
    return found.flat();
  }

  /** The same in one JSON-RPC batch, or in several smaller ones where the answer is larger than the node sends at once. */
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  async #askBatch(method: string, list: readonly (readonly unknown[])[]): Promise<any[]> {
    const items = list.map((params, id) => ({ jsonrpc: '2.0', id, method, params }));
    const { body } = await this.#lines.send(post(this.#host, JSON.stringify(items)));
    const answers = JSON.parse(body) as RpcAnswer[];
    if (answers.length !== items.length) throw new Error(`${method}: ${items.length} questions, the answer is ${body}`);
    const fault = answers.find(({ error }) => error !== undefined)?.error;
    if (fault === undefined) return answers.map(({ result }) => result);
    if (fault.message !== TOO_LARGE || list.length === 1) throw new Error(`${method}: ${fault.code} ${fault.message}`);
    const middle = Math.ceil(list.length / 2);
    return [...(await this.#askBatch(method, list.slice(0, middle))), ...(await this.#askBatch(method, list.slice(middle)))];
  }

  /** Reads blocks as they are published, until `stop`. */
  async watch(): Promise<void> {
    while (!this.#stopped) if (!(await this.#next())) await sleep(10);
    this.#lines.close();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#packets.end();
  }

  /** It has come to its end, and nothing is expected of it any more: a block that holds it would be an error. */
  forget({ hash }: Course): void {
    this.open.delete(hash);
  }

  async #next(): Promise<boolean> {
    const number = this.#nextBlock;
    const [block] = await this.ask('eth_getBlockByNumber', [[`0x${number.toString(16)}`, false]]);
    if (block === null) return false;
    this.#nextBlock++;
    for (const hash of block.transactions as string[]) this.#includes(hash, number);
    return true;
  }

  #includes(hash: string, number: number): void {
    const course = this.open.get(hash);
    if (course === undefined) throw new Error(`block ${number} holds ${hash}, which nobody sent or which had come to its end`);
    if (course.block !== undefined) throw new Error(`${hash} is in the blocks ${course.block} and ${number}`);
    const expected = this.#nonces.get(course.sender) ?? 0;
    if (course.nonce !== expected) throw new Error(`block ${number}: nonce ${course.nonce} of ${course.sender}, expected ${expected}`);
    this.#nonces.set(course.sender, expected + 1);
    course.block = number;
    this.included++;
    if (course.kind !== 'honest') return;
    this.honestOpen--;
    this.honestIncluded++;
  }
}
