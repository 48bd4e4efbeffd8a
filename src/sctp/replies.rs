//! What has to be answered? Small facts, kept until the next packet.

use alloc::vec::Vec;

use super::cookie::Offer;
use crate::cursor::{Reader, Writer};
use crate::wire::sctp::chunk::{
    Abort, CookieAck, Error, Heartbeat, HeartbeatAck, ShutdownComplete,
};
use crate::wire::sctp::{Cause, Causes, Parameters};

/// Answers that wait for the next packet: at most one of each kind, since a
/// newer question makes an older one stale.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// An INIT has to be answered.
    pub(crate) init: Option<InitAnswer>,
    /// A packet that belongs to no association has to be answered.
    pub(crate) stray: Option<Stray>,
    /// A COOKIE ECHO has to be answered.
    pub(crate) cookie_ack: bool,
    /// What the last HEARTBEAT said.
    heartbeat: Option<Vec<u8>>,
    /// Causes for an ERROR, as they go on the wire.
    causes: Vec<u8>,
}

/// The answer to an INIT.
#[derive(Debug)]
pub(crate) struct InitAnswer {
    pub(crate) offer: Offer,
    /// Parameters of the INIT that are not known here, as they came.
    pub(crate) unrecognized: Vec<u8>,
}

/// An answer to a packet that belongs to no association (RFC 9260 §8.4).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stray {
    /// ABORT with the tag of that packet.
    Abort(u32),
    /// ABORT to an INIT that cannot be, with its tag.
    RefuseInit(u32),
    /// SHUTDOWN COMPLETE with the tag of that packet.
    Complete(u32),
    /// The cookie of the peer with this tag came so many microseconds late.
    StaleCookie(u32, u32),
}

impl Replies {
    /// Whether something has to be answered inside the association.
    pub(crate) const fn is_due(&self) -> bool {
        self.cookie_ack || self.heartbeat.is_some() || !self.causes.is_empty()
    }

    /// A HEARTBEAT has to be answered with what it said (RFC 9260 §8.3).
    pub(crate) fn heartbeat(&mut self, heartbeat: &Heartbeat<'_>) {
        let info = heartbeat.info.as_bytes();
        if info.len() <= LONGEST_ECHO {
            self.heartbeat = Some(info.to_vec());
        }
    }

    /// The peer should hear what is wrong. What is too much is left out.
    pub(crate) fn error(&mut self, cause: &Cause<'_>) {
        if self.causes.len() + cause.encoded_len() <= LONGEST_ECHO {
            cause.emit(&mut Writer::new(&mut self.causes, usize::MAX));
        }
    }

    /// Writes what fits.
    pub(crate) fn emit(&mut self, w: &mut Writer<'_>) {
        if self.cookie_ack && w.remaining() >= CookieAck.encoded_len() {
            CookieAck.emit(w);
            self.cookie_ack = false;
        }
        if let Ok(causes) = Causes::parse(&mut Reader::new(&self.causes)) {
            let error = Error { causes };
            if !self.causes.is_empty() && w.remaining() >= error.encoded_len() {
                error.emit(w);
                self.causes.clear();
            }
        }
        if let Some(bytes) = self.heartbeat.take()
            && let Ok(info) = Parameters::parse(&mut Reader::new(&bytes))
        {
            let ack = HeartbeatAck { info };
            // One that does not fit never will.
            if w.remaining() >= ack.encoded_len() {
                ack.emit(w);
            }
        }
    }
}

impl Stray {
    /// The tag of the packet.
    pub(crate) const fn tag(self) -> u32 {
        match self {
            Self::Abort(tag)
            | Self::RefuseInit(tag)
            | Self::Complete(tag)
            | Self::StaleCookie(tag, _) => tag,
        }
    }

    pub(crate) fn emit(self, w: &mut Writer<'_>) {
        let cause = match self {
            Self::Complete(_) => {
                return ShutdownComplete { reflected: true }.emit(w);
            }
            Self::Abort(_) => None,
            Self::RefuseInit(_) => Some(Cause::InvalidParameter),
            Self::StaleCookie(_, micros) => Some(Cause::StaleCookie(micros)),
        };
        let mut bytes = Vec::new();
        if let Some(cause) = cause {
            cause.emit(&mut Writer::new(&mut bytes, usize::MAX));
        }
        let causes = Causes::parse(&mut Reader::new(&bytes)).unwrap_or_default();
        if matches!(self, Self::StaleCookie(..)) {
            Error { causes }.emit(w);
        } else {
            let reflected = matches!(self, Self::Abort(_));
            Abort { reflected, causes }.emit(w);
        }
    }
}

/// An answer repeats no more than this.
const LONGEST_ECHO: usize = 512;
