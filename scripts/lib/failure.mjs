/** How a script ends badly: one clear sentence, what to do about it, where the details are, exit code 1. Never a stack. */
import { append, logPath } from './log.mjs';

export class Failure extends Error {
  /**
   * @param {string} sentence what went wrong
   * @param {string} [remedy] what to do about it
   */
  constructor(sentence, remedy) {
    super(sentence);
    this.name = 'Failure';
    this.remedy = remedy;
  }
}

/** Runs `main`; its number is the exit code. */
export async function runMain(main) {
  try {
    const code = await main();
    if (typeof code === 'number') process.exitCode = code;
  } catch (error) {
    report(error);
    process.exitCode = 1;
  }
}

export function report(error) {
  append(`\n${error?.stack ?? error}\n`);
  const sentence = error instanceof Failure ? error.message : `unexpected failure: ${error?.message ?? error}`;
  process.stderr.write(`\nerror: ${sentence}\n`);
  if (error instanceof Failure && error.remedy) process.stderr.write(`       ${error.remedy}\n`);
  const path = logPath();
  if (path) process.stderr.write(`       details: ${path}\n`);
}
