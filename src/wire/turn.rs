//! What a relay and its client say in four bytes instead of a STUN message (RFC 8656 §12.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         channel number        |             length            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             data; over a stream padded to 32 bits             |
//! ```

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// By which number is a peer called (RFC 8656 §12)? 0x4000 to 0x4fff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelNumber(u16);

impl ChannelNumber {
    /// The first number.
    pub const MIN: u16 = 0x4000;
    /// The last number.
    pub const MAX: u16 = 0x4fff;

    /// The channel of this number, if it is one for channels.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            Self::MIN..=Self::MAX => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ChannelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}

/// Data of a peer, or for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// The peer.
    pub channel: ChannelNumber,
    /// The data.
    pub data: &'a [u8],
}

impl<'a> ChannelData<'a> {
    /// Reads one message. Padding stays unread: over a datagram there may be any,
    /// over a stream `wire::framing` takes it away.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or the number is not one for channels.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let number = r.u16("channel number")?;
        let channel = ChannelNumber::new(number).ok_or(Malformed("channel number"))?;
        let data = r.prefixed_u16("channel data")?;
        Ok(Self { channel, data })
    }

    /// The size of [`emit`](Self::emit).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a message has a header")]
    pub const fn len(&self) -> usize {
        HEADER_LEN + self.data.len()
    }

    /// Writes the message without padding. Data of more than 65535 bytes overflows.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.channel.0);
        w.prefixed_u16(|w| w.bytes(self.data));
    }

    /// What stands before `len` bytes of data.
    #[must_use]
    pub const fn header(channel: ChannelNumber, len: u16) -> [u8; HEADER_LEN] {
        let [a, b] = channel.0.to_be_bytes();
        let [c, d] = len.to_be_bytes();
        [a, b, c, d]
    }
}

/// `channel 0x4000 [100]`.
impl fmt::Display for ChannelData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {} [{}]", self.channel, self.data.len())
    }
}

/// How many bytes stand before the data.
pub const HEADER_LEN: usize = 4;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Result<ChannelData<'_>, Malformed> {
        ChannelData::parse(&mut Reader::new(bytes))
    }

    #[test]
    fn only_numbers_for_channels_are_numbers() {
        for (number, is_one) in [
            (0x3fff, false),
            (0x4000, true),
            (0x4fff, true),
            (0x5000, false),
            (0x7fff, false),
        ] {
            assert_eq!(ChannelNumber::new(number).is_some(), is_one);
            let [high, low] = u16::to_be_bytes(number);
            assert_eq!(parse(&[high, low, 0, 0]).is_ok(), is_one, "{number:#06x}");
        }
    }

    /// What others' tests know of channel data, right and wrong.
    #[test]
    fn ice_023_lengths_beyond_the_message_are_refused() {
        assert!(parse(&[0; 12]).is_err());
        assert!(parse(&hex::decode("3fff00000004000001020304").expect("hex")).is_err());
        assert!(parse(&hex::decode("404002231600000000000000").expect("hex")).is_err());
        let whole = hex::decode("4001000301020300").expect("hex");
        let message = parse(&whole).expect("padded");
        assert_eq!(
            (message.channel.get(), message.data),
            (0x4001, &[1, 2, 3][..])
        );
        assert_eq!(message.to_string(), "channel 0x4001 [3]");
        for len in 0..7 {
            assert!(parse(&whole[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn data_too_long_for_its_length_overflows() {
        let data = vec![0; 65_536];
        let message = ChannelData {
            channel: ChannelNumber(0x4000),
            data: &data,
        };
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 70_000);
        message.emit(&mut w);
        assert!(w.is_overflowed());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number in 0x4000..0x5000_u16, data: Vec<u8>) {
            let channel = ChannelNumber::new(number).expect("a number");
            let message = ChannelData { channel, data: &data };
            let mut buf = Vec::new();
            message.emit(&mut Writer::new(&mut buf, message.len()));
            prop_assert_eq!(buf.len(), message.len());
            prop_assert_eq!(parse(&buf), Ok(message));
            let len = u16::try_from(data.len()).expect("short");
            prop_assert_eq!(&buf[..4], ChannelData::header(channel, len));
        }
    }
}
