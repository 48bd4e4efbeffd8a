//! Descriptions that others wrote: are they read, and is what was read right?
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a test has std, and no alloc unless it asks"
)]

use std::collections::BTreeMap;
use std::fs;

use pollrtc::wire::sdp::{Attribute, Description, HasAttributes, Media};
use serde::Deserialize;

/// Samples that are refused, with the line and the reason.
///
/// Most are broken on purpose by the tests they come from: placeholders for
/// fingerprints, numbers out of range, lines cut short, comments. The cameras of
/// GB/T 28181 have line types of their own (`f=`, `y=`), which RFC 8866 §5 does
/// not allow a reader to skip.
const REFUSED: &[(&str, usize, &str)] = &[
    (
        "lib-jitsi-meet_JingleSessionPC.spec_L613.sdp",
        11,
        "fingerprint has the wrong length for its hash",
    ),
    (
        "lib-jitsi-meet_simulcastRtxSdpTrackReplaced.sdp",
        53,
        "bad SSRC",
    ),
    ("rtc_description_test_L367.sdp", 5, "m= has a bad protocol"),
    ("sdp-transform_invalid.sdp", 10, "unknown type of line"),
    ("sdp-transform_st2110-20.sdp", 23, "bad mid"),
    ("srs_srs_utest_gb28181_L1119.sdp", 9, "unknown type of line"),
    (
        "srs_srs_utest_gb28181_L1240.sdp",
        11,
        "unknown type of line",
    ),
    ("srs_srs_utest_gb28181_L873.sdp", 11, "unknown type of line"),
    ("str0m_data_L1598.sdp", 5, "fingerprint is not hexadecimal"),
    (
        "str0m_parser_L1254.sdp",
        12,
        "fingerprint has the wrong length for its hash",
    ),
    ("str0m_parser_L1333.sdp", 5, "m= has no format"),
    (
        "str0m_parser_L1495.sdp",
        6,
        "fingerprint is not hexadecimal",
    ),
    (
        "str0m_sdp-negotiation_L596.sdp",
        7,
        "fingerprint has the wrong length for its hash",
    ),
    (
        "str0m_sdp-negotiation_L664.sdp",
        7,
        "fingerprint has the wrong length for its hash",
    ),
    (
        "str0m_sdp_L2549.sdp",
        7,
        "fingerprint has the wrong length for its hash",
    ),
    ("webrtc-sdp_03.sdp", 1, "no letter and equals sign"),
    ("webrtc-sdp_08.sdp", 1, "no letter and equals sign"),
    ("webrtc-sdp_11.sdp", 1, "no letter and equals sign"),
    ("webrtc-sdp_lib_tests_L433.sdp", 4, "t= without stop"),
    (
        "webrtc_peerconnection_go_test_L1894.sdp",
        12,
        "bad attribute name",
    ),
    (
        "webrtc_peerconnection_go_test_L2062.sdp",
        8,
        "fingerprint is not hexadecimal",
    ),
    (
        "webrtc_sdp_offer_answer_unittest_L1360.sdp",
        8,
        "m= has no format",
    ),
    (
        "webrtc_sdp_offer_answer_unittest_L1489.sdp",
        5,
        "m= has no media",
    ),
    (
        "webrtc_sdp_offer_answer_unittest_L683.sdp",
        12,
        "attribute without value",
    ),
    (
        "webrtc_webrtc_sdp_unittest_L1839.sdp",
        12,
        "fmtp without parameters",
    ),
    (
        "webrtc_webrtc_sdp_unittest_L3837.sdp",
        6,
        "b= without number",
    ),
    (
        "webrtc_webrtc_sdp_unittest_L3854.sdp",
        6,
        "b= without number",
    ),
    (
        "webrtc_webrtc_sdp_unittest_L4012.sdp",
        8,
        "attribute without value",
    ),
    (
        "webrtc_webrtc_sdp_unittest_L4025.sdp",
        8,
        "attribute without value",
    ),
    ("webrtc_webrtc_sdp_unittest_L4038.sdp", 8, "bad msid"),
    ("webrtc_webrtc_sdp_unittest_L4225.sdp", 8, "bad msid"),
    (
        "webrtc_webrtc_sdp_unittest_L4789.sdp",
        6,
        "attribute without value",
    ),
    (
        "webrtc_webrtc_sdp_unittest_L4807.sdp",
        6,
        "rtpmap with bad channels",
    ),
];

