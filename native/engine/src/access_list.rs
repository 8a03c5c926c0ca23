//! EIP-2930's access list of a call, as JSON clients send it.

use alloy_primitives::{Address, B256};
use serde::Deserialize;
use zkevm_executor::AccessListItem;

use crate::error::{EngineError, EngineResult};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    address: Address,
    /// geth takes a missing list as an empty one.
    #[serde(default)]
    storage_keys: Vec<B256>,
}

/// Parses the list; empty without text.
pub(crate) fn parse(json: Option<&str>) -> EngineResult<Vec<AccessListItem>> {
    let Some(json) = json else { return Ok(Vec::new()) };
    let items: Vec<Item> =
        serde_json::from_str(json).map_err(|error| EngineError::call_invalid(format!("access list: {error}")))?;
    Ok(items
        .into_iter()
        .map(|item| AccessListItem {
            address: item.address,
            slots: item.storage_keys.into_iter().map(Into::into).collect(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U256;

    #[test]
    fn lists_parse_and_malformed_ones_are_refused() {
        let address = Address::repeat_byte(7);
        let key = B256::with_last_byte(9);
        let list = parse(Some(&format!(r#"[{{"address":"{address}","storageKeys":["{key}"]}}]"#))).unwrap();
        assert_eq!(list, [AccessListItem { address, slots: vec![U256::from(9)] }]);
        assert!(parse(None).unwrap().is_empty());
        for json in ["{}", r#"[{"storageKeys":[]}]"#, &format!(r#"[{{"address":"{address}","storageKeys":["0x1"]}}]"#)]
        {
            assert_eq!(parse(Some(json)).unwrap_err().code(), "CALL_INVALID", "{json}");
        }
    }
}
