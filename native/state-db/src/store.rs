//! The RocksDB handle: opening with coded errors, reads, and the one way to write.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy_rlp::Decodable;
use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ChecksumType, ColumnFamily, ColumnFamilyDescriptor, DB,
    DBCompressionType, DBPinnableSlice, Direction, ErrorKind, IteratorMode, LruCacheOptions, Options, ReadOptions,
    WriteBatch, WriteBufferManager, WriteOptions,
};

use crate::error::{DbError, DbResult};
use crate::prune::StateBounds;
use crate::records::{self, AccountRecord};
use crate::schema::{self, FORMAT_VERSION, meta};

/// How to open a [`Store`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Folder of the database; created when missing.
    pub path: PathBuf,
    /// Bytes of the shared block cache. Index and filter blocks are part of it, and memory tables, which take up to half, are charged to it.
    pub block_cache_bytes: usize,
    /// fsync the write-ahead log at every commit.
    pub sync_writes: bool,
    /// Create the database when there is none; without, [`DbError::Missing`].
    pub creates: bool,
}

/// Memory that RocksDB has in use, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryUse {
    /// Limit of the block cache.
    pub block_cache_capacity: u64,
    /// Data, index and filter blocks, and the memory tables' share.
    pub block_cache: u64,
    /// Memory tables, a part of the above.
    pub memtables: u64,
    /// What open tables hold outside of the cache.
    pub table_readers: u64,
}

/// A key and its value.
pub type Entry = (Box<[u8]>, Box<[u8]>);

/// Memory tables get at least this, however small the cache.
const MEMTABLE_BYTES_MIN: usize = 4 << 20;

/// A batch gets room for this part more than the last one took.
const BATCH_ROOM_DIVISOR: usize = 4;

/// Why nothing is written any more.
#[derive(Debug)]
enum Stop {
    /// A write failed: what is in memory may be ahead of the disk.
    WriteFailed(String),
    /// Stored data is damaged: what is computed from it may be wrong.
    Corrupt(String),
}

/// One open database.
pub struct Store {
    db: DB,
    sync_writes: bool,
    cache: Cache,
    block_cache_bytes: usize,
    stop: OnceLock<Stop>,
    bounds: StateBounds,
    /// Bytes of the last large batch, for room in the next one.
    batch_bytes: AtomicUsize,
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
    /// [`DbError::Locked`], [`DbError::Unwritable`], [`DbError::NewerFormat`], [`DbError::Missing`], [`DbError::Corrupt`] as their texts say.
    pub fn open(options: &StoreOptions) -> DbResult<Self> {
        crate::allocator::bound_free_memory();
        let path = options.path.as_path();
        // RocksDB's pointer to the newest manifest: every database has it.
        if !options.creates && !path.join("CURRENT").exists() {
            return Err(DbError::Missing { path: path.display().to_string() });
        }
        std::fs::create_dir_all(path).map_err(|error| unwritable(path, &error.to_string()))?;
        probe_writable(path)?;
        let cache = block_cache(options.block_cache_bytes);
        let families = schema::ALL.iter().map(|name| ColumnFamilyDescriptor::new(*name, family_options(name, &cache)));
        let db_options = database_options(options, &cache);
        let db = DB::open_cf_descriptors(&db_options, path, families).map_err(|error| open_error(path, error))?;
        let mut store = Self {
            db,
            sync_writes: options.sync_writes,
            cache,
            block_cache_bytes: options.block_cache_bytes,
            stop: OnceLock::new(),
            bounds: StateBounds::default(),
            batch_bytes: AtomicUsize::new(0),
        };
        store.check_format()?;
        store.bounds = StateBounds::new(store.stored_oldest_state()?);
        Ok(store)
    }

