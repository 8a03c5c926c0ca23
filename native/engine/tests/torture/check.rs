//! What is left of a database: it has to be sound, and to be the last acknowledged state or the next one.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_primitives::B256;
use zkevm_engine::maintenance::Database;
use zkevm_state_db::Store;

use crate::plan::Plan;
use crate::subject::{Subject, Tried};

const CACHE_BYTES: usize = 32 << 20;

impl Subject {
    /// Opens what is left and compares it with the model. What is found durable counts as acknowledged from then on.
    pub(crate) fn check(&mut self) -> Tried {
        let database = match Database::open(&self.folder, CACHE_BYTES, Arc::default()) {
            Ok(database) => database,
            // Killed before there was anything.
            Err(error) if error.code() == "DATA_DIR_MISSING" && self.is_fresh() => return Ok(()),
            Err(error) => return Err(format!("it does not open: {error}")),
        };
        let store = database.store();
        if self.is_fresh() && store.chain().map_err(|error| error.to_string())?.is_none() {
            return Ok(());
        }
        let report = database.verify().map_err(|error| format!("the check fails: {error}"))?;
        if let Some(difference) = report.difference {
            return Err(format!("not sound: {difference:?}"));
        }
        let head = store.head().map_err(|error| error.to_string())?.ok_or("no head")?;
        let acknowledged = self.acknowledged.block;
        // A group of blocks is one write: one of them acknowledged means all of them, and the next group may be there as well.
        let floor = Plan::group_end(acknowledged);
        if head.block != floor && head.block != Plan::group_end(floor + 1) {
            return Err(format!("head is block {}, acknowledged is {acknowledged}", head.block));
        }
        let expected = self.reference.at(&self.plan, head.block);
        if (head.block_hash, head.state_root) != expected {
            return Err(format!("block {} is not the undisturbed one", head.block));
        }
        self.acknowledged.block = head.block;
        self.check_pool(store, head.block)
    }

    fn is_fresh(&self) -> bool {
        self.acknowledged.block == 0 && self.acknowledged.pool == 0
    }

    /// The pool operations of blocks after the head are there, each as a whole, up to some block; earlier ones are done with.
    fn check_pool(&mut self, store: &Store, head: u64) -> Tried {
        let page = store.pool_page(&[], 1000).map_err(|error| error.to_string())?;
        let pending: BTreeSet<B256> = page.into_iter().map(|(hash, _)| hash).collect();
        let mut expected: BTreeSet<B256> = BTreeSet::new();
        let mut written = head;
        loop {
            let next = self.plan.hashes(written + 1);
            if !next.first().is_some_and(|hash| pending.contains(hash)) {
                break;
            }
            expected.extend(next);
            written += 1;
        }
        if written < self.acknowledged.pool {
            return Err(format!("pool writes of block {} were acknowledged and are gone", self.acknowledged.pool));
        }
        self.acknowledged.pool = written;
        if written > 0 {
            expected.insert(self.plan.misfit_hash(written));
        }
        if pending != expected {
            return Err(format!("{} transactions are pending, {} should be", pending.len(), expected.len()));
        }
        for block in 1..written {
            let end = store.pool_end(&self.plan.misfit_hash(block)).map_err(|error| error.to_string())?;
            if end.is_none() {
                return Err(format!("the end of the misfit of block {block} is gone"));
            }
        }
        Ok(())
    }
}
