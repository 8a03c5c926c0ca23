/** The full log of a set-up, opened at the first write so that an up-to-date start touches nothing. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { logFile } from './project.mjs';

let descriptor;
let path;

function open() {
  for (const candidate of [logFile, join(tmpdir(), `zkevm-sequencer-setup-${process.pid}.log`)]) {
    try {
      mkdirSync(dirname(candidate), { recursive: true });
      descriptor = openSync(candidate, 'w');
      path = candidate;
      return;
    } catch {
      // A clone that cannot be written to: the next candidate is the temporary folder; without any, there is no log.
    }
  }
  descriptor = null;
}

/** Appends text to the log. */
export function append(text) {
  if (descriptor === undefined) open();
  if (descriptor !== null) writeSync(descriptor, text);
}

/** The log's path, or undefined when nothing was logged. */
export function logPath() {
  return path;
}

export function closeLog() {
  if (typeof descriptor === 'number') closeSync(descriptor);
  descriptor = undefined;
}
