//! Which protocol does a datagram belong to (RFC 7983 §7)?

/// The protocol of a datagram, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// STUN: 0 to 3.
    Stun,
    /// DTLS: 20 to 63.
    Dtls,
    /// TURN channel data: 64 to 79.
    TurnChannel,
    /// RTP: 128 to 191, unless it is RTCP.
    Rtp,
    /// RTCP: as RTP, but the second byte is 192 to 223 (RFC 5761 §4).
    Rtcp,
    /// Nothing that is known here, or an empty datagram.
    Unknown,
}

/// Tells the protocol of `datagram` by its first byte; RTCP from RTP by its second.
#[must_use]
pub const fn classify(datagram: &[u8]) -> Class {
    match datagram {
        [0..=3, ..] => Class::Stun,
        [20..=63, ..] => Class::Dtls,
        [64..=79, ..] => Class::TurnChannel,
        // RFC 5761 §4: no payload type that is used beside RTCP looks so with its marker.
        [128..=191, 192..=223, ..] => Class::Rtcp,
        [128..=191, ..] => Class::Rtp,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figure of RFC 7983 §7, with the ranges of ZRTP and QUIC (RFC 9443) left out.
    #[test]
    fn every_first_byte_belongs_to_one_protocol() {
        for byte in 0..=u8::MAX {
            let expected = match byte {
                0..=3 => Class::Stun,
                20..=63 => Class::Dtls,
                64..=79 => Class::TurnChannel,
                128..=191 => Class::Rtp,
                4..=19 | 80..=127 | 192..=255 => Class::Unknown,
            };
            assert_eq!(classify(&[byte, 0]), expected, "{byte}");
        }
        assert_eq!(classify(&[]), Class::Unknown);
    }

    #[test]
    fn the_second_byte_tells_rtcp_from_rtp() {
        for second in 0..=u8::MAX {
            let expected = match second {
                192..=223 => Class::Rtcp,
                _ => Class::Rtp,
            };
            assert_eq!(classify(&[0x80, second]), expected, "{second}");
        }
        assert_eq!(classify(&[0x80]), Class::Rtp);
    }
}
