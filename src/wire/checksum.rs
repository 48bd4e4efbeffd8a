//! Were these bytes damaged on their way? The two CRCs of the protocols.
//!
//! With the feature `std` the processor's instructions are found at run time;
//! without it a table does the same work. The answers are the same.

#[cfg(not(feature = "std"))]
use crc::{CRC_32_ISCSI, CRC_32_ISO_HDLC, Crc, Table};

/// The CRC-32c of an SCTP packet (RFC 9260 §6.8, Appendix A), as a number whose
/// little-endian bytes go on the wire.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    #[cfg(feature = "std")]
    {
        crc_fast::crc32_iscsi(bytes)
    }
    #[cfg(not(feature = "std"))]
    {
        static TABLE: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
        TABLE.checksum(bytes)
    }
}

/// The CRC-32 of a STUN message (RFC 8489 §14.7), before it is XORed.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    #[cfg(feature = "std")]
    {
        crc_fast::crc32_iso_hdlc(bytes)
    }
    #[cfg(not(feature = "std"))]
    {
        static TABLE: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISO_HDLC);
        TABLE.checksum(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the CRC catalogue and RFC 3720 B.4.
    #[test]
    fn known_answers() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
