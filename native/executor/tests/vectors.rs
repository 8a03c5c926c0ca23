//! The public vectors: every field of every file that runs in seconds.

use flate2::read::MultiGzDecoder;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use zkevm_executor::vectors::{parse, run_vector};

/// The folder of the vectors; none, said loudly, when it is not there.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("ZKEVM_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: the vectors are not at {} (set ZKEVM_VECTORS)", folder.display());
    None
}

fn check(documents: impl Iterator<Item = String>, file: &str) {
    let mut count = 0;
    for document in documents {
        for mut vector in parse(&document).unwrap_or_else(|error| panic!("{file}: {error}")) {
            if vector.name.starts_with('#') {
                vector.name = format!("{file}{}", vector.name);
            }
            let report = run_vector(vector);
            assert!(report.passes(), "{report:#?}");
            count += 1;
        }
    }
    assert!(count > 0, "{file} holds no vector");
}

fn check_lines(file: &str) {
    let Some(folder) = folder() else { return };
    let path = folder.join("fork9").join(file);
    let input = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = BufReader::new(MultiGzDecoder::new(input)).lines();
    check(lines.map(|line| line.expect("readable")), file);
}

fn check_document(file: &str) {
    let Some(folder) = folder() else { return };
    let path = folder.join("fork13").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    check(std::iter::once(text), file);
}

#[test]
fn hand_made_batches() {
    check_lines("calldata.jsonl.gz");
    check_lines("no-data.jsonl.gz");
}

#[test]
fn malformed_and_forced_batches() {
    check_lines("rlp-error.jsonl.gz");
    check_lines("special-inputs-ignore.jsonl.gz");
}

#[test]
fn ethereum_state_tests() {
    for file in ["stSStoreTest", "stCreateTest", "stRefundTest", "stStaticCall", "stRevertTest", "stZeroKnowledge2"] {
        check_lines(&format!("{file}.jsonl.gz"));
    }
}

#[test]
fn fork_13() {
    for file in [
        "block-info-fork13.json",
        "selfdestruct-fork13.json",
        "state-transition-processor-forkid13.json",
        "state-transition-zkevmdb-fork13.json",
    ] {
        check_document(file);
    }
}
