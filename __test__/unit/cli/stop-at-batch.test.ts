/** A whole node inside the test: only so can be seen that it ends without anybody asking for it. */
import test from 'ava';
import { runCli } from '../../../src/cli/cli.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import { account, signed } from '../../helpers/accounts.js';
import { temporaryFolder } from '../../helpers/paths.js';
import { result } from '../../helpers/rpc.js';

const QUICK = ['--port', '0', '--block-interval-ms', '100', '--batch-max-age-ms', '1000', '--stop-at-batch', '1'];

test('after the last batch the node ends by itself, with exit code 0, and its log says why', async (t) => {
  let log = '';
  let listening: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const terminal: Terminal = {
    env: {},
    colour: false,
    out: (text) => {
      const found = /http:\/\/\S+/.exec(text);
      if (found !== null) listening(found[0]);
    },
    err: (text) => {
      log += text;
    },
    exit: (code) => t.fail(`ended at once with ${code}`),
    onSignal: () => () => undefined,
  };
  const ended = runCli(['start', '--data-dir', await temporaryFolder(t), ...QUICK], terminal);
  // A node that does not come up ends first: its log is the message then.
  const address = await Promise.race([url, ended.then(() => null)]);
  if (address === null) throw new Error(`ended before it listened:\n${log}`);
  await result(address, 'eth_sendRawTransaction', [await signed(account(0), { nonce: 0 })]);
  t.is(await ended, 0, log);
  t.regex(log, /the node ends: the sequencer has closed the last batch/);
  t.regex(log, /node has stopped/);
  t.true(log.indexOf('the node ends') < log.indexOf('node has stopped'));
  await t.throwsAsync(result(address, 'eth_blockNumber'), undefined, 'nothing listens any more');
});
