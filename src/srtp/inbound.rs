//! Packets on their way in.

use super::cipher::{ENCRYPTED, Identity};
use super::index::{INDEX_END, estimate};
use super::keys::{Keys, RtcpParts};
use super::sources::Sources;
use super::{Config, Master, Stats};
use crate::crypto::{BadTag, CryptoError, CryptoProvider};
use crate::cursor::Reader;
use crate::window::ReplayWindow;
use crate::wire::rtp::{Header, Ssrc};

/// The keys of the peer, and what came from him.
pub(super) struct Inbound {
    keys: Keys,
    sources: Sources<Source>,
}

/// What came from one source.
#[derive(Debug, Default)]
struct Source {
    rtp: ReplayWindow,
    rtcp: ReplayWindow,
}

/// Why is a packet dropped?
enum Drop {
    Malformed,
    Replayed,
    BadTag,
    TooManySources,
}

impl From<BadTag> for Drop {
    fn from(_: BadTag) -> Self {
        Self::BadTag
    }
}

impl Inbound {
    pub(super) fn new(
        provider: &CryptoProvider,
        config: &Config,
        master: Master<'_>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            keys: Keys::new(provider, config, master)?,
            sources: Sources::new(config.max_sources),
        })
    }

    pub(super) fn open_rtp<'d>(
        &mut self,
        packet: &'d mut [u8],
        stats: &mut Stats,
    ) -> Option<&'d mut [u8]> {
        let len = counted(self.try_open_rtp(packet), stats)?;
        packet.get_mut(..len)
    }

    pub(super) fn open_rtcp<'d>(
        &mut self,
        packet: &'d mut [u8],
        stats: &mut Stats,
    ) -> Option<&'d mut [u8]> {
        let len = counted(self.try_open_rtcp(packet), stats)?;
        packet.get_mut(..len)
    }

    /// The length of the packet without its tag.
    fn try_open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, Drop> {
        let len = packet
            .len()
            .checked_sub(self.keys.rtp.tag_len())
            .ok_or(Drop::Malformed)?;
        let (packet, tag) = packet.split_at_mut(len);
        let header = Header::parse(&mut Reader::new(packet)).map_err(|_| Drop::Malformed)?;
        let (ssrc, number) = (header.ssrc, header.sequence_number);
        let clear = self.keys.header.clear(&header);
        let window = self.window(ssrc, |source| source.rtp)?;
        let index = estimate(window.newest(), number);
        if !window.check(index) || index >= INDEX_END {
            return Err(Drop::Replayed);
        }
        let id = Identity { ssrc, index };
        self.keys.rtp.open_rtp(id, clear, packet, tag)?;
        // RFC 3711 §3.3: only a packet that is right may move the window.
        self.commit(ssrc, |source| source.rtp.commit(index));
        self.keys.header.unmark(packet);
        self.keys.header.apply(id, packet);
        Ok(len)
    }

    /// The length of the packet without its tag and index.
    fn try_open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Drop> {
        let RtcpParts {
            ssrc,
            packet,
            trailer,
            tag,
        } = self.keys.rtcp_parts(packet).ok_or(Drop::Malformed)?;
        let index = u64::from(u32::from_be_bytes(*trailer) & !(u32::from(ENCRYPTED) << 24));
        if !self.window(ssrc, |source| source.rtcp)?.check(index) {
            return Err(Drop::Replayed);
        }
        let id = Identity { ssrc, index };
        self.keys.rtcp.open_rtcp(id, packet, *trailer, tag)?;
        let len = packet.len();
        self.commit(ssrc, |source| source.rtcp.commit(index));
        Ok(len)
    }

    /// One of the windows of a source; a new one if the source is, and finds room.
    fn window(
        &mut self,
        ssrc: Ssrc,
        which: impl FnOnce(&Source) -> ReplayWindow,
    ) -> Result<ReplayWindow, Drop> {
        let is_full = self.sources.is_full();
        match self.sources.get(ssrc) {
            Some(source) => Ok(which(source)),
            None if is_full => Err(Drop::TooManySources),
            None => Ok(ReplayWindow::new()),
        }
    }

    fn commit(&mut self, ssrc: Ssrc, remember: impl FnOnce(&mut Source)) {
        // There is room: it was looked for before the tag was checked.
        if let Some(source) = self.sources.get_or_add(ssrc) {
            remember(source);
        }
    }
}

fn counted(opened: Result<usize, Drop>, stats: &mut Stats) -> Option<usize> {
    let counter = match &opened {
        Ok(_) => &mut stats.opened,
        Err(Drop::Malformed) => &mut stats.malformed,
        Err(Drop::Replayed) => &mut stats.replayed,
        Err(Drop::BadTag) => &mut stats.bad_tag,
        Err(Drop::TooManySources) => &mut stats.too_many_sources,
    };
    *counter += 1;
    opened.ok()
}
