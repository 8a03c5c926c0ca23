//! The paged tree against one-shot roots: any order, any cut into passes, any number of threads.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use alloy_primitives::U256;
use proptest::prelude::*;
use zkevm_state_tree::{
    H4, MemoryTree, NoSource, PageError, PageSource, StateTree, TreeConfig, TreeDelta, TreeError, root_of,
};

/// Pages in a map, as a database would have them.
#[derive(Default)]
struct Disk {
    pages: RwLock<HashMap<Vec<u8>, Vec<u8>>>,
    is_broken: AtomicBool,
}

impl Disk {
    fn write(&self, delta: &TreeDelta) {
        let mut pages = self.pages.write().expect("not poisoned");
        for write in delta.pages() {
            let key = write.key.bytes().to_vec();
            match &write.page {
                Some(page) => drop(pages.insert(key, page.to_vec())),
                None => assert!(pages.remove(&key).is_some(), "a page that never was is deleted: {:?}", write.key),
            }
        }
    }

    fn len(&self) -> usize {
        self.pages.read().expect("not poisoned").len()
    }
}

impl PageSource for Disk {
    fn page(&self, key: &[u8]) -> Result<Option<Vec<u8>>, PageError> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(PageError::new("broken"));
        }
        Ok(self.pages.read().expect("not poisoned").get(key).cloned())
    }
}

type Model = BTreeMap<H4, U256>;

fn apply(model: &mut Model, writes: &[(H4, U256)]) {
    for (key, value) in writes {
        if value.is_zero() {
            model.remove(key);
        } else {
            model.insert(*key, *value);
        }
    }
}

fn root_of_model(model: &Model) -> H4 {
    root_of(&model.iter().map(|(key, value)| (*key, *value)).collect::<Vec<_>>())
}

/// The whole tree is sound and has exactly the leaves of the model.
fn check_all(tree: &StateTree<Arc<Disk>>, disk: &Disk, model: &Model) {
    assert_eq!(tree.root(), root_of_model(model));
    let mut leaves = Vec::new();
    let report = tree
        .audit(|key, value_hash| -> Result<(), TreeError> {
            leaves.push((key, value_hash));
            Ok(())
        })
        .expect("a sound tree");
    leaves.sort_unstable();
    let expected: Vec<(H4, H4)> =
        model.iter().map(|(key, value)| (*key, zkevm_state_tree::value_hash(value))).collect();
    assert_eq!(leaves, expected);
    assert_eq!(report.leaf_count as usize, model.len());
    assert_eq!(report.page_count as usize, disk.len(), "pages were left behind");
}

/// Keys that share long prefixes often: few distinct bits, spread over all levels.
fn key() -> impl Strategy<Value = H4> {
    let bit = prop_oneof![0u32..6, 0u32..256, 250u32..256];
    proptest::collection::vec(bit, 0..5).prop_map(|bits| {
        let mut key = H4::ZERO;
        for level in bits {
            key.0[(level % 4) as usize] ^= 1 << (level / 4);
        }
        key
    })
}

