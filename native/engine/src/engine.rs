//! The engine: one database, one state tree, at most one open L2 block.
//!
//! Locks, always taken in this order: `open` (the open L2 block; held while transactions execute and while a block is hashed), `writing` (held
//! while sealed blocks are written), `tree`, then the short-lived `written`, `chain`, `ahead` and `pending`. Writing does not take `open`, so
//! the next block executes meanwhile.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{AccountState, ExecutorError, StateDiff};
use zkevm_primitives::{Counters, ForkId, ForkSpec, LimitTable};
use zkevm_state_db::records::{AccountRecord, BatchRecord, BlockRecord, HeadRecord, ReceiptRecord, TransactionRecord};
use zkevm_state_db::{DbError, Store, StoreOptions};
use zkevm_state_tree::CacheStats;

use crate::ahead::{Ahead, SealedAhead};
use crate::block::OpenBlock;
use crate::block_id::BlockId;
use crate::commit::record_of;
use crate::error::{EngineError, EngineResult};
use crate::genesis::Genesis;
use crate::history::HistoryKeeper;
use crate::layout::{RESOURCE_BYTES, RESOURCE_GAS, Resources};
use crate::pre_executions::PreExecutions;
use crate::published::Published;
use crate::reader::{FlatCache, HeadReader};
use crate::senders::Senders;
use crate::stages::StageClock;
use crate::tree::Tree;

/// Most bytes of batchL2Data that L1 accepts in a sequenced batch.
pub const BATCH_BYTES_MAX: u64 = 120_000;
/// Gas budget of a batch: the block gas limit, 2^50.
pub const BATCH_GAS_MAX: u64 = 1 << 50;

// How the bytes for caches are divided: a quarter for RocksDB (blocks, indexes, filters, and memory tables up to half of it), half for tree
// pages, a quarter for the flat state.
const BLOCK_CACHE_PART: usize = 4;
const TREE_CACHE_PART: usize = 2;
const FLAT_CACHE_PART: usize = 4;

/// How to open an [`Engine`].
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Folder of the database.
    pub path: PathBuf,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Fork id.
    pub fork_id: u64,
    /// Genesis file, JSON text.
    pub genesis_json: String,
    /// L2 coinbase of sequenced batches.
    pub sequencer: Address,
    /// Bytes for all caches.
    pub cache_bytes: usize,
    /// fsync every write.
    pub sync_writes: bool,
    /// So many blocks before the newest keep their state; `None` keeps every state.
    pub history_blocks: Option<u64>,
    /// Bytes for results of pre-execution that blocks take over; 0 = every transaction is executed in its block.
    pub pre_execution_bytes: usize,
}

/// What does not change while the engine is open.
#[derive(Debug, Clone)]
pub struct ChainConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Rules of the fork.
    pub fork: ForkSpec,
    /// L2 coinbase of sequenced batches.
    pub sequencer: Address,
    /// State root of the genesis.
    pub genesis_root: B256,
}

/// What every commit moves forward.
#[derive(Debug, Clone)]
pub struct ChainState {
    /// Head pointers.
    pub head: HeadRecord,
    /// The open batch; an empty one (no block) before its first L2 block.
    pub batch: BatchRecord,
}

