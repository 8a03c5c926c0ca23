//! A state of which only a witness is known: enough to replay the batch that it was recorded for, and nothing else.

use crate::memory_state::leaf_writes;
use crate::{AccountState, BatchState, StateDiff, StateError, StateReader};
use alloy_primitives::map::B256Map;
use alloy_primitives::{Address, B256, Bytes, U256};
use std::cell::RefCell;
use std::collections::HashMap;
use zkevm_state_tree::keys::{self, KeySource};
use zkevm_state_tree::witness::{Node, WitnessError};
use zkevm_state_tree::{H4, PartialError, PartialTree};

/// A state over a witness. What the witness lacks is [`StateError::MissingNode`] or [`StateError::MissingCode`].
#[derive(Clone, Debug)]
pub struct WitnessState {
    /// Reading looks at nodes for the first time.
    tree: RefCell<PartialTree<HashMap<H4, Node>>>,
    /// Leaves written since; their values are in no node.
    written: HashMap<H4, U256>,
    codes: B256Map<Bytes>,
    depth_measure: u32,
}

impl WitnessState {
    /// The state with this root, these nodes and these codes. A witness does not show how deep the whole tree is, so
    /// `depth_measure` says what the virtual counters take.
    pub fn new(
        root: H4,
        nodes: impl IntoIterator<Item = (H4, Node)>,
        codes: impl IntoIterator<Item = (B256, Bytes)>,
        depth_measure: u32,
    ) -> Self {
        Self {
            tree: RefCell::new(PartialTree::new(nodes.into_iter().collect(), root)),
            written: HashMap::new(),
            codes: codes.into_iter().collect(),
            depth_measure,
        }
    }

    fn value(&self, key: &H4) -> Result<U256, StateError> {
        if let Some(value) = self.written.get(key) {
            return Ok(*value);
        }
        let mut tree = self.tree.borrow_mut();
        let Some(expected) = tree.leaf(key).map_err(state_error)? else { return Ok(U256::ZERO) };
        let node = tree.source().get(&expected).ok_or(StateError::MissingNode(expected.to_b256()))?;
        match node.value().filter(|_| node.hash() == expected) {
            Some(value) => Ok(value),
            None => Err(StateError::Corrupt(format!("node {} of the witness is not that value", expected.to_b256()))),
        }
    }

    fn number(&self, key: &H4, what: &str) -> Result<u64, StateError> {
        u64::try_from(self.value(key)?).map_err(|_| StateError::Corrupt(format!("{what} is too big")))
    }
}

/// What a partial tree says, as the executor's callers know it.
#[must_use]
pub fn state_error(error: PartialError) -> StateError {
    match error {
        PartialError::Witness(WitnessError::MissingNode { hash, .. }) => StateError::MissingNode(hash.to_b256()),
        PartialError::Witness(error) => StateError::Corrupt(error.to_string()),
        PartialError::Tree(error) => StateError::Backend(error.to_string()),
    }
}

impl StateReader for WitnessState {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        Ok(AccountState {
            nonce: self.number(&keys::nonce(address), "a nonce")?,
            balance: self.value(&keys::balance(address))?,
            code_hash: self.value(&keys::code_hash(address))?.into(),
            code_length: self.number(&keys::code_length(address), "a code length")?,
        })
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        self.value(&keys::storage(address, slot))
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        self.codes.get(hash).cloned().ok_or(StateError::MissingCode(*hash))
    }

    fn loads_code(&self, hash: &B256) -> Result<(), StateError> {
        if self.codes.contains_key(hash) { Ok(()) } else { Err(StateError::MissingCode(*hash)) }
    }
}

impl BatchState for WitnessState {
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError> {
        let (sources, values): (Vec<KeySource>, Vec<U256>) = leaf_writes(diff).into_iter().unzip();
        let writes: Vec<(H4, U256)> = keys::derive_many(&sources).into_iter().zip(values).collect();
        self.codes.extend(diff.codes.iter().cloned());
        self.written.extend(writes.iter().copied());
        Ok(self.tree.get_mut().update(&writes).map_err(state_error)?.to_b256())
    }

    fn root(&self) -> B256 {
        self.tree.borrow().root().to_b256()
    }

    fn depth_measure(&self) -> u32 {
        self.depth_measure
    }
}
