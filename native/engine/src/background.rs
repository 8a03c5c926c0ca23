//! Threads for work that must not delay sequencing.

use rustix::process::setpriority_process;
use rustix::thread::gettid;

/// Lowers the priority of the calling thread, and only of it; 19 is the lowest. A system that refuses runs it at the usual one.
pub fn lower_priority(nice: u8) {
    // On Linux a priority belongs to a thread. Lowering one's own is always allowed.
    let _ = setpriority_process(Some(gettid()), i32::from(nice.min(19)));
}
