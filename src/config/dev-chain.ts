/**
 * The development chain: the accounts of the mnemonic that every Ethereum tool knows, funded at genesis. Their keys are public.
 */
import { HDNodeWallet, Mnemonic } from 'ethers';

/** The usual development mnemonic. */
export const DEV_MNEMONIC = 'test test test test test test test test test test test junk';
export const DEV_ACCOUNT_COUNT = 10;
/** 10,000 ETH. */
export const DEV_BALANCE_WEI = 10_000n * 10n ** 18n;
const PATH = "m/44'/60'/0'/0";

/** An account with its key. */
export interface DevAccount {
  /** Checksummed. */
  readonly address: string;
  readonly privateKey: string;
}

/** Accounts `from` to `from + count - 1` of the mnemonic. */
export function devAccounts(count = DEV_ACCOUNT_COUNT, from = 0): DevAccount[] {
  const parent = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC), PATH);
  return Array.from({ length: count }, (_unused, i) => {
    const { address, privateKey } = parent.deriveChild(from + i);
    return { address, privateKey };
  });
}

/** The account after the funded ones earns the fees, so that balances of the funded ones are what their transactions make them. */
export function devSequencerAddress(): string {
  return (devAccounts(1, DEV_ACCOUNT_COUNT)[0]?.address ?? '').toLowerCase();
}

/** The genesis in the public format, without a root: there is nothing to compare it with. */
export function devGenesisJson(accounts: readonly DevAccount[]): string {
  const genesis = accounts.map(({ address }, i) => ({
    accountName: `development account ${i}`,
    balance: DEV_BALANCE_WEI.toString(),
    nonce: '0',
    address,
  }));
  return JSON.stringify({ genesis });
}
