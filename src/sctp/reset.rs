//! Streams that start anew (RFC 6525, as RFC 8831 §6.7 uses it).

use alloc::vec::Vec;

use arrayvec::ArrayVec;

use super::association::Context;
use super::error::{CloseReason, Noise, Stop};
use super::event::Event;
use super::state::{Tcb, Timer};
use crate::cursor::{Reader, Writer};
use crate::seq::{Serial32, extend_u32};
use crate::time::Instant;
use crate::wire::list::List;
use crate::wire::sctp::chunk::ReConfig;
use crate::wire::sctp::param::{OutgoingReset, ResetResponse, ResetResult};
use crate::wire::sctp::{Parameter, Parameters, StreamId, Tsn};

/// Which resets are asked for, by us and by the peer?
#[derive(Debug)]
pub(crate) struct Resets {
    /// The number of our next request.
    next: Serial32,
    /// Our request that is not answered yet: only one at a time (§5.1.1).
    asked: Option<Asked>,
    /// The number of the peer's next request.
    expected: Serial32,
    /// What became of the peer's last request.
    answered: Option<(Serial32, ResetResult)>,
    /// Answers that have to go out.
    answers: ArrayVec<(Serial32, ResetResult), 2>,
}

/// Our request.
#[derive(Debug)]
struct Asked {
    number: Serial32,
    streams: Vec<StreamId>,
    last_tsn: Tsn,
    due: bool,
    /// Whether the peer said that it is at it.
    in_progress: bool,
    /// How often it was not answered.
    timeouts: u32,
}

impl Resets {
    /// Requests are numbered from the initial TSNs on (§4.1).
    pub(crate) const fn new(local: Tsn, peer: Tsn) -> Self {
        Self {
            next: local,
            asked: None,
            expected: peer,
            answered: None,
            answers: ArrayVec::new_const(),
        }
    }

    /// Whether a RE-CONFIG has to go out.
    pub(crate) fn is_due(&self) -> bool {
        !self.answers.is_empty() || self.asked.as_ref().is_some_and(|asked| asked.due)
    }

    /// Whether a new request may be made.
    pub(crate) const fn may_ask(&self) -> bool {
        self.asked.is_none()
    }

    fn answer(&mut self, number: Serial32, result: ResetResult) {
        if self.answers.is_full() {
            self.answers.remove(0);
        }
        self.answers.push((number, result));
    }
}

impl Tcb {
    /// Asks for a reset of the streams on which everything has arrived. §5.1.2
    /// lets the request go earlier; waiting spares the peer to hold data back.
    pub(crate) fn ask_resets(&mut self, ctx: &mut Context) {
        let streams = ctx.queue.take_settled(MOST_STREAMS);
        if streams.is_empty() {
            return;
        }
        if !self.peer.features.reconfiguration {
            for stream in streams {
                ctx.queue.end_reset(stream, false);
                ctx.events.push(Event::StreamResetFailed(stream));
            }
            return;
        }
        let number = self.resets.next;
        self.resets.next = number.add(1);
        self.resets.asked = Some(Asked {
            number,
            streams,
            last_tsn: self.tx.in_flight.last_assigned(),
            due: true,
            in_progress: false,
            timeouts: 0,
        });
    }

    /// Our request was not answered, or the answer was to ask again.
    pub(crate) fn on_reset_timer(&mut self, ctx: &Context) -> Result<(), Stop> {
        let Some(asked) = &mut self.resets.asked else {
            return Ok(());
        };
        asked.due = true;
        if core::mem::take(&mut asked.in_progress) {
            return Ok(());
        }
        // A peer that answers all but this is as good as gone.
        asked.timeouts += 1;
        if asked.timeouts > ctx.config.max_retransmits {
            return Err(Stop::Abort(CloseReason::TimedOut));
        }
        self.tx.rto.back_off();
        self.count_error(ctx)
    }

    pub(crate) fn emit_re_config(&mut self, ctx: &mut Context, now: Instant, w: &mut Writer<'_>) {
        let mut encoded = Vec::new();
        let mut body = Writer::new(&mut encoded, usize::MAX);
        // §3.1: two answers, or an answer and a request, but no more.
        let asked = self.resets.asked.as_mut();
        let asked = asked.filter(|asked| asked.due && self.resets.answers.len() < 2);
        for &(request, result) in &self.resets.answers {
            let next_tsns = None;
            Parameter::ResetResponse(ResetResponse {
                request,
                result,
                next_tsns,
            })
            .emit(&mut body);
        }
        let mut has_request = false;
        if let Some(asked) = asked {
            let streams = List::encode(asked.streams.iter().copied());
            Parameter::OutgoingReset(OutgoingReset {
                request: asked.number,
                response: self.resets.expected.sub(1),
                last_tsn: asked.last_tsn,
                streams: List::new(&streams),
            })
            .emit(&mut body);
            asked.due = false;
            has_request = true;
        }
        self.resets.answers.clear();
        if let Ok(parameters) = Parameters::parse(&mut Reader::new(&encoded)) {
            ReConfig { parameters }.emit(w);
        }
        if has_request {
            ctx.timers.set(Timer::Reset, now + self.tx.rto.timeout());
        }
    }

