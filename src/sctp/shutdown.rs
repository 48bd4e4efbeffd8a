//! How it ends (RFC 9260 §9).

use super::association::{Context, SctpAssociation};
use super::error::{CloseReason, Noise, Stop};
use super::event::Event;
use super::state::{Farewell, Phase, State, Tcb, Timer};
use crate::time::Instant;
use crate::wire::sctp::Cause;
use crate::wire::sctp::chunk::{Abort, Error, Shutdown, ShutdownComplete};

impl SctpAssociation {
    /// The application wants to end when all is sent and acknowledged.
    pub(super) fn begin_shutdown(&mut self) {
        match &mut self.state {
            State::Idle | State::CookieWait(_) => self.close(CloseReason::Shutdown),
            State::Open(tcb) => {
                tcb.shutdown_wanted = true;
                self.resume_shutdown();
            }
            State::Closing(_) | State::Closed => (),
        }
    }

    /// Goes on with what the application wanted before all was set up.
    pub(super) fn resume_shutdown(&mut self) {
        if let State::Open(tcb) = &mut self.state
            && tcb.shutdown_wanted
            && matches!(tcb.phase, Phase::Established)
        {
            tcb.phase = Phase::ShutdownPending;
            tcb.advance_shutdown(&self.ctx);
        }
    }

    /// Ends it now, and tells the peer if it is known.
    pub(super) fn begin_abort(&mut self, reason: CloseReason, cause: Option<Cause<'static>>) {
        let State::Open(tcb) = &self.state else {
            if !matches!(self.state, State::Closing(_) | State::Closed) {
                self.close(reason);
            }
            return;
        };
        self.part(Farewell {
            tag: tcb.peer.identity.tag,
            reason,
            cause: cause.or_else(|| reason.to_cause()),
            complete: false,
        });
    }

    /// One packet more, and it is over.
    fn part(&mut self, farewell: Farewell) {
        self.ctx.timers.stop_all();
        self.ctx.queue.restart();
        self.state = State::Closing(farewell);
    }

    /// It is over.
    pub(super) fn close(&mut self, reason: CloseReason) {
        self.ctx.timers.stop_all();
        self.ctx.queue.restart();
        self.state = State::Closed;
        self.ctx.events.push(Event::Closed(reason));
    }

    /// §9.2: the peer says it has everything of ours.
    pub(super) fn on_shutdown_ack(&mut self, tag: u32) -> Result<(), Stop> {
        let State::Open(tcb) = &self.state else {
            self.ctx.replies.stray = Some(super::replies::Stray::Complete(tag));
            return Ok(());
        };
        match tcb.phase {
            Phase::ShutdownSent { .. } | Phase::ShutdownAckSent { .. } => {
                let tag = tcb.peer.identity.tag;
                self.part(Farewell {
                    tag,
                    reason: CloseReason::Shutdown,
                    cause: None,
                    complete: true,
                });
                Ok(())
            }
            Phase::CookieEchoed(_) => {
                // §8.5.1 E: it is about an association that was before.
                self.ctx.replies.stray = Some(super::replies::Stray::Complete(tag));
                Ok(())
            }
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived => {
                Err(Stop::Drop(Noise::Unexpected))
            }
        }
    }

    /// §9.2: the peer says that it is gone.
    pub(super) fn on_shutdown_complete(&self, _: &ShutdownComplete) -> Result<(), Stop> {
        match &self.state {
            State::Open(tcb) if matches!(tcb.phase, Phase::ShutdownAckSent { .. }) => {
                Err(Stop::Close(CloseReason::Shutdown))
            }
            _ => Err(Stop::Drop(Noise::Unexpected)),
        }
    }

    /// §9.1: the peer ended it.
    pub(super) fn on_abort(abort: &Abort<'_>) -> Stop {
        let code = abort.causes.iter().next().map(|cause| cause.code());
        Stop::Close(CloseReason::AbortedByPeer(code))
    }

    /// The peer says that something is wrong. Only one thing matters: a cookie
    /// that came too late (§5.2.6) means a path too slow to ever get here.
    pub(super) fn on_error(&self, error: &Error<'_>) -> Result<(), Stop> {
        let is_stale = |cause: Cause<'_>| matches!(cause, Cause::StaleCookie(_));
        match &self.state {
            State::Open(tcb)
                if matches!(tcb.phase, Phase::CookieEchoed(_))
                    && error.causes.iter().any(is_stale) =>
            {
                Err(Stop::Close(CloseReason::Incompatible("stale cookie")))
            }
            _ => Ok(()),
        }
    }
}

impl Tcb {
    /// §9.2: the peer has nothing more to send.
    pub(super) fn on_shutdown(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        shutdown: &Shutdown,
    ) -> Result<(), Stop> {
        match &mut self.phase {
            Phase::Established | Phase::ShutdownPending | Phase::ShutdownReceived => {
                self.phase = Phase::ShutdownReceived;
                let cumulative = shutdown.cumulative_tsn;
                let progress = self.tx.on_cumulative(cumulative, &mut ctx.feed(now));
                // It may be older than a SACK that came before.
                let _ = self.on_progress(ctx, now, progress);
                self.advance_shutdown(ctx);
                Ok(())
            }
            Phase::ShutdownSent { .. } => {
                // Both sides want it: §9.2.
                self.phase = Phase::ShutdownAckSent { due: true };
                ctx.timers.stop(Timer::T2);
                Ok(())
            }
            Phase::ShutdownAckSent { due } => {
                *due = true;
                Ok(())
            }
            Phase::CookieEchoed(_) => Err(Stop::Drop(Noise::Unexpected)),
        }
    }

    /// The next step of the end, if everything has arrived.
    pub(super) fn advance_shutdown(&mut self, ctx: &Context) {
        if !ctx.queue.is_empty() || !self.tx.is_drained() {
            return;
        }
        match self.phase {
            Phase::ShutdownPending => self.phase = Phase::ShutdownSent { due: true },
            Phase::ShutdownReceived => self.phase = Phase::ShutdownAckSent { due: true },
            _ => (),
        }
    }

    /// SHUTDOWN or SHUTDOWN ACK was not answered.
    pub(super) fn on_t2(&mut self, ctx: &Context) -> Result<(), Stop> {
        if let Phase::ShutdownSent { due } | Phase::ShutdownAckSent { due } = &mut self.phase {
            *due = true;
        }
        self.tx.rto.back_off();
        self.count_error(ctx)
    }
}
