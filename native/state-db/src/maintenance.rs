//! What an operator does with a database as a whole: sizes, compaction, checkpoints.

use std::path::Path;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::{BottommostLevelCompaction, CompactOptions, DB, Options};

use crate::error::{DbError, DbResult};
use crate::records::{ChainRecord, HeadRecord, decode};
use crate::schema;
use crate::store::Store;

/// Levels that RocksDB has.
const LEVELS: usize = 7;

/// Sizes of a column family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyStats {
    /// Its name.
    pub name: &'static str,
    /// Keys as RocksDB estimates them: overwritten and deleted ones may count until they are compacted away.
    pub keys_estimated: u64,
    /// Bytes of its table files.
    pub file_bytes: u64,
    /// Bytes of its memory tables.
    pub memtable_bytes: u64,
    /// Table files of each level, up to the last one that has any.
    pub level_files: Vec<u64>,
}

/// Which chain and head a database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The chain.
    pub chain: ChainRecord,
    /// Its newest committed state.
    pub head: HeadRecord,
    /// Format version.
    pub format: u32,
}

impl Store {
    /// Sizes of every column family.
    pub fn family_stats(&self) -> Vec<FamilyStats> {
        schema::ALL.iter().map(|name| self.stats_of(name)).collect()
    }

    fn stats_of(&self, name: &'static str) -> FamilyStats {
        let number = |property: &str| {
            let family = self.db().cf_handle(name);
            family.and_then(|family| self.db().property_int_value_cf(family, property).ok().flatten()).unwrap_or(0)
        };
        let files_at = |level: usize| {
            let property = format!("rocksdb.num-files-at-level{level}");
            let family = self.db().cf_handle(name)?;
            self.db().property_value_cf(family, property.as_str()).ok().flatten()?.parse().ok()
        };
        let mut level_files: Vec<u64> = (0..LEVELS).map(|level| files_at(level).unwrap_or(0)).collect();
        while level_files.last() == Some(&0) {
            level_files.pop();
        }
        FamilyStats {
            name,
            keys_estimated: number("rocksdb.estimate-num-keys"),
            file_bytes: number("rocksdb.total-sst-files-size"),
            memtable_bytes: number("rocksdb.cur-size-all-mem-tables"),
            level_files,
        }
    }

    /// Number of rows of a column family, by reading all of them.
    ///
    /// # Errors
    /// [`DbError::Corrupt`], [`DbError::Rocks`].
    pub fn count(&self, family: &str) -> DbResult<u64> {
        let mut count = 0;
        for item in self.scan(family, &[])? {
            item?;
            count += 1;
        }
        Ok(count)
    }

    /// Rewrites a whole column family: deleted and overwritten data is gone from the disk afterwards.
    ///
    /// # Errors
    /// [`DbError::Rocks`] when the memory tables cannot be written, [`DbError::Corrupt`] when RocksDB found damage on the way.
    pub fn compact(&self, family: &str) -> DbResult<()> {
        let handle = self.family(family)?;
        self.db().flush_cf(handle)?;
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
        self.db().compact_range_cf_opt(handle, None::<&[u8]>, None::<&[u8]>, &options);
        // Compaction reports no result; a failed one leaves RocksDB refusing to write.
        let errors = self.db().property_int_value("rocksdb.background-errors")?.unwrap_or(0);
        if errors > 0 {
            Err(DbError::corrupt(format!("compaction of {family} failed, RocksDB's log says why")))
        } else {
            Ok(())
        }
    }

    /// A consistent copy of the database in `folder`, which must not exist: table files are linked where the file system can, so that it
    /// takes little time and space. The database may be in use.
    ///
    /// # Errors
    /// [`DbError::Rocks`].
    pub fn checkpoint(&self, folder: &Path) -> DbResult<()> {
        Ok(Checkpoint::new(self.db())?.create_checkpoint(folder)?)
    }

    /// Which chain and head the database in `folder` has; it is not changed, and may not be in use.
    ///
    /// # Errors
    /// [`DbError::Missing`], [`DbError::Corrupt`], [`DbError::NewerFormat`].
    pub fn identify(folder: &Path) -> DbResult<Identity> {
        if !folder.join("CURRENT").exists() {
            return Err(DbError::Missing { path: folder.display().to_string() });
        }
        let db = DB::open_cf_for_read_only(&Options::default(), folder, [schema::META], false)?;
        let meta = db.cf_handle(schema::META).ok_or_else(|| DbError::corrupt("column family meta is missing"))?;
        let value = |key: &[u8], what: &str| {
            db.get_cf(meta, key)?.ok_or_else(|| DbError::corrupt(format!("meta/{what} is missing")))
        };
        let format = value(schema::meta::FORMAT, "format")?;
        let format = u32::from_be_bytes(
            format.as_slice().try_into().map_err(|_| DbError::corrupt("meta/format has a wrong length"))?,
        );
        if format > schema::FORMAT_VERSION {
            return Err(DbError::NewerFormat { found: format, supported: schema::FORMAT_VERSION });
        }
        let chain = decode("chain", &value(schema::meta::CHAIN, "chain")?)?;
        let head = decode("head", &value(schema::meta::HEAD, "head")?)?;
        Ok(Identity { chain, head, format })
    }
}

#[cfg(test)]
#[path = "maintenance_test.rs"]
mod tests;
