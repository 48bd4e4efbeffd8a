//! What was sent and what was received (RFC 3550 §6.4).

use core::fmt;

use super::frame::{self, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial32;
use crate::wire::list::{List, Record};
use crate::wire::rtp::{Ssrc, Timestamp};

/// What a sender sent, and what it received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// Who sends it.
    pub ssrc: Ssrc,
    /// What it sent.
    pub info: SenderInfo,
    /// What it received; at most 31 are written.
    pub reports: List<'a, ReportBlock>,
    /// What a profile adds.
    pub extension: &'a [u8],
}

/// How far is a sender, and at what time?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SenderInfo {
    /// The wall-clock time: 32 bits of seconds since 1900, 32 of fraction.
    pub ntp: u64,
    /// The same moment by the clock of the source's timestamps.
    pub rtp: Timestamp,
    /// How many packets it sent since it began; wraps.
    pub packets: u32,
    /// How many bytes of payload were in them; wraps.
    pub octets: u32,
}

impl SenderInfo {
    /// The middle of the NTP time, which reports refer to (RFC 3550 §6.4.1, LSR).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the middle 32 bits are meant"
    )]
    pub const fn compact_ntp(&self) -> u32 {
        (self.ntp >> 16) as u32
    }
}

impl<'a> SenderReport<'a> {
    /// The type of this packet.
    pub const KIND: u8 = 200;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == Self::KIND
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it holds fewer reports than it says.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "sender report";
        let (count, mut r) = Unknown::open(r, Self::is)?;
        Ok(Self {
            ssrc: Ssrc::parse(&mut r)?,
            info: SenderInfo {
                ntp: r.u64(FIELD)?,
                rtp: Serial32(r.u32(FIELD)?),
                packets: r.u32(FIELD)?,
                octets: r.u32(FIELD)?,
            },
            reports: List::parse(&mut r, count.into(), "report blocks")?,
            extension: r.rest(),
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let reports = self.reports.first(Unknown::MAX_COUNT);
        frame::len(24 + reports.encoded_len() + self.extension.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let reports = self.reports.first(Unknown::MAX_COUNT);
        frame::write(w, Self::KIND, frame::count(reports.len()), |w| {
            w.u32(self.ssrc.0);
            w.u64(self.info.ntp);
            w.u32(self.info.rtp.0);
            w.u32(self.info.packets);
            w.u32(self.info.octets);
            reports.emit(w);
            w.bytes(self.extension);
        });
    }
}

/// `SR ssrc=00000001 ntp=000000010000000a rtp=960 packets=1 octets=160 […]`
impl fmt::Display for SenderReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SenderInfo {
            ntp,
            rtp,
            packets,
            octets,
        } = self.info;
        write!(f, "SR ssrc={} ntp={ntp:016x} rtp={} ", self.ssrc, rtp.0)?;
        write!(f, "packets={packets} octets={octets} {}", self.reports)
    }
}

/// What a receiver received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiverReport<'a> {
    /// Who sends it.
    pub ssrc: Ssrc,
    /// What it received; at most 31 are written.
    pub reports: List<'a, ReportBlock>,
    /// What a profile adds.
    pub extension: &'a [u8],
}

impl<'a> ReceiverReport<'a> {
    /// The type of this packet.
    pub const KIND: u8 = 201;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == Self::KIND
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it holds fewer reports than it says.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (count, mut r) = Unknown::open(r, Self::is)?;
        Ok(Self {
            ssrc: Ssrc::parse(&mut r)?,
            reports: List::parse(&mut r, count.into(), "report blocks")?,
            extension: r.rest(),
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let reports = self.reports.first(Unknown::MAX_COUNT);
        frame::len(4 + reports.encoded_len() + self.extension.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let reports = self.reports.first(Unknown::MAX_COUNT);
        frame::write(w, Self::KIND, frame::count(reports.len()), |w| {
            w.u32(self.ssrc.0);
            reports.emit(w);
            w.bytes(self.extension);
        });
    }
}

/// `RR ssrc=00000001 […]`
impl fmt::Display for ReceiverReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RR ssrc={} {}", self.ssrc, self.reports)
    }
}

/// How well is one source received (RFC 3550 §6.4.1)?
///
/// ```text
/// |                             SSRC                              |
/// | lost of 256   |        lost since the start, with sign        |
/// |            highest sequence number, with its wraps            |
/// |                            jitter                             |
/// |                       last sender report                      |
/// |           delay since then, in 65,536ths of a second          |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: Ssrc,
    /// How many of 256 packets were lost since the last report.
    pub fraction_lost: u8,
    /// How many were lost since the start, duplicates taken off: 24 bits with a sign.
    pub cumulative_lost: i32,
    /// The highest sequence number, below the number of its wraps.
    pub highest_sequence: u32,
    /// How much the spacing of the packets varies, in ticks of the timestamps.
    pub jitter: u32,
    /// The [`compact`](SenderInfo::compact_ntp) time of the last sender report; 0 if none came.
    pub last_sender_report: u32,
    /// How long ago that was, in 65,536ths of a second.
    pub delay: u32,
}

impl Record for ReportBlock {
    const LEN: usize = 24;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "report block";
        let ssrc = Ssrc::parse(r)?;
        let [fraction_lost, a, b, c] = r.array(FIELD)?;
        Ok(Self {
            ssrc,
            fraction_lost,
            cumulative_lost: i32::from_be_bytes([a, b, c, 0]) >> 8,
            highest_sequence: r.u32(FIELD)?,
            jitter: r.u32(FIELD)?,
            last_sender_report: r.u32(FIELD)?,
            delay: r.u32(FIELD)?,
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        // RFC 3550 §A.3: what does not fit is clamped, not wrapped.
        let lost = self.cumulative_lost.clamp(-(1 << 23), (1 << 23) - 1);
        let [_, a, b, c] = lost.to_be_bytes();
        w.u32(self.ssrc.0);
        w.bytes(&[self.fraction_lost, a, b, c]);
        w.u32(self.highest_sequence);
        w.u32(self.jitter);
        w.u32(self.last_sender_report);
        w.u32(self.delay);
    }
}

/// `00000002:lost=3/256,17 high=65540 jitter=12 lsr=0 dlsr=0`
impl fmt::Display for ReportBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ssrc,
            fraction_lost,
            cumulative_lost,
            highest_sequence,
            jitter,
            ..
        } = self;
        write!(
            f,
            "{ssrc}:lost={fraction_lost}/256,{cumulative_lost} high={highest_sequence} "
        )?;
        let (lsr, dlsr) = (self.last_sender_report, self.delay);
        write!(f, "jitter={jitter} lsr={lsr:08x} dlsr={dlsr}")
    }
}
