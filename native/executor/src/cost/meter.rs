//! Adds up what executes.

use super::table::{Cost, Formula, FrameRule};
use super::{OpTable, ProfileTable, op_table, profile_table};
use core::ops::{Add, AddAssign};
use zkevm_primitives::{CostProfile, Counters};

/// How a frame was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// By a call.
    Call,
    /// Init code of CREATE.
    Create,
    /// Init code of CREATE2.
    Create2,
    /// Init code of a transaction without recipient.
    Deploy,
}

/// The kinds of frame that cost differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// A call frame.
    Call = 0,
    /// A create frame.
    Create = 1,
    /// A deploy frame.
    Deploy = 2,
    /// A call or CREATE2 inside a deployment: a deploy frame with the create frame's extra.
    InDeployment = 3,
    /// CREATE outside a deployment: a create frame with the jumps of a call frame.
    CreateOutside = 4,
    /// CREATE2 outside a deployment: a call frame with the create frame's extra.
    Create2Outside = 5,
}

/// Number of kinds.
pub(crate) const FRAME_KINDS: usize = 6;

impl FrameKind {
    /// The kind of a frame entered by `entry`.
    pub(super) const fn of(rule: FrameRule, entry: Entry, in_deployment: bool) -> Self {
        match (rule, entry, in_deployment) {
            (FrameRule::ByFrame, Entry::Call, _) | (FrameRule::ByTransaction, Entry::Call, false) => Self::Call,
            (FrameRule::ByFrame, Entry::Create | Entry::Create2, _) => Self::Create,
            (FrameRule::ByFrame, Entry::Deploy, _) => Self::Deploy,
            (FrameRule::ByTransaction, Entry::Deploy, _) | (FrameRule::ByTransaction, Entry::Create, true) => {
                Self::Create
            }
            (FrameRule::ByTransaction, Entry::Call | Entry::Create2, true) => Self::InDeployment,
            (FrameRule::ByTransaction, Entry::Create, false) => Self::CreateOutside,
            (FrameRule::ByTransaction, Entry::Create2, false) => Self::Create2Outside,
        }
    }
}

/// Counters whose level number is still open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Priced {
    /// Everything that does not depend on the level number.
    pub rows: [u64; 8],
    /// Poseidon rows for each level.
    pub levels: u64,
}

impl Priced {
    /// The counters at level number `levels`.
    #[must_use]
    pub fn at(&self, levels: u64) -> Counters {
        let mut counters = Counters::from_array(self.rows);
        counters.poseidon = counters.poseidon.saturating_add(self.levels.saturating_mul(levels));
        counters
    }

    /// What came on top of `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            rows: core::array::from_fn(|row| self.rows[row].wrapping_sub(earlier.rows[row])),
            levels: self.levels.wrapping_sub(earlier.levels),
        }
    }

    /// Adds `times` times `cost`. Nothing wraps: what is counted was executed and paid for, and
    /// 2^64 rows are more than any execution lives to see.
    #[inline]
    pub(crate) fn add_cost(&mut self, cost: &Cost, times: u64) {
        let add = |sum: &mut u64, row: u32| *sum = sum.wrapping_add(u64::from(row).wrapping_mul(times));
        for row in 0..4 {
            add(&mut self.rows[row], cost.rows[row]);
        }
        if cost.has_tail {
            for row in 4..8 {
                add(&mut self.rows[row], cost.rows[row]);
            }
            add(&mut self.levels, cost.levels);
        }
    }

    #[inline]
    pub(crate) fn add_formula(&mut self, formula: &Formula, arguments: &[u64]) {
        self.add_cost(&formula.base, 1);
        for term in formula.terms {
            let times = term.count.of(arguments[term.argument]);
            if times != 0 {
                self.add_cost(&term.cost, times);
            }
        }
    }
}

impl AddAssign for Priced {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in self.rows.iter_mut().zip(other.rows) {
            *sum = sum.wrapping_add(more);
        }
        self.levels = self.levels.wrapping_add(other.levels);
    }
}

