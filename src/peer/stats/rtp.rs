//! Streams of sound and pictures, their codecs and sources.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use core::hash::{Hash, Hasher};
use core::time::Duration;

use siphasher::sip::SipHasher13;

use super::StatsReport;
use super::id::{StatsId, Thing, Timestamp};
use crate::jsep::{Kind, Transceiver, TransceiverId};
use crate::media::{CodecParameters, InboundStream, LineId, LineParameters, Media, OutboundStream};
use crate::peer::lines;
use crate::peer::link::Link;
use crate::rtp::receiver::RemoteStats;
use crate::rtp::sender::Remote;
use crate::wire::rtcp::NtpTimestamp;
use crate::wire::rtp::{PayloadType, Ssrc};

/// Which codec does a stream use (`RTCCodecStats`)?
///
/// One entry for all streams of a transport in which a payload type means the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodecStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// On which transport.
    pub transport_id: StatsId,
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
    /// The entry of that codec.
    pub codec_id: Option<StatsId>,
    /// What carries it.
    pub transport_id: StatsId,
}

/// What is there to be sent (`RTCMediaSourceStats`)?
///
/// How loud or how large it is, the application knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaSourceStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// The transceiver that sends it.
    pub transceiver: TransceiverId,
    /// The name of the track.
    pub track_identifier: String,
    /// Sound or pictures.
    pub kind: Kind,
}

/// How does a stream of the peer's fare (`RTCInboundRtpStreamStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboundRtpStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Which stream.
    pub stream: RtpStreamId,
    /// The peer's name of the track, or the transceiver's number if it gave none.
    pub track_identifier: String,
    /// What the peer says of it.
    pub remote_id: Option<StatsId>,
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
    /// Packets that came and were not used: too late, or too many.
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
    pub last_packet_received: Option<Timestamp>,
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
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Which stream.
    pub stream: RtpStreamId,
    /// What it is made of, if there is anything at present.
    pub media_source_id: Option<StatsId>,
    /// What the peer says of it.
    pub remote_id: Option<StatsId>,
    /// Which of the transceiver's encodings it is.
    pub encoding_index: Option<usize>,
    /// Whether the application wants it to be sent.
    pub active: bool,
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
    pub last_packet_sent: Option<Timestamp>,
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
    /// Which one.
    pub id: StatsId,
    /// When the report came.
    pub timestamp: Timestamp,
    /// What we say of it.
    pub local_id: StatsId,
    /// What carries it.
    pub transport_id: StatsId,
    /// The codec, if one is in use.
    pub codec_id: Option<StatsId>,
    /// Sound or pictures.
    pub kind: Kind,
    /// Which stream.
    pub ssrc: Ssrc,
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
    /// Which one.
    pub id: StatsId,
    /// When the last report came.
    pub timestamp: Timestamp,
    /// What we say of it.
    pub local_id: StatsId,
    /// What carries it.
    pub transport_id: StatsId,
    /// The codec, if one is in use.
    pub codec_id: Option<StatsId>,
    /// Sound or pictures.
    pub kind: Kind,
    /// Which stream.
    pub ssrc: Ssrc,
    /// When it was written, by the peer's clock.
    pub remote_timestamp: NtpTimestamp,
    /// Packets that were sent.
    pub packets_sent: u32,
    /// Bytes of their payloads.
    pub bytes_sent: u32,
    /// How many reports came.
    pub reports_sent: u64,
}

/// Those of a connection, to be found without looking at all of them.
pub(super) type Transceivers<'a> = BTreeMap<TransceiverId, &'a Transceiver>;

impl StatsReport {
    /// What is known of the streams of a transport.
    pub(super) fn add_streams(&mut self, link: &Link, peer: &Transceivers<'_>) {
        let transport = link.id.number();
        for stream in link.media.inbound_streams() {
            self.add_inbound(peer, transport, &link.media, &stream);
        }
        for stream in link.media.outbound_streams() {
            self.add_outbound(peer, transport, &link.media, &stream);
        }
    }

