//! What each block holds: a function of seed and number, so that the worker and whoever checks it agree without talking.

use alloy_primitives::{Address, B256, keccak256};
use zkevm_engine::EngineResult;
use zkevm_engine::block::{ExecuteRequest, OpenBlockRequest};
use zkevm_engine::engine::Engine;
use zkevm_engine::layout::{Resources, pack_list};
use zkevm_engine::seal::{BatchClosing, SealedBlock};

use crate::common::{Account, accounts};
use crate::random::Random;

/// Transactions of each account in a block.
const TXS_OF_ACCOUNT: u64 = 4;
/// Lengths of the groups of blocks that are committed together, in turn.
const GROUPS: [u64; 4] = [1, 3, 1, 2];
/// A batch is closed after so many blocks.
const BLOCKS_OF_BATCH: u64 = 5;
/// Bytes of the transaction that never fits: volume for the write-ahead log.
const MISFIT_BYTES: usize = 8 << 10;
const POOL_PUT: u8 = 0;
const POOL_END: u8 = 1;
const STATUS_INVALID: u8 = 3;

/// The blocks of a seed.
pub(crate) struct Plan {
    seed: u64,
    accounts: Vec<Account>,
}

impl Plan {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, accounts: accounts() }
    }

    /// Signed transactions of a block with the account that sends each.
    fn transactions(&self, block: u64) -> Vec<(usize, Vec<u8>)> {
        let mut random = Random::new(self.seed, block);
        let mut transactions = Vec::new();
        for turn in 0..TXS_OF_ACCOUNT {
            let nonce = (block - 1) * TXS_OF_ACCOUNT + turn;
            for (index, account) in self.accounts.iter().enumerate() {
                let raw = if random.below(6) == 0 {
                    account.sign(nonce, None, 0, 3_000_000, &deployment(&mut random))
                } else {
                    let to = Address::with_last_byte(random.next() as u8);
                    account.transfer(nonce, to, 1 + random.below(1000))
                };
                transactions.push((index, raw));
            }
        }
        transactions
    }

    /// Hashes of the transactions of a block.
    pub(crate) fn hashes(&self, block: u64) -> Vec<B256> {
        self.transactions(block).iter().map(|(_, raw)| keccak256(raw)).collect()
    }

    fn misfit(&self, block: u64) -> Vec<u8> {
        Random::new(self.seed, block ^ (1 << 40)).bytes(MISFIT_BYTES)
    }

    /// Hash of the transaction that arrives with those of a block, waits for one block, and is then found invalid.
    pub(crate) fn misfit_hash(&self, block: u64) -> B256 {
        keccak256(self.misfit(block))
    }

    /// The pool operations before a block: its transactions and its misfit arrive, the former misfit ends.
    pub(crate) fn pool_operations(&self, block: u64) -> Vec<u8> {
        let mut operations: Vec<Vec<u8>> = self
            .transactions(block)
            .into_iter()
            .map(|(index, raw)| pool_put(&self.accounts[index].address, block, &raw))
            .collect();
        operations.push(pool_put(&Address::ZERO, block, &self.misfit(block)));
        if block > 1 {
            let mut end = vec![POOL_END];
            end.extend_from_slice(self.misfit_hash(block - 1).as_slice());
            end.push(STATUS_INVALID);
            end.extend_from_slice(&block.to_le_bytes());
            end.extend_from_slice(B256::ZERO.as_slice());
            end.extend_from_slice(b"does not fit");
            operations.push(end);
        }
        pack_list(&operations)
    }

    /// The last block of the group that begins with this one: a group is committed in one write.
    pub(crate) fn group_end(first: u64) -> u64 {
        let place = first % GROUPS.iter().sum::<u64>();
        let mut end = 0;
        for length in GROUPS {
            end += length;
            if place < end {
                return first + end - 1 - place;
            }
        }
        unreachable!("the groups cover the cycle")
    }

    /// Executes and hashes a block; it is durable after the next commit.
    pub(crate) fn seal(&self, engine: &Engine, block: u64) -> EngineResult<SealedBlock> {
        engine.open_block(&OpenBlockRequest {
            timestamp: 1000 + block,
            now_ms: 1000 * block,
            l1_info_tree_index: 0,
            global_exit_root: B256::ZERO,
            l1_block_hash: B256::ZERO,
        })?;
        let items: Vec<Vec<u8>> =
            self.transactions(block).into_iter().map(|(index, raw)| self.accounts[index].item(&raw)).collect();
        engine.execute(&ExecuteRequest {
            transactions: items.iter().map(Vec::as_slice).collect(),
            remaining: engine.hard_limits(),
            high: Resources::default(),
            max_misfits: 1,
            budget_nanos: 0,
            repricing: None,
            must_succeed: Vec::new(),
        })?;
        let closing = BatchClosing { reason: "Operator".into(), detail_json: "{}".into() };
        engine.finish_block(1000 * block, block.is_multiple_of(BLOCKS_OF_BATCH).then_some(&closing))
    }
}

fn pool_put(sender: &Address, block: u64, raw: &[u8]) -> Vec<u8> {
    let mut put = vec![POOL_PUT];
    put.extend_from_slice(keccak256(raw).as_slice());
    put.extend_from_slice(sender.as_slice());
    for number in [0, block, block] {
        put.extend_from_slice(&number.to_le_bytes());
    }
    put.extend_from_slice(raw);
    put
}

/// Init code that stores values, logs once, and leaves a code that nobody else has.
fn deployment(random: &mut Random) -> Vec<u8> {
    let mut code = Vec::new();
    for _ in 0..8 {
        code.extend([0x60, random.next() as u8 | 1, 0x60, random.next() as u8, 0x55]);
    }
    code.extend([0x60, 7, 0x60, 0, 0x60, 0, 0xa1]);
    // The code of the contract is a random word in memory.
    code.push(0x7f);
    code.extend(random.bytes(32));
    code.extend([0x60, 0, 0x52, 0x60, 32, 0x60, 0, 0xf3]);
    code
}
