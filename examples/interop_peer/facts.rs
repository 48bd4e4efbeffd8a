//! The parts of the event `stats`.

use core::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::net::{Candidate, CandidateKind};
use pollrtc::peer::{InboundRtpStats, OutboundRtpStats, RtpStreamId, StatsReport};
use serde_json::{Value, json};

/// One end of the selected pair.
pub(crate) fn candidate(peer: &PeerConnection, candidate: &Candidate) -> Value {
    let kind = match candidate.kind {
        CandidateKind::Host => "host",
        CandidateKind::ServerReflexive => "srflx",
        CandidateKind::PeerReflexive => "prflx",
        CandidateKind::Relayed => "relay",
    };
    let address = candidate.address.ip();
    let relay = address.and_then(|address| peer.ice().relay(address));
    json!({
        "type": kind,
        "ip": address.map(|address| address.ip().to_string()),
        "port": address.map(|address| address.port()),
        "protocol": candidate.protocol.to_string(),
        "relay_protocol": relay.map(|(_, path)| path.protocol.to_string()),
    })
}

/// A stream that comes.
pub(crate) fn inbound(x: &InboundRtpStats, report: &StatsReport) -> Value {
    json!({
        "kind": x.stream.kind.as_str(),
        "mid": x.stream.mid,
        "rid": x.stream.rid,
        "ssrc": x.stream.ssrc.0,
        "codec": codec(&x.stream, report),
        "packets": x.packets.packets_received,
        "bytes": x.packets.bytes_received,
        "lost": x.packets.packets_lost,
        "jitter_ms": millis(x.packets.jitter),
        "frames": x.frames.frames_received,
        "whole_frames": x.frames.frames_received,
        "key_frames": x.frames.key_frames_received,
        "dropped_frames": x.frames.frames_dropped,
        "repairs": x.packets.retransmitted_packets_received,
        "nack": x.nack_count,
        "pli": x.pli_count,
        "fir": x.fir_count,
    })
}

/// A stream that goes.
pub(crate) fn outbound(x: &OutboundRtpStats, report: &StatsReport) -> Value {
    let mut remote = report.remote_inbound_rtp.iter();
    let rtt = remote
        .find(|remote| remote.ssrc == x.stream.ssrc)
        .and_then(|remote| remote.round_trip_time);
    json!({
        "kind": x.stream.kind.as_str(),
        "mid": x.stream.mid,
        "rid": x.stream.rid,
        "ssrc": x.stream.ssrc.0,
        "codec": codec(&x.stream, report),
        "packets": x.packets_sent,
        "bytes": x.bytes_sent,
        "frames": x.frames_sent,
        "key_frames": x.key_frames_sent,
        "repairs": x.retransmitted_packets_sent,
        "target": x.target_bitrate,
        "rtt_ms": rtt.map(millis),
        "nack": x.nack_count,
        "pli": x.pli_count,
        "fir": x.fir_count,
    })
}

fn codec<'a>(stream: &RtpStreamId, report: &'a StatsReport) -> Option<&'a str> {
    let mut codecs = report.codecs.iter();
    let found = codecs.find(|codec| Some(codec.id) == stream.codec_id)?;
    found.mime_type.rsplit('/').next()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
