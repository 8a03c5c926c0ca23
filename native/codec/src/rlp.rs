//! The strict RLP of batchL2Data, and the shortest encodings.
//!
//! The ROM's decoder is stricter than RLP in some places (field widths, no trailing items) and laxer
//! in one: the byte `0x00` is accepted as the integer zero. [`Cursor`] follows it exactly.

use crate::CodecError;
use alloy_primitives::{Address, U256};

/// Whether an integer zero may also be written as the byte `0x00`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ZeroByte {
    Accepted,
    Refused,
}

/// Reads fields inside `bytes[at..end]`.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// Reads the list header at the start of `bytes`; the cursor then covers the list's payload.
    pub(crate) fn list(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let header = *bytes.first().ok_or(CodecError::Truncated)?;
        let (start, payload) = match header {
            0xc1..=0xf7 => (1, usize::from(header - 0xc0)),
            0xf8..=0xfa => {
                let length = long_length(bytes.get(1..), header - 0xf7).map_err(|error| match error {
                    CodecError::Truncated => CodecError::Truncated,
                    _ => CodecError::InvalidListHeader,
                })?;
                (1 + usize::from(header - 0xf7), length)
            }
            _ => return Err(CodecError::InvalidListHeader),
        };
        Ok(Self { bytes, at: start, end: start + payload })
    }

    /// Position after the list as its header announces it; may be past the input.
    pub(crate) const fn end(&self) -> usize {
        self.end
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.at == self.end
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let stop = self.at.checked_add(count).ok_or(CodecError::Truncated)?;
        if stop > self.end {
            return Err(if self.end > self.bytes.len() {
                CodecError::Truncated
            } else {
                CodecError::ListLengthMismatch
            });
        }
        let taken = self.bytes.get(self.at..stop).ok_or(CodecError::Truncated)?;
        self.at = stop;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, CodecError> {
        Ok(self.take(1)?[0])
    }

    /// An integer of at most `max` bytes, and whether it was written as the byte `0x00`.
    pub(crate) fn integer(
        &mut self,
        field: &'static str,
        max: usize,
        zero_byte: ZeroByte,
    ) -> Result<(U256, bool), CodecError> {
        let invalid = CodecError::InvalidInteger { field };
        let header = self.byte()?;
        match header {
            0 if zero_byte == ZeroByte::Refused => Err(invalid),
            0..=0x7f => Ok((U256::from(header), header == 0)),
            0x80 => Ok((U256::ZERO, false)),
            _ if usize::from(header - 0x80) > max => Err(invalid),
            _ => {
                let digits = self.take(usize::from(header - 0x80))?;
                if digits[0] == 0 || (digits.len() == 1 && digits[0] < 0x80) {
                    return Err(invalid);
                }
                Ok((U256::from_be_slice(digits), false))
            }
        }
    }

    /// An integer of at most 8 bytes.
    pub(crate) fn integer64(&mut self, field: &'static str, zero_byte: ZeroByte) -> Result<(u64, bool), CodecError> {
        let (value, literal) = self.integer(field, 8, zero_byte)?;
        Ok((u64::try_from(value).map_err(|_| CodecError::InvalidInteger { field })?, literal))
    }

    /// The recipient; none for a deployment.
    pub(crate) fn recipient(&mut self) -> Result<Option<Address>, CodecError> {
        match self.byte()? {
            0x80 => Ok(None),
            0x94 => Ok(Some(Address::from_slice(self.take(20)?))),
            _ => Err(CodecError::InvalidRecipient),
        }
    }

    /// A byte string with a length of up to three bytes.
    pub(crate) fn data(&mut self) -> Result<&'a [u8], CodecError> {
        let header_at = self.at;
        let header = self.byte()?;
        match header {
            0..=0x7f => Ok(&self.bytes[header_at..=header_at]),
            0x80..=0xb7 => {
                let string = self.take(usize::from(header - 0x80))?;
                if string.len() == 1 && string[0] < 0x80 {
                    return Err(CodecError::InvalidData);
                }
                Ok(string)
            }
            0xb8..=0xba => {
                let digits = self.take(usize::from(header - 0xb7))?;
                let length = long_length(Some(digits), header - 0xb7).map_err(|_| CodecError::InvalidData)?;
                self.take(length)
            }
            _ => Err(CodecError::InvalidData),
        }
    }

    /// The byte `0x80`.
    pub(crate) fn empty(&mut self) -> Result<(), CodecError> {
        if self.byte()? == 0x80 { Ok(()) } else { Err(CodecError::InvalidChainIdSuffix) }
    }
}

/// A length of `digits` bytes: at least 56 and without a leading zero.
fn long_length(bytes: Option<&[u8]>, digits: u8) -> Result<usize, CodecError> {
    let digits = bytes.and_then(|b| b.get(..usize::from(digits))).ok_or(CodecError::Truncated)?;
    let length = digits.iter().fold(0usize, |sum, &d| (sum << 8) | usize::from(d));
    if digits[0] == 0 || length < 56 { Err(CodecError::InvalidData) } else { Ok(length) }
}

/// Appends the header of a string (`base` 0x80) or list (`base` 0xc0) of `length` bytes.
pub(crate) fn put_header(out: &mut Vec<u8>, base: u8, length: usize) {
    if length < 56 {
        out.push(base + length as u8);
    } else {
        let digits = length.to_be_bytes();
        let digits = &digits[length.leading_zeros() as usize / 8..];
        out.push(base + 55 + digits.len() as u8);
        out.extend_from_slice(digits);
    }
}

/// Appends a byte string.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() != 1 || bytes[0] >= 0x80 {
        put_header(out, 0x80, bytes.len());
    }
    out.extend_from_slice(bytes);
}

/// Appends an integer in its shortest form.
pub(crate) fn put_integer(out: &mut Vec<u8>, value: U256) {
    put_bytes(out, &value.to_be_bytes_trimmed_vec());
}
