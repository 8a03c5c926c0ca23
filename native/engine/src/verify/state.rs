//! The state before a batch, and what the batch makes of it, compared with the change sets of its blocks.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{AccountState, BatchState, StateDiff, StateError, StateReader};
use zkevm_state_db::records::{AccountRecord, BlockRecord};
use zkevm_state_db::{DbResult, Snapshot};

use super::StoredBatch;
use super::mismatch::{Mismatch, same};
use crate::commit::{record_of, state_of};
use crate::error::EngineResult;
use crate::reader::state_error;

/// What a comparison comes to: it could be made or not; the same or not.
type Compared = EngineResult<Result<(), Box<Mismatch>>>;

/// State of a batch under verification. Values come from a snapshot as they were before the batch, or from its blocks so far.
pub(super) struct CheckedState<'a> {
    snapshot: &'a Snapshot<'a>,
    /// The block before the batch.
    base: u64,
    /// Blocks of the batch that were not executed yet.
    blocks: std::slice::Iter<'a, BlockRecord>,
    last: u64,
    root: B256,
    depth: u32,
    /// Values after the blocks so far; sorted, for the reads at the end.
    accounts: BTreeMap<Address, AccountState>,
    slots: BTreeMap<(Address, U256), U256>,
    codes: HashMap<B256, Bytes>,
    /// Values before the batch that were asked for.
    read_accounts: RefCell<HashMap<Address, AccountState>>,
    read_slots: RefCell<HashMap<(Address, U256), U256>>,
    mismatch: Option<Box<Mismatch>>,
}

impl<'a> CheckedState<'a> {
    pub(super) fn new(snapshot: &'a Snapshot<'a>, stored: &'a StoredBatch) -> Self {
        Self {
            snapshot,
            base: stored.parent.number,
            blocks: stored.blocks.iter(),
            last: stored.blocks.last().unwrap_or(&stored.parent).number,
            root: stored.parent.state_root,
            depth: stored.depths.first().copied().unwrap_or_default(),
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            codes: HashMap::new(),
            read_accounts: RefCell::default(),
            read_slots: RefCell::default(),
            mismatch: None,
        }
    }

    /// The difference because of which the execution was ended.
    pub(super) fn take_mismatch(&mut self) -> Option<Box<Mismatch>> {
        self.mismatch.take()
    }

    /// Whether the database has, at the end of the batch, the values that its blocks left.
    pub(super) fn compare_final_values(&self) -> Compared {
        for (address, state) in &self.accounts {
            let stored = self.snapshot.account_at(address, self.last)?;
            if let Err(mismatch) = same(&format!("account {address} after the batch"), &stored, &record_of(state)) {
                return Ok(Err(mismatch));
            }
        }
        for ((address, slot), value) in &self.slots {
            let stored = self.snapshot.storage_at(address, slot, self.last)?;
            if let Err(mismatch) = same(&format!("slot {slot} of {address} after the batch"), &stored, value) {
                return Ok(Err(mismatch));
            }
        }
        Ok(Ok(()))
    }

    /// Compares what a block changed with what the database says that it changed.
    fn compare(&self, block: &BlockRecord, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
        let number = block.number;
        let keys = self.compare_keys(number, diff)?;
        let values = match keys {
            Ok(()) => self.compare_previous(number, diff)?,
            Err(mismatch) => Err(mismatch),
        };
        let codes = match values {
            Ok(()) => self.compare_codes(diff)?,
            Err(mismatch) => Err(mismatch),
        };
        Ok(codes.map_err(|mismatch| mismatch.in_block(number)))
    }

    fn compare_keys(&self, number: u64, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
        let changes = self.snapshot.change_set(number)?;
        let accounts: Vec<Address> = diff.accounts.iter().map(|account| account.address).collect();
        let slots: Vec<(Address, U256)> = diff.storage.iter().map(|slot| (slot.address, slot.slot)).collect();
        let compared = same("the changed accounts", &changes.accounts, &accounts);
        Ok(compared.and_then(|()| same("the changed slots", &changes.slots, &slots)))
    }

    fn compare_previous(&self, number: u64, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
        for account in &diff.accounts {
            let stored = self.snapshot.account_before(&account.address, number)?;
            let what = format!("account {} before the block", account.address);
            if let Err(mismatch) = same(&what, &stored, &Some(record_of(&account.old))) {
                return Ok(Err(mismatch));
            }
        }
        for slot in &diff.storage {
            let stored = self.snapshot.storage_before(&slot.address, &slot.slot, number)?;
            let what = format!("slot {} of {} before the block", slot.slot, slot.address);
            if let Err(mismatch) = same(&what, &stored, &Some(slot.old)) {
                return Ok(Err(mismatch));
            }
        }
        Ok(Ok(()))
    }

    fn compare_codes(&self, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
        for (hash, code) in &diff.codes {
            if let Err(mismatch) = same(&format!("code {hash}"), &self.snapshot.code(hash)?, code) {
                return Ok(Err(mismatch));
            }
        }
        Ok(Ok(()))
    }
}

impl StateReader for CheckedState<'_> {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        if let Some(account) = self.accounts.get(address) {
            return Ok(*account);
        }
        if let Some(account) = self.read_accounts.borrow().get(address) {
            return Ok(*account);
        }
        let record: AccountRecord = self.snapshot.account_at(address, self.base).map_err(state_error)?;
        self.read_accounts.borrow_mut().insert(*address, state_of(&record));
        Ok(state_of(&record))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        let key = (*address, *slot);
        if let Some(value) = self.slots.get(&key) {
            return Ok(*value);
        }
        if let Some(value) = self.read_slots.borrow().get(&key) {
            return Ok(*value);
        }
        let value = self.snapshot.storage_at(address, slot, self.base).map_err(state_error)?;
        self.read_slots.borrow_mut().insert(key, value);
        Ok(value)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        match self.codes.get(hash) {
            Some(code) => Ok(code.clone()),
            None => self.snapshot.code(hash).map_err(state_error),
        }
    }
}

impl BatchState for CheckedState<'_> {
    /// Ends the execution at the first difference: what follows would only be its consequence.
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError> {
        let ends = || StateError::Backend("the batch is not as stored".into());
        let Some(block) = self.blocks.next() else {
            self.mismatch = Some(Mismatch::of("the number of L2 blocks", "fewer", "more"));
            return Err(ends());
        };
        if let Err(mismatch) = self.compare(block, diff).map_err(state_error)? {
            self.mismatch = Some(mismatch);
            return Err(ends());
        }
        self.accounts.extend(diff.accounts.iter().map(|account| (account.address, account.new)));
        self.slots.extend(diff.storage.iter().map(|slot| ((slot.address, slot.slot), slot.new)));
        self.codes.extend(diff.codes.iter().cloned());
        self.root = block.state_root;
        Ok(self.root)
    }

    fn root(&self) -> B256 {
        self.root
    }

    fn depth_measure(&self) -> u32 {
        self.depth
    }
}
