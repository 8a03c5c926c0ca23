//! The chain: blocks linked from genesis to head, each with exactly its transactions, receipts and logs, the indexes by hash, and batches
//! that follow each other and cover the blocks.

use std::iter::Peekable;

use alloy_primitives::{B256, keccak256};
use zkevm_state_db::records::{
    BatchKind, BatchRecord, BlockRecord, HeadRecord, LogRecord, ReceiptRecord, TransactionRecord, decode,
};
use zkevm_state_db::{DbResult, Entry, Store, schema};

use super::difference::{Checked, Stop, same};
use super::progress::Progress;
use crate::commit::finish_block;
use crate::header::{ReceiptForRoot, logs_bloom, receipts_root, transactions_root};
use crate::layout::RESOURCE_BYTES;
use crate::views::{header_of, to_log};

/// What the chain consists of.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ChainCounts {
    pub(super) blocks: u64,
    pub(super) transactions: u64,
    pub(super) logs: u64,
    pub(super) batches: u64,
}

/// Rows of a table in order, with one look ahead.
struct Rows<I: Iterator<Item = DbResult<Entry>>> {
    table: &'static str,
    rows: Peekable<I>,
}

impl<I: Iterator<Item = DbResult<Entry>>> Rows<I> {
    /// The next row, when its key is this one. One before it belongs to nothing.
    fn take(&mut self, key: &[u8]) -> Checked<Option<Box<[u8]>>> {
        match self.rows.next_if(|item| item.as_ref().map_or(true, |(found, _)| &**found <= key)).transpose()? {
            Some((found, value)) if &*found == key => Ok(Some(value)),
            Some((found, _)) => Err(self.surplus(&found)),
            None => Ok(None),
        }
    }

    /// There must be no row left.
    fn end(&mut self) -> Checked {
        match self.rows.next().transpose()? {
            Some((key, _)) => Err(self.surplus(&key)),
            None => Ok(()),
        }
    }

    fn surplus(&self, key: &[u8]) -> Stop {
        Stop::difference(format!("row {} of table {}", hex(key), self.table), "something that it belongs to", "nothing")
    }
}

fn hex(bytes: &[u8]) -> String {
    alloy_primitives::hex::encode_prefixed(bytes)
}

/// Checks blocks with all that belongs to them, indexes, and batches.
pub(super) fn check(store: &Store, head: &HeadRecord, progress: &Progress) -> Checked<ChainCounts> {
    progress.begin("blocks", head.block + 1);
    let mut counts = ChainCounts::default();
    let rows = |table| -> Checked<_> { Ok(Rows { table, rows: store.scan(table, &[])?.peekable() }) };
    let (mut blocks, mut transactions) = (rows(schema::BLOCK)?, rows(schema::TRANSACTION)?);
    let (mut receipts, mut logs) = (rows(schema::RECEIPT)?, rows(schema::LOG)?);
    let mut batches = BatchCheck::new(store, head)?;
    let mut parent: Option<BlockRecord> = None;
    for number in 0..=head.block {
        let bytes = blocks.take(&schema::number_key(number))?;
        let Some(bytes) = bytes else { return Err(Stop::difference(format!("block {number}"), "a record", "none")) };
        let block: BlockRecord = sound(&format!("block {number}"), &bytes)?;
        check_block(store, &block, number, parent.as_ref())?;
        let parts = BlockParts::read(&block, &mut transactions, &mut receipts, &mut logs)?;
        parts.check(store, &block)?;
        batches.block(&block)?;
        counts.transactions += u64::from(block.tx_count);
        counts.logs += u64::from(block.log_count);
        parent = Some(block);
        progress.add(1);
    }
    blocks.end()?;
    transactions.end()?;
    receipts.end()?;
    logs.end()?;
    counts.blocks = head.block + 1;
    if let Some(newest) = parent {
        same(|| "block hash in the head pointers".into(), &newest.hash, &head.block_hash)?;
        same(|| "state root in the head pointers".into(), &newest.state_root, &head.state_root)?;
        same(|| "timestamp in the head pointers".into(), &newest.timestamp, &head.timestamp)?;
    }
    counts.batches = batches.end()?;
    check_indexes(store, counts, progress)?;
    Ok(counts)
}

