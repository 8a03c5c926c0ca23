/**
 * HTTP connections of a load client, opened as they are needed and used again. Everything that goes over them may be sent twice: a raw
 * transaction is the same transaction, and all else reads. So a connection that turns out to be closed costs a second attempt, not the run.
 */
import { Connection } from '../../bench/sequencer/http.js';

const HOST = '127.0.0.1';
/** Used again within this: the node announces that it keeps idle connections for 8 s. */
const IDLE_MS_MAX = 5_000;

interface Idle {
  readonly connection: Connection;
  readonly sinceMs: number;
}

/** What came back. */
export interface Answer {
  readonly body: string;
  /** It was sent twice: what it asked for may have been done at the first time. */
  readonly again: boolean;
}

/** Connections to one node, each with one request in flight at most. */
export class Lines {
  readonly #port: number;
  #idle: Idle[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** Sends the bytes of a request made by `post`. */
  async send(request: Buffer): Promise<Answer> {
    const used = this.#take();
    if (used !== null) {
      try {
        return { body: await this.#over(used, request), again: false };
      } catch {
        // Closed by the node in the meantime: over a new connection once more, and what that says holds.
      }
    }
    return { body: await this.#over(await Connection.open(HOST, this.#port), request), again: used !== null };
  }

  close(): void {
    for (const { connection } of this.#idle.splice(0)) connection.close();
  }

  /** The one that was used last. */
  #take(): Connection | null {
    const last = this.#idle.pop();
    if (last === undefined) return null;
    if (Date.now() - last.sinceMs < IDLE_MS_MAX) return last.connection;
    last.connection.close();
    this.close();
    return null;
  }

  async #over(connection: Connection, request: Buffer): Promise<string> {
    try {
      const body = await connection.send(request);
      this.#idle.push({ connection, sinceMs: Date.now() });
      return body;
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}
