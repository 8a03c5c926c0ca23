/** Who sends what: honest senders, and those who mean harm. Everything hostile is made so that it is known what has to become of it. */
import { GWEI } from '../helpers/accounts.js';
import { exhausting, rounds } from '../helpers/exhausting-contracts.js';
import { type QuickFields, QuickWallet } from '../helpers/quick-signer.js';
import type { Seeded } from '../helpers/seeded.js';
import type { Draft, Kind } from './packets.js';

const NONE = Buffer.alloc(0);
const HONEST_PRICE = 2n * GWEI;
const TRANSFER = { gasPrice: HONEST_PRICE, gasLimit: 21_000n, value: 1n, data: NONE };
const BURN_GAS = 30_000_000n;
/** What a drainer starts with and is refilled with. */
export const DRAINER_WEI = 10n ** 15n;
const TRANSFER_FEE = 21_000n * HONEST_PRICE;
/** Fits a batch, nearly as the only one: its bytes cost arithmetics, binaries and steps. */
const LARGE_BYTES = 30_000;
const OVERSIZED_BYTES = 101_000;
/** The most that the pool takes; no batch has the counters for so many bytes. */
const MAXIMAL_BYTES = 100_000;
/** Rounds of the exhausting contract that no batch has the steps for. */
const TOO_MANY_ROUNDS = 2_000;

/**
 * With calldata: stores it for the caller. Without: stops where the caller has stored nothing, else hashes for ever. So a call costs little
 * when it is admitted and too much when it is executed.
 */
const BAIT_CODE = '0x601c600c600039601c6000f336600a57335460115700' + '5b600035335500' + '5b61400060002050601156';
/** Gaps that stay open: each takes a player out of the game. */
const OPEN_GAPS_MAX = 60;

/** Senders of transactions out of counters of which each does it once: nobody has been warned of them. */
const STRANGER_SHARE = 0.005;

/** Steps of one hostile game: each is sent when the one before it is answered. */
export type Game = readonly (readonly Draft[])[];

export interface Contracts {
  readonly steps: string;
  readonly bait: string;
}

/** How many there are of whom. */
export interface CrowdSize {
  /** Who send nothing but what runs out of counters. */
  readonly burners: number;
  /** Of players and of banks: so many that nobody plays two games at a time. */
  readonly regulars: number;
  /** Of drainers and strangers, who play once each, and four times as many as baiters. */
  readonly onceEach: number;
}

/** Wallets from consecutive secrets. */
export class Wallets {
  #secret = 1_000n;
  readonly all: { readonly address: string; readonly wei: bigint }[] = [];

  make(count: number, wei: bigint): QuickWallet[] {
    return Array.from({ length: count }, () => {
      const wallet = new QuickWallet(this.#secret++);
      this.all.push({ address: wallet.address, wei });
      return wallet;
    });
  }
}

const RICH = 10n ** 24n;

/** Everybody. */
export class Cast {
  readonly wallets = new Wallets();
  readonly deployer = this.wallets.make(1, RICH)[0] as QuickWallet;
  readonly #honest = this.wallets.make(400, RICH);
  readonly #heavy = this.wallets.make(60, RICH);
  /** None of theirs is ever included: their nonce stays. */
  readonly #bulky = this.wallets.make(20, RICH);
  readonly #burners: QuickWallet[];
  readonly #players: QuickWallet[];
  readonly #banks: QuickWallet[];
  readonly #drainers: QuickWallet[];
  readonly #baiters: QuickWallet[];
  readonly #strangers: QuickWallet[];
  #turn = 0;
  #openGaps = 0;

  constructor(
    readonly random: Seeded,
    { burners, regulars, onceEach }: CrowdSize,
  ) {
    this.#burners = this.wallets.make(burners, RICH);
    this.#players = this.wallets.make(regulars, RICH);
    this.#banks = this.wallets.make(regulars, RICH);
    this.#drainers = this.wallets.make(onceEach, DRAINER_WEI);
    this.#baiters = this.wallets.make(Math.ceil(onceEach / 4), RICH);
    this.#strangers = this.wallets.make(onceEach, RICH);
  }

  /** The contracts that the hostile ones call. */
  deployments(): Draft[] {
    const deploy = (code: string): Draft =>
      draft('honest', this.deployer, {
        gasPrice: HONEST_PRICE,
        gasLimit: 5_000_000n,
        to: null,
        value: 0n,
        data: Buffer.from(code.slice(2), 'hex'),
      });
    return [deploy(exhausting('steps')), deploy(BAIT_CODE)];
  }

