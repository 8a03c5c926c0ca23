//! What a transaction read and left behind, account by account, and doing the same again without executing it.

use super::{Journal, StateRead};
use crate::{AccountState, StateError, StateReader};
use alloy_primitives::map::AddressMap;
use alloy_primitives::{Address, B256, Bytes, U256};

/// A slot's values before and after a transaction.
#[derive(Clone, Debug)]
pub(crate) struct SlotFootprint {
    key: U256,
    before: U256,
    after: U256,
}

/// What a transaction read and left behind of one account.
#[derive(Clone, Debug)]
pub(crate) struct Footprint {
    pub(crate) address: Address,
    before: AccountState,
    /// Nonce after it.
    nonce: u64,
    /// What the balance grew by, modulo 2^256.
    pub(crate) gain: U256,
    /// Whether it depends on nonce and code.
    pub(crate) has_seen_identity: bool,
    /// Whether it depends on the balance.
    pub(crate) has_seen_balance: bool,
    deployed: Option<(B256, Bytes)>,
    slots: Vec<SlotFootprint>,
}

impl Footprint {
    /// Estimated memory.
    pub(crate) fn bytes(&self) -> usize {
        let code = self.deployed.as_ref().map_or(0, |(_, code)| code.len());
        size_of::<Self>() + code + self.slots.len() * size_of::<SlotFootprint>()
    }
}

impl<S: StateReader> Journal<S> {
    /// Whether the running transaction has touched the account. Only known where reads are recorded.
    pub(crate) fn has_seen(&self, address: &Address) -> bool {
        self.accounts.get(address).is_some_and(|account| account.seen_tx == self.tx)
    }

    /// What the running transaction read and changed until now. Reads must be recorded; nothing where they are not
    /// complete.
    pub(crate) fn footprints(&self) -> Option<Vec<Footprint>> {
        let mut footprints: Vec<Footprint> = Vec::new();
        let mut places: AddressMap<usize> = AddressMap::default();
        for read in &self.reads {
            match read {
                StateRead::Account(address, before) => {
                    places.insert(*address, footprints.len());
                    footprints.push(self.footprint(*address, *before)?);
                }
                // In a journal of one transaction the account is always read before its slots.
                StateRead::Storage(address, key, before) => {
                    let after = self.accounts.get(address)?.slots.get(key)?.present;
                    let footprint = footprints.get_mut(*places.get(address)?)?;
                    footprint.slots.push(SlotFootprint { key: *key, before: *before, after });
                }
            }
        }
        Some(footprints)
    }

    fn footprint(&self, address: Address, before: AccountState) -> Option<Footprint> {
        let account = self.accounts.get(&address)?;
        let now = account.state();
        let deployed = if now.code_hash == before.code_hash {
            None
        } else {
            Some((now.code_hash, self.deployed.get(&now.code_hash)?.clone()))
        };
        Some(Footprint {
            address,
            before,
            nonce: now.nonce,
            gain: now.balance.wrapping_sub(before.balance),
            has_seen_identity: true,
            has_seen_balance: account.shown_tx == self.tx,
            deployed,
            slots: Vec::new(),
        })
    }

    /// Whether everything that the footprint's transaction depends on is as it was.
    ///
    /// # Errors
    /// When the state fails.
    pub(crate) fn would_repeat(&mut self, footprint: &Footprint) -> Result<bool, StateError> {
        let Footprint { address, before, .. } = footprint;
        let now = self.account(*address)?.state();
        let is_same = (!footprint.has_seen_identity || (now.nonce, now.code_hash) == (before.nonce, before.code_hash))
            && (!footprint.has_seen_balance || now.balance == before.balance);
        if !is_same {
            return Ok(false);
        }
        let tx = self.tx;
        let Some(account) = self.accounts.get_mut(address) else { return Ok(false) };
        for slot in &footprint.slots {
            if Self::slot(account, &self.reader, tx, None, (*address, slot.key))?.present != slot.before {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the footprint's changes once more.
    ///
    /// # Errors
    /// When the state fails.
    pub(crate) fn repeat(&mut self, footprint: &Footprint) -> Result<(), StateError> {
        let address = footprint.address;
        if footprint.has_seen_identity && footprint.nonce != footprint.before.nonce {
            self.set_nonce(address, footprint.nonce)?;
        }
        self.add_balance(address, footprint.gain)?;
        if let Some((hash, code)) = &footprint.deployed {
            self.deploy_hashed(address, code, *hash)?;
        }
        let Some(account) = self.accounts.get_mut(&address) else { return Ok(()) };
        for slot in footprint.slots.iter().filter(|slot| slot.before != slot.after) {
            if let Some(present) = account.slots.get_mut(&slot.key) {
                present.present = slot.after;
                self.undo.push(super::Undo::Storage(address, slot.key, slot.before));
            }
        }
        Ok(())
    }
}
