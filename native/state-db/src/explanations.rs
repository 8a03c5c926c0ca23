//! Records from which it is explained what became of transactions: written beside the chain, and not part of it.

use rocksdb::WriteBatch;

use crate::error::DbResult;
use crate::schema;
use crate::store::Store;

/// What to do with the record of (batch, part).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplanationWrite<'a> {
    /// Keep these bytes.
    Put(u64, u64, &'a [u8]),
    /// Forget it.
    Remove(u64, u64),
}

/// A record: batch, part, bytes.
pub type Explanation = (u64, u64, Box<[u8]>);

impl Store {
    /// Applies all of them in one write that is not synced: a power cut may cost the newest.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_explanations(&self, writes: &[ExplanationWrite<'_>]) -> DbResult<()> {
        let mut batch = WriteBatch::default();
        for write in writes {
            match write {
                ExplanationWrite::Put(number, part, bytes) => {
                    self.put(&mut batch, schema::EXPLANATION, &schema::pair_key(*number, *part), bytes)?;
                }
                ExplanationWrite::Remove(number, part) => {
                    self.delete(&mut batch, schema::EXPLANATION, &schema::pair_key(*number, *part))?;
                }
            }
        }
        self.write_unsynced(batch)
    }

    /// All records, by batch and part.
    ///
    /// # Errors
    /// [`crate::DbError::Corrupt`].
    pub fn explanations(&self) -> DbResult<Vec<Explanation>> {
        let mut records = Vec::new();
        for item in self.scan(schema::EXPLANATION, &[])? {
            let (key, value) = item?;
            let (batch, part) = schema::parse_pair_key(&key).ok_or_else(|| self.corrupt("key of an explanation"))?;
            records.push((batch, part, value));
        }
        Ok(records)
    }
}