  /** The next honest transfer; senders take turns. */
  honest(): Draft {
    const wallet = next(this.#honest, this.#turn++);
    return draft('honest', wallet, { ...TRANSFER, to: next(this.#honest, this.#turn * 7).address });
  }

  /** Out of counters; found out by executing it. */
  burn({ steps }: Contracts): Draft {
    const stranger = this.random.chance(STRANGER_SHARE) ? this.#strangers.pop() : undefined;
    const wallet = stranger ?? this.random.pick(this.#burners);
    const data = Buffer.from(rounds(TOO_MANY_ROUNDS + this.random.between(0, 2 ** 30)).slice(2), 'hex');
    const fields = { gasPrice: 3n * HONEST_PRICE, gasLimit: BURN_GAS, to: steps, value: 0n, data };
    return draft('outOfCounters', wallet, fields, wallet.nonce);
  }

  /** Another hostile game, which is over soon. */
  game(): Game {
    const dice = this.random.next();
    if (dice < 0.3) return this.#gap();
    if (dice < 0.55) return this.#replace();
    if (dice < 0.75) return this.#drain();
    const isLong = dice > 0.99;
    if (isLong) return [[this.#refused('oversized', { data: Buffer.alloc(OVERSIZED_BYTES, 1), gasLimit: BURN_GAS })]];
    return [[this.#refused('underpriced', { gasPrice: GWEI / 2n })]];
  }

  /** Another hostile game, with transactions that have to be pre-executed: that takes its time. */
  slowGame(contracts: Contracts): Game {
    const dice = this.random.next();
    if (dice < 0.65) return this.#bait(contracts);
    if (dice < 0.7) return [[this.#large()]];
    const fields = { data: Buffer.alloc(MAXIMAL_BYTES, 1), gasLimit: BURN_GAS };
    return [[this.#refused('maximal', fields, this.random.pick(this.#bulky))]];
  }

  /** Refused at once, so that its nonce stays free. */
  #refused(
    kind: 'underpriced' | 'oversized' | 'maximal',
    changes: Partial<typeof TRANSFER>,
    wallet = this.random.pick(this.#players),
  ): Draft {
    // Told apart from others of the same nonce by its value.
    const value = BigInt(this.random.between(1, 2 ** 40));
    return draft(kind, wallet, { ...TRANSFER, value, to: wallet.address, ...changes }, wallet.nonce);
  }

  /** The later nonce first; four in five gaps are filled. */
  #gap(): Game {
    const wallet = this.#takePlayer();
    if (wallet === null) return [];
    const { nonce } = wallet;
    const later = draft('gap', wallet, { ...TRANSFER, to: wallet.address }, nonce + 1);
    if (this.#openGaps < OPEN_GAPS_MAX && this.random.chance(0.2)) {
      this.#openGaps++;
      return [[later]];
    }
    wallet.nonce += 2;
    this.#free(wallet);
    return [[later], [draft('gapFill', wallet, { ...TRANSFER, to: wallet.address }, nonce)]];
  }

  /** Replaced while it waits behind a gap; then one that pays too little more. */
  #replace(): Game {
    const wallet = this.#takePlayer();
    if (wallet === null) return [];
    const { nonce } = wallet;
    const at = (kind: Kind, percent: bigint): Draft =>
      draft(kind, wallet, { ...TRANSFER, gasPrice: (HONEST_PRICE * percent) / 100n, to: wallet.address }, nonce + 1);
    wallet.nonce += 2;
    this.#free(wallet);
    const fill = draft('gapFill', wallet, { ...TRANSFER, to: wallet.address }, nonce);
    return [[at('replaced', 100n)], [at('replacement', 120n)], [at('replacementTooCheap', 125n)], [fill]];
  }

  /** Sends everything away while its next transaction waits; two in three are refilled. */
  #drain(): Game {
    const wallet = this.#drainers.pop();
    if (wallet === undefined) return [];
    const value = DRAINER_WEI - TRANSFER_FEE - TRANSFER_FEE / 2n;
    const bank = this.#nextBank();
    const drain = draft('drain', wallet, { ...TRANSFER, to: bank.address, value });
    const drained = draft('drained', wallet, { ...TRANSFER, to: bank.address });
    if (!this.random.chance(0.66)) return [[drain, drained]];
    return [[drain, drained], [draft('refill', bank, { ...TRANSFER, to: wallet.address, value: TRANSFER_FEE })]];
  }

  #large(): Draft {
    const wallet = this.random.pick(this.#heavy);
    // At the lowest price that is taken: it has to wait for its turn, and gets it.
    return draft('large', wallet, {
      gasPrice: GWEI,
      gasLimit: 2_000_000n,
      to: wallet.address,
      value: 0n,
      data: Buffer.alloc(LARGE_BYTES, 7),
    });
  }

  /** Admitted while the contract is harmless and held back by a gap; then the contract is switched, and the gap filled. */
  #bait({ bait }: Contracts): Game {
    const wallet = this.#baiters.pop();
    if (wallet === undefined) return [];
    const call = { gasPrice: 2n * HONEST_PRICE, gasLimit: BURN_GAS, to: bait, value: 0n };
    const burns = draft('bait', wallet, { ...call, data: NONE }, 1);
    return [[burns], [draft('switch', wallet, { ...call, gasLimit: 100_000n, data: Buffer.from(rounds(1).slice(2), 'hex') }, 0)]];
  }

  #nextBank(): QuickWallet {
    const bank = this.#banks.shift();
    if (bank === undefined) throw new RangeError('no banks');
    this.#banks.push(bank);
    return bank;
  }

  #takePlayer(): QuickWallet | null {
    return this.#players.shift() ?? null;
  }

  #free(wallet: QuickWallet): void {
    this.#players.push(wallet);
  }
}

/** A transaction of a wallet, with its next nonce where none is given. */
function draft(kind: Kind, wallet: QuickWallet, fields: Omit<QuickFields, 'nonce'>, nonce = wallet.nonce++): Draft {
  return { kind, wallet, fields: { ...fields, nonce } };
}

function next<T>(items: readonly T[], i: number): T {
  const item = items[i % items.length];
  if (item === undefined) throw new RangeError('nobody there');
  return item;
}
