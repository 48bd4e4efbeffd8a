//! Where is the association in its life?
//!
//! ```text
//!          connect                INIT ACK
//!   Idle ───────────> CookieWait ──────────> Open: CookieEchoed
//!    │ COOKIE ECHO        │ COOKIE ECHO           │ COOKIE ACK or ECHO
//!    └────────────────────┴──────────────> Open: Established
//!                                             │ shutdown     │ SHUTDOWN
//!                                      ShutdownPending  ShutdownReceived
//!                                             │ all acked    │ all acked
//!                                       ShutdownSent ──> ShutdownAckSent
//!                                             │ SHUTDOWN ACK │ … COMPLETE
//!                                         Closing ──────> Closed
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::config::SctpConfig;
use super::error::CloseReason;
use super::heartbeat::Heartbeats;
use super::reset::Resets;
use super::rx::Receiver;
use super::tx::Sender;
use crate::rng::Rng;
use crate::seq::Serial32;
use crate::timer::TimerKey;
use crate::wire::sctp::{Cause, Tsn};

/// Where is the association in its life, and what does it know there?
#[derive(Debug)]
pub(crate) enum State {
    /// Nothing happened; an INIT of the peer is answered.
    Idle,
    /// Our INIT is out.
    CookieWait(CookieWait),
    /// Both sides know each other.
    Open(Box<Tcb>),
    /// One last packet has to go out.
    Closing(Farewell),
    /// Nothing happens any more.
    Closed,
}

/// Our INIT is out (RFC 9260 §5.1 A).
#[derive(Debug)]
pub(crate) struct CookieWait {
    /// Whether the INIT has to go out, again or for the first time.
    pub(crate) due: bool,
    pub(crate) attempts: u32,
}

/// What a side calls itself: chosen at random, once per association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) tag: u32,
    pub(crate) initial_tsn: Tsn,
}

impl Identity {
    /// RFC 9260 §5.3.1: a tag that cannot be guessed, and is not zero.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let tag = core::iter::repeat_with(|| rng.u32()).find(|&tag| tag != 0);
        Self {
            tag: tag.unwrap_or(1),
            initial_tsn: Serial32(rng.u32()),
        }
    }
}

/// The last packet, and what happened.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) tag: u32,
    pub(crate) reason: CloseReason,
    pub(crate) cause: Option<Cause<'static>>,
    /// Whether the peer's side is over too, and this only says so.
    pub(crate) complete: bool,
}

/// What both sides agreed on, and how far they are: the RFC's transmission
/// control block.
#[derive(Debug)]
pub(crate) struct Tcb {
    pub(crate) local: Identity,
    pub(crate) peer: Peer,
    pub(crate) phase: Phase,
    pub(crate) tx: Sender,
    pub(crate) rx: Receiver,
    pub(crate) resets: Resets,
    pub(crate) heartbeats: Heartbeats,
    /// Timeouts in a row.
    pub(crate) errors: u32,
    /// Whether the application asked for an end before all was set up.
    pub(crate) shutdown_wanted: bool,
}

/// What the peer said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) identity: Identity,
    pub(crate) a_rwnd: u32,
    /// How many streams we may send on, and the peer.
    pub(crate) outbound_streams: u16,
    pub(crate) inbound_streams: u16,
    pub(crate) features: Features,
}

/// What the peer understands beyond RFC 9260.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Features {
    pub(crate) partial_reliability: bool,
    pub(crate) reconfiguration: bool,
    pub(crate) zero_checksum: bool,
}

/// How far are two sides that know each other?
#[derive(Debug)]
pub(crate) enum Phase {
    /// The cookie is on its way back.
    CookieEchoed(CookieEchoed),
    /// The association is up.
    Established,
    /// We want to end, when all is sent.
    ShutdownPending,
    /// SHUTDOWN has to go out, or is out.
    ShutdownSent { due: bool },
    /// The peer wants to end, when all is sent.
    ShutdownReceived,
    /// SHUTDOWN ACK has to go out, or is out.
    ShutdownAckSent { due: bool },
}

/// The cookie is on its way back (RFC 9260 §5.1 C).
#[derive(Debug)]
pub(crate) struct CookieEchoed {
    pub(crate) cookie: Vec<u8>,
    pub(crate) due: bool,
    pub(crate) attempts: u32,
    /// Parameters of the INIT ACK that the peer wants to know are unknown.
    pub(crate) unrecognized: Vec<u8>,
}

impl Tcb {
    pub(crate) fn new(local: Identity, peer: Peer, phase: Phase, config: &SctpConfig) -> Self {
        let window = usize::try_from(peer.a_rwnd).unwrap_or(usize::MAX);
        Self {
            local,
            peer,
            phase,
            tx: Sender::new(local.initial_tsn, window, config),
            rx: Receiver::new(
                peer.identity.initial_tsn,
                config.max_gaps,
                config.receive_buffer,
            ),
            resets: Resets::new(local.initial_tsn, peer.identity.initial_tsn),
            heartbeats: Heartbeats::default(),
            errors: 0,
            shutdown_wanted: false,
        }
    }

    /// Whether the application's data may go out.
    pub(crate) const fn may_send(&self) -> bool {
        matches!(
            self.phase,
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived
        )
    }

    /// Whether the peer's data is taken (RFC 9260 §6: not once it said it is done).
    pub(crate) const fn may_receive(&self) -> bool {
        matches!(
            self.phase,
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownSent { .. }
        )
    }
}

/// Which deadline?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// INIT or COOKIE ECHO was not answered.
    T1,
    /// SHUTDOWN or SHUTDOWN ACK was not answered.
    T2,
    /// Data was not acknowledged.
    T3,
    /// The orderly end takes too long.
    ShutdownGuard,
    /// A SACK waited long enough for company.
    Sack,
    /// The path was idle for long.
    Heartbeat,
    /// A HEARTBEAT was not answered.
    HeartbeatAnswer,
    /// A stream reset was not answered.
    Reset,
}

impl Timer {
    /// All of them.
    pub(crate) const ALL: [Self; TIMERS] = [
        Self::T1,
        Self::T2,
        Self::T3,
        Self::ShutdownGuard,
        Self::Sack,
        Self::Heartbeat,
        Self::HeartbeatAnswer,
        Self::Reset,
    ];
}

impl TimerKey for Timer {
    fn slot(self) -> usize {
        self as usize
    }
}

/// How many timers there are.
pub(crate) const TIMERS: usize = Timer::Reset as usize + 1;
