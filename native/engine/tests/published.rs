//! What is durable and not published: reads see nothing of it, and from one moment on all of it.

mod common;

use alloy_primitives::{Address, B256, U256};
use common::{Account, accounts, execute, open_block, options};
use zkevm_engine::block_id::BlockId;
use zkevm_engine::call::CallRequest;
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::seal::{BatchClosing, SealedBlock};
use zkevm_engine::trace::TraceOptions;
use zkevm_engine::views::RawPart;

/// Slot 0 of the contract that the first block deploys counts its calls.
const COUNTER: [u8; 9] = [0x60, 1, 0x60, 0, 0x54, 0x01, 0x60, 0, 0x55];

fn closing() -> BatchClosing {
    BatchClosing { reason: "Operator".into(), detail_json: "{}".into() }
}

fn init() -> Vec<u8> {
    let length = COUNTER.len() as u8;
    [&[0x60, length, 0x60, 12, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xf3][..], &COUNTER].concat()
}

fn sealed(engine: &Engine, from: &Account, raw: &[u8], time: u64, closes: bool) -> SealedBlock {
    open_block(engine, time);
    let rows = execute(engine, &[from.item(raw)]);
    assert_eq!((rows[0].result, rows[0].status), (0, 1));
    engine.finish_block(time * 1000, closes.then_some(&closing())).unwrap()
}

/// Everything that reads tell of the newest state and of one block.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    newest: u64,
    closed_batch: u64,
    nonce: u64,
    balance: U256,
    counter: U256,
    known: Vec<bool>,
    roots: String,
    logs: String,
    batch: Option<String>,
    data: Option<Vec<u8>>,
    proven: String,
    called: String,
}

fn seen(engine: &Engine, a: &Account, contract: Address, block: &SealedBlock) -> Seen {
    let tx: &B256 = &block.tx_hashes[0];
    let account = engine.account_in(&a.address, BlockId::Latest).unwrap();
    let config_json = r#"{"form":"debug","options":{}}"#.to_owned();
    let trace = TraceOptions { config_json, timeout_ms: 60_000, limit_bytes: 1 << 20 };
    let call = CallRequest { to: Some(contract), ..CallRequest::default() };
    let range = format!(r#"{{"fromBlock":0,"toBlock":{}}}"#, block.number);
    let proof: serde_json::Value =
        serde_json::from_str(&engine.proof_json(&a.address, &[], BlockId::Latest, 1000).unwrap()).unwrap();
    Seen {
        newest: engine.published_block(),
        closed_batch: engine.published_chain().head.closed_batch,
        nonce: account.nonce,
        balance: account.balance,
        counter: engine.storage_in(&contract, &U256::ZERO, BlockId::Latest).unwrap(),
        known: vec![
            engine.receipt_json(tx).unwrap().is_some(),
            engine.transaction_json(tx).unwrap().is_some(),
            engine.raw_transaction(tx).unwrap().is_some(),
            engine.transaction_by_index_json(block.number, 0).unwrap().is_some(),
            engine.block_json(block.number, true, false).unwrap().is_some(),
            engine.block_receipts_json(block.number).unwrap().is_some(),
            engine.block_number_by_hash(&block.hash).unwrap().is_some(),
            engine.batch_number_by_block(block.number).unwrap().is_some(),
            engine.block_logs_json(block.number).is_ok(),
            engine.account_in(&a.address, BlockId::Number(block.number)).is_ok(),
            engine.storage_in(&contract, &U256::ZERO, BlockId::Number(block.number)).is_ok(),
            engine.call(&call, BlockId::Number(block.number)).is_ok(),
            engine.proof_json(&a.address, &[], BlockId::Number(block.number), 1000).is_ok(),
            engine.trace_transaction(tx, &trace).unwrap().is_some(),
            engine.raw_block_json(block.number, RawPart::Block).unwrap().is_some(),
            engine.trace_blocks(block.number, block.number, &trace).unwrap().is_some(),
        ],
        roots: engine.state_roots_json(0, block.number).unwrap(),
        logs: engine.logs_json(&range, 100).unwrap(),
        batch: engine.batch_json(block.batch, false).unwrap(),
        data: engine.batch_data(block.batch).unwrap(),
        proven: proof["blockNumber"].to_string(),
        called: format!("{:?}", engine.call(&call, BlockId::Latest).unwrap()),
    }
}

#[test]
fn reads_see_a_durable_block_from_its_publication_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, ..] = &accounts()[..] else { panic!("four accounts") };
    let contract = a.address.create(0);
    sealed(&engine, a, &a.sign(0, None, 0, 200_000, &init()), 100, false);
    engine.commit_sealed(u64::MAX).unwrap();
    assert_eq!(engine.published_block(), 1, "as long as nobody publishes, what is durable is published");
    engine.publish();

    // The second block leaves its batch open, the third closes it, the fourth begins the next one.
    for (nonce, closes) in [(1, false), (2, true), (3, false)] {
        let raw = a.sign(nonce, Some(contract), 7, 100_000, &[]);
        let block = sealed(&engine, a, &raw, 100 + nonce, closes);
        let before = seen(&engine, a, contract, &block);
        assert_eq!((before.newest, before.nonce, before.counter), (nonce, nonce, U256::from(nonce - 1)));
        assert!(before.known.iter().all(|known| !known), "{:?}", before.known);
        engine.commit_sealed(u64::MAX).unwrap();
        assert_eq!(engine.head_block(), nonce + 1, "it is durable");
        assert_eq!(seen(&engine, a, contract, &block), before, "and not told of");
        // The open block is built on it in any case.
        assert_eq!(engine.account_in(&a.address, BlockId::Pending).unwrap().nonce, nonce + 1);
        assert_eq!(engine.storage_in(&contract, &U256::ZERO, BlockId::Pending).unwrap(), U256::from(nonce));
        let pending = CallRequest { to: Some(contract), ..CallRequest::default() };
        engine.call(&pending, BlockId::Pending).unwrap();

        engine.publish();
        let after = seen(&engine, a, contract, &block);
        assert_eq!((after.newest, after.nonce, after.counter), (nonce + 1, nonce + 1, U256::from(nonce)));
        assert!(after.known.iter().all(|known| *known), "{:?}", after.known);
        assert_eq!(after.closed_batch, u64::from(nonce >= 2));
        assert_eq!(after.balance, engine.account_at(&a.address, nonce + 1).unwrap().balance);
        assert_ne!(after.data, before.data);
    }
}

