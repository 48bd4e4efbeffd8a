//! What the W3C's dictionaries have, read from their own text.

use std::collections::BTreeMap;

use serde_json::Value;

/// Dictionaries and enumerations by name.
pub(crate) struct Spec {
    dictionaries: BTreeMap<&'static str, Dictionary>,
    enumerations: BTreeMap<&'static str, Vec<&'static str>>,
}

#[derive(Default)]
struct Dictionary {
    parent: Option<&'static str>,
    members: Vec<Member>,
}

/// `required DOMString transportId;`
#[derive(Clone, Copy)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) is_required: bool,
}

impl Spec {
    pub(crate) fn new() -> Self {
        let (mut dictionaries, mut enumerations) = (BTreeMap::new(), BTreeMap::new());
        for block in include_str!("../vectors/stats/webrtc-stats.idl").split("};") {
            let Some((head, body)) = block.split_once('{') else {
                continue;
            };
            let head = head.lines().last().unwrap().trim();
            if let Some(name) = head.strip_prefix("enum ") {
                let words = body.split('"').skip(1).step_by(2);
                enumerations.insert(name.trim(), words.collect());
                continue;
            }
            let names = head.strip_prefix("dictionary ").unwrap();
            let (name, parent) = match names.split_once(':') {
                Some((name, parent)) => (name, Some(parent.trim())),
                None => (names, None),
            };
            let members = body
                .split(';')
                .map(str::trim)
                .filter(|line| !line.is_empty());
            let members = members.map(Member::read).collect();
            dictionaries.insert(name.trim(), Dictionary { parent, members });
        }
        Self {
            dictionaries,
            enumerations,
        }
    }

    /// The members of a type of entries, inherited ones too.
    pub(crate) fn members(&self, entry: &Value) -> Vec<Member> {
        let mut name = Some(dictionary_of(entry));
        let mut members = Vec::new();
        while let Some(dictionary) = name.map(|name| &self.dictionaries[name]) {
            members.extend(&dictionary.members);
            name = dictionary.parent;
        }
        members
    }

    /// Whether a value is of a type of WebIDL, as JSON has it.
    pub(crate) fn is_of(&self, kind: &str, value: &Value) -> bool {
        match kind {
            "DOMString" => value.is_string(),
            "DOMString?" => value.is_string() || value.is_null(),
            "boolean" => value.is_boolean(),
            "double" | "DOMHighResTimeStamp" => value.is_f64(),
            "unsigned short" => value.as_u64().is_some_and(|value| value <= 0xffff),
            "unsigned long" => value.as_u64().is_some_and(|value| value <= 0xffff_ffff),
            "unsigned long long" => value.is_u64(),
            "long" | "long long" => value.is_i64() || value.is_u64(),
            _ => {
                let words = &self.enumerations[kind];
                value.as_str().is_some_and(|word| words.contains(&word))
            }
        }
    }
}

impl Member {
    fn read(line: &'static str) -> Self {
        let (kind, name) = line.rsplit_once(' ').unwrap();
        let required = kind.strip_prefix("required ");
        Self {
            name,
            kind: required.unwrap_or(kind).trim(),
            is_required: required.is_some(),
        }
    }
}

/// The table at the end of webrtc-stats.
fn dictionary_of(entry: &Value) -> &'static str {
    match entry["type"].as_str().unwrap() {
        "codec" => "RTCCodecStats",
        "inbound-rtp" => "RTCInboundRtpStreamStats",
        "outbound-rtp" => "RTCOutboundRtpStreamStats",
        "remote-inbound-rtp" => "RTCRemoteInboundRtpStreamStats",
        "remote-outbound-rtp" => "RTCRemoteOutboundRtpStreamStats",
        "media-source" if entry["kind"] == "audio" => "RTCAudioSourceStats",
        "media-source" => "RTCVideoSourceStats",
        "peer-connection" => "RTCPeerConnectionStats",
        "data-channel" => "RTCDataChannelStats",
        "transport" => "RTCTransportStats",
        "candidate-pair" => "RTCIceCandidatePairStats",
        "local-candidate" | "remote-candidate" => "RTCIceCandidateStats",
        "certificate" => "RTCCertificateStats",
        other => panic!("no type of the W3C's: {other}"),
    }
}

/// W3C webrtc-pc §8.6: what has to be there when it is valid. What is not in the list,
/// and why: see `json.rs`.
pub(crate) const MANDATORY: [(&str, &[&str]); 13] = [
    (
        "codec",
        &[
            "payloadType",
            "mimeType",
            "clockRate",
            "channels",
            "sdpFmtpLine",
        ],
    ),
    (
        "inbound-rtp",
        &[
            "ssrc",
            "kind",
            "transportId",
            "codecId",
            "packetsReceived",
            "packetsLost",
            "jitter",
            "trackIdentifier",
            "remoteId",
            "framesDecoded",
            "framesDropped",
            "nackCount",
            "framesReceived",
            "bytesReceived",
            "totalAudioEnergy",
            "totalSamplesDuration",
            "packetsDiscarded",
        ],
    ),
    (
        "outbound-rtp",
        &[
            "ssrc",
            "kind",
            "transportId",
            "codecId",
            "packetsSent",
            "bytesSent",
            "remoteId",
            "framesEncoded",
            "nackCount",
            "framesSent",
        ],
    ),
    (
        "remote-inbound-rtp",
        &[
            "ssrc",
            "kind",
            "transportId",
            "codecId",
            "packetsReceived",
            "packetsLost",
            "jitter",
            "localId",
            "roundTripTime",
        ],
    ),
    (
        "remote-outbound-rtp",
        &[
            "ssrc",
            "kind",
            "transportId",
            "codecId",
            "packetsSent",
            "bytesSent",
            "localId",
            "remoteTimestamp",
        ],
    ),
    (
        "media-source",
        &[
            "trackIdentifier",
            "kind",
            "totalAudioEnergy",
            "totalSamplesDuration",
            "width",
            "height",
            "framesPerSecond",
        ],
    ),
    (
        "peer-connection",
        &["dataChannelsOpened", "dataChannelsClosed"],
    ),
    (
        "data-channel",
        &[
            "label",
            "protocol",
            "dataChannelIdentifier",
            "state",
            "messagesSent",
            "bytesSent",
            "messagesReceived",
            "bytesReceived",
        ],
    ),
    (
        "transport",
        &[
            "bytesSent",
            "bytesReceived",
            "selectedCandidatePairId",
            "localCertificateId",
            "remoteCertificateId",
        ],
    ),
    (
        "candidate-pair",
        &[
            "transportId",
            "localCandidateId",
            "remoteCandidateId",
            "state",
            "nominated",
            "bytesSent",
            "bytesReceived",
            "totalRoundTripTime",
            "responsesReceived",
            "currentRoundTripTime",
        ],
    ),
    (
        "local-candidate",
        &["address", "port", "protocol", "candidateType", "url"],
    ),
    (
        "remote-candidate",
        &["address", "port", "protocol", "candidateType"],
    ),
    (
        "certificate",
        &[
            "fingerprint",
            "fingerprintAlgorithm",
            "base64Certificate",
            "issuerCertificateId",
        ],
    ),
];
