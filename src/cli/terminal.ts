/** The process as the commands see it, so that tests can stand in with their own. */

/** Signals that ask the node to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** True where colours can be shown on the error stream. */
  readonly colour: boolean;
  out(text: string): void;
  err(text: string): void;
  /** Ends the process at once. */
  exit(code: number): void;
  /** Calls the listener with each stop signal and their number; answers a function that ends that. */
  onSignal(listener: (signal: StopSignal, count: number) => void): () => void;
}

/** The real process. */
export const processTerminal: Terminal = {
  env: process.env,
  colour: process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  exit: (code) => process.exit(code),
  onSignal(listener) {
    let count = 0;
    const handle = (signal: NodeJS.Signals): void => {
      count++;
      listener(signal as StopSignal, count);
    };
    process.on('SIGINT', handle);
    process.on('SIGTERM', handle);
    return () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    };
  },
};
