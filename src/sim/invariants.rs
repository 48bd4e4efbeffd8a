//! What must hold in every run, whatever the network does?

use alloc::string::String;

use super::ledger::{Entry, Ledger};

/// Something that must hold after every step.
///
/// It is shown every entry of the ledger once, in order, and keeps what it needs
/// to remember: so it works in one pass, on any implementation.
pub trait Invariant {
    /// Its short name.
    fn name(&self) -> &'static str;

    /// Looks at the next entry.
    ///
    /// # Errors
    ///
    /// What is wrong.
    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String>;

    /// Asks whether all that was begun has also ended, once the network is quiet.
    ///
    /// # Errors
    ///
    /// What is missing.
    fn finish(&self, ledger: &Ledger) -> Result<(), String> {
        let _ = ledger;
        Ok(())
    }
}
