/** Child processes: output goes to the log, lines to whoever wants to count them; a signal to the script ends the child too. */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { append } from './log.mjs';

const TAIL_BYTES = 64 * 1024;

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, echo?: boolean}} [options]
 * @returns {Promise<{code: number, output: string}>} the exit code (127 when it could not be started) and the end of its output
 */
export function run(command, args, { cwd, env = process.env, onLine, echo = false } = {}) {
  append(`$ ${command} ${args.join(' ')}\n`);
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (signal) => child.kill(signal);
    process.once('SIGINT', stop).once('SIGTERM', stop);
    let output = '';
    const finish = (code) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      append(`(exit ${code})\n`);
      done({ code, output });
    };
    for (const [stream, sink] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      let rest = '';
      stream.setEncoding('utf8').on('data', (text) => {
        append(text);
        if (echo) sink.write(text);
        output = (output + text).slice(-TAIL_BYTES);
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        if (onLine) for (const line of lines) onLine(line);
      });
    }
    child.once('error', (error) => {
      append(`${error.message}\n`);
      finish(127);
    });
    child.once('close', (code, signal) => finish(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
}

/** Output of a short command, or null when it fails. */
export function query(command, args, env = process.env) {
  const answer = spawnSync(command, args, { env, encoding: 'utf8' });
  return answer.status === 0 ? answer.stdout.trim() : null;
}

/** Absolute path of a program on PATH, or null. */
export function which(name, path = process.env.PATH ?? '') {
  for (const dir of path.split(delimiter)) {
    if (!dir) continue;
    const file = join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here: the next folder of PATH.
    }
  }
  return null;
}

const NETWORK =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network (?:is unreachable|failure|error|timeout)|spurious network|not resolve (?:host|proxy)|name resolution|could not connect|connection refused|NewConnectionError|timed out/i;

/** True when the output of a failed program speaks of an unreachable network. */
export function looksOffline(output) {
  return NETWORK.test(output);
}
