//! Taking the chain back: what is left is a chain that never went further, and it can be gone on from in the same way.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256, U256, keccak256};
use common::{accounts, execute, open_block, options};
use zkevm_engine::block_id::BlockId;
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::maintenance::{Database, Progress};
use zkevm_engine::rollback::RollbackReport;
use zkevm_engine::seal::BatchClosing;
use zkevm_engine::verify::VerifyOptions;
use zkevm_engine::{EngineResult, explanations, layout::pack_list};
use zkevm_state_db::failpoint::{self, Failure};
use zkevm_state_db::records::PoolRecord;
use zkevm_state_db::{Store, StoreOptions, WriteBatch, schema};

/// Blocks of a batch, and of the chain: the last one is in an open batch.
const BATCH_BLOCKS: u64 = 2;
const BLOCKS: u64 = 9;
const CLOSED: u64 = BLOCKS / BATCH_BLOCKS;

/// Failing writes are planned for the whole process: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores the first word of its input in slot 0, and logs once.
fn cell() -> Vec<u8> {
    let runtime = [0x60, 0, 0x35, 0x60, 0, 0x55, 0x60, 7, 0x60, 0, 0x60, 0, 0xa1];
    let mut code = vec![0x60 + runtime.len() as u8 - 1];
    code.extend(runtime);
    code.extend([0x60, 0, 0x52, 0x60, runtime.len() as u8, 0x60, 32 - runtime.len() as u8, 0xf3]);
    code
}

/// A block: money to a new account, a contract, and a value for the cell that block 1 deployed; every third one is zero again.
fn items(block: u64) -> Vec<Vec<u8>> {
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    let cell_at = b.address.create(0);
    let value = if block.is_multiple_of(3) { 0 } else { block };
    vec![
        b.item(&b.sign(block - 1, None, 0, 2_000_000, &cell())),
        a.item(&a.transfer(2 * (block - 1), Address::repeat_byte(block as u8), block)),
        a.item(&a.transfer(2 * (block - 1) + 1, c.address, 1)),
        c.item(&c.sign(block - 1, Some(cell_at), 0, 200_000, &U256::from(value).to_be_bytes::<32>())),
    ]
}

/// Makes the blocks up to `last`; answers the hash and root of each.
fn extend(engine: &Engine, last: u64) -> Vec<(B256, B256)> {
    (engine.head_block() + 1..=last)
        .map(|block| {
            open_block(engine, 100 + block);
            let rows = execute(engine, &items(block));
            assert!(rows.iter().all(|row| row.result == 0 && row.status == 1), "{rows:?}");
            let closing = BatchClosing { reason: "Operator".into(), detail_json: "{}".into() };
            let sealed =
                engine.seal_block(1000 * block, block.is_multiple_of(BATCH_BLOCKS).then_some(&closing)).unwrap();
            (sealed.hash, sealed.state_root)
        })
        .collect()
}

fn put_pending(store: &Store, arrival: u64) -> B256 {
    let raw = format!("waiting {arrival}").into_bytes();
    let hash = keccak256(&raw);
    let record = PoolRecord { sender: Address::ZERO, nonce: 0, received_at_ms: 1, arrival, raw: raw.into() };
    let mut batch = WriteBatch::default();
    store.put_pool(&mut batch, &hash, &record).unwrap();
    store.write(batch).unwrap();
    hash
}

/// What was explained about every batch so far, the open one included.
fn explain(engine: &Engine) {
    let put = |batch: u64| [&[0][..], &batch.to_le_bytes(), &0_u64.to_le_bytes(), b"explained"].concat();
    let operations: Vec<Vec<u8>> = (1..=engine.chain().head.closed_batch).map(put).collect();
    explanations::write(engine.store(), &pack_list(&operations)).unwrap();
}

/// A chain up to `last`, everything of it checked.
fn build(path: &Path, last: u64) -> Vec<(B256, B256)> {
    let engine = Engine::open(&options(path)).unwrap();
    let blocks = extend(&engine, last);
    explain(&engine);
    engine.store().set_checked_batch(engine.chain().head.closed_batch).unwrap();
    engine.close().unwrap();
    blocks
}