fn sound<T: alloy_rlp::Decodable>(what: &str, bytes: &[u8]) -> Checked<T> {
    decode(what, bytes).map_err(|error| Stop::damaged(what, error))
}

fn check_block(store: &Store, block: &BlockRecord, number: u64, parent: Option<&BlockRecord>) -> Checked {
    let of = |field: &'static str| move || format!("{field} of block {number}");
    same(of("number"), &number, &block.number)?;
    same(of("hash"), &header_of(block).hash(), &block.hash)?;
    same(of("parent hash"), &parent.map_or(B256::ZERO, |parent| parent.hash), &block.parent_hash)?;
    if let Some(parent) = parent.filter(|parent| parent.timestamp > block.timestamp) {
        let expected = format!("{} at least", parent.timestamp);
        return Err(Stop::difference(format!("timestamp of block {number}"), expected, block.timestamp));
    }
    let indexed = store.block_number_by_hash(&block.hash)?;
    same_entry(|| format!("entry {} of the index of block hashes", block.hash), Some(number), indexed)
}

/// Two things that may be absent.
fn same_entry<T: PartialEq + std::fmt::Debug>(
    what: impl FnOnce() -> String,
    expected: Option<T>,
    found: Option<T>,
) -> Checked {
    if expected == found {
        return Ok(());
    }
    let text = |value: Option<T>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"));
    Err(Stop::difference(what(), text(expected), text(found)))
}

/// The rows that belong to a block.
struct BlockParts {
    transactions: Vec<TransactionRecord>,
    receipts: Vec<ReceiptRecord>,
    logs: Vec<LogRecord>,
}

impl BlockParts {
    fn read<I: Iterator<Item = DbResult<Entry>>>(
        block: &BlockRecord,
        transactions: &mut Rows<I>,
        receipts: &mut Rows<I>,
        logs: &mut Rows<I>,
    ) -> Checked<Self> {
        Ok(Self {
            transactions: take_all("transaction", block.number, block.tx_count, transactions)?,
            receipts: take_all("receipt", block.number, block.tx_count, receipts)?,
            logs: take_all("log", block.number, block.log_count, logs)?,
        })
    }

    fn check(&self, store: &Store, block: &BlockRecord) -> Checked {
        let number = block.number;
        for (index, transaction) in (0_u32..).zip(&self.transactions) {
            check_transaction(store, (number, index), transaction)?;
        }
        let raw: Vec<&[u8]> = self.transactions.iter().map(|transaction| transaction.raw.as_ref()).collect();
        same(|| format!("transactions root of block {number}"), &transactions_root(&raw), &block.transactions_root)?;
        let mut again = block.clone();
        finish_block(&mut again, raw.iter().map(|raw| raw.len()).sum());
        same(|| format!("size of block {number}"), &again.size, &block.size)?;
        let logs: Vec<alloy_primitives::Log> = self.logs.iter().map(to_log).collect();
        same(|| format!("logs bloom of block {number}"), &logs_bloom(&logs), &block.logs_bloom)?;
        let mut parts = Vec::with_capacity(self.receipts.len());
        let (mut next_log, mut gas) = (0_u32, 0_u64);
        for (index, receipt) in (0_u32..).zip(&self.receipts) {
            let of = |field: &'static str| move || format!("{field} of receipt {index} of block {number}");
            same(of("first log"), &next_log, &receipt.first_log)?;
            gas += receipt.gas_used;
            same(of("cumulative gas"), &gas, &receipt.cumulative_gas_used)?;
            let end = next_log.saturating_add(receipt.log_count);
            let Some(own) = self.logs.get(next_log as usize..end as usize) else {
                let found = format!("{end} with this receipt");
                return Err(Stop::difference(of("logs")(), format!("{} in the block", block.log_count), found));
            };
            if let Some(log) = own.iter().find(|log| log.tx_index != index) {
                return Err(Stop::difference(of("logs")(), index, format!("a log of transaction {}", log.tx_index)));
            }
            parts.push((receipt, next_log as usize..end as usize));
            next_log = end;
        }
        same(|| format!("logs of the receipts of block {number}"), &block.log_count, &next_log)?;
        same(|| format!("gas used of block {number}"), &gas, &block.gas_used)?;
        let for_root: Vec<ReceiptForRoot<'_>> = parts
            .into_iter()
            .map(|(receipt, range)| ReceiptForRoot {
                status: receipt.status,
                cumulative_gas_used: receipt.cumulative_gas_used,
                logs: &logs[range],
            })
            .collect();
        same(|| format!("receipts root of block {number}"), &receipts_root(&for_root), &block.receipts_root)
    }
}

