//! Generated programs.

use super::{COINBASE, CONTRACT, SENDER, push_address};
use alloy_primitives::Address;
use proptest::prelude::*;

/// Another contract than [`CONTRACT`].
pub(crate) const OTHER_CONTRACT: Address = Address::repeat_byte(0xc1);

/// Programs out of opcodes that touch state, block, memory, logs and other contracts.
pub(crate) fn any_program() -> impl Strategy<Value = Vec<u8>> {
    let addresses = vec![CONTRACT, OTHER_CONTRACT, COINBASE, SENDER, Address::repeat_byte(0x77)];
    let operand = prop_oneof![
        6 => (0u8..8).prop_map(|value| vec![0x60, value]),
        3 => proptest::sample::select(addresses).prop_map(push_address),
        1 => Just(vec![0x5a]),
    ];
    let opcode = prop_oneof![
        8 => proptest::sample::select(vec![
            0x01u8, 0x02, 0x03, 0x04, 0x0a, 0x10, 0x16, 0x20, 0x31, 0x32, 0x33, 0x35, 0x37, 0x39, 0x3a, 0x3b, 0x3c,
            0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x45, 0x47, 0x51, 0x52, 0x53, 0x54, 0x55, 0x5a, 0x80, 0x81, 0x90,
            0xa0, 0xa1, 0xa2,
        ]),
        2 => proptest::sample::select(vec![0xf0u8, 0xf1, 0xf2, 0xf4, 0xf5, 0xfa]),
        1 => proptest::sample::select(vec![0xf3u8, 0xfd, 0xff, 0x56, 0x57, 0xfe, 0x00]),
        1 => any::<u8>(),
    ];
    proptest::collection::vec(prop_oneof![3 => operand, 2 => opcode.prop_map(|opcode| vec![opcode])], 1..60)
        .prop_map(|parts| parts.concat())
}
