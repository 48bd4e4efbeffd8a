//! Do the descriptions of both sides say the same? Read by eye, as it were: with
//! nothing of the crate's own parser.

use std::collections::{BTreeMap, BTreeSet};

use pollrtc::PeerConnection;
use pollrtc::peer::SdpType;

/// A description, as far as both have to agree.
struct Page {
    groups: BTreeSet<String>,
    sections: Vec<Section>,
}

#[derive(Default)]
struct Section {
    kind: String,
    rejected: bool,
    mid: String,
    sends: bool,
    receives: bool,
    /// By payload type.
    formats: BTreeMap<String, String>,
    /// By number.
    extensions: BTreeMap<String, String>,
}

/// P-2: each has what the other has set, and the answer fits the offer. Gives back the
/// number of sections.
pub(crate) fn check(peers: [&PeerConnection; 2]) -> usize {
    let local = peers.map(PeerConnection::local_description);
    let remote = peers.map(PeerConnection::remote_description);
    let plain = |text: &str| -> Vec<String> { text.lines().filter_map(lasting).collect() };
    for (mine, yours) in [(&local[0], &remote[1]), (&local[1], &remote[0])] {
        let [mine, yours] = [mine, yours].map(|one| one.as_ref().map(|one| plain(&one.sdp)));
        assert_eq!(mine, yours, "each has what the other has set");
    }
    let [Some(a), Some(b)] = local else {
        return 0;
    };
    let (offer, answer) = match a.kind {
        SdpType::Offer => (a, b),
        _ => (b, a),
    };
    assert_eq!((offer.kind, answer.kind), (SdpType::Offer, SdpType::Answer));
    let [offer, answer] = [read(&offer.sdp), read(&answer.sdp)];
    assert_eq!(offer.sections.len(), answer.sections.len());
    for (offered, answered) in offer.sections.iter().zip(&answer.sections) {
        compare(offered, answered);
    }
    let live = answer.sections.iter().filter(|section| !section.rejected);
    let live: BTreeSet<_> = live.map(|section| section.mid.clone()).collect();
    assert_eq!(answer.groups, live, "what is accepted is in the group");
    assert!(offer.groups.is_superset(&live));
    for page in [&offer, &answer] {
        no_clash(page);
    }
    offer.sections.len()
}

/// Whether a section is in use, as one of them sees it.
pub(crate) fn is_used(peer: &PeerConnection) -> bool {
    let sides = [peer.local_description(), peer.remote_description()];
    let [Some(ours), Some(theirs)] = sides.map(|side| side.map(|side| read(&side.sdp))) else {
        return false;
    };
    let mut rows = ours.sections.iter().zip(&theirs.sections);
    rows.any(|(ours, theirs)| !ours.rejected && !theirs.rejected)
}

fn compare(offered: &Section, answered: &Section) {
    let mid = &offered.mid;
    assert_eq!((&offered.kind, mid), (&answered.kind, &answered.mid));
    if answered.rejected {
        return;
    }
    assert!(!offered.rejected, "{mid} was not offered");
    assert!(offered.receives || !answered.sends, "{mid}: direction");
    assert!(offered.sends || !answered.receives, "{mid}: direction");
    for (number, format) in &answered.formats {
        assert_eq!(offered.formats.get(number), Some(format), "{mid}");
    }
    for (number, uri) in &answered.extensions {
        assert_eq!(offered.extensions.get(number), Some(uri), "{mid}");
    }
}

/// RFC 9143 §9.3.1 and RFC 8285 §5: a number means one thing in all of a group.
fn no_clash(page: &Page) {
    let mids: BTreeSet<_> = page.sections.iter().map(|section| &section.mid).collect();
    assert_eq!(mids.len(), page.sections.len(), "mids are there once");
    let live = || page.sections.iter().filter(|section| !section.rejected);
    for numbers in [
        live()
            .flat_map(|section| &section.formats)
            .collect::<Vec<_>>(),
        live().flat_map(|section| &section.extensions).collect(),
    ] {
        let mut meaning = BTreeMap::new();
        for (number, what) in numbers {
            let known = meaning.entry(number).or_insert(what);
            assert_eq!(*known, what, "number {number}");
        }
    }
}

fn read(text: &str) -> Page {
    let mut groups = BTreeSet::new();
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some(group) = line.strip_prefix("a=group:BUNDLE") {
            groups.extend(group.split_whitespace().map(str::to_string));
        }
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split(' ');
            sections.push(Section {
                kind: words.next().unwrap_or_default().to_string(),
                rejected: words.next() == Some("0")
                    && !text_of(text, sections.len()).contains("a=bundle-only"),
                sends: true,
                receives: true,
                ..Section::default()
            });
        } else if let Some(section) = sections.last_mut() {
            section.read(line);
        }
    }
    Page { groups, sections }
}

/// The lines of a section.
fn text_of(text: &str, index: usize) -> &str {
    text.split("\r\nm=").nth(index + 1).unwrap_or_default()
}

impl Section {
    fn read(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let (number, rest) = value.split_once(' ').unwrap_or((value, ""));
        match name {
            "a=mid" => self.mid = value.to_string(),
            "a=rtpmap" => _ = self.formats.insert(number.to_string(), rest.to_string()),
            "a=extmap" => _ = self.extensions.insert(number.to_string(), rest.to_string()),
            "a=sendonly" => self.receives = false,
            "a=recvonly" => self.sends = false,
            "a=inactive" => (self.sends, self.receives) = (false, false),
            _ => {}
        }
    }
}

/// A line as it is whatever candidates have come since: `None` if it is about them.
fn lasting(line: &str) -> Option<String> {
    let about_candidates = ["a=candidate", "a=end-of-candidates", "c=", "a=rtcp:"];
    if about_candidates.iter().any(|start| line.starts_with(start)) {
        return None;
    }
    let Some(media) = line.strip_prefix("m=") else {
        return Some(line.to_string());
    };
    let mut words: Vec<&str> = media.split(' ').collect();
    if words.get(1).is_some_and(|port| *port != "0") {
        words[1] = "9";
    }
    Some(words.join(" "))
}
