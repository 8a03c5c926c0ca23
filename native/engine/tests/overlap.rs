//! Blocks that execute while earlier ones are not durable: what they see, what others see, what is left after a crash or a failed write.

mod common;

use alloy_primitives::{Address, U256};
use common::{Account, FUNDS, GAS_PRICE, accounts, execute, open_block, options};
use zkevm_engine::block_id::BlockId;
use zkevm_engine::call::CallRequest;
use zkevm_engine::engine::Engine;
use zkevm_engine::seal::{BatchClosing, SealedBlock};
use zkevm_engine::settle::Committed;

const INCLUDED: u8 = 0;

fn closing() -> BatchClosing {
    BatchClosing { reason: "Operator".into(), detail_json: "{}".into() }
}

/// Executes transfers of `from` to `to` with these nonces in a block of their own.
fn block_of(engine: &Engine, from: &Account, to: Address, nonces: std::ops::Range<u64>, time: u64) {
    open_block(engine, time);
    let items: Vec<Vec<u8>> = nonces.map(|nonce| from.item(&from.transfer(nonce, to, 5))).collect();
    let rows = execute(engine, &items);
    assert!(rows.iter().all(|row| row.result == INCLUDED && row.status == 1), "{rows:?}");
}

/// A block per entry, sealed by `seal`; the second one closes the batch.
fn run(engine: &Engine, seal: impl Fn(&Engine, u64, Option<&BatchClosing>) -> SealedBlock) -> Vec<SealedBlock> {
    let [a, b, c, d] = &accounts()[..] else { panic!("four accounts") };
    let plan = [(a, b.address, 0..3), (b, c.address, 0..1), (a, d.address, 3..5), (c, a.address, 0..2)];
    let blocks = plan.into_iter().zip(1_u64..).map(|((from, to, nonces), number)| {
        block_of(engine, from, to, nonces, 100 + number);
        seal(engine, (100 + number) * 1000, (number == 2).then_some(&closing()))
    });
    blocks.collect()
}

fn finish(engine: &Engine, now_ms: u64, closing: Option<&BatchClosing>) -> SealedBlock {
    engine.finish_block(now_ms, closing).unwrap()
}

#[test]
fn many_blocks_in_one_commit_are_what_each_in_its_own_would_be() {
    let (one, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = Engine::open(&options(one.path())).unwrap();
    let singly = run(&engine, |engine, now, closing| engine.seal_block(now, closing).unwrap());
    let other = Engine::open(&options(many.path())).unwrap();
    let together = run(&other, finish);
    let Committed { block, blocks, .. } = other.commit_sealed(u64::MAX).unwrap();
    assert_eq!((block, blocks), (4, 4));
    assert_eq!(other.commit_sealed(u64::MAX).unwrap().blocks, 0, "nothing is left");
    for (one, other) in singly.iter().zip(&together) {
        assert_eq!((one.hash, one.state_root, one.batch), (other.hash, other.state_root, other.batch));
        assert_eq!((&one.header_json, &one.tx_hashes), (&other.header_json, &other.tx_hashes));
    }
    let (ours, theirs) = (engine.chain(), other.chain());
    assert_eq!((&ours.head, &ours.batch), (&theirs.head, &theirs.batch));
    for batch in 1..=2 {
        assert_eq!(engine.batch_data(batch).unwrap(), other.batch_data(batch).unwrap(), "data of batch {batch}");
        assert_eq!(
            engine.store().batch(batch).unwrap(),
            other.store().batch(batch).unwrap(),
            "record of batch {batch}"
        );
    }
    for (engine, dir) in [(engine, &one), (other, &many)] {
        drop(engine);
        let reopened = Engine::open(&options(dir.path())).unwrap();
        assert_eq!(reopened.chain().head, ours.head, "the tree opens at the head's root");
    }
}

#[test]
fn the_next_block_executes_on_what_is_sealed_and_nobody_else_sees_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    block_of(&engine, a, b.address, 0..2, 100);
    let sealed = engine.finish_block(100_000, None).unwrap();
    assert_eq!((engine.head_block(), engine.sealed_chain().head.block), (0, 1));
    for hash in &sealed.tx_hashes {
        assert_eq!(engine.receipt_json(hash).unwrap(), None, "a receipt is durable or not there");
    }
    assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 0);
    assert_eq!(engine.account_in(&a.address, BlockId::Pending).unwrap().nonce, 2);
    assert!(engine.account_in(&a.address, BlockId::Number(1)).is_err(), "the block does not exist yet");
    // Admission judges by the same state.
    let rows = zkevm_engine::admission::admit(&engine, &[&a.transfer(2, b.address, 5)], false).unwrap();
    assert_eq!(rows[48], 2);
    block_of(&engine, a, b.address, 2..3, 101);
    assert_eq!(engine.account_in(&a.address, BlockId::Pending).unwrap().nonce, 3);
    let spent = |count: u64| U256::from(count * (5 + 21_000 * GAS_PRICE));
    // Giving the open block up leaves the sealed one.
    engine.discard_block();
    let account = engine.account_in(&a.address, BlockId::Pending).unwrap();
    assert_eq!((account.nonce, account.balance), (2, U256::from(FUNDS) - spent(2)));
    engine.commit_sealed(u64::MAX).unwrap();
    let account = engine.account_in(&a.address, BlockId::Latest).unwrap();
    assert_eq!((account.nonce, account.balance), (2, U256::from(FUNDS) - spent(2)));
    assert_eq!(engine.head_block(), 1);
}

