//! The C library's allocator, kept from holding on to what is free.

/// Blocks from this size on have pages of their own and go back to the system when they are freed. Given a fixed value the C library does
/// not raise it with the sizes that it sees.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_PAGES_BYTES: libc::c_int = 1 << 20;
/// Free memory at the end of a heap that goes back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIM_BYTES: libc::c_int = 8 << 20;
/// Heaps of their own for threads: more than two keep free memory that the others cannot use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const HEAPS: libc::c_int = 2;

/// Makes the process's memory follow what the caches hold, once. Without it the temporary memory of large commits and of compactions stays
/// with the process: at ten million leaves it had twice the bytes of its caches. An operator's `MALLOC_*` variables are left alone.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn bound_free_memory() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let settings = [
            (libc::M_MMAP_THRESHOLD, "MALLOC_MMAP_THRESHOLD_", OWN_PAGES_BYTES),
            (libc::M_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_", TRIM_BYTES),
            (libc::M_ARENA_MAX, "MALLOC_ARENA_MAX", HEAPS),
        ];
        for (parameter, variable, value) in settings {
            if std::env::var_os(variable).is_none() {
                // SAFETY: `mallopt` takes two integers, may be called at any time and locks what it changes.
                unsafe { libc::mallopt(parameter, value) };
            }
        }
    });
}

/// Other C libraries return free memory by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn bound_free_memory() {}
