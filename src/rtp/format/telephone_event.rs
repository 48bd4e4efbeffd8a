//! Keys of a telephone (RFC 4733).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// A key that is pressed, or was.
///
/// ```text
/// | event, 8 | E | R | volume, 6 | duration, 16 |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Which: 0 to 9 are digits, 10 the star, 11 the hash, 12 to 15 A to D.
    pub event: u8,
    /// Whether it ended.
    pub is_end: bool,
    /// How far below the loudest, in decibels: 0 to 63.
    pub volume: u8,
    /// How long it lasts so far, in ticks.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Its size on the wire.
    pub const LEN: usize = 4;

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [event, flags] = r.array("telephone event")?;
        Ok(Self {
            event,
            is_end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: r.u16("telephone event")?,
        })
    }

    /// Writes the payload.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(&[self.event, u8::from(self.is_end) << 7 | self.volume & 0x3f]);
        w.u16(self.duration);
    }

    /// What stands on the key, if it is one of the sixteen.
    #[must_use]
    pub fn key(&self) -> Option<char> {
        "0123456789*#ABCD".chars().nth(self.event.into())
    }

    /// The event of a key.
    #[must_use]
    pub fn of_key(key: char) -> Option<u8> {
        let place = "0123456789*#ABCD".find(key.to_ascii_uppercase())?;
        u8::try_from(place).ok()
    }
}

/// `event=5 end volume=10 duration=800`
impl fmt::Display for TelephoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            event,
            volume,
            duration,
            ..
        } = self;
        let end = if self.is_end { " end" } else { "" };
        write!(f, "event={event}{end} volume={volume} duration={duration}")
    }
}
