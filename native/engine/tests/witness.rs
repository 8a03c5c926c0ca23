//! Proofs at every kept block and witnesses of closed batches, on a chain of random batches.

mod common;

use alloy_primitives::{Address, B256, U256};
use common::{Account, accounts, execute, open_block, options};
use serde_json::Value;
use zkevm_engine::EngineError;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::engine::Engine;
use zkevm_engine::seal::BatchClosing;
use zkevm_engine::witness::BatchWitness;
use zkevm_executor::vectors::{Verdict, run_vectors};
use zkevm_executor::{ExecutorError, StateError, execute_batch};
use zkevm_state_tree::{H4, keys, verify_elements};

/// More than any of these chains changes.
const CHANGES_MAX: usize = 10_000;
const SLOTS: u64 = 6;

/// Stores the second word of its input under the first.
const STORE_CODE: [u8; 8] = [0x60, 0x20, 0x35, 0x60, 0x00, 0x35, 0x55, 0x00];

fn store_deployment() -> Vec<u8> {
    [&[0x67][..], &STORE_CODE, &[0x60, 0x00, 0x52, 0x60, 8, 0x60, 24, 0xf3]].concat()
}

/// Small, and the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A chain and what there is to ask about.
struct Chain {
    engine: Engine,
    addresses: Vec<Address>,
    contracts: Vec<Address>,
    batches: u64,
    _dir: tempfile::TempDir,
}

/// Batches of transfers, deployments, slots set and cleared; the first has no contract yet, the last stays open.
fn random_chain(seed: u64, batches: u64) -> Chain {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(&options(dir.path())).unwrap();
    let mut random = Random(seed);
    let senders = accounts();
    let mut nonces = vec![0u64; senders.len()];
    let mut addresses: Vec<Address> = senders.iter().map(|sender| sender.address).collect();
    let mut contracts = Vec::new();
    let mut timestamp = 100;
    for batch in 1..=batches + 1 {
        for block in 0..=random.below(3) {
            timestamp += random.below(3);
            open_block(&engine, timestamp);
            for _ in 0..=random.below(5) {
                let at = random.below(senders.len() as u64) as usize;
                let raw = random_transaction(&mut random, &senders[at], nonces[at], &mut addresses, &mut contracts);
                nonces[at] += 1;
                let rows = execute(&engine, &[senders[at].item(&raw)]);
                assert_eq!((rows[0].result, rows[0].status), (0, 1), "batch {batch} block {block}: {rows:?}");
            }
            engine.seal_block(timestamp * 1000, None).unwrap();
        }
        if batch <= batches {
            let closing = BatchClosing { reason: "Operator".into(), detail_json: String::new() };
            engine.close_batch(timestamp * 1000, &closing).unwrap();
        }
    }
    addresses.extend(contracts.iter().copied());
    addresses.push(Address::repeat_byte(0xdd));
    Chain { engine, addresses, contracts, batches, _dir: dir }
}

fn random_transaction(
    random: &mut Random,
    sender: &Account,
    nonce: u64,
    addresses: &mut Vec<Address>,
    contracts: &mut Vec<Address>,
) -> Vec<u8> {
    match random.below(8) {
        0 => {
            let to = Address::with_last_byte(random.below(200) as u8 + 30);
            addresses.push(to);
            sender.transfer(nonce, to, random.below(100))
        }
        1 => {
            contracts.push(sender.address.create(nonce));
            sender.sign(nonce, None, 0, 200_000, &store_deployment())
        }
        2..=7 if !contracts.is_empty() => {
            let to = contracts[random.below(contracts.len() as u64) as usize];
            let slot = U256::from(random.below(SLOTS)).to_be_bytes::<32>();
            // Half of the writes clear.
            let value = U256::from(random.below(6).saturating_sub(2)).to_be_bytes::<32>();
            sender.sign(nonce, Some(to), 0, 100_000, &[slot, value].concat())
        }
        _ => sender.transfer(nonce, addresses[random.below(addresses.len() as u64) as usize], 1),
    }
}

