//! How two sides get to know each other (RFC 9260 §5).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::association::{Context, SctpAssociation};
use super::config::SctpConfig;
use super::cookie::Offer;
use super::error::{CloseReason, Noise, Stop};
use super::event::Event;
use super::replies::{InitAnswer, Stray};
use super::rx::Receiver;
use super::state::{CookieEchoed, CookieWait, Features, Identity, Peer, Phase, State, Tcb, Timer};
use crate::cursor::{Reader, Writer};
use crate::time::Instant;
use crate::wire::sctp::chunk::{ForwardTsn, InitFields, ReConfig};
use crate::wire::sctp::{Cause, Parameter, Parameters};

/// What the parameters of INIT or INIT ACK say.
struct Scan<'a> {
    features: Features,
    cookie: Option<&'a [u8]>,
    /// What is not known here, and the peer wants to know that.
    unknown: Vec<Parameter<'a>>,
}

impl<'a> Scan<'a> {
    fn of(parameters: &Parameters<'a>) -> Self {
        let mut scan = Self {
            features: Features::default(),
            cookie: None,
            unknown: Vec::new(),
        };
        for parameter in parameters {
            match parameter {
                Parameter::StateCookie(cookie) => scan.cookie = Some(cookie),
                Parameter::ForwardTsnSupported => scan.features.partial_reliability = true,
                Parameter::SupportedExtensions(kinds) => {
                    scan.features.partial_reliability |= kinds.contains(&ForwardTsn::KIND);
                    scan.features.reconfiguration |= kinds.contains(&ReConfig::KIND);
                }
                Parameter::ZeroChecksum(method) => {
                    scan.features.zero_checksum = method == SCTP_OVER_DTLS;
                }
                Parameter::Unknown { .. } => {
                    // §3.2.1: the two high bits of the type say what to do.
                    let action = parameter.action();
                    if action.reports() && scan.unknown.len() < MOST_REPORTED {
                        scan.unknown.push(parameter);
                    }
                    if action.stops() {
                        break;
                    }
                }
                _ => (),
            }
        }
        scan
    }
}

impl Peer {
    fn new(init: &InitFields<'_>, features: Features, config: &SctpConfig) -> Self {
        Self {
            identity: Identity {
                tag: init.initiate_tag,
                initial_tsn: init.initial_tsn,
            },
            a_rwnd: init.a_rwnd,
            // §5.1.1: the smaller of what one side sends and the other takes.
            outbound_streams: config.max_streams.min(init.inbound_streams),
            inbound_streams: config.max_streams.min(init.outbound_streams),
            features,
        }
    }
}

/// What we say of ourselves in INIT and INIT ACK, before `more`.
pub(crate) fn parameters<'a>(
    config: &SctpConfig,
    more: impl IntoIterator<Item = Parameter<'a>>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, usize::MAX);
    Parameter::ForwardTsnSupported.emit(&mut w);
    Parameter::SupportedExtensions(&[ReConfig::KIND, ForwardTsn::KIND]).emit(&mut w);
    if config.zero_checksum {
        Parameter::ZeroChecksum(SCTP_OVER_DTLS).emit(&mut w);
    }
    for parameter in more {
        parameter.emit(&mut w);
    }
    bytes
}

/// The fields of our INIT or INIT ACK.
pub(crate) fn init_fields<'a>(
    local: Identity,
    config: &SctpConfig,
    window: usize,
    parameters: &'a [u8],
) -> InitFields<'a> {
    InitFields {
        initiate_tag: local.tag,
        a_rwnd: u32::try_from(window).unwrap_or(u32::MAX),
        outbound_streams: config.max_streams,
        inbound_streams: config.max_streams,
        initial_tsn: local.initial_tsn,
        parameters: Parameters::parse(&mut Reader::new(parameters)).unwrap_or_default(),
    }
}

fn encoded(parameters: &[Parameter<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, usize::MAX);
    for parameter in parameters {
        parameter.emit(&mut w);
    }
    bytes
}

