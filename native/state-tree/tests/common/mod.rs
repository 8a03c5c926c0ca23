//! Where the public vectors are and how their numbers are spelt.

use std::path::PathBuf;

use alloy_primitives::U256;
use serde_json::Value;

/// The file or folder of the vectors, or `None` with a loud notice when they are not there.
pub(crate) fn vectors(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ZKEVM_VECTORS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no vectors at {} (set ZKEVM_VECTORS)", path.display());
    None
}

/// Parsed JSON of a vector file.
pub(crate) fn json(name: &str) -> Option<Value> {
    let text = std::fs::read_to_string(vectors(name)?).expect("the vector file is readable");
    Some(serde_json::from_str(&text).expect("the vector file is JSON"))
}

/// A number as the vectors spell it: JSON number, decimal or 0x-hexadecimal string, possibly with leading zeros.
pub(crate) fn number(value: &Value) -> U256 {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => panic!("not a number: {other}"),
    };
    let parsed = match text.strip_prefix("0x") {
        Some("") => Ok(U256::ZERO),
        Some(digits) => U256::from_str_radix(digits, 16),
        None => U256::from_str_radix(&text, 10),
    };
    parsed.unwrap_or_else(|error| panic!("{text}: {error}"))
}
