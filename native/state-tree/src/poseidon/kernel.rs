//! The permutation on lanes: one hash in each.
//!
//! The state is held as halves (see `halves` and `linear_layer`). Only what enters an S-box is put together to 64 bits,
//! and the product that leaves it is split again without a full reduction: with 2^64 = 2^32 - 1 and 2^96 = -1 its four
//! 32-bit words w0..w3 are the halves w0 - w2 - w3 and w1 + w2, both below 2^33 in size. In partial rounds elements 1 to
//! 11 stay halves for three rounds, growing by a little more than 8 bits in each, before they are brought back to 33.

/// Defines `compress`. Expects in scope `V`, `LANES` and, all with the given attributes, the functions `load`,
/// `store`, `splat`, `add`, `sub`, `and`, `shl::<N>`, `shr::<N>`, `mul32` (product of the low 32 bits), `add_mod` and
/// `sub_mod_small` (modulo p, 64 bits in, 64 bits out), `add_mod_small` (the same when the second operand is below
/// 2^60), `merge` (low 32 bits of the first, high 32 bits of the second), `carry` and `mds_half`.
macro_rules! define_kernel {
    ($(#[$attribute:meta])*) => {
        /// Both halves of an element to 64 bits; neither half may be negative or above 2^59.
        #[inline]
        $(#[$attribute])*
        fn put_together(low: V, high: V) -> V {
            let over = mul32(shr::<32>(high), splat(EPSILON));
            add_mod_small(shl::<32>(high), add(low, over))
        }

        /// Reduces a 128-bit product to 64 bits.
        #[inline]
        $(#[$attribute])*
        fn reduce(low: V, high: V) -> V {
            let difference = sub_mod_small(low, shr::<32>(high));
            add_mod(difference, mul32(high, splat(EPSILON)))
        }

        /// The square, reduced to 64 bits; `x_high` is `x >> 32`.
        #[inline]
        $(#[$attribute])*
        fn square(x: V, x_high: V) -> V {
            let low_low = mul32(x, x);
            let cross = mul32(x, x_high);
            let high_high = mul32(x_high, x_high);
            // The cross product counts twice.
            let middle = add(cross, shr::<33>(low_low));
            let high = add(high_high, shr::<31>(middle));
            reduce(add(low_low, shl::<33>(cross)), high)
        }

        /// The 128-bit product: its lowest 32 bits in the first word, the next 32 in the second (both with more above
        /// them), the upper 64 in the third.
        #[inline]
        $(#[$attribute])*
        fn product(a: V, a_high: V, b: V, b_high: V) -> (V, V, V) {
            let low_low = mul32(a, b);
            let middle = add(mul32(a_high, b), shr::<32>(low_low));
            let middle_2 = add(mul32(a, b_high), and(middle, splat(EPSILON)));
            let high = add(add(mul32(a_high, b_high), shr::<32>(middle)), shr::<32>(middle_2));
            (low_low, middle_2, high)
        }

        /// x^7 as halves.
        #[inline]
        $(#[$attribute])*
        fn sbox(x: V) -> (V, V) {
            let mask = splat(EPSILON);
            let x_high = shr::<32>(x);
            let x2 = square(x, x_high);
            let x2_high = shr::<32>(x2);
            let (low, middle, high) = product(x, x_high, x2, x2_high);
            let x3 = reduce(merge(low, shl::<32>(middle)), high);
            let x4 = square(x2, x2_high);
            let (low, middle, high) = product(x3, shr::<32>(x3), x4, shr::<32>(x4));
            let w2 = and(high, mask);
            let low_half = sub(sub(and(low, mask), shr::<32>(high)), w2);
            (low_half, add(and(middle, mask), w2))
        }

        #[inline]
        $(#[$attribute])*
        fn full_round(low: &mut [V; 12], high: &mut [V; 12], constants: &RoundHalves) {
            for element in 0..12 {
                let x = put_together(
                    add(low[element], splat(constants.low[element])),
                    add(high[element], splat(constants.high[element])),
                );
                (low[element], high[element]) = sbox(x);
            }
            *low = mds_half(low);
            *high = mds_half(high);
        }

        #[inline]
        $(#[$attribute])*
        fn partial_round(low: &mut [V; 12], high: &mut [V; 12], constants: &[u64; 2]) {
            let x = put_together(add(low[0], splat(constants[0])), add(high[0], splat(constants[1])));
            (low[0], high[0]) = sbox(x);
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
                store(&mut state[element], put_together(low, high));
            }
        }
    };
}

pub(super) use define_kernel;
