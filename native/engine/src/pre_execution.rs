//! Pre-execution at admission (node.md 2.4): what a transaction would use, alone, on the pending view.
