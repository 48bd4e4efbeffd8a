//! What goes out next? Packets are built when they are asked for, so that each
//! says what is true at that moment.

use alloc::vec::Vec;

use super::association::{Context, SctpAssociation};
use super::connect;
use super::error::CloseReason;
use super::replies::InitAnswer;
use super::rx::Ack;
use super::state::{CookieEchoed, CookieWait, Farewell, Phase, State, Tcb, Timer};
use crate::cursor::{Reader, Writer};
use crate::time::Instant;
use crate::wire::sctp::chunk::{
    Abort, CookieEcho, Error, ForwardTsn, Init, InitAck, Sack, Shutdown, ShutdownAck,
    ShutdownComplete,
};
use crate::wire::sctp::{Cause, Causes, Header, Parameter, write_checksum};

impl SctpAssociation {
    /// The next packet of the association.
    pub(super) fn transmit(&mut self, now: Instant, w: &mut Writer<'_>) -> bool {
        match &self.state {
            State::Closed => return false,
            State::Closing(farewell) => {
                let reason = farewell.reason;
                let sent = self
                    .ctx
                    .packet(farewell.tag, false, w, |w| farewell.emit(w));
                if sent {
                    self.close(reason);
                }
                return sent;
            }
            State::Idle | State::CookieWait(_) | State::Open(_) => (),
        }
        if let Some(stray) = self.ctx.replies.stray.take() {
            return self.ctx.packet(stray.tag(), false, w, |w| stray.emit(w));
        }
        if let Some(answer) = self.ctx.replies.init.take() {
            return self.ctx.answer_init(&answer, w);
        }
        match &mut self.state {
            State::CookieWait(wait) => self.ctx.init(wait, now, w),
            State::Open(tcb) => match tcb.transmit(&mut self.ctx, now, w) {
                Ok(sent) => sent,
                Err(reason) => {
                    self.close(reason);
                    false
                }
            },
            State::Idle | State::Closing(_) | State::Closed => false,
        }
    }
}

impl Context {
    /// Writes one packet around the chunks that `fill` writes.
    fn packet(
        &self,
        tag: u32,
        zero_checksum: bool,
        w: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>),
    ) -> bool {
        let at = w.len();
        Header {
            source_port: self.config.local_port,
            destination_port: self.config.remote_port,
            verification_tag: tag,
        }
        .emit(w);
        fill(w);
        if w.is_overflowed() || w.len() <= at + Header::LEN {
            w.rewind(at);
            return false;
        }
        if !zero_checksum {
            write_checksum(w, at);
        }
        true
    }

    /// INIT, alone and without a tag (§5.1 A, §8.5.1 A).
    fn init(&mut self, wait: &mut CookieWait, now: Instant, w: &mut Writer<'_>) -> bool {
        if !wait.due {
            return false;
        }
        let parameters = connect::parameters(&self.config, None);
        let window = self.inbox.window();
        let fields = connect::init_fields(self.local, &self.config, window, &parameters);
        let sent = self.packet(0, false, w, |w| Init(fields).emit(w));
        if sent {
            wait.due = false;
            self.arm_t1(now, wait.attempts);
            wait.attempts += 1;
        }
        sent
    }

    /// §5.1 A: each time twice as patient.
    fn arm_t1(&mut self, now: Instant, attempts: u32) {
        let timers = &self.config.timers;
        let patience = timers.rto_initial.saturating_mul(1 << attempts.min(16));
        self.timers
            .set(Timer::T1, now + patience.min(timers.backoff_max));
    }

    /// INIT ACK, alone (§5.1 B).
    fn answer_init(&self, answer: &InitAnswer, w: &mut Writer<'_>) -> bool {
        let offer = &answer.offer;
        let unrecognized = split(&answer.unrecognized);
        let unrecognized = unrecognized
            .iter()
            .map(|bytes| Parameter::Unrecognized(bytes));
        let cookie = Parameter::StateCookie(&offer.cookie);
        let more = core::iter::once(cookie).chain(unrecognized);
        let parameters = connect::parameters(&self.config, more);
        let window = self.inbox.window();
        let fields = connect::init_fields(offer.local, &self.config, window, &parameters);
        self.packet(offer.peer.identity.tag, false, w, |w| {
            InitAck(fields).emit(w);
        })
    }
}