fn write() -> impl Strategy<Value = (H4, U256)> {
    let random_key = any::<[u64; 4]>().prop_map(H4);
    (prop_oneof![6 => key(), 1 => random_key], prop_oneof![2 => Just(0u64), 3 => 1u64..4])
        .prop_map(|(key, value)| (key, U256::from(value)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_cut_into_passes_gives_the_same_tree(
        passes in proptest::collection::vec(proptest::collection::vec(write(), 0..40), 1..12),
        threads in 1usize..4,
        cache_bytes in prop_oneof![Just(0usize), Just(20_000), Just(1 << 30)],
        reopen_every in 1usize..5,
    ) {
        let disk = Arc::new(Disk::default());
        let config = TreeConfig { cache_bytes, threads };
        let mut tree = StateTree::open(disk.clone(), H4::ZERO, config).expect("the empty tree");
        let mut one_by_one = MemoryTree::new();
        let mut model = Model::new();
        for (number, writes) in passes.iter().enumerate() {
            apply(&mut model, writes);
            let delta = tree.update(writes).expect("readable");
            for write in writes {
                one_by_one.update(std::slice::from_ref(write));
            }
            prop_assert_eq!(delta.root, root_of_model(&model));
            prop_assert_eq!(delta.root, one_by_one.root());
            disk.write(&delta);
            tree.settle(delta.sequence);
            if number % reopen_every == 0 {
                tree = StateTree::open(disk.clone(), delta.root, config).expect("the tree just written");
            }
        }
        check_all(&tree, &disk, &model);
    }

    #[test]
    fn writes_pending_discarded_and_settled_late(
        passes in proptest::collection::vec((proptest::collection::vec(write(), 0..20), 0u8..4), 1..20),
    ) {
        let disk = Arc::new(Disk::default());
        let config = TreeConfig { cache_bytes: 30_000, threads: 1 };
        let mut tree = StateTree::open(disk.clone(), H4::ZERO, config).expect("the empty tree");
        let mut pending: Vec<(TreeDelta, Model)> = Vec::new();
        let mut durable = Model::new();
        for (writes, action) in passes {
            let mut model = pending.last().map_or(&durable, |(_, model)| model).clone();
            apply(&mut model, &writes);
            let delta = tree.update(&writes).expect("readable");
            prop_assert_eq!(delta.root, root_of_model(&model));
            pending.push((delta, model));
            match action {
                0 => {}
                1 => {
                    let from = pending.len() / 2;
                    tree.discard(&pending[from].0);
                    pending.truncate(from);
                }
                _ => {
                    let (delta, model) = pending.remove(0);
                    disk.write(&delta);
                    tree.settle(delta.sequence);
                    durable = model;
                }
            }
            prop_assert_eq!(tree.root(), root_of_model(pending.last().map_or(&durable, |(_, model)| model)));
        }
        for (delta, model) in pending {
            disk.write(&delta);
            tree.settle(delta.sequence);
            durable = model;
        }
        check_all(&tree, &disk, &durable);
    }
}

/// Keys as hashes would be.
fn random_key(seed: u64) -> H4 {
    zkevm_state_tree::poseidon::hash(&[seed, 0, 0, 0, 0, 0, 0, 0], &[9, 0, 0, 0])
}

#[test]
fn large_passes_on_several_threads() {
    for threads in [1, 2, 3, 16] {
        let disk = Arc::new(Disk::default());
        let config = TreeConfig { cache_bytes: 1 << 20, threads };
        let mut tree = StateTree::open(disk.clone(), H4::ZERO, config).expect("the empty tree");
        let mut model = Model::new();
        for pass in 0..8u64 {
            let writes: Vec<(H4, U256)> = (0..1500)
                .map(|i| {
                    let seed = (i * 7919 + pass * 104_729) % 4000;
                    let value = if (seed + pass) % 3 == 0 { 0 } else { seed + pass };
                    (random_key(seed), U256::from(value))
                })
                .collect();
            apply(&mut model, &writes);
            let delta = tree.update(&writes).expect("readable");
            disk.write(&delta);
            tree.settle(delta.sequence);
            check_all(&tree, &disk, &model);
        }
        let deletes: Vec<(H4, U256)> = model.keys().map(|key| (*key, U256::ZERO)).collect();
        let delta = tree.update(&deletes).expect("readable");
        disk.write(&delta);
        assert_eq!(delta.root, H4::ZERO);
        assert_eq!(disk.len(), 0, "pages of an empty tree");
    }
}

#[test]
fn two_keys_that_share_255_bits() {
    let a = H4([5, 6, 7, 8]);
    let mut b = a;
    b.0[3] ^= 1 << 63;
    let writes = [(a, U256::from(1)), (b, U256::from(2))];
    let disk = Arc::new(Disk::default());
    let mut tree = StateTree::open(disk.clone(), H4::ZERO, TreeConfig::default()).expect("the empty tree");
    let delta = tree.update(&writes).expect("readable");
    assert_eq!(delta.depth_reached, 256);
    assert_eq!(delta.depth_probed, 0);
    disk.write(&delta);
    tree.settle(delta.sequence);
    assert_eq!(disk.len(), 64, "64 pages of 4 levels");
    check_all(&tree, &disk, &writes.into_iter().collect());
    for (key, value) in writes {
        let proof = tree.prove(&key).expect("readable");
        assert_eq!(proof.siblings.len(), 256);
        assert_eq!(proof.verify_value(&delta.root, &key, &value), Ok(()));
    }
    assert_eq!(MemoryTree::from_leaves(writes).max_leaf_depth(), 256);
    // The survivor moves all the way up, past 255 nodes, and is then the whole tree.
    let delta = tree.update(&[(a, U256::ZERO)]).expect("readable");
    assert_eq!(delta.root, root_of(&[(b, U256::from(2))]));
    assert_eq!(delta.depth_probed, 256);
    disk.write(&delta);
    assert_eq!(disk.len(), 1);
}

#[test]
fn writes_that_change_nothing_touch_nothing() {
    let mut tree = StateTree::open(NoSource, H4::ZERO, TreeConfig::default()).expect("the empty tree");
    let leaves: Vec<(H4, U256)> = (1..200).map(|i| (random_key(i), U256::from(i))).collect();
    let delta = tree.update(&leaves).expect("readable");
    let absent: Vec<(H4, U256)> = (1000..1100).map(|i| (random_key(i), U256::ZERO)).collect();
    for writes in [&leaves[..], &leaves[..1], &absent[..], &[]] {
        let same = tree.update(writes).expect("readable");
        assert_eq!(same.root, delta.root);
        assert_eq!(same.pages().count(), 0);
    }
}

#[test]
fn a_failed_pass_leaves_the_tree_as_it_was() {
    let disk = Arc::new(Disk::default());
    let config = TreeConfig { cache_bytes: 0, threads: 2 };
    let mut tree = StateTree::open(disk.clone(), H4::ZERO, config).expect("the empty tree");
    let leaves: Vec<(H4, U256)> = (1..500).map(|i| (random_key(i), U256::from(i))).collect();
    let first = tree.update(&leaves).expect("readable");
    disk.write(&first);
    tree.settle(first.sequence);
    let changes: Vec<(H4, U256)> = leaves.iter().map(|(key, value)| (*key, *value + U256::from(1))).collect();
    disk.is_broken.store(true, Ordering::Relaxed);
    assert!(matches!(tree.update(&changes), Err(TreeError::Source { .. })));
    assert_eq!(tree.root(), first.root);
    disk.is_broken.store(false, Ordering::Relaxed);
    let second = tree.update(&changes).expect("readable again");
    assert_eq!(second.root, root_of(&changes));
}

#[test]
fn damage_is_noticed() {
    let disk = Arc::new(Disk::default());
    let mut tree = StateTree::open(disk.clone(), H4::ZERO, TreeConfig::default()).expect("the empty tree");
    let leaves: Vec<(H4, U256)> = (1..300).map(|i| (random_key(i), U256::from(i))).collect();
    let delta = tree.update(&leaves).expect("readable");
    disk.write(&delta);
    let audit = || {
        let tree = StateTree::open(disk.clone(), delta.root, TreeConfig { cache_bytes: 0, threads: 1 })?;
        tree.audit(|_, _| -> Result<(), TreeError> { Ok(()) })
    };
    audit().expect("sound");
    let keys: Vec<Vec<u8>> = disk.pages.read().expect("not poisoned").keys().cloned().collect();
    for key in keys {
        let good = disk.pages.read().expect("not poisoned")[&key].clone();
        for at in (0..good.len()).step_by(5).chain([0, good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            disk.pages.write().expect("not poisoned").insert(key.clone(), bad);
            assert!(audit().is_err(), "byte {at} of page {key:?}");
        }
        disk.pages.write().expect("not poisoned").insert(key.clone(), good[..good.len() - 1].to_vec());
        assert!(matches!(audit(), Err(TreeError::CorruptPage { .. })), "page {key:?} cut short");
        disk.pages.write().expect("not poisoned").remove(&key);
        assert!(matches!(audit(), Err(TreeError::MissingPage(_))), "page {key:?} removed");
        disk.pages.write().expect("not poisoned").insert(key, good);
    }
    let other = H4([1, 2, 3, 4]);
    assert!(matches!(StateTree::open(disk, other, TreeConfig::default()), Err(TreeError::WrongHash { .. })));
}
