//! Asking for memory before it is needed.

/// Starts to bring bytes near, without waiting for them. It changes nothing but speed.
#[inline]
pub(crate) fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const CACHE_LINE_BYTES: usize = 64;
        for line in bytes.chunks(CACHE_LINE_BYTES) {
            // SAFETY: SSE is part of x86-64, and prefetching does not access memory.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}
