//! Transports, and what they consist of.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::StatsReport;
use super::id::{StatsId, Thing, Timestamp, WallClock};
use crate::crypto::certificate::Fingerprint;
use crate::crypto::{CryptoProvider, HashId};
use crate::dtls::{self, DtlsState, DtlsTransport};
use crate::ice::{self, CandidateReport, IceState, PairReport, PairState, PairStats, ServerUrl};
use crate::media::MediaStats;
use crate::net::{CandidateAddress, CandidateKind, Path, Protocol, TcpKind};
use crate::peer::link::Link;
use crate::wire::dtls::extension::SrtpProfile;

/// How does a transport fare (`RTCTransportStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Packets that were sent, other than those of ICE.
    pub packets_sent: u64,
    /// Packets that came, other than those of ICE.
    pub packets_received: u64,
    /// Their bytes, without the headers of UDP and of relays.
    pub bytes_sent: u64,
    /// Their bytes, likewise.
    pub bytes_received: u64,
    /// Whether this side decides which path is used.
    pub ice_role: ice::Role,
    /// Our user fragment.
    pub ice_local_username_fragment: String,
    /// Is there a path?
    pub ice_state: IceState,
    /// Are there keys?
    pub dtls_state: DtlsState,
    /// Who began the handshake, once that is known.
    pub dtls_role: Option<dtls::Role>,
    /// What the handshake has agreed on, once it is done.
    pub negotiated: Option<dtls::Negotiated>,
    /// How media are protected, once that is agreed.
    pub srtp_cipher: Option<SrtpProfile>,
    /// Our certificate.
    pub local_certificate_id: Option<StatsId>,
    /// The peer's certificate, once it was shown.
    pub remote_certificate_id: Option<StatsId>,
    /// The path in use.
    pub selected_path: Option<Path>,
    /// The pair that it is the path of.
    pub selected_candidate_pair_id: Option<StatsId>,
    /// How often another path was chosen.
    pub selected_candidate_pair_changes: u64,
}

/// How does a pair of candidates fare (`RTCIceCandidatePairStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidatePairStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Whose it is.
    pub transport_id: StatsId,
    /// Our end.
    pub local_candidate_id: StatsId,
    /// The peer's end.
    pub remote_candidate_id: StatsId,
    /// What its checks have shown.
    pub state: PairState,
    /// Whether it was chosen.
    pub nominated: bool,
    /// What was counted.
    pub counted: PairStats,
    /// When data was last sent.
    pub last_packet_sent: Option<Timestamp>,
    /// When data was last received.
    pub last_packet_received: Option<Timestamp>,
    /// What the peer says that the path carries, in bits a second; of the pair in use only.
    pub available_outgoing_bitrate: Option<u64>,
    /// What we say that the path carries, likewise.
    pub available_incoming_bitrate: Option<u64>,
}

/// Where can one end be reached (`RTCIceCandidateStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IceCandidateStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Whose it is.
    pub transport_id: StatsId,
    /// Its address or name. `None` for one of the peer's that the peer has not told:
    /// where a check came from is nothing that has to leave this host.
    pub address: Option<String>,
    /// Its port.
    pub port: u16,
    /// What carries the datagrams.
    pub protocol: Protocol,
    /// How it was learned.
    pub candidate_type: CandidateKind,
    /// Its rank.
    pub priority: u32,
    /// Of ours: the server that it was learned from, or that lends it.
    pub url: Option<ServerUrl>,
    /// Of ours that are lent: what carries the datagrams to that server.
    pub relay_protocol: Option<Protocol>,
    /// With which others it freezes and thaws.
    pub foundation: String,
    /// The address that it stands for.
    pub related_address: Option<String>,
    /// The port that goes with it.
    pub related_port: Option<u16>,
    /// The user fragment of its end, if the peer was told or has told it.
    pub username_fragment: Option<String>,
    /// Who connects, for TCP.
    pub tcp_type: Option<TcpKind>,
}

/// Who shows what (`RTCCertificateStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Its SHA-256 fingerprint.
    pub fingerprint: Fingerprint,
    /// Its DER encoding.
    pub der: Vec<u8>,
}