impl SctpAssociation {
    /// The peer asks for an association (§5.1 B, §5.2.1, §5.2.2).
    pub(super) fn on_init(&mut self, now: Instant, init: &InitFields<'_>) -> Result<(), Stop> {
        let Self { state, ctx } = self;
        if init.initiate_tag == 0 {
            // §3.3.2: without a tag there is no one to answer to.
            return Err(Stop::Drop(Noise::Malformed));
        }
        if init.outbound_streams == 0 || init.inbound_streams == 0 {
            ctx.replies.stray = Some(Stray::RefuseInit(init.initiate_tag));
            return Ok(());
        }
        let (local, tie_tags) = match state {
            State::Idle | State::CookieWait(_) => (ctx.local, None),
            State::Open(tcb) => match &mut tcb.phase {
                Phase::CookieEchoed(_) => (tcb.local, None),
                Phase::ShutdownAckSent { due } => {
                    // §9.2: it did not hear that we are done.
                    *due = true;
                    return Err(Stop::Drop(Noise::Unexpected));
                }
                // §5.2.2: a restart, perhaps. Nothing changes before the cookie is back.
                Phase::Established
                | Phase::ShutdownPending
                | Phase::ShutdownSent { .. }
                | Phase::ShutdownReceived => {
                    let tags = (tcb.local.tag, tcb.peer.identity.tag);
                    (Identity::random(&mut ctx.rng), Some(tags))
                }
            },
            State::Closing(_) | State::Closed => return Err(Stop::Drop(Noise::Unexpected)),
        };
        let scan = Scan::of(&init.parameters);
        let peer = Peer::new(init, scan.features, &ctx.config);
        let offer = ctx.jar.add(local, peer, tie_tags, now, &mut ctx.rng);
        ctx.replies.init = Some(InitAnswer {
            offer,
            unrecognized: encoded(&scan.unknown),
        });
        Ok(())
    }

    /// The peer answers our INIT (§5.1 C).
    pub(super) fn on_init_ack(&mut self, init: &InitFields<'_>) -> Result<(), Stop> {
        let Self { state, ctx } = self;
        if !matches!(state, State::CookieWait(_)) {
            // §5.2.3: a second answer, or one that comes late.
            return Err(Stop::Drop(Noise::Unexpected));
        }
        if init.initiate_tag == 0 {
            return Err(Stop::Close(CloseReason::Incompatible("initiate tag")));
        }
        let scan = Scan::of(&init.parameters);
        let peer = Peer::new(init, scan.features, &ctx.config);
        let phase = Phase::CookieEchoed(CookieEchoed {
            cookie: scan.cookie.unwrap_or_default().to_vec(),
            due: true,
            attempts: 0,
            unrecognized: encoded(&scan.unknown),
        });
        *state = State::Open(Box::new(Tcb::new(ctx.local, peer, phase, &ctx.config)));
        ctx.timers.stop(Timer::T1);
        if init.outbound_streams == 0 || init.inbound_streams == 0 {
            return Err(Stop::Abort(CloseReason::Incompatible("no streams")));
        }
        if scan.cookie.is_none() {
            let reason = CloseReason::Incompatible("no cookie");
            return Err(Stop::AbortWith(reason, Cause::MissingParameters(&[0, 7])));
        }
        Ok(())
    }

    /// Our cookie came back (§5.1 D, §5.2.4).
    pub(super) fn on_cookie_echo(
        &mut self,
        now: Instant,
        tag: u32,
        cookie: &[u8],
    ) -> Result<(), Stop> {
        let Self { state, ctx } = self;
        let offer = ctx.jar.find(cookie).filter(|offer| offer.local.tag == tag);
        let Some(offer) = offer else {
            return Err(Stop::Drop(Noise::NotOurs));
        };
        let current = match state {
            State::Open(tcb) => Some((tcb.local.tag, tcb.peer.identity.tag)),
            State::Idle | State::CookieWait(_) => None,
            State::Closing(_) | State::Closed => return Err(Stop::Drop(Noise::Unexpected)),
        };
        let tags = (offer.local.tag, offer.peer.identity.tag);
        let late = now
            .since(offer.created)
            .saturating_sub(ctx.config.timers.cookie_life);
        if !late.is_zero() && current != Some(tags) {
            let micros = u32::try_from(late.as_micros()).unwrap_or(u32::MAX);
            ctx.replies.stray = Some(Stray::StaleCookie(tags.1, micros));
            return Ok(());
        }
        match state {
            State::Open(tcb) => tcb.on_offer(ctx, now, &offer)?,
            _ => {
                let tcb = Tcb::new(offer.local, offer.peer, Phase::Established, &ctx.config);
                *state = State::Open(Box::new(tcb));
                self.establish(now);
            }
        }
        self.ctx.replies.cookie_ack = true;
        self.resume_shutdown();
        Ok(())
    }

