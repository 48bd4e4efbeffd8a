//! What of its configuration can a connection be asked, and what can be changed?

use alloc::sync::Arc;
use alloc::vec::Vec;

use thiserror::Error;

use super::connection::{Life, PeerConnection};
use crate::crypto::certificate::Certificate;
use crate::ice::{IceServer, ServerError, TransportPolicy};
use crate::jsep::BundlePolicy;

/// The part of a [`Config`](super::Config) that the W3C has a name for
/// (`RTCConfiguration`).
///
/// Taken by [`PeerConnection::configuration`], changed where it can be, and given back.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// STUN and TURN servers, for the next time that candidates are gathered.
    pub ice_servers: Vec<IceServer>,
    /// Which candidates may be used, from the next time on that they are gathered.
    pub ice_transport_policy: TransportPolicy,
    /// How many transports an offer proposes. It never changes.
    pub bundle_policy: BundlePolicy,
    /// Whether RTCP may have a port of its own. It never changes.
    pub rtcp_mux_policy: RtcpMuxPolicy,
    /// The certificates that the connection was given. They never change.
    pub certificates: Vec<Arc<Certificate>>,
    /// Whether candidates are searched for before there is a description. It changes
    /// until there is one.
    pub ice_candidate_pool_size: u8,
}

/// May RTCP have a port of its own (RFC 5761)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RtcpMuxPolicy {
    /// No: sections that do not share a port are rejected. There is nothing else here.
    #[default]
    Require,
}

/// Why was a configuration not taken?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigurationError {
    /// The connection is closed.
    #[error("the connection is closed")]
    InvalidState,
    /// It changes what cannot change any more; the text says what.
    #[error("cannot be changed any more: {0}")]
    InvalidModification(&'static str),
    /// A server cannot be used.
    #[error("an ICE server cannot be used: {0}")]
    Server(ServerError),
}

impl ConfigurationError {
    /// The W3C's name for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidState => "InvalidStateError",
            Self::InvalidModification(_) => "InvalidModificationError",
            Self::Server(ServerError::NoUrl) => "SyntaxError",
            Self::Server(ServerError::NoLogin | ServerError::Username) => "InvalidAccessError",
            Self::Server(_) => "OperationError",
        }
    }
}

impl PeerConnection {
    /// The configuration as it is now (W3C `getConfiguration`).
    #[must_use]
    pub fn configuration(&self) -> Configuration {
        Configuration {
            ice_servers: self.config.ice.servers.clone(),
            ice_transport_policy: self.config.ice.policy,
            bundle_policy: self.config.bundle_policy,
            rtcp_mux_policy: RtcpMuxPolicy::Require,
            certificates: self.config.certificate.iter().cloned().collect(),
            ice_candidate_pool_size: self.config.ice_candidate_pool_size,
        }
    }

    /// Changes the configuration (W3C `setConfiguration`, §4.4.1.6).
    ///
    /// Other servers and another policy count when candidates are gathered the next
    /// time. If there was an exchange, the next offer restarts ICE for it (RFC 8829
    /// §3.5.1); [`restart_ice`](Self::restart_ice) demands one.
    ///
    /// # Errors
    ///
    /// See [`ConfigurationError`]; nothing has changed then.
    pub fn set_configuration(&mut self, wanted: Configuration) -> Result<(), ConfigurationError> {
        if self.life != Life::Live {
            return Err(ConfigurationError::InvalidState);
        }
        self.check_change(&wanted)?;
        self.set_ice_servers(wanted.ice_servers)
            .map_err(ConfigurationError::Server)?;
        self.set_ice_transport_policy(wanted.ice_transport_policy);
        if self.config.ice_candidate_pool_size != wanted.ice_candidate_pool_size {
            Arc::make_mut(&mut self.config).ice_candidate_pool_size =
                wanted.ice_candidate_pool_size;
            self.fill_pool();
        }
        Ok(())
    }

    fn check_change(&self, wanted: &Configuration) -> Result<(), ConfigurationError> {
        let same = |(ours, wanted): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(ours, wanted);
        let ours = self.config.certificate.as_slice();
        let what = if ours.len() != wanted.certificates.len()
            || !ours.iter().zip(&wanted.certificates).all(same)
        {
            "the certificates"
        } else if self.config.bundle_policy != wanted.bundle_policy {
            "the bundle policy"
        } else if self.config.ice_candidate_pool_size != wanted.ice_candidate_pool_size
            && self.session.has_local_description()
        {
            "the size of the candidate pool"
        } else {
            return Ok(());
        };
        Err(ConfigurationError::InvalidModification(what))
    }
}