impl StatsReport {
    /// What is known of a transport, with its candidates, pairs and certificates.
    pub(super) fn add_transport(&mut self, link: &Link, provider: &CryptoProvider) {
        let Link {
            transport, media, ..
        } = link;
        let number = link.id.number();
        let (stats, ice, dtls) = (transport.stats(), transport.ice(), transport.dtls());
        let selected = ice.selected_report();
        let certificate = self.add_certificate(transport.certificate().der(), provider);
        let shown = transport.remote_certificate();
        let shown = shown.and_then(|der| self.add_certificate(der, provider));
        self.transports.push(TransportStats {
            id: StatsId(Thing::Transport(number)),
            timestamp: self.timestamp,
            packets_sent: stats.packets_sent,
            packets_received: stats.packets_received,
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
            ice_role: ice.role(),
            ice_local_username_fragment: ice.local_credentials().ufrag.clone(),
            ice_state: ice.state(),
            dtls_state: transport.dtls_state(),
            dtls_role: dtls.map(DtlsTransport::role),
            negotiated: dtls.and_then(DtlsTransport::negotiated),
            srtp_cipher: transport.srtp_profile(),
            local_certificate_id: certificate,
            remote_certificate_id: shown,
            selected_path: selected.map(|pair| pair.path),
            selected_candidate_pair_id: selected.map(|pair| pair_id(number, &pair)),
            selected_candidate_pair_changes: ice.stats().selected_changes,
        });
        let in_use = selected.map(|pair| pair.id);
        for pair in ice.pairs() {
            let media = Some(media.stats()).filter(|_| Some(pair.id) == in_use);
            self.candidate_pairs.push(candidate_pair(
                self.clock(),
                self.timestamp,
                number,
                &pair,
                media,
            ));
        }
        let timestamp = self.timestamp;
        let locals = ice.local_reports().into_iter().map(|report| {
            let id = Thing::LocalCandidate(number, report.id);
            candidate(timestamp, number, StatsId(id), &report)
        });
        self.local_candidates.extend(locals);
        let remotes = ice.remote_reports().into_iter().map(|report| {
            let id = Thing::RemoteCandidate(number, report.id);
            let mut remote = candidate(timestamp, number, StatsId(id), &report);
            if remote.candidate_type == CandidateKind::PeerReflexive {
                remote.address = None;
            }
            remote
        });
        self.remote_candidates.extend(remotes);
    }

    /// An entry for a certificate, unless there is one: transports share ours.
    fn add_certificate(&mut self, der: &[u8], provider: &CryptoProvider) -> Option<StatsId> {
        let fingerprint = Fingerprint::of(provider, HashId::Sha256, der)?;
        let start = fingerprint.digest().first_chunk()?;
        let id = StatsId(Thing::Certificate(u64::from_be_bytes(*start)));
        if self.certificates.iter().all(|known| known.id != id) {
            self.certificates.push(CertificateStats {
                id,
                timestamp: self.timestamp,
                fingerprint,
                der: der.into(),
            });
        }
        Some(id)
    }
}

const fn pair_id(transport: u32, pair: &PairReport<'_>) -> StatsId {
    StatsId(Thing::CandidatePair(transport, pair.id))
}

fn candidate_pair(
    clock: WallClock,
    timestamp: Timestamp,
    transport: u32,
    pair: &PairReport<'_>,
    media: Option<MediaStats>,
) -> CandidatePairStats {
    let known = |bitrate: u64| Some(bitrate).filter(|bitrate| *bitrate != 0);
    CandidatePairStats {
        id: pair_id(transport, pair),
        timestamp,
        transport_id: StatsId(Thing::Transport(transport)),
        local_candidate_id: StatsId(Thing::LocalCandidate(transport, pair.local_id)),
        remote_candidate_id: StatsId(Thing::RemoteCandidate(transport, pair.remote_id)),
        state: pair.state,
        nominated: pair.nominated,
        counted: pair.stats,
        last_packet_sent: pair.stats.last_packet_sent.map(|at| clock.read(at)),
        last_packet_received: pair.stats.last_packet_received.map(|at| clock.read(at)),
        available_outgoing_bitrate: media.and_then(|media| known(media.target_bitrate)),
        available_incoming_bitrate: media.and_then(|media| known(media.told_bitrate)),
    }
}

fn candidate(
    timestamp: Timestamp,
    transport: u32,
    id: StatsId,
    report: &CandidateReport<'_>,
) -> IceCandidateStats {
    let candidate = report.candidate;
    let (address, port) = match &candidate.address {
        CandidateAddress::Ip(address) => (address.ip().to_string(), address.port()),
        CandidateAddress::Name { host, port } => (host.clone(), *port),
    };
    IceCandidateStats {
        id,
        timestamp,
        transport_id: StatsId(Thing::Transport(transport)),
        address: Some(address),
        port,
        protocol: candidate.protocol,
        candidate_type: candidate.kind,
        priority: candidate.priority,
        url: report.url.cloned(),
        relay_protocol: report.relay_protocol,
        foundation: candidate.foundation.as_str().into(),
        related_address: candidate.related.map(|related| related.ip().to_string()),
        related_port: candidate.related.map(|related| related.port()),
        username_fragment: report.ufrag.map(Into::into),
        tcp_type: candidate.tcp,
    }
}
