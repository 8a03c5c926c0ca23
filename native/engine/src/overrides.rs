//! geth's state and block overrides.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;
use zkevm_executor::{AccountState, StateError, StateReader};
use zkevm_state_tree::poseidon::linear_hash;

use crate::error::{EngineError, EngineResult};

/// Overrides of one account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AccountOverride {
    balance: Option<U256>,
    nonce: Option<U64>,
    code: Option<Bytes>,
    /// Replaces the whole storage.
    state: Option<HashMap<B256, B256>>,
    /// Replaces single slots.
    state_diff: Option<HashMap<B256, B256>>,
}

/// State overrides by address.
#[derive(Debug, Default)]
pub(crate) struct StateOverrides {
    accounts: HashMap<Address, AccountOverride>,
    codes: HashMap<B256, Bytes>,
}

impl StateOverrides {
    /// Parses the overrides; none without text.
    pub(crate) fn parse(json: Option<&str>) -> EngineResult<Self> {
        let Some(json) = json else { return Ok(Self::default()) };
        let accounts: HashMap<Address, AccountOverride> = serde_json::from_str(json)
            .map_err(|error| EngineError::call_invalid(format!("state overrides: {error}")))?;
        if let Some(address) =
            accounts.iter().find(|(_, of)| of.state.is_some() && of.state_diff.is_some()).map(|(address, _)| address)
        {
            return Err(EngineError::call_invalid(format!("account {address} has both 'state' and 'stateDiff'")));
        }
        let codes = accounts
            .values()
            .filter_map(|of| of.code.clone())
            .filter(|code| !code.is_empty())
            .map(|code| (linear_hash(&code).to_b256(), code))
            .collect();
        Ok(Self { accounts, codes })
    }
}

/// Block overrides.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockOverrideFields {
    number: Option<U64>,
    time: Option<U64>,
    #[serde(alias = "feeRecipient")]
    coinbase: Option<Address>,
    gas_limit: Option<U64>,
}

/// Block overrides as plain values. `random` and `baseFee` have no meaning on this chain and are ignored.
#[derive(Debug, Default)]
pub(crate) struct BlockOverrides {
    pub(crate) number: Option<u64>,
    pub(crate) time: Option<u64>,
    pub(crate) coinbase: Option<Address>,
    pub(crate) gas_limit: Option<u64>,
}

impl BlockOverrides {
    /// Parses the overrides; none without text.
    pub(crate) fn parse(json: Option<&str>) -> EngineResult<Self> {
        let Some(json) = json else { return Ok(Self::default()) };
        let fields: BlockOverrideFields = serde_json::from_str(json)
            .map_err(|error| EngineError::call_invalid(format!("block overrides: {error}")))?;
        Ok(Self {
            number: fields.number.map(|value| value.to()),
            time: fields.time.map(|value| value.to()),
            coinbase: fields.coinbase,
            gas_limit: fields.gas_limit.map(|value| value.to()),
        })
    }
}

/// A state with overrides on top.
pub(crate) struct Overridden<S> {
    inner: S,
    overrides: StateOverrides,
}

impl<S> Overridden<S> {
    pub(crate) const fn new(inner: S, overrides: StateOverrides) -> Self {
        Self { inner, overrides }
    }
}

impl<S: StateReader> StateReader for Overridden<S> {
    fn account(&self, address: &Address) -> Result<AccountState, StateError> {
        let mut account = self.inner.account(address)?;
        let Some(of) = self.overrides.accounts.get(address) else { return Ok(account) };
        account.balance = of.balance.unwrap_or(account.balance);
        account.nonce = of.nonce.map_or(account.nonce, |nonce| nonce.to());
        if let Some(code) = &of.code {
            account.code_hash = if code.is_empty() { B256::ZERO } else { linear_hash(code).to_b256() };
            account.code_length = code.len() as u64;
        }
        Ok(account)
    }

    fn storage(&self, address: &Address, slot: &U256) -> Result<U256, StateError> {
        let Some(of) = self.overrides.accounts.get(address) else { return self.inner.storage(address, slot) };
        let key = B256::from(*slot);
        if let Some(state) = &of.state {
            return Ok(state.get(&key).map_or(U256::ZERO, |value| (*value).into()));
        }
        match of.state_diff.as_ref().and_then(|diff| diff.get(&key)) {
            Some(value) => Ok((*value).into()),
            None => self.inner.storage(address, slot),
        }
    }

    fn code(&self, hash: &B256) -> Result<Bytes, StateError> {
        match self.overrides.codes.get(hash) {
            Some(code) => Ok(code.clone()),
            None => self.inner.code(hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_overrides_are_refused() {
        let address = Address::ZERO;
        for json in [
            "[]".to_owned(),
            format!(r#"{{"{address}":{{"balance":"x"}}}}"#),
            format!(r#"{{"{address}":{{"unknown":"0x1"}}}}"#),
            format!(r#"{{"{address}":{{"state":{{}},"stateDiff":{{}}}}}}"#),
        ] {
            assert_eq!(StateOverrides::parse(Some(&json)).unwrap_err().code(), "CALL_INVALID", "{json}");
        }
        assert!(StateOverrides::parse(None).unwrap().accounts.is_empty());
    }
}
