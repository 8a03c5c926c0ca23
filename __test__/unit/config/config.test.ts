import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { errorCode } from '../../../src/common/errors.js';
import { composeConfig } from '../../../src/config/config.js';
import { devAccounts, devGenesisJson, devSequencerAddress } from '../../../src/config/dev-chain.js';
import { configDocs } from '../../../src/config/docs.js';
import { bridgeOf, loadGenesis } from '../../../src/config/genesis.js';
import { loadConfig, readConfigFile } from '../../../src/config/load.js';
import { CONFIG_SCHEMA, NAMED_SETTINGS } from '../../../src/config/schema.js';
import { POOL_DEFAULTS } from '../../../src/pool/config.js';
import { SEQUENCER_DEFAULTS } from '../../../src/sequencer/config.js';
import { ROOT, temporaryFolder } from '../../helpers/paths.js';

const load = (options: Record<string, string> = {}, env: Record<string, string> = {}, file: unknown = null) =>
  loadConfig({ options: new Map(Object.entries(options)), env, file });

function faults(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    return (error as { facts: { faults: string[] } }).facts.faults;
  }
  return [];
}

test('the defaults are those of the components', (t) => {
  const config = composeConfig(load());
  t.deepEqual(config.pool, POOL_DEFAULTS);
  t.deepEqual(config.sequencer, SEQUENCER_DEFAULTS);
  t.is(config.rpc.port, 8545);
  t.is(config.rpc.host, '127.0.0.1');
  t.is(config.chain.chainId, 1001);
  t.is(config.chain.forkId, 9);
  t.is(config.data.directory, './data');
});

test('every setting of pool and sequencer can be configured', (t) => {
  const { gasPrice: _price, effectiveGasPrice: _effective, ...pool } = POOL_DEFAULTS;
  t.deepEqual(Object.keys(CONFIG_SCHEMA.pool).sort(), Object.keys(pool).sort());
  t.deepEqual(Object.keys(CONFIG_SCHEMA.sequencer).sort(), Object.keys(SEQUENCER_DEFAULTS).sort());
});

test('every default passes its own check, and names are unique', (t) => {
  for (const { section, key, setting } of NAMED_SETTINGS) {
    const value: unknown = JSON.parse(setting.defaultText());
    t.deepEqual(setting.fromJson(value), setting.default, `${section}.${key}`);
  }
  for (const name of ['flag', 'env'] as const) {
    const names = NAMED_SETTINGS.map((named) => named[name]);
    t.is(new Set(names).size, names.length, name);
  }
});

test('the command line wins over the environment, that over the file, that over the default', (t) => {
  const file = { rpc: { port: 1 }, sequencer: { blockIntervalMs: 100 }, gasPrice: { defaultWei: '5000000000' } };
  t.is(load({ port: '3' }, { ZKEVM_SEQUENCER_PORT: '2' }, file).rpc.port, 3);
  t.is(load({}, { ZKEVM_SEQUENCER_PORT: '2' }, file).rpc.port, 2);
  const config = load({}, {}, file);
  t.is(config.rpc.port, 1);
  t.is(config.sequencer.blockIntervalMs, 100);
  t.is(config.gasPrice.defaultWei, 5_000_000_000n);
});

test('all faults are reported together, with where each is', (t) => {
  const file = { rpc: { port: '8545', colour: 1 }, poool: {}, log: 5 };
  const found = faults(() =>
    load({ host: '', 'no-such': '1', 'log-level': 'loud' }, { ZKEVM_SEQUENCER_PROT: '1', ZKEVM_SEQUENCER_CHAIN_ID: '0x1' }, file),
  );
  const expected = [
    /^configuration file: rpc\.colour is no setting$/,
    /^configuration file: poool is no section$/,
    /^configuration file: log must be an object$/,
    /^environment: ZKEVM_SEQUENCER_PROT is no setting$/,
    /^--no-such is no option$/,
    /^ZKEVM_SEQUENCER_CHAIN_ID must be a whole number/,
    /^--host must be text$/,
    /^rpc\.port must be a whole number from 0 to 65535$/,
    /^--log-level must be one of error, warn, info, debug, trace$/,
  ];
  t.is(found.length, expected.length, found.join('\n'));
  for (const [i, pattern] of expected.entries()) t.regex(found[i] ?? '', pattern);
});

test('relations between settings', (t) => {
  t.regex(faults(() => load({ 'gas-price-wei': '1' }))[0] ?? '', /^gasPrice\.defaultWei \(1\) must be at least gasPrice\.floorWei/);
  t.regex(faults(() => load({ 'batch-max-age-ms': '500' }))[0] ?? '', /batchMaxAgeMs must be at least/);
  t.regex(faults(() => load({ 'gas-price-mode': 'follower' }))[0] ?? '', /needs gasPrice\.l1RpcUrl/);
  t.regex(faults(() => load({ 'gas-price-mode': 'dataCost' }))[0] ?? '', /needs gasPrice\.l1RpcUrl/);
  t.regex(faults(() => load({ 'effective-gas-price-mode': 'breakEven' }))[0] ?? '', /needs gasPrice\.l1RpcUrl/);
  t.deepEqual(
    faults(() => load({ 'gas-price-mode': 'follower', 'gas-price-l1-rpc-url': 'http://127.0.0.1:1' })),
    [],
  );
});

