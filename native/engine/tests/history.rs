//! How far back states can be read: all, some, none; across restarts and while somebody reads.

mod common;

use alloy_primitives::{Address, U256};
use common::{accounts, execute, open_block, options};
use zkevm_engine::block_id::BlockId;
use zkevm_engine::call::CallRequest;
use zkevm_engine::engine::{Engine, EngineOptions};

const LAST: u64 = 12;
const TO: Address = Address::repeat_byte(0x77);

fn engine(path: &std::path::Path, history_blocks: Option<u64>) -> Engine {
    Engine::open(&EngineOptions { history_blocks, ..options(path) }).unwrap()
}

/// Each block up to `last` sends its number to an account.
fn extend(engine: &Engine, last: u64) {
    let [sender, ..] = &accounts()[..] else { panic!("there are accounts") };
    for block in engine.head_block() + 1..=last {
        open_block(engine, 100 + block);
        execute(engine, &[sender.item(&sender.transfer(block - 1, TO, block))]);
        engine.seal_block(1000 * block, None).unwrap();
    }
}

fn balance(block: u64) -> U256 {
    U256::from(block * (block + 1) / 2)
}

/// What can be read of each block, directly and by a call.
fn check(engine: &Engine, oldest: u64) {
    for block in 0..=engine.head_block() {
        let account = engine.account_in(&TO, BlockId::Number(block)).map(|account| account.balance);
        let call = engine.call(&CallRequest { to: Some(TO), ..CallRequest::default() }, BlockId::Number(block));
        if block < oldest {
            assert_eq!(account.unwrap_err().code(), "STATE_PRUNED", "block {block}");
            assert_eq!(call.unwrap_err().code(), "STATE_PRUNED", "block {block}");
        } else {
            assert_eq!(account.unwrap(), balance(block), "block {block}");
            assert_eq!(call.unwrap().status, 1, "block {block}");
        }
        assert!(engine.block_json(block, true, false).unwrap().is_some(), "blocks stay");
        assert_eq!(engine.block_receipts_json(block).unwrap().is_some_and(|json| json.len() > 2), block > 0);
    }
    assert_eq!(engine.account_in(&TO, BlockId::Latest).unwrap().balance, balance(engine.head_block()));
    let pending = engine.call(&CallRequest { to: Some(TO), ..CallRequest::default() }, BlockId::Pending);
    assert_eq!(pending.unwrap().status, 1);
}

#[test]
fn an_archive_keeps_every_state() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), None);
    extend(&engine, LAST);
    check(&engine, 0);
}

#[test]
fn some_blocks_keep_their_state_and_the_bound_survives_restarts() {
    let dir = tempfile::tempdir().unwrap();
    {
        let engine = engine(dir.path(), Some(4));
        extend(&engine, LAST);
        check(&engine, LAST - 4);
    }
    {
        // More is wanted now: what is gone stays gone, what comes is kept.
        let engine = engine(dir.path(), Some(8));
        check(&engine, LAST - 4);
        extend(&engine, LAST + 6);
        check(&engine, LAST - 2);
    }
    let engine = engine(dir.path(), None);
    check(&engine, LAST - 2);
}

#[test]
fn none_keeps_the_newest_state_only() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), Some(0));
    extend(&engine, LAST);
    check(&engine, LAST);
    assert!(engine.store().change_set(LAST).unwrap().is_some());
    assert_eq!(engine.store().change_set(LAST - 1).unwrap(), None);
}

#[test]
fn lowering_the_setting_takes_effect_at_once() {
    let dir = tempfile::tempdir().unwrap();
    extend(&engine(dir.path(), None), LAST);
    let engine = engine(dir.path(), Some(3));
    check(&engine, LAST - 3);
}

/// Calls at the newest block while blocks are made with no history at all: none of them finds its state gone.
#[test]
fn a_call_keeps_its_state_while_blocks_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine(dir.path(), Some(0));
    extend(&engine, 1);
    // Blocks begin with the first call: on one core the caller could sleep through all of them.
    let first = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            first.wait();
            while engine.head_block() < 60 {
                let call = CallRequest { to: Some(TO), ..CallRequest::default() };
                assert_eq!(engine.call(&call, BlockId::Latest).unwrap().status, 1);
                std::thread::yield_now();
            }
        });
        first.wait();
        extend(&engine, 60);
    });
}
