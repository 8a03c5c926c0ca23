//! The answer of a trace: one value, or an array of them, of a bounded size.

use zkevm_executor::ExecutorError;

use crate::error::{EngineError, EngineResult};

/// JSON text under construction.
pub(super) struct Answer {
    out: String,
    limit_bytes: usize,
    is_list: bool,
    items: usize,
}

impl Answer {
    /// One value.
    pub(super) const fn single(limit_bytes: usize) -> Self {
        Self { out: String::new(), limit_bytes, is_list: false, items: 0 }
    }

    /// An array.
    pub(super) fn list(limit_bytes: usize) -> Self {
        Self { out: "[".to_owned(), limit_bytes, is_list: true, items: 0 }
    }

    /// Turns an answer of one value into an array.
    pub(super) fn make_list(&mut self) {
        if !self.is_list {
            (self.is_list, self.out) = (true, "[".to_owned());
        }
    }

    /// Bytes that further values may have.
    pub(super) const fn left_bytes(&self) -> usize {
        self.limit_bytes.saturating_sub(self.out.len())
    }

    /// Values so far.
    pub(super) const fn items(&self) -> usize {
        self.items
    }

    /// Adds a value.
    pub(super) fn push(&mut self, json: &str) -> EngineResult<()> {
        if json.len() > self.left_bytes() {
            return Err(ExecutorError::TraceTooLarge.into());
        }
        if self.items > 0 && !self.is_list {
            return Err(EngineError::Executor("a trace of one transaction gave two answers".into()));
        }
        if self.items > 0 {
            self.out.push(',');
        }
        self.items += 1;
        self.out.push_str(json);
        Ok(())
    }

    /// The whole text.
    pub(super) fn finish(mut self) -> EngineResult<String> {
        if self.is_list {
            self.out.push(']');
        } else if self.items == 0 {
            return Err(EngineError::Executor("a trace of one transaction gave no answer".into()));
        }
        Ok(self.out)
    }
}