impl Tcb {
    /// The next packet, if there is a reason for one. An error ends the association.
    fn transmit(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        w: &mut Writer<'_>,
    ) -> Result<bool, CloseReason> {
        if ctx.queue.has_resets() && self.resets.may_ask() && self.may_send() {
            self.ask_resets(ctx);
        }
        if !self.has_work(ctx) {
            return Ok(false);
        }
        if matches!(self.phase, Phase::CookieEchoed(_)) {
            return self.transmit_cookie(ctx, now, w);
        }
        // All that waited may have been too old to send: then the peer has to
        // hear of that instead.
        Ok(self.transmit_open(ctx, now, w)
            || self.tx.is_forward_due() && self.transmit_open(ctx, now, w))
    }

    /// The next packet of an association that is up, if anything may go.
    fn transmit_open(&mut self, ctx: &mut Context, now: Instant, w: &mut Writer<'_>) -> bool {
        let tag = self.peer.identity.tag;
        let zero_checksum = ctx.config.zero_checksum && self.peer.features.zero_checksum;
        let at = w.len();
        Header {
            source_port: ctx.config.local_port,
            destination_port: ctx.config.remote_port,
            verification_tag: tag,
        }
        .emit(w);
        self.emit_control(ctx, now, w);
        if self.may_send() {
            self.emit_data(ctx, now, w);
        }
        if w.is_overflowed() || w.len() <= at + Header::LEN {
            w.rewind(at);
            return false;
        }
        if !zero_checksum {
            write_checksum(w, at);
        }
        true
    }

    /// Whether there is a reason for a packet: asked on every poll, so cheap.
    fn has_work(&self, ctx: &Context) -> bool {
        let phase = match &self.phase {
            Phase::CookieEchoed(echoed) => return echoed.due,
            Phase::ShutdownSent { due } | Phase::ShutdownAckSent { due } => *due,
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived => {
                self.tx.is_forward_due() || self.tx.has_work(&ctx.queue)
            }
        };
        phase
            || self.rx.ack() == Ack::Due
            || ctx.replies.is_due()
            || self.resets.is_due()
            || self.heartbeats.due
    }

    /// COOKIE ECHO comes first, then what is wrong with the INIT ACK, then data
    /// (§5.1 C): as much as this one packet holds, until the peer answers.
    fn transmit_cookie(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        w: &mut Writer<'_>,
    ) -> Result<bool, CloseReason> {
        let Phase::CookieEchoed(CookieEchoed {
            cookie,
            due,
            attempts,
            unrecognized,
        }) = &mut self.phase
        else {
            return Ok(false);
        };
        let attempt = *attempts;
        let echo = CookieEcho { cookie };
        let room = Header::LEN + echo.encoded_len();
        if room > w.remaining() {
            // A small writer gets nothing; a cookie beyond every packet is no use.
            let hopeless = room > ctx.config.mtu;
            return if hopeless {
                Err(CloseReason::Incompatible("cookie too long"))
            } else {
                Ok(false)
            };
        }
        *due = false;
        *attempts += 1;
        let cause = Cause::UnrecognizedParameters(unrecognized);
        let mut causes = Vec::new();
        if !unrecognized.is_empty() {
            cause.emit(&mut Writer::new(&mut causes, usize::MAX));
        }
        let tag = self.peer.identity.tag;
        let error = Error {
            causes: Causes::parse(&mut Reader::new(&causes)).unwrap_or_default(),
        };
        let at = w.len();
        Header {
            source_port: ctx.config.local_port,
            destination_port: ctx.config.remote_port,
            verification_tag: tag,
        }
        .emit(w);
        echo.emit(w);
        if !causes.is_empty() && error.encoded_len() <= w.remaining() {
            error.emit(w);
        }
        let written = self.tx.emit_data(&mut ctx.feed(now), false, w);
        write_checksum(w, at);
        ctx.stats.data.chunks_sent += written.chunks;
        ctx.stats.data.retransmissions += written.resent;
        ctx.arm_t1(now, attempt);
        Ok(true)
    }

