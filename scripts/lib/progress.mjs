/** Steps on the terminal: one line each, rewritten in place on a terminal, repeated now and then elsewhere. */
import { append } from './log.mjs';

const REPEAT_MS = 20_000;
const FRAME_MS = 1000;
const out = process.stderr;

export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

export function say(text) {
  append(`${text}\n`);
  out.write(`${text}\n`);
}

/**
 * Runs `work` under a title. `work` gets a `detail(text)` function for what goes on; its string answer ends the line.
 * @param {string} title
 * @param {(detail: (text: string) => void) => Promise<string | void>} work
 */
export async function step(title, work) {
  const started = Date.now();
  let detail = '';
  let shownAt = started;
  append(`\n== ${title}\n`);
  const line = () => `  ${title.padEnd(12)} ${detail}${detail ? ' · ' : ''}${duration(Date.now() - started)}`;
  const show = () => {
    if (out.isTTY) out.write(`\r\x1b[2K${line().slice(0, (out.columns || 120) - 1)}`);
    else if (Date.now() - shownAt >= REPEAT_MS) {
      shownAt = Date.now();
      out.write(`${line()}\n`);
    }
  };
  const timer = setInterval(show, FRAME_MS);
  const end = (text) => {
    clearInterval(timer);
    if (out.isTTY) out.write('\r\x1b[2K');
    out.write(`  ${title.padEnd(12)} ${text} (${duration(Date.now() - started)})\n`);
  };
  try {
    const answer = await work((text) => {
      if (detail === '' && !out.isTTY) out.write(`  ${title.padEnd(12)} ${text}\n`);
      detail = text;
      if (out.isTTY) show();
    });
    end(answer || 'done');
  } catch (error) {
    end('failed');
    throw error;
  }
}
