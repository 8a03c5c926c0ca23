//! Why bytes could not be decoded.

/// Why a transaction or an entry of batchL2Data could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The input ends before the item does.
    #[error("the input ends inside an item")]
    Truncated,
    /// The item is no list, or its header is not the shortest one.
    #[error("the list header is invalid")]
    InvalidListHeader,
    /// The list's announced length and its content disagree.
    #[error("the list's length does not match its content")]
    ListLengthMismatch,
    /// An integer has a leading zero, is too long or is not in its shortest form.
    #[error("the field {field} is no valid integer")]
    InvalidInteger {
        /// Name of the field.
        field: &'static str,
    },
    /// The recipient is neither empty nor 20 bytes.
    #[error("the recipient is neither empty nor 20 bytes")]
    InvalidRecipient,
    /// The data string's header is invalid.
    #[error("the data field's header is invalid")]
    InvalidData,
    /// The two fields after the chain id are not empty.
    #[error("the fields after the chain id are not empty")]
    InvalidChainIdSuffix,
    /// An EIP-2718 envelope; only legacy transactions exist here.
    #[error("transaction type {0:#04x} is not supported, only legacy transactions are")]
    UnsupportedTransactionType(u8),
    /// Bytes follow the transaction.
    #[error("bytes follow the transaction")]
    TrailingBytes,
    /// `v` of a signed transaction is neither 27, 28 nor at least 35.
    #[error("the signature's v is invalid")]
    InvalidSignatureV,
}

impl CodecError {
    /// A stable code for the other side of the boundary.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "CODEC_TRUNCATED",
            Self::InvalidListHeader => "CODEC_INVALID_LIST_HEADER",
            Self::ListLengthMismatch => "CODEC_LIST_LENGTH_MISMATCH",
            Self::InvalidInteger { .. } => "CODEC_INVALID_INTEGER",
            Self::InvalidRecipient => "CODEC_INVALID_RECIPIENT",
            Self::InvalidData => "CODEC_INVALID_DATA",
            Self::InvalidChainIdSuffix => "CODEC_INVALID_CHAIN_ID_SUFFIX",
            Self::UnsupportedTransactionType(_) => "CODEC_UNSUPPORTED_TRANSACTION_TYPE",
            Self::TrailingBytes => "CODEC_TRAILING_BYTES",
            Self::InvalidSignatureV => "CODEC_INVALID_SIGNATURE_V",
        }
    }
}