/// The engine.
pub struct Engine {
    store: Arc<Store>,
    config: ChainConfig,
    created: bool,
    pub(crate) open: Mutex<Option<OpenBlock>>,
    pub(crate) tree: Mutex<Tree>,
    pub(crate) tree_stats: Mutex<CacheStats>,
    // The durable chain.
    chain: RwLock<ChainState>,
    // Sealed blocks that are not durable, and the chain after them.
    ahead: Arc<Ahead>,
    // Serialises commits.
    pub(crate) writing: Mutex<()>,
    // Durable blocks that the tree has not been told of.
    pub(crate) written: Mutex<Vec<Arc<SealedAhead>>>,
    cache: Arc<FlatCache>,
    history: HistoryKeeper,
    // What reads from outside see of `chain`.
    published: Published,
    // Accounts changed by the open L2 block, as admission and `pending` reads see them.
    pending: RwLock<HashMap<Address, AccountRecord>>,
    pub(crate) pre_executions: PreExecutions,
    pub(crate) senders: Senders,
    pub(crate) stages: StageClock,
    /// Number and timestamp of the newest L2 block that was opened, for guesses about where a transaction will be.
    pub(crate) opened: Mutex<(u64, u64)>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("store", &self.store).field("config", &self.config).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the database, or creates it from the genesis; an injected first batch is executed at once.
    ///
    /// # Errors
    /// [`EngineError::GenesisRootMismatch`], [`EngineError::GenesisDiffers`], [`EngineError::ChainDiffers`],
    /// [`EngineError::UnsupportedForkId`], and those of [`Store::open`].
    pub fn open(options: &EngineOptions) -> EngineResult<Self> {
        let fork_id = ForkId::try_from(options.fork_id).map_err(|_| EngineError::UnsupportedForkId(options.fork_id))?;
        let genesis = Genesis::parse(&options.genesis_json)?;
        let genesis_root = Tree::root_of(&genesis.leaves());
        genesis.check_root(genesis_root)?;
        let store = Arc::new(Store::open(&StoreOptions {
            path: options.path.clone(),
            block_cache_bytes: options.cache_bytes / BLOCK_CACHE_PART,
            sync_writes: options.sync_writes,
            creates: true,
        })?);
        let config = ChainConfig {
            chain_id: options.chain_id,
            fork: ForkSpec::new(fork_id),
            sequencer: options.sequencer,
            genesis_root,
        };
        let created = store.chain()?.is_none();
        if created {
            crate::commit::write_genesis(&store, &config, &genesis)?;
        }
        let engine = Self::assemble(store, config, created, options)?;
        if let Some(first_batch) = genesis.first_batch.filter(|_| engine.head_block() == 0) {
            engine.inject_first_batch(&first_batch)?;
        }
        Ok(engine)
    }

    fn assemble(store: Arc<Store>, config: ChainConfig, created: bool, options: &EngineOptions) -> EngineResult<Self> {
        check_chain(&store, &config)?;
        let head = store.head()?.ok_or_else(|| DbError::corrupt("head pointers are missing"))?;
        let number = head.closed_batch + 1;
        let batch = store.batch(number)?.unwrap_or_else(|| empty_batch(number, &config, &head));
        let tree_bytes = options.cache_bytes / TREE_CACHE_PART;
        let tree = Tree::open(Arc::clone(&store), head.state_root, head.tree_depth, tree_bytes)?;
        let history = HistoryKeeper::new(options.history_blocks);
        history.advance(&store, head.block);
        Ok(Self {
            store,
            config,
            created,
            open: Mutex::new(None),
            tree: Mutex::new(tree),
            tree_stats: Mutex::default(),
            ahead: Arc::new(Ahead::new(ChainState { head: head.clone(), batch: batch.clone() })),
            chain: RwLock::new(ChainState { head, batch }),
            writing: Mutex::new(()),
            written: Mutex::new(Vec::new()),
            cache: Arc::new(FlatCache::new(options.cache_bytes / FLAT_CACHE_PART)),
            history,
            published: Published::default(),
            pending: RwLock::new(HashMap::default()),
            pre_executions: PreExecutions::new(options.pre_execution_bytes),
            senders: Senders::new(),
            stages: StageClock::default(),
            opened: Mutex::new((0, 0)),
        })
    }

    /// The database.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What does not change while the engine is open.
    pub const fn config(&self) -> &ChainConfig {
        &self.config
    }

    pub(crate) fn cache(&self) -> &FlatCache {
        &self.cache
    }

    pub(crate) const fn history(&self) -> &HistoryKeeper {
        &self.history
    }

    pub(crate) const fn published(&self) -> &Published {
        &self.published
    }

    pub(crate) fn head_reader(&self) -> HeadReader {
        HeadReader::new(Arc::clone(&self.store), Arc::clone(&self.cache), Arc::clone(&self.ahead))
    }

    pub(crate) fn ahead(&self) -> &Ahead {
        &self.ahead
    }

