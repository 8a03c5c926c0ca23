/** Packets of signed transactions, made on threads: signing is no work of the node, and there is a lot of it. */
import { Worker } from 'node:worker_threads';
import type { QuickFields, QuickWallet } from '../helpers/quick-signer.js';

const THREADS = 2;

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
  | 'maximal'
  | 'large'
  | 'bait'
  | 'switch';

/** A transaction to be signed. */
export interface Draft {
  readonly kind: Kind;
  readonly wallet: QuickWallet;
  readonly fields: QuickFields;
}

/** A transaction that is sent, and what has come of it so far. */
export interface Course {
  readonly kind: Kind;
  readonly hash: string;
  readonly sender: string;
  readonly nonce: number;
  /** Unset until it is answered; null where it was accepted, else the refusal. */
  answer?: string | null;
  block?: number;
}

/** A JSON-RPC batch, ready to be sent. */
export interface Packet {
  readonly courses: readonly Course[];
  readonly request: Buffer;
}

export interface PacketTask {
  readonly id: number;
  readonly host: string;
  readonly items: readonly { readonly factor: bigint; readonly fields: QuickFields }[];
}

export interface SignedPacket {
  readonly id: number;
  readonly hashes: readonly string[];
  readonly request: Uint8Array;
}

interface Open {
  readonly resolve: (signed: SignedPacket) => void;
  readonly reject: (error: unknown) => void;
}

/** The threads. */
export class PacketMaker {
  readonly #host: string;
  readonly #threads: Worker[];
  readonly #open = new Map<number, Open>();
  #made = 0;

  constructor(host: string) {
    this.#host = host;
    this.#threads = Array.from({ length: THREADS }, () => this.#start());
  }

  /** Signs the transactions, in this order. */
  async pack(drafts: readonly Draft[]): Promise<Packet> {
    const id = this.#made++;
    const items = drafts.map(({ wallet, fields }) => ({ factor: wallet.factor, fields }));
    const { hashes, request } = await new Promise<SignedPacket>((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      const task: PacketTask = { id, host: this.#host, items };
      this.#threads[id % THREADS]?.postMessage(task);
    });
    const courses = drafts.map(({ kind, wallet, fields }, i) => {
      return { kind, hash: hashes[i] ?? '', sender: wallet.address, nonce: fields.nonce };
    });
    return { courses, request: Buffer.from(request.buffer, request.byteOffset, request.length) };
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #start(): Worker {
    const thread = new Worker(new URL('./packet-thread.js', import.meta.url));
    thread.on('message', (signed: SignedPacket) => {
      this.#open.get(signed.id)?.resolve(signed);
      this.#open.delete(signed.id);
    });
    thread.on('error', (error) => {
      for (const { reject } of this.#open.values()) reject(error);
    });
    return thread;
  }
}