impl Add for Priced {
    type Output = Self;
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

/// Opcodes that are looked at together when a tally is multiplied out.
const TALLY_GROUP: usize = 8;

/// Counts one transaction.
#[derive(Debug)]
pub(crate) struct Meter {
    /// How often each opcode of constant cost ran since the kind of frame last changed.
    tally: [u64; 256],
    tallied: bool,
    kind: FrameKind,
    in_deployment: bool,
    sum: Priced,
    ops: &'static OpTable,
    profile: &'static ProfileTable,
    enabled: bool,
}

impl Meter {
    pub(crate) fn new(profile: CostProfile, enabled: bool) -> Self {
        Self {
            tally: [0; 256],
            tallied: false,
            kind: FrameKind::Call,
            in_deployment: false,
            sum: Priced::default(),
            ops: op_table(profile),
            profile: profile_table(profile),
            enabled,
        }
    }

    pub(crate) const fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub(crate) const fn profile(&self) -> &'static ProfileTable {
        self.profile
    }

    /// What was counted since the last call, and starts anew.
    pub(crate) fn take(&mut self) -> Priced {
        self.flush();
        core::mem::take(&mut self.sum)
    }

    /// What was counted since the last [`Self::take`]; counting goes on.
    pub(crate) fn so_far(&mut self) -> Priced {
        self.flush();
        self.tallied = self.enabled;
        self.sum
    }

    /// Steps of what is priced already: everything whose cost depends on sizes, and what was multiplied out.
    #[inline]
    pub(crate) const fn priced_steps(&self) -> u64 {
        self.sum.rows[0]
    }

    /// A transaction starts; one without recipient is a deployment.
    pub(crate) const fn begin(&mut self, is_deployment: bool) {
        self.in_deployment = is_deployment;
    }

    /// The kind of a frame entered by `entry` in the running transaction.
    pub(crate) const fn kind_of(&self, entry: Entry) -> FrameKind {
        FrameKind::of(self.profile.frame_rule, entry, self.in_deployment)
    }

    /// From now on opcodes run in a frame of `kind`.
    #[inline]
    pub(crate) fn enter(&mut self, kind: FrameKind) {
        if self.enabled {
            if kind != self.kind {
                self.flush();
                self.kind = kind;
            }
            self.tallied = true;
        }
    }

    /// An opcode of constant cost ran.
    #[inline]
    pub(crate) fn hit(&mut self, opcode: u8) {
        self.tally[usize::from(opcode)] += 1;
    }

    /// An opcode whose cost depends on sizes ran.
    #[inline]
    pub(crate) fn sized(&mut self, opcode: u8, arguments: &[u64]) {
        let formula = &self.ops.sized[self.kind as usize][usize::from(opcode)];
        self.sum.add_formula(formula, arguments);
    }

    /// Something else than an opcode.
    pub(crate) fn formula(&mut self, formula: &Formula, arguments: &[u64]) {
        if self.enabled {
            self.sum.add_formula(formula, arguments);
        }
    }

    /// Something else than an opcode, of constant cost.
    pub(crate) fn cost(&mut self, cost: &Cost) {
        if self.enabled {
            self.sum.add_cost(cost, 1);
        }
    }

    /// Something else than an opcode, priced elsewhere.
    pub(crate) fn priced(&mut self, priced: Priced) {
        if self.enabled {
            self.sum += priced;
        }
    }

    fn flush(&mut self) {
        if !core::mem::take(&mut self.tallied) {
            return;
        }
        let costs = &self.ops.constant[self.kind as usize];
        // Programs use few opcodes: whole groups that did not run are skipped at once.
        for (group, tally) in self.tally.chunks_exact_mut(TALLY_GROUP).enumerate() {
            if tally.iter().fold(0, |any, times| any | times) == 0 {
                continue;
            }
            for (opcode, times) in (group * TALLY_GROUP..).zip(tally) {
                let times = core::mem::take(times);
                if times != 0 {
                    self.sum.add_cost(&costs[opcode], times);
                }
            }
        }
    }
}
