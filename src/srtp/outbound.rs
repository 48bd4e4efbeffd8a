//! Packets on their way out.

use super::cipher::{Cipher, ENCRYPTED, Identity, RTCP_CLEAR};
use super::header::{self, HeaderCipher};
use super::index::{INDEX_END, estimate};
use super::kdf::Derivation;
use super::sources::Sources;
use super::{Config, Master, Stats};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::{Reader, Writer};
use crate::window::ReplayWindow;
use crate::wire::rtp::{Header, Ssrc};

/// Our keys, and what was sent under them.
pub(super) struct Outbound {
    rtp: Cipher,
    rtcp: Cipher,
    header: HeaderCipher,
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
        let master = Derivation::new(provider, config.profile, master)?;
        Ok(Self {
            rtp: Cipher::rtp(provider, config.profile, &master)?,
            rtcp: Cipher::rtcp(provider, config.profile, &master)?,
            header: HeaderCipher::new(provider, config, &master)?,
            sources: Sources::new(config.max_sources),
            repeats: config.repeats,
            rtp_left: config.rtp_lifetime.min(INDEX_END),
            rtcp_index: 0,
            rtcp_end: config.rtcp_lifetime.min(RTCP_INDEX_END),
        })
    }

    /// How many bytes longer an RTP packet can get.
    pub(super) const fn rtp_overhead(&self) -> usize {
        self.rtp.tag_len() + self.header.growth()
    }

    /// How many bytes longer an RTCP packet gets.
    pub(super) const fn rtcp_overhead(&self) -> usize {
        self.rtcp.tag_len() + TRAILER
    }

    pub(super) fn seal_rtp(
        &mut self,
        out: &mut Writer<'_>,
        stats: &mut Stats,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let at = out.len();
        if self.rtp_left == 0 {
            stats.exhausted += 1;
            return false;
        }
        if !out.nest(0, self.rtp_overhead(), fill) {
            return false;
        }
        let sealed = self.try_seal_rtp(out.written_mut(at));
        finish(out, at, sealed, stats)
    }

    pub(super) fn seal_rtcp(
        &mut self,
        out: &mut Writer<'_>,
        stats: &mut Stats,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let at = out.len();
        if self.rtcp_index >= self.rtcp_end {
            stats.exhausted += 1;
            return false;
        }
        if !out.nest(0, self.rtcp_overhead(), fill) {
            return false;
        }
        let sealed = self.try_seal_rtcp(out.written_mut(at));
        finish(out, at, sealed, stats)
    }

    /// Seals the packet in front of `rtp_overhead` free bytes, and says how long it is then.
    fn try_seal_rtp(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        let mut len = buf.len().saturating_sub(self.rtp_overhead());
        let packet = buf.get(..len).unwrap_or_default();
        let header = Header::parse(&mut Reader::new(packet)).map_err(|_| Refusal::Unsealable)?;
        let (ssrc, number) = (header.ssrc, header.sequence_number);
        let needs_extension = self.header.needs_extension(&header);
        let index = self.claim(ssrc, |newest| estimate(newest, number))?;
        if needs_extension {
            len += self.header.growth();
            let packet = buf.get_mut(..len).unwrap_or_default();
            header::insert_extension(packet).map_err(|_| Refusal::Unsealable)?;
        }
        let (packet, rest) = buf.split_at_mut(len);
        let tag = rest.get_mut(..self.rtp.tag_len()).unwrap_or_default();
        let id = Identity { ssrc, index };
        self.header.apply(id, packet);
        self.header.mark(packet);
        let header = Header::parse(&mut Reader::new(packet)).map_err(|_| Refusal::Unsealable)?;
        let clear = self.header.clear(&header);
        self.rtp.seal_rtp(id, clear, packet, tag);
        Ok(len + tag.len())
    }

    fn try_seal_rtcp(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        let len = buf.len().saturating_sub(self.rtcp_overhead());
        let (packet, behind) = buf.split_at_mut(len);
        let mut r = Reader::new(packet);
        let (Ok(first), Ok(ssrc)) = (r.u32("RTCP header"), r.u32("RTCP sender")) else {
            return Err(Refusal::Unsealable);
        };
        if first >> 30 != 2 || len < RTCP_CLEAR {
            return Err(Refusal::Unsealable);
        }
        let index = self.rtcp_index;
        self.rtcp_index += 1;
        let [first, rest @ ..] = index.to_be_bytes();
        let [b, c, d] = rest;
        let said = [first | ENCRYPTED, b, c, d];
        let tag_is_last = self.rtcp.tag_is_last();
        let at = if tag_is_last {
            TRAILER
        } else {
            self.rtcp.tag_len()
        };
        let (front, back) = behind.split_at_mut(at);
        let (trailer, tag) = if tag_is_last {
            (front, back)
        } else {
            (back, front)
        };
        trailer.copy_from_slice(&said);
        let id = Identity {
            ssrc: Ssrc(ssrc),
            index: index.into(),
        };
        self.rtcp.seal_rtcp(id, packet, said, tag);
        Ok(len + self.rtcp_overhead())
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

/// Cuts `out` to what was sealed, or takes all back.
fn finish(
    out: &mut Writer<'_>,
    at: usize,
    sealed: Result<usize, Refusal>,
    stats: &mut Stats,
) -> bool {
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

/// The index of an RTCP packet, and whether it is encrypted.
const TRAILER: usize = 4;

/// An index has 31 bits.
const RTCP_INDEX_END: u32 = 1 << 31;
