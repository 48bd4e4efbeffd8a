//! When each packet of the transport came (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

use core::fmt;

use super::arrivals::{self, Arrivals};
use super::frame::{self, TRANSPORT_FEEDBACK, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial16;
use crate::wire::rtp::Ssrc;

/// When each packet of the transport came, whatever its source.
///
/// ```text
/// |                    SSRC of packet's sender                    |
/// |                     SSRC of media source                      |
/// |     base sequence number      |      packet status count      |
/// |                reference time                 | feedback count|
/// |         packet chunks, 16 each, and then the deltas …         |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    /// Who says it.
    pub sender: Ssrc,
    /// One of the sources that it is about.
    pub media: Ssrc,
    /// The transport's number of the first packet.
    pub base: Serial16,
    /// Over how many packets it speaks.
    pub count: u16,
    /// From when the arrivals count, in steps of 64 ms: 24 bits with a sign.
    pub reference_time: i32,
    /// Which feedback; wraps.
    pub feedback_count: u8,
    /// What became of the packets; as many as say it all.
    pub(super) chunks: &'a [u8],
    /// When those that came did; as many as they are.
    pub(super) deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    /// The format of this feedback.
    pub const FORMAT: u8 = 15;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == TRANSPORT_FEEDBACK && frame.count == Self::FORMAT
    }

    /// Reads the packet. The work is bounded by its bytes, not by what it says.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if chunks or deltas are missing, or a chunk has a symbol
    /// that means nothing.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "transport feedback";
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let (sender, media) = frame::parties(&mut r)?;
        let base = Serial16(r.u16(FIELD)?);
        let count = r.u16(FIELD)?;
        let [a, b, c, feedback_count] = r.array(FIELD)?;
        let (chunks, deltas) = arrivals::measure(r.peek(), count)?;
        Ok(Self {
            sender,
            media,
            base,
            count,
            reference_time: i32::from_be_bytes([a, b, c, 0]) >> 8,
            feedback_count,
            chunks: r.bytes(chunks, FIELD)?,
            deltas: r.bytes(deltas, "transport feedback deltas")?,
        })
    }

    /// The packets that came, in the order of their numbers. Those between that
    /// are not among them did not come.
    #[must_use]
    pub const fn arrivals(&self) -> Arrivals<'a> {
        Arrivals::new(self)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(16 + self.chunks.len() + self.deltas.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, TRANSPORT_FEEDBACK, Self::FORMAT, |w| {
            frame::write_parties(w, self.sender, self.media);
            w.u16(self.base.0);
            w.u16(self.count);
            let [_, a, b, c] = self.reference_time.to_be_bytes();
            w.bytes(&[a, b, c, self.feedback_count]);
            w.bytes(self.chunks);
            w.bytes(self.deltas);
        });
    }
}

/// `TWCC 00000001→00000002 #3 base=17 count=5 came=4`
impl fmt::Display for TransportFeedback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sender,
            media,
            base,
            count,
            feedback_count,
            ..
        } = self;
        write!(
            f,
            "TWCC {sender}→{media} #{feedback_count} base={} ",
            base.0
        )?;
        write!(f, "count={count} came={}", self.arrivals().count())
    }
}
