//! Data and what acknowledges it (RFC 9260 §6).

use super::association::Context;
use super::error::{CloseReason, Noise, Stop};
use super::rx::{Ack, Fate, Refusal};
use super::state::{Phase, Tcb, Timer};
use super::tx::Progress;
use crate::time::Instant;
use crate::wire::sctp::Cause;
use crate::wire::sctp::chunk::{Data, ForwardTsn, Sack};

impl Tcb {
    /// §6.2: a message, or a piece of one.
    pub(super) fn on_data(&mut self, ctx: &mut Context, data: &Data<'_>) -> Result<(), Stop> {
        if !self.may_receive() {
            return Err(Stop::Drop(Noise::Unexpected));
        }
        if data.payload.is_empty() {
            // §6.2: there is no such thing as an empty message.
            let reason = CloseReason::ProtocolViolation("no user data");
            return Err(Stop::AbortWith(reason, Cause::NoUserData(data.tsn)));
        }
        if let Phase::ShutdownSent { due } = &mut self.phase {
            // §9.2: what still comes is answered with SHUTDOWN and SACK.
            *due = true;
            self.rx.ack_now();
        }
        if data.stream.0 >= self.peer.inbound_streams {
            // §6.5: say so, but the TSN did arrive.
            ctx.replies.error(&Cause::InvalidStream(data.stream));
            self.rx.on_useless(data.tsn);
            self.settle_reset(ctx);
            return Ok(());
        }
        match self.rx.on_data(&mut ctx.inbox, data) {
            Ok(Fate::Kept) => {
                ctx.stats.data.chunks_received += 1;
                self.settle_reset(ctx);
            }
            Ok(Fate::Duplicate) => ctx.stats.data.duplicates += 1,
            Ok(Fate::NoRoom) => ctx.stats.dropped.no_room += 1,
            Err(Refusal::Violation(words)) => {
                return Err(Stop::Abort(CloseReason::ProtocolViolation(words)));
            }
            Err(Refusal::TooMuch) => return Err(Stop::Abort(CloseReason::OutOfResource)),
        }
        Ok(())
    }

    /// All chunks of a packet with data were taken in.
    pub(super) fn on_packet_with_data(&mut self, ctx: &mut Context, now: Instant) {
        if self.rx.on_packet_done() {
            ctx.timers
                .set(Timer::Sack, now + ctx.config.timers.sack_delay);
        }
    }

    /// §6.2.1: what arrived.
    pub(super) fn on_sack(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        sack: &Sack<'_>,
    ) -> Result<(), Stop> {
        if matches!(self.phase, Phase::CookieEchoed(_)) {
            return Err(Stop::Drop(Noise::Unexpected));
        }
        let progress = self.tx.on_sack(sack, &mut ctx.feed(now));
        self.on_progress(ctx, now, progress)
    }

    /// What follows when the peer said what it has.
    pub(super) fn on_progress(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        progress: Option<Progress>,
    ) -> Result<(), Stop> {
        let Some(progress) = progress else {
            return Err(Stop::Drop(Noise::Unexpected));
        };
        if progress.made || progress.advanced {
            // §8.1: the peer is alive.
            self.errors = 0;
        }
        if progress.lost {
            ctx.stats.data.fast_recoveries += 1;
        }
        if !self.tx.needs_timer() {
            ctx.timers.stop(Timer::T3);
        } else if progress.advanced {
            // §6.3.2 R3: the earliest outstanding chunk is another one now.
            ctx.timers.set(Timer::T3, now + self.tx.rto.timeout());
        } else {
            self.arm_t3(ctx, now);
        }
        self.advance_shutdown(ctx);
        Ok(())
    }

    /// Starts the retransmission timer, if it does not run and has to.
    pub(super) fn arm_t3(&self, ctx: &mut Context, now: Instant) {
        if self.tx.needs_timer() {
            let deadline = now + self.tx.rto.timeout();
            ctx.timers.set_if_idle(Timer::T3, deadline);
        }
    }

    /// §6.3.3: nothing was acknowledged in time. What is lost goes out as it
    /// may; the timer starts again when it does, so that an application that
    /// does not poll is not taken for a peer that does not answer.
    pub(super) fn on_t3(&mut self, ctx: &mut Context, now: Instant) -> Result<(), Stop> {
        ctx.stats.data.timeouts += 1;
        if self.tx.on_timeout(&mut ctx.feed(now)) {
            self.count_error(ctx)?;
        }
        self.advance_shutdown(ctx);
        Ok(())
    }

    /// RFC 3758 §3.6: what the peer will not send again.
    pub(super) fn on_forward_tsn(
        &mut self,
        ctx: &mut Context,
        forward: &ForwardTsn<'_>,
    ) -> Result<(), Stop> {
        if !self.may_receive() {
            return Err(Stop::Drop(Noise::Unexpected));
        }
        // One that says nothing new is answered too: the SACK may be lost.
        self.rx.ack_now();
        if let Some(cumulative) = self.rx.map.forward(forward.new_cumulative_tsn) {
            ctx.inbox.forward(cumulative, forward.streams.iter());
            self.settle_reset(ctx);
        }
        Ok(())
    }

    /// A SACK waited long enough for company.
    pub(super) fn on_sack_timer(&mut self) {
        if self.rx.ack() == Ack::Delayed {
            self.rx.ack_now();
        }
    }

    /// COOKIE ECHO goes out again, and with it the data that was with it.
    pub(super) fn resend_data(&mut self, ctx: &mut Context, now: Instant) {
        self.tx.requeue(&mut ctx.feed(now));
    }
}
