//! What must hold in every run, whatever the network does?
//!
//! Each invariant reads the ledger once, entry by entry, and looks at nothing
//! else: so it holds for any implementation, and a made-up ledger shows that it
//! can fail. The letters and numbers are those of the project's list.

mod credentials;
mod dtls;
mod ice;
mod media;
mod messages;
mod peer;
mod relay;
mod sctp;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

pub use credentials::OldCredentials;
pub use dtls::{PromisedCertificate, RecordNumbers, SameSecrets};
pub use ice::{Consent, KnownDestinations, MirroredPairs, OneControls, Pacing, RelaysOnly};
pub use media::{Frames, MediaAgreed};
pub use messages::{Channels, Messages};
pub use peer::{AggregateState, Descriptions, SilentWhenClosed};
pub use sctp::{Acknowledgements, FlowControl};

use super::ledger::{Entry, Fact, Ledger, Side, Snapshot};
use super::world::HostId;

/// Something that must hold after every step.
///
/// It is shown every entry of the ledger once, in order, and keeps what it needs
/// to remember.
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

/// All invariants for two peers that talk to each other.
#[must_use]
pub fn of_pair(pair: [HostId; 2]) -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(KnownDestinations::default()),
        Box::new(Consent::default()),
        Box::new(Pacing::default()),
        Box::new(MirroredPairs::new(pair)),
        Box::new(OneControls::new(pair)),
        Box::new(OldCredentials::default()),
        Box::new(SameSecrets::new(pair)),
        #[cfg(feature = "rust-crypto")]
        Box::new(PromisedCertificate::new(
            &crate::crypto::rust_crypto::PROVIDER,
        )),
        Box::new(RecordNumbers::default()),
        Box::new(Messages::new(pair)),
        Box::new(Channels::new(pair)),
        Box::new(Frames::new(pair)),
        Box::new(MediaAgreed::default()),
        Box::new(Descriptions::default()),
        Box::new(AggregateState),
        Box::new(SilentWhenClosed::default()),
    ]
}

/// The last public state of every host.
#[derive(Clone, Debug, Default)]
struct States(BTreeMap<HostId, Snapshot>);

impl States {
    /// Remembers the state if the entry is one.
    fn read(&mut self, entry: &Entry) -> bool {
        let Fact::State(state) = &entry.fact else {
            return false;
        };
        self.0.insert(entry.host, *state);
        true
    }

    fn of(&self, host: HostId) -> Snapshot {
        self.0.get(&host).copied().unwrap_or_default()
    }
}

/// The hosts that have said credentials of several transports.
#[derive(Clone, Debug, Default)]
struct Unbundled(BTreeSet<HostId>);

impl Unbundled {
    fn read(&mut self, entry: &Entry) {
        let Fact::Described {
            side: Side::Local,
            sdp,
        } = &entry.fact
        else {
            return;
        };
        let mut ufrags = sdp.lines().filter(|line| line.starts_with("a=ice-ufrag:"));
        let first = ufrags.next();
        if ufrags.any(|other| Some(other) != first) {
            self.0.insert(entry.host);
        }
    }

    fn contains(&self, host: HostId) -> bool {
        self.0.contains(&host)
    }
}

/// The other one of a pair.
fn other_of(pair: [HostId; 2], host: HostId) -> HostId {
    if pair[0] == host { pair[1] } else { pair[0] }
}

#[cfg(test)]
mod tests;