/// A copy of a closed database: faster than making the chain again.
fn copy(of: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(of).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn database(path: &Path) -> Database {
    Database::open(path, 32 << 20, Arc::new(Progress::default())).unwrap()
}

fn rollback(path: &Path, to_batch: u64) -> EngineResult<RollbackReport> {
    database(path).rollback(to_batch)
}

fn assert_sound(path: &Path) {
    let report = database(path).verify().unwrap();
    assert!(report.ok, "{:?}", report.difference);
}

type Tables = BTreeMap<&'static str, Vec<(Box<[u8]>, Box<[u8]>)>>;

/// Every row of the database; without the pool, where removed transactions are, and the codes that they deployed.
fn tables(path: &Path) -> Tables {
    let options =
        StoreOptions { path: path.to_path_buf(), block_cache_bytes: 1 << 20, sync_writes: false, creates: false };
    let store = Store::open(&options).unwrap();
    let compared = schema::ALL.iter().filter(|name| ![schema::POOL, schema::POOL_END, schema::CODE].contains(name));
    compared.map(|name| (*name, store.scan(name, &[]).unwrap().map(Result::unwrap).collect())).collect()
}

fn pool(path: &Path) -> Vec<(B256, PoolRecord)> {
    let mut page = database(path).store().pool_page(&[], 1000).unwrap();
    page.sort_by_key(|(_, record)| record.arrival);
    page
}

fn raws(blocks: std::ops::RangeInclusive<u64>) -> Vec<Vec<u8>> {
    blocks.flat_map(items).map(|item| item[21..].to_vec()).collect()
}

#[test]
fn what_is_left_is_a_chain_that_never_went_further_and_it_goes_on_the_same() {
    let _alone = alone();
    let whole = tempfile::tempdir().unwrap();
    let blocks = build(whole.path(), BLOCKS);
    for to_batch in 0..=CLOSED {
        let (folder, other) = (copy(whole.path()), tempfile::tempdir().unwrap());
        let (path, last) = (folder.path(), to_batch * BATCH_BLOCKS);
        build(other.path(), last);
        let report = rollback(path, to_batch).unwrap();
        let (hash, root) = last.checked_sub(1).map_or((report.block_hash, report.state_root), |at| blocks[at as usize]);
        let removed_blocks = BLOCKS - last;
        assert_eq!(
            report,
            RollbackReport {
                batch: to_batch,
                head_block: last,
                block_hash: hash,
                state_root: root,
                removed_batches: CLOSED + 1 - to_batch,
                removed_blocks,
                pending_again: 4 * removed_blocks,
            }
        );
        assert_sound(path);
        for ((name, rows), (_, expected)) in tables(path).into_iter().zip(tables(other.path())) {
            assert_eq!(rows, expected, "table {name} after going back to batch {to_batch}");
        }
        let pending = pool(path);
        assert_eq!(pending.iter().map(|(_, record)| record.raw.to_vec()).collect::<Vec<_>>(), raws(last + 1..=BLOCKS));
        for (hash, record) in &pending {
            assert_eq!(keccak256(&record.raw), *hash);
        }
        let engine = Engine::open(&options(path)).unwrap();
        assert_eq!(extend(&engine, BLOCKS), blocks[last as usize..], "the same blocks again");
        drop(engine);
        assert_sound(path);
        assert_eq!(pool(path), [], "included again");
    }
}

#[test]
fn removed_transactions_rank_before_those_that_wait() {
    let _alone = alone();
    for arrivals in [[0, 1], [7, 1000], [1000, 1001]] {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), BLOCKS);
        let waiting = arrivals.map(|arrival| put_pending(database(folder.path()).store(), arrival));
        rollback(folder.path(), 1).unwrap();
        assert_sound(folder.path());
        let pending = pool(folder.path());
        let ranks: Vec<u64> = pending.iter().map(|(_, record)| record.arrival).collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
        let (again, after) = pending.split_at(pending.len() - 2);
        assert_eq!(again.iter().map(|(_, record)| record.raw.to_vec()).collect::<Vec<_>>(), raws(3..=BLOCKS));
        assert_eq!(after.iter().map(|(hash, _)| *hash).collect::<Vec<_>>(), waiting);
        let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
        let first: Vec<(Address, u64, u64)> =
            again[..4].iter().map(|(_, record)| (record.sender, record.nonce, record.received_at_ms)).collect();
        let at = 103_000;
        assert_eq!(first, [(b.address, 2, at), (a.address, 4, at), (a.address, 5, at), (c.address, 2, at)]);
    }
}

/// A write that fails is one at which the process could have ended: before it, or after it and before anybody knew.
#[test]
fn whatever_write_it_ends_with_the_database_is_sound_and_the_rest_can_be_done() {
    let _alone = alone();
    let reference = tempfile::tempdir().unwrap();
    build(reference.path(), BATCH_BLOCKS);
    let expected = tables(reference.path());
    let whole = tempfile::tempdir().unwrap();
    build(whole.path(), BLOCKS);
    put_pending(database(whole.path()).store(), 3);
    let mut failures = 0;
    for failure in [Failure::Before, Failure::After] {
        for successes in 0.. {
            let folder = copy(whole.path());
            let path = folder.path();
            failpoint::arm(successes, failure);
            let outcome = rollback(path, 1);
            failpoint::disarm();
            let is_done = outcome.is_ok();
            assert_sound(path);
            failures += u64::from(!is_done);
            rollback(path, 1).unwrap();
            assert_sound(path);
            assert_eq!(tables(path), expected, "write {successes} failed, {failure:?}");
            assert_eq!(pool(path).len() as u64, 4 * (BLOCKS - BATCH_BLOCKS) + 1);
            if is_done {
                break;
            }
        }
    }
    // Room in the order of arrival, and the batches 5 to 2.
    assert_eq!(failures, 2 * 5);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_changes() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    {
        let engine = Engine::open(&EngineOptions { history_blocks: Some(4), ..options(path) }).unwrap();
        extend(&engine, BLOCKS);
    }
    let before = tables(path);
    for (to_batch, says) in [
        (CLOSED + 1, "batch 5 is not closed: the newest closed one is 4"),
        (2, "the state of block 4, with which batch 2 ends, is pruned: 5 is the oldest that is kept"),
    ] {
        let error = rollback(path, to_batch).unwrap_err();
        assert_eq!(error.code(), "ROLLBACK_REFUSED");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(tables(path), before);
    }
    rollback(path, 3).unwrap();
    assert_sound(path);
}

