//! What does a client tell, and how far is it?

use alloc::string::String;
use core::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::stun::Failure;

/// What happened at the relay?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// There is an address at the server for us.
    Allocated {
        /// The address at which peers reach us.
        relayed: SocketAddr,
        /// The address at which the server sees us.
        mapped: SocketAddr,
    },
    /// Datagrams pass between us and this address.
    Permitted(IpAddr),
    /// Nothing passes between us and this address, or not any more.
    Refused {
        /// The address.
        peer: IpAddr,
        /// The server's error code; [`Failure::NO_ANSWER`] if there was none.
        code: u16,
    },
    /// Another server shall be asked: open a way to it and call
    /// [`follow`](super::TurnClient::follow), or close.
    Redirected {
        /// The other server.
        server: SocketAddr,
        /// For which name its certificate must be, if it is another.
        domain: Option<String>,
    },
    /// There is no address, or no more. The client is silent from now on.
    Failed(Failure),
    /// The client was closed, and the server knows or could not be told. There is
    /// nothing after this.
    Closed,
}

/// How far is a client?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was not asked for anything yet.
    New,
    /// It asks for an address.
    Allocating,
    /// It was sent to another server and waits for a way there.
    Redirected,
    /// It has an address.
    Allocated,
    /// It gives the address back.
    Closing,
    /// It could not get an address, or has lost it.
    Failed,
    /// It is over.
    Closed,
}

/// Why can data not be exchanged with a peer?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PeerError {
    /// Not an address of a single host, or not of the relayed address' family.
    #[error("not an address that the relay can reach")]
    Address,
    /// There are as many peers as the configuration allows: forget one.
    #[error("too many peers")]
    Full,
    /// The client has failed or is closed.
    #[error("the client is closed")]
    Closed,
}