/// Exactly `count` rows of a block.
fn take_all<T: alloy_rlp::Decodable, I: Iterator<Item = DbResult<Entry>>>(
    what: &str,
    block: u64,
    count: u32,
    rows: &mut Rows<I>,
) -> Checked<Vec<T>> {
    (0..count)
        .map(|index| {
            let name = format!("{what} {index} of block {block}");
            match rows.take(&schema::indexed_key(block, index))? {
                Some(bytes) => sound(&name, &bytes),
                None => Err(Stop::difference(name, "a record", "none")),
            }
        })
        .collect()
}

fn check_transaction(store: &Store, position: (u64, u32), transaction: &TransactionRecord) -> Checked {
    let (number, index) = position;
    let hash = keccak256(&transaction.raw);
    same(|| format!("hash of transaction {index} of block {number}"), &hash, &transaction.hash)?;
    let indexed = store.transaction_position(&hash)?;
    same_entry(|| format!("entry {hash} of the index of transactions"), Some(position), indexed)?;
    let l2_hash = transaction.l2_hash;
    let indexed = store.transaction_position_by_l2_hash(&l2_hash)?;
    same_entry(|| format!("entry {l2_hash} of the index of L2 transaction hashes"), Some(position), indexed)
}

/// Every block and transaction was found in its index; what an index has beyond those leads nowhere.
fn check_indexes(store: &Store, counts: ChainCounts, progress: &Progress) -> Checked {
    progress.begin("indexes", counts.blocks + 2 * counts.transactions);
    for table in [schema::BLOCK_BY_HASH, schema::TRANSACTION_BY_HASH, schema::TRANSACTION_BY_L2_HASH] {
        for item in store.scan(table, &[])? {
            let (key, value) = item?;
            progress.add(1);
            if !leads_back(store, table, &key, &value)? {
                let what = format!("entry {} of table {table}", hex(&key));
                return Err(Stop::difference(what, "what it points to has this hash", hex(&value)));
            }
        }
    }
    Ok(())
}

fn leads_back(store: &Store, table: &str, key: &[u8], value: &[u8]) -> Checked<bool> {
    let Some(hash) = schema::hash_from(key) else { return Ok(false) };
    if table == schema::BLOCK_BY_HASH {
        let Some(number) = schema::parse_number_key(value) else { return Ok(false) };
        return Ok(store.block(number)?.is_some_and(|block| block.hash == hash));
    }
    let Some((block, index)) = schema::parse_indexed_key(value) else { return Ok(false) };
    let Some((transaction, _)) = store.transaction(block, index)? else { return Ok(false) };
    Ok(if table == schema::TRANSACTION_BY_HASH { transaction.hash } else { transaction.l2_hash } == hash)
}

/// Batches beside the blocks that they consist of.
struct BatchCheck<'a> {
    store: &'a Store,
    head: &'a HeadRecord,
    current: BatchRecord,
    txs: u64,
    bytes: u64,
    /// Batches without L2 block.
    without_block: u64,
    /// Newest forced batch.
    forced: Option<u64>,
}

