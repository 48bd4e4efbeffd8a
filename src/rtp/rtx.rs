//! Packets that are sent again, in a stream of their own (RFC 4588).

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::rtp::{Header, Packet, PayloadType, SequenceNumber, Ssrc};

/// The payload of a packet that is sent again: the number that it had, and then
/// what it held (RFC 4588 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated<'a> {
    /// The number that it had: OSN.
    pub original: SequenceNumber,
    /// What it held.
    pub payload: &'a [u8],
}

impl<'a> Repeated<'a> {
    /// How much longer a packet gets.
    pub const OVERHEAD: usize = 2;

    /// Reads the payload of an RTX packet. One that is empty only probes the
    /// network, and is not read.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(payload);
        Ok(Self {
            original: r.u16("RTX original number").map(crate::seq::Serial16)?,
            payload: r.rest(),
        })
    }

    /// The packet that was sent again, as it was: `ssrc` and `payload_type` are
    /// those of the stream that the RTX stream repeats.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if `packet` holds no packet.
    pub fn unwrap(
        packet: &Packet<'a>,
        ssrc: Ssrc,
        payload_type: PayloadType,
    ) -> Result<Packet<'a>, Malformed> {
        let repeated = Self::parse(packet.payload)?;
        Ok(Packet {
            header: Header {
                payload_type,
                ssrc,
                sequence_number: repeated.original,
                ..packet.header
            },
            payload: repeated.payload,
            padding: 0,
        })
    }

    /// Writes the packet that repeats `packet` in the RTX stream with this
    /// number, source and payload type. Extensions stay as they are.
    pub fn wrap(
        packet: &Packet<'_>,
        number: SequenceNumber,
        ssrc: Ssrc,
        payload_type: PayloadType,
        w: &mut Writer<'_>,
    ) {
        let header = Header {
            payload_type,
            ssrc,
            sequence_number: number,
            ..packet.header
        };
        header.emit(w);
        w.u16(packet.header.sequence_number.0);
        w.bytes(packet.payload);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::seq::{Serial16, Serial32};
    use crate::wire::list::List;

    #[test]
    fn rtp_012_what_is_wrapped_is_unwrapped() {
        let payload_type = PayloadType::from_low_bits;
        let packet = Packet {
            header: Header {
                marker: true,
                payload_type: payload_type(96),
                sequence_number: Serial16(0xffff),
                timestamp: Serial32(9),
                ssrc: Ssrc(1),
                csrcs: List::EMPTY,
                extensions: None,
            },
            payload: b"payload",
            padding: 0,
        };
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 100);
        Repeated::wrap(&packet, Serial16(3), Ssrc(2), payload_type(97), &mut w);
        let wrapped = Packet::parse(&mut Reader::new(&buf)).expect("a packet");
        assert_eq!(
            (wrapped.header.ssrc, wrapped.header.sequence_number),
            (Ssrc(2), Serial16(3))
        );
        assert_eq!(buf.len(), packet.encoded_len() + Repeated::OVERHEAD);
        assert_eq!(
            Repeated::unwrap(&wrapped, Ssrc(1), payload_type(96)),
            Ok(packet)
        );
        for len in 0..2 {
            let cut = Packet {
                payload: &b"xy"[..len],
                ..wrapped
            };
            assert!(Repeated::unwrap(&cut, Ssrc(1), payload_type(96)).is_err());
        }
    }
}
