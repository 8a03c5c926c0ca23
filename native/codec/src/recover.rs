//! Signature recovery with libsecp256k1, for one signature or many on several threads.

use crate::{L2Transaction, SECP256K1_ORDER, TxSignature};
use alloy_primitives::{Address, B256, U256, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, PublicKey, Secp256k1, VerifyOnly};
use std::sync::OnceLock;
use zkevm_primitives::cpu;

/// Fewest signatures worth a thread: recovery takes some 30 microseconds, starting a thread as much.
const SIGNATURES_PER_THREAD_MIN: usize = 16;

/// What recovering a signature gave. The cases differ in their trace counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// The signer.
    Signer(Address),
    /// `r`, `s` or `v` is out of range.
    OutOfRange,
    /// In range, but `r` is the abscissa of no curve point.
    NoRoot,
    /// In range and `r` is an abscissa, but there is no key (the point at infinity).
    NoKey,
}

impl Recovery {
    /// The signer, if there is one.
    #[must_use]
    pub const fn signer(self) -> Option<Address> {
        match self {
            Self::Signer(address) => Some(address),
            _ => None,
        }
    }
}

fn context() -> &'static Secp256k1<VerifyOnly> {
    static CONTEXT: OnceLock<Secp256k1<VerifyOnly>> = OnceLock::new();
    CONTEXT.get_or_init(Secp256k1::verification_only)
}

/// Recovers the signer of `hash`; `s` may be at most `s_max`.
#[must_use]
pub fn recover(hash: &B256, signature: &TxSignature, s_max: U256) -> Recovery {
    recover_prehash(hash, signature.r, signature.s, U256::from(signature.v), s_max)
}

/// Recovers the signer of `hash` from full words, as the precompile gets them.
#[must_use]
pub fn recover_prehash(hash: &B256, r: U256, s: U256, v: U256, s_max: U256) -> Recovery {
    let parity = match u8::try_from(v) {
        Ok(27) => RecoveryId::Zero,
        Ok(28) => RecoveryId::One,
        _ => return Recovery::OutOfRange,
    };
    if r.is_zero() || r >= SECP256K1_ORDER || s.is_zero() || s > s_max {
        return Recovery::OutOfRange;
    }
    let mut compact = [0; 64];
    compact[..32].copy_from_slice(&r.to_be_bytes::<32>());
    compact[32..].copy_from_slice(&s.to_be_bytes::<32>());
    let recovered = RecoverableSignature::from_compact(&compact, parity)
        .and_then(|signature| context().recover_ecdsa(Message::from_digest(hash.0), &signature));
    match recovered {
        Ok(key) => {
            let digest = keccak256(&key.serialize_uncompressed()[1..]);
            Recovery::Signer(Address::from_slice(&digest[12..]))
        }
        Err(_) if is_abscissa(&compact[..32]) => Recovery::NoKey,
        Err(_) => Recovery::NoRoot,
    }
}

/// Whether some point of the curve has this abscissa.
fn is_abscissa(x: &[u8]) -> bool {
    let mut compressed = [2; 33];
    compressed[1..].copy_from_slice(x);
    PublicKey::from_slice(&compressed).is_ok()
}

/// Recovers the senders of many transactions on up to `threads` threads, in their order.
#[must_use]
pub fn recover_senders(transactions: &[&L2Transaction], threads: usize) -> Vec<Recovery> {
    let threads = threads.clamp(1, transactions.len() / SIGNATURES_PER_THREAD_MIN + 1);
    if threads == 1 {
        return transactions.iter().map(|tx| tx.recover()).collect();
    }
    let mut results = vec![Recovery::OutOfRange; transactions.len()];
    let share = transactions.len().div_ceil(threads);
    let recover_all = |transactions: &[&L2Transaction], results: &mut [Recovery]| {
        for (tx, result) in transactions.iter().zip(results) {
            *result = tx.recover();
        }
    };
    std::thread::scope(|scope| {
        let mut jobs = transactions.chunks(share).zip(results.chunks_mut(share));
        let own = jobs.next();
        let help = |(transactions, results)| {
            scope.spawn(move || {
                recover_all(transactions, results);
                cpu::spent_nanos()
            })
        };
        let helpers: Vec<_> = jobs.map(help).collect();
        if let Some((transactions, results)) = own {
            recover_all(transactions, results);
        }
        for helper in helpers {
            match helper.join() {
                Ok(nanos) => cpu::credit(nanos),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    results
}
