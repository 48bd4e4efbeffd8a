//! The W3C's JSON, held against the W3C's dictionaries.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pollrtc::time::Instant;
use serde_json::{Map, Value};

use crate::spec::{MANDATORY, Spec};
use crate::support::{ALICE, BOB, Pair};

fn json(pair: &Pair, side: usize) -> Map<String, Value> {
    let Value::Object(report) = serde_json::to_value(pair.report(side)).unwrap() else {
        panic!("a report is an object");
    };
    report
}

/// Members are the W3C's, of the W3C's types; those that it requires are there.
#[test]
fn every_member_is_in_the_specification() {
    let spec = Spec::new();
    let mut pair = Pair::talking();
    let early = [ALICE, BOB].map(|side| json(&pair, side));
    pair.talk();
    let late = [ALICE, BOB].map(|side| json(&pair, side));
    for (id, entry) in early.iter().chain(&late).flatten() {
        assert_eq!(entry["id"], *id);
        let members = spec.members(entry);
        for (name, value) in entry.as_object().unwrap() {
            let member = members.iter().find(|member| member.name == name);
            let member = member.unwrap_or_else(|| panic!("{id}: no {name} in the specification"));
            assert!(
                spec.is_of(member.kind, value),
                "{id}: {name} is {value}, no {}",
                member.kind
            );
        }
        for member in members.iter().filter(|member| member.is_required) {
            assert!(entry.get(member.name).is_some(), "{id}: no {}", member.name);
        }
    }
}

#[test]
fn wpt_040_mandatory_members_are_there() {
    let mut pair = Pair::talking();
    pair.talk();
    for side in [ALICE, BOB] {
        let report = json(&pair, side);
        for (kind, members) in MANDATORY {
            let of_kind = report.values().filter(|entry| entry["type"] == kind);
            let of_kind: Vec<_> = of_kind.collect();
            assert!(!of_kind.is_empty(), "no {kind}");
            for entry in of_kind {
                for member in members {
                    let is_there = entry.get(member).is_some();
                    assert_eq!(
                        is_there,
                        is_valid(entry, member),
                        "{}: {member}",
                        entry["id"]
                    );
                }
            }
        }
    }
}

/// Whether a member says something of this entry.
fn is_valid(entry: &Value, member: &str) -> bool {
    let is_audio = entry["kind"] == "audio";
    let mime = entry["mimeType"].as_str().unwrap_or_default();
    match member {
        // The application decodes, and has the microphone and the camera. Nobody was
        // asked for host candidates, and certificates are signed by themselves.
        "framesDecoded"
        | "totalAudioEnergy"
        | "totalSamplesDuration"
        | "width"
        | "height"
        | "framesPerSecond"
        | "url"
        | "issuerCertificateId" => false,
        // "MUST NOT exist for audio."
        "framesDropped" | "framesReceived" | "framesSent" | "framesEncoded" => !is_audio,
        "channels" => mime.starts_with("audio/"),
        // VP8 has no parameters.
        "sdpFmtpLine" => mime != "video/VP8",
        _ => true,
    }
}

#[test]
fn values_are_written_as_browsers_write_them() {
    let mut pair = Pair::talking();
    pair.talk();
    let report = json(&pair, ALICE);
    let transport = &report["transport-0"];
    assert_eq!(transport["tlsVersion"], "FEFD");
    assert_eq!(
        transport["dtlsCipher"],
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    );
    assert_eq!(transport["srtpCipher"], "SRTP_AEAD_AES_128_GCM");
    assert_eq!(transport["dtlsRole"], "server");
    assert_eq!(transport["iceRole"], "controlling");
    let certificate = &report[transport["localCertificateId"].as_str().unwrap()];
    assert_eq!(certificate["fingerprintAlgorithm"], "sha-256");
    let digits = certificate["fingerprint"].as_str().unwrap();
    let offer = pair.peer(ALICE).local_description().unwrap();
    assert!(
        offer
            .sdp
            .contains(&format!("a=fingerprint:sha-256 {digits}\r\n"))
    );
    let encoded = certificate["base64Certificate"].as_str().unwrap();
    let der = STANDARD.decode(encoded).unwrap();
    assert_eq!((der[0], STANDARD.encode(&der)), (0x30, encoded.into()));

    let pair_in_use = &report[transport["selectedCandidatePairId"].as_str().unwrap()];
    assert_eq!(pair_in_use["state"], "succeeded");
    assert_eq!(pair_in_use["currentRoundTripTime"], 0.02);
    let local = &report[pair_in_use["localCandidateId"].as_str().unwrap()];
    assert_eq!(local["candidateType"], "host");
    assert_eq!(local["protocol"], "udp");
    let now = pair.world.now() - Instant::ZERO;
    assert_eq!(local["timestamp"], now.as_secs_f64() * 1000.0);
}
