//! What is the sender told?

use core::time::Duration;

use super::config::ReceiveCodec;
use super::event::Feedback;
use super::machine::RtpReceiver;
use crate::time::Instant;
use crate::wire::rtcp::ReportBlock;

impl RtpReceiver {
    /// What is to be told to the sender now.
    pub fn poll_feedback(&mut self, now: Instant) -> Option<Feedback> {
        self.nack(now).or_else(|| self.ask_for_key_frame(now))
    }

    /// The report block on the source. `None` if nothing came since the last one
    /// (RFC 3550 §6.4.2); a source that is silent gives its memory back then.
    pub fn report(&mut self, now: Instant) -> Option<ReportBlock> {
        if !core::mem::replace(&mut self.heard, false) {
            self.slab.release();
            self.frames.release();
            self.outbox.release();
            return None;
        }
        let mut block = self.reception.as_mut()?.report(self.ssrc);
        if let Some(remote) = &self.remote {
            block.last_sender_report = remote.info.compact_ntp();
            let delay = (now - remote.received).as_nanos() * 65_536 / 1_000_000_000;
            block.delay = u32::try_from(delay).unwrap_or(u32::MAX);
        }
        Some(block)
    }

    fn nack(&mut self, now: Instant) -> Option<Feedback> {
        let numbers = self.gaps.requests(now, self.round_trip)?;
        // What was asked for often enough is not waited for any longer.
        self.settle(now);
        if numbers.is_empty() {
            return None;
        }
        self.stats.feedback.nacks += 1;
        self.stats.feedback.requested += numbers.len() as u64;
        Some(Feedback::Nack(numbers))
    }

    fn ask_for_key_frame(&mut self, now: Instant) -> Option<Feedback> {
        let takes = |codec: &ReceiveCodec| codec.pli || codec.fir;
        let mut known = self.parameters.codecs.iter();
        let codec = self
            .codec
            .or_else(|| known.find(|codec| takes(codec)).copied())?;
        if !takes(&codec) {
            self.key_frames.done();
        }
        let request = self.key_frames.poll(now, self.key_frame_pause())?;
        if codec.pli {
            self.stats.feedback.plis += 1;
            return Some(Feedback::Pli);
        }
        self.stats.feedback.firs += 1;
        Some(Feedback::Fir(request))
    }

    pub(super) fn key_frame_pause(&self) -> Duration {
        self.config.key_frame_interval.max(self.round_trip)
    }
}