/// What verification keeps is enough: batches that are not verified can be taken back although no history is kept.
#[test]
fn unverified_batches_can_go_without_any_history_and_the_state_is_readable() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let none = EngineOptions { history_blocks: Some(0), ..options(path) };
    {
        let engine = Engine::open(&none).unwrap();
        assert_eq!(engine.begin_verification(100).unwrap(), 0);
        extend(&engine, BLOCKS);
    }
    rollback(path, 2).unwrap();
    assert_sound(path);
    let engine = Engine::open(&none).unwrap();
    let fifth = Address::repeat_byte(5);
    assert_eq!(engine.account_in(&fifth, BlockId::Number(4)).unwrap().balance, U256::ZERO);
    assert_eq!(engine.account_in(&Address::repeat_byte(4), BlockId::Number(4)).unwrap().balance, U256::from(4));
    extend(&engine, 6);
    assert_eq!(engine.account_in(&fifth, BlockId::Latest).unwrap().balance, U256::from(5));
}

fn verify_after(engine: &Engine, checked: u64) {
    for batch in checked + 1..=CLOSED {
        let check =
            engine.verify_batch(batch, &VerifyOptions { recompute_root: true, bundle_directory: None }).unwrap();
        assert_eq!(check.mismatch, None, "batch {batch}");
    }
}

/// On an open engine: with a block and a sealed one ahead of the disk, batch after batch, and going on at once.
#[test]
fn an_open_engine_goes_back_and_on_the_same() {
    let _alone = alone();
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let blocks = build(other.path(), BLOCKS);
    let engine = Engine::open(&options(folder.path())).unwrap();
    assert_eq!(extend(&engine, BLOCKS), blocks);
    assert_eq!(engine.begin_verification(100).unwrap(), 0);
    verify_after(&engine, 0);
    open_block(&engine, 200);
    assert_eq!(engine.rollback(2).unwrap_err().code(), "ENGINE_BUSY");
    engine.discard_block();
    assert_eq!(engine.rollback(CLOSED + 1).unwrap_err().code(), "ROLLBACK_REFUSED");
    assert_eq!(engine.head_block(), BLOCKS);
    for to_batch in [CLOSED, 3, 1, 1, 0] {
        let last = to_batch * BATCH_BLOCKS;
        let report = engine.rollback(to_batch).unwrap();
        assert_eq!((report.batch, report.head_block), (to_batch, last));
        let chain = engine.sealed_chain();
        assert_eq!((chain.head.block, chain.head.closed_batch, chain.batch.number), (last, to_batch, to_batch + 1));
        assert_eq!((chain.batch.block_count, chain.batch.first_block), (0, last + 1));
        let money =
            |block: u64| engine.account_in(&Address::repeat_byte(block as u8), BlockId::Latest).unwrap().balance;
        assert_eq!(money(last + 1), U256::ZERO);
        assert_eq!(engine.pending_account(&accounts()[0].address).unwrap().nonce, 2 * last);
        assert_eq!(extend(&engine, BLOCKS), blocks[last as usize..], "from batch {to_batch} on");
        assert_eq!(money(BLOCKS), U256::from(BLOCKS));
        assert_eq!(engine.begin_verification(100).unwrap(), to_batch, "what is new is not verified");
        verify_after(&engine, to_batch);
    }
    engine.close().unwrap();
    drop(engine);
    assert_sound(folder.path());
}

/// A write that fails in the middle leaves an engine that agrees with its database.
#[test]
fn an_open_engine_whose_rollback_fails_is_where_the_last_step_left_it() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(folder.path())).unwrap();
    extend(&engine, BLOCKS);
    failpoint::arm(2, Failure::Before);
    let error = engine.rollback(1).unwrap_err();
    failpoint::disarm();
    assert_eq!(error.code(), "STATE_DB_IO");
    let head = engine.chain().head;
    assert_eq!((head.block, head.closed_batch), (6, 3), "batches 5 and 4 are gone");
    assert_eq!(engine.account_in(&Address::repeat_byte(7), BlockId::Latest).unwrap().balance, U256::ZERO);
    assert_eq!(engine.rollback(1).unwrap_err().code(), "STATE_DB_POISONED");
    drop(engine);
    assert_sound(folder.path());
    let engine = Engine::open(&options(folder.path())).unwrap();
    assert_eq!(engine.head_block(), 6);
    engine.rollback(1).unwrap();
    assert_eq!(engine.head_block(), 2);
}
