//! Which header extensions does a transceiver negotiate?

use pollrtc::peer::{DescriptionError, Direction, HeaderExtensionChoice, Kind, TransceiverId};

use super::support::{ALICE, BOB, Pair};

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

fn without(pair: &Pair, side: usize, id: TransceiverId, uri: &str) -> Vec<HeaderExtensionChoice> {
    let mut choices = pair.machine(side).header_extensions(id);
    for choice in &mut choices {
        choice.is_wanted &= choice.uri != uri;
    }
    choices
}

fn negotiated(pair: &Pair, side: usize) -> Vec<String> {
    let id = pair.transceiver(side, Kind::Audio);
    let agreed = pair.machine(side).negotiated_header_extensions(id);
    agreed.into_iter().map(|one| one.uri).collect()
}

#[test]
fn wpt_164_all_that_is_known_is_wanted_at_first() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    let choices = pair.machine(ALICE).header_extensions(id);
    let known = &pair.machine(ALICE).capabilities(Kind::Audio).extensions;
    assert!(choices.iter().map(|one| &one.uri).eq(known));
    assert!(choices.iter().all(|one| one.is_wanted));
    assert!(negotiated_before(&pair, id));
}

fn negotiated_before(pair: &Pair, id: TransceiverId) -> bool {
    pair.machine(ALICE)
        .negotiated_header_extensions(id)
        .is_empty()
}

#[test]
fn wpt_164_one_that_is_stopped_is_neither_offered_nor_accepted() {
    // By who offers.
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    let choices = without(&pair, ALICE, id, LEVEL);
    pair.call(ALICE, |pc| pc.set_header_extensions(id, &choices))
        .unwrap();
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    assert!(!offer.sdp.contains(LEVEL));
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let agreed = negotiated(&pair, side);
        assert!(agreed.contains(&MID.to_string()), "{agreed:?}");
        assert!(!agreed.contains(&LEVEL.to_string()), "{agreed:?}");
    }

    // By who answers: it takes a transceiver of its own for that.
    let mut pair = Pair::new();
    pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    let theirs = pair
        .call(BOB, |pc| pc.add_track(Kind::Audio, "voice", &[]))
        .unwrap();
    let choices = without(&pair, BOB, theirs, LEVEL);
    pair.call(BOB, |pc| pc.set_header_extensions(theirs, &choices))
        .unwrap();
    pair.negotiate(ALICE);
    assert!(!negotiated(&pair, ALICE).contains(&LEVEL.to_string()));
    // And may be wanted again.
    let all = pair.machine(BOB).header_extensions(theirs).into_iter();
    let all: Vec<_> = all
        .map(|one| HeaderExtensionChoice {
            is_wanted: true,
            ..one
        })
        .collect();
    pair.call(BOB, |pc| pc.set_header_extensions(theirs, &all))
        .unwrap();
    pair.negotiate(ALICE);
    assert!(negotiated(&pair, ALICE).contains(&LEVEL.to_string()));
}

#[test]
fn wpt_164_the_list_keeps_its_entries_and_the_mandatory_one_stays() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    let all = pair.machine(ALICE).header_extensions(id);
    let mut swapped = all.clone();
    swapped.swap(0, 1);
    let mut renamed = all.clone();
    renamed[0].uri.push('x');
    let bad = [
        without(&pair, ALICE, id, MID),
        all[1..].to_vec(),
        [all.clone(), all.clone()].concat(),
        swapped,
        renamed,
    ];
    for choices in bad {
        let refused = pair.call(ALICE, |pc| pc.set_header_extensions(id, &choices));
        assert_eq!(refused, Err(DescriptionError::InvalidModification));
    }
    assert_eq!(pair.machine(ALICE).header_extensions(id), all);
}