    /// Flushes the write-ahead log; what is sealed and not durable is dropped. The database closes when the last reference goes.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn close(&self) -> EngineResult<()> {
        self.discard_sealed();
        Ok(self.store.flush()?)
    }

    /// The number of a block; the open one counts as the newest published one.
    pub fn resolve(&self, block: BlockId) -> u64 {
        match block {
            BlockId::Number(number) => number,
            BlockId::Latest | BlockId::Pending => self.published_block(),
        }
    }

    /// Whether this opening created the database.
    pub const fn created(&self) -> bool {
        self.created
    }

    /// Head pointers and the open batch after the newest sealed block, durable or not: what the next block is built on.
    pub fn sealed_chain(&self) -> ChainState {
        self.ahead.chain()
    }

    /// Head pointers and the open batch, durable.
    pub fn chain(&self) -> ChainState {
        self.read_chain().clone()
    }

    /// The newest durable L2 block.
    pub fn head_block(&self) -> u64 {
        self.read_chain().head.block
    }

    /// What the ROM of the fork accepts in one batch.
    pub fn hard_limits(&self) -> Resources {
        Resources::new(&self.config.fork.limits, BATCH_BYTES_MAX, BATCH_GAS_MAX)
    }

    /// What the sequencer plans with: 95 percent of the hard limits where the public node does so.
    pub fn budget_limits(&self) -> Resources {
        let hard = self.hard_limits();
        let node: Counters = LimitTable::ZkevmNode.limits(self.config.fork.fork);
        let mut budget = Resources::new(&node, BATCH_BYTES_MAX, BATCH_GAS_MAX);
        for (budget, hard) in budget.0.iter_mut().zip(hard.0) {
            *budget = (*budget).min(hard);
        }
        debug_assert!(budget.0[RESOURCE_BYTES] == BATCH_BYTES_MAX && budget.0[RESOURCE_GAS] == BATCH_GAS_MAX);
        budget
    }

    /// An account in the pending view: the open L2 block over the sealed ones over the newest durable state.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn pending_account(&self, address: &Address) -> EngineResult<AccountRecord> {
        if let Some(account) = self.pending.read().unwrap_or_else(PoisonError::into_inner).get(address) {
            return Ok(*account);
        }
        match self.sealed_account(address) {
            Some(account) => Ok(record_of(&account)),
            None => Ok(self.store.account(address)?),
        }
    }

    /// An account after the newest sealed block, unless only the store has it. What the cache has is never older than that block.
    pub(crate) fn sealed_account(&self, address: &Address) -> Option<AccountState> {
        self.cache.account(address).or_else(|| self.ahead.account(address))
    }

    /// An account at the end of a block.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`].
    pub fn account_at(&self, address: &Address, block: u64) -> EngineResult<AccountRecord> {
        self.check_block(block)?;
        Ok(self.store.account_at(address, block)?)
    }

    /// The code of an account at the end of a block; empty without.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`].
    pub fn code_at(&self, address: &Address, block: u64) -> EngineResult<Bytes> {
        self.code_of(&self.account_at(address, block)?)
    }

    /// An account in a block, the open one included.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`].
    pub fn account_in(&self, address: &Address, block: BlockId) -> EngineResult<AccountRecord> {
        match block {
            BlockId::Latest => {
                self.latest(|| self.store.account(address), |block| self.store.account_at(address, block))
            }
            BlockId::Pending => self.pending_account(address),
            BlockId::Number(number) => self.account_at(address, number),
        }
    }

    /// A slot in a block, the open one included.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`].
    pub fn storage_in(&self, address: &Address, slot: &U256, block: BlockId) -> EngineResult<U256> {
        match block {
            BlockId::Latest => {
                self.latest(|| self.store.storage(address, slot), |block| self.store.storage_at(address, slot, block))
            }
            BlockId::Number(number) => self.storage_at(address, slot, number),
            BlockId::Pending => match self.lock_open().as_mut() {
                Some(open) => Ok(open.executor.storage(*address, *slot).map_err(ExecutorError::from)?),
                None => match self.ahead.storage(address, slot) {
                    Some(value) => Ok(value),
                    None => Ok(self.store.storage(address, slot)?),
                },
            },
        }
    }

    /// The code of an account in a block; empty without.
    ///
    /// # Errors
    /// [`EngineError::BlockNotFound`].
    pub fn code_in(&self, address: &Address, block: BlockId) -> EngineResult<Bytes> {
        let account = self.account_in(address, block)?;
        if let (BlockId::Pending, Some(open)) = (block, self.lock_open().as_ref()) {
            let deployed = open.executor.diff().codes.into_iter().find(|(hash, _)| *hash == account.code_hash);
            if let Some((_, code)) = deployed {
                return Ok(code);
            }
        }
        if let (BlockId::Pending, Some(code)) = (block, self.ahead.code(&account.code_hash)) {
            return Ok(code);
        }
        self.code_of(&account)
    }

    /// The sealed blocks that are not durable, and what the open L2 block has changed so far. To be asked for before the number of the
    /// durable block that they are laid over, so that no block is missing between.
    pub(crate) fn pending_changes(&self) -> (Vec<Arc<SealedAhead>>, StateDiff) {
        let open = self.lock_open();
        let diff = open.as_ref().map(|open| open.executor.diff()).unwrap_or_default();
        (self.ahead.blocks(), diff)
    }

    /// Number and timestamp of the open block, or of the one that would be opened now.
    pub(crate) fn pending_number_and_time(&self) -> (u64, u64) {
        let open = self.lock_open();
        open.as_ref().map_or_else(
            || {
                let head = self.sealed_chain().head;
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
                (head.block + 1, head.timestamp.max(now))
            },
            |open| (open.executor.number().0, open.executor.timestamp()),
        )
    }

    /// batchL2Data of a batch.
    ///
    /// # Errors
    /// [`EngineError::Db`].
    pub fn batch_data(&self, number: u64) -> EngineResult<Option<Vec<u8>>> {
        self.published_batch(number)?.map(|batch| self.data_of(&batch)).transpose()
    }

    /// batchL2Data of a published batch, as far as it is published.
    pub(crate) fn data_of(&self, batch: &BatchRecord) -> EngineResult<Vec<u8>> {
        let last = (batch.first_block + batch.block_count).saturating_sub(1);
        let snapshot = self.store.snapshot();
        Ok(if batch.is_closed() {
            snapshot.batch_data(batch.number)?
        } else {
            snapshot.batch_data_through(batch.number, last)?
        })
    }

    pub(crate) fn code_of(&self, account: &AccountRecord) -> EngineResult<Bytes> {
        if account.code_length == 0 { Ok(Bytes::new()) } else { Ok(self.store.code(&account.code_hash)?) }
    }

    /// Refuses blocks that do not exist and those whose state is pruned.
    pub(crate) fn check_block(&self, block: u64) -> EngineResult<()> {
        if block > self.published_block() {
            return Err(EngineError::BlockNotFound);
        }
        Ok(self.store.check_state(block)?)
    }

    pub(crate) fn stored_block(&self, number: u64) -> EngineResult<BlockRecord> {
        Ok(self.store.block(number)?.ok_or_else(|| DbError::corrupt(format!("block {number} is missing")))?)
    }

    pub(crate) fn stored_transaction(
        &self,
        block: u64,
        index: u32,
    ) -> EngineResult<(TransactionRecord, ReceiptRecord)> {
        let missing = || DbError::corrupt(format!("transaction {index} of block {block} is missing"));
        Ok(self.store.transaction(block, index)?.ok_or_else(missing)?)
    }

    pub(crate) fn read_chain(&self) -> RwLockReadGuard<'_, ChainState> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write_chain(&self) -> RwLockWriteGuard<'_, ChainState> {
        self.chain.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write_pending(&self) -> RwLockWriteGuard<'_, HashMap<Address, AccountRecord>> {
        self.pending.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open L2 block's slot. A panic while it was held may have left the block half-way, so a poisoned slot is emptied.
    pub(crate) fn lock_open(&self) -> MutexGuard<'_, Option<OpenBlock>> {
        self.open.lock().unwrap_or_else(|poisoned| {
            let mut slot = poisoned.into_inner();
            *slot = None;
            self.write_pending().clear();
            self.open.clear_poison();
            slot
        })
    }
}

