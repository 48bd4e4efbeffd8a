//! Two connections with fixed seeds, and the files that they are compared with.

use std::fs;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    Config, Description, Direction, Kind, MediaCapabilities, SdpType, TransceiverId,
    TransceiverInit,
};
use pollrtc::rng::Rng;

/// Opus and VP8 with its retransmissions: little enough to be read.
pub(crate) fn few() -> Config {
    let mut media = MediaCapabilities::browser();
    media.audio.codecs.truncate(1);
    media.video.codecs.truncate(2);
    Config {
        media: media.into(),
        ..Config::new()
    }
}

/// A connection with one address, which is a candidate at once.
pub(crate) fn peer(number: u8, config: Config) -> PeerConnection {
    let mut peer = bare(number, config);
    peer.add_local_address(([192, 0, 2, number], 4000).into())
        .unwrap();
    peer
}

/// One that has nothing to offer as a path yet.
pub(crate) fn bare(number: u8, config: Config) -> PeerConnection {
    PeerConnection::new(config, &mut Rng::from_number(number.into())).unwrap()
}

pub(crate) fn pair() -> [PeerConnection; 2] {
    [peer(1, few()), peer(2, few())]
}

pub(crate) fn data(peer: &mut PeerConnection) {
    peer.create_data_channel("chat", pollrtc::peer::ChannelConfig::default())
        .unwrap();
}

pub(crate) fn add(peer: &mut PeerConnection, kind: Kind, direction: Direction) -> TransceiverId {
    let init = TransceiverInit {
        direction,
        ..TransceiverInit::default()
    };
    peer.add_transceiver(kind, init).unwrap()
}

/// Makes and sets the description that is due.
pub(crate) fn describe(peer: &mut PeerConnection) -> Description {
    peer.set_local_description(None).unwrap();
    peer.local_description().unwrap()
}

/// A whole exchange: what was offered and what was answered.
pub(crate) fn exchange(from: &mut PeerConnection, to: &mut PeerConnection) -> [Description; 2] {
    let offer = describe(from);
    to.set_remote_description(&offer).unwrap();
    let answer = describe(to);
    from.set_remote_description(&answer).unwrap();
    [offer, answer]
}

/// What another stack once offered.
pub(crate) fn offer_of(name: &str) -> Description {
    let path = format!("tests/vectors/sdp/interop/{name}.sdp");
    Description {
        kind: SdpType::Offer,
        sdp: fs::read_to_string(path).unwrap(),
    }
}

/// Compares with `tests/golden/descriptions/<name>.txt`: a page for each description.
pub(crate) fn compare(name: &str, pages: &[(&str, &Description)]) {
    let path = format!("tests/golden/descriptions/{name}.txt");
    let pages: Vec<String> = pages
        .iter()
        .map(|(heading, page)| {
            let sdp = page.sdp.replace("\r\n", "\n");
            format!("# {heading} ({})\n\n{sdp}", page.kind)
        })
        .collect();
    let text = pages.join("\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{path} differs; read it, then run with UPDATE_GOLDEN=1"
    );
}

/// Every file is compared by a test, and the README speaks of it.
#[test]
fn every_file_is_explained() {
    let readme = fs::read_to_string("tests/golden/descriptions/README.md").unwrap();
    let sources = ["setups", "changes"]
        .map(|name| fs::read_to_string(format!("tests/descriptions/{name}.rs")).unwrap())
        .concat();
    let mut count = 0;
    for entry in fs::read_dir("tests/golden/descriptions").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".txt") else {
            continue;
        };
        count += 1;
        assert!(
            readme.contains(&format!("## {stem}\n")),
            "{name} in README.md"
        );
        assert!(sources.contains(&format!("\"{stem}\"")), "{name} in a test");
    }
    assert_eq!(readme.matches("\n## ").count(), count, "files and headings");
    assert!(count >= 12);
}
