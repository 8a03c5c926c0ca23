//! Profile D13: the costs from fork 13, where it differs from [`super::b12`]: one more precompile to tell an address from, and what that
//! precompile costs. Transcribed from the specification's table.

use super::b12;
use super::table::{Count, OpEntry, ProfileTable, c, f, op, sized, term};

/// The table of profile D13.
pub(super) static TABLE: ProfileTable = ProfileTable {
    changed_ops: CHANGED_OPS,
    process_tx_call: f(
        c([825, 7, 48, 0, 1, 6, 162, 0], 20),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::AtLeast(56), c([40, 1, 3, 0, 0, 0, 0, 0], 0)),
        ],
    ),
    process_tx_deploy: f(
        c([1430, 20, 85, 2, 1, 6, 162, 0], 22),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::Div { add: 0, div: 32 }, c([178, 4, 10, 1, 0, 0, 0, 0], 0)),
        ],
    ),
    precompile_p256verify: f(c([1635, 36, 83, 7, 0, 0, 0, 0], 0), &[]),
    p256_outcomes: [
        c([13, 0, 1, 0, 0, 0, 0, 0], 0),
        c([15, 0, 2, 0, 0, 0, 0, 0], 0),
        c([17, 0, 3, 0, 0, 0, 0, 0], 0),
        c([19, 0, 4, 0, 0, 0, 0, 0], 0),
        c([22, 0, 5, 0, 0, 0, 0, 0], 0),
        c([24, 0, 6, 0, 0, 0, 0, 0], 0),
        c([29, 0, 8, 0, 0, 0, 0, 0], 0),
        c([104, 12, 15, 0, 0, 0, 0, 0], 0),
        c([7718, 531, 22, 0, 0, 0, 0, 0], 0),
    ],
    ..b12::COSTS
};

#[rustfmt::skip]
const CHANGED_OPS: &[OpEntry] = &[
    op(0x31, c([126, 0, 5, 0, 0, 0, 46, 0], 1), None, None), // BALANCE
    op(0x3b, c([128, 0, 5, 0, 0, 0, 46, 0], 1), None, None), // EXTCODESIZE
    // EXTCODECOPY(n, c)
    sized(0x3c, f(c([310, 3, 14, 0, 0, 0, 46, 0], 2), &[term(1, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([40, 0, 3, 2, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0x3f, c([128, 0, 5, 0, 0, 0, 46, 0], 1), None, None), // EXTCODEHASH
    // CALL(ia, oa)
    sized(0xf1, f(c([289, 0, 17, 0, 0, 0, 46, 0], 3), &[term(0, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // CALLCODE(ia, oa)
    sized(0xf2, f(c([259, 0, 14, 0, 0, 0, 46, 0], 0), &[term(0, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // DELEGATECALL(ia, oa)
    sized(0xf4, f(c([259, 0, 9, 0, 0, 0, 46, 0], 0), &[term(0, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // STATICCALL(ia, oa)
    sized(0xfa, f(c([259, 0, 9, 0, 0, 0, 46, 0], 0), &[term(0, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([118, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0xff, c([218, 0, 12, 0, 0, 0, 46, 0], 7), None, None), // SELFDESTRUCT
];
