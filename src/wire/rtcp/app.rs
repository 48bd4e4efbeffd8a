//! What an application says (RFC 3550 §6.7).

use core::fmt;

use super::frame::{self, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::list::Record;
use crate::wire::rtp::Ssrc;

/// What an application says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App<'a> {
    /// Which of the application's packets: five bits.
    pub subtype: u8,
    /// Who sends it.
    pub ssrc: Ssrc,
    /// Which application.
    pub name: [u8; 4],
    /// Its data; filled with zeros to 32 bits when written.
    pub data: &'a [u8],
}

impl<'a> App<'a> {
    /// The type of this packet.
    pub const KIND: u8 = 204;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == Self::KIND
    }

    /// Reads the packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (subtype, mut r) = Unknown::open(r, Self::is)?;
        Ok(Self {
            subtype,
            ssrc: Ssrc::parse(&mut r)?,
            name: r.array("APP name")?,
            data: r.rest(),
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(8 + self.data.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, Self::KIND, self.subtype, |w| {
            w.u32(self.ssrc.0);
            w.bytes(&self.name);
            w.bytes(self.data);
        });
    }
}

/// `APP ssrc=00000001 name="abcd" subtype=0 len=4`
impl fmt::Display for App<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subtype,
            ssrc,
            name,
            data,
        } = self;
        let (name, len) = (name.escape_ascii(), data.len());
        write!(
            f,
            "APP ssrc={ssrc} name=\"{name}\" subtype={subtype} len={len}"
        )
    }
}
