//! HashDB and StateDB on RocksDB.
