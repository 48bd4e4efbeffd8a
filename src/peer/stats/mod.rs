//! How does the connection fare, in the words of the W3C's webrtc-stats?
//!
//! A [`StatsReport`] has a list for each of the W3C's types of statistics. Where the W3C
//! has seconds these are [`Duration`](core::time::Duration)s, where it has names for
//! states these are the types that the machines use, and where a value is not known it
//! is `None`. Entries refer to each other by [`StatsId`].
//!
//! What only a camera, a codec or a loudspeaker knows (`framesDecoded`, `audioLevel`,
//! `media-playout` …) is not here: the application has those.
//!
//! # The W3C's JSON
//!
//! With the feature `serde` a report, and every entry, is printed as browsers print
//! theirs: an object of entries by `id`, members in camel case, times in milliseconds and
//! durations in seconds. What is not known, or does not exist for sound, is left out.
//!
//! ```
//! # #[cfg(all(feature = "serde", feature = "rust-crypto"))] {
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::peer::Config;
//! use pollrtc::rng::Rng;
//! use pollrtc::{Instant, PeerConnection};
//!
//! let peer = PeerConnection::new(Config::new(), &mut Rng::from_number(1))?;
//! let report = peer.get_stats(Instant::from_millis(1500));
//! let json = serde_json::to_value(&report)?;
//! assert_eq!(json["peer-connection"]["dataChannelsOpened"], 0);
//! assert_eq!(json["peer-connection"]["timestamp"], 1500.0);
//! assert_eq!(json["transport-0"]["dtlsState"], "new");
//! # let _ = PROVIDER;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data;
mod entry;
mod id;
#[cfg(feature = "serde")]
mod json;
mod rtp;
mod transport;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::connection::PeerConnection;
use crate::jsep::{DescriptionError, TransceiverId};
use crate::time::Instant;

pub use data::{DataChannelStats, PeerConnectionStats};
pub use entry::StatsEntry;
pub use id::{StatsId, Timestamp};
pub use rtp::{
    CodecStats, InboundFrames, InboundPackets, InboundRtpStats, MediaSourceStats, OutboundRtpStats,
    RemoteInboundRtpStats, RemoteOutboundRtpStats, RtpStreamId,
};
pub use transport::{CandidatePairStats, CertificateStats, IceCandidateStats, TransportStats};

use id::WallClock;

/// Everything that `getStats` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatsReport {
    /// When it was taken.
    pub timestamp: Timestamp,
    /// The connection (`peer-connection`), if all was asked for.
    pub peer_connection: Option<PeerConnectionStats>,
    /// The data channels (`data-channel`).
    pub data_channels: Vec<DataChannelStats>,
    /// The transports (`transport`).
    pub transports: Vec<TransportStats>,
    /// Their pairs of candidates (`candidate-pair`).
    pub candidate_pairs: Vec<CandidatePairStats>,
    /// Our candidates (`local-candidate`).
    pub local_candidates: Vec<IceCandidateStats>,
    /// The peer's candidates (`remote-candidate`).
    pub remote_candidates: Vec<IceCandidateStats>,
    /// Our certificate, and the peer's (`certificate`).
    pub certificates: Vec<CertificateStats>,
    /// The codecs in use (`codec`).
    pub codecs: Vec<CodecStats>,
    /// What is there to be sent (`media-source`).
    pub media_sources: Vec<MediaSourceStats>,
    /// The streams that come (`inbound-rtp`).
    pub inbound_rtp: Vec<InboundRtpStats>,
    /// The streams that go (`outbound-rtp`).
    pub outbound_rtp: Vec<OutboundRtpStats>,
    /// What the peer reports of the streams that go (`remote-inbound-rtp`).
    pub remote_inbound_rtp: Vec<RemoteInboundRtpStats>,
    /// What the peer reports of the streams that come (`remote-outbound-rtp`).
    pub remote_outbound_rtp: Vec<RemoteOutboundRtpStats>,
}

/// Which streams should a report be about?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatsSelector {
    /// Those that a transceiver sends.
    Sender(TransceiverId),
    /// Those that it receives.
    Receiver(TransceiverId),
}

