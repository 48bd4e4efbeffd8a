//! Which pictures are missed (RFC 4585 §6.3, RFC 5104 §4.3.1)?

use core::fmt;

use super::frame::{self, PAYLOAD_FEEDBACK, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::list::{List, Record};
use crate::wire::rtp::{PayloadType, Ssrc};

/// A picture was lost: the sender should make a key frame (RFC 4585 §6.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureLoss {
    /// Who misses it.
    pub sender: Ssrc,
    /// Whose picture.
    pub media: Ssrc,
}

impl PictureLoss {
    /// The format of this feedback.
    pub const FORMAT: u8 = 1;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == PAYLOAD_FEEDBACK && frame.count == Self::FORMAT
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let (sender, media) = frame::parties(&mut r)?;
        Ok(Self { sender, media })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(8)
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, PAYLOAD_FEEDBACK, Self::FORMAT, |w| {
            frame::write_parties(w, self.sender, self.media);
        });
    }
}

/// `PLI 00000001→00000002`
impl fmt::Display for PictureLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PLI {}→{}", self.sender, self.media)
    }
}

macro_rules! list_feedback {
    ($name:ident, $format:literal, $field:ident: $record:ident, $trace:literal, $doc:literal, $list:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a> {
            /// Who says it.
            pub sender: Ssrc,
            /// Of whose pictures.
            pub media: Ssrc,
            #[doc = $list]
            pub $field: List<'a, $record>,
        }

        impl<'a> $name<'a> {
            /// The format of this feedback.
            pub const FORMAT: u8 = $format;

            /// Whether a packet is one of these.
            pub(super) const fn is(frame: &Unknown<'_>) -> bool {
                frame.kind == PAYLOAD_FEEDBACK && frame.count == Self::FORMAT
            }

            /// Reads the packet.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if it is cut, or its list is empty.
            pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
                let (_, mut r) = Unknown::open(r, Self::is)?;
                let (sender, media) = frame::parties(&mut r)?;
                let $field = List::new(r.rest());
                if $field.is_empty() {
                    return Err(Malformed(stringify!($field)));
                }
                Ok(Self {
                    sender,
                    media,
                    $field,
                })
            }

            /// The size on the wire.
            #[must_use]
            pub const fn encoded_len(&self) -> usize {
                frame::len(8 + self.$field.encoded_len())
            }

            /// Writes the packet.
            pub fn emit(&self, w: &mut Writer<'_>) {
                frame::write(w, PAYLOAD_FEEDBACK, Self::FORMAT, |w| {
                    frame::write_parties(w, self.sender, self.media);
                    self.$field.emit(w);
                });
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    concat!($trace, " {}→{} {}"),
                    self.sender, self.media, self.$field
                )
            }
        }
    };
}

list_feedback!(
    SliceLoss, 2, slices: LostSlice, "SLI",
    "Parts of pictures were lost (RFC 4585 §6.3.2).",
    "The parts."
);
list_feedback!(
    FullIntraRequest, 4, requests: IntraRequest, "FIR",
    "Key frames are needed (RFC 5104 §4.3.1).",
    "Of whom; the `media` of this feedback says nothing."
);

/// A run of blocks of a picture that was lost.
///
/// ```text
/// | first block, 13 | number of blocks, 13 | low bits of the picture's id, 6 |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostSlice {
    /// The first block.
    pub first: u16,
    /// How many.
    pub number: u16,
    /// Of which picture.
    pub picture: u8,
}

impl Record for LostSlice {
    const LEN: usize = 4;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bits = r.u32("lost slice")?;
        let low =
            |shift: u32, mask: u16| u16::try_from(bits >> shift & u32::from(mask)).unwrap_or(mask);
        Ok(Self {
            first: low(19, 0x1fff),
            number: low(6, 0x1fff),
            picture: u8::try_from(bits & 0x3f).unwrap_or(0x3f),
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        let (first, number) = (
            u32::from(self.first & 0x1fff),
            u32::from(self.number & 0x1fff),
        );
        w.u32(first << 19 | number << 6 | u32::from(self.picture & 0x3f));
    }
}

/// `7+3@5`
impl fmt::Display for LostSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}@{}", self.first, self.number, self.picture)
    }
}

/// Of whom a key frame is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntraRequest {
    /// Of whom.
    pub ssrc: Ssrc,
    /// Which request; one that is repeated has the same number.
    pub sequence: u8,
}

impl Record for IntraRequest {
    const LEN: usize = 8;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let ssrc = Ssrc::parse(r)?;
        let [sequence, ..] = r.array::<4>("intra request")?;
        Ok(Self { ssrc, sequence })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.ssrc.0);
        w.bytes(&[self.sequence, 0, 0, 0]);
    }
}

/// `00000002#17`
impl fmt::Display for IntraRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.ssrc, self.sequence)
    }
}

/// Which picture is there to refer to, in the codec's own words (RFC 4585 §6.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferencePicture<'a> {
    /// Who has it.
    pub sender: Ssrc,
    /// Whose picture.
    pub media: Ssrc,
    /// The codec.
    pub payload_type: PayloadType,
    /// The name of the picture.
    bits: &'a [u8],
    /// How many bits at the end of it mean nothing.
    padding_bits: u8,
}

impl<'a> ReferencePicture<'a> {
    /// The format of this feedback.
    pub const FORMAT: u8 = 3;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == PAYLOAD_FEEDBACK && frame.count == Self::FORMAT
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or its padding is longer than itself.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "reference picture";
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let (sender, media) = frame::parties(&mut r)?;
        let [padding_bits, payload_type] = r.array(FIELD)?;
        let bits = r.rest();
        if usize::from(padding_bits) > bits.len() * 8 {
            return Err(Malformed(FIELD));
        }
        Ok(Self {
            sender,
            media,
            payload_type: PayloadType::from_low_bits(payload_type),
            bits,
            padding_bits,
        })
    }

    /// The name of the picture; bits of the last byte may mean nothing.
    #[must_use]
    pub fn bits(&self) -> &'a [u8] {
        let whole = self.bits.len() - usize::from(self.padding_bits / 8);
        self.bits.get(..whole).unwrap_or_default()
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(10 + self.bits.len())
    }

    /// Writes the packet as it came.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, PAYLOAD_FEEDBACK, Self::FORMAT, |w| {
            frame::write_parties(w, self.sender, self.media);
            w.bytes(&[self.padding_bits, self.payload_type.number()]);
            w.bytes(self.bits);
        });
    }
}

/// `RPSI 00000001→00000002 pt=96 len=2`
impl fmt::Display for ReferencePicture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sender,
            media,
            payload_type,
            ..
        } = self;
        write!(
            f,
            "RPSI {sender}→{media} pt={payload_type} len={}",
            self.bits().len()
        )
    }
}