#[test]
fn the_closing_of_a_batch_is_told_when_it_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    engine.publish();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    sealed(&engine, a, &a.transfer(0, b.address, 5), 100, false);
    engine.commit_sealed(u64::MAX).unwrap();
    engine.publish();
    let open = engine.batch_json(1, false).unwrap();
    engine.close_batch(101_000, &closing()).unwrap();
    assert_eq!(engine.batch_json(1, false).unwrap(), open);
    assert_eq!(engine.published_chain().head.closed_batch, 0);
    engine.publish();
    assert_ne!(engine.batch_json(1, false).unwrap(), open);
    assert_eq!(engine.published_chain().head.closed_batch, 1);
    assert_eq!(engine.batch_json(2, false).unwrap(), None, "an open batch without blocks is none yet");
}

#[test]
fn taking_back_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    engine.publish();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    for (nonce, closes) in [(0, true), (1, false)] {
        sealed(&engine, a, &a.transfer(nonce, b.address, 5), 100 + nonce, closes);
    }
    engine.commit_sealed(u64::MAX).unwrap();
    engine.publish();
    engine.rollback(1).unwrap();
    assert_eq!(engine.published_block(), 1);
    assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 1);
    assert_eq!(engine.block_json(2, false, false).unwrap(), None);
    // Goes on from there, and is told again when it is published.
    sealed(&engine, a, &a.transfer(1, b.address, 6), 110, false);
    engine.commit_sealed(u64::MAX).unwrap();
    assert_eq!((engine.published_block(), engine.account_in(&a.address, BlockId::Latest).unwrap().nonce), (1, 1));
    engine.publish();
    assert_eq!((engine.published_block(), engine.account_in(&a.address, BlockId::Latest).unwrap().nonce), (2, 2));
}

#[test]
fn a_chain_that_keeps_no_old_state_keeps_the_published_one() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&EngineOptions { history_blocks: Some(0), ..options(dir.path()) }).unwrap();
    engine.publish();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    for nonce in 0..3 {
        sealed(&engine, a, &a.transfer(nonce, b.address, 5), 100 + nonce, false);
        engine.commit_sealed(u64::MAX).unwrap();
        assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 0);
        assert_eq!(engine.account_in(&b.address, BlockId::Number(0)).unwrap().nonce, 0);
    }
    engine.publish();
    assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 3);
}
