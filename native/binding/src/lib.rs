//! The N-API surface: converts and checks, decides nothing.