#[test]
fn admission_executes_on_the_code_and_the_slots_of_a_sealed_block() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, ..] = &accounts()[..] else { panic!("four accounts") };
    // Stores 42 in slot 0; the code fails while that is zero.
    let runtime = [0x60, 0, 0x54, 0x60, 10, 0x57, 0x60, 0, 0x80, 0xfd, 0x5b, 0x00];
    let length = runtime.len() as u8;
    let init = [0x60, 42, 0x60, 0, 0x55, 0x60, length, 0x60, 17, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xf3];
    open_block(&engine, 100);
    let rows = execute(&engine, &[a.item(&a.sign(0, None, 0, 200_000, &[&init[..], &runtime[..]].concat()))]);
    assert_eq!((rows[0].result, rows[0].status), (INCLUDED, 1));
    engine.finish_block(101_000, None).unwrap();
    let call = a.sign(1, Some(a.address.create(0)), 0, 60_000, &[]);
    for commits in [false, true] {
        if commits {
            engine.commit_sealed(u64::MAX).unwrap();
        }
        let row = zkevm_engine::admission::admit(&engine, &[&call], true).unwrap();
        assert_eq!(row[272], 1, "pre-execution, durable: {commits}");
    }
    let restarted = {
        drop(engine);
        Engine::open(&options(dir.path())).unwrap()
    };
    let row = zkevm_engine::admission::admit(&restarted, &[&call], true).unwrap();
    assert_eq!(row[272], 1, "pre-execution with nothing in the cache");
}

#[test]
fn calls_and_estimates_at_pending_see_all_that_is_executed() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    let receiver = Address::repeat_byte(0x77);
    // NUMBER, TIMESTAMP and SELFBALANCE at the receiver.
    let code = r#"{"code":"0x435f524260205247604052 60605ff3"}"#.replace(' ', "");
    let look = CallRequest {
        to: Some(receiver),
        state_overrides_json: Some(format!(r#"{{"{receiver}":{code}}}"#)),
        ..CallRequest::default()
    };
    let seen = |block: BlockId| {
        let outcome = engine.call(&look, block).unwrap();
        assert_eq!(outcome.status, 1, "{}", outcome.rom_error);
        [0, 32, 64].map(|at| U256::from_be_slice(&outcome.output[at..at + 32]).to::<u64>())
    };
    let spends = |value: u64| {
        let request = CallRequest {
            from: Some(receiver),
            to: Some(a.address),
            value: U256::from(value),
            ..CallRequest::default()
        };
        engine.estimate_gas(&request, BlockId::Pending).is_ok_and(|(_, outcome)| outcome.status == 1)
    };
    block_of(&engine, a, receiver, 0..2, 100);
    engine.finish_block(100_000, None).unwrap();
    block_of(&engine, b, receiver, 0..1, 101);
    engine.finish_block(101_000, None).unwrap();
    // Nothing is open: the block that would be opened now.
    let [number, time, balance] = seen(BlockId::Pending);
    assert_eq!((number, balance), (3, 15));
    assert!(time > 1_000_000_000, "the time of now");
    assert!(spends(15) && !spends(16));
    block_of(&engine, c, receiver, 0..1, 102);
    for committed in [0, 1, 2] {
        engine.commit_sealed(committed).unwrap();
        assert_eq!(seen(BlockId::Pending), [3, 102, 20], "{committed} blocks durable");
        assert!(spends(20) && !spends(21));
    }
    assert_eq!(seen(BlockId::Latest), [2, 101, 15]);
    engine.seal_block(102_000, None).unwrap();
    assert_eq!(seen(BlockId::Latest), [3, 102, 20]);
}

#[test]
fn a_commit_while_the_next_block_is_open_disturbs_neither() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    block_of(&engine, a, b.address, 0..2, 100);
    engine.finish_block(100_000, None).unwrap();
    open_block(&engine, 101);
    execute(&engine, &[a.item(&a.transfer(2, b.address, 5))]);
    engine.commit_sealed(u64::MAX).unwrap();
    let rows = execute(&engine, &[a.item(&a.transfer(3, b.address, 5))]);
    assert_eq!(rows[0].result, INCLUDED);
    assert_eq!(engine.account_in(&a.address, BlockId::Pending).unwrap().nonce, 4);
    assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 2);
    let sealed = engine.seal_block(101_000, Some(&closing())).unwrap();
    assert_eq!((sealed.number, sealed.tx_hashes.len(), engine.head_block()), (2, 2, 2));
}

