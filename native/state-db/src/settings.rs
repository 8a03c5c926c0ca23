//! What operators set at run time and what has to outlive the process: short texts by name.

use crate::error::{DbError, DbResult};
use crate::schema;
use crate::store::Store;
use rocksdb::WriteBatch;

fn key(name: &str) -> Vec<u8> {
    [schema::meta::SETTING, name.as_bytes()].concat()
}

impl Store {
    /// The text that was stored under a name.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when it is no UTF-8.
    pub fn setting(&self, name: &str) -> DbResult<Option<String>> {
        let Some(bytes) = self.get(schema::META, &key(name))? else { return Ok(None) };
        let text = String::from_utf8(bytes.to_vec());
        text.map(Some).map_err(|_| DbError::corrupt(format!("setting {name} is no text")))
    }

    /// Stores a text under a name in one durable write; `None` forgets it.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn put_setting(&self, name: &str, text: Option<&str>) -> DbResult<()> {
        let mut batch = WriteBatch::default();
        match text {
            Some(text) => self.put(&mut batch, schema::META, &key(name), text.as_bytes())?,
            None => self.delete(&mut batch, schema::META, &key(name))?,
        }
        self.write(batch)
    }
}
