//! Open, execute, seal, close, reopen: on a real database.

mod common;

use alloy_primitives::{Address, B256, Bytes, U256};
use common::{
    Account, CHAIN_ID, FUNDS, GAS_PRICE, SEQUENCER, accounts, execute, execute_with, genesis_json, open_block, options,
    request,
};
use zkevm_engine::EngineError;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::call::CallRequest;
use zkevm_engine::engine::{Engine, EngineOptions};
use zkevm_engine::genesis::Genesis;
use zkevm_engine::layout::{
    ADMISSION_ROW_BYTES, OUTCOME_HEADER_BYTES, OUTCOME_ROW_BYTES, RESOURCE_BYTES, Resources, TOUCHED_ROW_BYTES,
};
use zkevm_engine::seal::BatchClosing;
use zkevm_executor::{BatchInput, CancelToken, GenesisAccount, L1InfoSource, MemoryState, execute_batch};
use zkevm_primitives::{BatchNumber, Counters, ForkId, ForkSpec};

const INCLUDED: u8 = 0;
const SKIPPED: u8 = 1;
const DOES_NOT_FIT: u8 = 2;
const NOT_ATTEMPTED: u8 = 4;

fn closing() -> BatchClosing {
    BatchClosing { reason: "Operator".into(), detail_json: "{}".into() }
}

/// The genesis in the executor's own in-memory state.
fn memory_state() -> MemoryState {
    let genesis = Genesis::parse(&genesis_json()).unwrap();
    let accounts: Vec<GenesisAccount> = genesis
        .accounts
        .iter()
        .map(|(address, entry)| GenesisAccount {
            address: *address,
            balance: entry.account.balance,
            ..GenesisAccount::default()
        })
        .collect();
    MemoryState::from_genesis(&accounts)
}

/// Deploys code that stores 42 in slot 0 and logs one topic; its runtime code returns slot 0.
fn deployment() -> Vec<u8> {
    // PUSH1 42 PUSH1 0 SSTORE, PUSH1 7 PUSH1 0 PUSH1 0 LOG1, then returns the 9 bytes of runtime code.
    let runtime = [0x60, 0x00, 0x54, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3];
    let head = [0x60, 42, 0x60, 0, 0x55, 0x60, 7, 0x60, 0, 0x60, 0, 0xa1];
    let copy_at = head.len() + 12;
    let tail =
        [0x60, runtime.len() as u8, 0x60, copy_at as u8, 0x60, 0, 0x39, 0x60, runtime.len() as u8, 0x60, 0, 0xf3];
    [&head[..], &tail[..], &runtime[..]].concat()
}

/// Two batches of several blocks with transfers, a deployment, a failing call; answers the state root.
fn run_chain(engine: &Engine) -> B256 {
    let [a, b, c, _] = &accounts()[..] else { panic!("four accounts") };
    open_block(engine, 100);
    let rows = execute(
        engine,
        &[
            a.item(&a.transfer(0, b.address, 5)),
            a.item(&a.transfer(1, Address::ZERO, 6)),
            b.item(&b.transfer(0, a.address, 1)),
        ],
    );
    assert!(rows.iter().all(|row| row.result == INCLUDED && row.status == 1), "{rows:?}");
    engine.seal_block(101_000, None).unwrap();
    open_block(engine, 100);
    let rows = execute(engine, &[c.item(&c.sign(0, None, 0, 200_000, &deployment()))]);
    assert_eq!((rows[0].result, rows[0].status), (INCLUDED, 1));
    engine.seal_block(102_000, Some(&closing())).unwrap();
    open_block(engine, 160);
    // Out of gas inside the call: included with status 0.
    let contract = c.address.create(0);
    let rows = execute(
        engine,
        &[c.item(&c.sign(1, Some(contract), 0, 21_010, &[])), c.item(&c.sign(2, Some(contract), 0, 60_000, &[]))],
    );
    assert_eq!((rows[0].result, rows[0].status, rows[1].status), (INCLUDED, 0, 1));
    let sealed = engine.seal_block(161_000, None).unwrap();
    engine.close_batch(162_000, &closing()).unwrap();
    sealed.state_root
}

