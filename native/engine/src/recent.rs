//! What was inserted last, by key. Not a cache that learns what is asked for often: a cache of that kind keeps its old entries and gives a
//! new one away after a few thousand others, where everything is asked for once, some time after it came.

use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use alloy_primitives::map::HashMap;

/// Keeps at least the last `half` insertions, and at most twice as many.
pub(crate) struct Recent<K, V> {
    half: usize,
    generations: RwLock<Generations<K, V>>,
}

struct Generations<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Copy> Recent<K, V> {
    pub(crate) fn new(half: usize) -> Self {
        Self { half, generations: RwLock::new(Generations { newer: HashMap::default(), older: HashMap::default() }) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        // A map is whole after every operation on it.
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.newer.get(key).or_else(|| generations.older.get(key)).copied()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        if generations.newer.len() >= self.half {
            generations.older = std::mem::take(&mut generations.newer);
        }
        generations.newer.insert(key, value);
    }

    /// Entries that are kept.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let generations = self.generations.read().unwrap();
        let again = generations.newer.keys().filter(|key| generations.older.contains_key(key)).count();
        generations.newer.len() + generations.older.len() - again
    }

    #[cfg(test)]
    pub(crate) fn clear(&self) {
        let mut generations = self.generations.write().unwrap();
        generations.newer.clear();
        generations.older.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_there_however_many_came_before_and_nothing_grows() {
        let recent = Recent::new(100);
        for key in 0..10_000_u32 {
            recent.insert(key, key);
            for kept in key.saturating_sub(99)..=key {
                assert_eq!(recent.get(&kept), Some(kept));
            }
            assert!(recent.len() <= 200);
        }
        recent.insert(9_999, 1);
        assert_eq!(recent.get(&9_999), Some(1), "the newest value");
    }
}
