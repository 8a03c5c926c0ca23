//! Checking, copying and bringing back databases: a sound one passes, and whatever is damaged is named.

mod common;

use std::path::Path;
use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use common::{accounts, execute, open_block, options};
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::maintenance::{Database, Progress, VerifyReport, restore, snapshot};
use zkevm_engine::seal::BatchClosing;
use zkevm_state_db::records::{PoolRecord, encode};
use zkevm_state_db::{Store, StoreOptions, WriteBatch, schema};

const CACHE_BYTES: usize = 32 << 20;
const BLOCKS: u64 = 6;

fn closing() -> BatchClosing {
    BatchClosing { reason: "Operator".into(), detail_json: "{}".into() }
}

/// Stores its number in as many slots, logs once, and has the code 0x00.
fn deployment(slots: u8) -> Vec<u8> {
    let mut code = Vec::new();
    for slot in 0..slots {
        code.extend([0x60, slot + 1, 0x60, slot, 0x55]);
    }
    code.extend([0x60, 7, 0x60, 0, 0x60, 0, 0xa1]);
    code.extend([0x60, 1, 0x60, 0, 0xf3]);
    code
}

/// Blocks with transfers, deployments with logs, closed batches and an open one, a pending and an ended transaction.
fn extend(engine: &Engine, last: u64) {
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    for block in engine.head_block() + 1..=last {
        open_block(engine, 100 + block);
        let nonce = block - 1;
        let items = [
            a.item(&a.transfer(2 * nonce, Address::repeat_byte(block as u8), block)),
            b.item(&b.sign(nonce, None, 0, 2_000_000, &deployment(20))),
            a.item(&a.transfer(2 * nonce + 1, c.address, 1)),
        ];
        let rows = execute(engine, &items);
        assert!(rows.iter().all(|row| row.result == 0 && row.status == 1), "{rows:?}");
        let closing = closing();
        engine.seal_block(1000 * block, (block % 2 == 0 && block < BLOCKS).then_some(&closing)).unwrap();
    }
}

fn pool_record(raw: &[u8]) -> (B256, PoolRecord) {
    let record =
        PoolRecord { sender: Address::ZERO, nonce: 0, received_at_ms: 1, arrival: 1, raw: raw.to_vec().into() };
    (alloy_primitives::keccak256(raw), record)
}

fn build(path: &Path) {
    let engine = Engine::open(&options(path)).unwrap();
    extend(&engine, BLOCKS);
    let mut batch = WriteBatch::default();
    let (hash, record) = pool_record(b"waiting");
    engine.store().put_pool(&mut batch, &hash, &record).unwrap();
    engine.store().write(batch).unwrap();
}

fn verify_with(path: &Path, cache_bytes: usize) -> VerifyReport {
    Database::open(path, cache_bytes, Arc::new(Progress::default())).unwrap().verify().unwrap()
}

fn verify(path: &Path) -> VerifyReport {
    verify_with(path, CACHE_BYTES)
}

fn raw_store(path: &Path) -> Store {
    let options =
        StoreOptions { path: path.to_path_buf(), block_cache_bytes: 1 << 20, sync_writes: false, creates: false };
    Store::open(&options).unwrap()
}

/// Changes a database; the check must name what was changed. `None` deletes.
struct Damage {
    name: &'static str,
    table: &'static str,
    /// Picks the row: the first one for which this holds.
    picks: fn(&[u8], &[u8]) -> bool,
    change: fn(&[u8], &[u8]) -> Option<Vec<u8>>,
    /// What the report says.
    says: &'static [&'static str],
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a change")]
fn flip_last(_: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let mut value = value.to_vec();
    *value.last_mut().unwrap() ^= 1;
    Some(value)
}

const fn delete(_: &[u8], _: &[u8]) -> Option<Vec<u8>> {
    None
}

const fn any(_: &[u8], _: &[u8]) -> bool {
    true
}

fn is_block_3(key: &[u8], _: &[u8]) -> bool {
    key.starts_with(&3_u64.to_be_bytes())
}

/// A leaf-bearing page well below the root.
fn is_deep_page(key: &[u8], _: &[u8]) -> bool {
    key[0] >= 4
}

