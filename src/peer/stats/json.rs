//! The W3C's names, for any format of serde.
//!
//! Members that are not known are left out, and so are those of which the W3C says that
//! they must not exist for sound.

use core::fmt;
use core::time::Duration;

use alloc::string::{String, ToString};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{
    CandidatePairStats, CertificateStats, CodecStats, DataChannelStats, IceCandidateStats,
    InboundRtpStats, MediaSourceStats, OutboundRtpStats, PeerConnectionStats,
    RemoteInboundRtpStats, RemoteOutboundRtpStats, RtpStreamId, StatsEntry, StatsId, StatsReport,
    Timestamp, TransportStats,
};
use crate::dtls;
use crate::jsep::Kind;
use crate::net::{CandidateKind, TcpKind};

/// An object of entries by their ids.
impl Serialize for StatsReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries().map(|entry| (entry.id(), entry)))
    }
}

impl Serialize for StatsEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::PeerConnection(one) => one.serialize(serializer),
            Self::DataChannel(one) => one.serialize(serializer),
            Self::Transport(one) => one.serialize(serializer),
            Self::CandidatePair(one) => one.serialize(serializer),
            Self::LocalCandidate(one) | Self::RemoteCandidate(one) => one.serialize(serializer),
            Self::Certificate(one) => one.serialize(serializer),
            Self::Codec(one) => one.serialize(serializer),
            Self::MediaSource(one) => one.serialize(serializer),
            Self::InboundRtp(one) => one.serialize(serializer),
            Self::OutboundRtp(one) => one.serialize(serializer),
            Self::RemoteInboundRtp(one) => one.serialize(serializer),
            Self::RemoteOutboundRtp(one) => one.serialize(serializer),
        }
    }
}

impl Serialize for StatsId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Milliseconds (`DOMHighResTimeStamp`).
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        millis(self.unix()).serialize(serializer)
    }
}

impl Serialize for PeerConnectionStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("dataChannelsOpened", self.data_channels_opened)
            .put("dataChannelsClosed", self.data_channels_closed)
            .end()
    }
}

impl Serialize for DataChannelStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("label", &self.label)
            .put("protocol", &self.protocol)
            .known("dataChannelIdentifier", self.data_channel_identifier)
            .put("state", self.state.as_str())
            .put("messagesSent", self.traffic.messages_sent)
            .put("bytesSent", self.traffic.bytes_sent)
            .put("messagesReceived", self.traffic.messages_received)
            .put("bytesReceived", self.traffic.bytes_received)
            .end()
    }
}

impl Serialize for TransportStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let agreed = self.negotiated;
        let version = agreed.map(|agreed| alloc::format!("{:04X}", agreed.version.0));
        Object::new(serializer, self.id, self.timestamp)?
            .put("packetsSent", self.packets_sent)
            .put("packetsReceived", self.packets_received)
            .put("bytesSent", self.bytes_sent)
            .put("bytesReceived", self.bytes_received)
            .put("iceRole", self.ice_role.as_str())
            .put(
                "iceLocalUsernameFragment",
                &self.ice_local_username_fragment,
            )
            .put("dtlsState", self.dtls_state.as_str())
            .put("iceState", self.ice_state.as_str())
            .known("selectedCandidatePairId", self.selected_candidate_pair_id)
            .known("localCertificateId", self.local_certificate_id)
            .known("remoteCertificateId", self.remote_certificate_id)
            .known("tlsVersion", version)
            .known("dtlsCipher", agreed.map(|agreed| Text(agreed.cipher_suite)))
            .put(
                "dtlsRole",
                self.dtls_role.map_or("unknown", dtls::Role::as_str),
            )
            .known("srtpCipher", self.srtp_cipher.map(Text))
            .put(
                "selectedCandidatePairChanges",
                self.selected_candidate_pair_changes,
            )
            .end()
    }
}

impl Serialize for CandidatePairStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counted = &self.counted;
        Object::new(serializer, self.id, self.timestamp)?
            .put("transportId", self.transport_id)
            .put("localCandidateId", self.local_candidate_id)
            .put("remoteCandidateId", self.remote_candidate_id)
            .put("state", self.state.as_str())
            .put("nominated", self.nominated)
            .put("packetsSent", counted.packets_sent)
            .put("packetsReceived", counted.packets_received)
            .put("bytesSent", counted.bytes_sent)
            .put("bytesReceived", counted.bytes_received)
            .known("lastPacketSentTimestamp", self.last_packet_sent)
            .known("lastPacketReceivedTimestamp", self.last_packet_received)
            .put("totalRoundTripTime", seconds(counted.total_round_trip))
            .known(
                "currentRoundTripTime",
                counted.current_round_trip.map(seconds),
            )
            .known(
                "availableOutgoingBitrate",
                self.available_outgoing_bitrate.map(double),
            )
            .known(
                "availableIncomingBitrate",
                self.available_incoming_bitrate.map(double),
            )
            .put("requestsReceived", counted.requests_received)
            .put("requestsSent", counted.requests_sent)
            .put("responsesReceived", counted.responses_received)
            .put("responsesSent", counted.responses_sent)
            .put("consentRequestsSent", counted.consent_requests_sent)
            .put("packetsDiscardedOnSend", counted.packets_discarded)
            .put("bytesDiscardedOnSend", counted.bytes_discarded)
            .end()
    }
}

