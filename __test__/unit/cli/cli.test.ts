import test from 'ava';
import { parseArguments } from '../../../src/cli/arguments.js';
import { failureText, runCli } from '../../../src/cli/cli.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import { errorCode } from '../../../src/common/errors.js';
import { NAMED_SETTINGS } from '../../../src/config/schema.js';
import { VERSION } from '../../../src/version.js';

async function run(...args: string[]) {
  let [out, err] = ['', ''];
  const terminal: Terminal = {
    env: {},
    colour: false,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    exit: () => undefined,
    onSignal: () => () => undefined,
  };
  return { code: await runCli(args, terminal), out, err };
}

test('--version and --help', async (t) => {
  t.deepEqual(await run('--version'), { code: 0, out: `${VERSION}\n`, err: '' });
  t.regex(VERSION, /^\d+\.\d+\.\d+/);
  const { out } = await run('start', '-h');
  for (const { flag } of NAMED_SETTINGS) t.true(out.includes(`--${flag}`), flag);
});

test('config docs and errors docs', async (t) => {
  t.regex((await run('config', 'docs')).out, /^# Configuration\n/);
  t.regex((await run('errors', 'docs')).out, /^# Errors\n/);
});

test('what cannot be understood is one sentence with its code, and exit code 1', async (t) => {
  t.deepEqual(await run('dance'), { code: 1, out: '', err: 'error: dance is no command: see zkevm-sequencer --help [CLI_USAGE]\n' });
  for (const args of [['-x'], ['--'], ['--port'], ['--port', '1', '--port', '2'], ['--host', '--port', '1']]) {
    const { code, err } = await run(...args);
    t.is(code, 1, args.join(' '));
    t.regex(err, /^error: .*\[CLI_USAGE\]\n$/, args.join(' '));
  }
});

test('a command with a help of its own leads to it', async (t) => {
  for (const [command, ...args] of [
    ['db', 'rollback', '--to-batch', '1'],
    ['replay', '--nonsense'],
    ['witness', 'none'],
  ] as const) {
    const { code, err } = await run(command, ...args);
    t.is(code, 1, command);
    t.true(err.endsWith(`: see zkevm-sequencer ${command} --help [CLI_USAGE]\n`), err);
    t.regex((await run(command, '--help')).out, new RegExp(`^Usage: zkevm-sequencer ${command} `));
  }
});

test('a faulty configuration is reported before anything starts', async (t) => {
  const { code, err } = await run('start', '--port', '70000', '--no-such-option');
  t.is(code, 1);
  t.is(
    err,
    'error: the configuration has 2 faults: --no-such-option is no option; --port must be a whole number from 0 to 65535 [CONFIG_INVALID]\n',
  );
});

test('a missing genesis file ends the start with a sentence', async (t) => {
  const { code, err } = await run('--genesis', 'no/such/file.json');
  t.is(code, 1);
  t.regex(err, /^error: cannot read the genesis file no\/such\/file\.json: .*\[GENESIS_UNREADABLE\]\n$/);
});

test('options in every form', (t) => {
  const { options, words, configFile } = parseArguments([
    'start',
    '--port',
    '1',
    '--host=::1',
    '--no-data-sync-writes',
    '--config',
    'c.json',
    '--block-time-ms',
    '5',
  ]);
  t.deepEqual(words, ['start']);
  t.is(configFile, 'c.json');
  t.deepEqual(
    [...options],
    [
      ['port', '1'],
      ['host', '::1'],
      ['data-sync-writes', 'false'],
      ['block-interval-ms', '5'],
    ],
  );
  t.is(parseArguments(['--data-sync-writes']).options.get('data-sync-writes'), 'true');
  t.is(errorCode(t.throws(() => parseArguments(['--block-time-ms', '5', '--block-interval-ms', '6']))), 'CLI_USAGE');
});

test('a failure without a known code shows its stack: it is a fault of the program', (t) => {
  t.regex(failureText(new TypeError('x is undefined')), /^unexpected failure: TypeError: x is undefined\n\s+at /);
  t.regex(failureText(Object.assign(new Error('gone'), { code: 'ENOENT' })), /^unexpected failure: /);
  t.is(failureText(Object.assign(new Error('in use'), { code: 'DATA_DIR_LOCKED' })), 'error: in use [DATA_DIR_LOCKED]');
});
