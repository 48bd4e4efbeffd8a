//! Which data channel does the peer open (RFC 8832 §5)?
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Message Type |  Channel Type |            Priority           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    Reliability Parameter                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Label Length          |       Protocol Length         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                     Label, then Protocol                      |
//! ```

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// A message of the data channel establishment protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// DATA_CHANNEL_OPEN: the sender opens a channel on this stream.
    Open(Open<'a>),
    /// DATA_CHANNEL_ACK: the receiver of the open message accepts.
    Ack,
}

/// What kind of channel is opened (RFC 8832 §5.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// Whether messages arrive in the order they were sent.
    pub ordered: bool,
    /// How long a message is worth delivering.
    pub reliability: Reliability,
    /// The share of the bandwidth, relative to the other channels (RFC 8831 §6.4).
    pub priority: u16,
    /// The name that the application gave.
    pub label: &'a str,
    /// The subprotocol, empty if there is none.
    pub protocol: &'a str,
}

/// How hard is it tried to deliver a message (RFC 8832 §5.1, the channel type)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// Until it arrives.
    Reliable,
    /// With at most this many retransmissions.
    MaxRetransmits(u32),
    /// For at most this many milliseconds.
    MaxLifetime(u32),
}

const ACK: u8 = 0x02;
const OPEN: u8 = 0x03;
const UNORDERED: u8 = 0x80;
const HEADER_LEN: usize = 12;

impl<'a> Message<'a> {
    /// Reads the message that fills `r`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the type is unknown or a field is cut. Trailing bytes
    /// after an open message are refused, after an acknowledgement ignored.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        match r.u8("DCEP message type")? {
            OPEN => Open::parse(r).map(Self::Open),
            ACK => Ok(Self::Ack),
            _ => Err(Malformed("DCEP message type")),
        }
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Open(open) => HEADER_LEN + open.label.len() + open.protocol.len(),
            Self::Ack => 1,
        }
    }

    /// Writes the message. Label and protocol longer than 65,535 bytes overflow the writer.
    pub fn emit(&self, w: &mut Writer<'_>) {
        match self {
            Self::Open(open) => open.emit(w),
            Self::Ack => w.u8(ACK),
        }
    }
}

impl<'a> Open<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = r.u8("channel type")?;
        let priority = r.u16("priority")?;
        let parameter = r.u32("reliability parameter")?;
        let reliability = match kind & !UNORDERED {
            // RFC 8832 §5.1: the parameter of a reliable channel is ignored.
            0 => Reliability::Reliable,
            1 => Reliability::MaxRetransmits(parameter),
            2 => Reliability::MaxLifetime(parameter),
            _ => return Err(Malformed("channel type")),
        };
        let label_len = usize::from(r.u16("label length")?);
        let protocol_len = usize::from(r.u16("protocol length")?);
        let label = utf8(r.bytes(label_len, "label")?, "label")?;
        let protocol = utf8(r.bytes(protocol_len, "protocol")?, "protocol")?;
        r.finish("DCEP trailing bytes")?;
        Ok(Self {
            ordered: kind & UNORDERED == 0,
            reliability,
            priority,
            label,
            protocol,
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        let (kind, parameter) = match self.reliability {
            Reliability::Reliable => (0, 0),
            Reliability::MaxRetransmits(count) => (1, count),
            Reliability::MaxLifetime(millis) => (2, millis),
        };
        let (Ok(label_len), Ok(protocol_len)) = (
            u16::try_from(self.label.len()),
            u16::try_from(self.protocol.len()),
        ) else {
            return w.zeros(usize::MAX);
        };
        w.u8(OPEN);
        w.u8(if self.ordered { kind } else { kind | UNORDERED });
        w.u16(self.priority);
        w.u32(parameter);
        w.u16(label_len);
        w.u16(protocol_len);
        w.bytes(self.label.as_bytes());
        w.bytes(self.protocol.as_bytes());
    }
}

fn utf8<'a>(bytes: &'a [u8], field: &'static str) -> Result<&'a str, Malformed> {
    core::str::from_utf8(bytes).map_err(|_| Malformed(field))
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Open(open) = self else {
            return f.write_str("DCEP ACK");
        };
        write!(f, "DCEP OPEN {:?}", open.label)?;
        if !open.protocol.is_empty() {
            write!(f, " protocol={:?}", open.protocol)?;
        }
        if !open.ordered {
            f.write_str(" unordered")?;
        }
        match open.reliability {
            Reliability::Reliable => Ok(()),
            Reliability::MaxRetransmits(count) => write!(f, " retransmits={count}"),
            Reliability::MaxLifetime(millis) => write!(f, " lifetime={millis}ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn emit(message: &Message<'_>) -> Vec<u8> {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, usize::MAX);
        message.emit(&mut w);
        assert!(!w.is_overflowed());
        assert_eq!(w.len(), message.encoded_len());
        buf
    }

    /// What Chromium sends for `createDataChannel("chat", {ordered: false, maxRetransmits: 0})`.
    const CHAT: &[u8] = b"\x03\x81\x01\x00\x00\x00\x00\x00\x00\x04\x00\x00chat";

    #[test]
    fn reads_the_open_message_of_a_browser() {
        let message = Message::parse(&mut Reader::new(CHAT)).unwrap();
        let open = Open {
            ordered: false,
            reliability: Reliability::MaxRetransmits(0),
            priority: 256,
            label: "chat",
            protocol: "",
        };
        assert_eq!(message, Message::Open(open));
        assert_eq!(emit(&message), CHAT);
        assert_eq!(
            message.to_string(),
            "DCEP OPEN \"chat\" unordered retransmits=0"
        );
    }

    #[test]
    fn every_truncation_and_extension_is_refused() {
        for len in 0..CHAT.len() {
            assert!(
                Message::parse(&mut Reader::new(&CHAT[..len])).is_err(),
                "{len}"
            );
        }
        let longer: Vec<u8> = CHAT.iter().copied().chain([0]).collect();
        assert!(Message::parse(&mut Reader::new(&longer)).is_err());
        assert!(
            Message::parse(&mut Reader::new(b"\x03\x03\0\0\0\0\0\0\0\0\0\0")).is_err(),
            "type 3"
        );
        assert!(
            Message::parse(&mut Reader::new(b"\x03\x00\0\0\0\0\0\0\0\x01\0\0\xff")).is_err(),
            "not UTF-8"
        );
    }

    proptest! {
        #[test]
        fn wpt_093_every_channel_type_makes_the_round_trip(
            ordered: bool,
            kind in 0..3,
            parameter: u32,
            priority: u16,
            label in ".{0,40}",
            protocol in ".{0,40}",
        ) {
            let reliability = match kind {
                0 => Reliability::Reliable,
                1 => Reliability::MaxRetransmits(parameter),
                _ => Reliability::MaxLifetime(parameter),
            };
            let message = Message::Open(Open { ordered, reliability, priority, label: &label, protocol: &protocol });
            let bytes = emit(&message);
            prop_assert_eq!(Message::parse(&mut Reader::new(&bytes)), Ok(message));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(message) = Message::parse(&mut Reader::new(&bytes)) {
                let again = emit(&message);
                prop_assert_eq!(Message::parse(&mut Reader::new(&again)), Ok(message));
            }
        }
    }
}
