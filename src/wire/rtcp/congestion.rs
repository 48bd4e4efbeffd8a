//! When each packet of each source came (RFC 8888).

use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use super::frame::{self, TRANSPORT_FEEDBACK, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial16;
use crate::wire::list::{List, Record};
use crate::wire::rtp::{SequenceNumber, Ssrc};

/// When each packet of each source came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CongestionFeedback<'a> {
    /// Who says it.
    pub sender: Ssrc,
    /// When, in 65,536ths of a second: the middle of NTP time.
    pub timestamp: u32,
    streams: &'a [u8],
}

impl<'a> CongestionFeedback<'a> {
    /// The format of this feedback.
    pub const FORMAT: u8 = 11;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == TRANSPORT_FEEDBACK && frame.count == Self::FORMAT
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a source has fewer reports than it says, or more than
    /// 16,384, which is all that can be told apart (RFC 8888 §3.1).
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "congestion feedback";
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let sender = Ssrc::parse(&mut r)?;
        let len = r.remaining().checked_sub(4).ok_or(Malformed(FIELD))?;
        let streams = r.bytes(len, FIELD)?;
        let mut check = Reader::new(streams);
        while !check.is_empty() {
            StreamMetrics::parse(&mut check)?;
        }
        Ok(Self {
            sender,
            timestamp: r.u32(FIELD)?,
            streams,
        })
    }

    /// A packet about `streams`, as [`StreamMetrics::encode`] makes them.
    ///
    /// # Errors
    ///
    /// [`Malformed`] as for [`parse`](Self::parse).
    pub fn of_streams(sender: Ssrc, timestamp: u32, streams: &'a [u8]) -> Result<Self, Malformed> {
        let mut check = Reader::new(streams);
        while !check.is_empty() {
            StreamMetrics::parse(&mut check)?;
        }
        Ok(Self {
            sender,
            timestamp,
            streams,
        })
    }

    /// The sources.
    #[must_use]
    pub const fn streams(&self) -> Streams<'a> {
        Streams {
            rest: Reader::new(self.streams),
        }
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(8 + self.streams.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, TRANSPORT_FEEDBACK, Self::FORMAT, |w| {
            w.u32(self.sender.0);
            w.bytes(self.streams);
            w.u32(self.timestamp);
        });
    }
}

/// `CCFB 00000001 at=65536 00000002:7+4`
impl fmt::Display for CongestionFeedback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CCFB {} at={}", self.sender, self.timestamp)?;
        for StreamMetrics {
            ssrc,
            begin,
            metrics,
        } in self.streams()
        {
            write!(f, " {ssrc}:{}+{}", begin.0, metrics.len())?;
        }
        Ok(())
    }
}

/// What became of the packets of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamMetrics<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// The first packet.
    pub begin: SequenceNumber,
    /// What became of it and of those behind it.
    pub metrics: List<'a, Metric>,
}

impl StreamMetrics<'_> {
    /// How many packets of one source can be told of.
    pub const MAX_METRICS: usize = 16_384;

    /// The bytes that tell what became of the packets of a source from `begin`
    /// on, to make a packet of; those beyond [`MAX_METRICS`](Self::MAX_METRICS)
    /// are not told of.
    #[must_use]
    pub fn encode(
        ssrc: Ssrc,
        begin: SequenceNumber,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Vec<u8> {
        let metrics = List::encode(metrics.into_iter().take(Self::MAX_METRICS));
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, usize::MAX);
        w.u32(ssrc.0);
        w.u16(begin.0);
        w.u16(u16::try_from(metrics.len() / Metric::LEN).unwrap_or(u16::MAX));
        w.bytes(&metrics);
        w.zeros(metrics.len() % 4);
        bytes
    }
}

impl<'a> StreamMetrics<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "congestion metrics";
        let ssrc = Ssrc::parse(r)?;
        let begin = Serial16(r.u16(FIELD)?);
        let count = usize::from(r.u16(FIELD)?);
        if count > Self::MAX_METRICS {
            return Err(Malformed(FIELD));
        }
        let metrics = List::parse(r, count, FIELD)?;
        r.bytes(count % 2 * Metric::LEN, FIELD)?;
        Ok(Self {
            ssrc,
            begin,
            metrics,
        })
    }
}

/// The iterator over the sources of a packet.
#[derive(Clone, Debug)]
pub struct Streams<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Streams<'a> {
    type Item = StreamMetrics<'a>;

    fn next(&mut self) -> Option<StreamMetrics<'a>> {
        StreamMetrics::parse(&mut self.rest).ok()
    }
}

impl FusedIterator for Streams<'_> {}

/// What became of one packet.
///
/// ```text
/// | received, 1 | ECN, 2 | how long before the report, in 1,024ths of a second, 13 |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric(pub u16);

impl Metric {
    /// It did not come.
    pub const LOST: Self = Self(0);

    /// It came `ago` 1,024ths of a second before the report, with this ECN mark.
    #[must_use]
    pub const fn received(ecn: u8, ago: u16) -> Self {
        // RFC 8888 §3.1: 0x1ffe is "longer ago than can be said".
        let ago = if ago > 0x1ffe { 0x1ffe } else { ago };
        Self(1 << 15 | (ecn as u16 & 3) << 13 | ago)
    }

    /// Whether it came.
    #[must_use]
    pub const fn is_received(self) -> bool {
        self.0 >> 15 == 1
    }

    /// Its ECN mark, if it came.
    #[must_use]
    pub const fn ecn(self) -> u8 {
        if self.is_received() {
            (self.0 >> 13 & 3) as u8
        } else {
            0
        }
    }

    /// How many 1,024ths of a second before the report it came, if that can be said.
    #[must_use]
    pub const fn ago(self) -> Option<u16> {
        match self.0 & 0x1fff {
            ago @ 0..=0x1ffd if self.is_received() => Some(ago),
            _ => None,
        }
    }
}

impl Record for Metric {
    const LEN: usize = 2;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u16("congestion metric").map(Self)
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.0);
    }
}