impl Serialize for IceCandidateStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("transportId", self.transport_id)
            // `null` if it is not for others to know.
            .put("address", &self.address)
            .put("port", self.port)
            .put("protocol", Text(self.protocol))
            .put("candidateType", candidate_type(self.candidate_type))
            .put("priority", self.priority)
            .known("url", self.url.as_ref().map(Text))
            .known("relayProtocol", self.relay_protocol.map(Text))
            .put("foundation", &self.foundation)
            .known("relatedAddress", self.related_address.as_ref())
            .known("relatedPort", self.related_port)
            .known("usernameFragment", self.username_fragment.as_ref())
            .known("tcpType", self.tcp_type.map(tcp_type))
            .end()
    }
}

impl Serialize for CertificateStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As a description writes it: the algorithm, a space, and the digits.
        let text = self.fingerprint.to_string();
        let (algorithm, digits) = text.split_once(' ').unwrap_or_default();
        Object::new(serializer, self.id, self.timestamp)?
            .put("fingerprint", digits)
            .put("fingerprintAlgorithm", algorithm)
            .put("base64Certificate", base64(&self.der))
            .end()
    }
}

impl Serialize for CodecStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("payloadType", self.payload_type)
            .put("transportId", self.transport_id)
            .put("mimeType", &self.mime_type)
            .put("clockRate", self.clock_rate)
            .known("channels", self.channels)
            .known("sdpFmtpLine", self.sdp_fmtp_line.as_ref())
            .end()
    }
}

impl Serialize for MediaSourceStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("trackIdentifier", &self.track_identifier)
            .put("kind", self.kind.as_str())
            .end()
    }
}

impl Serialize for InboundRtpStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (packets, frames) = (&self.packets, &self.frames);
        let is_video = self.stream.kind == Kind::Video;
        Object::new(serializer, self.id, self.timestamp)?
            .stream(&self.stream)
            .known("remoteId", self.remote_id)
            .put("trackIdentifier", &self.track_identifier)
            .put("packetsReceived", packets.packets_received)
            .put("packetsLost", packets.packets_lost)
            .put("jitter", seconds(packets.jitter))
            .put("packetsDiscarded", packets.packets_discarded)
            .put("bytesReceived", packets.bytes_received)
            .put("headerBytesReceived", packets.header_bytes_received)
            .known("lastPacketReceivedTimestamp", packets.last_packet_received)
            .put("nackCount", self.nack_count)
            // Repeated packets can be told only where they have a stream of their own.
            .only_if(self.stream.rtx_ssrc.is_some(), |object| {
                object
                    .put(
                        "retransmittedPacketsReceived",
                        packets.retransmitted_packets_received,
                    )
                    .put(
                        "retransmittedBytesReceived",
                        packets.retransmitted_bytes_received,
                    )
            })
            .only_if(is_video, |object| {
                object
                    .put("firCount", self.fir_count)
                    .put("pliCount", self.pli_count)
                    .put("framesReceived", frames.frames_received)
                    .put("framesDropped", frames.frames_dropped)
                    .put(
                        "framesAssembledFromMultiplePackets",
                        frames.frames_assembled_from_multiple_packets,
                    )
                    .put("totalAssemblyTime", seconds(frames.total_assembly_time))
                    // Of sound it is counted in samples, which only a decoder knows.
                    .put("jitterBufferDelay", seconds(frames.jitter_buffer_delay))
                    .put("jitterBufferEmittedCount", frames.frames_received)
            })
            .end()
    }
}

impl Serialize for OutboundRtpStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_video = self.stream.kind == Kind::Video;
        let rid = Some(&self.stream.rid).filter(|rid| is_video && !rid.is_empty());
        Object::new(serializer, self.id, self.timestamp)?
            .stream(&self.stream)
            .known("mediaSourceId", self.media_source_id)
            .known("remoteId", self.remote_id)
            .known("rid", rid)
            .known("encodingIndex", self.encoding_index.filter(|_| is_video))
            .put("active", self.active)
            .put("packetsSent", self.packets_sent)
            .put("bytesSent", self.bytes_sent)
            .put("headerBytesSent", self.header_bytes_sent)
            .put("retransmittedPacketsSent", self.retransmitted_packets_sent)
            .put("retransmittedBytesSent", self.retransmitted_bytes_sent)
            .put("nackCount", self.nack_count)
            .only_if(is_video, |object| {
                object
                    .put("firCount", self.fir_count)
                    .put("pliCount", self.pli_count)
                    .put("framesSent", self.frames_sent)
                    // They come encoded from the application.
                    .put("framesEncoded", self.frames_sent)
                    .put("keyFramesEncoded", self.key_frames_sent)
            })
            .end()
    }
}

