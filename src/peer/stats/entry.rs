//! An entry of a report, of whatever type.

use super::{
    CandidatePairStats, CertificateStats, CodecStats, DataChannelStats, IceCandidateStats,
    InboundRtpStats, MediaSourceStats, OutboundRtpStats, PeerConnectionStats,
    RemoteInboundRtpStats, RemoteOutboundRtpStats, StatsId, StatsReport, Timestamp, TransportStats,
};

/// What is an entry of a report about (W3C `RTCStatsType`)?
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the type of what it holds")]
pub enum StatsEntry<'a> {
    PeerConnection(&'a PeerConnectionStats),
    DataChannel(&'a DataChannelStats),
    Transport(&'a TransportStats),
    CandidatePair(&'a CandidatePairStats),
    LocalCandidate(&'a IceCandidateStats),
    RemoteCandidate(&'a IceCandidateStats),
    Certificate(&'a CertificateStats),
    Codec(&'a CodecStats),
    MediaSource(&'a MediaSourceStats),
    InboundRtp(&'a InboundRtpStats),
    OutboundRtp(&'a OutboundRtpStats),
    RemoteInboundRtp(&'a RemoteInboundRtpStats),
    RemoteOutboundRtp(&'a RemoteOutboundRtpStats),
}

impl StatsReport {
    /// All entries, of whatever type.
    pub fn entries(&self) -> impl Iterator<Item = StatsEntry<'_>> {
        let connection = self.peer_connection.iter().map(StatsEntry::PeerConnection);
        connection
            .chain(self.data_channels.iter().map(StatsEntry::DataChannel))
            .chain(self.transports.iter().map(StatsEntry::Transport))
            .chain(self.candidate_pairs.iter().map(StatsEntry::CandidatePair))
            .chain(self.local_candidates.iter().map(StatsEntry::LocalCandidate))
            .chain(
                self.remote_candidates
                    .iter()
                    .map(StatsEntry::RemoteCandidate),
            )
            .chain(self.certificates.iter().map(StatsEntry::Certificate))
            .chain(self.codecs.iter().map(StatsEntry::Codec))
            .chain(self.media_sources.iter().map(StatsEntry::MediaSource))
            .chain(self.inbound_rtp.iter().map(StatsEntry::InboundRtp))
            .chain(self.outbound_rtp.iter().map(StatsEntry::OutboundRtp))
            .chain(
                self.remote_inbound_rtp
                    .iter()
                    .map(StatsEntry::RemoteInboundRtp),
            )
            .chain(
                self.remote_outbound_rtp
                    .iter()
                    .map(StatsEntry::RemoteOutboundRtp),
            )
    }
}

impl StatsEntry<'_> {
    /// What it is about.
    #[must_use]
    pub const fn id(&self) -> StatsId {
        match self {
            Self::PeerConnection(one) => one.id,
            Self::DataChannel(one) => one.id,
            Self::Transport(one) => one.id,
            Self::CandidatePair(one) => one.id,
            Self::LocalCandidate(one) | Self::RemoteCandidate(one) => one.id,
            Self::Certificate(one) => one.id,
            Self::Codec(one) => one.id,
            Self::MediaSource(one) => one.id,
            Self::InboundRtp(one) => one.id,
            Self::OutboundRtp(one) => one.id,
            Self::RemoteInboundRtp(one) => one.id,
            Self::RemoteOutboundRtp(one) => one.id,
        }
    }

    /// When it was so: when the report was taken or, of what the peer tells, when that came.
    #[must_use]
    pub const fn timestamp(&self) -> Timestamp {
        match self {
            Self::PeerConnection(one) => one.timestamp,
            Self::DataChannel(one) => one.timestamp,
            Self::Transport(one) => one.timestamp,
            Self::CandidatePair(one) => one.timestamp,
            Self::LocalCandidate(one) | Self::RemoteCandidate(one) => one.timestamp,
            Self::Certificate(one) => one.timestamp,
            Self::Codec(one) => one.timestamp,
            Self::MediaSource(one) => one.timestamp,
            Self::InboundRtp(one) => one.timestamp,
            Self::OutboundRtp(one) => one.timestamp,
            Self::RemoteInboundRtp(one) => one.timestamp,
            Self::RemoteOutboundRtp(one) => one.timestamp,
        }
    }

    /// The entries that it refers to.
    pub fn references(&self) -> impl Iterator<Item = StatsId> + use<> {
        let ids = match *self {
            Self::PeerConnection(_)
            | Self::DataChannel(_)
            | Self::Certificate(_)
            | Self::MediaSource(_) => [None; 4],
            Self::Transport(one) => [
                one.selected_candidate_pair_id,
                one.local_certificate_id,
                one.remote_certificate_id,
                None,
            ],
            Self::CandidatePair(one) => [
                Some(one.transport_id),
                Some(one.local_candidate_id),
                Some(one.remote_candidate_id),
                None,
            ],
            Self::LocalCandidate(one) | Self::RemoteCandidate(one) => {
                [Some(one.transport_id), None, None, None]
            }
            Self::Codec(one) => [Some(one.transport_id), None, None, None],
            Self::InboundRtp(one) => {
                let stream = &one.stream;
                [
                    Some(stream.transport_id),
                    stream.codec_id,
                    one.remote_id,
                    None,
                ]
            }
            Self::OutboundRtp(one) => {
                let stream = &one.stream;
                let of_stream = [Some(stream.transport_id), stream.codec_id];
                [
                    of_stream[0],
                    of_stream[1],
                    one.remote_id,
                    one.media_source_id,
                ]
            }
            Self::RemoteInboundRtp(one) => [
                Some(one.local_id),
                Some(one.transport_id),
                one.codec_id,
                None,
            ],
            Self::RemoteOutboundRtp(one) => [
                Some(one.local_id),
                Some(one.transport_id),
                one.codec_id,
                None,
            ],
        };
        ids.into_iter().flatten()
    }
}