#[test]
fn samples_are_read_or_refused_for_a_reason() {
    let refused: BTreeMap<&str, (usize, &str)> = REFUSED
        .iter()
        .map(|&(name, line, reason)| (name, (line, reason)))
        .collect();
    let mut read = 0;
    for (name, text) in texts("samples").into_iter().chain(texts("interop")) {
        match (Description::parse(&text), refused.get(name.as_str())) {
            (Ok(_), None) => read += 1,
            (Err(error), Some(expected)) => {
                assert_eq!((error.line, error.reason), *expected, "{name}");
            }
            (Ok(_), Some(_)) => panic!("{name} was read"),
            (Err(error), None) => panic!("(\"{name}\", {}, \"{}\"),", error.line, error.reason),
        }
    }
    assert!(read > 220, "{read} were read");
}

#[test]
fn what_is_written_reads_the_same_and_is_stable() {
    for (name, text) in texts("samples").into_iter().chain(texts("interop")) {
        let Ok(description) = Description::parse(&text) else {
            continue;
        };
        let written = description.to_string();
        let again = Description::parse(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, description, "{name}");
        assert_eq!(again.to_string(), written, "{name}");
    }
}

/// What Chromium and aiortc write is in the strict form already.
#[test]
fn descriptions_of_browsers_come_back_to_the_byte() {
    for (name, text) in texts("interop") {
        let written = Description::parse(&text).unwrap().to_string();
        assert_eq!(written, text, "{name}");
    }
}

#[test]
fn truncation_anywhere_is_no_panic() {
    let texts = texts("samples").into_iter().chain(texts("interop"));
    for (_, text) in texts.filter(|(_, text)| text.len() < 2_000) {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = Description::parse(&text[..end]);
        }
    }
}

/// What a line splitter that is not ours counts in a section.
#[derive(Deserialize)]
struct Facts {
    session_attributes: usize,
    groups: Vec<String>,
    m: Vec<Section>,
}

#[derive(Deserialize)]
struct Section {
    kind: String,
    port: Option<String>,
    proto: Option<String>,
    fmts: Vec<String>,
    attributes: usize,
    mid: Option<String>,
    #[serde(default)]
    candidate: usize,
    #[serde(default)]
    rtpmap: usize,
    #[serde(default)]
    fmtp: usize,
    #[serde(default)]
    rtcp_fb: usize,
    #[serde(default)]
    extmap: usize,
    #[serde(default)]
    ssrc: usize,
    #[serde(default)]
    rid: usize,
    #[serde(default)]
    setup: Vec<String>,
    #[serde(default)]
    ice_ufrag: Vec<String>,
    #[serde(default)]
    ice_pwd: Vec<String>,
    #[serde(default)]
    fingerprint: Vec<String>,
    #[serde(default)]
    sctp_port: Vec<String>,
    #[serde(default)]
    sctpmap: Vec<String>,
    #[serde(default)]
    max_message_size: Vec<String>,
    #[serde(default)]
    direction: Vec<String>,
    rtcp_mux: bool,
    bundle_only: bool,
}

