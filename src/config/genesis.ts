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
  /** True where the address is the development default although the genesis is a file. */
  readonly sequencerAddressIsGuess: boolean;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** Reads the genesis. Throws GENESIS_UNREADABLE or GENESIS_INVALID. */
export function loadGenesis(chain: ChainConfig): GenesisSource {
  if (chain.genesisFile === null) {
    const accounts = devAccounts();
    const sequencerAddress = chain.sequencerAddress ?? devSequencerAddress();
    return { json: devGenesisJson(accounts), accounts, sequencerAddress, sequencerAddressIsGuess: false };
  }
  const json = readGenesis(chain.genesisFile);
  const stated = chain.sequencerAddress ?? firstSequencer(json, chain.genesisFile);
  return { json, accounts: [], sequencerAddress: stated ?? devSequencerAddress(), sequencerAddressIsGuess: stated === null };
}

function readGenesis(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError(`cannot read the genesis file ${path}: ${errorMessage(cause)}`, { code: 'GENESIS_UNREADABLE', path }, { cause });
  }
}

/** The sequencer of the injected first batch; null without one. */
function firstSequencer(json: string, path: string): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new CodedError(`the genesis file ${path} is not JSON: ${errorMessage(cause)}`, { code: 'GENESIS_INVALID', path }, { cause });
  }
  const sequencer = (parsed as { firstBatchData?: { sequencer?: unknown } } | null)?.firstBatchData?.sequencer;
  return typeof sequencer === 'string' && ADDRESS.test(sequencer) ? sequencer.toLowerCase() : null;
}
