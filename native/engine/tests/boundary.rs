//! What crosses the boundary is hostile: random and mutated layouts give rows or coded errors, never a panic, and never a changed chain.
//! Cases that failed once are kept next to this file by proptest.

mod common;

use common::{accounts, execute, open_block, options, request};
use proptest::prelude::*;
use zkevm_engine::block::ExecuteRequest;
use zkevm_engine::block_id::BlockId;
use zkevm_engine::call::CallRequest;
use zkevm_engine::engine::Engine;
use zkevm_engine::layout::{ADMISSION_ROW_BYTES, Resources, pack_list, unpack_list};
use zkevm_engine::{LimitsDivisor, admission};

struct Fixture {
    engine: Engine,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    Fixture { engine: Engine::open(&options(dir.path())).unwrap(), _dir: dir }
}

/// A good item with some bytes changed and maybe its end cut off.
fn mutated(item: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..5);
    (changes, any::<prop::sample::Index>(), any::<bool>()).prop_map(move |(changes, end, is_cut)| {
        let mut item = item.clone();
        for (at, byte) in changes {
            let at = at.index(item.len());
            item[at] = byte;
        }
        if is_cut {
            item.truncate(end.index(item.len()));
        }
        item
    })
}

fn any_raw() -> impl Strategy<Value = Vec<u8>> {
    let account = &accounts()[0];
    let transfer = account.transfer(0, account.address, 1);
    let deploy = account.sign(0, None, 0, 100_000, &[0x60, 1, 0x60, 0, 0x55]);
    prop_oneof![
        3 => mutated(transfer),
        2 => mutated(deploy),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn lists_unpack_to_what_was_packed(items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..20)) {
        let list = pack_list(&items);
        prop_assert_eq!(unpack_list(&list).unwrap(), items.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }

    #[test]
    fn broken_lists_are_coded_errors(
        items in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..8),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut list = pack_list(&items);
        for (at, byte) in changes {
            let at = at.index(list.len());
            list[at] = byte;
        }
        match unpack_list(&list) {
            // What still reads as a list is one: it packs to the same bytes but for the two that nobody reads.
            Ok(items) => prop_assert_eq!(&pack_list(&items)[4..], &list[4..]),
            Err(error) => prop_assert_eq!(error.code(), "LAYOUT_INVALID"),
        }
    }

    #[test]
    fn resources_are_read_as_written(values in any::<[u64; 10]>(), other in proptest::collection::vec(any::<u8>(), 0..120)) {
        let resources = Resources(values);
        prop_assert_eq!(Resources::read(&resources.to_bytes()).unwrap(), resources);
        prop_assert_eq!(Resources::read(&other).is_ok(), other.len() == 80);
    }
}

#[test]
fn hostile_items_give_rows_or_coded_errors_and_change_nothing() {
    let Fixture { engine, _dir } = fixture();
    open_block(&engine, 100);
    let root = engine.chain().head.state_root;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 400, ..ProptestConfig::default() });
    let items = proptest::collection::vec((any_raw(), any::<u8>()), 1..6);
    runner
        .run(&items, |items| {
            let raw: Vec<&[u8]> = items.iter().map(|(raw, _)| raw.as_slice()).collect();
            let rows = admission::admit(&engine, &raw, true).unwrap();
            prop_assert_eq!(rows.len(), raw.len() * ADMISSION_ROW_BYTES);
            // The same bytes as items of a slice and of pre-execution: a sender, a percentage, whatever follows.
            let packed: Vec<Vec<u8>> = items.iter().map(|(raw, byte)| [&[*byte; 21][..], raw].concat()).collect();
            let request = ExecuteRequest { max_misfits: u32::MAX, ..request(&engine, &packed) };
            prop_assert!(engine.execute(&request).is_ok());
            for item in &raw {
                if let Err(error) = admission::pre_execute(&engine, &[item], LimitsDivisor::WHOLE) {
                    prop_assert_eq!(error.code(), "LAYOUT_INVALID");
                }
                if let Err(error) = zkevm_engine::pool::write(engine.store(), item) {
                    prop_assert_eq!(error.code(), "LAYOUT_INVALID");
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    engine.discard_block();
    assert_eq!(engine.chain().head.state_root, root);
    // And it still works.
    open_block(&engine, 101);
    let a = &accounts()[0];
    assert_eq!(execute(&engine, &[a.item(&a.transfer(0, a.address, 1))])[0].result, 0);
}

#[test]
fn hostile_overrides_are_coded_errors() {
    let Fixture { engine, _dir } = fixture();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 300, ..ProptestConfig::default() });
    let good = [
        format!(r#"{{"{}":{{"balance":"0x1","code":"0x60016000f3","stateDiff":{{}}}}}}"#, accounts()[0].address),
        r#"{"number":"0x5","time":"0xffffffffffffffff","gasLimit":"0x1"}"#.to_owned(),
        format!(r#"[{{"address":"{}","storageKeys":[]}}]"#, accounts()[0].address),
    ];
    let texts = proptest::sample::select(good.to_vec()).prop_flat_map(|text| mutated(text.into_bytes()));
    runner
        .run(&texts, |text| {
            let text = String::from_utf8_lossy(&text).into_owned();
            for field in 0..3 {
                let of = |index| (index == field).then(|| text.clone());
                let call = CallRequest {
                    to: Some(accounts()[0].address),
                    state_overrides_json: of(0),
                    block_overrides_json: of(1),
                    access_list_json: of(2),
                    ..CallRequest::default()
                };
                if let Err(error) = engine.call(&call, BlockId::Latest) {
                    prop_assert_eq!(error.code(), "CALL_INVALID");
                }
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