    /// What is there to be sent, whether it is sent or not.
    pub(super) fn add_sources<'a>(&mut self, all: impl Iterator<Item = &'a Transceiver>) {
        let timestamp = self.timestamp;
        let all = all.filter(|one| !one.is_stopping());
        self.media_sources.extend(all.filter_map(|transceiver| {
            Some(MediaSourceStats {
                id: source_id(transceiver),
                timestamp,
                transceiver: transceiver.id(),
                track_identifier: transceiver.track()?.into(),
                kind: transceiver.kind(),
            })
        }));
    }

    fn add_inbound(
        &mut self,
        peer: &Transceivers<'_>,
        transport: u32,
        media: &Media,
        stream: &InboundStream<'_>,
    ) {
        let Some(parameters) = media.parameters(stream.line) else {
            return;
        };
        let (stats, counted) = (&stream.stats, &stream.stats.packets);
        let codec = stats.payload_type;
        let codec = codec.and_then(|number| parameters.receive.iter().find(of_type(number)));
        let described = self.stream(transport, stream.line, parameters, codec);
        let described = RtpStreamId {
            ssrc: stream.ssrc,
            rtx_ssrc: stream.repair,
            rid: stream.rid.into(),
            ..described
        };
        let transceiver = described.transceiver;
        let of = |thing: fn(u32, u32) -> Thing| StatsId(thing(transceiver.number(), stream.ssrc.0));
        let (id, remote_id) = (of(Thing::InboundRtp), of(Thing::RemoteOutboundRtp));
        if let Some(remote) = &stats.remote {
            let remote = self.remote_outbound((remote_id, id), &described, remote);
            self.remote_outbound_rtp.push(remote);
        }
        self.inbound_rtp.push(InboundRtpStats {
            id,
            timestamp: self.timestamp,
            stream: described,
            track_identifier: track_of(peer.get(&transceiver).copied(), transceiver),
            remote_id: stats.remote.map(|_| remote_id),
            packets: InboundPackets {
                packets_received: counted.received,
                packets_lost: stats.lost,
                jitter: stats.jitter,
                packets_discarded: counted.late + counted.overflowed,
                bytes_received: counted.bytes,
                header_bytes_received: counted.header_bytes,
                retransmitted_packets_received: counted.repeated,
                retransmitted_bytes_received: counted.repeated_bytes,
                last_packet_received: counted.last.map(|at| self.clock().read(at)),
            },
            frames: frames(stream),
            nack_count: stats.feedback.nacks,
            pli_count: stats.feedback.plis,
            fir_count: stats.feedback.firs,
        });
    }

    fn add_outbound(
        &mut self,
        peer: &Transceivers<'_>,
        transport: u32,
        media: &Media,
        stream: &OutboundStream<'_>,
    ) {
        let Some(parameters) = media.parameters(stream.line) else {
            return;
        };
        let stats = &stream.stats;
        // W3C webrtc-stats §6.1: it begins when sending is agreed on, and does not end when
        // it is not any more.
        if !parameters.sends && stats.sent.packets == 0 {
            return;
        }
        let codec = media.send_codec(stream.line);
        let described = self.stream(transport, stream.line, parameters, codec);
        let described = RtpStreamId {
            ssrc: stream.ssrc,
            rtx_ssrc: stream.repair,
            rid: stream.rid.into(),
            ..described
        };
        let number = described.transceiver.number();
        let of = |thing: fn(u32, u32) -> Thing| StatsId(thing(number, stream.ssrc.0));
        let (id, remote_id) = (of(Thing::OutboundRtp), of(Thing::RemoteInboundRtp));
        if let Some(remote) = &stats.remote {
            let ticks = codec.map_or(1, |codec| codec.clock_rate);
            let remote = self.remote_inbound((remote_id, id), &described, remote, ticks);
            self.remote_inbound_rtp.push(remote);
        }
        let transceiver = peer.get(&described.transceiver).copied();
        let encodings = transceiver.map_or(&[][..], Transceiver::encodings);
        let index = encodings.iter().position(|one| one.rid == stream.rid);
        let encoding = index.and_then(|index| encodings.get(index));
        let source = transceiver.filter(|one| one.track().is_some() && !one.is_stopping());
        let target = media.stats().target_bitrate;
        self.outbound_rtp.push(OutboundRtpStats {
            id,
            timestamp: self.timestamp,
            stream: described,
            media_source_id: source.map(source_id),
            remote_id: stats.remote.map(|_| remote_id),
            encoding_index: index,
            active: encoding.is_none_or(|encoding| !encoding.paused),
            packets_sent: stats.sent.packets,
            bytes_sent: stats.sent.payload_bytes,
            header_bytes_sent: stats.sent.header_bytes,
            retransmitted_packets_sent: stats.repeated.packets,
            retransmitted_bytes_sent: stats.repeated.payload_bytes,
            frames_sent: stats.frames,
            key_frames_sent: stats.key_frames,
            last_packet_sent: stats.last_sent.map(|at| self.clock().read(at)),
            target_bitrate: Some(target).filter(|target| *target != 0),
            nack_count: stats.requests.nacks,
            pli_count: stats.requests.plis,
            fir_count: stats.requests.firs,
        });
    }

    /// A stream of a line, but for its own numbers and name.
    fn stream(
        &mut self,
        transport: u32,
        line: LineId,
        parameters: &LineParameters,
        codec: Option<&CodecParameters>,
    ) -> RtpStreamId {
        let kind = kind(parameters.audio);
        RtpStreamId {
            ssrc: Ssrc(0),
            rtx_ssrc: None,
            kind,
            transceiver: lines::transceiver(line),
            mid: parameters.mid.clone(),
            rid: String::new(),
            codec: codec.map(|codec| codec.payload_type.number()),
            codec_id: codec.map(|codec| self.add_codec(transport, kind, codec)),
            transport_id: StatsId(Thing::Transport(transport)),
        }
    }

    /// An entry for a codec, unless there is one.
    fn add_codec(&mut self, transport: u32, kind: Kind, codec: &CodecParameters) -> StatsId {
        let number = codec.payload_type.number();
        let id = StatsId(Thing::Codec(transport, number, meaning(codec)));
        if self.codecs.iter().all(|known| known.id != id) {
            let fmtp = &codec.parameters;
            self.codecs.push(CodecStats {
                id,
                timestamp: self.timestamp,
                transport_id: StatsId(Thing::Transport(transport)),
                payload_type: number,
                mime_type: [kind.as_str(), &codec.name].join("/"),
                clock_rate: codec.clock_rate,
                channels: (kind == Kind::Audio).then_some(codec.channels),
                sdp_fmtp_line: (!fmtp.is_empty()).then(|| fmtp.clone()),
            });
        }
        id
    }

    fn remote_inbound(
        &self,
        (id, local_id): (StatsId, StatsId),
        stream: &RtpStreamId,
        remote: &Remote,
        clock_rate: u32,
    ) -> RemoteInboundRtpStats {
        let nanos = u64::from(remote.jitter) * 1_000_000_000 / u64::from(clock_rate.max(1));
        RemoteInboundRtpStats {
            id,
            timestamp: self.clock().read(remote.at),
            local_id,
            transport_id: stream.transport_id,
            codec_id: stream.codec_id,
            kind: stream.kind,
            ssrc: stream.ssrc,
            packets_received: remote.packets_received,
            packets_lost: remote.packets_lost.into(),
            fraction_lost: remote.fraction_lost,
            jitter: Duration::from_nanos(nanos),
            round_trip_time: remote.round_trip,
            total_round_trip_time: remote.total_round_trip,
            round_trip_time_measurements: remote.round_trips,
        }
    }

    fn remote_outbound(
        &self,
        (id, local_id): (StatsId, StatsId),
        stream: &RtpStreamId,
        remote: &RemoteStats,
    ) -> RemoteOutboundRtpStats {
        RemoteOutboundRtpStats {
            id,
            timestamp: self.clock().read(remote.received),
            local_id,
            transport_id: stream.transport_id,
            codec_id: stream.codec_id,
            kind: stream.kind,
            ssrc: stream.ssrc,
            remote_timestamp: NtpTimestamp(remote.ntp),
            packets_sent: remote.packets,
            bytes_sent: remote.bytes,
            reports_sent: remote.reports,
        }
    }
}

