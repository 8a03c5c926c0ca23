//! Turning a block's changes into one durable write: state-tree leaves, flat state, change sets, code.

use alloy_primitives::{B256, U256};
use zkevm_executor::{AccountState, StateDiff};
use zkevm_state_db::records::{AccountRecord, BatchKind, BlockRecord, ChainRecord, HeadRecord};
use zkevm_state_db::{ChangeSet, Store, WriteBatch};
use zkevm_state_tree::H4;
use zkevm_state_tree::keys::{KeySource, derive_many};

use crate::engine::{ChainConfig, empty_batch};
use crate::error::EngineResult;
use crate::genesis::Genesis;
use crate::header::{receipts_root, transactions_root};
use crate::tree::Tree;
use crate::views::header_of;

/// Closing reason of batch 0.
const GENESIS_REASON: &str = "Sync: genesis";

/// The state-tree leaves that a block changes; value 0 deletes.
pub(crate) fn leaf_writes(diff: &StateDiff) -> Vec<(H4, U256)> {
    let (sources, values): (Vec<KeySource>, Vec<U256>) = zkevm_executor::leaf_writes(diff).into_iter().unzip();
    derive_many(&sources).into_iter().zip(values).collect()
}

/// Puts the changes of `block` into the batch: flat state, change sets for older reads, code.
///
/// # Errors
/// As [`Store::put`].
pub(crate) fn put_state(
    store: &Store,
    batch: &mut WriteBatch,
    block: u64,
    diff: &StateDiff,
    tree_depth: u64,
) -> EngineResult<()> {
    let changes = ChangeSet {
        tree_depth,
        accounts: diff.accounts.iter().map(|account| account.address).collect(),
        slots: diff.storage.iter().map(|slot| (slot.address, slot.slot)).collect(),
    };
    store.put_change_set(batch, block, &changes)?;
    for account in &diff.accounts {
        store.put_account_history(batch, &account.address, block, &record_of(&account.old))?;
        store.put_account(batch, &account.address, &record_of(&account.new))?;
    }
    for slot in &diff.storage {
        store.put_storage_history(batch, &slot.address, &slot.slot, block, &slot.old)?;
        store.put_storage(batch, &slot.address, &slot.slot, &slot.new)?;
    }
    for (hash, code) in &diff.codes {
        store.put_code(batch, hash, code)?;
    }
    Ok(())
}

/// An account as the store keeps it.
pub(crate) const fn record_of(state: &AccountState) -> AccountRecord {
    AccountRecord {
        nonce: state.nonce,
        balance: state.balance,
        code_hash: state.code_hash,
        code_length: state.code_length,
    }
}

/// An account as the executor reads it.
pub(crate) const fn state_of(record: &AccountRecord) -> AccountState {
    AccountState {
        nonce: record.nonce,
        balance: record.balance,
        code_hash: record.code_hash,
        code_length: record.code_length,
    }
}

/// Creates the chain: state, block 0, batch 0, head pointers, in one write.
///
/// # Errors
/// Those of the store and the tree.
pub(crate) fn write_genesis(
    store: &std::sync::Arc<Store>,
    config: &ChainConfig,
    genesis: &Genesis,
) -> EngineResult<()> {
    let mut batch = WriteBatch::default();
    for (address, entry) in &genesis.accounts {
        store.put_account(&mut batch, address, &entry.account)?;
        for (slot, value) in &entry.storage {
            store.put_storage(&mut batch, address, slot, value)?;
        }
        if !entry.code.is_empty() {
            store.put_code(&mut batch, &entry.account.code_hash, &entry.code)?;
        }
    }
    let mut tree = Tree::open(std::sync::Arc::clone(store), B256::ZERO, 0, GENESIS_TREE_CACHE_BYTES)?;
    let update = tree.update(&genesis.leaves())?;
    update.put(store, &mut batch)?;
    let block = genesis_block(config, update.root());
    let head = HeadRecord {
        block: 0,
        block_hash: block.hash,
        timestamp: 0,
        state_root: update.root(),
        closed_batch: 0,
        tree_depth: update.depth(),
        forced_batch: None,
    };
    let mut genesis_batch = empty_batch(0, config, &head);
    genesis_batch.kind = BatchKind::Genesis as u8;
    genesis_batch.first_block = 0;
    genesis_batch.block_count = 1;
    GENESIS_REASON.clone_into(&mut genesis_batch.closing_reason);
    // What the genesis set is not undone by anybody; the record says how deep its tree is.
    store.put_change_set(&mut batch, 0, &ChangeSet { tree_depth: update.depth(), ..ChangeSet::default() })?;
    store.put_block(&mut batch, &block)?;
    store.put_batch(&mut batch, &genesis_batch)?;
    store.put_head(&mut batch, &head)?;
    let chain = ChainRecord {
        chain_id: config.chain_id,
        fork_id: config.fork.fork.number(),
        genesis_root: config.genesis_root,
    };
    store.put_chain(&mut batch, &chain)?;
    Ok(store.write(batch)?)
}

/// The genesis is written once; its tree needs no more than this.
const GENESIS_TREE_CACHE_BYTES: usize = 16 << 20;

fn genesis_block(config: &ChainConfig, state_root: B256) -> BlockRecord {
    let mut block = BlockRecord {
        number: 0,
        hash: B256::ZERO,
        parent_hash: B256::ZERO,
        state_root,
        transactions_root: transactions_root(&[]),
        receipts_root: receipts_root(&[]),
        logs_bloom: alloy_primitives::Bloom::ZERO,
        timestamp: 0,
        coinbase: alloy_primitives::Address::ZERO,
        gas_limit: config.fork.block_gas_limit,
        gas_used: 0,
        batch: 0,
        l1_info_index: 0,
        global_exit_root: B256::ZERO,
        l1_block_hash: B256::ZERO,
        block_info_root: B256::ZERO,
        tx_count: 0,
        log_count: 0,
        size: 0,
    };
    finish_block(&mut block, 0);
    block
}

/// Fills in the header hash and the size (header and transaction bytes).
pub(crate) fn finish_block(block: &mut BlockRecord, transaction_bytes: usize) {
    let header = header_of(block);
    block.size = (alloy_rlp::Encodable::length(&header) + transaction_bytes) as u64;
    block.hash = header.hash();
}
