//! The JSON-RPC objects as JSON text (node.md 1.5): made here, where the records are, and handed to the socket untouched.

mod batch;
mod block;
mod log;
mod raw;
mod transaction;

pub use batch::batch_json;
pub use block::{BlockView, block_json, header_json, header_of};
pub use log::{LogView, log_views};
pub use raw::RawPart;
pub use transaction::{
    ReceiptContext, TransactionView, pending_transaction_json, receipt_view, to_log, transaction_view,
};

use serde::Serialize;

use crate::error::{EngineError, EngineResult};

/// Serialises a view.
///
/// # Errors
/// None in practice: views hold no maps with non-string keys.
pub fn to_json<T: Serialize>(view: &T) -> EngineResult<String> {
    serde_json::to_string(view).map_err(|error| EngineError::Panic(format!("JSON view: {error}")))
}
