/**
 * The pool in memory: entries by hash, accounts, and the index of ready accounts. No clock, no disk, no promises: every method leaves it
 * consistent, so admission and sequencing can alternate between any two of them.
 *
 * Accounts hold nonce and balance of the pending view (open L2 block included). They are set from admission rows when an account
 * enters, and kept current by the touched accounts of every execution (`applyState`).
 */
import { AccountQueue } from './account-queue.js';
import type { AdmissionRow } from './admission-row.js';
import type { PoolEntry } from './entry.js';
import { type EntryOrder, ReadyIndex } from './ready-index.js';

/** Nonce and balance of an account in the pending view. */
export interface AccountState {
  readonly nonce: number;
  readonly balanceWei: bigint;
}

/** A state change with the moment it became known. */
interface RecentState extends AccountState {
  readonly sequence: number;
}

/** The pool in memory. */
export class PoolIndex {
  readonly #byHash = new Map<string, PoolEntry>();
  readonly #accounts = new Map<string, AccountQueue>();
  /** Free claims by the deposit that they claim. */
  readonly #freeClaims = new Map<string, PoolEntry>();
  /** Order of ready transactions. */
  readonly order: EntryOrder;
  readonly #ready: ReadyIndex;
  /** Accounts with a candidate that did not fit the open batch. */
  readonly #aside = new Set<AccountQueue>();
  /** Accounts whose queue or state changed since `drainChanged`. */
  #changed: AccountQueue[] = [];
  /** States that became known while an admission was under way: its rows may be older. */
  readonly #recent = new Map<string, RecentState>();
  #sequence = 0;
  #readersOpen = 0;
  #memoryBytes = 0;
  #joined = 0;
  #inBlockCount = 0;
  /** Told of everybody who leaves without being included. */
  onLeft: (entry: PoolEntry) => void = () => undefined;
  /** Admissions that began before this mark saw a chain that is not this one any more. */
  #validFrom = 0;

  constructor(order: EntryOrder) {
    this.order = order;
    this.#ready = new ReadyIndex(order);
  }

  /** Entries that are not in a block. */
  get waitingCount(): number {
    return this.#byHash.size - this.#inBlockCount;
  }