fn state_root(engine: &Engine, block: u64) -> B256 {
    let json: Value = serde_json::from_str(&engine.block_json(block, false, false).unwrap().unwrap()).unwrap();
    json["stateRoot"].as_str().unwrap().parse().unwrap()
}

fn number(json: &Value) -> U256 {
    json.as_str().unwrap().parse().unwrap()
}

/// The value that a proof in an answer proves.
fn proven(root: &H4, key: &H4, proof: &Value) -> U256 {
    let elements: Vec<Vec<u8>> = proof
        .as_array()
        .unwrap()
        .iter()
        .map(|element| alloy_primitives::hex::decode(element.as_str().unwrap()).unwrap())
        .collect();
    verify_elements(root, key, &elements).unwrap()
}

#[test]
fn proofs_at_every_kept_block_verify_against_its_stored_root() {
    for seed in 0..3 {
        let Chain { engine, addresses, contracts, .. } = random_chain(seed, 5);
        let slots: Vec<U256> = (0..=SLOTS).map(U256::from).collect();
        let (mut present, mut absent) = (0, 0);
        for block in 0..=engine.head_block() {
            let stored = state_root(&engine, block);
            let root = H4::from_b256(&stored).unwrap();
            for address in &addresses {
                let slots = if contracts.contains(address) { &slots[..] } else { &[] };
                let json = engine.proof_json(address, slots, BlockId::Number(block), CHANGES_MAX).unwrap();
                let json: Value = serde_json::from_str(&json).unwrap();
                assert_eq!(json["stateRoot"], stored.to_string());
                let account = engine.account_at(address, block).unwrap();
                let mut check = |field: &str, key: H4, value: U256| {
                    assert_eq!(number(&json[field]), value, "{field} of {address} at {block}");
                    assert_eq!(proven(&root, &key, &json[format!("{field}Proof")]), value, "{field} of {address}");
                    if value.is_zero() { absent += 1 } else { present += 1 }
                };
                check("balance", keys::balance(address), account.balance);
                check("nonce", keys::nonce(address), U256::from(account.nonce));
                check("codeHash", keys::code_hash(address), account.code_hash.into());
                check("codeLength", keys::code_length(address), U256::from(account.code_length));
                for (slot, entry) in slots.iter().zip(json["storageProof"].as_array().unwrap()) {
                    let value = engine.storage_at(address, slot, block).unwrap();
                    assert_eq!((number(&entry["key"]), number(&entry["value"])), (*slot, value));
                    assert_eq!(proven(&root, &keys::storage(address, slot), &entry["proof"]), value);
                }
            }
        }
        assert!(present > 50 && absent > 50, "{present} present, {absent} absent");
    }
}

fn check_vector(witness: &BatchWitness, name: &str) {
    let reports = run_vectors(&witness.vector_json().unwrap());
    let [report] = &reports[..] else { panic!("one vector") };
    assert!(report.error.is_none() && report.name == name, "{report:?}");
    assert!(report.fields.iter().all(|field| field.verdict == Verdict::Matched), "{report:?}");
}

#[test]
fn a_witness_replays_its_batch_to_what_was_committed() {
    let (mut deployed, mut cleared) = (0, 0);
    for seed in 10..14 {
        let Chain { engine, batches, .. } = random_chain(seed, 6);
        for number in 1..=batches {
            let witness = engine.batch_witness(number, CHANGES_MAX).unwrap();
            let expected = &witness.batch.expected;
            assert_eq!(Some(witness.result.new_state_root), expected.new_state_root, "batch {number}");
            assert_eq!(Some(witness.result.counters), expected.counters, "batch {number}");
            assert_eq!(Some(witness.result.new_acc_input_hash), expected.new_acc_input_hash, "batch {number}");
            assert_eq!(witness.result.invalid, None);
            assert_eq!(witness.replay().unwrap(), witness.result);
            check_vector(&witness, &format!("batch-{number}"));
            let diffs = || witness.result.blocks.iter().map(|block| &block.diff);
            deployed += diffs().map(|diff| diff.codes.len()).sum::<usize>();
            cleared += diffs().flat_map(|diff| &diff.storage).filter(|slot| slot.new.is_zero()).count();
        }
    }
    assert!(deployed > 5 && cleared > 5, "{deployed} deployed, {cleared} cleared");
}

