//! Four field elements as one value.

use alloy_primitives::{B256, U256};

use crate::field::P;

/// Four Goldilocks elements `h0, h1, h2, h3`: a tree key, a node hash or a root.
///
/// As an integer it is `h0 + h1 * 2^64 + h2 * 2^128 + h3 * 2^192`; its 32-byte form is big endian and thus begins with
/// `h3`. The hash functions of this crate return canonical elements only. The ordering is that of the array, which is
/// neither the numeric order nor the order of the leaves in the tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct H4(pub [u64; 4]);

/// A 64-bit limb is not below the field's prime, so the 256-bit integer is no hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("limb {index} is {value:#018x}, which is not below the Goldilocks prime")]
pub struct NonCanonicalLimb {
    /// Which limb, 0 being the least significant.
    pub index: usize,
    /// Its value.
    pub value: u64,
}

impl H4 {
    /// The hash of the empty subtree and the root of the empty tree.
    pub const ZERO: Self = Self([0; 4]);

    /// Whether this is [`H4::ZERO`].
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Whether all limbs are below the prime, as in every hash this crate returns.
    pub fn is_canonical(&self) -> bool {
        self.0.iter().all(|&limb| limb < P)
    }

    /// The 32-byte form, big endian: `h3, h2, h1, h0`.
    pub fn to_b256(&self) -> B256 {
        let mut bytes = [0u8; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0.iter().rev()) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        B256::new(bytes)
    }

    /// Reads the 32-byte form.
    ///
    /// # Errors
    /// [`NonCanonicalLimb`] when a limb is not below the prime.
    pub fn from_b256(bytes: &B256) -> Result<Self, NonCanonicalLimb> {
        Self::from_u256(&U256::from_be_bytes(bytes.0))
    }

    /// The integer.
    pub fn to_u256(&self) -> U256 {
        U256::from_limbs(self.0)
    }

    /// Reads the integer.
    ///
    /// # Errors
    /// [`NonCanonicalLimb`] when a limb is not below the prime.
    pub fn from_u256(value: &U256) -> Result<Self, NonCanonicalLimb> {
        let limbs = *value.as_limbs();
        match limbs.iter().position(|&limb| limb >= P) {
            Some(index) => Err(NonCanonicalLimb { index, value: limbs[index] }),
            None => Ok(Self(limbs)),
        }
    }
}

impl From<H4> for B256 {
    fn from(hash: H4) -> Self {
        hash.to_b256()
    }
}

impl TryFrom<B256> for H4 {
    type Error = NonCanonicalLimb;

    fn try_from(bytes: B256) -> Result<Self, NonCanonicalLimb> {
        Self::from_b256(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_big_endian_with_h3_first() {
        let hash = H4([1, 2, 3, 0x0405]);
        let bytes = hash.to_b256();
        assert_eq!(&bytes[..8], &[0, 0, 0, 0, 0, 0, 4, 5]);
        assert_eq!(bytes[31], 1);
        assert_eq!(H4::from_b256(&bytes), Ok(hash));
    }

    #[test]
    fn limbs_at_or_above_the_prime_are_refused() {
        assert_eq!(H4::from_b256(&B256::repeat_byte(0xff)), Err(NonCanonicalLimb { index: 0, value: u64::MAX }));
        assert_eq!(H4::from_b256(&H4([0, 0, P, 0]).to_b256()), Err(NonCanonicalLimb { index: 2, value: P }));
        assert!(H4::from_b256(&H4([P - 1; 4]).to_b256()).is_ok());
    }
}
