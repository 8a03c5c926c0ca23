/** A session's way in and out: through a recorder where the node records, straight otherwise. The node is built the same either way. */
import type { Clock } from '../common/clock.js';
import type { Logger } from '../common/logger.js';
import type { EngineHead } from '../native/engine.js';
import type { L1GasPriceSource } from '../pool/gas-price.js';
import type { ForcedBatchSource } from '../sequencer/forced-batches.js';
import { FileSink, type RecordSink } from './frames.js';
import { type DecisionEngine, RecordedEngine } from './recorded-engine.js';
import { Recorder } from './recorder.js';
import { headMark, type SessionSetup, sessionStart } from './session.js';

/** Lets a raw transaction in. */
export type Arrive = (raw: Buffer, add: (raw: Buffer) => Promise<string>) => Promise<string>;

/** Lets a command in: `run` does it. */
export type CommandGate = (name: string, argument: string | null, run: () => void) => void;

/** What decisions see of the outside. */
export interface SessionPorts {
  readonly engine: DecisionEngine;
  readonly clock: Clock;
  readonly atTurnEnd?: (task: () => void) => void;
  readonly arrive?: Arrive;
  readonly commands?: CommandGate;
  /** Runs what builds gas price and pool. */
  begin<T>(run: () => T): T;
  l1GasPrice(source: L1GasPriceSource): L1GasPriceSource;
  /** A value from outside, asked at most once an event. */
  input<T>(key: string, read: () => T): T;
  /** The session ended in good order. */
  end(): void;
}

/** Straight ways. */
export function unrecorded(engine: DecisionEngine, clock: Clock): SessionPorts {
  return {
    engine,
    clock,
    begin: (run) => run(),
    l1GasPrice: (source) => source,
    input: (_key, read) => read(),
    end: () => undefined,
  };
}

/** Key of the input that says which forced batches wait. */
export const FORCED_BATCHES = 'forcedBatches';

/** Forced batches as an input of the session. */
export function forcedThrough(ports: Pick<SessionPorts, 'input'>, source: ForcedBatchSource): ForcedBatchSource {
  return { waiting: () => ports.input(FORCED_BATCHES, () => source.waiting()), onChange: (listener) => source.onChange(listener) };
}

/** What a recorded session is made of. */
export interface RecordedModules {
  readonly engine: DecisionEngine & { head(): EngineHead };
  readonly clock: Clock;
  readonly log: Logger;
  readonly sink: RecordSink;
  readonly setup: SessionSetup;
  readonly version: string;
}

/** Ways through a recorder; `recorder` is for tests. */
export function recorded(modules: RecordedModules): SessionPorts & { readonly recorder: Recorder } {
  const { engine, setup, version } = modules;
  const recorder = new Recorder(modules);
  return {
    recorder,
    engine: new RecordedEngine(engine, recorder),
    clock: recorder.clock,
    atTurnEnd: (task) => recorder.atTurnEnd(task),
    arrive: (raw, add) => recorder.arrive(raw, add),
    commands: (name, argument, run) => recorder.command(name, argument, run),
    begin: (run) => recorder.begin(sessionStart(setup, engine.head(), version), run),
    l1GasPrice: (source) => () => recorder.call('l1GasPrice', source, (wei, out) => out.text(wei.toString())),
    input: (key, read) => recorder.input(key, read),
    end: () => recorder.end(headMark(engine.head())),
  };
}

/** Records into a file, behind what it holds. Throws RECORDING_UNREADABLE. */
export function recordInto(path: string, modules: Omit<RecordedModules, 'sink'>): SessionPorts {
  return recorded({ ...modules, sink: new FileSink(path) });
}
