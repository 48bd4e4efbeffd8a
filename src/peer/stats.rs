//! How do the streams fare, in the words of the W3C's webrtc-stats?
//!
//! Where the W3C has seconds these are [`Duration`]s, where it has ids they are
//! the SSRC, the transceiver or the payload type, and where a value is not known it
//! is `None`.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::connection::PeerConnection;
use super::lines;
use super::link::Link;
use crate::dtls::{self, DtlsState, DtlsTransport};
use crate::ice::{self, IceState};
use crate::jsep::{Kind, TransceiverId};
use crate::media::{CodecParameters, InboundStream, LineId, Media, OutboundStream};
use crate::net::Path;
use crate::rtp::receiver::RemoteStats;
use crate::rtp::sender::Remote;
use crate::time::Instant;
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::rtcp::NtpTimestamp;
use crate::wire::rtp::{PayloadType, Ssrc};

/// Everything that `getStats` tells of media and what carries them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatsReport {
    /// When it was taken.
    pub timestamp: Instant,
    /// The one transport (`transport`).
    pub transport: TransportStats,
    /// The codecs that were agreed on (`codec`).
    pub codecs: Vec<CodecStats>,
    /// The streams that come (`inbound-rtp`).
    pub inbound_rtp: Vec<InboundRtpStats>,
    /// The streams that go (`outbound-rtp`).
    pub outbound_rtp: Vec<OutboundRtpStats>,
    /// What the peer reports of the streams that go (`remote-inbound-rtp`).
    pub remote_inbound_rtp: Vec<RemoteInboundRtpStats>,
    /// What the peer reports of the streams that come (`remote-outbound-rtp`).
    pub remote_outbound_rtp: Vec<RemoteOutboundRtpStats>,
}

/// How does the transport fare (`RTCTransportStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransportStats {
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
    /// The path in use.
    pub selected_path: Option<Path>,
    /// How often another path was chosen.
    pub selected_candidate_pair_changes: u64,
}

/// Which codec was agreed on (`RTCCodecStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodecStats {
    /// For which transceiver.
    pub transceiver: TransceiverId,
    /// Whether we send it; otherwise we take it.
    pub is_sent: bool,
    /// What packets carry.
    pub payload_type: u8,
    /// Such as `video/VP8`.
    pub mime_type: String,
    /// Ticks of the timestamp in a second.
    pub clock_rate: u32,
    /// Channels of sound.
    pub channels: Option<u8>,
    /// Its parameters, as a description writes them.
    pub sdp_fmtp_line: Option<String>,
}

/// Which stream (`RTCRtpStreamStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RtpStreamId {
    /// Its number.
    pub ssrc: Ssrc,
    /// The stream of its retransmissions.
    pub rtx_ssrc: Option<Ssrc>,
    /// Sound or pictures.
    pub kind: Kind,
    /// Whose it is.
    pub transceiver: TransceiverId,
    /// The name of its section.
    pub mid: String,
    /// The name of its encoding; empty if it has none.
    pub rid: String,
    /// The payload type of the codec, if one is in use.
    pub codec: Option<u8>,
}

/// How does a stream of the peer's fare (`RTCInboundRtpStreamStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundRtpStats {
    /// Which stream.
    pub stream: RtpStreamId,
    /// Packets and their loss.
    pub packets: InboundPackets,
    /// Frames that came of them.
    pub frames: InboundFrames,
    /// Messages that ask for packets.
    pub nack_count: u64,
    /// Messages that say that a picture was lost.
    pub pli_count: u64,
    /// Messages that ask for a key frame.
    pub fir_count: u64,
}

/// What of [`InboundRtpStats`] is about packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundPackets {
    /// Packets that came, those that came again, too.
    pub packets_received: u64,
    /// Packets that did not come; below zero if more came twice.
    pub packets_lost: i64,
    /// How much their spacing varies (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Packets that came and were not used: too late, twice, or too many.
    pub packets_discarded: u64,
    /// Bytes of their payloads.
    pub bytes_received: u64,
    /// Bytes of their headers and padding.
    pub header_bytes_received: u64,
    /// Packets that came in the stream of retransmissions.
    pub retransmitted_packets_received: u64,
    /// Bytes of their payloads.
    pub retransmitted_bytes_received: u64,
    /// When the last packet came.
    pub last_packet_received: Option<Instant>,
}

/// What of [`InboundRtpStats`] is about frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundFrames {
    /// Frames that came whole.
    pub frames_received: u64,
    /// Those of them that can be decoded without any other.
    pub key_frames_received: u64,
    /// Frames that did not come whole, or not in time, or cannot be decoded.
    pub frames_dropped: u64,
    /// Those of them that came in more than one packet.
    pub frames_assembled_from_multiple_packets: u64,
    /// How long these took from their first packet to their last.
    pub total_assembly_time: Duration,
    /// How long all frames were kept.
    pub jitter_buffer_delay: Duration,
    /// How long frames are waited for at present.
    pub jitter_buffer_target_delay: Duration,
}