const VALUES: [option: string, text: string, read: (config: ReturnType<typeof load>) => unknown, value: unknown][] = [
  ['data-sync-writes', 'false', (config) => config.data.syncWrites, false],
  ['history', 'archive', (config) => config.data.history, null],
  ['history', 'none', (config) => config.data.history, 0],
  ['history', '1000', (config) => config.data.history, 1000],
  ['rpc-namespaces', 'eth, net', (config) => config.rpc.namespaces, ['eth', 'net']],
  ['access-send', `0x${'AB'.repeat(20)}`, (config) => config.access.send, [`0x${'ab'.repeat(20)}`]],
  ['sequencer-address', `0x${'AB'.repeat(20)}`, (config) => config.chain.sequencerAddress, `0x${'ab'.repeat(20)}`],
  ['pool-fee-cap-wei', '123456789012345678901234567890', (config) => config.pool.feeCapWei, 123456789012345678901234567890n],
  ['sequencer-ordering', 'fcfs', (config) => config.sequencer.ordering, 'fcfs'],
  [
    'effective-gas-price-transfer-percentage',
    '10',
    (config) => composeConfig(config).pool.effectiveGasPrice.categoryPercentage.transfer,
    10,
  ],
];

for (const [option, text, read, value] of VALUES) {
  test(`--${option} ${text}`, (t) => t.deepEqual(read(load({ [option]: text })), value));
}

for (const [option, text] of [
  ['port', '-1'],
  ['port', '1.5'],
  ['port', ' 1'],
  ['data-sync-writes', 'yes'],
  ['history', 'all'],
  ['history', '-1'],
  ['rpc-namespaces', 'eth,nonsense'],
  ['access-send', '0x12'],
  ['sequencer-address', 'me'],
  ['gas-price-wei', '-5'],
  ['gas-price-wei', '1e9'],
  ['sequencer-stop-at-batch', '1'],
] as const) {
  test(`refused: --${option}=${text}`, (t) => t.is(faults(() => load({ [option]: text })).length, 1));
}

test('the configuration file', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'config.json');
  t.is(errorCode(t.throws(() => readConfigFile(path))), 'CONFIG_FILE_UNREADABLE');
  writeFileSync(path, '{"rpc":');
  t.is(errorCode(t.throws(() => readConfigFile(path))), 'CONFIG_FILE_UNREADABLE');
  writeFileSync(path, '[]');
  t.deepEqual(
    faults(() => load({}, {}, readConfigFile(path))),
    ['configuration file: must be an object of sections'],
  );
});

test('docs/config.md is the generated page', (t) => {
  t.is(readFileSync(join(ROOT, 'docs/config.md'), 'utf8'), configDocs(), 'run: zkevm-sequencer config docs > docs/config.md');
});

test('the development chain: the accounts that every tool knows', (t) => {
  const accounts = devAccounts();
  t.is(accounts.length, 10);
  t.deepEqual(accounts[0], {
    address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    privateKey: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  });
  t.is(accounts[9]?.address, '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720');
  const { genesis, root } = JSON.parse(devGenesisJson(accounts)) as {
    genesis: { address: string; balance: string; nonce: string }[];
    root?: string;
  };
  t.is(root, undefined);
  t.deepEqual(genesis[0], { ...genesis[0], address: accounts[0]?.address ?? '', balance: '10000000000000000000000', nonce: '0' });
  t.false(
    accounts.some(({ address }) => address.toLowerCase() === devSequencerAddress()),
    'fees do not change their balances',
  );
});

test('the genesis: development chain, file, and who earns the fees', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'genesis.json');
  const chain = { chainId: 1001, forkId: 9, genesisFile: path, sequencerAddress: null };
  t.is(loadGenesis({ ...chain, genesisFile: null }).accounts.length, 10);
  t.is(errorCode(t.throws(() => loadGenesis(chain))), 'GENESIS_UNREADABLE');
  writeFileSync(path, '{');
  t.is(errorCode(t.throws(() => loadGenesis(chain))), 'GENESIS_INVALID');
  writeFileSync(path, '{"genesis":[]}');
  t.like(loadGenesis(chain), { json: '{"genesis":[]}', sequencerAddress: devSequencerAddress(), sequencerAddressIsGuess: true });
  const own = `0x${'12'.repeat(20)}`;
  t.like(loadGenesis({ ...chain, sequencerAddress: own }), { sequencerAddress: own, sequencerAddressIsGuess: false });
  const first = `0x${'Ab'.repeat(20)}`;
  writeFileSync(path, JSON.stringify({ genesis: [], firstBatchData: { sequencer: first } }));
  t.like(loadGenesis(chain), { sequencerAddress: first.toLowerCase(), sequencerAddressIsGuess: false, bridgeAddress: null });
  const bridges = ['PolygonZkEVMBridge implementation', 'PolygonZkEVMBridgeV2 proxy'].map((contractName, i) => ({
    contractName,
    address: `0x${`C${i}`.repeat(20)}`,
  }));
  writeFileSync(path, JSON.stringify({ genesis: [null, { address: first }, ...bridges] }));
  t.is(bridgeOf(null, loadGenesis(chain), true), `0x${'c1'.repeat(20)}`);
  t.is(bridgeOf(own, loadGenesis(chain), true), own, 'what is configured counts');
  const none = loadGenesis({ ...chain, genesisFile: null });
  t.is(bridgeOf(null, none, false), null);
  t.is(errorCode(t.throws(() => bridgeOf(null, none, true))), 'CONFIG_INVALID');
});
