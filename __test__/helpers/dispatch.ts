/** Asks a dispatcher over a fake chain, as the sockets would. */

import type { MetricsRegistry } from '../../src/common/metrics.js';
import { Dispatcher } from '../../src/rpc/dispatch.js';
import type { NotificationSink } from '../../src/rpc/method.js';
import { buildMethods } from '../../src/rpc/namespaces/index.js';
import type { RpcServices } from '../../src/rpc/services.js';

export interface Answer {
  readonly id?: unknown;
  // biome-ignore lint/suspicious/noExplicitAny: results have every JSON shape.
  readonly result?: any;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

export class Asker {
  readonly dispatcher: Dispatcher;
  readonly #sink: NotificationSink | null;

  constructor(services: RpcServices & { metrics: MetricsRegistry }, sink: NotificationSink | null = null) {
    const { config, logger, metrics, clock } = services;
    this.dispatcher = new Dispatcher(config, { methods: buildMethods(services), logger, metrics, clock });
    this.#sink = sink;
  }

  /** The answer text of a body; null for notifications. */
  body(text: string): Promise<string | null> {
    return new Promise((resolve) => this.dispatcher.handle(text, { sink: this.#sink }, resolve));
  }

  async ask(method: string, params: unknown = []): Promise<Answer> {
    return JSON.parse((await this.body(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))) ?? 'null') as Answer;
  }
}

/** A connection that keeps what it was sent. */
export class FakeSink implements NotificationSink {
  readonly sent: string[] = [];
  #close: (() => void)[] = [];

  send(text: string): void {
    this.sent.push(text);
  }

  onClose(listener: () => void): void {
    this.#close.push(listener);
  }

  close(): void {
    for (const listener of this.#close) listener();
  }
}
