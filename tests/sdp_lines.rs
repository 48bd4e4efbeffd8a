//! Single lines, with the verdict of the stacks whose tests they are from.
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test has std, and no alloc unless it asks"
)]

use std::collections::BTreeSet;
use std::fs;

use pollrtc::wire::sdp::{Description, candidate};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    line_kind: String,
    value: String,
    expect: String,
}

/// Lines that we take and their source refuses, by the attribute or the letter
/// they begin with, and why we take them.
const TAKEN: &[(&str, &str)] = &[
    ("dtls-message", "not acted on: kept as it is"),
    ("framerate", "not acted on: kept as it is"),
    ("ice-pacing", "not acted on: kept as it is"),
    ("identity", "not acted on: kept as it is"),
    ("imageattr", "not acted on: kept as it is"),
    ("label", "not acted on: kept as it is"),
    ("maxptime", "not acted on: kept as it is"),
    ("remote-candidates", "not acted on: kept as it is"),
    ("rtcp:", "not acted on: kept as it is"),
    (
        "unknown",
        "RFC 8866 section 5.13: unknown attributes are ignored",
    ),
    (
        "fingerprint:unsupported",
        "another fingerprint may be of a known hash (RFC 8122 section 5)",
    ),
    ("fmtp:109", "the codec knows which parameters it has"),
    ("rtcp-fb:101", "feedback that is not known is not used"),
    ("k=", "deprecated, not forbidden (RFC 8866 section 5.12)"),
    ("p=", "of the grammar, says nothing to WebRTC"),
    ("r=", "of the grammar, says nothing to WebRTC"),
    ("u=", "of the grammar, says nothing to WebRTC"),
    ("z=", "of the grammar, says nothing to WebRTC"),
    (
        "invalid 9",
        "a section of an unknown kind is rejected, not the description",
    ),
    (
        "audio 9 invalid/invalid",
        "a section of an unknown protocol is rejected, not the description",
    ),
];

/// Lines that we refuse and their source takes, and why.
const REFUSED: &[(&str, &str)] = &[(
    "mid:sdparta_0 sdparta_1",
    "a mid is one token (RFC 5888 section 4)",
)];

#[test]
fn verdicts_agree_or_differ_for_a_reason() {
    let cases = fs::read_to_string("tests/vectors/sdp/lines.json").unwrap();
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    let mut used = BTreeSet::new();
    for Case {
        line_kind,
        value,
        expect,
    } in &cases
    {
        let taken = accepts(line_kind, value);
        if taken == (expect == "accept") {
            continue;
        }
        let mut exceptions = if taken { TAKEN } else { REFUSED }.iter();
        let exception = exceptions.find(|(start, _)| value.starts_with(start));
        let (start, _) = exception.unwrap_or_else(|| panic!("{value:?}: expected {expect}"));
        used.insert(*start);
    }
    assert_eq!(cases.len(), 251, "the list is complete");
    assert_eq!(
        used.len(),
        TAKEN.len() + REFUSED.len(),
        "only these are needed: {used:?}"
    );
}

/// Whether a description with this line in its place is taken.
fn accepts(kind: &str, value: &str) -> bool {
    let media = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
    let session = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    if let Some(line) = value.strip_prefix("candidate:") {
        return candidate::parse(line).is_ok();
    }
    let text = match kind {
        "version" => format!("v={value}\r\n{}", &session[5..]),
        "origin" => format!("v=0\r\no={value}\r\ns=-\r\nt=0 0\r\n"),
        "session" => format!("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns={value}\r\nt=0 0\r\n"),
        "timing" => format!("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt={value}\r\n"),
        "connection" => format!("{session}c={value}\r\n"),
        "bandwidth" => format!("{session}b={value}\r\n"),
        "media" => format!("{session}m={value}\r\n"),
        "attribute" if value.starts_with("audio ") || value.starts_with("application ") => {
            format!("{session}m={value}\r\n")
        }
        "attribute" => format!("{session}{media}a={value}\r\n"),
        "sdp_line" if value.starts_with("o=") => format!("v=0\r\n{value}\r\ns=-\r\nt=0 0\r\n"),
        "sdp_line" if value.starts_with("s=") => {
            format!("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n{value}\r\nt=0 0\r\n")
        }
        "sdp_line" => format!("{session}{value}\r\n"),
        other => panic!("unknown kind of line: {other}"),
    };
    Description::parse(&text).is_ok()
}
