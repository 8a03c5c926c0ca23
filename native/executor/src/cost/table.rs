//! The shape of a cost profile's table, and what counting needs of it.

/// What something costs: rows of each counter, and Poseidon rows for each tree level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Steps, arith, binary, memAlign, keccaks, padding, poseidon, sha256.
    pub(crate) rows: [u32; 8],
    /// Times the level number, added to poseidon.
    pub(crate) levels: u32,
    /// Whether anything after memAlign is used; most costs do not.
    pub(crate) has_tail: bool,
}

/// How often a term counts for an argument.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    /// `(argument + add) / div`, rounded down.
    Div { add: u64, div: u64 },
    /// 1 when the argument is at least this, else 0.
    AtLeast(u64),
    /// The argument itself when it is at least this, else 0.
    SelfFrom(u64),
}

impl Count {
    pub(crate) const fn of(self, argument: u64) -> u64 {
        match self {
            Self::Div { add, div } => argument.saturating_add(add) / div,
            Self::AtLeast(least) => (argument >= least) as u64,
            Self::SelfFrom(least) if argument >= least => argument,
            Self::SelfFrom(_) => 0,
        }
    }
}

/// A cost that depends on one argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) argument: usize,
    pub(crate) count: Count,
    pub(crate) cost: Cost,
}

/// A constant cost and terms that depend on arguments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formula {
    pub(crate) base: Cost,
    pub(crate) terms: &'static [Term],
}

/// An opcode's costs in a call frame, and what replaces them in the other kinds of frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpEntry {
    pub(super) opcode: u8,
    pub(super) call: Formula,
    pub(super) create: Option<Formula>,
    pub(super) deploy: Option<Formula>,
    /// How often the frame extra counts in a create and in a deploy frame.
    pub(super) prologues: [u32; 2],
    pub(super) is_sized: bool,
}

/// How the kind of a frame follows from how it was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameRule {
    /// Each frame for itself, as the reference that made the fork 9 vectors does.
    ByFrame,
    /// A transaction without recipient marks everything it runs, as cdk-erigon does.
    ByTransaction,
}

/// What every opcode costs more in a kind of frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameKindCosts {
    pub(super) create: Cost,
    pub(super) deploy: Cost,
}

/// All numbers of a cost profile.
#[derive(Debug)]
pub(crate) struct ProfileTable {
    /// The level number is this fraction of the tree's.
    pub(crate) level_numerator: u64,
    pub(crate) level_denominator: u64,
    /// Length that a zero field counts in a transaction rejected for chain id or signature.
    pub(crate) zero_field_bytes_of_rejected: u64,
    pub(super) frame_rule: FrameRule,
    pub(super) frame_extra: FrameKindCosts,
    pub(super) ops: &'static [OpEntry],
    /// Entries that stand for those of `ops` with the same opcode.
    pub(super) changed_ops: &'static [OpEntry],
    pub(crate) batch: Formula,
    pub(crate) decode_change_l2_block: Formula,
    pub(crate) change_l2_block: Formula,
    /// By bytes of the transaction, bytes of its data, and the sum of its five integer fields' lengths.
    pub(crate) rlp_parsing: Formula,
    pub(crate) process_tx_call: Formula,
    pub(crate) process_tx_deploy: Formula,
    pub(crate) contract_call: Formula,
    pub(crate) contract_create: Formula,
    pub(crate) contract_create2: Formula,
    pub(crate) ecrecover_invalid: Cost,
    pub(crate) ecrecover_no_root: Cost,
    pub(crate) ecrecover_root: Cost,
    pub(crate) precompile_ecrecover: Formula,
    pub(crate) precompile_sha256: Formula,
    pub(crate) precompile_identity: Formula,
    pub(crate) precompile_modexp: Formula,
    pub(crate) precompile_ecadd: Formula,
    pub(crate) precompile_ecmul: Formula,
    pub(crate) precompile_ecpairing: Formula,
    pub(crate) precompile_p256verify: Formula,
    /// By outcome, in the order in which the ROM finds them.
    pub(crate) p256_outcomes: [Cost; 9],
}

pub(super) const fn c(rows: [u32; 8], levels: u32) -> Cost {
    let has_tail = rows[4] != 0 || rows[5] != 0 || rows[6] != 0 || rows[7] != 0 || levels != 0;
    Cost { rows, levels, has_tail }
}

pub(super) const fn f(base: Cost, terms: &'static [Term]) -> Formula {
    Formula { base, terms }
}

pub(super) const fn term(argument: usize, count: Count, cost: Cost) -> Term {
    Term { argument, count, cost }
}

pub(super) const fn op(opcode: u8, call: Cost, create: Option<Cost>, deploy: Option<Cost>) -> OpEntry {
    const fn constant(cost: Option<Cost>) -> Option<Formula> {
        match cost {
            Some(base) => Some(Formula { base, terms: &[] }),
            None => None,
        }
    }
    OpEntry {
        opcode,
        call: f(call, &[]),
        create: constant(create),
        deploy: constant(deploy),
        prologues: [1, 1],
        is_sized: false,
    }
}

pub(super) const fn sized(
    opcode: u8,
    call: Formula,
    create: Option<Formula>,
    deploy: Option<Formula>,
    prologues: [u32; 2],
) -> OpEntry {
    OpEntry { opcode, call, create, deploy, prologues, is_sized: true }
}
