//! The changed pages of a pass, side by side in one buffer.

use std::sync::Arc;

use crate::page::PageKey;

/// One page that a pass writes.
#[derive(Clone, Copy, Debug)]
pub struct PageWrite<'a> {
    /// Where it goes; [`PageKey::bytes`] for the storage.
    pub key: PageKey,
    /// Its content, or `None` when the page ceases to exist.
    pub page: Option<&'a [u8]>,
}

/// What one thread of a pass writes.
#[derive(Clone, Default, Debug)]
pub(crate) struct Changes {
    /// The pages, one after the other.
    pub(crate) bytes: Vec<u8>,
    /// Place and end in `bytes`; a page begins where the one before it ends, a deleted one is empty.
    pub(crate) ends: Vec<(PageKey, usize)>,
}

impl Changes {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// What has been added to `bytes` is this page.
    pub(crate) fn push(&mut self, key: PageKey) {
        self.ends.push((key, self.bytes.len()));
    }

    /// This page ceases to exist.
    pub(crate) fn push_deleted(&mut self, key: PageKey) {
        self.push(key);
    }

    fn writes(&self) -> impl Iterator<Item = PageWrite<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |(key, end)| {
            let bytes = &self.bytes[start..*end];
            start = *end;
            PageWrite { key: *key, page: (!bytes.is_empty()).then_some(bytes) }
        })
    }
}

/// What a pass writes, by thread.
pub(crate) type PassChanges = Arc<[Changes]>;

/// All writes of a pass.
pub(crate) fn all_writes(changes: &[Changes]) -> impl Iterator<Item = PageWrite<'_>> {
    changes.iter().flat_map(Changes::writes)
}

/// Buffers of passes that are durable: used again once nobody else holds them.
#[derive(Default)]
pub(crate) struct RetiredChanges(Vec<PassChanges>);

impl RetiredChanges {
    /// More are never needed: one pass is computed while another is written.
    const KEPT: usize = 3;
    /// What an exceptional pass took is given back.
    const KEPT_BYTES: usize = 16 << 20;

    pub(crate) fn add(&mut self, changes: PassChanges) {
        let bytes: usize = changes.iter().map(|part| part.bytes.capacity()).sum();
        if self.0.len() < Self::KEPT && bytes <= Self::KEPT_BYTES {
            self.0.push(changes);
        }
    }

    /// A buffer to be filled.
    pub(crate) fn take(&mut self) -> Changes {
        for changes in &mut self.0 {
            let Some(parts) = Arc::get_mut(changes) else { continue };
            if let Some(part) = parts.iter_mut().find(|part| part.bytes.capacity() > 0) {
                let mut part = std::mem::take(part);
                part.clear();
                return part;
            }
        }
        self.0.retain(|changes| changes.iter().any(|part| part.bytes.capacity() > 0));
        Changes::default()
    }
}