#[rustfmt::skip]
const DAMAGES: &[Damage] = &[
    Damage { name: "slot", table: schema::FLAT_STORAGE, picks: |_, value| value[31] == 7, change: flip_last, says: &["storage slot 0x6 of 0x", "0x6 in the flat table"] },
    Damage { name: "account", table: schema::FLAT_ACCOUNT, picks: |_, value| value[47] > 0, change: |_, value| { let mut value = value.to_vec(); value[39] ^= 1; Some(value) }, says: &["balance of 0x"] },
    Damage { name: "nonce", table: schema::FLAT_ACCOUNT, picks: |_, value| value[7] > 1, change: |_, value| { let mut value = value.to_vec(); value[7] ^= 1; Some(value) }, says: &["nonce of 0x"] },
    Damage { name: "short account", table: schema::FLAT_ACCOUNT, picks: any, change: |_, value| Some(value[1..].to_vec()), says: &["account 0x", "79 bytes"] },
    Damage { name: "slot gone", table: schema::FLAT_STORAGE, picks: |_, value| value[31] == 7, change: delete, says: &["leaf with key 0x", "none for"] },
    Damage { name: "page", table: schema::TREE, picks: is_deep_page, change: flip_last, says: &["page 0", "which leads to the ", "hashes to"] },
    Damage { name: "page gone", table: schema::TREE, picks: is_deep_page, change: delete, says: &["page 0", "which leads to the ", "is missing"] },
    Damage { name: "root page", table: schema::TREE, picks: |key, _| key[0] == 0, change: |_, value| { let mut value = value.to_vec(); value[17] ^= 1; Some(value) }, says: &["page"] },
    Damage { name: "block", table: schema::BLOCK, picks: is_block_3, change: flip_last, says: &["block 3"] },
    Damage { name: "block gone", table: schema::BLOCK, picks: is_block_3, change: delete, says: &["block 3", "none"] },
    Damage { name: "block hash", table: schema::BLOCK_BY_HASH, picks: any, change: flip_last, says: &["of the index of block hashes"] },
    Damage { name: "transaction", table: schema::TRANSACTION, picks: is_block_3, change: |_, value| { let mut value = value.to_vec(); value[12] ^= 1; Some(value) }, says: &["transaction 0 of block 3"] },
    Damage { name: "transaction gone", table: schema::TRANSACTION, picks: is_block_3, change: delete, says: &["transaction 0 of block 3", "none"] },
    Damage { name: "receipt gone", table: schema::RECEIPT, picks: is_block_3, change: delete, says: &["receipt 0 of block 3", "none"] },
    Damage { name: "receipt", table: schema::RECEIPT, picks: is_block_3, change: |_, value| { let mut value = value.to_vec(); let at = value.iter().position(|byte| *byte == 1).unwrap() + 1; value[at + 1] = 0x80; Some(value) }, says: &["block 3"] },
    Damage { name: "log", table: schema::LOG, picks: is_block_3, change: |_, value| { let mut value = value.to_vec(); value[10] ^= 1; Some(value) }, says: &["logs bloom of block 3"] },
    Damage { name: "hash index", table: schema::TRANSACTION_BY_HASH, picks: any, change: flip_last, says: &["of the index of transactions"] },
    Damage { name: "L2 hash index", table: schema::TRANSACTION_BY_L2_HASH, picks: any, change: delete, says: &["of the index of L2 transaction hashes", "none"] },
    Damage { name: "batch", table: schema::BATCH, picks: |key, _| key[7] == 2, change: delete, says: &["batch 2", "none"] },
    Damage { name: "batch data", table: schema::BATCH_DATA, picks: |key, _| key[7] == 2, change: |_, value| Some(value[1..].to_vec()), says: &["bytes of batch 2"] },
    Damage { name: "batch data gone", table: schema::BATCH_DATA, picks: |key, _| key[7] == 2, change: delete, says: &["data of block", "in batch 2"] },
    Damage { name: "code", table: schema::CODE, picks: any, change: flip_last, says: &["code 0x"] },
    Damage { name: "code gone", table: schema::CODE, picks: any, change: delete, says: &["code 0x", "missing"] },
    Damage { name: "pool", table: schema::POOL, picks: any, change: flip_last, says: &["pool record 0x"] },
    Damage { name: "change set gone", table: schema::CHANGE_SET, picks: is_block_3, change: delete, says: &["change set of block 3"] },
    Damage { name: "previous value gone", table: schema::HISTORY_STORAGE, picks: any, change: delete, says: &["storage slot 0x", "before block"] },
    Damage { name: "previous account gone", table: schema::HISTORY_ACCOUNT, picks: any, change: delete, says: &["account 0x", "before block"] },
    Damage { name: "head", table: schema::META, picks: |key, _| key == b"head", change: flip_last, says: &["depth of the state tree"] },
];

