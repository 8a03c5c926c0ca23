//! What the unit tests of this crate share.

use std::path::Path;

use crate::store::{Store, StoreOptions};

/// Options for a small database.
pub(crate) fn options(path: &Path) -> StoreOptions {
    StoreOptions { path: path.to_path_buf(), block_cache_bytes: 1 << 20, sync_writes: false, creates: true }
}

/// A small database.
pub(crate) fn open(path: &Path) -> Store {
    Store::open(&options(path)).unwrap()
}
