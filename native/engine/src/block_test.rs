use super::*;
use crate::engine::EngineOptions;
use crate::slice::RESULT_INCLUDED;
use alloy_primitives::address;

/// An account whose key is not needed: the block executor takes the sender as given.
const SENDER: Address = address!("00000000000000000000000000000000000000aa");

fn engine(path: &std::path::Path) -> Engine {
    Engine::open(&EngineOptions {
        path: path.to_path_buf(),
        chain_id: 1001,
        fork_id: 9,
        genesis_json: format!(r#"{{"genesis":[{{"address":"{SENDER}","balance":"1000000000000000000"}}]}}"#),
        sequencer: Address::repeat_byte(9),
        cache_bytes: 16 << 20,
        sync_writes: false,
        history_blocks: None,
        pre_execution_bytes: 1 << 20,
    })
    .unwrap()
}

fn item(nonce: u64) -> Vec<u8> {
    let mut tx = L2Transaction::default();
    tx.nonce = nonce;
    tx.gas_limit = 21_000;
    tx.to = Some(Address::repeat_byte(0x11));
    tx.value = alloy_primitives::U256::from(7 + nonce);
    tx.chain_id = Some(1001);
    tx.signature.v = 27;
    [SENDER.as_slice(), &[254], &tx.encode_signed()].concat()
}

fn run(engine: &Engine, rebuilds: bool) -> B256 {
    engine
        .open_block(&OpenBlockRequest {
            timestamp: 50,
            now_ms: 0,
            l1_info_tree_index: 0,
            global_exit_root: B256::ZERO,
            l1_block_hash: B256::ZERO,
        })
        .unwrap();
    for nonce in 0..3 {
        let item = item(nonce);
        let request = ExecuteRequest {
            transactions: vec![&item],
            remaining: engine.hard_limits(),
            high: Resources::default(),
            max_misfits: 1,
            budget_nanos: 0,
            repricing: None,
        };
        let answer = engine.execute(&request).unwrap();
        assert_eq!(answer[OUTCOME_HEADER_BYTES], RESULT_INCLUDED);
        if rebuilds {
            let reader = engine.head_reader();
            engine.lock_open().as_mut().unwrap().rebuild(reader).unwrap();
        }
    }
    engine.seal_block(0, None).unwrap().state_root
}

#[test]
fn a_rebuilt_block_is_the_same_block() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(run(&engine(one.path()), false), run(&engine(other.path()), true));
}
