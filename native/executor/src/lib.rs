//! The trace-counting executor.