impl<'a> BatchCheck<'a> {
    fn new(store: &'a Store, head: &'a HeadRecord) -> Checked<Self> {
        let current = batch(store, 0)?;
        same(|| "first block of batch 0".into(), &0, &current.first_block)?;
        Ok(Self { store, head, current, txs: 0, bytes: 0, without_block: 0, forced: None })
    }

    fn block(&mut self, block: &BlockRecord) -> Checked {
        while self.current.first_block + self.current.block_count <= block.number {
            self.next()?;
        }
        same(|| format!("batch of block {}", block.number), &self.current.number, &block.batch)?;
        self.txs += u64::from(block.tx_count);
        let key = schema::pair_key(block.batch, block.number);
        if let Some(data) = self.store.get(schema::BATCH_DATA, &key)? {
            self.bytes += data.len() as u64;
        } else if self.current.kind != BatchKind::Genesis as u8 {
            return Err(Stop::difference(
                format!("data of block {} in batch {}", block.number, block.batch),
                "some",
                "none",
            ));
        }
        let number = self.current.number;
        if block.number + 1 == self.current.first_block + self.current.block_count {
            same(|| format!("state root of batch {number}"), &block.state_root, &self.current.state_root)?;
            same(|| format!("timestamp of batch {number}"), &block.timestamp, &self.current.timestamp)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Checked {
        self.end_current()?;
        let number = self.current.number + 1;
        let next = batch(self.store, number)?;
        let first = self.current.first_block + self.current.block_count;
        same(|| format!("first block of batch {number}"), &first, &next.first_block)?;
        let mut bytes = 0;
        if next.block_count == 0 {
            // From L1, and without effect: its data are kept where those of its block would be.
            same(|| format!("state root of batch {number}"), &self.current.state_root, &next.state_root)?;
            let key = schema::pair_key(number, first);
            let Some(data) = self.store.get(schema::BATCH_DATA, &key)? else {
                return Err(Stop::difference(format!("data of batch {number}"), "some", "none"));
            };
            bytes = data.len() as u64;
            self.without_block += 1;
        }
        if let Some(forced) = &next.forced {
            self.forced = Some(forced.number);
        }
        (self.current, self.txs, self.bytes) = (next, 0, bytes);
        Ok(())
    }

    fn end_current(&self) -> Checked {
        let BatchRecord { number, tx_count, .. } = self.current;
        same(|| format!("transactions of batch {number}"), &self.txs, &tx_count)?;
        let bytes = self.current.used.get(RESOURCE_BYTES).copied().unwrap_or_default();
        same(|| format!("bytes of batch {number}"), &self.bytes, &bytes)?;
        let is_closed = number <= self.head.closed_batch;
        same(|| format!("whether batch {number} is closed"), &is_closed, &self.current.is_closed())
    }

    /// Answers the number of batches.
    fn end(mut self) -> Checked<u64> {
        while self.current.number < self.head.closed_batch {
            self.next()?;
        }
        self.end_current()?;
        let blocks = self.current.first_block + self.current.block_count;
        same(|| format!("last block of batch {}", self.current.number), &(self.head.block + 1), &blocks)?;
        let count = self.current.number + 1;
        same(|| "batches".into(), &count, &self.store.count(schema::BATCH)?)?;
        let blocks_with_data = self.head.block + 1 - batch(self.store, 0)?.block_count;
        let pieces = blocks_with_data + self.without_block;
        let forced = format!("{:?}", self.forced);
        same(|| "newest forced batch in the head pointers".into(), &forced, &format!("{:?}", self.head.forced_batch))?;
        same(|| "pieces of batch data".into(), &pieces, &self.store.count(schema::BATCH_DATA)?)?;
        Ok(count)
    }
}

fn batch(store: &Store, number: u64) -> Checked<BatchRecord> {
    let what = || format!("batch {number}");
    let bytes = store.get(schema::BATCH, &schema::number_key(number))?;
    let Some(bytes) = bytes else { return Err(Stop::difference(what(), "a record", "none")) };
    let record: BatchRecord = sound(&what(), &bytes)?;
    same(|| format!("number of batch {number}"), &number, &record.number)?;
    Ok(record)
}
