//! Executes over the StateDB, seals L2 blocks and batches, and commits them.