fn damage(path: &Path, damage: &Damage) {
    let store = raw_store(path);
    let rows: Vec<_> = store.scan(damage.table, &[]).unwrap().map(Result::unwrap).collect();
    let (key, value) = rows.iter().find(|(key, value)| (damage.picks)(key, value)).expect("there is such a row");
    let mut batch = WriteBatch::default();
    match (damage.change)(key, value) {
        Some(changed) => store.put(&mut batch, damage.table, key, &changed).unwrap(),
        None => store.delete(&mut batch, damage.table, key).unwrap(),
    }
    store.write(batch).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_sound_database_passes_whatever_memory_the_check_has() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    build(&path);
    let report = verify(&path);
    assert!(report.ok, "{report:?}");
    let checked = &report.checked;
    assert_eq!((checked.blocks, checked.transactions, checked.logs), (BLOCKS + 1, 3 * BLOCKS, BLOCKS));
    assert_eq!((checked.batches, checked.codes, checked.pool_pending), (4, 1, 1));
    assert!(checked.leaves > 20 * BLOCKS && checked.previous_values > 20 * BLOCKS && checked.pages > 1, "{checked:?}");
    // In so little memory the tree is compared in many parts.
    let in_parts = verify_with(&path, 4096);
    assert!(in_parts.ok, "{in_parts:?}");
    assert_eq!(in_parts.checked.leaves, checked.leaves);
}

#[test]
fn whatever_is_damaged_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sound = dir.path().join("sound");
    build(&sound);
    for case in DAMAGES {
        let path = dir.path().join("damaged");
        copy(&sound, &path);
        damage(&path, case);
        let is_state = [schema::FLAT_ACCOUNT, schema::FLAT_STORAGE, schema::TREE].contains(&case.table);
        // The state is also compared in parts.
        let memories: &[usize] = if is_state { &[CACHE_BYTES, 4096] } else { &[CACHE_BYTES] };
        for &cache_bytes in memories {
            let report = verify_with(&path, cache_bytes);
            let text = format!("{:?}", report.difference);
            assert!(!report.ok, "{}: nothing was found", case.name);
            for words in case.says {
                assert!(text.contains(words), "{}: {text} does not say {words:?}", case.name);
            }
        }
        std::fs::remove_dir_all(&path).unwrap();
    }
}