  /** Entries that entered in this run, those that left again included. */
  get joined(): number {
    return this.#joined;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Accounts with a transaction to run, those set aside not counted. */
  get readyCount(): number {
    return this.#ready.size;
  }

  get asideCount(): number {
    return this.#aside.size;
  }

  get(hash: string): PoolEntry | undefined {
    return this.#byHash.get(hash);
  }

  /** The free claim of a deposit, until it is durable in a block or gone. */
  freeClaimOf(deposit: string): PoolEntry | undefined {
    return this.#freeClaims.get(deposit);
  }

  account(address: string): AccountQueue | undefined {
    return this.#accounts.get(address);
  }

  accounts(): IterableIterator<AccountQueue> {
    return this.#accounts.values();
  }

  /** All entries, oldest arrival first among those of one session. */
  entries(): IterableIterator<PoolEntry> {
    return this.#byHash.values();
  }

  /** The account, entered with this state where the pool does not know it. */
  ensureAccount(address: string, state: AccountState): AccountQueue {
    let account = this.#accounts.get(address);
    if (account === undefined) {
      account = new AccountQueue(address, state.nonce, state.balanceWei);
      this.#accounts.set(address, account);
    }
    return account;
  }

  /** Puts an entry in; answers the one of the same sender and nonce that it displaced, which then is out. */
  insert(entry: PoolEntry): PoolEntry | undefined {
    entry.joined = ++this.#joined;
    const displaced = entry.account.put(entry);
    if (displaced !== undefined) this.#leave(displaced);
    // The account may have been dropped between judgement and insertion only if it was empty; enter it again.
    this.#accounts.set(entry.account.address, entry.account);
    this.#byHash.set(entry.hash, entry);
    this.#memoryBytes += entry.memoryBytes;
    if (entry.freeDeposit !== null) this.#freeClaims.set(entry.freeDeposit, entry);
    this.refresh(entry.account);
    return displaced;
  }

  /** Takes an entry out for good. */
  remove(entry: PoolEntry): void {
    entry.account.remove(entry);
    this.#leave(entry);
    this.refresh(entry.account);
    this.#dropIfEmpty(entry.account);
  }

  /** Brings the ready index up to date with an account. */
  refresh(account: AccountQueue): void {
    if (account.executingCount === 0) account.resetCursor();
    if (account.aside === null && this.#aside.size > 0) this.#aside.delete(account);
    if (!account.changed) {
      account.changed = true;
      this.#changed.push(account);
    }
    this.#ready.refresh(account);
  }

  /** Accounts that changed since the last call; one that the pool forgot and took up again may be there twice, the older one empty. */
  drainChanged(): readonly AccountQueue[] {
    const changed = this.#changed;
    this.#changed = [];
    for (const account of changed) account.changed = false;
    return changed;
  }

  /** Makes held entries (durable now) visible to selection. */
  release(entry: PoolEntry): void {
    entry.phase = 'waiting';
    this.refresh(entry.account);
  }

  /** Forgets everything: the chain was taken back, and what waits is read again. */
  clear(): void {
    for (const entry of this.#byHash.values()) entry.phase = 'gone';
    this.#byHash.clear();
    this.#accounts.clear();
    this.#freeClaims.clear();
    this.#ready.clear();
    this.#aside.clear();
    this.#changed = [];
    this.#recent.clear();
    this.#memoryBytes = 0;
    this.#inBlockCount = 0;
    this.#sequence++;
    this.#validFrom = this.#sequence;
  }

  /** Whether what an admission read belongs to this chain. */
  isValid(mark: number): boolean {
    return mark >= this.#validFrom;
  }

  /** Whether an entry waits for its durable write. */
  get hasHeld(): boolean {
    for (const entry of this.#byHash.values()) if (entry.phase === 'held') return true;
    return false;
  }

  // --- selection -----------------------------------------------------------------------------------------------------------------

  /** The best candidate, left in place. */
  peek(): PoolEntry | null {
    return this.#ready.peek();
  }

  /** Marks a candidate as executing; its sender's next nonce becomes a candidate at once. */
  take(entry: PoolEntry): void {
    entry.phase = 'executing';
    entry.account.executingCount++;
    entry.account.advance(entry);
    this.#ready.refresh(entry.account);
  }

  /** Sets a candidate aside: it is not offered again before `releaseAside`. */
  setAside(entry: PoolEntry): void {
    entry.account.aside = entry;
    this.#aside.add(entry.account);
    this.refresh(entry.account);
  }

  /** Offers everything set aside again: another batch, another chance. */
  releaseAside(): void {
    for (const account of this.#aside) {
      account.aside = null;
      this.#ready.refresh(account);
    }
    this.#aside.clear();
  }

  /** Entries that were set aside in the open batch. */
  asideEntries(): PoolEntry[] {
    const entries: PoolEntry[] = [];
    for (const account of this.#aside) if (account.aside !== null) entries.push(account.aside);
    return entries;
  }

  /** How many ready transactions go before this one. */
  rank(entry: PoolEntry): number {
    return this.#ready.rank(entry);
  }

  /** A moment before which no candidate arrived. */
  get oldestReadyMs(): number {
    return this.#ready.oldestMs;
  }

  /** Looks at all candidates for `oldestReadyMs` to be that of the oldest. */
  measureOldestReady(): void {
    this.#ready.measureOldest();
  }

  /** Candidates of all ready accounts, unordered. */
  candidates(): IterableIterator<PoolEntry> {
    return this.#ready.candidates();
  }

  // --- outcomes ------------------------------------------------------------------------------------------------------------------

  /** An executing entry was not included: it waits again. The caller refreshes the account when its slice is settled. */
  untake(entry: PoolEntry): void {
    entry.phase = 'waiting';
    entry.account.executingCount--;
  }

  /** An executing entry is in the open L2 block. */
  include(entry: PoolEntry): void {
    const { account } = entry;
    account.executingCount--;
    account.remove(entry);
    account.inBlockCount++;
    this.#inBlockCount++;
    entry.phase = 'inBlock';
    if (account.nonce <= entry.nonceNumber) account.setState(entry.nonceNumber + 1, account.balanceWei - entry.costWei);
  }

  /** A waiting entry is in a block that took it from elsewhere, a forced batch. The caller sets the account's state and refreshes it. */
  includeElsewhere(entry: PoolEntry): void {
    const { account } = entry;
    account.remove(entry);
    account.inBlockCount++;
    this.#inBlockCount++;
    entry.phase = 'inBlock';
  }

  /** An entry of the open block is durable in its block: the pool forgets it. */
  seal(entry: PoolEntry): void {
    this.#leaveBlock(entry);
    this.#forget(entry);
    this.#dropIfEmpty(entry.account);
  }

  /** The open block was dropped: the entry waits again. The caller sets the account's state and refreshes it. */
  unseal(entry: PoolEntry): void {
    this.#leaveBlock(entry);
    entry.phase = 'waiting';
    this.#accounts.set(entry.account.address, entry.account);
    entry.account.put(entry);
  }

  // --- account states ------------------------------------------------------------------------------------------------------------

  /** A state of the pending view, newer than everything before. */
  applyState(address: string, state: AccountState): void {
    this.#sequence++;
    if (this.#readersOpen > 0) {
      this.#recent.set(address, { nonce: state.nonce, balanceWei: state.balanceWei, sequence: this.#sequence });
    }
    const account = this.#accounts.get(address);
    if (account?.setState(state.nonce, state.balanceWei)) this.refresh(account);
  }

  /** Starts an admission: answers the mark to hand to `stateFor` when its rows are back. */
  openReader(): number {
    this.#readersOpen++;
    return this.#sequence;
  }

  closeReader(): void {
    this.#readersOpen--;
    if (this.#readersOpen === 0) this.#recent.clear();
  }

  /**
   * The newest known state of a sender. A row was read off the event loop, so it may be older or newer than what executions reported:
   * nonces only grow within a block, so the higher one is newer; at the same nonce the reported state is. Not so where an account that the
   * pool knows was reported since the reading began: its nonce changes by what the pool executes, and goes back with a block that is dropped.
   */
  stateFor(address: string, row: Pick<AdmissionRow, 'senderNonce' | 'senderBalance'>, mark: number): AccountState {
    const nonce = row.senderNonce;
    const account = this.#accounts.get(address);
    if (account !== undefined && (nonce <= account.nonce || account.executingCount > 0)) return account;
    const recent = this.#recent.get(address);
    const reported = recent !== undefined && recent.sequence > mark ? recent : null;
    if (reported !== null && account !== undefined) return account;
    return reported !== null && reported.nonce >= nonce ? reported : { nonce, balanceWei: row.senderBalance };
  }

  #leaveBlock(entry: PoolEntry): void {
    entry.account.inBlockCount--;
    this.#inBlockCount--;
  }

  #leave(entry: PoolEntry): void {
    if (this.#forget(entry)) this.onLeft(entry);
  }

  /** False where it was not here. */
  #forget(entry: PoolEntry): boolean {
    if (!this.#byHash.delete(entry.hash)) return false;
    entry.phase = 'gone';
    this.#memoryBytes -= entry.memoryBytes;
    if (entry.freeDeposit !== null && this.#freeClaims.get(entry.freeDeposit) === entry) this.#freeClaims.delete(entry.freeDeposit);
    return true;
  }

  #dropIfEmpty(account: AccountQueue): void {
    if (account.size > 0 || account.inBlockCount > 0 || account.executingCount > 0) return;
    this.#aside.delete(account);
    if (this.#accounts.get(account.address) === account) this.#accounts.delete(account.address);
  }
}
