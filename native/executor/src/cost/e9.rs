//! Profile E9: the costs that made the fork 9 vectors. Transcribed from the specification's table.
//!
//! Rows are steps, arith, binary, memAlign, keccaks, padding, poseidon, sha256; the last number of `c` is what a tree
//! level multiplies into poseidon. An opcode's numbers include its prologue.

use super::table::{Count, FrameKindCosts, FrameRule, OpEntry, ProfileTable, c, f, op, sized, term};

/// The table of profile E9.
pub(super) static TABLE: ProfileTable = ProfileTable {
    level_numerator: 1,
    level_denominator: 1,
    zero_field_bytes_of_rejected: 0,
    frame_rule: FrameRule::ByFrame,
    frame_extra: FrameKindCosts {
        create: c([350, 6, 17, 1, 0, 0, 0, 0], 0),
        deploy: c([350, 6, 17, 1, 0, 0, 0, 0], 0),
    },
    ops: OPS,
    changed_ops: &[],
    batch: f(
        c([372, 1, 8, 0, 2, 0, 46, 0], 2),
        &[term(0, Count::Div { add: 136, div: 136 }, c([0, 0, 0, 0, 1, 0, 0, 0], 0))],
    ),
    decode_change_l2_block: f(c([50, 0, 0, 0, 0, 0, 0, 0], 0), &[]),
    change_l2_block: f(c([380, 0, 17, 0, 35, 0, 184, 0], 6), &[]),
    rlp_parsing: f(
        c([1215, 9, 27, 0, 0, 3, 3, 0], 0),
        &[
            term(0, Count::Div { add: 136, div: 136 }, c([0, 0, 0, 0, 1, 0, 0, 0], 0)),
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(1, Count::AtLeast(56), c([12, 0, 0, 0, 0, 0, 0, 0], 0)),
            term(1, Count::SelfFrom(56), c([107, 2, 6, 0, 0, 0, 0, 0], 0)),
            term(1, Count::Div { add: 0, div: 32 }, c([20, 0, 0, 0, 0, 0, 0, 0], 0)),
            term(1, Count::Div { add: 0, div: 1 }, c([135, 2, 6, 0, 0, 0, 0, 0], 0)),
            term(2, Count::Div { add: 0, div: 1 }, c([107, 2, 6, 0, 0, 0, 0, 0], 0)),
        ],
    ),
    process_tx_call: f(
        c([875, 7, 45, 0, 1, 6, 162, 0], 20),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::AtLeast(56), c([50, 1, 3, 0, 0, 0, 0, 0], 0)),
        ],
    ),
    process_tx_deploy: f(
        c([1710, 20, 86, 2, 1, 6, 162, 0], 22),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::Div { add: 0, div: 32 }, c([258, 4, 12, 1, 0, 0, 0, 0], 0)),
        ],
    ),
    contract_call: f(
        c([65, 0, 10, 0, 0, 1, 1, 0], 6),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::AtLeast(56), c([50, 1, 3, 0, 0, 0, 0, 0], 0)),
        ],
    ),
    contract_create: f(
        c([946, 13, 52, 2, 1, 1, 1, 0], 8),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::Div { add: 0, div: 32 }, c([258, 4, 12, 1, 0, 0, 0, 0], 0)),
        ],
    ),
    contract_create2: f(
        c([1346, 20, 72, 3, 2, 1, 1, 0], 8),
        &[
            term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)),
            term(0, Count::Div { add: 0, div: 32 }, c([508, 8, 24, 2, 0, 0, 0, 0], 0)),
            term(0, Count::Div { add: 136, div: 136 }, c([0, 0, 0, 0, 1, 0, 0, 0], 0)),
        ],
    ),
    ecrecover_invalid: c([45, 2, 8, 0, 0, 0, 0, 0], 0),
    ecrecover_no_root: c([4527, 1014, 10, 0, 0, 0, 0, 0], 0),
    ecrecover_root: c([6294, 528, 523, 0, 1, 0, 0, 0], 0),
    precompile_ecrecover: f(c([2155, 32, 89, 6, 0, 0, 0, 0], 0), &[]),
    precompile_sha256: f(
        c([1595, 24, 64, 3, 0, 0, 0, 0], 0),
        &[
            term(0, Count::Div { add: 64, div: 64 }, c([0, 0, 0, 0, 0, 0, 0, 1], 0)),
            term(0, Count::Div { add: 0, div: 32 }, c([286, 4, 12, 1, 0, 0, 0, 0], 0)),
        ],
    ),
    precompile_identity: f(
        c([1640, 25, 69, 4, 0, 0, 0, 0], 0),
        &[
            term(0, Count::Div { add: 0, div: 32 }, c([793, 12, 32, 2, 0, 0, 0, 0], 0)),
            term(1, Count::Div { add: 0, div: 32 }, c([772, 12, 32, 2, 0, 0, 0, 0], 0)),
        ],
    ),
    precompile_modexp: f(
        c([2850, 44, 136, 6, 0, 0, 0, 0], 0),
        &[
            term(0, Count::Div { add: 0, div: 32 }, c([518, 8, 20, 1, 0, 0, 0, 0], 0)),
            term(1, Count::Div { add: 0, div: 32 }, c([518, 8, 20, 1, 0, 0, 0, 0], 0)),
        ],
    ),
    precompile_ecadd: f(c([4023, 96, 182, 9, 0, 0, 0, 0], 0), &[]),
    precompile_ecmul: f(c([166315, 19213, 16532, 8, 0, 0, 0, 0], 0), &[]),
    precompile_ecpairing: f(
        c([174039, 15452, 766, 8, 0, 0, 0, 0], 0),
        &[term(0, Count::Div { add: 0, div: 1 }, c([184017, 13694, 3986, 0, 0, 0, 0, 0], 0))],
    ),
    precompile_p256verify: f(c([0; 8], 0), &[]),
    p256_outcomes: [c([0; 8], 0); 9],
};

