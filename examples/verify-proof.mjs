/**
 * Verifies a balance without trusting the node that answers: the proof has to lead to the state root.
 *
 *   node examples/verify-proof.mjs ADDRESS [--block latest] [--slot 0x0 ...] [--rpc http://127.0.0.1:8545] [--root-rpc URL]
 *
 * --root-rpc names another node to take the state root from; without it, the same node is asked, which only shows how it works.
 */
import { parseArgs } from 'node:util';
import { verifyAccountProof } from 'zkevm-sequencer/proof';

const { values, positionals } = parseArgs({
  options: {
    rpc: { type: 'string', default: 'http://127.0.0.1:8545' },
    'root-rpc': { type: 'string' },
    block: { type: 'string', default: 'latest' },
    slot: { type: 'string', multiple: true, default: [] },
  },
  allowPositionals: true,
});

try {
  await main(positionals[0] ?? '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266');
} catch (error) {
  process.stderr.write(`not verified: ${error.message}\n`);
  process.exitCode = 1;
}

async function main(address) {
  const { rpc: url, slot: slots } = values;
  // By number from here on: `latest` moves.
  const { number } = await rpc(url, 'eth_getBlockByNumber', [values.block, false]);
  const answer = await rpc(url, 'zkevm_getProof', [address, slots, number]);
  const { stateRoot } = await rpc(values['root-rpc'] ?? url, 'eth_getBlockByNumber', [number, false]);

  const account = verifyAccountProof({ stateRoot, address, slots: slots.map(BigInt) }, answer);

  print(`block ${Number(number)}, state root ${stateRoot}`);
  print(`verified: ${address} has ${account.balance} wei, nonce ${account.nonce}, ${account.codeLength} bytes of code`);
  for (const [slot, value] of account.storage) print(`verified: slot ${slot} is ${value}`);
}

async function rpc(url, method, params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = await response.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  if (result === null) throw new Error(`${method}: nothing there`);
  return result;
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
