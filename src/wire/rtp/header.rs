//! The header of a packet (RFC 3550 §5.1).

use core::fmt;

use super::extension::{Block, BlockWriter, Form};
use super::{PayloadType, SequenceNumber, Ssrc, Timestamp};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::{Serial16, Serial32};
use crate::wire::list::List;

/// Whose packet is it, which one, and of when?
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |V=2|P|X|  CC   |M|     PT      |        sequence number        |
/// |                           timestamp                           |
/// |                             SSRC                              |
/// |                        CSRC, 0 to 15 …                        |
/// |      extension's profile      |   its length, in 32 bits      |
/// |                        extension …                            |
/// ```
///
/// The padding bit belongs to the [`Packet`](super::Packet), for it says
/// something about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// What the format says: mostly the end of a picture, or the start of talk.
    pub marker: bool,
    /// The format of the payload.
    pub payload_type: PayloadType,
    /// Which packet of the source.
    pub sequence_number: SequenceNumber,
    /// When it was sampled.
    pub timestamp: Timestamp,
    /// The source.
    pub ssrc: Ssrc,
    /// Whose sound a mixer put into the payload; at most [`MAX_CSRCS`](Self::MAX_CSRCS) are written.
    pub csrcs: List<'a, Ssrc>,
    /// What stands between header and payload.
    pub extensions: Option<Block<'a>>,
}

impl<'a> Header<'a> {
    /// The size without CSRCs and extensions.
    pub const FIXED: usize = 12;

    /// How many contributing sources can be named: four bits count them.
    pub const MAX_CSRCS: usize = 15;

    /// Reads the header and leaves payload and padding.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not RTP version 2, or longer than the packet.
    #[inline]
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let fixed: [u8; Header::FIXED] = r.array("RTP header")?;
        let [first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = fixed;
        if first >> 6 != VERSION {
            return Err(Malformed("RTP version"));
        }
        let csrcs = match usize::from(first & CSRC_COUNT) {
            0 => List::EMPTY,
            count => List::parse(r, count, "CSRCs")?,
        };
        let extensions = if first & EXTENSION == 0 {
            None
        } else {
            Some(Block::parse(r)?)
        };
        Ok(Self {
            marker: second & MARKER != 0,
            payload_type: PayloadType::from_low_bits(second),
            sequence_number: Serial16(u16::from_be_bytes([s0, s1])),
            timestamp: Serial32(u32::from_be_bytes([t0, t1, t2, t3])),
            ssrc: Ssrc(u32::from_be_bytes([i0, i1, i2, i3])),
            csrcs,
            extensions,
        })
    }

    /// What the extension with this id says, if it is there.
    ///
    /// Of several with one id the first counts.
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        let block = self.extensions.as_ref()?;
        block
            .elements()
            .find_map(|element| (element.id == id).then_some(element.value))
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let extensions = self.extensions.map_or(0, |block| block.encoded_len());
        Self::FIXED + self.written_csrcs() * 4 + extensions
    }

    /// Writes the header, without the padding bit.
    pub fn emit(&self, w: &mut Writer<'_>) {
        self.emit_fixed(w, self.extensions.is_some());
        if let Some(block) = &self.extensions {
            block.emit(w);
        }
    }

    /// Writes the header with the extensions that `fill` puts into it, in place
    /// of its own. If `fill` puts none there, there is no extension.
    pub fn emit_with(
        &self,
        w: &mut Writer<'_>,
        form: Form,
        fill: impl FnOnce(&mut BlockWriter<'_, '_>),
    ) {
        let at = w.len();
        self.emit_fixed(w, true);
        if !BlockWriter::write(w, form, fill) {
            let first = VERSION << 6 | self.count_bits();
            w.patch(at, &[first]);
        }
    }

    #[inline]
    fn emit_fixed(&self, w: &mut Writer<'_>, extension: bool) {
        let first = VERSION << 6 | u8::from(extension) << 4 | self.count_bits();
        let second = u8::from(self.marker) << 7 | self.payload_type.number();
        let [s0, s1] = self.sequence_number.0.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.0.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.0.to_be_bytes();
        w.bytes(&[first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]);
        for csrc in self.csrcs.iter().take(Self::MAX_CSRCS) {
            w.u32(csrc.0);
        }
    }

    fn written_csrcs(&self) -> usize {
        self.csrcs.len().min(Self::MAX_CSRCS)
    }

    fn count_bits(&self) -> u8 {
        u8::try_from(self.written_csrcs()).unwrap_or(CSRC_COUNT)
    }
}

/// `pt=111 seq=7 ts=960 ssrc=0000002c M csrcs=[00000001] ext=[1:61 2:0a00]`
impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            payload_type,
            sequence_number,
            timestamp,
            ssrc,
            ..
        } = self;
        let (seq, ts) = (sequence_number.0, timestamp.0);
        write!(f, "pt={payload_type} seq={seq} ts={ts} ssrc={ssrc}")?;
        if self.marker {
            f.write_str(" M")?;
        }
        if !self.csrcs.is_empty() {
            write!(f, " csrcs={}", self.csrcs)?;
        }
        match &self.extensions {
            Some(block) => write!(f, " ext={block}"),
            None => Ok(()),
        }
    }
}

/// The only version of RTP (RFC 3550 §5.1).
const VERSION: u8 = 2;
/// P: there is padding.
pub(super) const PADDING: u8 = 0x20;
/// X: there is an extension.
pub(super) const EXTENSION: u8 = 0x10;
/// CC: how many CSRCs.
pub(super) const CSRC_COUNT: u8 = 0x0f;
/// M.
pub(super) const MARKER: u8 = 0x80;