#[test]
fn a_commit_may_leave_the_newest_blocks_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run(&engine, finish);
    assert_eq!(engine.commit_sealed(3).unwrap().blocks, 3);
    assert_eq!((engine.head_block(), engine.sealed_chain().head.block), (3, 4));
    assert_eq!((engine.chain().head.closed_batch, engine.chain().batch.block_count), (1, 1));
    engine.discard_sealed();
    assert_eq!(engine.sealed_chain().head, engine.chain().head);
    let [_, _, c, _] = &accounts()[..] else { panic!("four accounts") };
    block_of(&engine, c, Address::ZERO, 0..2, 104);
    assert_eq!(engine.seal_block(104_000, None).unwrap().number, 4);
}

#[test]
fn what_was_not_committed_is_gone_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let root = {
        let engine = Engine::open(&options(dir.path())).unwrap();
        let blocks = run(&engine, |engine, now, closing| {
            let sealed = engine.finish_block(now, closing).unwrap();
            if sealed.number == 2 {
                engine.commit_sealed(u64::MAX).unwrap();
            }
            sealed
        });
        assert_eq!(engine.sealed_chain().head.block, 4);
        // Dropped without `close`, as a crash leaves it.
        blocks[1].state_root
    };
    let engine = Engine::open(&options(dir.path())).unwrap();
    let chain = engine.chain();
    assert_eq!((chain.head.block, chain.head.state_root), (2, root));
    assert_eq!((chain.head.closed_batch, chain.batch.number, chain.batch.block_count), (1, 2, 0));
    // The same blocks can be made again.
    let [a, _, _, d] = &accounts()[..] else { panic!("four accounts") };
    block_of(&engine, a, d.address, 3..5, 103);
    assert_eq!(engine.seal_block(103_000, None).unwrap().number, 3);
}

#[test]
fn a_failed_commit_takes_every_later_block_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    block_of(&engine, a, b.address, 0..1, 100);
    engine.seal_block(100_000, None).unwrap();
    block_of(&engine, a, b.address, 1..2, 101);
    engine.finish_block(101_000, None).unwrap();
    block_of(&engine, a, b.address, 2..3, 102);
    engine.finish_block(102_000, None).unwrap();
    block_of(&engine, a, b.address, 3..4, 103);
    engine.store().refuse_writes("no space left");
    assert_eq!(engine.commit_sealed(u64::MAX).unwrap_err().code(), "STATE_DB_POISONED");
    assert_eq!(engine.head_block(), 1);
    assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 1);
    engine.discard_sealed();
    assert_eq!(engine.account_in(&a.address, BlockId::Pending).unwrap().nonce, 1, "back at the durable block");
    assert_eq!(engine.sealed_chain().head, engine.chain().head);
    assert_eq!(engine.seal_block(103_000, None).unwrap_err().code(), "ENGINE_BUSY", "the open block is gone too");
    // What is made after that fails the same way: the chain cannot move.
    block_of(&engine, a, b.address, 1..2, 104);
    assert_eq!(engine.seal_block(104_000, None).unwrap_err().code(), "STATE_DB_POISONED");
    assert_eq!(engine.head_block(), 1);
    drop(engine);
    let reopened = Engine::open(&options(dir.path())).unwrap();
    assert_eq!((reopened.head_block(), reopened.account_in(&a.address, BlockId::Latest).unwrap().nonce), (1, 1));
    block_of(&reopened, a, b.address, 1..4, 105);
    assert_eq!(reopened.seal_block(105_000, None).unwrap().number, 2);
}

#[test]
fn code_that_is_not_durable_can_be_called() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, ..] = &accounts()[..] else { panic!("four accounts") };
    // Deploys one byte of code, STOP.
    let init = [0x60, 0x01, 0x60, 0x00, 0xf3];
    open_block(&engine, 100);
    let rows = execute(&engine, &[a.item(&a.sign(0, None, 0, 100_000, &init))]);
    assert_eq!((rows[0].result, rows[0].status), (INCLUDED, 1));
    engine.finish_block(100_000, None).unwrap();
    let contract = a.address.create(0);
    assert_eq!(engine.code_in(&contract, BlockId::Pending).unwrap().as_ref(), &[0]);
    assert!(engine.code_in(&contract, BlockId::Latest).unwrap().is_empty());
    open_block(&engine, 101);
    assert_eq!(engine.code_in(&contract, BlockId::Pending).unwrap().as_ref(), &[0], "with a block open");
    let rows = execute(&engine, &[a.item(&a.sign(1, Some(contract), 0, 50_000, &[]))]);
    assert_eq!((rows[0].result, rows[0].status), (INCLUDED, 1));
    engine.seal_block(101_000, None).unwrap();
    assert_eq!(engine.code_in(&contract, BlockId::Latest).unwrap().as_ref(), &[0]);
}