#[test]
fn facts_agree_with_a_second_opinion() {
    let facts = fs::read_to_string("tests/vectors/sdp/facts.json").unwrap();
    let facts: BTreeMap<String, Facts> = serde_json::from_str(&facts).unwrap();
    let mut compared = 0;
    for (name, text) in texts("samples") {
        let Ok(description) = Description::parse(&text) else {
            continue;
        };
        let facts = &facts[&name];
        assert_eq!(
            description.attributes.len(),
            facts.session_attributes,
            "{name}"
        );
        let groups = description
            .attributes
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Group(group) => Some(group.to_string()),
                _ => None,
            });
        assert_eq!(groups.collect::<Vec<_>>(), facts.groups, "{name}");
        assert_eq!(description.media.len(), facts.m.len(), "{name}");
        for (media, section) in description.media.iter().zip(&facts.m) {
            compare(&name, media, section);
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared} sections");
}

fn compare(name: &str, media: &Media<'_>, facts: &Section) {
    let at = format!("{name}, {:?}", facts.mid);
    assert_eq!(media.kind.to_string(), facts.kind, "{at}");
    let port = match media.ports {
        1 => media.port.to_string(),
        ports => format!("{}/{ports}", media.port),
    };
    assert_eq!(Some(port), facts.port, "{at}");
    assert_eq!(Some(media.protocol), facts.proto.as_deref(), "{at}");
    assert_eq!(media.formats().collect::<Vec<_>>(), facts.fmts, "{at}");
    assert_eq!(media.attributes.len(), facts.attributes, "{at}");
    assert_eq!(media.mid(), facts.mid.as_deref(), "{at}");
    assert_eq!(media.candidates().count(), facts.candidate, "{at}");
    assert_eq!(media.rtpmaps().count(), facts.rtpmap, "{at}");
    assert_eq!(media.fmtps().count(), facts.fmtp, "{at}");
    assert_eq!(media.rtcp_feedback().count(), facts.rtcp_fb, "{at}");
    assert_eq!(media.extmaps().count(), facts.extmap, "{at}");
    let count =
        |is: fn(&Attribute<'_>) -> bool| media.attributes.iter().filter(|one| is(one)).count();
    assert_eq!(
        count(|one| matches!(one, Attribute::Rid(_))),
        facts.rid,
        "{at}"
    );
    assert!(
        count(|one| matches!(one, Attribute::Ssrc(_))) >= facts.ssrc,
        "{at}"
    );
    let first = |values: &[String]| values.first().cloned();
    assert_eq!(
        media.setup().map(|setup| setup.to_string()),
        first(&facts.setup),
        "{at}"
    );
    assert_eq!(
        media.ice_ufrag(),
        facts.ice_ufrag.first().map(String::as_str),
        "{at}"
    );
    assert_eq!(
        media.ice_pwd(),
        facts.ice_pwd.first().map(String::as_str),
        "{at}"
    );
    let prints: Vec<_> = media.fingerprints().map(ToString::to_string).collect();
    assert_eq!(prints, facts.fingerprint, "{at}");
    assert_eq!(
        media.direction().map(|way| way.to_string()),
        first(&facts.direction),
        "{at}"
    );
    assert_eq!(
        media.sctpmap().map(|map| map.to_string()),
        first(&facts.sctpmap),
        "{at}"
    );
    let port = facts.sctp_port.first().or_else(|| facts.sctpmap.first());
    let port = port
        .and_then(|port| port.split(' ').next())
        .map(str::to_string);
    assert_eq!(media.sctp_port().map(|port| port.to_string()), port, "{at}");
    let size = media.max_message_size().map(|size| size.to_string());
    assert_eq!(size, first(&facts.max_message_size), "{at}");
    assert_eq!(media.rtcp_mux(), facts.rtcp_mux, "{at}");
    assert_eq!(
        media.attributes.contains(&Attribute::BundleOnly),
        facts.bundle_only,
        "{at}"
    );
}

/// The texts of a folder, by name.
fn texts(folder: &str) -> BTreeMap<String, String> {
    let folder = fs::read_dir(format!("tests/vectors/sdp/{folder}")).expect("the vectors");
    let paths = folder.map(|entry| entry.expect("a file").path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name()?.to_str()?.to_string();
        Some((name, fs::read_to_string(&path).ok()?))
    };
    paths.filter_map(read).collect()
}
