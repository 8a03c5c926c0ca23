//! Long division of byte strings, as far as counting modexp needs it: the sizes of the results.

/// Words of 32 bytes of quotient and remainder, at least one each; none for a modulus of zero.
/// Operands are big endian and at most some thousand bytes long.
pub(super) fn word_counts(dividend: &[u8], divisor: &[u8]) -> Option<(u64, u64)> {
    let (dividend, divisor) = (limbs(dividend), limbs(divisor));
    if divisor.is_empty() {
        return None;
    }
    let (quotient, remainder) = divide(dividend, &divisor);
    let words = |limbs: &[u32]| (limbs.len().div_ceil(8) as u64).max(1);
    Some((words(&quotient), words(&remainder)))
}

/// Little-endian 32-bit limbs without leading zeros.
fn limbs(bytes: &[u8]) -> Vec<u32> {
    let mut limbs: Vec<u32> =
        bytes.rchunks(4).map(|chunk| chunk.iter().fold(0, |limb, &byte| (limb << 8) | u32::from(byte))).collect();
    trim(&mut limbs);
    limbs
}

fn trim(limbs: &mut Vec<u32>) {
    while limbs.last() == Some(&0) {
        limbs.pop();
    }
}

/// Schoolbook division (Knuth's algorithm D) by a divisor without leading zeros.
fn divide(mut u: Vec<u32>, v: &[u32]) -> (Vec<u32>, Vec<u32>) {
    if u.len() < v.len() {
        return (Vec::new(), u);
    }
    let shift = v[v.len() - 1].leading_zeros();
    let v = shifted(v, shift);
    u.push(0);
    let mut u = shifted(&u, shift);
    let n = v.len();
    let mut quotient = vec![0; u.len() - n];
    for j in (0..quotient.len()).rev() {
        let head = (u64::from(u[j + n]) << 32) | u64::from(u[j + n - 1]);
        let top = u64::from(v[n - 1]);
        let (mut digit, mut rest) = (head / top, head % top);
        let second = if n > 1 { u64::from(v[n - 2]) } else { 0 };
        let third = if n > 1 { u64::from(u[j + n - 2]) } else { 0 };
        while digit >> 32 != 0 || digit * second > ((rest << 32) | third) {
            digit -= 1;
            rest += top;
            if rest >> 32 != 0 {
                break;
            }
        }
        quotient[j] = subtract_multiple(&mut u[j..=j + n], &v, digit);
    }
    trim(&mut quotient);
    u.truncate(n);
    // Scaling by the same power of two left the remainder scaled; its size needs it back.
    let mut remainder: Vec<u32> = (0..n)
        .map(|i| {
            let high = u.get(i + 1).map_or(0, |&limb| u64::from(limb));
            (((high << 32) | u64::from(u[i])) >> shift) as u32
        })
        .collect();
    trim(&mut remainder);
    (quotient, remainder)
}

#[allow(clippy::cast_sign_loss, reason = "the low 32 bits are wanted, the sign is in the borrow")]
/// Subtracts `digit * v` from `u`, or `(digit - 1) * v` if that is all that fits; returns the digit used.
fn subtract_multiple(u: &mut [u32], v: &[u32], digit: u64) -> u32 {
    let mut borrow = 0i64;
    let mut carry = 0u64;
    for (i, limb) in u.iter_mut().enumerate() {
        let product = v.get(i).map_or(0, |&x| u64::from(x) * digit) + carry;
        carry = product >> 32;
        let difference = i64::from(*limb) - i64::from(product as u32) + borrow;
        *limb = difference as u32;
        borrow = difference >> 32;
    }
    if borrow == 0 {
        return digit as u32;
    }
    let mut carry = 0u64;
    for (i, limb) in u.iter_mut().enumerate() {
        let sum = u64::from(*limb) + v.get(i).map_or(0, |&x| u64::from(x)) + carry;
        *limb = sum as u32;
        carry = sum >> 32;
    }
    (digit - 1) as u32
}

fn shifted(limbs: &[u32], shift: u32) -> Vec<u32> {
    let mut low = 0u64;
    limbs
        .iter()
        .map(|&limb| {
            let wide = (u64::from(limb) << shift) | low;
            low = wide >> 32;
            wide as u32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::U512;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_a_wide_integer(a in any::<[u8; 64]>(), b in proptest::collection::vec(any::<u8>(), 1..64)) {
            let (x, y) = (U512::from_be_bytes(a), U512::try_from_be_slice(&b).expect("at most 64 bytes"));
            prop_assume!(!y.is_zero());
            let (quotient, remainder) = divide(limbs(&a), &limbs(&b));
            prop_assert_eq!(quotient, limbs(&(x / y).to_be_bytes_vec()));
            prop_assert_eq!(remainder, limbs(&(x % y).to_be_bytes_vec()));
        }
    }

    #[test]
    fn sizes_are_at_least_one_word() {
        assert_eq!(word_counts(&[0; 64], &[0, 5]), Some((1, 1)));
        assert_eq!(word_counts(&[0xff; 64], &[1]), Some((2, 1)));
        assert_eq!(word_counts(&[1], &[0, 0]), None);
    }
}
