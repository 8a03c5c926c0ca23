//! The permutation on lanes: one hash in each.
//!
//! The state is held as halves (see `halves` and `linear_layer`). Only what enters an S-box is put together to 64 bits,
//! and the product that leaves it is split again without a full reduction: with 2^64 = 2^32 - 1 and 2^96 = -1 its four
//! 32-bit words w0..w3 are the halves w0 - w2 - w3 and w1 + w2, both below 2^33 in size. In partial rounds elements 1 to
//! 11 stay halves for three rounds, growing by a little more than 8 bits in each, before they are brought back to 33.

/// The array of an expression for each index.
macro_rules! each {
    ($count:expr, $index:ident => $value:expr) => {{
        let mut values = [splat(0); $count];
        for $index in 0..$count {
            values[$index] = $value;
        }
        values
    }};
}

/// Defines `compress`. Expects in scope `V`, `LANES`, `SIDE_BY_SIDE` (how many S-boxes are computed together) and, all with the given attributes, the functions `load`,
/// `store`, `splat`, `add`, `sub`, `and`, `shl::<N>`, `shr::<N>`, `mul32` (product of the low 32 bits), `add_mod` and
/// `sub_mod_small` (modulo p, 64 bits in, 64 bits out), `add_mod_small` (the same when the second operand is below
/// 2^60), `merge` (low 32 bits of the first, high 32 bits of the second), `pin` (the same value, at this point), `carry` and `mds_half`.
macro_rules! define_kernel {
    ($(#[$attribute:meta])*) => {
        /// Both halves of elements to 64 bits; neither half may be negative or above 2^59.
        #[inline]
        $(#[$attribute])*
        fn put_together<const N: usize>(low: [V; N], high: [V; N]) -> [V; N] {
            let over = each!(N, i => mul32(shr::<32>(high[i]), splat(EPSILON)));
            each!(N, i => add_mod_small(shl::<32>(high[i]), add(low[i], over[i])))
        }

        /// Reduces 128-bit products to 64 bits.
        #[inline]
        $(#[$attribute])*
        fn reduce<const N: usize>(low: [V; N], high: [V; N]) -> [V; N] {
            let difference = each!(N, i => sub_mod_small(low[i], shr::<32>(high[i])));
            each!(N, i => add_mod(difference[i], mul32(high[i], splat(EPSILON))))
        }

        /// The squares, reduced to 64 bits; `x_high` is `x >> 32`.
        #[inline]
        $(#[$attribute])*
        fn square<const N: usize>(x: [V; N], x_high: [V; N]) -> [V; N] {
            let low_low = each!(N, i => mul32(x[i], x[i]));
            let cross = each!(N, i => mul32(x[i], x_high[i]));
            let high_high = each!(N, i => mul32(x_high[i], x_high[i]));
            // The cross product counts twice.
            let middle = each!(N, i => add(cross[i], shr::<33>(low_low[i])));
            let high = each!(N, i => add(high_high[i], shr::<31>(middle[i])));
            reduce(each!(N, i => add(low_low[i], shl::<33>(cross[i]))), high)
        }

        /// The 128-bit products: their lowest 32 bits in the first words, the next 32 in the second (both with more
        /// above them), the upper 64 in the third.
        #[inline]
        $(#[$attribute])*
        fn product<const N: usize>(a: [V; N], a_high: [V; N], b: [V; N], b_high: [V; N]) -> [[V; N]; 3] {
            let low_low = each!(N, i => mul32(a[i], b[i]));
            let cross = each!(N, i => mul32(a_high[i], b[i]));
            let cross_2 = each!(N, i => mul32(a[i], b_high[i]));
            let high_high = each!(N, i => mul32(a_high[i], b_high[i]));
            let middle = each!(N, i => add(cross[i], shr::<32>(low_low[i])));
            let middle_2 = each!(N, i => add(cross_2[i], and(middle[i], splat(EPSILON))));
            let high = each!(N, i => add(high_high[i], shr::<32>(middle[i])));
            let high = each!(N, i => add(high[i], shr::<32>(middle_2[i])));
            [low_low, middle_2, high]
        }

        /// x^7 as halves, for several x, step by step for all of them: a CPU's scheduler sees only so far ahead, and
        /// the steps of one x wait for each other.
        #[inline]
        $(#[$attribute])*
        fn sbox<const N: usize>(x: [V; N]) -> ([V; N], [V; N]) {
            let mask = splat(EPSILON);
            let x = each!(N, i => pin(x[i]));
            let x_high = each!(N, i => shr::<32>(x[i]));
            let x2 = square(x, x_high);
            let x2 = each!(N, i => pin(x2[i]));
            let x2_high = each!(N, i => shr::<32>(x2[i]));
            let [low, middle, high] = product(x, x_high, x2, x2_high);
            let x3 = reduce(each!(N, i => merge(low[i], shl::<32>(middle[i]))), high);
            let x3 = each!(N, i => pin(x3[i]));
            let x4 = square(x2, x2_high);
            let x4 = each!(N, i => pin(x4[i]));
            let x3_high = each!(N, i => shr::<32>(x3[i]));
            let x4_high = each!(N, i => shr::<32>(x4[i]));
            let [low, middle, high] = product(x3, x3_high, x4, x4_high);
            let w2 = each!(N, i => and(high[i], mask));
            let low_half = each!(N, i => sub(sub(and(low[i], mask), shr::<32>(high[i])), w2[i]));
            (low_half, each!(N, i => add(and(middle[i], mask), w2[i])))
        }

        #[inline]
        $(#[$attribute])*
        fn full_round(low: &mut [V; 12], high: &mut [V; 12], constants: &RoundHalves) {
            for first in (0..12).step_by(SIDE_BY_SIDE) {
                let l = each!(SIDE_BY_SIDE, i => add(low[first + i], splat(constants.low[first + i])));
                let h = each!(SIDE_BY_SIDE, i => add(high[first + i], splat(constants.high[first + i])));
                let (l, h) = sbox(put_together(l, h));
                low[first..first + SIDE_BY_SIDE].copy_from_slice(&l);
                high[first..first + SIDE_BY_SIDE].copy_from_slice(&h);
            }
            *low = mds_half(low);
            *high = mds_half(high);
        }

        #[inline]
        $(#[$attribute])*
        fn partial_round(low: &mut [V; 12], high: &mut [V; 12], constants: &[u64; 2]) {
            let x = put_together([add(low[0], splat(constants[0]))], [add(high[0], splat(constants[1]))]);
            ([low[0]], [high[0]]) = sbox(x);
            *low = mds_half(low);
            *high = mds_half(high);
        }

        /// The permutation of the states in the lanes; only the first four elements of the result, canonical or not,
        /// are stored.
        $(#[$attribute])*
        pub(super) fn compress(state: &mut [[u64; LANES]; 12]) {
            let mut low = [splat(0); 12];
            let mut high = [splat(0); 12];
            for element in 0..12 {
                let x = load(&state[element]);
                low[element] = and(x, splat(EPSILON));
                high[element] = shr::<32>(x);
            }
            for constants in &FULL[..FULL_HALF] {
                full_round(&mut low, &mut high, constants);
            }
            for group in PARTIAL_0.chunks(3) {
                for element in 1..12 {
                    (low[element], high[element]) = carry(low[element], high[element]);
                }
                for constants in group {
                    partial_round(&mut low, &mut high, constants);
                }
            }
            for constants in &FULL[FULL_HALF..] {
                full_round(&mut low, &mut high, constants);
            }
            for element in 0..4 {
                let low = add(low[element], splat(ZERO_FULL.0));
                let high = add(high[element], splat(ZERO_FULL.1));
                let [x] = put_together([low], [high]);
                store(&mut state[element], x);
            }
        }
    };
}

pub(super) use {define_kernel, each};