    /// The peer took our cookie (§5.1 E).
    pub(super) fn on_cookie_ack(&mut self, now: Instant) -> Result<(), Stop> {
        let State::Open(tcb) = &mut self.state else {
            return Err(Stop::Drop(Noise::Unexpected));
        };
        if !matches!(tcb.phase, Phase::CookieEchoed(_)) {
            return Err(Stop::Drop(Noise::Unexpected));
        }
        tcb.phase = Phase::Established;
        self.establish(now);
        self.resume_shutdown();
        Ok(())
    }

    fn establish(&mut self, now: Instant) {
        if let State::Open(tcb) = &mut self.state {
            tcb.establish(&mut self.ctx, now);
        }
    }

    /// INIT or COOKIE ECHO was not answered (§5.1 C).
    pub(super) fn on_t1(&mut self, now: Instant) -> Result<(), Stop> {
        let Self { state, ctx } = self;
        let attempts = match state {
            State::CookieWait(CookieWait { due, attempts }) => {
                *due = true;
                attempts
            }
            State::Open(tcb) => {
                tcb.resend_data(ctx, now);
                let Phase::CookieEchoed(echoed) = &mut tcb.phase else {
                    return Ok(());
                };
                echoed.due = true;
                &mut echoed.attempts
            }
            State::Idle | State::Closing(_) | State::Closed => return Ok(()),
        };
        if *attempts > ctx.config.max_init_retransmits {
            return Err(Stop::Close(CloseReason::TimedOut));
        }
        Ok(())
    }
}

impl Tcb {
    /// Both sides know each other.
    fn establish(&mut self, ctx: &mut Context, now: Instant) {
        ctx.timers.stop(Timer::T1);
        ctx.queue
            .set_partial(self.peer.features.partial_reliability);
        ctx.queue.limit_streams(self.peer.outbound_streams);
        ctx.inbox.set_streams(self.peer.inbound_streams);
        ctx.events.push(Event::Connected {
            outbound_streams: self.peer.outbound_streams,
            inbound_streams: self.peer.inbound_streams,
        });
        self.on_activity(now);
        ctx.start_heartbeat_timer(now, Duration::ZERO);
        self.arm_t3(ctx, now);
    }

    /// A cookie came while there is an association (§5.2.4, table 12).
    fn on_offer(&mut self, ctx: &mut Context, now: Instant, offer: &Offer) -> Result<(), Stop> {
        let local_matches = offer.local.tag == self.local.tag;
        let peer_matches = offer.peer.identity.tag == self.peer.identity.tag;
        let tie_tags_match = offer.tie_tags == Some((self.local.tag, self.peer.identity.tag));
        match (local_matches, peer_matches) {
            // D: our COOKIE ACK was lost, or both sides began at once.
            (true, true) => (),
            // B: both sides began at once, and the peer has a tag we did not know.
            (true, false) => {
                self.peer = offer.peer;
                self.tx
                    .set_window(usize::try_from(offer.peer.a_rwnd).unwrap_or(usize::MAX));
                let initial = offer.peer.identity.initial_tsn;
                self.rx = Receiver::new(initial, ctx.config.max_gaps, ctx.config.receive_buffer);
            }
            // A: the peer restarted.
            (false, false) if tie_tags_match => return self.restart(ctx, now, offer),
            // C, and what cannot be.
            _ => return Err(Stop::Drop(Noise::Unexpected)),
        }
        if matches!(self.phase, Phase::CookieEchoed(_)) {
            self.phase = Phase::Established;
            self.establish(ctx, now);
        }
        Ok(())
    }

    fn restart(&mut self, ctx: &mut Context, now: Instant, offer: &Offer) -> Result<(), Stop> {
        if let Phase::ShutdownAckSent { due } = &mut self.phase {
            *due = true;
            ctx.replies.error(&Cause::CookieWhileShuttingDown);
            return Err(Stop::Drop(Noise::Unexpected));
        }
        ctx.timers.stop_all();
        ctx.queue.restart();
        ctx.inbox.restart();
        ctx.local = offer.local;
        *self = Self::new(offer.local, offer.peer, Phase::Established, &ctx.config);
        ctx.events.push(Event::Restarted);
        self.establish(ctx, now);
        Ok(())
    }
}

/// RFC 9653 §7: the method "SCTP over DTLS".
const SCTP_OVER_DTLS: u32 = 1;

/// How many unknown parameters are told to the peer.
const MOST_REPORTED: usize = 4;
