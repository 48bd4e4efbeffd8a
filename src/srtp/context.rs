//! The filter.

use core::fmt;

use super::inbound::Inbound;
use super::outbound::Outbound;
use super::{Config, Master, Stats};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::Writer;

/// Protects RTP and RTCP between two ends, in both directions.
///
/// Keys are never used twice for different packets: a number that was sealed
/// before is refused. New keys mean a new context, and the peer's too.
pub struct SrtpContext {
    inbound: Inbound,
    outbound: Outbound,
    stats: Stats,
}

impl SrtpContext {
    /// A context that seals with keys from `local` and opens with keys from `remote`.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidKey`] if a key or salt has not the length that the
    /// profile says; [`CryptoError::Unsupported`] if the backend lacks a cipher.
    pub fn new(
        provider: &CryptoProvider,
        config: Config,
        local: Master<'_>,
        remote: Master<'_>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            inbound: Inbound::new(provider, &config, remote)?,
            outbound: Outbound::new(provider, &config, local)?,
            stats: Stats::default(),
        })
    }

    /// The RTP packet in `packet`, decrypted in place; `None` if it is to be dropped.
    pub fn open_rtp<'d>(&mut self, packet: &'d mut [u8]) -> Option<&'d mut [u8]> {
        self.inbound.open_rtp(packet, &mut self.stats)
    }

    /// The RTCP packets in `packet`, decrypted in place; `None` if they are to be dropped.
    pub fn open_rtcp<'d>(&mut self, packet: &'d mut [u8]) -> Option<&'d mut [u8]> {
        self.inbound.open_rtcp(packet, &mut self.stats)
    }

    /// Seals the RTP packet that `fill` writes at its final place.
    ///
    /// `false`, and `out` is as before, if `fill` says so, or there is no room,
    /// or the packet is refused: see [`Stats`] for why.
    pub fn seal_rtp(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        self.outbound.seal_rtp(out, &mut self.stats, fill)
    }

    /// Seals the RTCP packets that `fill` writes at their final place.
    ///
    /// `false`, and `out` is as before, as for [`seal_rtp`](Self::seal_rtp).
    pub fn seal_rtcp(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        self.outbound.seal_rtcp(out, &mut self.stats, fill)
    }

    /// How many bytes longer an RTP packet can get on its way out.
    #[must_use]
    pub const fn rtp_overhead(&self) -> usize {
        self.outbound.rtp_overhead()
    }

    /// How many bytes longer an RTCP packet gets on its way out.
    #[must_use]
    pub const fn rtcp_overhead(&self) -> usize {
        self.outbound.rtcp_overhead()
    }

    /// What became of the packets.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }
}

/// Says nothing of the keys.
impl fmt::Debug for SrtpContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrtpContext")
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
