//! The state before a batch, which writes down what is asked of it.
//!
//! Values come from the flat state of a snapshot, nodes from the old tree; each value is compared with its leaf. What the batch itself
//! changes is kept here, so that it is executed for itself, whatever later blocks of the database say.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use alloy_primitives::{Address, B256, Bytes, U256};
use zkevm_executor::{AccountState, BatchState, StateDiff, StateError, StateReader, state_error};
use zkevm_state_db::Snapshot;
use zkevm_state_tree::keys::{KeySource, derive_many};
use zkevm_state_tree::witness::Node;
use zkevm_state_tree::{H4, PartialTree, Recording, TreeNodes, value_hash};

use crate::commit::{leaf_writes, state_of};
use crate::old_tree::{OldTree, SnapshotPages};
use crate::reader::state_error as db_error;

type Tree<'a> = PartialTree<Recording<TreeNodes<SnapshotPages<'a>>>>;

/// Nodes and values by hash, codes by hash, and who has these codes.
pub(super) type Parts = (BTreeMap<H4, Node>, BTreeMap<B256, Bytes>, BTreeMap<Address, B256>);

/// Records what an execution reads.
pub(super) struct Recorder<'a> {
    snapshot: &'a Snapshot<'a>,
    /// The block at whose end the state is read.
    before: u64,
    depth: u32,
    tree: RefCell<Tree<'a>>,
    /// Keys whose path is recorded.
    recorded: RefCell<HashSet<H4>>,
    codes: RefCell<BTreeMap<B256, Bytes>>,
    owners: RefCell<BTreeMap<Address, B256>>,
    accounts: HashMap<Address, AccountState>,
    slots: HashMap<(Address, U256), U256>,
    deployed: HashMap<B256, Bytes>,
}

impl<'a> Recorder<'a> {
    /// Starts from an old tree of the snapshot; `depth` is what the virtual counters take.
    pub(super) fn new(snapshot: &'a Snapshot<'a>, old: OldTree<'a>, depth: u32) -> Self {
        let nodes = TreeNodes::new(old.tree);
        let root = nodes.root();
        Self {
            snapshot,
            before: old.block.number,
            depth,
            tree: RefCell::new(PartialTree::new(Recording::new(nodes), root)),
            recorded: RefCell::default(),
            codes: RefCell::default(),
            owners: RefCell::default(),
            accounts: HashMap::new(),
            slots: HashMap::new(),
            deployed: HashMap::new(),
        }
    }

    /// What was recorded.
    pub(super) fn into_parts(self) -> Parts {
        let codes = self.codes.into_inner();
        let mut owners = self.owners.into_inner();
        owners.retain(|_, hash| codes.contains_key(hash));
        (self.tree.into_inner().into_source().into_nodes(), codes, owners)
    }

    /// Records the paths of keys that are read for the first time.
    fn record(&self, sources: &[KeySource], values: &[U256]) -> Result<(), StateError> {
        let mut tree = self.tree.borrow_mut();
        for (key, value) in derive_many(sources).iter().zip(values) {
            if !self.recorded.borrow_mut().insert(*key) {
                continue;
            }
            let stored = tree.leaf(key).map_err(state_error)?;
            let expected = (!value.is_zero()).then(|| value_hash(value));
            if stored != expected {
                return Err(StateError::Corrupt(format!(
                    "the flat state and the tree differ in key {}",
                    key.to_b256()
                )));
            }
            if expected.is_some() {
                tree.source().add_value(value);
            }
        }
        Ok(())
    }
}

impl StateReader for Recorder<'_> {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        if let Some(account) = self.accounts.get(address) {
            return Ok(*account);
        }
        let account = state_of(&self.snapshot.account_at(address, self.before).map_err(db_error)?);
        let sources = [
            KeySource::balance(address),
            KeySource::nonce(address),
            KeySource::code_hash(address),
            KeySource::code_length(address),
        ];
        let AccountState { nonce, balance, code_hash, code_length } = account;
        self.record(&sources, &[balance, U256::from(nonce), code_hash.into(), U256::from(code_length)])?;
        if !code_hash.is_zero() {
            self.owners.borrow_mut().insert(*address, code_hash);
        }
        Ok(account)
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        if let Some(value) = self.slots.get(&(*address, *slot)) {
            return Ok(*value);
        }
        let value = self.snapshot.storage_at(address, slot, self.before).map_err(db_error)?;
        self.record(&[KeySource::storage(address, slot)], &[value])?;
        Ok(value)
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        match self.deployed.get(hash) {
            Some(code) => Ok(code.clone()),
            None => self.snapshot.code(hash).map_err(db_error),
        }
    }

    fn loads_code(&self, hash: &B256) -> Result<(), StateError> {
        if !self.deployed.contains_key(hash) && !self.codes.borrow().contains_key(hash) {
            let code = self.snapshot.code(hash).map_err(db_error)?;
            self.codes.borrow_mut().insert(*hash, code);
        }
        Ok(())
    }
}

impl BatchState for Recorder<'_> {
    fn apply_block(&mut self, diff: &StateDiff) -> Result<B256, StateError> {
        self.accounts.extend(diff.accounts.iter().map(|account| (account.address, account.new)));
        self.slots.extend(diff.storage.iter().map(|slot| ((slot.address, slot.slot), slot.new)));
        self.deployed.extend(diff.codes.iter().cloned());
        Ok(self.tree.get_mut().update(&leaf_writes(diff)).map_err(state_error)?.to_b256())
    }

    fn root(&self) -> B256 {
        self.tree.borrow().root().to_b256()
    }

    fn depth_measure(&self) -> u32 {
        self.depth
    }
}
