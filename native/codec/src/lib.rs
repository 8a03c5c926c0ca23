//! Transactions and batchL2Data: the encodings that enter and leave the node.
//!
//! * [`decode_batch`] and [`BatchEncoder`]: batchL2Data, strict as the ROM is.
//! * [`L2Transaction`]: one legacy transaction with its signature, hashes and effective gas price.
//! * [`L2Transaction::decode_signed`] and [`L2Transaction::encode_signed`]: the form of
//!   `eth_sendRawTransaction`.
//! * [`recover_senders`]: signature recovery of many transactions on several threads.
//!
//! Decoding never panics and is linear in its input; nothing here knows the state.

mod batch;
mod error;
mod recover;
mod rlp;
mod signed;
mod transaction;

pub use batch::{BatchDecodeFailure, BatchEncoder, BatchItem, ChangeL2Block, DecodedItem, decode_batch};
pub use error::CodecError;
pub use recover::{Recovery, recover, recover_prehash, recover_senders};
pub use transaction::{L2Transaction, TxSignature, intrinsic_gas};

/// Half of the order of secp256k1, rounded down: the highest `s` of a transaction.
pub const SECP256K1_HALF_ORDER: alloy_primitives::U256 = alloy_primitives::U256::from_limbs([
    0xdfe9_2f46_681b_20a0,
    0x5d57_6e73_57a4_501d,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
]);

/// The order of secp256k1.
pub const SECP256K1_ORDER: alloy_primitives::U256 = alloy_primitives::U256::from_limbs([
    0xbfd2_5e8c_d036_4141,
    0xbaae_dce6_af48_a03b,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
]);
