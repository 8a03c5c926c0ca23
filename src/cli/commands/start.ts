/** `start`: runs the node until it is told to stop. */
import { createLogger, type Logger } from '../../common/logger.js';
import { composeConfig } from '../../config/config.js';
import { DEV_BALANCE_WEI, type DevAccount } from '../../config/dev-chain.js';
import { loadConfig, readConfigFile } from '../../config/load.js';
import type { LogConfig } from '../../config/schema.js';
import { SequencerNode } from '../../node.js';
import { VERSION } from '../../version.js';
import type { Arguments } from '../arguments.js';
import type { Terminal } from '../terminal.js';

/** Exit code of a run that a second signal cut off. */
const FORCED = 1;
/** Exit code of a run that ended by itself and whose last batches could not be verified. */
const UNSOUND = 1;

/** Answers the exit code when the node has ended. */
export async function runStart(args: Arguments, terminal: Terminal): Promise<number> {
  const file = args.configFile === null ? null : readConfigFile(args.configFile);
  const sections = loadConfig({ options: args.options, env: terminal.env, file });
  const logger = makeLogger(sections.log, terminal);
  const stop = new AbortController();
  const release = terminal.onSignal((signal, count) => {
    if (count > 1) terminal.exit(FORCED);
    logger.info('stopping: a second signal stops at once', { signal });
    stop.abort();
  });
  try {
    const node = await SequencerNode.init(composeConfig(sections), { logger, signal: stop.signal });
    announce(node, sections.rpc.host, terminal);
    const head = node.engine.head();
    logger.info('node is up', {
      version: VERSION,
      chainId: head.chainId,
      forkId: head.forkId,
      block: head.blockNumber,
      stateRoot: head.stateRoot,
    });
    await node.closed;
    logger.info('node has stopped');
    return node.endProblem === null ? 0 : UNSOUND;
  } catch (error) {
    // A signal during the start is a wish, not a failure.
    if (stop.signal.aborted && error === stop.signal.reason) return 0;
    throw error;
  } finally {
    release();
  }
}

function makeLogger(config: LogConfig, terminal: Terminal): Logger {
  return createLogger({ ...config, nowMs: () => Date.now(), write: (line) => terminal.err(line), colour: terminal.colour });
}

function announce(node: SequencerNode, host: string, terminal: Terminal): void {
  const { accounts } = node.genesis;
  if (accounts.length > 0) terminal.out(accountList(accounts));
  const name = host.includes(':') ? `[${host}]` : host;
  terminal.out(`JSON-RPC on http://${name}:${node.rpc.port} and ws://${name}:${node.rpc.port}\n`);
}

function accountList(accounts: readonly DevAccount[]): string {
  const balance = `${(DEV_BALANCE_WEI / 10n ** 18n).toLocaleString('en-US')} ETH`;
  const lines = accounts.map(({ address, privateKey }, i) => `  #${i}  ${address}  ${balance}\n      private key ${privateKey}`);
  return `Development accounts. Their keys are public: funds sent to them on a real chain are lost.\n\n${lines.join('\n')}\n\n`;
}
