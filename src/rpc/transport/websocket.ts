/**
 * One WebSocket connection: requests in, answers and notifications out, in order. When the client does not keep up, messages wait in a
 * bounded queue of ours rather than in the socket's buffer; when that is full the connection is closed with 1013, never silently skipped.
 */
import { BoundedQueue } from '../../common/bounded-queue.js';
import { errorText } from '../envelope.js';
import { rpcError } from '../errors.js';
import type { NotificationSink } from '../method.js';
import type { UwsSocket } from './uws.js';

/** Close code `try again later`. */
const CLOSE_TRY_LATER = 1013;
/** Close code `going away`. */
const CLOSE_GOING_AWAY = 1001;
/** Below this many bytes in the socket's buffer, waiting messages follow. */
const LOW_WATER_BYTES = 256 * 1024;

/** Shorter messages cost more to compress than to send; only for clients that negotiated permessage-deflate. */
const COMPRESS_MIN_CHARS = 8 * 1024;
/** What uWS answers when it dropped a message. */
const DROPPED = 2;

/** Limits of a connection. */
export interface ConnectionLimits {
  readonly queueMessagesMax: number;
  readonly inFlightMax: number;
}

export class Connection implements NotificationSink {
  readonly #limits: ConnectionLimits;
  readonly #waiting: BoundedQueue<string>;
  readonly #closeListeners: (() => void)[] = [];
  #socket: UwsSocket<unknown> | null = null;
  #inFlight = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
    this.#waiting = new BoundedQueue(limits.queueMessagesMax);
  }

  /** Requests that have no answer yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  opened(socket: UwsSocket<unknown>): void {
    this.#socket = socket;
  }

  /** The socket is gone: nothing may touch it any more. */
  closed(): void {
    this.#socket = null;
    this.#waiting.clear();
    for (const listener of this.#closeListeners.splice(0)) listener();
  }

  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }

  /** Takes one request; `handle` gets its text and answers through the reply. */
  request(text: string, handle: (text: string, reply: (answer: string | null) => void) => void): void {
    if (this.#inFlight >= this.#limits.inFlightMax) {
      const message = `too many requests in flight, want at most ${this.#limits.inFlightMax} on one connection`;
      this.send(errorText('null', rpcError('RPC_LIMIT_EXCEEDED', message)));
      return;
    }
    this.#inFlight++;
    handle(text, (answer) => {
      this.#inFlight--;
      if (answer !== null) this.send(answer);
    });
  }

  send(text: string): void {
    const socket = this.#socket;
    if (socket === null) return;
    if (this.#waiting.length === 0 && socket.getBufferedAmount() < LOW_WATER_BYTES) {
      this.#write(socket, text);
    } else if (!this.#waiting.push(text)) {
      socket.end(CLOSE_TRY_LATER, 'client too slow');
    }
  }

  /** The socket's buffer has room again. */
  drained(): void {
    while (this.#socket !== null && this.#socket.getBufferedAmount() < LOW_WATER_BYTES) {
      const text = this.#waiting.shift();
      if (text === undefined) return;
      this.#write(this.#socket, text);
    }
  }

  /** Closes the connection because the node stops. */
  end(): void {
    this.#socket?.end(CLOSE_GOING_AWAY, 'the node is shutting down');
  }

  #write(socket: UwsSocket<unknown>, text: string): void {
    if (socket.send(text, false, text.length >= COMPRESS_MIN_CHARS) === DROPPED)
      socket.end(CLOSE_TRY_LATER, 'message too large for the send buffer');
  }
}