#[test]
fn stored_batches_replay_to_the_same_roots_and_counters() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let root = run_chain(&engine);
    let mut state = memory_state();
    for number in 1..=2 {
        let record = engine.store().batch(number).unwrap().unwrap();
        let input = BatchInput {
            spec: ForkSpec::new(ForkId::Elderberry2),
            chain_id: CHAIN_ID,
            old_state_root: zkevm_executor::BatchState::root(&state),
            old_acc_input_hash: B256::ZERO,
            old_batch_number: BatchNumber(number - 1),
            batch_l2_data: engine.batch_data(number).unwrap().unwrap().into(),
            l1_info_root: B256::ZERO,
            timestamp_limit: u64::MAX,
            sequencer: SEQUENCER,
            forced_block_hash_l1: B256::ZERO,
            is_injected: false,
            l1_info: L1InfoSource::default(),
            counts: true,
            limits: None,
            depth_measure: None,
            recovery_threads: 1,
            records_reads: false,
            cancel: CancelToken::default(),
        };
        let result = execute_batch(&input, &mut state).unwrap();
        assert_eq!(result.invalid, None, "batch {number}");
        assert_eq!(result.new_state_root, record.state_root, "batch {number}");
        assert_eq!(result.blocks.len() as u64, record.block_count, "batch {number}");
        assert!(result.skipped.is_empty(), "batch {number}");
        let counters = Counters::from_array(std::array::from_fn(|index| record.used[index]));
        assert_eq!(result.counters, counters, "batch {number}");
        assert_eq!(record.used[RESOURCE_BYTES], input.batch_l2_data.len() as u64, "batch {number}");
    }
    assert_eq!(zkevm_executor::BatchState::root(&state), root);
}

#[test]
fn what_was_committed_is_there_after_reopening_and_the_open_batch_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (root, json) = {
        let engine = Engine::open(&options(dir.path())).unwrap();
        assert!(engine.created());
        run_chain(&engine);
        open_block(&engine, 200);
        let a = &accounts()[0];
        execute(&engine, &[a.item(&a.transfer(2, Address::ZERO, 1))]);
        let sealed = engine.seal_block(201_000, None).unwrap();
        // An open block that was never sealed is as if it had not been.
        open_block(&engine, 202);
        execute(&engine, &[a.item(&a.transfer(3, Address::ZERO, 1))]);
        (sealed.state_root, engine.block_json(sealed.number, true, true).unwrap())
    };
    let engine = Engine::open(&options(dir.path())).unwrap();
    assert!(!engine.created());
    let chain = engine.chain();
    assert_eq!((chain.head.block, chain.head.state_root, chain.head.closed_batch), (4, root, 2));
    assert_eq!((chain.batch.number, chain.batch.block_count, chain.batch.tx_count), (3, 1, 1));
    assert_eq!(engine.block_json(4, true, true).unwrap(), json);
    let a = &accounts()[0];
    open_block(&engine, 203);
    assert_eq!(execute(&engine, &[a.item(&a.transfer(3, Address::ZERO, 1))])[0].result, INCLUDED);
    engine.seal_block(204_000, Some(&closing())).unwrap();
    assert_eq!(engine.chain().head.closed_batch, 3);
}

#[test]
fn older_blocks_read_their_own_state() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run_chain(&engine);
    let c = &accounts()[2];
    let contract = c.address.create(0);
    let nonce = |block| engine.account_at(&c.address, block).unwrap().nonce;
    assert_eq!((nonce(0), nonce(1), nonce(2), nonce(3)), (0, 0, 1, 3));
    assert_eq!(engine.storage_at(&contract, &U256::ZERO, 1).unwrap(), U256::ZERO);
    assert_eq!(engine.storage_at(&contract, &U256::ZERO, 2).unwrap(), U256::from(42));
    assert_eq!(engine.code_at(&contract, 1).unwrap(), Bytes::new());
    assert_eq!(engine.code_at(&contract, 2).unwrap().len(), 11);
    assert_eq!(engine.account_at(&c.address, 4).unwrap_err().code(), "BLOCK_NOT_FOUND");
    let call = CallRequest { to: Some(contract), ..CallRequest::default() };
    assert_eq!(engine.call(&call, BlockId::Number(1)).unwrap().output, Bytes::new());
    assert_eq!(U256::from_be_slice(&engine.call(&call, BlockId::Number(2)).unwrap().output), U256::from(42));
}

#[test]
fn what_does_not_fit_or_is_not_valid_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 100);
    let mut narrow = engine.hard_limits();
    narrow.0[0] = 10;
    let items = [
        a.item(&a.transfer(0, b.address, 5)),
        a.item(&a.transfer(1, b.address, 5)),
        b.item(&b.transfer(7, a.address, 5)),
    ];
    let rows = execute_with(&engine, &items, narrow);
    assert_eq!((rows[0].result, rows[0].resource), (DOES_NOT_FIT, 0));
    assert_eq!(rows[1].result, NOT_ATTEMPTED);
    assert_eq!((rows[2].result, rows[2].rom_error), (SKIPPED, 22));
    let mut few_bytes = engine.hard_limits();
    few_bytes.0[RESOURCE_BYTES] = 50;
    assert_eq!(execute_with(&engine, &items[..1], few_bytes)[0].resource, RESOURCE_BYTES as u8);
    assert_eq!(engine.pending_account(&a.address).unwrap().nonce, 0);
    let sealed = engine.seal_block(101_000, None).unwrap();
    assert!(sealed.tx_hashes.is_empty());
    let batch = engine.chain().batch;
    assert_eq!((batch.tx_count, batch.used[RESOURCE_BYTES]), (0, 9));
}