/// Rows that nothing asks for are found too.
#[test]
fn whatever_is_too_much_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sound = dir.path().join("sound");
    build(&sound);
    let (hash, record) = pool_record(b"waiting");
    let included = raw_store(&sound).transaction(1, 0).unwrap().unwrap().0;
    let in_block = pool_record(&included.raw);
    let zero = 0_u64.to_be_bytes();
    let cases: Vec<(&str, Vec<u8>, Vec<u8>, &str)> = vec![
        (schema::FLAT_STORAGE, vec![5; 52], U256::from(9).to_be_bytes::<32>().to_vec(), "storage slot 0x5050505"),
        (schema::FLAT_STORAGE, vec![5; 52], vec![0; 32], "storage slot 0x5050505"),
        (schema::FLAT_ACCOUNT, vec![5; 20], [vec![0; 7], vec![1], vec![0; 72]].concat(), "nonce of 0x0505050"),
        (schema::TREE, vec![8, 0xff], vec![0; 17], "pages of the state tree"),
        (schema::BLOCK, 99_u64.to_be_bytes().to_vec(), vec![1], "of table block"),
        (schema::LOG, schema::indexed_key(3, 77).to_vec(), vec![1], "of table log"),
        (schema::RECEIPT, schema::indexed_key(3, 77).to_vec(), vec![1], "of table receipt"),
        (schema::BLOCK_BY_HASH, vec![5; 32], zero.to_vec(), "entry 0x0505"),
        (schema::TRANSACTION_BY_HASH, vec![5; 32], schema::indexed_key(1, 0).to_vec(), "entry 0x0505"),
        (schema::TRANSACTION_BY_L2_HASH, vec![5; 32], schema::indexed_key(1, 0).to_vec(), "entry 0x0505"),
        (schema::BATCH, 9_u64.to_be_bytes().to_vec(), vec![1], "batches"),
        (schema::BATCH_DATA, schema::pair_key(9, 9).to_vec(), vec![1], "pieces of batch data"),
        (schema::CODE, vec![5; 32], vec![1], "code 0x0505"),
        (schema::HISTORY_STORAGE, vec![5; 60], vec![0; 32], "previous values of slots"),
        (schema::CHANGE_SET, 99_u64.to_be_bytes().to_vec(), vec![1], "change sets"),
        (schema::POOL, in_block.0.to_vec(), encode(&in_block.1), "pool record 0x"),
        (schema::POOL, vec![5; 32], encode(&record), "pool record 0x0505"),
        (schema::POOL_END, hash.to_vec(), vec![9], "pool record 0x"),
    ];
    for (table, key, value, says) in cases {
        let path = dir.path().join("damaged");
        copy(&sound, &path);
        {
            let store = raw_store(&path);
            let mut batch = WriteBatch::default();
            store.put(&mut batch, table, &key, &value).unwrap();
            store.write(batch).unwrap();
        }
        let report = verify(&path);
        let text = format!("{:?}", report.difference);
        assert!(!report.ok && text.contains(says), "{table}: {text} does not say {says:?}");
        std::fs::remove_dir_all(&path).unwrap();
    }
}

#[test]
fn a_flipped_bit_on_the_disk_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    build(&path);
    Database::open(&path, CACHE_BYTES, Arc::default()).unwrap().compact().unwrap();
    let tables = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Vec<_> = tables.filter(|path| path.extension().is_some_and(|name| name == "sst")).collect();
    tables.sort();
    assert!(tables.len() > 10);
    for table in tables {
        let sound = std::fs::read(&table).unwrap();
        let mut bytes = sound.clone();
        bytes[3] ^= 4;
        std::fs::write(&table, bytes).unwrap();
        let opened = Database::open(&path, CACHE_BYTES, Arc::default());
        let is_found = match opened {
            Ok(database) => !database.verify().unwrap().ok,
            // The damage may already keep it from being opened.
            Err(error) => error.code() == "STATE_DB_CORRUPT",
        };
        assert!(is_found, "damage in {} is not found", table.display());
        std::fs::write(&table, sound).unwrap();
    }
    assert!(verify(&path).ok);
}

#[test]
fn sizes_are_those_of_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path());
    let checked = verify(dir.path()).checked;
    let stats = Database::open(dir.path(), CACHE_BYTES, Arc::default()).unwrap().stats().unwrap();
    assert_eq!((stats.head_block, stats.blocks, stats.batches), (BLOCKS, BLOCKS + 1, 4));
    assert_eq!((stats.transactions, stats.pool_pending, stats.pool_ended), (3 * BLOCKS, 1, 0));
    assert_eq!((stats.leaves, stats.state_root), (checked.leaves, checked.state_root));
    assert!(stats.tree_depth >= checked.leaf_depth_max);
    assert_eq!(stats.families.len(), schema::ALL.len());
}