impl Serialize for RemoteInboundRtpStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("ssrc", self.ssrc.0)
            .put("kind", self.kind.as_str())
            .put("transportId", self.transport_id)
            .known("codecId", self.codec_id)
            .put("localId", self.local_id)
            .put("packetsReceived", self.packets_received)
            .put("packetsLost", self.packets_lost)
            .put("jitter", seconds(self.jitter))
            .put("fractionLost", f64::from(self.fraction_lost) / 256.0)
            .known("roundTripTime", self.round_trip_time.map(seconds))
            .put("totalRoundTripTime", seconds(self.total_round_trip_time))
            .put(
                "roundTripTimeMeasurements",
                self.round_trip_time_measurements,
            )
            .end()
    }
}

impl Serialize for RemoteOutboundRtpStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object::new(serializer, self.id, self.timestamp)?
            .put("ssrc", self.ssrc.0)
            .put("kind", self.kind.as_str())
            .put("transportId", self.transport_id)
            .known("codecId", self.codec_id)
            .put("localId", self.local_id)
            .put("packetsSent", self.packets_sent)
            .put("bytesSent", self.bytes_sent)
            .put("remoteTimestamp", millis(self.remote_timestamp.to_unix()))
            .put("reportsSent", self.reports_sent)
            .end()
    }
}

/// An entry that is being written. The first error stays until the end.
struct Object<M: SerializeMap>(Result<M, M::Error>);

impl<M: SerializeMap> Object<M> {
    /// With what all entries have (`RTCStats`).
    fn new<S>(serializer: S, id: StatsId, timestamp: Timestamp) -> Result<Self, M::Error>
    where
        S: Serializer<SerializeMap = M, Ok = M::Ok, Error = M::Error>,
    {
        let object = Self(Ok(serializer.serialize_map(None)?));
        Ok(object
            .put("id", id)
            .put("type", id.type_name())
            .put("timestamp", timestamp))
    }

    fn put(mut self, name: &'static str, value: impl Serialize) -> Self {
        if let Ok(map) = &mut self.0
            && let Err(error) = map.serialize_entry(name, &value)
        {
            self.0 = Err(error);
        }
        self
    }

    /// Writes it if it is known.
    fn known<T: Serialize>(self, name: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    /// Writes these members if there are such.
    fn only_if(self, there_are: bool, write: impl FnOnce(Self) -> Self) -> Self {
        match there_are {
            true => write(self),
            false => self,
        }
    }

    /// What all streams of ours have, and that are measured here (`RTCRtpStreamStats`).
    fn stream(self, stream: &RtpStreamId) -> Self {
        self.put("ssrc", stream.ssrc.0)
            .put("kind", stream.kind.as_str())
            .put("transportId", stream.transport_id)
            .known("codecId", stream.codec_id)
            .put("mid", &stream.mid)
            .known("rtxSsrc", stream.rtx_ssrc.map(|ssrc| ssrc.0))
    }

    fn end(self) -> Result<M::Ok, M::Error> {
        self.0?.end()
    }
}

/// What is printed as it is displayed.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// No rate is so high that this is not exact.
const fn double(bitrate: u64) -> f64 {
    bitrate as f64
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// W3C `RTCIceCandidateType`.
const fn candidate_type(kind: CandidateKind) -> &'static str {
    match kind {
        CandidateKind::Host => "host",
        CandidateKind::ServerReflexive => "srflx",
        CandidateKind::PeerReflexive => "prflx",
        CandidateKind::Relayed => "relay",
    }
}

/// W3C `RTCIceTcpCandidateType`.
const fn tcp_type(kind: TcpKind) -> &'static str {
    match kind {
        TcpKind::Active => "active",
        TcpKind::Passive => "passive",
        TcpKind::SimultaneousOpen => "so",
    }
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    let letters = |chunk: &[u8]| {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        let used = chunk.len() + 1;
        [18, 12, 6, 0]
            .into_iter()
            .enumerate()
            .map(move |(place, shift)| {
                let letter = LETTERS.get((word >> shift & 63) as usize);
                let letter = letter.filter(|_| place < used);
                char::from(letter.copied().unwrap_or(b'='))
            })
    };
    bytes.chunks(3).flat_map(letters).collect()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 §10.
    #[test]
    fn base64_is_as_the_rfc_has_it() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