#[test]
fn admission_and_pending_reads_see_the_open_block() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, ..] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 100);
    execute(&engine, &[a.item(&a.transfer(0, b.address, 5))]);
    let spent = U256::from(5 + 21_000 * GAS_PRICE);
    let account = engine.account_in(&a.address, BlockId::Pending).unwrap();
    assert_eq!((account.nonce, account.balance), (1, U256::from(FUNDS) - spent));
    assert_eq!(engine.account_in(&a.address, BlockId::Latest).unwrap().nonce, 0);
    let raw = a.transfer(1, b.address, 5);
    let rows = zkevm_engine::admission::admit(&engine, &[&raw, &raw[..20], &[0x02, 0x01]], true).unwrap();
    let code = |row: usize| {
        let at = ADMISSION_ROW_BYTES * row;
        u16::from_le_bytes([rows[at], rows[at + 1]])
    };
    assert_eq!((code(0), code(1), code(2)), (0, 1, 2));
    assert_eq!(&rows[192..212], a.address.as_slice());
    assert_eq!(rows[48], 1, "the sender's pending nonce");
    assert_eq!((rows[272], rows[232..240].to_vec()), (1, 21_000_u64.to_le_bytes().to_vec()));
    engine.discard_block();
    assert_eq!(engine.account_in(&a.address, BlockId::Pending).unwrap().nonce, 0);
}

#[test]
fn verbs_in_the_wrong_order_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    assert_eq!(engine.seal_block(0, None).unwrap_err().code(), "ENGINE_BUSY");
    assert_eq!(engine.close_batch(0, &closing()).unwrap_err().code(), "ENGINE_BUSY");
    open_block(&engine, 100);
    assert_eq!(engine.close_batch(0, &closing()).unwrap_err().code(), "ENGINE_BUSY");
    let malformed = zkevm_engine::block::ExecuteRequest {
        transactions: vec![&[0; 20]],
        remaining: Resources::default(),
        high: Resources::default(),
        max_misfits: 1,
        budget_nanos: 0,
        repricing: None,
        must_succeed: Vec::new(),
    };
    assert!(matches!(engine.execute(&malformed), Err(EngineError::InvalidArgument(_))));
}

#[test]
fn estimates_are_sufficient_and_tight() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let a: &Account = &accounts()[0];
    let request = |to: Option<Address>, data: Vec<u8>| CallRequest {
        from: Some(a.address),
        to,
        data: data.into(),
        ..CallRequest::default()
    };
    let estimate = |request: &CallRequest| engine.estimate_gas(request, BlockId::Latest).unwrap().0;
    assert_eq!(estimate(&request(Some(Address::ZERO), vec![])), 21_000);
    let deploy = request(None, deployment());
    let gas = estimate(&deploy);
    let run = |gas| engine.call(&CallRequest { gas: Some(gas), ..deploy.clone() }, BlockId::Latest).unwrap().status;
    assert_eq!((run(gas), run(gas - 1)), (1, 0));
    // Reverts at any gas limit: PUSH1 0 PUSH1 0 REVERT.
    let (gas, outcome) = engine.estimate_gas(&request(None, vec![0x60, 0, 0x60, 0, 0xfd]), BlockId::Latest).unwrap();
    assert_eq!((gas, outcome.rom_error.as_str()), (0, "ROM_ERROR_EXECUTION_REVERTED"));
}

