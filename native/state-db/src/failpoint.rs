//! Writes that fail on demand. One plan for the process: the torture driver opens one database at a time.

use std::sync::{Mutex, PoisonError};

use crate::error::{DbError, DbResult};

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing is written.
    Before,
    /// Everything is written, but the caller hears of a failure: as when the log is written and its fsync fails.
    After,
}

struct Plan {
    /// Writes that still succeed.
    left: u64,
    failure: Failure,
}

static PLAN: Mutex<Option<Plan>> = Mutex::new(None);

/// Lets the write after the next `successes` ones fail.
pub fn arm(successes: u64, failure: Failure) {
    *PLAN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Plan { left: successes, failure });
}

/// Lets all writes succeed again.
pub fn disarm() {
    *PLAN.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

fn due() -> Option<Failure> {
    let mut plan = PLAN.lock().unwrap_or_else(PoisonError::into_inner);
    let current = plan.as_mut()?;
    if current.left > 0 {
        current.left -= 1;
        return None;
    }
    let failure = current.failure;
    *plan = None;
    Some(failure)
}

/// Runs a write, or lets it fail when the plan says so.
pub(crate) fn write(write: impl FnOnce() -> DbResult<()>) -> DbResult<()> {
    match due() {
        None => write(),
        Some(Failure::Before) => Err(DbError::Failpoint),
        Some(Failure::After) => write().and(Err(DbError::Failpoint)),
    }
}
