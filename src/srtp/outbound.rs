//! Packets on their way out.

use super::cipher::{ENCRYPTED, Identity};
use super::header;
use super::index::{INDEX_END, estimate};
use super::keys::{Keys, RtcpParts};
use super::sources::Sources;
use super::{Config, Master, Stats};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::{Reader, Writer};
use crate::window::ReplayWindow;
use crate::wire::rtp::{Header, Ssrc};

/// Our keys, and what was sent under them.
pub(super) struct Outbound {
    keys: Keys,
    sources: Sources<ReplayWindow>,
    repeats: bool,
    /// How many RTP packets may still be sealed.
    rtp_left: u64,
    /// The index of the next RTCP packet. One for all sources: none sees one twice.
    rtcp_index: u32,
    rtcp_end: u32,
}

/// Why is a packet not sealed?
enum Refusal {
    Unsealable,
    Reused,
    TooManySources,
    Exhausted,
}

impl Outbound {
    pub(super) fn new(
        provider: &CryptoProvider,
        config: &Config,
        master: Master<'_>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            keys: Keys::new(provider, config, master)?,
            sources: Sources::new(config.max_sources),
            repeats: config.repeats,
            rtp_left: config.rtp_lifetime.min(INDEX_END),
            rtcp_index: 0,
            rtcp_end: config.rtcp_lifetime.min(RTCP_INDEX_END),
        })
    }

    /// How many bytes longer an RTP packet can get.
    pub(super) const fn rtp_overhead(&self) -> usize {
        self.keys.rtp.tag_len() + self.keys.header.growth()
    }

    /// How many bytes longer an RTCP packet gets.
    pub(super) const fn rtcp_overhead(&self) -> usize {
        self.keys.rtcp_overhead()
    }

    pub(super) fn seal_rtp(
        &mut self,
        out: &mut Writer<'_>,
        stats: &mut Stats,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let is_exhausted = self.rtp_left == 0;
        let overhead = self.rtp_overhead();
        let seal = |buf: &mut [u8]| self.try_seal_rtp(buf);
        sealed(out, stats, is_exhausted, overhead, fill, seal)
    }

    pub(super) fn seal_rtcp(
        &mut self,
        out: &mut Writer<'_>,
        stats: &mut Stats,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let is_exhausted = self.rtcp_index >= self.rtcp_end;
        let overhead = self.rtcp_overhead();
        let seal = |buf: &mut [u8]| self.try_seal_rtcp(buf);
        sealed(out, stats, is_exhausted, overhead, fill, seal)
    }

    /// Seals the packet in front of `rtp_overhead` free bytes, and says how long it is then.
    fn try_seal_rtp(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        let mut len = buf.len().saturating_sub(self.rtp_overhead());
        let packet = buf.get(..len).unwrap_or_default();
        let header = Header::parse(&mut Reader::new(packet)).map_err(|_| Refusal::Unsealable)?;
        let (ssrc, number) = (header.ssrc, header.sequence_number);
        let needs_extension = self.keys.header.needs_extension(&header);
        let mut clear = self.keys.header.clear(&header);
        let index = self.claim(ssrc, |newest| estimate(newest, number))?;
        if needs_extension {
            len += self.keys.header.growth();
            let packet = buf.get_mut(..len).unwrap_or_default();
            header::insert_extension(packet).map_err(|_| Refusal::Unsealable)?;
        }
        let (packet, rest) = buf.split_at_mut(len);
        let tag = rest.get_mut(..self.keys.rtp.tag_len()).unwrap_or_default();
        let id = Identity { ssrc, index };
        self.keys.header.apply(id, packet);
        if self.keys.header.mark(packet) {
            let header = Header::parse(&mut Reader::new(packet));
            clear = self
                .keys
                .header
                .clear(&header.map_err(|_| Refusal::Unsealable)?);
        }
        self.keys.rtp.seal_rtp(id, clear, packet, tag);
        Ok(len + tag.len())
    }

    fn try_seal_rtcp(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        let RtcpParts {
            ssrc,
            packet,
            trailer,
            tag,
        } = self.keys.rtcp_parts(buf).ok_or(Refusal::Unsealable)?;
        let index = self.rtcp_index;
        self.rtcp_index += 1;
        *trailer = (index | u32::from(ENCRYPTED) << 24).to_be_bytes();
        let id = Identity {
            ssrc,
            index: index.into(),
        };
        self.keys.rtcp.seal_rtcp(id, packet, *trailer, tag);
        Ok(buf.len())
    }

    /// Takes the index that `guess` makes of the newest one, which nobody had before.
    fn claim(
        &mut self,
        ssrc: Ssrc,
        guess: impl FnOnce(Option<u64>) -> u64,
    ) -> Result<u64, Refusal> {
        let window = self
            .sources
            .get_or_add(ssrc)
            .ok_or(Refusal::TooManySources)?;
        let index = guess(window.newest());
        if index >= INDEX_END {
            return Err(Refusal::Exhausted);
        }
        if !window.check(index) && !self.repeats {
            return Err(Refusal::Reused);
        }
        window.commit(index);
        self.rtp_left = self.rtp_left.saturating_sub(1);
        Ok(index)
    }
}

/// Lets `fill` write a packet and `seal` it in front of `overhead` free bytes;
/// takes all back if it cannot be.
fn sealed(
    out: &mut Writer<'_>,
    stats: &mut Stats,
    is_exhausted: bool,
    overhead: usize,
    fill: impl FnOnce(&mut Writer<'_>) -> bool,
    seal: impl FnOnce(&mut [u8]) -> Result<usize, Refusal>,
) -> bool {
    let at = out.len();
    if is_exhausted {
        stats.exhausted += 1;
        return false;
    }
    if !out.nest(0, overhead, fill) {
        return false;
    }
    let sealed = seal(out.written_mut(at));
    let counter = match &sealed {
        Ok(_) => &mut stats.sealed,
        Err(Refusal::Unsealable) => &mut stats.unsealable,
        Err(Refusal::Reused) => &mut stats.reused,
        Err(Refusal::TooManySources) => &mut stats.too_many_sources,
        Err(Refusal::Exhausted) => &mut stats.exhausted,
    };
    *counter += 1;
    out.rewind(at + sealed.as_ref().copied().unwrap_or(0));
    sealed.is_ok()
}

/// An index has 31 bits.
const RTCP_INDEX_END: u32 = 1 << 31;