    /// All but data, in the order that receivers like: answers first.
    fn emit_control(&mut self, ctx: &mut Context, now: Instant, w: &mut Writer<'_>) {
        ctx.replies.emit(w);
        let carries_data = || self.may_send() && self.tx.has_work(&ctx.queue);
        let with_sack = match self.rx.ack() {
            Ack::Due => true,
            Ack::Delayed => carries_data(),
            Ack::Nothing => false,
        };
        if with_sack && w.remaining() >= Sack::HEADER {
            self.rx.emit_sack(ctx.inbox.window(), w);
            ctx.timers.stop(Timer::Sack);
        }
        if self.heartbeats.due {
            self.emit_heartbeat(ctx, now, w);
        }
        if self.resets.is_due() && w.remaining() >= RE_CONFIG_ROOM {
            self.emit_re_config(ctx, now, w);
        }
        if self.tx.is_forward_due() && w.remaining() >= ForwardTsn::HEADER {
            self.tx.emit_forward_tsn(now, &ctx.queue, w);
            self.arm_t3(ctx, now);
        }
        self.emit_shutdown(ctx, now, w);
    }

    fn emit_shutdown(&mut self, ctx: &mut Context, now: Instant, w: &mut Writer<'_>) {
        match &mut self.phase {
            Phase::ShutdownSent { due } if *due => {
                let cumulative_tsn = self.rx.map.cumulative_tsn();
                let shutdown = Shutdown { cumulative_tsn };
                if shutdown.encoded_len() > w.remaining() {
                    return;
                }
                shutdown.emit(w);
                *due = false;
            }
            Phase::ShutdownAckSent { due } if *due => {
                if ShutdownAck.encoded_len() > w.remaining() {
                    return;
                }
                ShutdownAck.emit(w);
                *due = false;
            }
            _ => return,
        }
        let guard = now + ctx.config.timers.shutdown_guard;
        ctx.timers.set_if_idle(Timer::ShutdownGuard, guard);
        ctx.timers.set(Timer::T2, now + self.tx.rto.timeout());
    }

    fn emit_data(&mut self, ctx: &mut Context, now: Instant, w: &mut Writer<'_>) {
        let hurry = ctx.queue.has_resets() || matches!(self.phase, Phase::ShutdownPending);
        let written = self.tx.emit_data(&mut ctx.feed(now), hurry, w);
        if written.chunks == 0 {
            return;
        }
        ctx.stats.data.chunks_sent += written.chunks;
        ctx.stats.data.retransmissions += written.resent;
        self.on_activity(now);
        if written.earliest {
            // §7.2.4 rule 4: the earliest one goes out again.
            ctx.timers.set(Timer::T3, now + self.tx.rto.timeout());
        } else {
            self.arm_t3(ctx, now);
        }
    }
}

impl Farewell {
    fn emit(&self, w: &mut Writer<'_>) {
        if self.complete {
            return ShutdownComplete { reflected: false }.emit(w);
        }
        let mut bytes = Vec::new();
        if let Some(cause) = &self.cause {
            cause.emit(&mut Writer::new(&mut bytes, usize::MAX));
        }
        Abort {
            reflected: false,
            causes: Causes::parse(&mut Reader::new(&bytes)).unwrap_or_default(),
        }
        .emit(w);
    }
}

/// Encoded parameters, one by one.
fn split(encoded: &[u8]) -> Vec<&[u8]> {
    let mut parameters = Vec::new();
    let mut r = Reader::new(encoded);
    while !r.is_empty() {
        let before = r.peek();
        if Parameter::parse(&mut r).is_err() {
            break;
        }
        let len = before.len() - r.remaining();
        parameters.push(before.get(..len).unwrap_or_default());
    }
    parameters
}

/// A request for as many streams as there may be in one, and an answer.
const RE_CONFIG_ROOM: usize = 4 + 16 + 128 * 2 + 16;
