//! The signed form of `eth_sendRawTransaction`, and its hash.

use crate::rlp::{Cursor, ZeroByte, put_header, put_integer};
use crate::{CodecError, L2Transaction, TxSignature};
use alloy_primitives::{B256, Bytes, U256, keccak256};

impl L2Transaction {
    /// Reads `rlp([nonce, gasPrice, gasLimit, to, value, data, v, r, s])`, `v` being 27 or 28 without
    /// chain id and `chainId * 2 + 35` or one more with it. The effective percentage is 255.
    ///
    /// # Errors
    /// Says which rule of the canonical encoding is broken; EIP-2718 envelopes are named as such.
    pub fn decode_signed(bytes: &[u8]) -> Result<Self, CodecError> {
        match bytes.first() {
            Some(&kind @ 0..=0x7f) => return Err(CodecError::UnsupportedTransactionType(kind)),
            Some(_) => {}
            None => return Err(CodecError::Truncated),
        }
        let mut list = Cursor::list(bytes)?;
        let nonce = list.integer64("nonce", ZeroByte::Refused)?.0;
        let (gas_price, _) = list.integer("gasPrice", 32, ZeroByte::Refused)?;
        let gas_limit = list.integer64("gasLimit", ZeroByte::Refused)?.0;
        let to = list.recipient()?;
        let (value, _) = list.integer("value", 32, ZeroByte::Refused)?;
        let data = Bytes::copy_from_slice(list.data()?);
        let (v, _) = list.integer("v", 32, ZeroByte::Refused)?;
        let (r, _) = list.integer("r", 32, ZeroByte::Refused)?;
        let (s, _) = list.integer("s", 32, ZeroByte::Refused)?;
        if !list.is_at_end() {
            return Err(CodecError::ListLengthMismatch);
        }
        if list.end() != bytes.len() {
            return Err(CodecError::TrailingBytes);
        }
        let (chain_id, v) = split_v(v)?;
        Ok(Self {
            nonce,
            gas_price,
            gas_limit,
            to,
            value,
            data,
            chain_id,
            signature: TxSignature { r, s, v },
            effective_percentage: u8::MAX,
            literal_zeros: 0,
        })
    }

    /// The signed form, as RPC shows it and its hash covers it.
    #[must_use]
    pub fn encode_signed(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(192 + self.data.len());
        self.put_common_fields(&mut fields);
        put_integer(&mut fields, self.signed_v());
        put_integer(&mut fields, self.signature.r);
        put_integer(&mut fields, self.signature.s);
        let mut out = Vec::with_capacity(fields.len() + 4);
        put_header(&mut out, 0xc0, fields.len());
        out.extend_from_slice(&fields);
        out
    }

    /// `v` of the signed form.
    #[must_use]
    pub fn signed_v(&self) -> U256 {
        let v = U256::from(self.signature.v);
        match self.chain_id {
            None => v,
            Some(chain_id) => (U256::from(chain_id) << 1) + U256::from(35 - 27) + v,
        }
    }

    /// The transaction hash of RPC.
    #[must_use]
    pub fn hash(&self) -> B256 {
        keccak256(self.encode_signed())
    }
}

/// Chain id and recovery byte of the signed form's `v`.
fn split_v(v: U256) -> Result<(Option<u64>, u8), CodecError> {
    if v == U256::from(27) || v == U256::from(28) {
        return Ok((None, v.to()));
    }
    let offset = v.checked_sub(U256::from(35)).ok_or(CodecError::InvalidSignatureV)?;
    let chain_id = u64::try_from(offset >> 1).map_err(|_| CodecError::InvalidSignatureV)?;
    Ok((Some(chain_id), 27 + u8::from(offset.bit(0))))
}
