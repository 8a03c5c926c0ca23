//! The state before a vector's batch: whole where the vector has the whole tree, else what its witness gives.

use crate::{AccountState, BatchState, MemoryState, StateDiff, StateError, StateReader, WitnessState};
use alloy_primitives::{Address, B256, Bytes, U256};

/// The state before a batch.
#[derive(Clone, Debug)]
pub enum VectorState {
    /// All leaves are known.
    Whole(MemoryState),
    /// What the batch touches is known.
    Witness(WitnessState),
}

macro_rules! either {
    ($state:expr, $inner:ident => $call:expr) => {
        match $state {
            VectorState::Whole($inner) => $call,
            VectorState::Witness($inner) => $call,
        }
    };
}

impl StateReader for VectorState {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        either!(self, state => state.account(address))
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        either!(self, state => state.storage(address, slot))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        either!(self, state => state.code(hash))
    }

    fn loads_code(&self, hash: &B256) -> Result<(), StateError> {
        either!(self, state => state.loads_code(hash))
    }
}

impl BatchState for VectorState {
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError> {
        either!(self, state => state.apply_block(diff))
    }

    fn root(&self) -> B256 {
        either!(self, state => state.root())
    }

    fn depth_measure(&self) -> u32 {
        either!(self, state => state.depth_measure())
    }
}
