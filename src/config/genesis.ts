/** The genesis that the node starts from: a file, or the development chain. The engine checks its accounts and its root. */
import { readFileSync } from 'node:fs';
import { CodedError, errorMessage } from '../common/errors.js';
import { type DevAccount, devAccounts, devGenesisJson, devSequencerAddress } from './dev-chain.js';
import type { ChainConfig } from './schema.js';

export interface GenesisSource {
  /** Text in the public format. */
  readonly json: string;
  /** Funded accounts of the development chain; empty for a file. */
  readonly accounts: readonly DevAccount[];
  /** Lower-case 0x address that earns the fees. */
  readonly sequencerAddress: string;
  /** The bridge on L2, lower-case, where the genesis names it. */
  readonly bridgeAddress: string | null;
  /** True where the address is the development default although the genesis is a file. */
  readonly sequencerAddressIsGuess: boolean;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** Reads the genesis. Throws GENESIS_UNREADABLE or GENESIS_INVALID. */
export function loadGenesis(chain: ChainConfig): GenesisSource {
  if (chain.genesisFile === null) {
    const accounts = devAccounts();
    const sequencerAddress = chain.sequencerAddress ?? devSequencerAddress();
    return { json: devGenesisJson(accounts), accounts, sequencerAddress, bridgeAddress: null, sequencerAddressIsGuess: false };
  }
  const json = readGenesis(chain.genesisFile);
  const named = namedIn(json, chain.genesisFile);
  const stated = chain.sequencerAddress ?? named.sequencer;
  const sequencerAddress = stated ?? devSequencerAddress();
  return { json, accounts: [], sequencerAddress, bridgeAddress: named.bridge, sequencerAddressIsGuess: stated === null };
}

function readGenesis(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError(`cannot read the genesis file ${path}: ${errorMessage(cause)}`, { code: 'GENESIS_UNREADABLE', path }, { cause });
  }
}

/** Contract name of the bridge in the public genesis files, of the first and the second version of it. */
const BRIDGE_NAME = /^PolygonZkEVMBridge(V2)? proxy$/i;

/** What a genesis says besides its accounts. */
interface Named {
  /** The sequencer of the injected first batch; null without one. */
  readonly sequencer: string | null;
  readonly bridge: string | null;
}

function namedIn(json: string, path: string): Named {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new CodedError(`the genesis file ${path} is not JSON: ${errorMessage(cause)}`, { code: 'GENESIS_INVALID', path }, { cause });
  }
  const { firstBatchData, genesis } = (parsed ?? {}) as { firstBatchData?: { sequencer?: unknown } | null; genesis?: unknown };
  const accounts = (Array.isArray(genesis) ? genesis : []) as readonly ({ contractName?: unknown; address?: unknown } | null)[];
  const bridge = accounts.find((account) => typeof account?.contractName === 'string' && BRIDGE_NAME.test(account.contractName));
  return { sequencer: addressOrNull(firstBatchData?.sequencer), bridge: addressOrNull(bridge?.address) };
}

function addressOrNull(value: unknown): string | null {
  return typeof value === 'string' && ADDRESS.test(value) ? value.toLowerCase() : null;
}

/** The bridge that claims go to. Throws CONFIG_INVALID where free claims are wanted and nothing says where the bridge is. */
export function bridgeOf(configured: string | null, genesis: GenesisSource, isNeeded: boolean): string | null {
  const bridge = configured ?? genesis.bridgeAddress;
  if (bridge !== null || !isNeeded) return bridge;
  const fault = 'pool.freeClaims needs pool.bridgeAddress: the genesis names no bridge';
  throw new CodedError(`the configuration has 1 fault: ${fault}`, { code: 'CONFIG_INVALID', faults: [fault] });
}
