//! One source that is received.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::config::{Mode, ReceiveParameters, ReceiverConfig};
use super::event::{Event, Feedback, ReceivedFrame, Source};
use super::stats::ReceiverStats;
use crate::rtp::reception::Reception;
use crate::time::Instant;
use crate::wire::rtcp::{ReportBlock, SenderInfo};
use crate::wire::rtp::{Packet, Ssrc};

/// One source that is received: its packets in, frames and feedback out.
#[derive(Clone, Debug)]
pub struct RtpReceiver {
    ssrc: Ssrc,
    repair: Option<Ssrc>,
    config: ReceiverConfig,
    parameters: Arc<ReceiveParameters>,
    reception: Option<Reception>,
    ready: VecDeque<Event>,
    stats: ReceiverStats,
}

impl RtpReceiver {
    /// A receiver of the source `ssrc`, of which nothing came. It knows no codec
    /// until [`set_parameters`](Self::set_parameters).
    #[must_use]
    pub fn new(ssrc: Ssrc, config: ReceiverConfig) -> Self {
        Self {
            ssrc,
            repair: None,
            config,
            parameters: Arc::default(),
            reception: None,
            ready: VecDeque::new(),
            stats: ReceiverStats::default(),
        }
    }

    /// The source.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// The stream that repeats its packets.
    #[must_use]
    pub const fn repair(&self) -> Option<Ssrc> {
        self.repair
    }

    /// What signalling agreed on, now or anew.
    pub fn set_parameters(&mut self, parameters: &Arc<ReceiveParameters>) {
        self.parameters = Arc::clone(parameters);
    }

    /// Names the stream that repeats the packets of this one.
    pub const fn set_repair(&mut self, ssrc: Ssrc) {
        self.repair = Some(ssrc);
    }

    /// How long an answer to feedback takes.
    pub fn set_round_trip(&mut self, _round_trip: Duration) {}

    /// A packet of the source itself.
    pub fn handle_rtp(&mut self, now: Instant, packet: &Packet<'_>) {
        let header = &packet.header;
        self.stats.packets.received += 1;
        let first = header.sequence_number;
        let reception = self.reception.get_or_insert_with(|| Reception::new(first));
        reception.on_packet(first);
        if self.config.mode == Mode::Frames {
            self.ready.push_back(Event::Frame(ReceivedFrame {
                data: Bytes::copy_from_slice(packet.payload),
                is_key: true,
                timestamp: header.timestamp.0,
                ntp: None,
                payload_type: header.payload_type,
                marker: header.marker,
                received: now,
                packets: 1,
                audio_level: None,
                orientation: None,
                lost_before: false,
            }));
        }
    }

    /// A packet of the stream that repeats packets (RFC 4588).
    pub fn handle_repair(&mut self, _now: Instant, _packet: &Packet<'_>) {}

    /// The sender says how far it is.
    pub fn handle_sender_report(&mut self, _now: Instant, _info: &SenderInfo) {}

    /// The source ended: what waits is given out as far as it can be.
    pub fn handle_bye(&mut self, _now: Instant) {}

    /// Time passed.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// What is to be told to the sender now.
    pub fn poll_feedback(&mut self, _now: Instant) -> Option<Feedback> {
        None
    }

    /// What came.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// The report block on the source. `None` if nothing came since the last one
    /// (RFC 3550 §6.4.2).
    pub fn report(&mut self, _now: Instant) -> Option<ReportBlock> {
        let ssrc = self.ssrc;
        self.reception
            .as_mut()
            .map(|reception| reception.report(ssrc))
    }

    /// A key frame is wanted: it is asked for until one comes.
    pub fn request_key_frame(&mut self) {}

    /// Who was heard within the last ten seconds.
    #[must_use]
    pub fn sources(&self, _now: Instant) -> Vec<Source> {
        Vec::new()
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.stats
    }
}
