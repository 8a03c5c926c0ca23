//! The `Maintenance` class: what an operator does with a database that no node runs on. Each verb opens it, works, and closes it.

use std::path::PathBuf;
use std::sync::Arc;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use zkevm_engine::maintenance::{self, Database, Progress};
use zkevm_engine::views::to_json;
use zkevm_engine::{EngineError, EngineResult};

use crate::error::{Result, to_js};
use crate::task::{Job, run};

/// How far the present verb is, and the memory that verbs may use.
#[napi]
pub struct Maintenance {
    progress: Arc<Progress>,
    cache_bytes: usize,
}

type PromisedJson = AsyncTask<Job<String, String>>;

#[napi]
impl Maintenance {
    #[napi(constructor, catch_unwind)]
    pub fn new(cache_bytes: i64) -> Result<Self> {
        let cache_bytes = usize::try_from(cache_bytes)
            .map_err(|_| to_js(EngineError::invalid_argument("cacheBytes must not be negative")))?;
        Ok(Self { progress: Arc::default(), cache_bytes })
    }

    fn on_database(&self, path: String, work: fn(&Database) -> EngineResult<String>) -> PromisedJson {
        let (progress, cache_bytes) = (Arc::clone(&self.progress), self.cache_bytes);
        run(move || work(&Database::open(&PathBuf::from(path), cache_bytes, progress)?), |json| json)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn verify(&self, path: String) -> PromisedJson {
        self.on_database(path, |database| to_json(&database.verify()?))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn stats(&self, path: String) -> PromisedJson {
        self.on_database(path, |database| to_json(&database.stats()?))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn compact(&self, path: String) -> PromisedJson {
        self.on_database(path, |database| to_json(&database.compact()?))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn prune(&self, path: String, keep_blocks: i64) -> Result<PromisedJson> {
        let keep = u64::try_from(keep_blocks)
            .map_err(|_| to_js(EngineError::invalid_argument("keepBlocks must not be negative")))?;
        let (progress, cache_bytes) = (Arc::clone(&self.progress), self.cache_bytes);
        let work = move || to_json(&Database::open(&PathBuf::from(path), cache_bytes, progress)?.prune(keep)?);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn rollback(&self, path: String, to_batch: i64) -> Result<PromisedJson> {
        let to_batch = u64::try_from(to_batch)
            .map_err(|_| to_js(EngineError::invalid_argument("toBatch must not be negative")))?;
        let (progress, cache_bytes) = (Arc::clone(&self.progress), self.cache_bytes);
        let work = move || to_json(&Database::open(&PathBuf::from(path), cache_bytes, progress)?.rollback(to_batch)?);
        Ok(run(work, |json| json))
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn snapshot(&self, path: String, target: String) -> PromisedJson {
        let (progress, cache_bytes) = (Arc::clone(&self.progress), self.cache_bytes);
        let work = move || {
            let database = Database::open(&PathBuf::from(path), cache_bytes, progress)?;
            to_json(&database.snapshot(&PathBuf::from(target))?)
        };
        run(work, |json| json)
    }

    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn restore(&self, snapshot: String, target: String) -> PromisedJson {
        let (progress, cache_bytes) = (Arc::clone(&self.progress), self.cache_bytes);
        let work = move || {
            let (from, to) = (PathBuf::from(snapshot), PathBuf::from(target));
            to_json(&maintenance::restore(&from, &to, cache_bytes, &progress)?)
        };
        run(work, |json| json)
    }

    #[napi(catch_unwind)]
    pub fn progress(&self) -> MaintenanceProgress {
        let (phase, done, total) = self.progress.read();
        let signed = |value| i64::try_from(value).unwrap_or(i64::MAX);
        MaintenanceProgress { phase: phase.to_owned(), done: signed(done), total: signed(total) }
    }
}

/// Phase, steps done, and steps in all (0 where that is not known).
#[napi(object)]
pub struct MaintenanceProgress {
    pub phase: String,
    pub done: i64,
    pub total: i64,
}
