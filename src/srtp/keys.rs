//! The keys of one direction, and where they find what in a packet.

use super::cipher::Cipher;
use super::header::HeaderCipher;
use super::kdf::Derivation;
use super::{Config, Master};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::Reader;
use crate::wire::rtp::Ssrc;

/// The keys of a session in one direction.
pub(super) struct Keys {
    pub(super) rtp: Cipher,
    pub(super) rtcp: Cipher,
    pub(super) header: HeaderCipher,
}

impl Keys {
    pub(super) fn new(
        provider: &CryptoProvider,
        config: &Config,
        master: Master<'_>,
    ) -> Result<Self, CryptoError> {
        let master = Derivation::new(provider, config.profile, master)?;
        Ok(Self {
            rtp: Cipher::rtp(provider, config.profile, &master)?,
            rtcp: Cipher::rtcp(provider, config.profile, &master)?,
            header: HeaderCipher::new(provider, config, &master)?,
        })
    }

    /// How many bytes longer an RTCP packet gets.
    pub(super) const fn rtcp_overhead(&self) -> usize {
        self.rtcp.tag_len() + TRAILER
    }

    /// The parts of an RTCP packet with its trailer and its tag; `None` if it
    /// is too short or not RTCP.
    pub(super) fn rtcp_parts<'p>(&self, packet: &'p mut [u8]) -> Option<RtcpParts<'p>> {
        let len = packet.len().checked_sub(self.rtcp_overhead())?;
        let (packet, behind) = packet.split_at_mut(len);
        let (trailer, tag) = if self.rtcp.tag_is_last() {
            behind.split_first_chunk_mut()?
        } else {
            let (tag, trailer) = behind.split_last_chunk_mut()?;
            (trailer, tag)
        };
        let mut r = Reader::new(packet);
        let first = r.u32("RTCP header").ok()?;
        let ssrc = r.u32("RTCP sender").ok().map(Ssrc)?;
        (first >> 30 == 2).then_some(RtcpParts {
            ssrc,
            packet,
            trailer,
            tag,
        })
    }
}

/// The parts of an SRTCP packet.
pub(super) struct RtcpParts<'p> {
    /// Whose it is.
    pub(super) ssrc: Ssrc,
    pub(super) packet: &'p mut [u8],
    /// The index, and whether the packet is encrypted.
    pub(super) trailer: &'p mut [u8; TRAILER],
    pub(super) tag: &'p mut [u8],
}

const TRAILER: usize = 4;