/// How does a stream of ours fare (`RTCOutboundRtpStreamStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutboundRtpStats {
    /// Which stream.
    pub stream: RtpStreamId,
    /// Packets that were sent, those that were sent again, too.
    pub packets_sent: u64,
    /// Bytes of their payloads.
    pub bytes_sent: u64,
    /// Bytes of their headers.
    pub header_bytes_sent: u64,
    /// Packets that were sent again.
    pub retransmitted_packets_sent: u64,
    /// Bytes of their payloads.
    pub retransmitted_bytes_sent: u64,
    /// Frames that were sent.
    pub frames_sent: u64,
    /// Those of them that can be decoded without any other.
    pub key_frames_sent: u64,
    /// When the last packet was sent.
    pub last_packet_sent: Option<Instant>,
    /// What the peer's network carries, of all streams together, in bits a second, if it says so.
    pub target_bitrate: Option<u64>,
    /// Messages that asked for packets.
    pub nack_count: u64,
    /// Messages that said that a picture was lost.
    pub pli_count: u64,
    /// Messages that asked for a key frame.
    pub fir_count: u64,
}

/// What does the peer report of a stream of ours (`RTCRemoteInboundRtpStreamStats`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteInboundRtpStats {
    /// Which stream.
    pub ssrc: Ssrc,
    /// When the report came.
    pub timestamp: Instant,
    /// Packets that came there.
    pub packets_received: u64,
    /// Packets that did not come; below zero if more came twice.
    pub packets_lost: i64,
    /// Of 256 packets before the report, how many did not come.
    pub fraction_lost: u8,
    /// How much their spacing varies.
    pub jitter: Duration,
    /// The last round trip that was measured.
    pub round_trip_time: Option<Duration>,
    /// All of them together.
    pub total_round_trip_time: Duration,
    /// How many were measured.
    pub round_trip_time_measurements: u64,
}

/// What does the peer report of a stream of its own (`RTCRemoteOutboundRtpStreamStats`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteOutboundRtpStats {
    /// Which stream.
    pub ssrc: Ssrc,
    /// When the last report came.
    pub timestamp: Instant,
    /// When it was written, by the peer's clock.
    pub remote_timestamp: NtpTimestamp,
    /// Packets that were sent.
    pub packets_sent: u32,
    /// Bytes of their payloads.
    pub bytes_sent: u32,
    /// How many reports came.
    pub reports_sent: u64,
}

impl PeerConnection {
    /// How the streams of media, and what carries them, fare (W3C `getStats`).
    #[must_use]
    pub fn get_stats(&self, now: Instant) -> StatsReport {
        let mut report = StatsReport {
            timestamp: now,
            transport: transport_stats(&self.links.first),
            codecs: Vec::new(),
            inbound_rtp: Vec::new(),
            outbound_rtp: Vec::new(),
            remote_inbound_rtp: Vec::new(),
            remote_outbound_rtp: Vec::new(),
        };
        for link in self.links.iter() {
            report.add_media(link);
        }
        report
    }
}

impl StatsReport {
    /// What the media of one link count.
    fn add_media(&mut self, link: &Link) {
        let media = &link.media;
        for id in &link.lines {
            if let Some(parameters) = media.parameters(lines::line(*id)) {
                let audio = parameters.audio;
                let sent = parameters
                    .send
                    .iter()
                    .map(|one| codec(*id, one, audio, true));
                let taken = parameters.receive.iter();
                let taken = taken.map(|one| codec(*id, one, audio, false));
                self.codecs.extend(sent.chain(taken));
            }
        }
        for stream in media.inbound_streams() {
            self.inbound_rtp.extend(inbound(media, &stream));
            let remote = stream.stats.remote;
            let remote = remote.map(|remote| remote_outbound(stream.ssrc, &remote));
            self.remote_outbound_rtp.extend(remote);
        }
        for stream in media.outbound_streams() {
            self.outbound_rtp.extend(outbound(media, &stream));
            let clock_rate = media.send_codec(stream.line);
            let clock_rate = clock_rate.map_or(1, |codec| codec.clock_rate);
            let remote = stream.stats.remote;
            let remote = remote.map(|remote| remote_inbound(stream.ssrc, &remote, clock_rate));
            self.remote_inbound_rtp.extend(remote);
        }
    }
}

fn transport_stats(link: &Link) -> TransportStats {
    let stats = link.transport.stats();
    let ice = link.transport.ice();
    TransportStats {
        packets_sent: stats.packets_sent,
        packets_received: stats.packets_received,
        bytes_sent: stats.bytes_sent,
        bytes_received: stats.bytes_received,
        ice_role: ice.role(),
        ice_local_username_fragment: ice.local_credentials().ufrag.clone(),
        ice_state: ice.state(),
        dtls_state: link.dtls_state(),
        dtls_role: link.dtls_role(),
        negotiated: link.transport.dtls().and_then(DtlsTransport::negotiated),
        srtp_cipher: link.transport.srtp_profile(),
        selected_path: ice.selected_pair().map(|pair| pair.path),
        selected_candidate_pair_changes: ice.stats().selected_changes,
    }
}