fn frames(stream: &InboundStream<'_>) -> InboundFrames {
    let frames = &stream.stats.frames;
    InboundFrames {
        frames_received: frames.received,
        key_frames_received: frames.key,
        frames_dropped: frames.incomplete
            + frames.malformed
            + frames.undecodable
            + frames.overflowed,
        frames_assembled_from_multiple_packets: frames.multi_packet,
        total_assembly_time: frames.assembly_time,
        jitter_buffer_delay: frames.delay,
        jitter_buffer_target_delay: stream.stats.target_delay,
    }
}

/// What the peer calls the track that comes.
fn track_of(transceiver: Option<&Transceiver>, id: TransceiverId) -> String {
    let remote = transceiver.and_then(Transceiver::remote);
    let mut streams = remote.into_iter().flat_map(|remote| &remote.streams);
    let named = streams.find_map(|stream| stream.track.clone());
    named.unwrap_or_else(|| id.number().to_string())
}

fn source_id(transceiver: &Transceiver) -> StatsId {
    StatsId(Thing::MediaSource(transceiver.id().number()))
}

fn of_type(number: PayloadType) -> impl Fn(&&CodecParameters) -> bool {
    move |codec| codec.payload_type == number
}

const fn kind(audio: bool) -> Kind {
    if audio { Kind::Audio } else { Kind::Video }
}

/// A payload type may mean something else in each direction, and after another exchange.
fn meaning(codec: &CodecParameters) -> u64 {
    let mut hasher = SipHasher13::new();
    let what = (
        &codec.name,
        codec.clock_rate,
        codec.channels,
        &codec.parameters,
    );
    what.hash(&mut hasher);
    hasher.finish()
}
