//! How many bits a second may come (draft-alvestrand-rmcat-remb-03 §2.2)?

use core::fmt;

use super::frame::{self, PAYLOAD_FEEDBACK, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::list::List;
use crate::wire::rtp::Ssrc;

/// How many bits a second the receiver thinks that its network can carry: REMB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaximumBitrate<'a> {
    /// Who says it.
    pub sender: Ssrc,
    /// So many.
    pub bitrate: Bitrate,
    /// From these sources together; at most 255 are written.
    pub sources: List<'a, Ssrc>,
}

/// A number of bits a second, in a short form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bitrate {
    /// Six bits.
    exponent: u8,
    /// Eighteen bits.
    mantissa: u32,
}

impl Bitrate {
    /// The nearest that can be written and is not more.
    #[must_use]
    pub const fn new(bits_per_second: u64) -> Self {
        let used = u64::BITS - bits_per_second.leading_zeros();
        let exponent = used.saturating_sub(MANTISSA_BITS);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 46 and at most 18 bits"
        )]
        Self {
            exponent: exponent as u8,
            mantissa: (bits_per_second >> exponent) as u32,
        }
    }

    /// The number; the most that 64 bits can say if it is more.
    #[must_use]
    pub const fn bits_per_second(self) -> u64 {
        let mantissa = self.mantissa as u64;
        if self.exponent as u32 <= mantissa.leading_zeros() {
            mantissa << self.exponent
        } else {
            u64::MAX
        }
    }
}

impl<'a> MaximumBitrate<'a> {
    /// The format of this feedback: that of an application.
    pub const FORMAT: u8 = 15;

    /// Whether a packet is one of these.
    pub(super) fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == PAYLOAD_FEEDBACK
            && frame.count == Self::FORMAT
            && frame.body.get(8..12) == Some(NAME)
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it holds fewer sources than it says.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "REMB";
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let (sender, _) = frame::parties(&mut r)?;
        r.bytes(NAME.len(), FIELD)?;
        let count = r.u8(FIELD)?;
        let rate = r.u24(FIELD)?;
        let [_, high, ..] = rate.to_be_bytes();
        Ok(Self {
            sender,
            bitrate: Bitrate {
                exponent: high >> 2,
                mantissa: rate & 0x3_ffff,
            },
            sources: List::parse(&mut r, count.into(), "REMB sources")?,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        frame::len(16 + self.sources.first(255).encoded_len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let sources = self.sources.first(255);
        let Bitrate { exponent, mantissa } = self.bitrate;
        frame::write(w, PAYLOAD_FEEDBACK, Self::FORMAT, |w| {
            frame::write_parties(w, self.sender, Ssrc(0));
            w.bytes(NAME);
            w.u8(u8::try_from(sources.len()).unwrap_or(u8::MAX));
            w.u24(u32::from(exponent) << MANTISSA_BITS | mantissa);
            sources.emit(w);
        });
    }
}

/// `REMB 00000001 2500000bps [00000002]`
impl fmt::Display for MaximumBitrate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.bitrate.bits_per_second();
        write!(f, "REMB {} {rate}bps {}", self.sender, self.sources)
    }
}

const NAME: &[u8] = b"REMB";

const MANTISSA_BITS: u32 = 18;
