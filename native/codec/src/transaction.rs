//! A transaction of the L2: legacy, with its signature and effective percentage.

use crate::rlp::{Cursor, ZeroByte, put_bytes, put_header, put_integer};
use crate::{CodecError, Recovery};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};

/// Bytes after the signed list: r, s, v and the effective percentage.
pub(crate) const SUFFIX_BYTES: usize = 32 + 32 + 1 + 1;

const NONCE: u8 = 1;
const GAS_PRICE: u8 = 1 << 1;
const GAS_LIMIT: u8 = 1 << 2;
const VALUE: u8 = 1 << 3;
const CHAIN_ID: u8 = 1 << 4;

/// Gas that is charged before execution: for the message, and for each byte of its data.
#[must_use]
pub fn intrinsic_gas(is_deployment: bool, data: &[u8]) -> u64 {
    let base: u64 = if is_deployment { 53_000 } else { 21_000 };
    data.iter().fold(base, |sum, &byte| sum + if byte == 0 { 4 } else { 16 })
}

/// A signature as it stands in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TxSignature {
    /// `r`.
    pub r: U256,
    /// `s`.
    pub s: U256,
    /// The recovery byte as it stands in the batch: 27 or 28 when valid.
    pub v: u8,
}

/// A legacy transaction, with or without chain id (EIP-155).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct L2Transaction {
    /// Nonce of the sender.
    pub nonce: u64,
    /// The signed gas price in wei.
    pub gas_price: U256,
    /// Highest gas to use.
    pub gas_limit: u64,
    /// Recipient; none for a deployment.
    pub to: Option<Address>,
    /// Value in wei.
    pub value: U256,
    /// Call data or init code.
    pub data: Bytes,
    /// Chain id of an EIP-155 signature.
    pub chain_id: Option<u64>,
    /// The signature.
    pub signature: TxSignature,
    /// The share of the gas price that is paid: `(effective_percentage + 1) / 256`.
    pub effective_percentage: u8,
    /// Integer fields written as the byte `0x00` instead of `0x80`; the signature covers the bytes.
    pub(crate) literal_zeros: u8,
}

impl L2Transaction {
    /// Reads one transaction of a batch from the start of `bytes` and says how many bytes it takes.
    ///
    /// # Errors
    /// Says which rule of the strict encoding is broken.
    pub fn decode_batch_form(bytes: &[u8]) -> Result<(Self, usize), CodecError> {
        let mut list = Cursor::list(bytes)?;
        let mut tx = Self::default();
        let mut literal_zeros = 0;
        let mut note = |(value, literal): (U256, bool), flag: u8| {
            literal_zeros |= if literal { flag } else { 0 };
            value
        };
        tx.nonce = note(list.integer("nonce", 8, ZeroByte::Accepted)?, NONCE).to();
        tx.gas_price = note(list.integer("gasPrice", 32, ZeroByte::Accepted)?, GAS_PRICE);
        tx.gas_limit = note(list.integer("gasLimit", 8, ZeroByte::Accepted)?, GAS_LIMIT).to();
        tx.to = list.recipient()?;
        tx.value = note(list.integer("value", 32, ZeroByte::Accepted)?, VALUE);
        tx.data = Bytes::copy_from_slice(list.data()?);
        if !list.is_at_end() {
            let chain_id = list.integer("chainId", 8, ZeroByte::Accepted)?;
            tx.chain_id = Some(note(chain_id, CHAIN_ID).to());
            list.empty()?;
            list.empty()?;
        }
        if !list.is_at_end() {
            return Err(CodecError::ListLengthMismatch);
        }
        tx.literal_zeros = literal_zeros;
        let end = list.end();
        let suffix = bytes.get(end..end + SUFFIX_BYTES).ok_or(CodecError::Truncated)?;
        tx.signature = TxSignature {
            r: U256::from_be_slice(&suffix[..32]),
            s: U256::from_be_slice(&suffix[32..64]),
            v: suffix[64],
        };
        tx.effective_percentage = suffix[65];
        Ok((tx, end + SUFFIX_BYTES))
    }

    /// Appends the transaction as it stands in a batch.
    pub fn encode_batch_form(&self, out: &mut Vec<u8>) {
        self.encode_unsigned(out);
        out.extend_from_slice(&self.signature.r.to_be_bytes::<32>());
        out.extend_from_slice(&self.signature.s.to_be_bytes::<32>());
        out.push(self.signature.v);
        out.push(self.effective_percentage);
    }

    /// Bytes the transaction takes in a batch.
    #[must_use]
    pub fn batch_form_bytes(&self) -> usize {
        let mut out = Vec::with_capacity(128 + self.data.len());
        self.encode_unsigned(&mut out);
        out.len() + SUFFIX_BYTES
    }