#[rustfmt::skip]
const OPS: &[OpEntry] = &[
    op(0x00, c([32, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // STOP
    op(0x01, c([22, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // ADD
    op(0x02, c([72, 1, 1, 0, 0, 0, 0, 0], 0), None, None), // MUL
    op(0x03, c([22, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // SUB
    op(0x04, c([77, 1, 3, 0, 0, 0, 0, 0], 0), None, None), // DIV
    op(0x05, c([107, 1, 8, 0, 0, 0, 0, 0], 0), None, None), // SDIV
    op(0x06, c([82, 1, 3, 0, 0, 0, 0, 0], 0), None, None), // MOD
    op(0x07, c([102, 1, 8, 0, 0, 0, 0, 0], 0), None, None), // SMOD
    op(0x08, c([42, 1, 3, 0, 0, 0, 0, 0], 0), None, None), // ADDMOD
    op(0x09, c([122, 3, 5, 0, 0, 0, 0, 0], 0), None, None), // MULMOD
    // EXP(e)
    sized(0x0a, f(c([76, 0, 2, 0, 0, 0, 0, 0], 0), &[term(0, Count::Div { add: 0, div: 1 }, c([107, 2, 6, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([1768, 32, 88, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0x0b, c([32, 0, 6, 0, 0, 0, 0, 0], 2), None, None), // SIGNEXTEND
    op(0x10, c([20, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // LT
    op(0x11, c([20, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // GT
    op(0x12, c([20, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // SLT
    op(0x13, c([20, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // SGT
    op(0x14, c([20, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // EQ
    op(0x15, c([20, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // ISZERO
    op(0x16, c([22, 0, 1, 0, 0, 0, 0, 0], 1), None, None), // AND
    op(0x17, c([22, 0, 1, 0, 0, 0, 0, 0], 1), None, None), // OR
    op(0x18, c([22, 0, 1, 0, 0, 0, 0, 0], 1), None, None), // XOR
    op(0x19, c([22, 0, 1, 0, 0, 0, 0, 0], 1), None, None), // NOT
    op(0x1a, c([127, 2, 7, 0, 0, 0, 0, 0], 0), None, None), // BYTE
    op(0x1b, c([70, 2, 3, 0, 0, 0, 0, 0], 0), None, None), // SHL
    op(0x1c, c([100, 1, 6, 0, 0, 0, 0, 0], 0), None, None), // SHR
    op(0x1d, c([117, 1, 10, 0, 0, 0, 0, 0], 0), None, None), // SAR
    // SHA3(n)
    sized(0x20, f(c([564, 9, 25, 1, 0, 0, 0, 0], 0), &[term(0, Count::Div { add: 32, div: 32 }, c([0, 0, 0, 0, 1, 0, 0, 0], 0)), term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([258, 4, 12, 1, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0x30, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // ADDRESS
    op(0x31, c([126, 0, 4, 0, 0, 0, 46, 0], 1), None, None), // BALANCE
    op(0x32, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // ORIGIN
    op(0x33, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // CALLER
    op(0x34, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // CALLVALUE
    op(0x35, c([302, 4, 12, 1, 0, 0, 0, 0], 0), None, None), // CALLDATALOAD
    op(0x36, c([22, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // CALLDATASIZE
    // CALLDATACOPY(n)
    sized(0x37, f(c([1429, 20, 56, 3, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([315, 4, 13, 2, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0x38, c([22, 0, 0, 0, 0, 0, 0, 0], 1), None, None), // CODESIZE
    // CODECOPY(n)
    sized(0x39, f(c([164, 2, 8, 0, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([40, 0, 3, 1, 0, 0, 0, 0], 0))]), Some(f(c([1441, 20, 56, 3, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([315, 4, 13, 2, 0, 0, 0, 0], 0))])), Some(f(c([1441, 20, 56, 3, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([315, 4, 13, 2, 0, 0, 0, 0], 0))])), [2, 2]),
    op(0x3a, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // GASPRICE
    op(0x3b, c([128, 0, 4, 0, 0, 0, 46, 0], 1), None, None), // EXTCODESIZE
    // EXTCODECOPY(n, c)
    sized(0x3c, f(c([340, 3, 13, 0, 0, 0, 46, 0], 2), &[term(1, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([40, 0, 3, 2, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0x3d, c([23, 0, 1, 0, 0, 0, 0, 0], 0), None, None), // RETURNDATASIZE
    // RETURNDATACOPY(n)
    sized(0x3e, f(c([934, 14, 39, 2, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([770, 12, 32, 2, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0x3f, c([128, 0, 4, 0, 0, 0, 46, 0], 1), None, None), // EXTCODEHASH
    op(0x40, c([27, 0, 0, 0, 1, 0, 0, 0], 1), None, None), // BLOCKHASH
    op(0x41, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // COINBASE
    op(0x42, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // TIMESTAMP
    op(0x43, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // NUMBER
    op(0x44, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DIFFICULTY
    op(0x45, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // GASLIMIT
    op(0x46, c([17, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // CHAINID
    op(0x47, c([20, 0, 0, 0, 0, 0, 0, 0], 1), None, None), // SELFBALANCE
    op(0x50, c([15, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // POP
    op(0x51, c([420, 6, 21, 1, 0, 0, 0, 0], 0), None, None), // MLOAD
    op(0x52, c([194, 2, 10, 1, 0, 0, 0, 0], 0), None, None), // MSTORE
    op(0x53, c([185, 2, 10, 1, 0, 0, 0, 0], 0), None, None), // MSTORE8
    op(0x54, c([42, 0, 1, 0, 0, 0, 46, 0], 1), None, None), // SLOAD
    op(0x55, c([102, 0, 9, 0, 0, 0, 46, 0], 3), None, None), // SSTORE
    op(0x56, c([27, 0, 1, 0, 0, 0, 0, 0], 0), Some(c([277, 4, 14, 1, 0, 0, 0, 0], 0)), None), // JUMP
    op(0x57, c([32, 0, 2, 0, 0, 0, 0, 0], 0), Some(c([282, 4, 15, 1, 0, 0, 0, 0], 0)), None), // JUMPI
    op(0x58, c([16, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // PC
    op(0x59, c([77, 1, 3, 0, 0, 0, 0, 0], 0), None, None), // MSIZE
    op(0x5a, c([16, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // GAS
    op(0x5b, c([14, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // JUMPDEST
    op(0x5f, c([16, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // PUSH0
    op(0x60, c([26, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([34, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH1
    op(0x61, c([28, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([44, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH2
    op(0x62, c([29, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([54, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH3
    op(0x63, c([30, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([64, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH4
    op(0x64, c([40, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([74, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH5
    op(0x65, c([42, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([84, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH6
    op(0x66, c([44, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([94, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH7
    op(0x67, c([46, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([104, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH8
    op(0x68, c([48, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([114, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH9
    op(0x69, c([50, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([124, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH10
    op(0x6a, c([52, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([134, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH11
    op(0x6b, c([54, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([144, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH12
    op(0x6c, c([56, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([154, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH13
    op(0x6d, c([58, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([164, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH14
    op(0x6e, c([60, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([174, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH15
    op(0x6f, c([62, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([184, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH16
    op(0x70, c([64, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([194, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH17
    op(0x71, c([66, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([204, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH18
    op(0x72, c([68, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([214, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH19
    op(0x73, c([70, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([224, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH20
    op(0x74, c([72, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([234, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH21
    op(0x75, c([74, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([244, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH22
    op(0x76, c([76, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([254, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH23
    op(0x77, c([78, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([264, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH24
    op(0x78, c([80, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([274, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH25
    op(0x79, c([82, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([284, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH26
    op(0x7a, c([84, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([294, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH27
    op(0x7b, c([86, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([304, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH28
    op(0x7c, c([88, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([314, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH29
    op(0x7d, c([90, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([324, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH30
    op(0x7e, c([92, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([334, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH31
    op(0x7f, c([69, 0, 0, 0, 0, 0, 0, 0], 0), Some(c([384, 6, 17, 1, 0, 0, 0, 0], 0)), Some(c([344, 0, 0, 0, 0, 0, 0, 0], 0))), // PUSH32
    op(0x80, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP1
    op(0x81, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP2
    op(0x82, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP3
    op(0x83, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP4
    op(0x84, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP5
    op(0x85, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP6
    op(0x86, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP7
    op(0x87, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP8
    op(0x88, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP9
    op(0x89, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP10
    op(0x8a, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP11
    op(0x8b, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP12
    op(0x8c, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP13
    op(0x8d, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP14
    op(0x8e, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP15
    op(0x8f, c([18, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // DUP16
    op(0x90, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP1
    op(0x91, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP2
    op(0x92, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP3
    op(0x93, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP4
    op(0x94, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP5
    op(0x95, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP6
    op(0x96, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP7
    op(0x97, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP8
    op(0x98, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP9
    op(0x99, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP10
    op(0x9a, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP11
    op(0x9b, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP12
    op(0x9c, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP13
    op(0x9d, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP14
    op(0x9e, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP15
    op(0x9f, c([19, 0, 0, 0, 0, 0, 0, 0], 0), None, None), // SWAP16
    // LOG0(n)
    sized(0xa0, f(c([547, 8, 24, 1, 0, 4, 27, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([260, 4, 12, 1, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // LOG1(n)
    sized(0xa1, f(c([547, 8, 24, 1, 0, 4, 27, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([260, 4, 12, 1, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // LOG2(n)
    sized(0xa2, f(c([547, 8, 24, 1, 0, 4, 27, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([260, 4, 12, 1, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // LOG3(n)
    sized(0xa3, f(c([547, 8, 24, 1, 0, 4, 27, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([260, 4, 12, 1, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // LOG4(n)
    sized(0xa4, f(c([547, 8, 24, 1, 0, 4, 27, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 55, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::Div { add: 0, div: 1 }, c([260, 4, 12, 1, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // CREATE(n, z)
    sized(0xf0, f(c([143, 0, 6, 0, 0, 0, 0, 0], 3), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::Div { add: 0, div: 1 }, c([107, 2, 6, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // CALL(ia, oa)
    sized(0xf1, f(c([289, 0, 16, 0, 0, 0, 46, 0], 3), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // CALLCODE(ia, oa)
    sized(0xf2, f(c([259, 0, 13, 0, 0, 0, 46, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // RETURN(n)
    sized(0xf3, f(c([814, 12, 34, 2, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([772, 12, 32, 2, 0, 0, 0, 0], 0))]), Some(f(c([899, 13, 43, 2, 0, 0, 0, 0], 2), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 56, div: 56 }, c([0, 0, 0, 0, 0, 1, 1, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([258, 4, 12, 1, 0, 0, 0, 0], 0))])), Some(f(c([54, 0, 2, 0, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0))])), [1, 1]),
    // DELEGATECALL(ia, oa)
    sized(0xf4, f(c([259, 0, 8, 0, 0, 0, 46, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // CREATE2(n, z)
    sized(0xf5, f(c([203, 1, 10, 0, 0, 0, 0, 0], 2), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::Div { add: 0, div: 1 }, c([107, 2, 6, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // STATICCALL(ia, oa)
    sized(0xfa, f(c([259, 0, 8, 0, 0, 0, 46, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(1, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    // REVERT(n)
    sized(0xfd, f(c([830, 12, 34, 2, 0, 0, 0, 0], 0), &[term(0, Count::AtLeast(1), c([138, 2, 8, 0, 0, 0, 0, 0], 0)), term(0, Count::Div { add: 0, div: 32 }, c([772, 12, 32, 2, 0, 0, 0, 0], 0))]), None, None, [1, 1]),
    op(0xff, c([218, 0, 11, 0, 0, 0, 46, 0], 7), None, None), // SELFDESTRUCT
];
