//! The newest state as flat tables: one lookup for an account, a slot or a code, no tree walk and no Poseidon key.

use alloy_primitives::{Address, B256, Bytes, U256};
use rocksdb::WriteBatch;

use crate::error::{DbError, DbResult};
use crate::records::AccountRecord;
use crate::schema;
use crate::store::Store;

impl Store {
    /// The account in the newest committed state; the empty account when absent.
    ///
    /// # Errors
    /// [`DbError::Rocks`], [`DbError::Corrupt`].
    pub fn account(&self, address: &Address) -> DbResult<AccountRecord> {
        match self.get(schema::FLAT_ACCOUNT, address.as_slice())? {
            Some(bytes) => self.account_from(&bytes),
            None => Ok(AccountRecord::default()),
        }
    }

    /// The value of a slot in the newest committed state.
    ///
    /// # Errors
    /// [`DbError::Rocks`].
    pub fn storage(&self, address: &Address, slot: &U256) -> DbResult<U256> {
        Ok(self
            .get(schema::FLAT_STORAGE, &schema::slot_key(address, slot))?
            .map_or(U256::ZERO, |bytes| U256::from_be_slice(&bytes)))
    }

    /// The code with Poseidon hash `code_hash`.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] when an account refers to code that is not stored.
    pub fn code(&self, code_hash: &B256) -> DbResult<Bytes> {
        self.get(schema::CODE, code_hash.as_slice())?
            .map(|bytes| Bytes::copy_from_slice(&bytes))
            .ok_or_else(|| DbError::corrupt(format!("code {code_hash} is missing")))
    }

    /// Writes an account of the newest state; the empty account is deleted.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_account(&self, batch: &mut WriteBatch, address: &Address, account: &AccountRecord) -> DbResult<()> {
        if account.is_empty() {
            return self.delete(batch, schema::FLAT_ACCOUNT, address.as_slice());
        }
        self.put(batch, schema::FLAT_ACCOUNT, address.as_slice(), &account.to_bytes())
    }

    /// Writes a slot of the newest state; zero deletes.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_storage(&self, batch: &mut WriteBatch, address: &Address, slot: &U256, value: &U256) -> DbResult<()> {
        let key = schema::slot_key(address, slot);
        if value.is_zero() {
            return self.delete(batch, schema::FLAT_STORAGE, &key);
        }
        self.put(batch, schema::FLAT_STORAGE, &key, &value.to_be_bytes::<32>())
    }

    /// Stores a code under its Poseidon hash.
    ///
    /// # Errors
    /// As [`Store::put`].
    pub fn put_code(&self, batch: &mut WriteBatch, code_hash: &B256, code: &[u8]) -> DbResult<()> {
        self.put(batch, schema::CODE, code_hash.as_slice(), code)
    }
}