#[test]
fn pruning_by_hand_leaves_what_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    build(dir.path());
    let database = Database::open(dir.path(), CACHE_BYTES, Arc::default()).unwrap();
    let report = database.prune(2).unwrap();
    assert_eq!((report.oldest_state, report.head_block), (BLOCKS - 2, BLOCKS));
    assert!(report.removed > 60, "{report:?}");
    assert_eq!(database.prune(2).unwrap().removed, 0);
    assert_eq!(database.prune(100).unwrap().oldest_state, BLOCKS - 2, "what is gone does not come back");
    drop(database);
    assert!(verify(dir.path()).ok);
    let engine = Engine::open(&options(dir.path())).unwrap();
    assert_eq!(engine.account_at(&Address::repeat_byte(1), 3).unwrap_err().code(), "STATE_PRUNED");
    assert_eq!(engine.account_at(&Address::repeat_byte(1), 4).unwrap().balance, U256::from(1));
    assert_eq!(engine.account_at(&Address::repeat_byte(5), 4).unwrap().balance, U256::ZERO);
}

#[test]
fn a_snapshot_of_a_running_chain_is_brought_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy, back) = (dir.path().join("db"), dir.path().join("copy"), dir.path().join("back"));
    let progress = Arc::default();
    let engine = Engine::open(&options(&path)).unwrap();
    extend(&engine, 3);
    let taken = snapshot(engine.store(), &copy).unwrap();
    assert_eq!((taken.block, taken.state_root), (3, engine.chain().head.state_root));
    assert_eq!(snapshot(engine.store(), &copy).unwrap_err().code(), "SNAPSHOT_EXISTS");
    extend(&engine, BLOCKS);
    let restored = restore(&copy, &back, CACHE_BYTES, &progress).unwrap();
    assert!(restored.verified.ok, "{restored:?}");
    assert_eq!(restored.block, 3);
    assert_eq!(restore(&copy, &back, CACHE_BYTES, &progress).unwrap_err().code(), "SNAPSHOT_EXISTS");
    // The same chain goes on from there, to the same end.
    let other = Engine::open(&EngineOptions { ..options(&back) }).unwrap();
    assert_eq!(other.chain().head.block_hash, taken.block_hash);
    extend(&other, BLOCKS);
    assert_eq!(other.chain().head, engine.chain().head);
}

#[test]
fn what_is_no_sound_snapshot_is_not_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    let (path, taken, back) = (dir.path().join("db"), dir.path().join("copy"), dir.path().join("back"));
    build(&path);
    let database = Database::open(&path, CACHE_BYTES, Arc::default()).unwrap();
    database.compact().unwrap();
    database.snapshot(&taken).unwrap();
    let refused = |from: &Path| restore(from, &back, CACHE_BYTES, &Arc::default()).unwrap_err().code();
    assert_eq!(refused(dir.path()), "SNAPSHOT_INVALID", "no snapshot at all");
    // A file that is shorter than it was.
    let files = std::fs::read_dir(&taken).unwrap().map(|entry| entry.unwrap().path());
    let largest = files.filter(|path| path.extension().is_some_and(|name| name == "sst"));
    let largest = largest.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let sound = std::fs::read(&largest).unwrap();
    // The file is shared with the database: it gets its own copy to be damaged.
    std::fs::remove_file(&largest).unwrap();
    std::fs::write(&largest, &sound[1..]).unwrap();
    assert_eq!(refused(&taken), "SNAPSHOT_INVALID");
    // A flipped bit.
    let mut bytes = sound.clone();
    bytes[3] ^= 1;
    std::fs::write(&largest, bytes).unwrap();
    let report = restore(&taken, &back, CACHE_BYTES, &Arc::default()).unwrap();
    assert!(!report.verified.ok, "{report:?}");
    assert!(!back.exists(), "nothing takes the place");
    assert!(std::fs::read_dir(dir.path()).unwrap().count() == 2, "and nothing is left");
    std::fs::write(&largest, &sound).unwrap();
    assert!(restore(&taken, &back, CACHE_BYTES, &Arc::default()).unwrap().verified.ok);
    assert!(verify(&back).ok);
}

#[test]
fn a_database_in_use_and_a_missing_one_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let refused = || Database::open(&path, CACHE_BYTES, Arc::default()).unwrap_err().code();
    assert_eq!(refused(), "DATA_DIR_MISSING");
    let _engine = Engine::open(&options(&path)).unwrap();
    assert_eq!(refused(), "DATA_DIR_LOCKED");
}
