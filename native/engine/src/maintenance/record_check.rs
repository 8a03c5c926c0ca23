//! Codes and pool records, which stand for themselves: a code has its hash, a pool record is what its key says and not in a block.

use std::collections::HashMap;

use alloy_primitives::{B256, keccak256};
use zkevm_state_db::records::{AccountRecord, HeadRecord, PoolEndRecord, PoolRecord, decode};
use zkevm_state_db::{Store, schema};
use zkevm_state_tree::poseidon::linear_hash_many;

use super::difference::{Checked, Stop, same};
use super::progress::Progress;

/// Codes that are hashed together.
const CODES: usize = 64;

/// Codes have their hash, and accounts the codes that they name. Answers the number of codes.
pub(super) fn check_codes(store: &Store, progress: &Progress) -> Checked<u64> {
    progress.begin("codes", 0);
    let mut lengths: HashMap<B256, u64> = HashMap::new();
    let mut waiting = Vec::with_capacity(CODES);
    for item in store.scan(schema::CODE, &[])? {
        let (key, code) = item?;
        let hash = schema::hash_from(&key)
            .ok_or_else(|| Stop::damaged("a key of the table of codes", alloy_primitives::hex::encode(&key)))?;
        lengths.insert(hash, code.len() as u64);
        waiting.push((hash, code));
        if waiting.len() == CODES {
            check_hashes(&mut waiting, progress)?;
        }
    }
    check_hashes(&mut waiting, progress)?;
    for item in store.scan(schema::FLAT_ACCOUNT, &[])? {
        let (key, value) = item?;
        let account = AccountRecord::from_bytes(&value).map_err(|error| {
            Stop::damaged(format!("account {}", alloy_primitives::hex::encode_prefixed(&key)), error)
        })?;
        if account.code_length > 0 || !account.code_hash.is_zero() {
            let address = alloy_primitives::Address::from_slice(&key);
            let Some(length) = lengths.get(&account.code_hash) else {
                let what = format!("code {} of {address}", account.code_hash);
                return Err(Stop::difference(what, "stored", "missing"));
            };
            same(|| format!("length of the code of {address}"), length, &account.code_length)?;
        }
    }
    Ok(lengths.len() as u64)
}

fn check_hashes(codes: &mut Vec<(B256, Box<[u8]>)>, progress: &Progress) -> Checked {
    let bytes: Vec<&[u8]> = codes.iter().map(|(_, code)| &**code).collect();
    for (hash, (key, _)) in linear_hash_many(&bytes).into_iter().zip(&*codes) {
        same(|| format!("code {key}"), key, &hash.to_b256())?;
    }
    progress.add(codes.len() as u64);
    codes.clear();
    Ok(())
}

/// Pending records are what their key says, and neither included nor ended. Answers pending and ended ones.
pub(super) fn check_pool(store: &Store, progress: &Progress) -> Checked<(u64, u64)> {
    progress.begin("pool", 0);
    let mut pending = 0;
    for item in store.scan(schema::POOL, &[])? {
        let (key, value) = item?;
        let hash = hash_of(&key)?;
        let record: PoolRecord = decode("record", &value).map_err(|error| Stop::damaged(of_pool(&hash), error))?;
        same(|| of_pool(&hash), &hash, &keccak256(&record.raw))?;
        if let Some((block, index)) = store.transaction_position(&hash)? {
            let found = format!("transaction {index} of block {block}");
            return Err(Stop::difference(of_pool(&hash), "not included in a block", found));
        }
        pending += 1;
        progress.add(1);
    }
    let mut ended = 0;
    for item in store.scan(schema::POOL_END, &[])? {
        let (key, value) = item?;
        let hash = hash_of(&key)?;
        decode::<PoolEndRecord>("end state", &value).map_err(|error| Stop::damaged(of_pool(&hash), error))?;
        if store.get(schema::POOL, &key)?.is_some() {
            return Err(Stop::difference(of_pool(&hash), "pending or ended", "both"));
        }
        ended += 1;
        progress.add(1);
    }
    Ok((pending, ended))
}

/// What is not compared with anything is read as a whole: damage shows by its checksum. Explanations belong to batches that there are.
pub(super) fn check_rest(store: &Store, head: &HeadRecord, progress: &Progress) -> Checked<u64> {
    progress.begin("explanations", 0);
    for item in store.scan(schema::META, &[])? {
        item?;
    }
    let mut explanations = 0;
    for item in store.scan(schema::EXPLANATION, &[])? {
        let (key, _) = item?;
        let (batch, _) = schema::parse_pair_key(&key)
            .ok_or_else(|| Stop::damaged("a key of the table of explanations", alloy_primitives::hex::encode(&key)))?;
        // The open batch is the one after the newest closed one.
        if batch > head.closed_batch + 1 {
            let expected = format!("of a batch up to {}", head.closed_batch + 1);
            return Err(Stop::difference("an explanation", expected, format!("of batch {batch}")));
        }
        explanations += 1;
        progress.add(1);
    }
    Ok(explanations)
}

fn of_pool(hash: &B256) -> String {
    format!("pool record {hash}")
}

fn hash_of(key: &[u8]) -> Checked<B256> {
    schema::hash_from(key).ok_or_else(|| Stop::damaged("a key of the pool", alloy_primitives::hex::encode(key)))
}
