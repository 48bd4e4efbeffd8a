//! What is worth telling an operator? Log lines that cost nothing unless asked for.
//!
//! With the feature `tracing` the lines go to that crate. Without it they vanish,
//! but their arguments are still type-checked.

#![allow(
    unused_macros,
    unused_imports,
    dead_code,
    reason = "not every build has a line of every level"
)]

use core::fmt;

/// An address, name or user fragment, masked unless it is written with `{:#}`:
/// logs get copied into bug reports.
#[derive(Clone, Copy)]
pub(crate) struct Pii<T>(pub T);

impl<T: fmt::Display> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            self.0.fmt(f)
        } else {
            f.write_str("(masked)")
        }
    }
}

#[cfg(feature = "tracing")]
macro_rules! log_line {
    ($level:ident, $($argument:tt)+) => { ::tracing::$level!($($argument)+) };
}

#[cfg(not(feature = "tracing"))]
macro_rules! log_line {
    ($level:ident, $($argument:tt)+) => { if false { let _ = ::core::format_args!($($argument)+); } };
}

/// Noise: a datagram dropped, a field not understood.
macro_rules! trace { ($($argument:tt)+) => { $crate::log::log_line!(trace, $($argument)+) }; }

/// A change of state.
macro_rules! debug { ($($argument:tt)+) => { $crate::log::log_line!(debug, $($argument)+) }; }

pub(crate) use {debug, log_line, trace};
