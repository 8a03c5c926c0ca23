//! The multiplication with the MDS matrix, in additions and shifts.
//!
//! The matrix is a circulant plus 8 in the corner. An element is split into halves, low + 2^32 * high, and each half
//! of the state is multiplied on its own, as integers modulo 2^64. The circulant is a product of polynomials modulo
//! x^12 - 1 = (x^3 - 1)(x^3 + 1)(x^6 + 1). Modulo these factors its polynomial is (64, 128, 64), (-4, -32, 8) and
//! (4, -8, 32, 2, -2, -2): powers of two. Putting the three results together takes a division by 4, 4 and 2, which is
//! taken from the coefficients instead.
//!
//! The rows of the matrix sum to 256 (264 the first): a pass adds a little more than 8 bits to the halves.
//!
//! The same text serves for plain integers and for the lanes of each instruction set, as a macro, because functions
//! with different target features are not inlined into each other through generic code.

/// Defines `mds_half`. Expects `V` and the functions `add`, `sub` and `shl::<N>` in scope.
macro_rules! define_mds_half {
    ($(#[$attribute:meta])*) => {
        /// Multiplies one half of the state with the MDS matrix, modulo 2^64.
        #[inline]
        $(#[$attribute])*
        fn mds_half(a: &[V; 12]) -> [V; 12] {
            let [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11] = *a;
            // Modulo x^6 - 1 and x^6 + 1.
            let (s0, r0) = (add(a0, a6), sub(a0, a6));
            let (s1, r1) = (add(a1, a7), sub(a1, a7));
            let (s2, r2) = (add(a2, a8), sub(a2, a8));
            let (s3, r3) = (add(a3, a9), sub(a3, a9));
            let (s4, r4) = (add(a4, a10), sub(a4, a10));
            let (s5, r5) = (add(a5, a11), sub(a5, a11));
            // Modulo x^3 - 1 and x^3 + 1.
            let (p0, q0) = (add(s0, s3), sub(s0, s3));
            let (p1, q1) = (add(s1, s4), sub(s1, s4));
            let (p2, q2) = (add(s2, s5), sub(s2, s5));
            // (16, 32, 16) modulo x^3 - 1.
            let sum = add(add(p0, p1), p2);
            let p0_next = shl::<4>(add(sum, p2));
            let p1_next = shl::<4>(add(sum, p0));
            let p2_next = shl::<4>(add(sum, p1));
            // (-1, -8, 2) modulo x^3 + 1, where what passes the end comes back negated.
            let q0_next = sub(sub(shl::<3>(q2), q0), add(q1, q1));
            let q1_neg = add(add(shl::<3>(q0), q1), add(q2, q2));
            let q2_next = sub(sub(add(q0, q0), shl::<3>(q1)), q2);
            // (2, -4, 16, 1, -1, -1) modulo x^6 + 1.
            let (d0, d1, d2) = (add(r0, r0), add(r1, r1), add(r2, r2));
            let (d3, d4, d5) = (add(r3, r3), add(r4, r4), add(r5, r5));
            let (f0, f1, f2) = (shl::<2>(r0), shl::<2>(r1), shl::<2>(r2));
            let (f3, f4, f5) = (shl::<2>(r3), shl::<2>(r4), shl::<2>(r5));
            let (h0, h1, h2) = (shl::<4>(r0), shl::<4>(r1), shl::<4>(r2));
            let (h3, h4, h5) = (shl::<4>(r3), shl::<4>(r4), shl::<4>(r5));
            let r0_next = add(add(sub(add(d0, f5), h4), sub(r2, r3)), r1);
            let r1_next = add(sub(sub(sub(d1, f0), h5), sub(r4, r2)), r3);
            let r2_next = add(add(sub(add(d2, h0), f1), sub(r3, r5)), r4);
            let r3_next = add(add(sub(add(d3, h1), f2), add(r0, r4)), r5);
            let r4_next = add(add(sub(add(d4, h2), f3), sub(r1, r0)), r5);
            let r5_next = sub(add(sub(add(d5, h3), f4), sub(r2, r1)), r0);
            // Together again.
            let (s0, s3) = (add(p0_next, q0_next), sub(p0_next, q0_next));
            let (s1, s4) = (sub(p1_next, q1_neg), add(p1_next, q1_neg));
            let (s2, s5) = (add(p2_next, q2_next), sub(p2_next, q2_next));
            [
                add(add(s0, r0_next), shl::<3>(a0)),
                add(s1, r1_next),
                add(s2, r2_next),
                add(s3, r3_next),
                add(s4, r4_next),
                add(s5, r5_next),
                sub(s0, r0_next),
                sub(s1, r1_next),
                sub(s2, r2_next),
                sub(s3, r3_next),
                sub(s4, r4_next),
                sub(s5, r5_next),
            ]
        }
    };
}

pub(super) use define_mds_half;
