//! The open block's view of the state: what was read and written since the block was opened, with an
//! undo log for frames and for whole transactions.
//!
//! Nothing is ever destroyed: an account is nothing but its leaves, and an empty one may own storage.

use crate::{AccountState, StateError, StateReader};
use alloy_primitives::map::{AddressMap, B256Map};
use alloy_primitives::{Address, B256, Bytes, Log, U256};

mod account;
mod diff;
mod footprint;
mod slot;
mod undo;

use account::JournaledAccount;
pub(crate) use account::Look;
pub(crate) use footprint::Footprint;
pub(crate) use undo::Checkpoint;
use undo::Undo;

/// A value a transaction read before writing it, if it wrote it at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateRead {
    /// An account's leaves.
    Account(Address, AccountState),
    /// A storage slot.
    Storage(Address, U256, U256),
}

/// The overlay of one open block over a state.
#[derive(Debug)]
pub(crate) struct Journal<S> {
    pub(crate) reader: S,
    accounts: AddressMap<JournaledAccount>,
    undo: Vec<Undo>,
    pub(crate) logs: Vec<Log>,
    /// Number of the transaction, from 1; never given out twice.
    tx: u64,
    reads: Vec<StateRead>,
    records_reads: bool,
    deployed: B256Map<Bytes>,
}

impl<S: StateReader> Journal<S> {
    pub(crate) fn new(reader: S, records_reads: bool) -> Self {
        Self {
            reader,
            accounts: AddressMap::default(),
            undo: Vec::new(),
            logs: Vec::new(),
            tx: 0,
            reads: Vec::new(),
            records_reads,
            deployed: B256Map::default(),
        }
    }

    /// Starts a transaction: nothing is warm, and nothing before it can be undone any more.
    pub(crate) fn begin_transaction(&mut self) {
        self.tx += 1;
        self.undo.clear();
        self.logs.clear();
        self.reads.clear();
    }

    /// Undoes the whole transaction.
    pub(crate) fn rollback_transaction(&mut self) {
        self.revert(Checkpoint::default());
        self.reads.clear();
    }

    pub(crate) fn take_logs(&mut self) -> Vec<Log> {
        core::mem::take(&mut self.logs)
    }

    pub(crate) fn take_reads(&mut self) -> Vec<StateRead> {
        core::mem::take(&mut self.reads)
    }

    /// The code of a hash, deployed here or known to the state.
    pub(crate) fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.deployed.get(hash).map_or_else(|| self.reader.code(hash), |code| Ok(code.clone()))
    }

    /// From now on notes what is read.
    pub(crate) const fn record_reads(&mut self) {
        self.records_reads = true;
    }
}