fn check_chain(store: &Store, config: &ChainConfig) -> EngineResult<()> {
    let stored = store.chain()?.ok_or_else(|| DbError::corrupt("the chain record is missing"))?;
    if stored.genesis_root != config.genesis_root {
        return Err(EngineError::GenesisDiffers { stored: stored.genesis_root, given: config.genesis_root });
    }
    for (what, stored, given) in
        [("chain id", stored.chain_id, config.chain_id), ("fork id", stored.fork_id, config.fork.fork.number())]
    {
        if stored != given {
            return Err(EngineError::ChainDiffers { what, stored, given });
        }
    }
    Ok(())
}

/// A batch before its first L2 block.
pub(crate) fn empty_batch(number: u64, config: &ChainConfig, head: &HeadRecord) -> BatchRecord {
    BatchRecord {
        number,
        kind: zkevm_state_db::records::BatchKind::Sequenced as u8,
        fork_id: config.fork.fork.number(),
        coinbase: config.sequencer,
        state_root: head.state_root,
        local_exit_root: B256::ZERO,
        global_exit_root: B256::ZERO,
        acc_input_hash: B256::ZERO,
        timestamp: head.timestamp,
        first_block: head.block + 1,
        block_count: 0,
        tx_count: 0,
        used: Resources::default().0.to_vec(),
        high: Resources::default().0.to_vec(),
        opened_at_ms: 0,
        closed_at_ms: 0,
        closing_reason: String::new(),
        closing_detail: String::new(),
        rom_error: String::new(),
        forced: None,
    }
}
