//! Virtual counters: what everything costs, and adding it up while transactions execute.
//!
//! The numbers live in one table a profile (`e9`, `b12`, `d13`) and nowhere else. [`Meter`] adds them
//! up: opcodes of constant cost are only tallied by (opcode, kind of frame) and multiplied out when
//! the kind of frame changes or the transaction ends; costs that depend on sizes are added in closed
//! form. The level number is kept apart, so that the same sum gives what is used and what to reserve.

#[allow(clippy::unreadable_literal, reason = "transcribed as they stand in the specification")]
mod b12;
#[allow(clippy::unreadable_literal, reason = "transcribed as they stand in the specification")]
mod d13;
#[allow(clippy::unreadable_literal, reason = "transcribed as they stand in the specification")]
mod e9;
mod levels;
mod meter;
mod modexp;
mod stages;
mod table;

pub use levels::Levels;
pub use meter::Priced;
pub use stages::CounterModel;

pub(crate) use meter::{Entry, FrameKind, Meter};

use meter::FRAME_KINDS;
pub(crate) use modexp::{ModexpShape, modexp_cost};
pub(crate) use stages::ecrecover_cost;
pub(crate) use table::{Cost, Formula, ProfileTable};

use revm::bytecode::opcode::{JUMP, JUMPI};
use std::sync::LazyLock;
use zkevm_primitives::CostProfile;

/// Costs of the opcodes of one profile, by kind of frame.
#[derive(Debug)]
pub(crate) struct OpTable {
    /// Constant cost by kind of frame and opcode.
    pub(crate) constant: Vec<[Cost; 256]>,
    /// Cost by size, by kind of frame and opcode.
    pub(crate) sized: Vec<[Formula; 256]>,
}

/// The table of `profile`.
pub(crate) fn profile_table(profile: CostProfile) -> &'static ProfileTable {
    match profile {
        CostProfile::E9 => &e9::TABLE,
        CostProfile::B12 => &b12::TABLE,
        CostProfile::D13 => &d13::TABLE,
    }
}

/// The opcode costs of `profile`, with each kind of frame's extra added in.
pub(crate) fn op_table(profile: CostProfile) -> &'static OpTable {
    static TABLES: LazyLock<[OpTable; 3]> = LazyLock::new(|| {
        [CostProfile::E9, CostProfile::B12, CostProfile::D13].map(|profile| OpTable::new(profile_table(profile)))
    });
    &TABLES[profile as usize]
}

impl OpTable {
    fn new(profile: &ProfileTable) -> Self {
        let nothing = Formula { base: Cost::default(), terms: &[] };
        let mut table =
            Self { constant: vec![[Cost::default(); 256]; FRAME_KINDS], sized: vec![[nothing; 256]; FRAME_KINDS] };
        for entry in profile.ops.iter().chain(profile.changed_ops) {
            let extra = &profile.frame_extra;
            let (create, deploy) = (entry.create.unwrap_or(entry.call), entry.deploy.unwrap_or(entry.call));
            let is_jump = matches!(entry.opcode, JUMP | JUMPI);
            let kinds: [Formula; FRAME_KINDS] = [
                entry.call,
                plus(create, extra.create, entry.prologues[0]),
                plus(deploy, extra.deploy, entry.prologues[1]),
                plus(deploy, extra.create, entry.prologues[1]),
                if is_jump {
                    plus(entry.call, extra.create, 1)
                } else {
                    plus(create, extra.create, entry.prologues[0])
                },
                plus(entry.call, extra.create, 1),
            ];
            for (kind, formula) in kinds.into_iter().enumerate() {
                if entry.is_sized {
                    table.sized[kind][usize::from(entry.opcode)] = formula;
                } else {
                    table.constant[kind][usize::from(entry.opcode)] = formula.base;
                }
            }
        }
        table
    }
}

fn plus(mut formula: Formula, extra: Cost, times: u32) -> Formula {
    for (row, more) in formula.base.rows.iter_mut().zip(extra.rows) {
        *row += more * times;
    }
    formula.base.levels += extra.levels * times;
    formula.base.has_tail |= extra.has_tail;
    formula
}
