//! The RocksDB handle: opening with coded errors, reads, and the one way to write.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType, DBPinnableSlice, Options,
    WriteBatch, WriteOptions,
};

use crate::error::{DbError, DbResult};
use crate::schema::{self, FORMAT_VERSION, meta};

/// How to open a [`Store`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Folder of the database; created when missing.
    pub path: PathBuf,
    /// Bytes of the shared block cache.
    pub block_cache_bytes: usize,
    /// fsync the write-ahead log at every commit.
    pub sync_writes: bool,
}

/// A key and its value.
pub type Entry = (Box<[u8]>, Box<[u8]>);

/// One open database.
pub struct Store {
    db: DB,
    sync_writes: bool,
    // Set by the first failed write: what is in memory may then be ahead of the disk, so nothing more is written.
    poisoned: AtomicBool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.db.path()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or creates the database.
    ///
    /// # Errors
    /// [`DbError::Locked`], [`DbError::Unwritable`], [`DbError::NewerFormat`], [`DbError::Corrupt`] as their texts say.
    pub fn open(options: &StoreOptions) -> DbResult<Self> {
        let path = options.path.as_path();
        std::fs::create_dir_all(path).map_err(|error| unwritable(path, &error.to_string()))?;
        probe_writable(path)?;
        let cache = Cache::new_lru_cache(options.block_cache_bytes);
        let families = schema::ALL.iter().map(|name| ColumnFamilyDescriptor::new(*name, family_options(name, &cache)));
        let mut db_options = Options::default();
        db_options.create_if_missing(true);
        db_options.create_missing_column_families(true);
        db_options.set_max_background_jobs(2);
        db_options.set_bytes_per_sync(1 << 20);
        db_options.set_keep_log_file_num(4);
        db_options.set_max_total_wal_size(256 << 20);
        let db = DB::open_cf_descriptors(&db_options, path, families).map_err(|error| open_error(path, error))?;
        let store = Self { db, sync_writes: options.sync_writes, poisoned: AtomicBool::new(false) };
        store.check_format()?;
        Ok(store)
    }

    /// Reads one value.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed read.
    pub fn get(&self, family: &str, key: &[u8]) -> DbResult<Option<DBPinnableSlice<'_>>> {
        Ok(self.db.get_pinned_cf(self.family(family)?, key)?)
    }

    /// Puts `value` into `batch`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the column family does not exist.
    pub fn put(&self, batch: &mut WriteBatch, family: &str, key: &[u8], value: &[u8]) -> DbResult<()> {
        batch.put_cf(self.family(family)?, key, value);
        Ok(())
    }

    /// Puts the deletion of `key` into `batch`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the column family does not exist.
    pub fn delete(&self, batch: &mut WriteBatch, family: &str, key: &[u8]) -> DbResult<()> {
        batch.delete_cf(self.family(family)?, key);
        Ok(())
    }

    /// Writes `batch` atomically; with `sync_writes` it is on disk when this returns.
    ///
    /// # Errors
    /// [`DbError::Rocks`] when the write failed (the store is poisoned then), [`DbError::Poisoned`] after that.
    pub fn write(&self, batch: WriteBatch) -> DbResult<()> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(DbError::Poisoned);
        }
        let mut write_options = WriteOptions::default();
        write_options.set_sync(self.sync_writes);
        self.db.write_opt(batch, &write_options).map_err(|error| {
            self.poisoned.store(true, Ordering::Release);
            DbError::Rocks(error)
        })
    }

    /// Iterates from `from` (inclusive) in key order.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the column family does not exist.
    pub fn scan(&self, family: &str, from: &[u8]) -> DbResult<impl Iterator<Item = DbResult<Entry>> + '_> {
        let mode = rocksdb::IteratorMode::From(from, rocksdb::Direction::Forward);
        Ok(self.db.iterator_cf(self.family(family)?, mode).map(|item| item.map_err(DbError::Rocks)))
    }

    /// Flushes memory tables, so that the next start replays no log.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed flush.
    pub fn flush(&self) -> DbResult<()> {
        self.db.flush_wal(true)?;
        Ok(())
    }

    /// A RocksDB property summed over the column families, e.g. `rocksdb.estimate-num-keys`.
    pub fn property_sum(&self, property: &str) -> u64 {
        schema::ALL
            .iter()
            .filter_map(|name| self.db.property_int_value_cf(self.db.cf_handle(name)?, property).ok().flatten())
            .sum()
    }

    pub(crate) const fn db(&self) -> &DB {
        &self.db
    }

    pub(crate) fn family(&self, name: &str) -> DbResult<&ColumnFamily> {
        self.db.cf_handle(name).ok_or_else(|| DbError::corrupt(format!("column family {name} is missing")))
    }

    fn check_format(&self) -> DbResult<()> {
        let found = self.get(schema::META, meta::FORMAT)?.map(|value| value.to_vec());
        let Some(bytes) = found else {
            let mut batch = WriteBatch::default();
            self.put(&mut batch, schema::META, meta::FORMAT, &FORMAT_VERSION.to_be_bytes())?;
            return self.write(batch);
        };
        let bytes: [u8; 4] = bytes.try_into().map_err(|_| DbError::corrupt("meta/format has a wrong length"))?;
        let found = u32::from_be_bytes(bytes);
        if found > FORMAT_VERSION {
            return Err(DbError::NewerFormat { found, supported: FORMAT_VERSION });
        }
        Ok(())
    }
}

/// Point-read families get bloom filters; the families of whole values that are read in order do without.
fn family_options(name: &str, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_format_version(5);
    table.set_bloom_filter(10.0, false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_level_compaction_dynamic_level_bytes(true);
    // Hashes and tree pages do not compress; text-like and RLP records do.
    let compression = match name {
        schema::TREE | schema::FLAT_STORAGE | schema::TRANSACTION_BY_HASH | schema::BLOCK_BY_HASH => {
            DBCompressionType::None
        }
        _ => DBCompressionType::Lz4,
    };
    options.set_compression_type(compression);
    options
}

fn probe_writable(path: &Path) -> DbResult<()> {
    let probe = path.join(".write-probe");
    std::fs::write(&probe, b"").map_err(|error| unwritable(path, &error.to_string()))?;
    std::fs::remove_file(&probe).map_err(|error| unwritable(path, &error.to_string()))
}

fn unwritable(path: &Path, reason: &str) -> DbError {
    DbError::Unwritable { path: path.display().to_string(), reason: reason.to_owned() }
}

/// RocksDB reports a held lock and a newer database (unknown column families) as texts only.
fn open_error(path: &Path, error: rocksdb::Error) -> DbError {
    let text = error.to_string();
    if text.contains("lock hold by") || text.contains("While lock file") {
        return DbError::Locked { path: path.display().to_string() };
    }
    if text.contains("Column families not opened") {
        return DbError::NewerFormat { found: FORMAT_VERSION + 1, supported: FORMAT_VERSION };
    }
    DbError::Rocks(error)
}

#[cfg(test)]
#[path = "store_test.rs"]
mod tests;
