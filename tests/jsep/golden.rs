//! Descriptions of typical set-ups, to be read by eye; each names the rules it shows.

use pollrtc::dtls::Role;
use pollrtc::jsep::SdpType;

use super::support::{Peer, compare_golden, interop, negotiate};

/// A description with a heading, and line ends that an editor keeps.
fn page(pages: &[(&str, &str)]) -> String {
    let pages = pages
        .iter()
        .map(|(heading, sdp)| format!("# {heading}\n{}", sdp.replace("\r\n", "\n")));
    pages.collect::<Vec<_>>().join("\n")
}

#[test]
fn offer_and_answer_for_data_channels() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    let first = alice.offer().unwrap();
    alice.gather("192.0.2.1 4001");
    bob.gather("2001:db8::1 4002");
    bob.gathered = true;
    negotiate(&mut alice, &mut bob);
    compare_golden(
        "data_channels",
        &page(&[
            (
                "Before anything is gathered: port 9, no address (RFC 8829 5.2.1, RFC 8840 4.1.1)",
                &first,
            ),
            (
                "The same with a candidate, which is the default of c= and m= too (RFC 8839 4.2.1.2)",
                &alice.local().unwrap().sdp,
            ),
            (
                "The answer, gathering finished: active (RFC 8842 5.3), end-of-candidates (RFC 8840 8.2)",
                &bob.local().unwrap().sdp,
            ),
        ]),
    );
}

#[test]
fn answer_to_audio_video_and_data() {
    let mut pages = Vec::new();
    for name in [
        "chromium-156-av-dc-offer",
        "aiortc-1-media_audio_video-1-offer",
        "chromium-156-av-max-compat-offer",
    ] {
        let mut bob = Peer::new("bobby");
        bob.set_remote(SdpType::Offer, &interop(name)).unwrap();
        bob.set_implicit().unwrap();
        let heading = format!(
            "To {name}: media is rejected (RFC 3264 6) and leaves the group (RFC 9143 7.3.3)"
        );
        pages.push((heading, bob.local().unwrap().sdp));
    }
    let pages: Vec<_> = pages
        .iter()
        .map(|(heading, sdp)| (heading.as_str(), sdp.as_str()))
        .collect();
    compare_golden("rejected_media", &page(&pages));
}

#[test]
fn later_exchanges() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::answering("bobby", Role::Server);
    bob.set_remote(SdpType::Offer, &interop("chromium-156-av-dc-offer"))
        .unwrap();
    bob.set_implicit().unwrap();
    let kept = bob.offer().unwrap();
    let mut bob = Peer::answering("bobby", Role::Server);
    negotiate(&mut alice, &mut bob);
    alice.session.restart_ice();
    assert!(!alice.set_implicit().unwrap().restart.is_empty());
    bob.take(&alice.local().unwrap()).unwrap();
    assert!(!bob.set_implicit().unwrap().restart.is_empty());
    alice.take(&bob.local().unwrap()).unwrap();
    let restart = alice.local().unwrap().sdp;
    let answer = bob.local().unwrap().sdp;
    compare_golden(
        "later_exchanges",
        &page(&[
            (
                "Our offer after the peer's: rejected sections keep their place (RFC 3264 8)",
                &kept,
            ),
            (
                "ICE restart: new credentials, a new version, roles open (RFC 8839 4.4.1.1.1, RFC 8842 5.5)",
                &restart,
            ),
            (
                "Its answer keeps the role that was agreed on: passive (RFC 8842 5.3)",
                &answer,
            ),
        ]),
    );
}

#[test]
fn legacy_data_channels() {
    let offer = interop("chromium-156-dc-offer")
        .replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
        .replace("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024");
    let mut bob = Peer::new("bobby");
    bob.set_remote(SdpType::Offer, &offer).unwrap();
    bob.set_implicit().unwrap();
    compare_golden(
        "legacy_data_channels",
        &page(&[(
            "Answer in the syntax before RFC 8841: the port is the format, sctpmap explains it",
            &bob.local().unwrap().sdp,
        )]),
    );
}
