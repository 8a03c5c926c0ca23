//! `zkevm_getProof`: what an account and some of its slots hold at a kept block, and why the state root says so.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Serialize;
use zkevm_state_tree::H4;
use zkevm_state_tree::keys::{KeySource, derive_many};

use crate::block_id::BlockId;
use crate::engine::Engine;
use crate::error::{EngineError, EngineResult};
use crate::old_tree::{OldTree, failed, tree_at};
use crate::views::to_json;

/// The nodes from the root to the end of the path, then the value if there is one.
type ProofView = Vec<Bytes>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountProofView {
    address: Address,
    block_number: U64,
    block_hash: B256,
    state_root: B256,
    balance: U256,
    nonce: U64,
    code_hash: B256,
    code_length: U64,
    balance_proof: ProofView,
    nonce_proof: ProofView,
    code_hash_proof: ProofView,
    code_length_proof: ProofView,
    storage_proof: Vec<SlotProofView>,
}

#[derive(Serialize)]
struct SlotProofView {
    key: B256,
    value: U256,
    proof: ProofView,
}

impl Engine {
    /// Values and proofs of an account and some of its slots at the end of a block, as JSON. The open block counts as the newest
    /// published one: it has no root yet.
    ///
    /// # Errors
    /// As [`tree_at`]; [`EngineError::Tree`] when a proof does not prove what the flat state holds.
    pub fn proof_json(
        &self,
        address: &Address,
        slots: &[U256],
        block: BlockId,
        changes_max: usize,
    ) -> EngineResult<String> {
        // Before the snapshot, which then has this block.
        let published = self.published_block();
        let snapshot = self.store().snapshot();
        let number = match block {
            BlockId::Number(number) if number > published => return Err(EngineError::BlockNotFound),
            BlockId::Number(number) => number,
            BlockId::Latest | BlockId::Pending => published,
        };
        let old = tree_at(&snapshot, number, changes_max)?;
        let account = snapshot.account_at(address, number)?;
        let mut sources = vec![
            KeySource::balance(address),
            KeySource::nonce(address),
            KeySource::code_hash(address),
            KeySource::code_length(address),
        ];
        let mut values =
            vec![account.balance, U256::from(account.nonce), account.code_hash.into(), U256::from(account.code_length)];
        for slot in slots {
            sources.push(KeySource::storage(address, slot));
            values.push(snapshot.storage_at(address, slot, number)?);
        }
        let keys = derive_many(&sources);
        let proofs = keys.iter().zip(&values).map(|(key, value)| prove(&old, key, value));
        let mut proofs = proofs.collect::<EngineResult<Vec<ProofView>>>()?.into_iter();
        let mut next = || proofs.next().unwrap_or_default();
        to_json(&AccountProofView {
            address: *address,
            block_number: U64::from(number),
            block_hash: old.block.hash,
            state_root: old.block.state_root,
            balance: account.balance,
            nonce: U64::from(account.nonce),
            code_hash: account.code_hash,
            code_length: U64::from(account.code_length),
            balance_proof: next(),
            nonce_proof: next(),
            code_hash_proof: next(),
            code_length_proof: next(),
            storage_proof: slots
                .iter()
                .zip(&values[4..])
                .map(|(slot, value)| SlotProofView { key: (*slot).into(), value: *value, proof: next() })
                .collect(),
        })
    }
}

/// The proof of a key, which is verified before it is given away.
fn prove(old: &OldTree<'_>, key: &H4, value: &U256) -> EngineResult<ProofView> {
    let proof = old.tree.prove(key).map_err(failed)?;
    proof
        .verify_value(&old.tree.root(), key, value)
        .map_err(|error| EngineError::Tree(format!("the flat state and the tree differ: {error}")))?;
    Ok(proof.elements(key, value).into_iter().map(Bytes::from).collect())
}
