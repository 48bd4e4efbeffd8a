//! When was it captured, when sent, and when should it be shown?

use core::fmt;
use core::time::Duration;

use crate::cursor::{Malformed, Reader, Writer};

/// When the packet left the sender, in seconds with 18 bits of fraction; wraps
/// every 64 seconds. The low 24 bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsoluteSendTime(pub u32);

impl AbsoluteSendTime {
    /// The moment `since_epoch` after any epoch of the sender.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "six bits of seconds and 18 of fraction"
    )]
    pub const fn from_duration(since_epoch: Duration) -> Self {
        let seconds = since_epoch.as_secs() & 0x3f;
        let fraction = ((since_epoch.subsec_nanos() as u64) << 18) / 1_000_000_000;
        Self((seconds << 18 | fraction) as u32)
    }

    /// How long it is after the last wrap.
    #[must_use]
    pub const fn since_wrap(self) -> Duration {
        Duration::from_nanos(((self.0 & 0xff_ffff) as u64 * 1_000_000_000) >> 18)
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u24("absolute send time").map(Self)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        3
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u24(self.0);
    }
}

/// `sent=12.345`
impl fmt::Display for AbsoluteSendTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.since_wrap();
        write!(f, "sent={}.{:03}", time.as_secs(), time.subsec_millis())
    }
}

/// How long after its timestamp the packet was sent, in ticks of the timestamp
/// (RFC 5450 §2): 24 bits with a sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransmissionOffset(pub i32);

impl TransmissionOffset {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [a, b, c] = r.array("transmission offset")?;
        Ok(Self(i32::from_be_bytes([a, b, c, 0]) >> 8))
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        3
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let [_, a, b, c] = self.0.to_be_bytes();
        w.bytes(&[a, b, c]);
    }
}

/// `toffset=-90`
impl fmt::Display for TransmissionOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "toffset={}", self.0)
    }
}

/// How long the receiver may wait before it shows the frame, in steps of 10 ms,
/// 12 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlayoutDelay {
    /// At least so long.
    pub min: u16,
    /// At most so long.
    pub max: u16,
}

impl PlayoutDelay {
    /// What one step stands for.
    pub const STEP: Duration = Duration::from_millis(10);

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or the least is more than the most.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [a, b, c] = r.array("playout delay")?;
        let (min, max) = (
            u16::from_be_bytes([a, b]) >> 4,
            u16::from_be_bytes([b, c]) & 0x0fff,
        );
        if min > max {
            return Err(Malformed("playout delay"));
        }
        Ok(Self { min, max })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        3
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u24(u32::from(self.min & 0x0fff) << 12 | u32::from(self.max & 0x0fff));
    }
}

/// `playout=0-40ms`
impl fmt::Display for PlayoutDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [min, max] = [self.min, self.max].map(|steps| u32::from(steps) * 10);
        write!(f, "playout={min}-{max}ms")
    }
}

/// When the frame was captured, by the clock of who captured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsoluteCaptureTime {
    /// NTP time: 32 bits of seconds since 1900, 32 bits of fraction.
    pub ntp: u64,
    /// What the sender adds to its own clock to get the capturer's: seconds
    /// with 32 bits of fraction.
    pub clock_offset: Option<i64>,
}

impl AbsoluteCaptureTime {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "absolute capture time";
        let ntp = r.u64(FIELD)?;
        let clock_offset = if r.is_empty() {
            None
        } else {
            Some(i64::from_be_bytes(r.array(FIELD)?))
        };
        Ok(Self { ntp, clock_offset })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        if self.clock_offset.is_some() { 16 } else { 8 }
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u64(self.ntp);
        if let Some(offset) = self.clock_offset {
            w.bytes(&offset.to_be_bytes());
        }
    }
}

/// `captured=00000001.80000000 offset=-1`
impl fmt::Display for AbsoluteCaptureTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "captured={:08x}.{:08x}",
            self.ntp >> 32,
            self.ntp & 0xffff_ffff
        )?;
        match self.clock_offset {
            Some(offset) => write!(f, " offset={offset}"),
            None => Ok(()),
        }
    }
}
