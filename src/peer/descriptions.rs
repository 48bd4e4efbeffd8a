//! The descriptions of both ends: those that are settled, and those that are not.

use super::connection::PeerConnection;
use super::description::Facts;
use crate::jsep::Local;
use crate::jsep::{Description, Session};

/// Descriptions by their state. [`local_description`](Self::local_description) and
/// [`remote_description`](Self::remote_description) give the pending one, or else the
/// current one.
impl PeerConnection {
    /// Our description of the exchange that is under way, with the candidates gathered so far.
    #[must_use]
    pub fn pending_local_description(&self) -> Option<Description> {
        self.described(Session::pending_local_description)
    }

    /// Our description of the last exchange that was settled, with the candidates
    /// gathered so far.
    #[must_use]
    pub fn current_local_description(&self) -> Option<Description> {
        self.described(Session::current_local_description)
    }

    /// The peer's description of the exchange that is under way.
    #[must_use]
    pub fn pending_remote_description(&self) -> Option<Description> {
        self.session.pending_remote_description()
    }

    /// The peer's description of the last exchange that was settled, with the
    /// candidates that came later.
    #[must_use]
    pub fn current_remote_description(&self) -> Option<Description> {
        self.session.current_remote_description()
    }

    fn described(
        &self,
        which: fn(&Session, &Local<'_>) -> Option<Description>,
    ) -> Option<Description> {
        let facts = Facts::of(&self.links, &self.fingerprint, &self.config);
        facts.tell(|local| which(&self.session, local))
    }
}
