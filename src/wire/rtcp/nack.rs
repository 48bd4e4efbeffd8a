//! Which packets should come again (RFC 4585 §6.2.1)?

use alloc::vec::Vec;
use core::fmt;

use super::frame::{self, TRANSPORT_FEEDBACK, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial16;
use crate::wire::list::{List, Record};
use crate::wire::rtp::{SequenceNumber, Ssrc};

/// Which packets should come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nack<'a> {
    /// Who misses them.
    pub sender: Ssrc,
    /// Whose packets they are.
    pub media: Ssrc,
    /// The packets, up to 17 in each pair.
    pub pairs: List<'a, NackPair>,
}

impl<'a> Nack<'a> {
    /// The format of this feedback.
    pub const FORMAT: u8 = 1;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == TRANSPORT_FEEDBACK && frame.count == Self::FORMAT
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or names no packet.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let (sender, media) = frame::parties(&mut r)?;
        let pairs = List::new(r.rest());
        if pairs.is_empty() {
            return Err(Malformed("NACK pairs"));
        }
        Ok(Self {
            sender,
            media,
            pairs,
        })
    }

    /// The packets that are missed, in the order of the list.
    pub fn lost(&self) -> impl Iterator<Item = SequenceNumber> + use<'a> {
        self.pairs.iter().flat_map(NackPair::lost)
    }

    /// The bytes of the pairs that name `lost`, to make a list of: fewest if
    /// they are in order.
    #[must_use]
    pub fn encode(lost: impl IntoIterator<Item = SequenceNumber>) -> Vec<u8> {
        let mut pairs: Vec<NackPair> = Vec::new();
        for number in lost {
            if !pairs.last_mut().is_some_and(|pair| pair.add(number)) {
                pairs.push(NackPair {
                    packet: number,
                    following: 0,
                });
            }
        }
        List::encode(pairs)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(8 + self.pairs.encoded_len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, TRANSPORT_FEEDBACK, Self::FORMAT, |w| {
            frame::write_parties(w, self.sender, self.media);
            self.pairs.emit(w);
        });
    }
}

/// `NACK 00000001→00000002 [7 9]`
impl fmt::Display for Nack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NACK {}→{} ", self.sender, self.media)?;
        let mut separator = '[';
        for number in self.lost() {
            write!(f, "{separator}{}", number.0)?;
            separator = ' ';
        }
        f.write_str("]")
    }
}

/// A packet that is missed, and which of the sixteen behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NackPair {
    /// The first one.
    pub packet: SequenceNumber,
    /// Bit `i` is the packet `i + 1` behind the first.
    pub following: u16,
}

impl NackPair {
    /// The packets that it names.
    pub fn lost(self) -> impl Iterator<Item = SequenceNumber> {
        let bits = (0..16).filter(move |bit| self.following >> bit & 1 == 1);
        core::iter::once(self.packet).chain(bits.map(move |bit| self.packet.add(bit + 1)))
    }

    /// Names one more packet, if it can.
    const fn add(&mut self, number: SequenceNumber) -> bool {
        match number.distance_from(self.packet) {
            0 => true,
            distance @ 1..=16 => {
                self.following |= 1 << (distance - 1);
                true
            }
            _ => false,
        }
    }
}

impl Record for NackPair {
    const LEN: usize = 4;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            packet: Serial16(r.u16("NACK pair")?),
            following: r.u16("NACK pair")?,
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.packet.0);
        w.u16(self.following);
    }
}
