//! Which of the ROM's checks a p256Verify input meets first.

use super::word;
use alloy_primitives::U256;

const P: U256 = U256::from_limbs([0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0, 0xffff_ffff_0000_0001]);
const N: U256 =
    U256::from_limbs([0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000]);
const B: U256 =
    U256::from_limbs([0x3bce_3c3e_27d2_604b, 0x651d_06b0_cc53_b0f6, 0xb3eb_bd55_7698_86bc, 0x5ac6_35d8_aa3a_93e7]);

/// Index into the profile's outcomes.
pub(super) fn outcome(input: &[u8; 160]) -> usize {
    let [r, s, x, y] = [32, 64, 96, 128].map(|at| word(input, at));
    let checks =
        [r.is_zero(), r >= N, s.is_zero(), s >= N, x >= P, y >= P, x.is_zero() && y.is_zero(), !is_on_curve(x, y)];
    checks.iter().position(|&fails| fails).unwrap_or(checks.len())
}

/// `y² = x³ - 3x + b` modulo p.
fn is_on_curve(x: U256, y: U256) -> bool {
    let minus_three = P - U256::from(3);
    let right = x.mul_mod(x, P).add_mod(minus_three, P).mul_mod(x, P).add_mod(B, P);
    y.mul_mod(y, P) == right
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::uint;

    fn input(words: [U256; 4]) -> [u8; 160] {
        let mut input = [0; 160];
        for (slot, word) in input[32..].chunks_exact_mut(32).zip(words) {
            slot.copy_from_slice(&word.to_be_bytes::<32>());
        }
        input
    }

    #[test]
    fn each_check_is_found_in_its_order() {
        let x = uint!(0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296_U256);
        let y = uint!(0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5_U256);
        let one = U256::ONE;
        let cases = [
            [U256::ZERO, U256::ZERO, x, y],
            [N, U256::ZERO, x, y],
            [one, U256::ZERO, P, y],
            [one, N, P, y],
            [one, one, P, P],
            [one, one, x, P],
            [one, one, U256::ZERO, U256::ZERO],
            [one, one, x, y - one],
            [one, one, x, y],
        ];
        for (expected, words) in cases.into_iter().enumerate() {
            assert_eq!(outcome(&input(words)), expected);
        }
    }
}
