//! What a differing batch leaves on disk: all that is needed to look into it elsewhere.
//!
//! `batch-NUMBER/report.json` says what differs; `batch-NUMBER/batch.json` is the batch with its witness and the results that the database
//! states, in the format of the public vectors, for the conformance runner.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::hex;
use serde_json::{Value, json};

use super::{Mismatch, StoredBatch};
use crate::engine::Engine;

/// Changed keys that are taken back at most to rebuild the tree before the batch: verification is not far behind the head.
pub(super) const CHANGES_MAX: usize = 2_000_000;

/// Writes the bundle of a batch into a folder of its own, over an older one of the same batch; answers the folder.
pub(super) fn write(
    engine: &Engine,
    directory: &Path,
    stored: &StoredBatch,
    mismatch: &Mismatch,
) -> io::Result<PathBuf> {
    let folder = directory.join(format!("batch-{}", stored.record.number));
    fs::create_dir_all(&folder)?;
    // Damaged values may have no witness: the report then says so, and has the bytes of the batch all the same.
    let witness = engine.batch_witness(stored.record.number, CHANGES_MAX).and_then(|witness| witness.vector_json());
    let failure = match witness {
        Ok(vector) => {
            replace(&folder.join("batch.json"), vector.as_bytes())?;
            None
        }
        Err(error) => Some(error.to_string()),
    };
    let mut report = serde_json::to_vec_pretty(&report(engine, stored, mismatch, failure.as_deref()))?;
    report.push(b'\n');
    replace(&folder.join("report.json"), &report)?;
    Ok(folder)
}

/// Writes a file so that a kill leaves the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, bytes)?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(new, path)
}

fn report(engine: &Engine, stored: &StoredBatch, mismatch: &Mismatch, witness_failure: Option<&str>) -> Value {
    let StoredBatch { record, data, blocks, parent, depths, .. } = stored;
    let config = engine.config();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "unixSeconds": now,
        "mismatch": mismatch,
        "text": mismatch.to_string(),
        "witness": witness_failure.map_or_else(|| "batch.json".to_owned(), |why| format!("none: {why}")),
        "chain": {
            "chainId": config.chain_id,
            "forkId": record.fork_id,
            "genesisRoot": config.genesis_root,
            "sequencer": config.sequencer,
        },
        "batch": {
            "number": record.number,
            "kind": record.kind,
            "coinbase": record.coinbase,
            "oldStateRoot": parent.state_root,
            "stateRoot": record.state_root,
            "localExitRoot": record.local_exit_root,
            "globalExitRoot": record.global_exit_root,
            "timestamp": record.timestamp,
            "blocks": blocks.iter().map(|block| block.number).collect::<Vec<_>>(),
            "txCount": record.tx_count,
            "used": record.used,
            "high": record.high,
            "limits": engine.hard_limits().0,
            "treeDepths": depths,
            "romError": record.rom_error,
            "closingReason": record.closing_reason,
            "batchL2Data": hex::encode_prefixed(data),
        },
    })
}