    /// Reads one value.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed read.
    pub fn get(&self, family: &str, key: &[u8]) -> DbResult<Option<DBPinnableSlice<'_>>> {
        self.db.get_pinned_cf(self.family(family)?, key).map_err(|error| self.read_failed(family, error))
    }

    /// Reads the values of many keys, which are sorted, in their order.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed read.
    pub fn get_many<K: AsRef<[u8]>>(&self, family: &str, keys: &[K]) -> DbResult<Vec<Option<DBPinnableSlice<'_>>>> {
        let are_sorted = true;
        let values = self.db.batched_multi_get_cf(self.family(family)?, keys, are_sorted);
        values.into_iter().map(|value| value.map_err(|error| self.read_failed(family, error))).collect()
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

    /// An empty batch with room for what the last one took that was made here: growing a buffer of megabytes copies it over and over.
    pub fn large_batch(&self) -> WriteBatch {
        let last = self.batch_bytes.load(Ordering::Relaxed);
        WriteBatch::with_capacity_bytes(last + last / BATCH_ROOM_DIVISOR)
    }

    /// As [`Store::write`] for a batch of [`Store::large_batch`].
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_large(&self, batch: WriteBatch) -> DbResult<()> {
        self.batch_bytes.store(batch.size_in_bytes(), Ordering::Relaxed);
        self.write(batch)
    }

    /// Writes `batch` atomically; with `sync_writes` it is on disk when this returns.
    ///
    /// # Errors
    /// [`DbError::Rocks`] when the write failed; [`DbError::Poisoned`] after that, [`DbError::Corrupt`] after damage was found.
    pub fn write(&self, batch: WriteBatch) -> DbResult<()> {
        self.write_with(batch, self.sync_writes)
    }

    /// As [`Store::write`] for what may be lost in a power cut and done again.
    pub(crate) fn write_unsynced(&self, batch: WriteBatch) -> DbResult<()> {
        self.write_with(batch, false)
    }

    fn write_with(&self, batch: WriteBatch, sync: bool) -> DbResult<()> {
        self.check_writable()?;
        let mut write_options = WriteOptions::default();
        write_options.set_sync(sync);
        self.write_now(batch, &write_options).inspect_err(|failure| {
            self.stop_writes(match failure {
                DbError::Corrupt { what } => Stop::Corrupt(what.clone()),
                other => Stop::WriteFailed(other.to_string()),
            });
        })
    }

    #[cfg(not(feature = "failpoints"))]
    fn write_now(&self, batch: WriteBatch, write_options: &WriteOptions) -> DbResult<()> {
        self.db.write_opt(batch, write_options).map_err(rocks_error)
    }

    #[cfg(feature = "failpoints")]
    fn write_now(&self, batch: WriteBatch, write_options: &WriteOptions) -> DbResult<()> {
        crate::failpoint::write(|| self.db.write_opt(batch, write_options).map_err(rocks_error))
    }

    /// Refuses once writes are stopped.
    ///
    /// # Errors
    /// [`DbError::Poisoned`], [`DbError::Corrupt`] with the first cause.
    pub fn check_writable(&self) -> DbResult<()> {
        match self.stop.get() {
            None => Ok(()),
            Some(Stop::WriteFailed(first)) => Err(DbError::Poisoned { first: first.clone() }),
            Some(Stop::Corrupt(first)) => Err(DbError::corrupt(format!("nothing is written any more: {first}"))),
        }
    }

    fn stop_writes(&self, stop: Stop) {
        // The first cause is the one to know.
        let _ = self.stop.set(stop);
    }

    /// A failed read; damage found by a checksum stops all writes.
    pub(crate) fn read_failed(&self, family: &str, error: rocksdb::Error) -> DbError {
        match rocks_error(error) {
            DbError::Corrupt { what } => self.corrupt(format!("{family}: {what}")),
            other => other,
        }
    }

    /// [`DbError::Corrupt`] about something stored, which stops all writes: nothing may be built on damaged data.
    pub(crate) fn corrupt(&self, what: impl Into<String>) -> DbError {
        let what = what.into();
        self.stop_writes(Stop::Corrupt(what.clone()));
        DbError::Corrupt { what }
    }

    /// Decodes a stored record.
    pub(crate) fn decode<T: Decodable>(&self, what: &str, bytes: &[u8]) -> DbResult<T> {
        records::decode(what, bytes).map_err(|error| self.stopping(error))
    }

    /// Decodes a stored account.
    pub(crate) fn account_from(&self, bytes: &[u8]) -> DbResult<AccountRecord> {
        AccountRecord::from_bytes(bytes).map_err(|error| self.stopping(error))
    }

    /// The same error; damage stops all writes.
    pub(crate) fn stopping(&self, error: DbError) -> DbError {
        match error {
            DbError::Corrupt { what } => self.corrupt(what),
            other => other,
        }
    }

    pub(crate) const fn bounds(&self) -> &StateBounds {
        &self.bounds
    }

    /// Refuses every further write, as after a failed one: for whoever finds that what is on disk must not change any more.
    pub fn refuse_writes(&self, reason: &str) {
        self.stop_writes(Stop::WriteFailed(reason.to_owned()));
    }

    /// Iterates from `from` (inclusive) in key order.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the column family does not exist.
    pub fn scan(&self, family: &str, from: &[u8]) -> DbResult<impl Iterator<Item = DbResult<Entry>> + '_> {
        self.scan_with(family, from, ReadOptions::default())
    }

    /// As [`Store::scan`], up to `to` (exclusive).
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when the column family does not exist.
    pub(crate) fn scan_range(
        &self,
        family: &str,
        from: &[u8],
        to: Vec<u8>,
    ) -> DbResult<impl Iterator<Item = DbResult<Entry>> + '_> {
        self.scan_with(family, from, up_to(to))
    }

    fn scan_with(
        &self,
        family: &str,
        from: &[u8],
        bounds: ReadOptions,
    ) -> DbResult<impl Iterator<Item = DbResult<Entry>> + use<'_>> {
        let mode = IteratorMode::From(from, Direction::Forward);
        let items = self.db.iterator_cf_opt(self.family(family)?, bounds, mode);
        let family = schema::ALL.iter().copied().find(|name| *name == family).unwrap_or_default();
        Ok(items.map(move |item| item.map_err(|error| self.read_failed(family, error))))
    }

    /// Writes out the write-ahead log and syncs it. The next start replays it.
    ///
    /// # Errors
    /// [`DbError::Rocks`] on a failed write.
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

    /// Memory that RocksDB has in use.
    pub fn memory_use(&self) -> MemoryUse {
        MemoryUse {
            block_cache_capacity: self.block_cache_bytes as u64,
            block_cache: self.cache.get_usage() as u64,
            memtables: self.property_sum("rocksdb.cur-size-all-mem-tables"),
            table_readers: self.property_sum("rocksdb.estimate-table-readers-mem"),
        }
    }

    /// RocksDB itself.
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
        if found < FORMAT_VERSION { self.migrate(found) } else { Ok(()) }
    }
}

