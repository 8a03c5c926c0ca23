//! CPU time of work, by whoever does it. A thread that has others help adds their time to its own, so that the time of a stage is that of
//! all threads that worked on it.

use std::cell::Cell;

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    /// Nanoseconds that others spent for this thread.
    static HELPED: Cell<u64> = const { Cell::new(0) };
}

/// Nanoseconds of CPU that this thread has spent since it began, its helpers' included.
#[must_use]
pub fn spent_nanos() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let own = u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0);
    own + HELPED.get()
}

/// Adds what a helper has spent for this thread.
pub fn credit(nanos: u64) {
    HELPED.set(HELPED.get() + nanos);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burn() -> u64 {
        (0..2_000_000_u64).fold(7, |x, i| std::hint::black_box(x.rotate_left(5) ^ i))
    }

    #[test]
    fn work_of_a_helper_counts_for_who_is_helped() {
        let before = spent_nanos();
        burn();
        let after = spent_nanos();
        assert!(after > before, "own work counts");
        let helper = std::thread::spawn(|| {
            burn();
            spent_nanos()
        });
        let nanos = helper.join().unwrap();
        assert!(nanos > 0);
        credit(nanos);
        assert!(spent_nanos() >= after + nanos);
    }
}
