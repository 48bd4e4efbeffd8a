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
    /// RTP or RTCP: 128 to 191.
    Rtp,
    /// Nothing that is known here, or an empty datagram.
    Unknown,
}

/// Tells the protocol of `datagram` by its first byte.
#[must_use]
pub const fn classify(datagram: &[u8]) -> Class {
    match datagram {
        [0..=3, ..] => Class::Stun,
        [20..=63, ..] => Class::Dtls,
        [64..=79, ..] => Class::TurnChannel,
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
}