/// Keys below `to`. An iterator without a bound may have to skip much of what comes after its range before it finds that it is at the end.
pub(crate) fn up_to(to: impl Into<Vec<u8>>) -> ReadOptions {
    let mut bounds = ReadOptions::default();
    bounds.set_iterate_upper_bound(to);
    bounds
}

fn database_options(options: &StoreOptions, cache: &Cache) -> Options {
    let mut db_options = Options::default();
    db_options.create_if_missing(options.creates);
    db_options.create_missing_column_families(true);
    db_options.set_max_background_jobs(2);
    db_options.set_bytes_per_sync(1 << 20);
    db_options.set_keep_log_file_num(4);
    db_options.set_max_total_wal_size(256 << 20);
    // A write-ahead log that is missing or shorter than it was synced must not pass for an older state.
    db_options.set_track_and_verify_wals_in_manifest(true);
    let memtable_bytes = (options.block_cache_bytes / 2).max(MEMTABLE_BYTES_MIN);
    let never_stalls = false;
    let manager = WriteBufferManager::new_write_buffer_manager_with_cache(memtable_bytes, never_stalls, cache.clone());
    db_options.set_write_buffer_manager(&manager);
    db_options
}

/// A part of the cache is at least this large, so that no block is a large part of its part, however unevenly memory tables are charged.
const CACHE_SHARD_BYTES: usize = 8 << 20;
const CACHE_SHARD_BITS_MAX: u32 = 4;

fn block_cache(bytes: usize) -> Cache {
    let mut options = LruCacheOptions::default();
    options.set_capacity(bytes);
    options.set_num_shard_bits((bytes / CACHE_SHARD_BYTES).max(1).ilog2().min(CACHE_SHARD_BITS_MAX).cast_signed());
    Cache::new_lru_cache_opts(&options)
}

/// Point-read families get bloom filters; the families of whole values that are read in order do without.
fn family_options(name: &str, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_format_version(5);
    table.set_checksum_type(ChecksumType::XXH3);
    table.set_bloom_filter(10.0, false);
    // Whole indexes and filters have megabytes at the lowest level: one that does not find room in the cache is read, decompressed and
    // thrown away by every single look-up. In parts, what is looked at stays.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_metadata_block_size(4 << 10);
    table.set_pin_top_level_index_and_filter(true);
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
    rocks_error(error)
}

/// RocksDB's own word for damage becomes ours.
fn rocks_error(error: rocksdb::Error) -> DbError {
    match error.kind() {
        ErrorKind::Corruption => DbError::corrupt(error.into_string()),
        _ => DbError::Rocks(error),
    }
}

#[cfg(test)]
#[path = "store_test.rs"]
mod tests;
