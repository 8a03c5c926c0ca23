//! Newtypes and constants shared by every native crate.
//!
//! Nothing here executes anything: counters and their limits, the rules of each fork as one
//! [`ForkSpec`] value, the ROM's error names and the protocol constants.

mod constants;
mod counters;
pub mod cpu;
mod fork;
mod numbers;
mod rom_error;

pub use constants::*;
pub use counters::{COUNTER_COUNT, Counter, Counters, Limits};
pub use fork::{CostProfile, ForkId, ForkSpec, L2HashForm, LimitTable, UnknownFork};
pub use numbers::{BatchNumber, L2BlockNumber};
pub use rom_error::{RomError, RomErrorScope};
