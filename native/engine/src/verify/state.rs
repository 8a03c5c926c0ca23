//! The state before a batch, and what the batch makes of it, compared with the change sets of its blocks.

use std::cell::RefCell;
use std::collections::BTreeMap;

use alloy_primitives::map::{Entry, HashMap};
use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{AccountState, BatchState, StateDiff, StateError, StateReader};
use zkevm_state_db::records::{AccountRecord, BlockRecord};
use zkevm_state_db::{DbError, DbResult, Past, PastReader, Snapshot};

use super::StoredBatch;
use super::mismatch::{Key, Mismatch, same, same_value};
use crate::commit::{record_of, state_of};
use crate::error::EngineResult;
use crate::reader::state_error;

/// What a comparison comes to: it could be made or not; the same or not.
type Compared = EngineResult<Result<(), Box<Mismatch>>>;

/// State of a batch under verification. Values come from a snapshot as they were before the batch, or from its blocks so far.
pub(super) struct CheckedState<'a> {
    snapshot: &'a Snapshot<'a>,
    /// Blocks of the batch that were not executed yet.
    blocks: std::slice::Iter<'a, BlockRecord>,
    root: B256,
    depth: u32,
    /// Values after the blocks so far; sorted, so that the first difference at the end is always the same one.
    accounts: BTreeMap<Address, AccountState>,
    slots: BTreeMap<(Address, U256), U256>,
    codes: HashMap<B256, Bytes>,
    stored: RefCell<Stored<'a>>,
    /// Whether what a block changes is compared as soon as it is executed.
    checks: bool,
    mismatch: Option<Box<Mismatch>>,
}

/// What the database says that keys were in the course of the batch, as far as anybody asked.
struct Stored<'a> {
    reader: PastReader<'a>,
    accounts: HashMap<Address, Past<AccountRecord>>,
    slots: HashMap<(Address, U256), Past<U256>>,
}

impl Stored<'_> {
    fn account(&mut self, address: &Address) -> DbResult<&Past<AccountRecord>> {
        Ok(match self.accounts.entry(*address) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.reader.account(address)?),
        })
    }

    fn slot(&mut self, address: &Address, slot: &U256) -> DbResult<&Past<U256>> {
        Ok(match self.slots.entry((*address, *slot)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.reader.slot(address, slot)?),
        })
    }
}

impl<'a> CheckedState<'a> {
    pub(super) fn new(snapshot: &'a Snapshot<'a>, batch: &'a StoredBatch) -> DbResult<Self> {
        let last = batch.blocks.last().unwrap_or(&batch.parent).number;
        let reader = snapshot.past(batch.parent.number, last)?;
        Ok(Self {
            snapshot,
            blocks: batch.blocks.iter(),
            root: batch.parent.state_root,
            depth: batch.depth,
            accounts: BTreeMap::new(),
            slots: BTreeMap::new(),
            codes: HashMap::default(),
            stored: RefCell::new(Stored { reader, accounts: HashMap::default(), slots: HashMap::default() }),
            checks: true,
            mismatch: None,
        })
    }

    /// The same without comparing anything: no difference ends the execution.
    pub(super) fn unchecked(snapshot: &'a Snapshot<'a>, batch: &'a StoredBatch) -> DbResult<Self> {
        Ok(Self { checks: false, ..Self::new(snapshot, batch)? })
    }

    /// The difference because of which the execution was ended.
    pub(super) fn take_mismatch(&mut self) -> Option<Box<Mismatch>> {
        self.mismatch.take()
    }

    /// Whether the database has, at the end of the batch, the values that its blocks left.
    pub(super) fn compare_final_values(&self) -> Compared {
        let mut stored = self.stored.borrow_mut();
        for (address, state) in &self.accounts {
            let what = || format!("account {address} after the batch");
            if let Err(mismatch) = same_value(what, stored.account(address)?.last(), &record_of(state)) {
                return Ok(Err(mismatch.about(Some(Key::Account(*address)))));
            }
        }
        for ((address, slot), value) in &self.slots {
            let what = || format!("slot {slot} of {address} after the batch");
            if let Err(mismatch) = same_value(what, stored.slot(address, slot)?.last(), value) {
                return Ok(Err(mismatch.about(Some(Key::Slot(*address, *slot)))));
            }
        }
        Ok(Ok(()))
    }

    /// Compares what a block changed with what the database says that it changed.
    pub(super) fn compare(&self, block: &BlockRecord, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
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
        let stored = self.stored.borrow();
        let missing = || DbError::corrupt(format!("the change set of block {number} is not one of the batch's"));
        let changes = stored.reader.change_set(number).ok_or_else(missing)?;
        let accounts: Vec<Address> = diff.accounts.iter().map(|account| account.address).collect();
        let slots: Vec<(Address, U256)> = diff.storage.iter().map(|slot| (slot.address, slot.slot)).collect();
        let compared = same("the changed accounts", &changes.accounts, &accounts)
            .map_err(|mismatch| mismatch.about(only_in_one(&changes.accounts, &accounts).map(Key::Account)));
        Ok(compared.and_then(|()| {
            let key = || only_in_one(&changes.slots, &slots).map(|(address, slot)| Key::Slot(address, slot));
            same("the changed slots", &changes.slots, &slots).map_err(|mismatch| mismatch.about(key()))
        }))
    }

    fn compare_previous(&self, number: u64, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
        let mut stored = self.stored.borrow_mut();
        for account in &diff.accounts {
            let what = || format!("account {} before the block", account.address);
            let before = stored.account(&account.address)?.before(number);
            if let Err(mismatch) = same_value(what, &before, &Some(&record_of(&account.old))) {
                return Ok(Err(mismatch.about(Some(Key::Account(account.address)))));
            }
        }
        for slot in &diff.storage {
            let what = || format!("slot {} of {} before the block", slot.slot, slot.address);
            let before = stored.slot(&slot.address, &slot.slot)?.before(number);
            if let Err(mismatch) = same_value(what, &before, &Some(&slot.old)) {
                return Ok(Err(mismatch.about(Some(Key::Slot(slot.address, slot.slot)))));
            }
        }
        Ok(Ok(()))
    }

    fn compare_codes(&self, diff: &StateDiff) -> DbResult<Result<(), Box<Mismatch>>> {
        for (hash, code) in &diff.codes {
            if let Err(mismatch) = same_value(|| format!("code {hash}"), &self.snapshot.code(hash)?, code) {
                return Ok(Err(mismatch));
            }
        }
        Ok(Ok(()))
    }
}

/// The first key that was changed and is not stored as such; else the first of the others.
fn only_in_one<T: PartialEq + Copy>(stored: &[T], executed: &[T]) -> Option<T> {
    let missing = executed.iter().find(|key| !stored.contains(key));
    missing.or_else(|| stored.iter().find(|key| !executed.contains(key))).copied()
}

impl StateReader for CheckedState<'_> {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        if let Some(account) = self.accounts.get(address) {
            return Ok(*account);
        }
        let mut stored = self.stored.borrow_mut();
        Ok(state_of(stored.account(address).map_err(state_error)?.first()))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        if let Some(value) = self.slots.get(&(*address, *slot)) {
            return Ok(*value);
        }
        Ok(*self.stored.borrow_mut().slot(address, slot).map_err(state_error)?.first())
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
        if self.checks
            && let Err(mismatch) = self.compare(block, diff).map_err(state_error)?
        {
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
