//! Which packet of the whole transport is it, whatever its source?

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial16;

/// Which packet of the transport it is (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportSequence(pub Serial16);

impl TransportSequence {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u16("transport sequence number")
            .map(|n| Self(Serial16(n)))
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.0.0);
    }
}

/// `twcc=17`
impl fmt::Display for TransportSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "twcc={}", self.0.0)
    }
}

/// Which packet of the transport it is, and whether feedback is wished at once
/// (version 2 of the extension, as WebRTC documents it).
///
/// ```text
/// | sequence number, 16 | T, 1 | count, 15: absent without a request |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedbackRequest {
    /// Which packet.
    pub sequence: Serial16,
    /// Over how many packets up to this one feedback is wished, at most 32,767;
    /// 0 asks for none.
    pub count: u16,
    /// Whether the feedback should tell when they came.
    pub with_times: bool,
}

impl FeedbackRequest {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "feedback request";
        let sequence = Serial16(r.u16(FIELD)?);
        let request = if r.is_empty() { 0 } else { r.u16(FIELD)? };
        let count = request & COUNT;
        Ok(Self {
            sequence,
            count,
            // Without a request the bit asks for nothing.
            with_times: request & TIMES != 0 && count != 0,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        if self.count & COUNT == 0 { 2 } else { 4 }
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.sequence.0);
        if self.count & COUNT != 0 {
            w.u16(u16::from(self.with_times) << 15 | self.count & COUNT);
        }
    }
}

/// `twcc2=17 ask=5 times`
impl fmt::Display for FeedbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "twcc2={}", self.sequence.0)?;
        if self.count != 0 {
            write!(f, " ask={}", self.count)?;
        }
        f.write_str(if self.with_times { " times" } else { "" })
    }
}

/// T: with the times of arrival.
const TIMES: u16 = 0x8000;
/// The count of packets.
const COUNT: u16 = 0x7fff;
