//! Senders by transaction hash: a transaction that is sent again, as wallets do until they see it in a block, is not recovered again.

use alloy_primitives::{Address, B256, keccak256};
use quick_cache::sync::Cache;
use zkevm_codec::{L2Transaction, Recovery, recover_senders};

/// Senders kept, some 5 MB.
const SENDERS_MAX: usize = 65_536;
/// Threads that recover the senders of one group.
const RECOVERY_THREADS: usize = 2;

/// Recovered senders. The key is the hash of the signed bytes, so that an entry can never stand for another signature.
pub(crate) struct Senders(Cache<B256, Address>);

impl Senders {
    pub(crate) fn new() -> Self {
        Self(Cache::new(SENDERS_MAX))
    }

    /// The senders of decoded transactions with their signed bytes, in order; `None` where the signature recovers nobody.
    pub(crate) fn recover(&self, transactions: &[(&L2Transaction, &[u8])]) -> Vec<Option<Address>> {
        let hashes: Vec<B256> = transactions.iter().map(|(_, raw)| keccak256(raw)).collect();
        let mut senders: Vec<Option<Address>> = hashes.iter().map(|hash| self.0.get(hash)).collect();
        let unknown: Vec<usize> = (0..senders.len()).filter(|&at| senders[at].is_none()).collect();
        let missing: Vec<&L2Transaction> = unknown.iter().map(|&at| transactions[at].0).collect();
        for (at, recovery) in unknown.into_iter().zip(recover_senders(&missing, RECOVERY_THREADS)) {
            senders[at] = Recovery::signer(recovery);
            if let Some(sender) = senders[at] {
                self.0.insert(hashes[at], sender);
            }
        }
        senders
    }

    /// Senders that are kept.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{U256, hex};
    use zkevm_codec::{SECP256K1_HALF_ORDER, TxSignature};

    /// The signed example of EIP-155.
    const SIGNED: [u8; 110] = hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );
    const SENDER: Address = Address::new(hex!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"));

    #[test]
    fn known_and_unknown_come_back_in_order_and_only_good_ones_are_kept() {
        let good = L2Transaction::decode_signed(&SIGNED).unwrap();
        let mut bad = good.clone();
        bad.signature = TxSignature { r: U256::ZERO, s: SECP256K1_HALF_ORDER, v: 27 };
        let bad_raw = bad.encode_signed();
        let senders = Senders::new();
        let group: [(&L2Transaction, &[u8]); 3] = [(&bad, &bad_raw), (&good, &SIGNED), (&bad, &bad_raw)];
        for _ in 0..2 {
            assert_eq!(senders.recover(&group), [None, Some(SENDER), None]);
            assert_eq!(senders.len(), 1);
        }
        // What is kept is what is answered: nothing is recovered a second time.
        senders.0.insert(keccak256(SIGNED), Address::ZERO);
        assert_eq!(senders.recover(&group[1..2]), [Some(Address::ZERO)]);
    }
}
