//! Senders by transaction hash: a transaction that is sent again, as wallets do until they see it in a block, is not recovered again, nor
//! is one that verification finds in a batch.

use alloy_primitives::{Address, B256, keccak256};
use zkevm_codec::{L2Transaction, Recovery, recover_senders};

use crate::recent::Recent;

/// The last so many senders are there, up to twice as many are kept: some 12 MB, half a minute of the most that a node takes. Verification
/// comes some seconds after admission, later where others need the machine.
const SENDERS_KEPT: usize = 65_536;
/// Threads that recover the senders of one group.
const RECOVERY_THREADS: usize = 2;

/// Recovered senders. The key is the hash of the signed bytes, so that an entry can never stand for another signature.
pub(crate) struct Senders(Recent<B256, Address>);

impl Senders {
    pub(crate) fn new() -> Self {
        Self(Recent::new(SENDERS_KEPT))
    }

    /// Hash and sender of decoded transactions with their signed bytes, in order; no sender where the signature recovers nobody.
    pub(crate) fn recover(&self, transactions: &[(&L2Transaction, &[u8])]) -> Vec<(B256, Option<Address>)> {
        let hashes = transactions.iter().map(|(_, raw)| keccak256(raw));
        let mut senders: Vec<_> = hashes.map(|hash| (hash, self.0.get(&hash))).collect();
        let unknown: Vec<usize> = (0..senders.len()).filter(|&at| senders[at].1.is_none()).collect();
        let missing: Vec<&L2Transaction> = unknown.iter().map(|&at| transactions[at].0).collect();
        for (at, recovery) in unknown.into_iter().zip(recover_senders(&missing, RECOVERY_THREADS)) {
            let (hash, sender) = &mut senders[at];
            *sender = Recovery::signer(recovery);
            if let Some(sender) = *sender {
                self.0.insert(*hash, sender);
            }
        }
        senders
    }

    /// The senders of transactions of a batch, recovered on this thread where they are not kept. Nothing more is kept: what admission
    /// will ask for again is there.
    pub(crate) fn of_batch(&self, transactions: &[&L2Transaction]) -> Vec<Recovery> {
        let sender = |tx: &&L2Transaction| match self.kept(tx) {
            Some(sender) => Recovery::Signer(sender),
            None => tx.recover(),
        };
        transactions.iter().map(sender).collect()
    }

    fn kept(&self, tx: &L2Transaction) -> Option<Address> {
        // The signed form has one number for chain id and recovery byte: with any other byte it can be that of another transaction.
        matches!(tx.signature.v, 27 | 28).then(|| self.0.get(&tx.hash()))?
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
            let bad = (keccak256(&bad_raw), None);
            assert_eq!(senders.recover(&group), [bad, (keccak256(SIGNED), Some(SENDER)), bad]);
            assert_eq!(senders.len(), 1);
        }
        // What is kept is what is answered: nothing is recovered a second time.
        senders.0.insert(keccak256(SIGNED), Address::ZERO);
        assert_eq!(senders.recover(&group[1..2]), [(keccak256(SIGNED), Some(Address::ZERO))]);
        assert_eq!(senders.of_batch(&[&bad, &good]), [bad.recover(), Recovery::Signer(Address::ZERO)]);
        senders.0.clear();
        assert_eq!(senders.of_batch(&[&good]), [Recovery::Signer(SENDER)]);
        assert_eq!(senders.len(), 0);
    }

    #[test]
    fn a_batch_cannot_claim_the_hash_of_another_signature() {
        let good = L2Transaction::decode_signed(&SIGNED).unwrap();
        let senders = Senders::new();
        senders.recover(&[(&good, &SIGNED)]);
        // One chain id less and a recovery byte that is two higher: the same signed form, and no valid signature.
        let mut same_hash = good.clone();
        same_hash.chain_id = Some(0);
        same_hash.signature.v += 2;
        assert_eq!(same_hash.hash(), good.hash());
        assert_eq!(senders.of_batch(&[&same_hash, &good]), [Recovery::OutOfRange, Recovery::Signer(SENDER)]);
    }
}
