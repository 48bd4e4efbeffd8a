//! Who the sources are, and who is gone (RFC 3550 §6.5, §6.6).

use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use super::frame::{self, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::list::{List, Record};
use crate::wire::rtp::Ssrc;

/// Who the sources are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceDescription<'a> {
    count: u8,
    chunks: &'a [u8],
}

impl<'a> SourceDescription<'a> {
    /// The type of this packet.
    pub const KIND: u8 = 202;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == Self::KIND
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it holds fewer chunks than it says, or an item or a
    /// chunk has no end.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (count, r) = Unknown::open(r, Self::is)?;
        Self::of_chunks(count, r.peek())
    }

    /// The packet with `count` chunks, as [`encode`](Self::encode) makes them.
    ///
    /// # Errors
    ///
    /// [`Malformed`] as for [`parse`](Self::parse).
    pub fn of_chunks(count: u8, chunks: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(chunks);
        for _ in 0..count {
            Chunk::parse(&mut r)?;
        }
        let used = chunks.len() - r.remaining();
        Ok(Self {
            count: count & 0x1f,
            chunks: chunks.get(..used).unwrap_or_default(),
        })
    }

    /// The bytes of chunks, to make a packet of: at most 31. An item is cut at
    /// 255 bytes.
    #[must_use]
    pub fn encode<'i>(chunks: impl IntoIterator<Item = (Ssrc, &'i [Item<'i>])>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, usize::MAX);
        for (ssrc, items) in chunks.into_iter().take(Unknown::MAX_COUNT) {
            let at = w.len();
            w.u32(ssrc.0);
            items.iter().for_each(|item| item.emit(&mut w));
            // RFC 3550 §6.5: at least one zero, and more to the next 32 bits.
            w.zeros(4 - (w.len() - at) % 4);
        }
        bytes
    }

    /// The sources.
    #[must_use]
    pub const fn chunks(&self) -> Chunks<'a> {
        Chunks {
            rest: Reader::new(self.chunks),
        }
    }

    /// The canonical name of a source.
    #[must_use]
    pub fn cname(&self, ssrc: Ssrc) -> Option<&'a [u8]> {
        let mut chunks = self.chunks().filter(|chunk| chunk.ssrc == ssrc);
        chunks
            .find_map(|chunk| chunk.items().find(|item| item.kind == ItemKind::CNAME))
            .map(|item| item.text)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(self.chunks.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, Self::KIND, self.count, |w| w.bytes(self.chunks));
    }
}

/// `SDES 00000001:[cname="ab"]`
impl fmt::Display for SourceDescription<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SDES")?;
        for chunk in self.chunks() {
            write!(f, " {}:[", chunk.ssrc)?;
            for (index, item) in chunk.items().enumerate() {
                let space = if index == 0 { "" } else { " " };
                write!(f, "{space}{}=\"{}\"", item.kind, item.text.escape_ascii())?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// What is known of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    items: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// What is known.
    #[must_use]
    pub const fn items(&self) -> Items<'a> {
        Items {
            rest: Reader::new(self.items),
        }
    }

    /// Reads the next chunk with its padding.
    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let ssrc = Ssrc::parse(r)?;
        let start = r.peek();
        let mut len = 0;
        while r.peek().first() != Some(&0) {
            len += Item::parse(r)?.encoded_len();
        }
        r.bytes(4 - len % 4, "SDES padding")?;
        let items = start.get(..len).unwrap_or_default();
        Ok(Self { ssrc, items })
    }
}

/// One thing that is known of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// What it is.
    pub kind: ItemKind,
    /// UTF-8, if the sender keeps the rules.
    pub text: &'a [u8],
}

impl<'a> Item<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            kind: ItemKind(r.u8("SDES item")?),
            text: r.prefixed_u8("SDES item")?,
        })
    }

    fn encoded_len(&self) -> usize {
        2 + self.text.len().min(255)
    }

    fn emit(&self, w: &mut Writer<'_>) {
        let text = self.text.get(..255).unwrap_or(self.text);
        w.u8(self.kind.0);
        w.prefixed_u8(|w| w.bytes(text));
    }
}

/// What can be known of a source (RFC 3550 §6.5)? Zero is the end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemKind(pub u8);

impl ItemKind {
    /// The name that stays when the SSRC changes.
    pub const CNAME: Self = Self(1);
    /// The user's name.
    pub const NAME: Self = Self(2);
    /// What software it is.
    pub const TOOL: Self = Self(6);
    /// To which media section it belongs (RFC 9143 §15).
    pub const MID: Self = Self(15);
    /// Which encoding it is (RFC 8852).
    pub const STREAM_ID: Self = Self(12);
    /// Which encoding it repairs (RFC 8852).
    pub const REPAIRED_STREAM_ID: Self = Self(13);
}

impl fmt::Display for ItemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CNAME => f.write_str("cname"),
            Self::NAME => f.write_str("name"),
            Self::TOOL => f.write_str("tool"),
            Self::MID => f.write_str("mid"),
            Self::STREAM_ID => f.write_str("rid"),
            Self::REPAIRED_STREAM_ID => f.write_str("rrid"),
            Self(kind) => write!(f, "item{kind}"),
        }
    }
}

/// The iterator over the sources of a packet.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        Chunk::parse(&mut self.rest).ok()
    }
}

impl FusedIterator for Chunks<'_> {}

/// The iterator over what is known of a source.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        Item::parse(&mut self.rest).ok()
    }
}

impl FusedIterator for Items<'_> {}

/// Who is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bye<'a> {
    /// The sources that are gone; at most 31 are written.
    pub sources: List<'a, Ssrc>,
    /// Why; cut at 255 bytes.
    pub reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    /// The type of this packet.
    pub const KIND: u8 = 203;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == Self::KIND
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it holds fewer sources than it says, or the reason is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (count, mut r) = Unknown::open(r, Self::is)?;
        let sources = List::parse(&mut r, count.into(), "BYE sources")?;
        let reason = if r.is_empty() {
            None
        } else {
            Some(r.prefixed_u8("BYE reason")?)
        };
        Ok(Self { sources, reason })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let reason = self.reason.map_or(0, |reason| 1 + reason.len().min(255));
        frame::len(self.sources.first(Unknown::MAX_COUNT).encoded_len() + reason)
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let sources = self.sources.first(Unknown::MAX_COUNT);
        frame::write(w, Self::KIND, frame::count(sources.len()), |w| {
            sources.emit(w);
            if let Some(reason) = self.reason {
                w.prefixed_u8(|w| w.bytes(reason.get(..255).unwrap_or(reason)));
            }
        });
    }
}

/// `BYE [00000001] "camera off"`
impl fmt::Display for Bye<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BYE {}", self.sources)?;
        match self.reason {
            Some(reason) => write!(f, " \"{}\"", reason.escape_ascii()),
            None => Ok(()),
        }
    }
}
