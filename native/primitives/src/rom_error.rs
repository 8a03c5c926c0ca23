//! The ROM's errors by their public names.

use crate::Counter;
use core::fmt;

/// What an error of the ROM ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RomErrorScope {
    /// A frame; the transaction when it is the top one.
    Frame,
    /// The transaction is skipped: the state is as before it.
    Transaction,
    /// The batch is invalid: it changes nothing.
    Batch,
    /// The request is refused.
    Request,
}

macro_rules! rom_errors {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $name:literal, $scope:ident;)*) => {
        /// An error of the ROM. The discriminants are those of the executor's API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum RomError {
            $($(#[$doc])* $variant = $number,)*
        }

        impl RomError {
            /// Every error.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The public name without its `ROM_ERROR_` prefix.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the error ends.
            pub const fn scope(self) -> RomErrorScope {
                match self { $(Self::$variant => RomErrorScope::$scope,)* }
            }
        }
    };
}

rom_errors! {
    /// A frame ran out of gas.
    OutOfGas = 2, "OUT_OF_GAS", Frame;
    /// A push onto a full stack.
    StackOverflow = 3, "STACK_OVERFLOW", Frame;
    /// A pop from an empty stack.
    StackUnderflow = 4, "STACK_UNDERFLOW", Frame;
    /// The deployed code is longer than 24,576 bytes.
    MaxCodeSizeExceeded = 5, "MAX_CODE_SIZE_EXCEEDED", Frame;
    /// The created address has a nonce or code.
    ContractAddressCollision = 6, "CONTRACT_ADDRESS_COLLISION", Frame;
    /// REVERT, or a call of an unsupported precompile.
    ExecutionReverted = 7, "EXECUTION_REVERTED", Frame;
    /// Too many steps.
    OutOfCountersStep = 8, "OUT_OF_COUNTERS_STEP", Batch;
    /// Too many keccak permutations.
    OutOfCountersKeccak = 9, "OUT_OF_COUNTERS_KECCAK", Batch;
    /// Too many binary operations.
    OutOfCountersBinary = 10, "OUT_OF_COUNTERS_BINARY", Batch;
    /// Too many unaligned memory accesses.
    OutOfCountersMem = 11, "OUT_OF_COUNTERS_MEM", Batch;
    /// Too many arithmetic operations.
    OutOfCountersArith = 12, "OUT_OF_COUNTERS_ARITH", Batch;
    /// Too many padding blocks.
    OutOfCountersPadding = 13, "OUT_OF_COUNTERS_PADDING", Batch;
    /// Too many Poseidon permutations.
    OutOfCountersPoseidon = 14, "OUT_OF_COUNTERS_POSEIDON", Batch;
    /// Too many sha256 permutations.
    OutOfCountersSha = 15, "OUT_OF_COUNTERS_SHA", Batch;
    /// A jump to something else than a JUMPDEST byte.
    InvalidJump = 16, "INVALID_JUMP", Frame;
    /// An undefined opcode.
    InvalidOpcode = 17, "INVALID_OPCODE", Frame;
    /// A write in a static frame.
    InvalidStatic = 18, "INVALID_STATIC", Frame;
    /// The deployed code starts with 0xEF.
    InvalidBytecodeStartsEf = 19, "INVALID_BYTECODE_STARTS_EF", Frame;
    /// The signature is out of range, high-s, or recovers no key.
    IntrinsicInvalidSignature = 20, "INTRINSIC_INVALID_SIGNATURE", Transaction;
    /// The signed chain id is another one.
    IntrinsicInvalidChainId = 21, "INTRINSIC_INVALID_CHAIN_ID", Transaction;
    /// The nonce is not the sender's.
    IntrinsicInvalidNonce = 22, "INTRINSIC_INVALID_NONCE", Transaction;
    /// The gas limit is below the intrinsic gas.
    IntrinsicInvalidGasLimit = 23, "INTRINSIC_INVALID_GAS_LIMIT", Transaction;
    /// The balance does not cover gas and value.
    IntrinsicInvalidBalance = 24, "INTRINSIC_INVALID_BALANCE", Transaction;
    /// The gas limit is over the highest gas limit of a transaction.
    IntrinsicInvalidBatchGasLimit = 25, "INTRINSIC_INVALID_BATCH_GAS_LIMIT", Transaction;
    /// The sender has code.
    IntrinsicInvalidSenderCode = 26, "INTRINSIC_INVALID_SENDER_CODE", Transaction;
    /// Gas price times gas limit does not fit in 256 bits.
    IntrinsicTxGasOverflow = 27, "INTRINSIC_TX_GAS_OVERFLOW", Transaction;
    /// batchL2Data is over its highest size.
    BatchDataTooBig = 28, "BATCH_DATA_TOO_BIG", Request;
    /// The fork is not supported.
    UnsupportedForkId = 29, "UNSUPPORTED_FORK_ID", Request;
    /// batchL2Data cannot be decoded.
    InvalidRlp = 30, "INVALID_RLP", Batch;
    /// A changeL2Block in a forced batch.
    InvalidDecodeChangeL2Block = 31, "INVALID_DECODE_CHANGE_L2_BLOCK", Batch;
    /// The first entry is not a changeL2Block.
    InvalidNotFirstTxChangeL2Block = 32, "INVALID_NOT_FIRST_TX_CHANGE_L2_BLOCK", Batch;
    /// A block's timestamp is over the batch's limit.
    InvalidTxChangeL2BlockLimitTimestamp = 33, "INVALID_TX_CHANGE_L2_BLOCK_LIMIT_TIMESTAMP", Batch;
    /// A block's timestamp is below that of its L1 info leaf.
    InvalidTxChangeL2BlockMinTimestamp = 34, "INVALID_TX_CHANGE_L2_BLOCK_MIN_TIMESTAMP", Batch;
    /// The L1 info leaf of the index is empty.
    InvalidL1InfoTreeIndex = 35, "INVALID_L1_INFO_TREE_INDEX", Batch;
}

impl RomError {
    /// The number of the executor's API.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The error of running out of `counter`.
    pub const fn out_of_counters(counter: Counter) -> Self {
        match counter {
            Counter::Steps => Self::OutOfCountersStep,
            Counter::Arith => Self::OutOfCountersArith,
            Counter::Binary => Self::OutOfCountersBinary,
            Counter::MemAlign => Self::OutOfCountersMem,
            Counter::Keccaks => Self::OutOfCountersKeccak,
            Counter::Padding => Self::OutOfCountersPadding,
            Counter::Poseidon => Self::OutOfCountersPoseidon,
            Counter::Sha256 => Self::OutOfCountersSha,
        }
    }
}

impl fmt::Display for RomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ROM_ERROR_{}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_api_s_and_names_are_unique() {
        let numbers: Vec<u8> = RomError::ALL.iter().map(|e| e.number()).collect();
        assert_eq!(numbers, (2..=35).collect::<Vec<u8>>());
        let mut names: Vec<&str> = RomError::ALL.iter().map(|e| e.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RomError::ALL.len());
    }

    #[test]
    fn every_counter_has_a_batch_error() {
        for counter in Counter::ALL {
            assert_eq!(RomError::out_of_counters(counter).scope(), RomErrorScope::Batch);
        }
    }
}
