//! The cache against a model, and its limit.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{page::HEADER_BYTES, path::Path};

fn key(number: u64) -> PageKey {
    PageKey::new(&Path([number << 32, 0, 0, 0]), 32)
}

fn is_known(cache: &PageCache, key: &PageKey) -> bool {
    !matches!(cache.get(key), Known::Nothing)
}

fn page(hashes: usize, fill: u8) -> Vec<u8> {
    vec![fill; HEADER_BYTES + 32 * hashes]
}

#[test]
fn the_limit_holds_and_used_pages_stay() {
    const LIMIT: usize = 8 << 20;
    let mut cache = PageCache::new(LIMIT);
    for number in 0..120_000u64 {
        cache.keep(&key(number), &page(2 + number as usize % 20, number as u8));
        if number % 16 == 0 {
            for hot in 0..64.min(number) {
                let expected = page(2 + hot as usize % 20, hot as u8);
                assert!(
                    matches!(cache.get(&key(hot)), Known::Page(page) if page == expected),
                    "page {hot} was dropped"
                );
            }
        }
        assert!(cache.bytes() <= LIMIT);
    }
    assert!(cache.len() > 12_000, "the cache is not used: {} pages", cache.len());
}

#[test]
fn pages_not_yet_durable_stay() {
    let mut cache = PageCache::new(0);
    for number in 0..1000 {
        cache.put(&key(number), Some(&page(4, number as u8)));
        cache.keep(&key(1000 + number), &page(4, 0));
    }
    for number in 0..1000 {
        let expected = page(4, number as u8);
        assert!(matches!(cache.get(&key(number)), Known::Page(page) if page == expected), "page {number}");
    }
    cache.trim();
    assert!(cache.len() >= 1000, "pinned pages stay");
    (0..1000).for_each(|number| cache.unpin(&key(number)));
    cache.trim();
    assert_eq!((cache.len(), cache.bytes()), (0, 0), "all of it is durable now and the limit is 0");
}

#[test]
fn deep_pages_have_names_of_their_own() {
    let mut cache = PageCache::new(usize::MAX);
    let keys: Vec<PageKey> = (0..64).map(|row| PageKey::new(&Path([5, 6, 7, 8]), 4 * row)).collect();
    for (number, key) in keys.iter().enumerate() {
        cache.keep(key, &page(3, number as u8));
    }
    for (number, key) in keys.iter().enumerate() {
        assert!(matches!(cache.get(key), Known::Page(found) if found == page(3, number as u8)), "page {number}");
    }
}

#[derive(Clone, Debug)]
enum Action {
    Put(u64, Option<usize>),
    Keep(u64, usize),
    Unpin(u64),
    Forget(u64),
}

fn action() -> impl Strategy<Value = Action> {
    let number = 0u64..50;
    let hashes = 2usize..22;
    prop_oneof![
        3 => (number.clone(), proptest::option::of(hashes.clone())).prop_map(|(number, size)| Action::Put(number, size)),
        3 => (number.clone(), hashes).prop_map(|(number, size)| Action::Keep(number, size)),
        3 => number.clone().prop_map(Action::Unpin),
        1 => number.prop_map(Action::Forget),
    ]
}

proptest! {
    /// Whatever the cache knows is what was put last, and what is pinned is known.
    #[test]
    fn the_cache_is_a_map(
        actions in proptest::collection::vec(action(), 0..200),
        limit in prop_oneof![Just(0usize), Just(10_000), Just(usize::MAX)],
    ) {
        let mut cache = PageCache::new(limit);
        let mut model: BTreeMap<u64, (Option<Vec<u8>>, u16)> = BTreeMap::new();
        for (turn, action) in actions.into_iter().enumerate() {
            match action {
                Action::Put(number, size) => {
                    let content = size.map(|size| page(size, turn as u8));
                    cache.put(&key(number), content.as_deref());
                    let entry = model.entry(number).or_default();
                    *entry = (content, entry.1 + 1);
                }
                // Only what is not known is read from the source.
                Action::Keep(number, size) if !is_known(&cache, &key(number)) => {
                    let content = page(size, turn as u8);
                    cache.keep(&key(number), &content);
                    model.insert(number, (Some(content), 0));
                }
                Action::Unpin(number) if model.get(&number).is_some_and(|(_, pins)| *pins > 0) => {
                    cache.unpin(&key(number));
                    let entry = model.get_mut(&number).expect("it is there");
                    entry.1 -= 1;
                    if *entry == (None, 0) {
                        model.remove(&number);
                    }
                }
                Action::Forget(number) => {
                    cache.forget(&key(number));
                    model.remove(&number);
                }
                _ => {}
            }
            for number in 0..50 {
                match (cache.get(&key(number)), model.get(&number)) {
                    (Known::Nothing, Some((_, pins))) => prop_assert!(*pins == 0 && limit < usize::MAX),
                    (Known::Nothing, None) | (Known::Deleted, Some((None, _))) => {}
                    (Known::Page(found), Some((Some(page), _))) => prop_assert_eq!(found, &page[..]),
                    (found, expected) => prop_assert!(false, "{:?} instead of {:?}", found, expected),
                }
            }
        }
    }
}