    pub(crate) fn on_re_config(
        &mut self,
        ctx: &mut Context,
        now: Instant,
        chunk: &ReConfig<'_>,
    ) -> Result<(), Stop> {
        if !is_legal(&chunk.parameters) {
            return Err(Stop::Drop(Noise::Malformed));
        }
        for parameter in &chunk.parameters {
            match parameter {
                Parameter::OutgoingReset(request) => self.on_outgoing_reset(ctx, &request),
                Parameter::ResetResponse(response) => self.on_response(ctx, now, &response),
                Parameter::IncomingReset(request) => self.deny(request.request),
                Parameter::AssociationReset(request) => self.deny(request.request),
                Parameter::AddStreams(request) => self.deny(request.request),
                _ => (),
            }
        }
        Ok(())
    }

    /// The peer asks for what data channels never need (RFC 8831 §6.7).
    fn deny(&mut self, number: Serial32) {
        if let Some(result) = self.known_answer(number) {
            self.resets.answer(number, result);
        } else {
            self.conclude(number, ResetResult::Denied);
        }
    }

    /// What to say to a request that is not the next one (§5.2.1): the same as
    /// before if it is the last one, so that nothing is done twice.
    fn known_answer(&self, number: Serial32) -> Option<ResetResult> {
        if number == self.resets.expected {
            return None;
        }
        match self.resets.answered {
            Some((last, result)) if last == number => Some(result),
            _ => Some(ResetResult::BadNumber),
        }
    }

    fn conclude(&mut self, number: Serial32, result: ResetResult) {
        self.resets.expected = number.add(1);
        self.resets.answered = Some((number, result));
        self.resets.answer(number, result);
    }

    fn on_outgoing_reset(&mut self, ctx: &mut Context, request: &OutgoingReset<'_>) {
        if let Some(result) = self.known_answer(request.request) {
            self.resets.answer(request.request, result);
            return;
        }
        let result = self.perform(ctx, request);
        self.conclude(request.request, result);
    }

    fn perform(&self, ctx: &mut Context, request: &OutgoingReset<'_>) -> ResetResult {
        let limit = self.peer.inbound_streams;
        if request.streams.iter().any(|stream| stream.0 >= limit) {
            return ResetResult::WrongStream;
        }
        let count = if request.streams.is_empty() {
            usize::from(limit)
        } else {
            request.streams.len()
        };
        if !ctx.inbox.can_reset(count) {
            return ResetResult::Denied;
        }
        let cumulative = self.rx.map.cumulative();
        let last_tsn = extend_u32(cumulative, request.last_tsn);
        if !ctx
            .inbox
            .defer_reset(last_tsn, request.streams.iter().collect())
        {
            return ResetResult::AlreadyInProgress;
        }
        if ctx.inbox.settle_reset(cumulative) {
            ResetResult::Performed
        } else {
            // §5.2.2: data sent before the reset is still missing.
            ResetResult::InProgress
        }
    }

    /// The cumulative TSN moved: a reset that waited for it may be done now.
    pub(crate) fn settle_reset(&mut self, ctx: &mut Context) {
        if !ctx.inbox.settle_reset(self.rx.map.cumulative()) {
            return;
        }
        if let Some((number, ResetResult::InProgress)) = self.resets.answered {
            self.resets.answered = Some((number, ResetResult::Performed));
            self.resets.answer(number, ResetResult::Performed);
        }
    }

    fn on_response(&mut self, ctx: &mut Context, now: Instant, response: &ResetResponse) {
        let Some(asked) = &mut self.resets.asked else {
            return;
        };
        if asked.number != response.request {
            return;
        }
        self.errors = 0;
        self.tx.rto.on_answer();
        let performed = match response.result {
            ResetResult::InProgress => {
                // §5.2.7: ask again with the same number, after a while.
                asked.in_progress = true;
                asked.due = false;
                ctx.timers.set(Timer::Reset, now + self.tx.rto.timeout());
                return;
            }
            ResetResult::Performed | ResetResult::NothingToDo => true,
            ResetResult::Denied
            | ResetResult::WrongStream
            | ResetResult::AlreadyInProgress
            | ResetResult::BadNumber
            | ResetResult::Other(_) => false,
        };
        for &stream in &asked.streams {
            ctx.queue.end_reset(stream, performed);
            ctx.events.push(if performed {
                Event::StreamResetDone(stream)
            } else {
                Event::StreamResetFailed(stream)
            });
        }
        self.resets.asked = None;
        ctx.timers.stop(Timer::Reset);
    }
}

/// Which parameters may be together in one chunk (§3.1)?
fn is_legal(parameters: &Parameters<'_>) -> bool {
    let mut kinds = parameters.iter();
    match (kinds.next(), kinds.next(), kinds.next()) {
        (Some(only), None, None) => is_reset(&only),
        (Some(Parameter::OutgoingReset(_)), Some(Parameter::IncomingReset(_)), None)
        | (Some(Parameter::IncomingReset(_)), Some(Parameter::OutgoingReset(_)), None)
        | (Some(Parameter::ResetResponse(_)), Some(Parameter::OutgoingReset(_)), None)
        | (Some(Parameter::OutgoingReset(_)), Some(Parameter::ResetResponse(_)), None)
        | (Some(Parameter::ResetResponse(_)), Some(Parameter::ResetResponse(_)), None) => true,
        (Some(Parameter::AddStreams(a)), Some(Parameter::AddStreams(b)), None) => {
            a.outgoing != b.outgoing
        }
        _ => false,
    }
}

const fn is_reset(parameter: &Parameter<'_>) -> bool {
    matches!(
        parameter,
        Parameter::OutgoingReset(_)
            | Parameter::IncomingReset(_)
            | Parameter::AssociationReset(_)
            | Parameter::ResetResponse(_)
            | Parameter::AddStreams(_)
    )
}

/// So many streams are named by one request: it fits every packet.
const MOST_STREAMS: usize = 128;
