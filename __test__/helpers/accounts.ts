/** The ten accounts of the default development chain, and transactions signed by them. */
import { HDNodeWallet, Mnemonic, Wallet } from 'ethers';

const MNEMONIC = 'test test test test test test test test test test test junk';
export const CHAIN_ID = 1001n;
export const GWEI = 1_000_000_000n;
export const ETHER = 10n ** 18n;

export const ACCOUNTS: readonly Wallet[] = Array.from({ length: 10 }, (_, index) => {
  const node = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`);
  return new Wallet(node.privateKey);
});

export function account(index: number): Wallet {
  const wallet = ACCOUNTS[index];
  if (wallet === undefined) throw new RangeError(`there are ${ACCOUNTS.length} accounts`);
  return wallet;
}

export interface TransferOptions {
  readonly nonce: number;
  /** Null deploys. */
  readonly to?: string | null;
  readonly value?: bigint;
  readonly gasLimit?: bigint;
  readonly gasPrice?: bigint;
  readonly chainId?: bigint;
  readonly data?: string;
}

/** A signed legacy transaction. */
export function signed(from: Wallet, options: TransferOptions): Promise<string> {
  return from.signTransaction({
    type: 0,
    chainId: options.chainId ?? CHAIN_ID,
    nonce: options.nonce,
    to: options.to === undefined ? '0x00000000000000000000000000000000000b0b0b' : options.to,
    value: options.value ?? 1n,
    gasLimit: options.gasLimit ?? 21_000n,
    gasPrice: options.gasPrice ?? GWEI,
    data: options.data ?? '0x',
  });
}