impl PeerConnection {
    /// How the connection fares, and all that it consists of (W3C `getStats`).
    ///
    /// Nothing is kept for it but counters, and it takes a time that grows with what
    /// there is to tell. After the end it tells how everything was then.
    #[must_use]
    pub fn get_stats(&self, now: Instant) -> StatsReport {
        let (at, unix) = self.links.first.media.wall_clock();
        let mut report = StatsReport::new(WallClock { at, unix }.read(now));
        report.add_channels(&self.channels);
        report.add_sources(self.session.transceivers());
        let transceivers = self.session.transceivers().map(|one| (one.id(), one));
        let transceivers = transceivers.collect();
        for link in self.links.iter() {
            report.add_transport(link, self.config.provider);
            report.add_streams(link, &transceivers);
        }
        report
    }

    /// How the streams of one sender or receiver fare, with all that their entries
    /// refer to (W3C `RTCRtpSender.getStats`, `RTCRtpReceiver.getStats`).
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidAccess`] if it is none of this connection's.
    pub fn get_stats_of(
        &self,
        now: Instant,
        selector: StatsSelector,
    ) -> Result<StatsReport, DescriptionError> {
        let (StatsSelector::Sender(id) | StatsSelector::Receiver(id)) = selector;
        if self.session.transceiver(id).is_none() {
            return Err(DescriptionError::InvalidAccess(
                "no transceiver of this connection",
            ));
        }
        let mut report = self.get_stats(now);
        report.select(|entry| match (selector, entry) {
            (StatsSelector::Sender(id), StatsEntry::OutboundRtp(one)) => {
                one.stream.transceiver == id
            }
            (StatsSelector::Receiver(id), StatsEntry::InboundRtp(one)) => {
                one.stream.transceiver == id
            }
            _ => false,
        });
        Ok(report)
    }
}

impl StatsReport {
    const fn new(timestamp: Timestamp) -> Self {
        Self {
            timestamp,
            peer_connection: None,
            data_channels: Vec::new(),
            transports: Vec::new(),
            candidate_pairs: Vec::new(),
            local_candidates: Vec::new(),
            remote_candidates: Vec::new(),
            certificates: Vec::new(),
            codecs: Vec::new(),
            media_sources: Vec::new(),
            inbound_rtp: Vec::new(),
            outbound_rtp: Vec::new(),
            remote_inbound_rtp: Vec::new(),
            remote_outbound_rtp: Vec::new(),
        }
    }

    /// The entry with this id, such as another one refers to.
    #[must_use]
    pub fn get(&self, id: StatsId) -> Option<StatsEntry<'_>> {
        self.entries().find(|entry| entry.id() == id)
    }

    /// The wall clock that the report was taken by.
    const fn clock(&self) -> WallClock {
        WallClock {
            at: self.timestamp.instant(),
            unix: self.timestamp.unix(),
        }
    }

    /// Keeps what is `wanted`, and what that refers to (W3C webrtc-pc §8.5).
    fn select(&mut self, wanted: impl Fn(StatsEntry<'_>) -> bool) {
        let by_id: BTreeMap<_, _> = self.entries().map(|entry| (entry.id(), entry)).collect();
        let mut next: Vec<_> = self.entries().filter(|entry| wanted(*entry)).collect();
        let mut kept = BTreeSet::new();
        while let Some(entry) = next.pop() {
            if kept.insert(entry.id()) {
                let references = entry.references();
                next.extend(references.filter_map(|id| by_id.get(&id).copied()));
            }
        }
        self.peer_connection.take_if(|one| !kept.contains(&one.id));
        self.data_channels.retain(|one| kept.contains(&one.id));
        self.transports.retain(|one| kept.contains(&one.id));
        self.candidate_pairs.retain(|one| kept.contains(&one.id));
        self.local_candidates.retain(|one| kept.contains(&one.id));
        self.remote_candidates.retain(|one| kept.contains(&one.id));
        self.certificates.retain(|one| kept.contains(&one.id));
        self.codecs.retain(|one| kept.contains(&one.id));
        self.media_sources.retain(|one| kept.contains(&one.id));
        self.inbound_rtp.retain(|one| kept.contains(&one.id));
        self.outbound_rtp.retain(|one| kept.contains(&one.id));
        self.remote_inbound_rtp.retain(|one| kept.contains(&one.id));
        self.remote_outbound_rtp
            .retain(|one| kept.contains(&one.id));
    }
}