fn inbound(media: &Media, stream: &InboundStream<'_>) -> Option<InboundRtpStats> {
    let stats = &stream.stats;
    let (packets, frames) = (&stats.packets, &stats.frames);
    let codec = stats.payload_type;
    Some(InboundRtpStats {
        stream: self::stream(
            media,
            stream.line,
            (stream.ssrc, stream.repair),
            stream.rid,
            codec,
        )?,
        packets: InboundPackets {
            packets_received: packets.received,
            packets_lost: stats.lost,
            jitter: stats.jitter,
            packets_discarded: packets.late + packets.duplicated + packets.overflowed,
            bytes_received: packets.bytes,
            header_bytes_received: packets.header_bytes,
            retransmitted_packets_received: packets.repeated,
            retransmitted_bytes_received: packets.repeated_bytes,
            last_packet_received: packets.last,
        },
        frames: InboundFrames {
            frames_received: frames.received,
            key_frames_received: frames.key,
            frames_dropped: frames.incomplete
                + frames.malformed
                + frames.undecodable
                + frames.overflowed,
            frames_assembled_from_multiple_packets: frames.multi_packet,
            total_assembly_time: frames.assembly_time,
            jitter_buffer_delay: frames.delay,
            jitter_buffer_target_delay: stats.target_delay,
        },
        nack_count: stats.feedback.nacks,
        pli_count: stats.feedback.plis,
        fir_count: stats.feedback.firs,
    })
}

fn outbound(media: &Media, stream: &OutboundStream<'_>) -> Option<OutboundRtpStats> {
    let stats = &stream.stats;
    let codec = media.send_codec(stream.line);
    let codec = codec.map(|codec| codec.payload_type);
    let target = media.stats().target_bitrate;
    Some(OutboundRtpStats {
        stream: self::stream(
            media,
            stream.line,
            (stream.ssrc, stream.repair),
            stream.rid,
            codec,
        )?,
        packets_sent: stats.sent.packets,
        bytes_sent: stats.sent.payload_bytes,
        header_bytes_sent: stats.sent.header_bytes,
        retransmitted_packets_sent: stats.repeated.packets,
        retransmitted_bytes_sent: stats.repeated.payload_bytes,
        frames_sent: stats.frames,
        key_frames_sent: stats.key_frames,
        last_packet_sent: stats.last_sent,
        target_bitrate: Some(target).filter(|target| *target != 0),
        nack_count: stats.requests.nacks,
        pli_count: stats.requests.plis,
        fir_count: stats.requests.firs,
    })
}

fn stream(
    media: &Media,
    line: LineId,
    (ssrc, rtx_ssrc): (Ssrc, Option<Ssrc>),
    rid: &str,
    codec: Option<PayloadType>,
) -> Option<RtpStreamId> {
    let parameters = media.parameters(line)?;
    Some(RtpStreamId {
        ssrc,
        rtx_ssrc,
        kind: kind(parameters.audio),
        transceiver: lines::transceiver(line),
        mid: parameters.mid.clone(),
        rid: rid.into(),
        codec: codec.map(PayloadType::number),
    })
}

const fn kind(audio: bool) -> Kind {
    if audio { Kind::Audio } else { Kind::Video }
}

fn codec(
    transceiver: TransceiverId,
    codec: &CodecParameters,
    audio: bool,
    is_sent: bool,
) -> CodecStats {
    let fmtp = &codec.parameters;
    CodecStats {
        transceiver,
        is_sent,
        payload_type: codec.payload_type.number(),
        mime_type: [kind(audio).as_str(), &codec.name].join("/"),
        clock_rate: codec.clock_rate,
        channels: audio.then_some(codec.channels),
        sdp_fmtp_line: (!fmtp.is_empty()).then(|| fmtp.clone()),
    }
}

fn remote_inbound(ssrc: Ssrc, remote: &Remote, clock_rate: u32) -> RemoteInboundRtpStats {
    let nanos = u64::from(remote.jitter) * 1_000_000_000 / u64::from(clock_rate.max(1));
    RemoteInboundRtpStats {
        ssrc,
        timestamp: remote.at,
        packets_received: remote.packets_received,
        packets_lost: remote.packets_lost.into(),
        fraction_lost: remote.fraction_lost,
        jitter: Duration::from_nanos(nanos),
        round_trip_time: remote.round_trip,
        total_round_trip_time: remote.total_round_trip,
        round_trip_time_measurements: remote.round_trips,
    }
}

fn remote_outbound(ssrc: Ssrc, remote: &RemoteStats) -> RemoteOutboundRtpStats {
    RemoteOutboundRtpStats {
        ssrc,
        timestamp: remote.received,
        remote_timestamp: NtpTimestamp(remote.ntp),
        packets_sent: remote.packets,
        bytes_sent: remote.bytes,
        reports_sent: remote.reports,
    }
}