#[test]
fn whatever_a_witness_lacks_is_named() {
    let Chain { engine, batches, .. } = random_chain(21, 4);
    let mut codes = 0;
    for number in 1..=batches {
        let witness = engine.batch_witness(number, CHANGES_MAX).unwrap();
        for hash in witness.batch.nodes.keys() {
            let mut fewer = witness.clone();
            fewer.batch.nodes.remove(hash);
            let error = execute_batch(&fewer.batch.input, &mut fewer.state().unwrap()).unwrap_err();
            assert_eq!(error, ExecutorError::State(StateError::MissingNode(hash.to_b256())), "batch {number}");
            assert_eq!(error.code(), "EXECUTOR_MISSING_NODE");
            assert_eq!(EngineError::from(error).code(), "WITNESS_INCOMPLETE");
        }
        for hash in witness.batch.codes.keys() {
            let mut fewer = witness.clone();
            fewer.batch.codes.remove(hash);
            let error = execute_batch(&fewer.batch.input, &mut fewer.state().unwrap()).unwrap_err();
            assert_eq!(error, ExecutorError::State(StateError::MissingCode(*hash)), "batch {number}");
            codes += 1;
        }
    }
    assert!(codes > 0, "no batch ran a contract");
}

#[test]
fn ranges_of_blocks_have_witnesses_too() {
    let Chain { engine, .. } = random_chain(31, 4);
    let head = engine.head_block();
    for (first, last) in [(1, 1), (head, head), (1, head), (2, head - 1)] {
        let witness = engine.block_range_witness(first, last, CHANGES_MAX).unwrap();
        assert_eq!(witness.batch.input.old_state_root, state_root(&engine, first - 1));
        assert_eq!(witness.result.new_state_root, state_root(&engine, last), "{first} to {last}");
        assert_eq!(witness.replay().unwrap(), witness.result);
        check_vector(&witness, &format!("blocks-{first}-{last}"));
        let json: Value = serde_json::from_str(&witness.witness_json().unwrap()).unwrap();
        assert_eq!(json["db"].as_object().unwrap().len(), witness.batch.nodes.len());
    }
    let code = |first, last| engine.block_range_witness(first, last, CHANGES_MAX).unwrap_err().code();
    assert_eq!((code(0, 1), code(3, 2), code(1, head + 1)), ("CALL_INVALID", "CALL_INVALID", "BLOCK_NOT_FOUND"));
}

#[test]
fn what_cannot_be_answered_has_a_code() {
    let Chain { engine, addresses, batches, .. } = random_chain(41, 3);
    let (address, head) = (&addresses[0], engine.head_block());
    let proof = |block, max| engine.proof_json(address, &[], block, max).map_err(|error| error.code());
    for number in [0, batches + 1, batches + 2] {
        assert_eq!(engine.batch_witness(number, CHANGES_MAX).unwrap_err().code(), "BATCH_NOT_CLOSED");
    }
    assert_eq!(proof(BlockId::Number(head + 1), CHANGES_MAX), Err("BLOCK_NOT_FOUND"));
    // The newest tree needs no work at all, an older one more than this.
    let newest = proof(BlockId::Number(head), 0);
    assert!(newest.is_ok());
    assert_eq!((proof(BlockId::Latest, 0), proof(BlockId::Pending, 0)), (newest.clone(), newest));
    assert_eq!(proof(BlockId::Number(head - 1), 1), Err("STATE_TOO_OLD"));
    assert_eq!(engine.batch_witness(1, 1).unwrap_err().code(), "STATE_TOO_OLD");
    // States that are not kept any more.
    engine.store().raise_oldest_state(2);
    assert_eq!(proof(BlockId::Number(1), CHANGES_MAX), Err("STATE_PRUNED"));
    assert!(proof(BlockId::Number(2), CHANGES_MAX).is_ok());
    assert_eq!(engine.batch_witness(1, CHANGES_MAX).unwrap_err().code(), "STATE_PRUNED");
}
