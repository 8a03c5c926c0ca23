//! Newtypes and constants shared by every native crate.
