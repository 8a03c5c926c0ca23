//! Asking for memory before it is needed.

/// Starts to bring `len` bytes near, without waiting for them. It changes nothing but speed; any address will do.
#[inline]
pub(crate) fn prefetch<T>(start: *const T, len: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const CACHE_LINE_BYTES: usize = 64;
        let start = start.cast::<i8>();
        for at in (0..len).step_by(CACHE_LINE_BYTES) {
            // SAFETY: SSE is part of x86-64, and prefetching does not access memory.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(at)) }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (start, len);
}

/// [`prefetch`] of a value.
#[inline]
pub(crate) fn prefetch_value<T: ?Sized>(value: &T) {
    prefetch(std::ptr::from_ref(value).cast::<u8>(), size_of_val(value));
}
