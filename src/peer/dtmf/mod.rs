//! Keys of a telephone: W3C `RTCDTMFSender`, over a sender of sound.

mod dialler;

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::connection::PeerConnection;
use super::event::Event;
use super::lines::line as line_of;
use super::state::ConnectionState;
use crate::cursor::Writer;
use crate::jsep::TransceiverId;
use crate::rtp::format::telephone_event::TelephoneEvent;
use crate::rtp::sender::OutPacket;
use crate::seq::{Serial16, Serial32};
use crate::tight;
use crate::time::Instant;
use crate::wire::rtp::PayloadType;
use dialler::{Dialler, Report, Step};

/// The senders that play tones: mostly none.
#[derive(Debug, Default)]
pub(super) struct Diallers(Vec<Line>);

/// What plays on the line of a transceiver.
#[derive(Debug)]
struct Line {
    transceiver: TransceiverId,
    dialler: Dialler,
    /// How many reports there were.
    reports: u16,
}

/// Why are tones not played?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DtmfError {
    /// [`PeerConnection::can_insert_dtmf`] says no: wait until it says yes.
    #[error("no tones can be sent now")]
    InvalidState,
    /// There is something else than digits, `A` to `D`, `*`, `#` and the comma.
    #[error("no tone has this name")]
    InvalidCharacter,
    /// There are more than can wait: insert the rest when these were played.
    #[error("too many tones")]
    TooMany,
}

/// Tones.
impl PeerConnection {
    /// Whether tones can be sent by this transceiver: it is connected, sends sound, and
    /// the peer takes telephone events with the clock of what is sent.
    #[must_use]
    pub fn can_insert_dtmf(&self, transceiver: TransceiverId) -> bool {
        let Some(one) = self.session.transceiver(transceiver) else {
            return false;
        };
        let sends = one.current_direction().is_some_and(|way| way.sends());
        let active = one.encodings().first().is_some_and(|first| !first.paused);
        self.connection_state() == ConnectionState::Connected
            && !one.is_stopping()
            && !one.is_silent()
            && sends
            && active
            && self.telephone(transceiver).is_some()
    }

    /// Plays tones, each for `duration` with a `gap` behind it, in place of those that
    /// have not begun; 100 ms and 70 ms are usual, and both are brought within 40 ms (a
    /// gap: 30 ms) and 6 s. A comma is a pause of two seconds. No tones: those that
    /// wait are forgotten.
    ///
    /// [`Event::ToneChange`] tells when each begins, and when the last was played. What
    /// is written for the transceiver while a tone is heard is not sent: the tone takes its place.
    ///
    /// # Errors
    ///
    /// See [`DtmfError`]; nothing has changed then.
    pub fn insert_dtmf(
        &mut self,
        now: Instant,
        transceiver: TransceiverId,
        tones: &str,
        duration: Duration,
        gap: Duration,
    ) -> Result<(), DtmfError> {
        let now = self.told(now);
        if !self.can_insert_dtmf(transceiver) {
            return Err(DtmfError::InvalidState);
        }
        let Some((_, clock_rate)) = self.telephone(transceiver) else {
            return Err(DtmfError::InvalidState);
        };
        let is_tone = |tone| tone == ',' || TelephoneEvent::of_key(tone).is_some();
        if !tones.chars().all(is_tone) {
            return Err(DtmfError::InvalidCharacter);
        }
        if tones.len() > MAX_TONES {
            return Err(DtmfError::TooMany);
        }
        let dialler = self.dtmf.of(transceiver, clock_rate);
        dialler.insert(now, tones, duration, gap);
        self.dial(now);
        Ok(())
    }

    /// The tones that have not begun (W3C `toneBuffer`).
    #[must_use]
    pub fn tone_buffer(&self, transceiver: TransceiverId) -> String {
        let line = self.dtmf.get(transceiver);
        line.into_iter()
            .flat_map(|line| line.dialler.tones())
            .collect()
    }

    /// Does what is due for tones.
    pub(super) fn dial(&mut self, now: Instant) {
        for place in (0..self.dtmf.0.len()).rev() {
            let transceiver = self.dtmf.0[place].transceiver;
            // W3C §7.2: if nothing can be sent any more, nothing more is told either.
            if !self.can_insert_dtmf(transceiver) {
                self.dtmf.0.swap_remove(place);
                continue;
            }
            while let Some(step) = self.dtmf.0[place].dialler.poll(now) {
                match step {
                    Step::Tone(tone) => self.events.push(Event::ToneChange { transceiver, tone }),
                    Step::Report(report) => self.send_report(now, place, report),
                }
            }
            if self.dtmf.0[place].dialler.is_over() {
                self.dtmf.0.swap_remove(place);
            }
        }
    }

    fn send_report(&mut self, now: Instant, place: usize, report: Report) {
        let line = &mut self.dtmf.0[place];
        line.reports = line.reports.wrapping_add(1);
        let (transceiver, number) = (line.transceiver, line.reports);
        let Some((payload_type, _)) = self.telephone(transceiver) else {
            return;
        };
        let mut payload = Vec::with_capacity(TelephoneEvent::LEN);
        let mut w = Writer::new(&mut payload, TelephoneEvent::LEN);
        report.event.emit(&mut w);
        let media = self.media_of_mut(transceiver);
        let packet = OutPacket {
            // As if somebody else sent them: frames and packets go on where the others end.
            source: media.ssrc(line_of(transceiver), "").unwrap_or_default(),
            number: Serial16(number),
            timestamp: Serial32(report.timestamp),
            payload_type,
            marker: report.is_first,
            extensions: &[],
            payload: &Bytes::from(payload),
        };
        // One that cannot be sent now is out of date soon.
        let _ = media.write_packet(now, line_of(transceiver), "", &packet);
    }

    /// The payload type and the clock of telephone events, if there are some with the
    /// clock of what is sent (RFC 4733 §2.5.1.2).
    fn telephone(&self, transceiver: TransceiverId) -> Option<(PayloadType, u32)> {
        let media = self.media_of(transceiver);
        let clock_rate = media.send_codec(line_of(transceiver))?.clock_rate;
        let parameters = media.parameters(line_of(transceiver))?;
        let mut codecs = parameters.send.iter();
        let found = codecs.find(|codec| {
            codec.name.eq_ignore_ascii_case("telephone-event") && codec.clock_rate == clock_rate
        });
        found.map(|codec| (codec.payload_type, clock_rate))
    }
}

impl Diallers {
    /// Whether a tone is heard in place of what is written.
    pub(super) fn is_heard(&self, transceiver: TransceiverId) -> bool {
        self.get(transceiver)
            .is_some_and(|line| line.dialler.is_heard())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let lines = self.0.iter();
        lines.filter_map(|line| line.dialler.poll_timeout()).min()
    }

    fn get(&self, transceiver: TransceiverId) -> Option<&Line> {
        self.0.iter().find(|line| line.transceiver == transceiver)
    }

    fn of(&mut self, transceiver: TransceiverId, clock_rate: u32) -> &mut Dialler {
        let known = self
            .0
            .iter()
            .position(|line| line.transceiver == transceiver);
        let place = known.unwrap_or_else(|| {
            let line = Line {
                transceiver,
                dialler: Dialler::new(clock_rate),
                reports: 0,
            };
            tight::push(&mut self.0, line);
            self.0.len() - 1
        });
        &mut self.0[place].dialler
    }
}

/// How many tones may wait.
const MAX_TONES: usize = 256;