#[test]
fn a_slice_answers_the_accounts_it_touched_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let [a, b, c, d] = &accounts()[..] else { panic!("four accounts") };
    open_block(&engine, 100);
    let touched = |items: &[Vec<u8>]| -> Vec<(Address, u64, U256)> {
        let answer = engine.execute(&request(&engine, items)).unwrap();
        let word = |at: usize| u32::from_le_bytes(answer[at..at + 4].try_into().unwrap()) as usize;
        let rows = &answer[OUTCOME_HEADER_BYTES + word(4) * OUTCOME_ROW_BYTES..];
        assert_eq!(rows.len(), word(8) * TOUCHED_ROW_BYTES);
        rows.chunks_exact(TOUCHED_ROW_BYTES)
            .map(|row| {
                let nonce = u64::from_le_bytes(row[24..32].try_into().unwrap());
                (Address::from_slice(&row[..20]), nonce, U256::from_le_slice(&row[32..64]))
            })
            .collect()
    };
    let addresses = |rows: &[(Address, u64, U256)]| rows.iter().map(|row| row.0).collect::<Vec<_>>();
    let sorted = |mut addresses: Vec<Address>| {
        addresses.sort_unstable();
        addresses
    };
    let first = touched(&[a.item(&a.transfer(0, b.address, 5))]);
    assert_eq!(addresses(&first), sorted(vec![a.address, b.address, SEQUENCER]));
    // The second slice names its own accounts, not those of the first.
    let second = touched(&[c.item(&c.transfer(0, d.address, 5)), c.item(&c.transfer(1, d.address, 6))]);
    assert_eq!(addresses(&second), sorted(vec![c.address, d.address, SEQUENCER]));
    for (address, nonce, balance) in second {
        let pending = engine.account_in(&address, BlockId::Pending).unwrap();
        assert_eq!((nonce, balance), (pending.nonce, pending.balance), "{address}");
    }
    // What is refused touches nothing.
    assert_eq!(touched(&[b.item(&b.transfer(9, a.address, 5))]), []);
}

#[test]
fn calls_warm_their_access_list() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    run_chain(&engine);
    let contract = accounts()[2].address.create(0);
    let call = |list: Option<String>| {
        let call = CallRequest { to: Some(contract), access_list_json: list, ..CallRequest::default() };
        engine.call(&call, BlockId::Latest).unwrap().gas_used
    };
    let list = format!(r#"[{{"address":"{contract}","storageKeys":["{}"]}}]"#, B256::ZERO);
    assert_eq!(call(Some(list)), call(None) + 2_400 + 1_900 - 2_000);
    let malformed = CallRequest { access_list_json: Some("[1]".into()), ..CallRequest::default() };
    assert_eq!(engine.call(&malformed, BlockId::Latest).unwrap_err().code(), "CALL_INVALID");
}

/// A counter's value among the native metrics.
fn results(engine: &Engine, outcome: &str) -> u64 {
    let name = format!("zknode_pre_execution_results_total{{outcome=\"{outcome}\"}} ");
    let text = engine.metrics_text();
    text.lines().find_map(|line| line.strip_prefix(name.as_str())).unwrap().parse().unwrap()
}

#[test]
fn blocks_take_over_what_admission_executed_and_the_switch_changes_no_result() {
    let roots = [0, 1 << 20].map(|pre_execution_bytes| {
        let dir = tempfile::tempdir().unwrap();
        let engine = Engine::open(&EngineOptions { pre_execution_bytes, ..options(dir.path()) }).unwrap();
        run_chain(&engine);
        let [a, b, c, d] = &accounts()[..] else { panic!("four accounts") };
        // Deployments cost enough to be kept; b's finds its nonce too high, d's is admitted twice.
        let deploy = |account: &Account, nonce| account.sign(nonce, None, 0, 200_000, &deployment());
        let raw = [deploy(a, 2), deploy(b, 7), deploy(c, 3), deploy(d, 0), a.transfer(3, b.address, 5)];
        let raw: Vec<&[u8]> = raw.iter().map(Vec::as_slice).collect();
        open_block(&engine, 200);
        zkevm_engine::admission::admit(&engine, &[&raw[..], &raw[3..4]].concat(), true).unwrap();
        let items: Vec<Vec<u8>> = [a, b, c, d, a].iter().zip(&raw).map(|(account, raw)| account.item(raw)).collect();
        let rows = execute(&engine, &items);
        let expected = [INCLUDED, SKIPPED, INCLUDED, INCLUDED, INCLUDED];
        assert_eq!(rows.iter().map(|row| row.result).collect::<Vec<_>>(), expected);
        let sealed = engine.seal_block(201_000, None).unwrap();
        let taken = if pre_execution_bytes == 0 { 0 } else { 3 };
        assert_eq!(results(&engine, "taken"), taken, "with {pre_execution_bytes} bytes");
        assert_eq!(results(&engine, "changed"), 0);
        let receipts = engine.block_receipts_json(sealed.number).unwrap();
        let logs = engine.block_logs_json(sealed.number).unwrap();
        (sealed.state_root, sealed.hash, logs, receipts, engine.chain().batch)
    });
    assert_eq!(roots[0], roots[1]);
}
