/**
 * Structured logs without a dependency: the message is a constant, the facts are fields. One line a record, JSON for machines or a
 * readable line for people. Levels: error = someone must act, warn = it may become one, info = sparse, debug and trace for finding faults.
 */
import { CodedError } from './errors.js';

/** Levels from the most to the least urgent. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Shapes of a line. */
export const LOG_FORMATS = ['pretty', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Fields of a record; bigints, bytes and errors are written readably. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** What every part logs through. */
export interface Logger {
  error(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  debug(message: string, facts?: LogFacts): void;
  trace(message: string, facts?: LogFacts): void;
  /** A logger that adds these facts to every record, e.g. `{component: 'pool'}`. */
  child(facts: LogFacts): Logger;
  /** True when records of this level are written: guards facts that are costly to build. */
  enabled(level: LogLevel): boolean;
  readonly level: LogLevel;
  /** Changes the level of this logger and of every other one that writes to the same place, at once. */
  setLevel(level: LogLevel): void;
}

/** How a logger writes. */
export interface LoggerOptions {
  level: LogLevel;
  format: LogFormat;
  /** Unix milliseconds of a record. */
  nowMs: () => number;
  /** Takes one line, with its end. */
  write: (line: string) => void;
  /** ANSI colours in the pretty format. */
  colour?: boolean;
}

/** Where records and the level live; shared by a logger and its children, so that a level change reaches them all. */
interface Sink extends LoggerOptions {
  rank: number;
}

const COLOURS: Record<LogLevel, string> = { error: '31', warn: '33', info: '32', debug: '36', trace: '90' };

/** A logger over `options.write`. */
export function createLogger(options: LoggerOptions): Logger {
  return new SinkLogger({ ...options, rank: LOG_LEVELS.indexOf(options.level) }, {});
}

/** A logger that writes nothing. */
export const silentLogger: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  trace: () => undefined,
  child: () => silentLogger,
  enabled: () => false,
  level: 'error',
  setLevel: () => undefined,
};

class SinkLogger implements Logger {
  readonly #sink: Sink;
  readonly #base: LogFacts;

  constructor(sink: Sink, base: LogFacts) {
    this.#sink = sink;
    this.#base = base;
  }

  error(message: string, facts?: LogFacts): void {
    this.#record('error', message, facts);
  }

  warn(message: string, facts?: LogFacts): void {
    this.#record('warn', message, facts);
  }

  info(message: string, facts?: LogFacts): void {
    this.#record('info', message, facts);
  }

  debug(message: string, facts?: LogFacts): void {
    this.#record('debug', message, facts);
  }

  trace(message: string, facts?: LogFacts): void {
    this.#record('trace', message, facts);
  }

  child(facts: LogFacts): Logger {
    return new SinkLogger(this.#sink, { ...this.#base, ...facts });
  }

  enabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= this.#sink.rank;
  }

  get level(): LogLevel {
    return LOG_LEVELS[this.#sink.rank] ?? 'info';
  }

  setLevel(level: LogLevel): void {
    this.#sink.rank = LOG_LEVELS.indexOf(level);
  }

  #record(level: LogLevel, message: string, facts: LogFacts | undefined): void {
    if (!this.enabled(level)) return;
    const all = facts === undefined ? this.#base : { ...this.#base, ...facts };
    const line = this.#sink.format === 'json' ? jsonLine(this.#sink, level, message, all) : prettyLine(this.#sink, level, message, all);
    this.#sink.write(line);
  }
}

function jsonLine(sink: Sink, level: LogLevel, message: string, facts: LogFacts): string {
  const record = { time: new Date(sink.nowMs()).toISOString(), level, message, ...facts };
  return `${JSON.stringify(record, (_key, value: unknown) => plain(value))}\n`;
}

function prettyLine(sink: Sink, level: LogLevel, message: string, facts: LogFacts): string {
  const time = new Date(sink.nowMs()).toISOString().slice(11, 23);
  const word = level.toUpperCase().padEnd(5);
  const tag = sink.colour === true ? `\u001b[${COLOURS[level]}m${word}\u001b[0m` : word;
  let line = `${time} ${tag} ${message}`;
  for (const [name, value] of Object.entries(facts)) {
    if (value !== undefined) line += ` ${name}=${prettyValue(value)}`;
  }
  return `${line}\n`;
}

function prettyValue(value: unknown): string {
  const flat = plain(value);
  if (typeof flat === 'string') return /^[^\s="]+$/.test(flat) ? flat : JSON.stringify(flat);
  return JSON.stringify(flat, (_key, inner: unknown) => plain(inner)) ?? String(flat);
}

/** Values that JSON cannot hold, made readable. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  if (value instanceof CodedError) return { ...value.facts, message: value.message, cause: value.cause };
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code;
    return { message: value.message, ...(code === undefined ? {} : { code }), stack: value.stack, cause: value.cause };
  }
  // JSON.stringify calls Buffer.toJSON before the replacer sees the value.
  if (isBufferJson(value)) return `0x${Buffer.from(value.data).toString('hex')}`;
  return value;
}

function isBufferJson(value: unknown): value is { type: 'Buffer'; data: number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { type?: unknown }).type === 'Buffer' &&
    Array.isArray((value as { data?: unknown }).data)
  );
}
