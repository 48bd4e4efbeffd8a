//! Is the peer still there (RFC 9260 §8.3)?

use alloc::vec::Vec;

use super::association::Context;
use super::error::{CloseReason, Noise, Stop};
use super::state::{Tcb, Timer};
use crate::cursor::{Reader, Writer};
use crate::time::Instant;
use crate::wire::sctp::chunk::{Heartbeat, HeartbeatAck};
use crate::wire::sctp::{Parameter, Parameters};

/// When did we last ask, and what?
#[derive(Debug, Default)]
pub(crate) struct Heartbeats {
    /// A HEARTBEAT has to go out.
    pub(crate) due: bool,
    /// What the answer to the last one has to repeat, until it comes.
    asked: Option<(u64, Instant)>,
    /// When data or a HEARTBEAT was last sent: until the interval is over
    /// since then, the path is not idle.
    last_sent: Instant,
}

impl Tcb {
    /// Something was sent whose answer will show that the peer is there.
    pub(crate) const fn on_activity(&mut self, now: Instant) {
        self.heartbeats.last_sent = now;
    }

    /// The path may have been idle for the interval.
    pub(crate) fn on_heartbeat_timer(&mut self, ctx: &mut Context, now: Instant) {
        let Some(interval) = ctx.config.timers.heartbeat_interval else {
            return;
        };
        let idle_at = self.heartbeats.last_sent + interval;
        if idle_at > now {
            ctx.timers.set(Timer::Heartbeat, idle_at);
        } else {
            self.heartbeats.due = true;
            // Nothing was said for long: what the last burst needed is given back.
            self.tx.in_flight.rest();
            ctx.queue.rest();
            ctx.inbox.rest();
        }
    }

    /// A HEARTBEAT was not answered in time (§8.1).
    pub(crate) fn on_heartbeat_lost(&mut self, ctx: &Context) -> Result<(), Stop> {
        if self.heartbeats.asked.take().is_none() {
            return Ok(());
        }
        self.tx.rto.back_off();
        self.count_error(ctx)
    }

    /// One timeout more in a row.
    pub(crate) fn count_error(&mut self, ctx: &Context) -> Result<(), Stop> {
        self.errors += 1;
        if self.errors > ctx.config.max_retransmits {
            return Err(Stop::Close(CloseReason::TimedOut));
        }
        Ok(())
    }

    pub(crate) fn emit_heartbeat(&mut self, ctx: &mut Context, now: Instant, w: &mut Writer<'_>) {
        let nonce = ctx.rng.u64();
        let bytes = nonce.to_be_bytes();
        let info = Parameter::HeartbeatInfo(&bytes);
        let mut encoded = Vec::new();
        info.emit(&mut Writer::new(&mut encoded, usize::MAX));
        let Ok(info) = Parameters::parse(&mut Reader::new(&encoded)) else {
            return;
        };
        let heartbeat = Heartbeat { info };
        if heartbeat.encoded_len() > w.remaining() {
            return;
        }
        heartbeat.emit(w);
        self.heartbeats.due = false;
        self.heartbeats.asked = Some((nonce, now));
        self.heartbeats.last_sent = now;
        let timeout = self.tx.rto.timeout();
        ctx.timers.set(Timer::HeartbeatAnswer, now + timeout);
        ctx.start_heartbeat_timer(now, timeout);
    }

    pub(crate) fn on_heartbeat_ack(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        ack: &HeartbeatAck<'_>,
    ) -> Result<(), Stop> {
        let Some((nonce, sent_at)) = self.heartbeats.asked else {
            return Err(Stop::Drop(Noise::Unexpected));
        };
        match ack.info.iter().next() {
            Some(Parameter::HeartbeatInfo(info)) if info == nonce.to_be_bytes() => {
                self.heartbeats.asked = None;
                self.errors = 0;
                self.tx.rto.on_answer();
                self.tx.rto.on_sample(now.since(sent_at));
                ctx.timers.stop(Timer::HeartbeatAnswer);
                Ok(())
            }
            _ => Err(Stop::Drop(Noise::Unexpected)),
        }
    }
}