    /// The signed list: six fields, or nine with a chain id.
    fn encode_unsigned(&self, out: &mut Vec<u8>) {
        let mut fields = Vec::with_capacity(96 + self.data.len());
        self.put_common_fields(&mut fields);
        if let Some(chain_id) = self.chain_id {
            self.put_field(&mut fields, U256::from(chain_id), CHAIN_ID);
            fields.extend_from_slice(&[0x80, 0x80]);
        }
        put_header(out, 0xc0, fields.len());
        out.extend_from_slice(&fields);
    }

    fn put_field(&self, out: &mut Vec<u8>, value: U256, flag: u8) {
        if value.is_zero() && self.literal_zeros & flag != 0 {
            out.push(0);
        } else {
            put_integer(out, value);
        }
    }

    /// The six fields that the batch form and the signed form share.
    pub(crate) fn put_common_fields(&self, out: &mut Vec<u8>) {
        self.put_field(out, U256::from(self.nonce), NONCE);
        self.put_field(out, self.gas_price, GAS_PRICE);
        self.put_field(out, U256::from(self.gas_limit), GAS_LIMIT);
        put_bytes(out, self.to.as_ref().map_or(&[][..], |to| to.as_slice()));
        self.put_field(out, self.value, VALUE);
        put_bytes(out, &self.data);
    }

    /// The hash the sender signed.
    #[must_use]
    pub fn signing_hash(&self) -> B256 {
        let mut list = Vec::with_capacity(128 + self.data.len());
        self.encode_unsigned(&mut list);
        keccak256(list)
    }

    /// The price that is paid per gas: `gas_price * (effective_percentage + 1) / 256`.
    #[must_use]
    pub fn effective_gas_price(&self) -> U256 {
        let share = U256::from(u64::from(self.effective_percentage) + 1);
        // Split so that no 257-bit product is needed: (256q + r)·p / 256 = q·p + r·p / 256.
        (self.gas_price >> 8) * share + (((self.gas_price & U256::from(0xff)) * share) >> 8)
    }

    /// Gas that is charged before execution.
    #[must_use]
    pub fn intrinsic_gas(&self) -> u64 {
        intrinsic_gas(self.to.is_none(), &self.data)
    }

    /// As [`Self::l2_hash_preimage`], in the form of the draft of fork 7: shortest integers, nothing in between.
    #[must_use]
    pub fn l2_hash_preimage_shortest(&self, from: Address) -> Vec<u8> {
        let mut out = Vec::with_capacity(96 + self.data.len());
        put_shortest(&mut out, U256::from(self.nonce));
        put_shortest(&mut out, self.gas_price);
        put_shortest(&mut out, U256::from(self.gas_limit));
        out.extend_from_slice(self.to.as_ref().map_or(&[], |to| to.as_slice()));
        put_shortest(&mut out, self.value);
        out.extend_from_slice(&self.data);
        out.extend_from_slice(from.as_slice());
        out
    }

    /// What the L2 transaction hash (a linear Poseidon hash) is taken of. `from` is the recovered
    /// sender; neither signature nor effective percentage is covered.
    #[must_use]
    pub fn l2_hash_preimage(&self, from: Address) -> Vec<u8> {
        let mut out = Vec::with_capacity(140 + self.data.len());
        out.push(u8::from(self.chain_id.is_some()));
        out.extend_from_slice(&self.nonce.to_be_bytes());
        out.extend_from_slice(&self.gas_price.to_be_bytes::<32>());
        out.extend_from_slice(&self.gas_limit.to_be_bytes());
        match self.to {
            None => out.push(1),
            Some(to) => {
                out.push(0);
                out.extend_from_slice(to.as_slice());
            }
        }
        out.extend_from_slice(&self.value.to_be_bytes::<32>());
        out.extend_from_slice(&(self.data.len() as u32).to_be_bytes()[1..]);
        out.extend_from_slice(&self.data);
        if let Some(chain_id) = self.chain_id {
            out.extend_from_slice(&chain_id.to_be_bytes());
        }
        out.extend_from_slice(from.as_slice());
        out
    }

    /// Recovers the sender.
    #[must_use]
    pub fn recover(&self) -> Recovery {
        crate::recover(&self.signing_hash(), &self.signature, crate::SECP256K1_HALF_ORDER)
    }
}

/// The shortest big-endian bytes of an integer; zero takes one byte.
fn put_shortest(out: &mut Vec<u8>, value: U256) {
    let bytes = value.byte_len().max(1);
    out.extend_from_slice(&value.to_be_bytes::<32>()[32 - bytes..]);
}
