//! Blocks that are sealed and not durable yet. The next block executes on top of them; nobody outside hears of them.
//!
//! `Ahead` holds them in order, with the chain state after the newest. A reader that looks here first and then into the store misses nothing:
//! a block leaves only after its write is in the store.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use alloy_primitives::map::HashMap;
use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{AccountState, StateDiff};
use zkevm_state_db::records::{BatchRecord, BlockRecord, HeadRecord, LogRecord, ReceiptRecord, TransactionRecord};

use crate::engine::ChainState;
use crate::tree::TreeUpdate;

/// Sealed blocks that may wait for the disk. The sequencer stops far earlier; this only bounds memory whoever calls.
pub(crate) const AHEAD_BLOCKS_MAX: usize = 64;

/// A block's records, ready to be written.
pub(crate) struct BlockRecords {
    pub(crate) block: BlockRecord,
    pub(crate) transactions: Vec<(TransactionRecord, ReceiptRecord)>,
    pub(crate) logs: Vec<LogRecord>,
}

/// A sealed block with everything that its write takes.
pub(crate) struct SealedAhead {
    pub(crate) diff: StateDiff,
    pub(crate) records: BlockRecords,
    pub(crate) update: TreeUpdate,
    pub(crate) head: HeadRecord,
    pub(crate) batch: BatchRecord,
    /// What the block adds to batchL2Data.
    pub(crate) data: Vec<u8>,
    /// Places in `diff`, for reads.
    accounts: HashMap<Address, usize>,
    slots: HashMap<(Address, U256), usize>,
}

impl SealedAhead {
    pub(crate) fn new(
        diff: StateDiff,
        records: BlockRecords,
        update: TreeUpdate,
        (head, batch): (HeadRecord, BatchRecord),
        data: Vec<u8>,
    ) -> Self {
        let accounts = diff.accounts.iter().enumerate().map(|(at, account)| (account.address, at)).collect();
        let slots = diff.storage.iter().enumerate().map(|(at, slot)| ((slot.address, slot.slot), at)).collect();
        Self { diff, records, update, head, batch, data, accounts, slots }
    }

    fn account(&self, address: &Address) -> Option<AccountState> {
        self.accounts.get(address).map(|at| self.diff.accounts[*at].new)
    }

    fn storage(&self, address: &Address, slot: &U256) -> Option<U256> {
        self.slots.get(&(*address, *slot)).map(|at| self.diff.storage[*at].new)
    }

    fn code(&self, hash: &B256) -> Option<Bytes> {
        self.diff.codes.iter().find(|(known, _)| known == hash).map(|(_, code)| code.clone())
    }
}

struct Inner {
    blocks: VecDeque<Arc<SealedAhead>>,
    /// Head and open batch after the newest sealed block, durable or not.
    chain: ChainState,
}

/// The sealed blocks that are not durable.
pub(crate) struct Ahead(RwLock<Inner>);

impl Ahead {
    pub(crate) const fn new(chain: ChainState) -> Self {
        Self(RwLock::new(Inner { blocks: VecDeque::new(), chain }))
    }

    /// Head and open batch after the newest sealed block.
    pub(crate) fn chain(&self) -> ChainState {
        self.read().chain.clone()
    }

    /// Oldest first.
    pub(crate) fn blocks(&self) -> Vec<Arc<SealedAhead>> {
        self.read().blocks.iter().map(Arc::clone).collect()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.read().blocks.len() >= AHEAD_BLOCKS_MAX
    }

    pub(crate) fn push(&self, block: Arc<SealedAhead>, chain: ChainState) {
        let mut inner = self.write();
        inner.blocks.push_back(block);
        inner.chain = chain;
    }

    /// The chain moved without a block: a batch was closed.
    pub(crate) fn set_chain(&self, chain: ChainState) {
        self.write().chain = chain;
    }

    /// The oldest `count` blocks are in the store.
    pub(crate) fn settle(&self, count: usize) {
        self.write().blocks.drain(..count);
    }

    /// Forgets all blocks: the chain goes on from the durable `chain`.
    pub(crate) fn drop_all(&self, chain: ChainState) -> Vec<Arc<SealedAhead>> {
        let mut inner = self.write();
        inner.chain = chain;
        inner.blocks.drain(..).collect()
    }

    /// The newest value of an account among the sealed blocks.
    pub(crate) fn account(&self, address: &Address) -> Option<AccountState> {
        self.newest(|block| block.account(address))
    }

    /// The newest value of a slot among the sealed blocks.
    pub(crate) fn storage(&self, address: &Address, slot: &U256) -> Option<U256> {
        self.newest(|block| block.storage(address, slot))
    }

    /// A code that one of the sealed blocks deployed.
    pub(crate) fn code(&self, hash: &B256) -> Option<Bytes> {
        self.newest(|block| block.code(hash))
    }

    fn newest<T>(&self, find: impl Fn(&SealedAhead) -> Option<T>) -> Option<T> {
        self.read().blocks.iter().rev().find_map(|block| find(block))
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
