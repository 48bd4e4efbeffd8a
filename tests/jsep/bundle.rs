//! Several transports: what is offered, what peers make of it, and what is left (RFC 9143,
//! RFC 8829 section 4.1.1).

use pollrtc::crypto::certificate::Fingerprint;
use pollrtc::dtls::Role;
use pollrtc::jsep::{
    BundlePolicy, DataPlan, DescriptionError, IceCandidate, Kind, MAX_TRANSPORTS, Plan, SdpType,
    SignalingState, TransceiverInit, TransportId, Trickle,
};

use super::support::{Peer, negotiate, sha256};

const POLICIES: [BundlePolicy; 3] = [
    BundlePolicy::Balanced,
    BundlePolicy::MaxCompat,
    BundlePolicy::MaxBundle,
];

/// With two senders of sound, two of pictures, and data.
fn busy(name: &str, policy: BundlePolicy) -> Peer {
    let mut peer = Peer::with_policy(name, policy);
    for kind in [Kind::Audio, Kind::Audio, Kind::Video, Kind::Video] {
        add(&mut peer, kind);
    }
    peer.session.want_data_channels();
    peer
}

fn add(peer: &mut Peer, kind: Kind) {
    let init = TransceiverInit::default();
    peer.session.add_transceiver(kind, init).unwrap();
}

/// An answerer of whatever browsers can do.
fn bob() -> Peer {
    Peer::with_policy("bobby", BundlePolicy::Balanced)
}

/// What a section says, by index; 0 is what is said above all sections.
fn section(sdp: &str, index: usize) -> &str {
    sdp.split("\r\nm=").nth(index).expect("a section")
}

/// Of each section the number after the kind: its port.
fn ports(sdp: &str) -> Vec<&str> {
    let sections = sdp.split("\r\nm=").skip(1);
    sections
        .map(|section| section.split(' ').nth(1).unwrap_or_default())
        .collect()
}

fn ufrags(sdp: &str) -> Vec<&str> {
    let lines = sdp.lines();
    lines
        .filter_map(|line| line.strip_prefix("a=ice-ufrag:"))
        .collect()
}

fn group(sdp: &str) -> Option<&str> {
    sdp.lines()
        .find_map(|line| line.strip_prefix("a=group:BUNDLE"))
}

/// A peer that knows no groups would not see this line.
pub(crate) fn without_group(sdp: &str) -> String {
    let lines = sdp.split_inclusive("\r\n");
    lines.filter(|line| !line.starts_with("a=group:")).collect()
}

fn without_mids(sdp: &str) -> String {
    let lines = sdp.split_inclusive("\r\n");
    lines
        .filter(|line| !line.starts_with("a=group:") && !line.starts_with("a=mid:"))
        .collect()
}

fn with_group(sdp: &str, mids: &str) -> String {
    sdp.replace(
        &format!("a=group:BUNDLE{}\r\n", group(sdp).unwrap()),
        &format!("a=group:BUNDLE {mids}\r\n"),
    )
}

fn numbers(ids: &[TransportId]) -> Vec<u32> {
    ids.iter().map(|id| id.number()).collect()
}

fn connected(plan: &Plan) -> Vec<u32> {
    let plans = plan.transports.iter();
    plans.map(|transport| transport.id.number()).collect()
}

fn carried(plan: &Plan) -> Vec<u32> {
    let media = plan.media.iter();
    media.map(|media| media.transport.number()).collect()
}

/// Alice offers, `change` is what happens to the text on its way, and bob answers.
fn exchange(alice: &mut Peer, bob: &mut Peer, change: impl Fn(&str) -> String) -> (Plan, Plan) {
    alice.set_implicit().unwrap();
    let offer = change(&alice.local().unwrap().sdp);
    bob.set_remote(SdpType::Offer, &offer).unwrap();
    let theirs = bob.set_implicit().unwrap();
    let ours = alice.take(&bob.local().unwrap()).unwrap();
    assert_eq!(alice.state(), SignalingState::Stable);
    (ours, theirs)
}

#[test]
fn wpt_112_policies_propose_as_many_transports_as_they_say() {
    // RFC 8829 section 4.1.1; ports are 0 where only the bundle is of use.
    let expected: [(_, &[&str], &[u32]); 3] = [
        (
            BundlePolicy::Balanced,
            &["9", "0", "9", "0", "9"],
            &[0, 1, 2],
        ),
        (
            BundlePolicy::MaxCompat,
            &["9", "9", "9", "9", "9"],
            &[0, 1, 2, 3, 4],
        ),
        (BundlePolicy::MaxBundle, &["9", "0", "0", "0", "0"], &[0]),
    ];
    for (policy, expected, transports) in expected {
        let mut alice = busy("alice", policy);
        let needed = alice.session.transports_for_offer();
        assert_eq!(numbers(&needed), transports, "{policy:?}");
        let offer = alice.offer().unwrap();
        assert_eq!(ports(&offer), expected, "{policy:?}");
        for (index, port) in expected.iter().enumerate() {
            let only = section(&offer, index + 1).contains("a=bundle-only");
            assert_eq!(only, *port == "0", "{policy:?} {index}");
        }
        let mut different = ufrags(&offer);
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), transports.len(), "{policy:?}");
        let mids: Vec<&str> = group(&offer).unwrap().split_whitespace().collect();
        assert_eq!((mids.len(), mids[0]), (5, "0"), "{policy:?}");
        let plan = alice.set_local(SdpType::Offer, &offer).unwrap();
        assert_eq!(numbers(&plan.gather), transports, "{policy:?}");
        assert_eq!(plan.controlling, Some(true));
    }
}

/// Policies against peers that bundle all, some or nothing: what is left on both sides.
#[test]
fn wpt_129_what_is_left_depends_on_what_the_peer_bundles() {
    type Change = fn(&str) -> String;
    let all: Change = str::to_string;
    let none: Change = without_group;
    let nameless: Change = without_mids;
    let some: Change = |offer| with_group(offer, "0 2 4");
    // Policy, peer, what is agreed of the five sections, and over which transports.
    let table: [(BundlePolicy, Change, &[u32], &[u32]); 10] = [
        (BundlePolicy::Balanced, all, &[0, 0, 0, 0], &[0]),
        (BundlePolicy::MaxCompat, all, &[0, 0, 0, 0], &[0]),
        (BundlePolicy::MaxBundle, all, &[0, 0, 0, 0], &[0]),
        (BundlePolicy::Balanced, none, &[0, 1], &[0, 1, 2]),
        (
            BundlePolicy::MaxCompat,
            none,
            &[0, 1, 2, 3],
            &[0, 1, 2, 3, 4],
        ),
        (BundlePolicy::MaxBundle, none, &[0], &[0]),
        (BundlePolicy::Balanced, nameless, &[0, 1], &[0, 1, 2]),
        (
            BundlePolicy::MaxCompat,
            nameless,
            &[0, 1, 2, 3],
            &[0, 1, 2, 3, 4],
        ),
        (BundlePolicy::Balanced, some, &[0, 0], &[0]),
        (BundlePolicy::MaxCompat, some, &[0, 1, 0, 3], &[0, 1, 3]),
    ];
    for (row, (policy, change, media, transports)) in table.into_iter().enumerate() {
        let mut alice = busy("alice", policy);
        let mut bob = bob();
        let offered = alice.session.transports_for_offer();
        // A peer without BUNDLE takes a port of 0 for what it says, and one that has it
        // knows that the section makes no sense outside of a group.
        let knows = row % 2 == 0;
        let sent = |offer: &str| match knows {
            true => change(offer),
            false => change(offer).replace("a=bundle-only\r\n", ""),
        };
        let sent = |offer: &str| if row < 3 { change(offer) } else { sent(offer) };
        let (ours, theirs) = exchange(&mut alice, &mut bob, sent);
        assert_eq!(carried(&ours), media, "row {row}");
        assert_eq!(connected(&ours), transports, "row {row}");
        assert_eq!(connected(&theirs).len(), transports.len(), "row {row}");
        let left: Vec<u32> = alice
            .session
            .transports()
            .map(TransportId::number)
            .collect();
        assert_eq!(left, transports, "row {row}");
        let closed = offered.iter().map(|id| id.number());
        let closed: Vec<u32> = closed.filter(|id| !transports.contains(id)).collect();
        assert_eq!(numbers(&ours.closed), closed, "row {row}");
        assert_eq!(bob.session.transports().count(), transports.len());
        assert!(theirs.closed.is_empty(), "row {row}");
        let data = matches!(ours.data, Some(DataPlan::Open { .. }));
        assert_eq!(
            data,
            transports.len() > 1 || row < 3 || row == 8,
            "row {row}"
        );
        for id in alice.session.transports() {
            assert!(alice.session.section_of(id).is_some(), "row {row}");
        }
    }
}

#[test]
fn wpt_176_without_a_bundle_payload_types_mean_what_each_section_says() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::Balanced);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    let mut bob = bob();
    // Both kinds under one number, as only peers without BUNDLE may.
    let change = |offer: &str| {
        let offer = without_group(offer);
        let (head, video) = offer.split_at(offer.find("m=video").unwrap());
        let number = head
            .lines()
            .find_map(|line| {
                line.strip_prefix("a=rtpmap:")?
                    .strip_suffix(" opus/48000/2")
            })
            .unwrap();
        let old = video
            .lines()
            .find_map(|line| line.strip_prefix("a=rtpmap:")?.strip_suffix(" VP8/90000"))
            .unwrap();
        let line = video.lines().next().unwrap();
        let video = video
            .replace(line, &format!("m=video 9 UDP/TLS/RTP/SAVPF {number}"))
            .replace(
                &format!("a=rtpmap:{old} VP8"),
                &format!("a=rtpmap:{number} VP8"),
            );
        format!("{head}{video}")
    };
    alice.set_implicit().unwrap();
    let offer = change(&alice.local().unwrap().sdp);
    bob.set_remote(SdpType::Offer, &offer).unwrap();
    let plan = bob.set_implicit().unwrap();
    assert_eq!(carried(&plan), [0, 1]);
    let first = |index: usize| plan.media[index].send[0].payload;
    assert_eq!(first(0), first(1));
    let answer = bob.local().unwrap().sdp;
    assert_eq!(group(&answer), None);
    assert_eq!(ports(&answer), ["9", "9"]);
}

/// What was bundled stays so, and what is added joins it, whatever the policy.
#[test]
fn later_offers_keep_the_bundle() {
    for policy in POLICIES {
        let mut alice = busy("alice", policy);
        let mut bob = bob();
        negotiate(&mut alice, &mut bob);
        add(&mut alice, Kind::Video);
        assert_eq!(numbers(&alice.session.transports_for_offer()), [0]);
        let plan = alice.set_implicit().unwrap();
        assert_eq!((numbers(&plan.gather), plan.controlling), (vec![0], None));
        let offer = alice.local().unwrap().sdp;
        assert_eq!(ports(&offer), ["9"; 6], "{policy:?}");
        assert!(!offer.contains("bundle-only"));
        assert_eq!(group(&offer), Some(" 0 1 2 3 4 5"));
        bob.take(&alice.local().unwrap()).unwrap();
        let theirs = bob.set_implicit().unwrap();
        let ours = alice.take(&bob.local().unwrap()).unwrap();
        assert_eq!((connected(&ours), connected(&theirs)), (vec![0], vec![0]));
        assert_eq!(carried(&ours), [0; 5]);
        assert!(ours.closed.is_empty() && theirs.closed.is_empty());
        // And the other way round.
        let (ours, theirs) = negotiate(&mut bob, &mut alice);
        assert_eq!((connected(&ours), connected(&theirs)), (vec![0], vec![0]));
    }
}

/// Sections that a peer did not bundle keep a transport each, in offers of both sides; and
/// join the bundle once both can.
#[test]
fn unbundled_sections_keep_their_transports_until_they_are_bundled() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    let mut bob = bob();
    let (ours, theirs) = exchange(&mut alice, &mut bob, without_group);
    assert_eq!(
        (connected(&ours), connected(&theirs)),
        (vec![0, 1], vec![0, 1])
    );
    let before = alice.local().unwrap().sdp;
    let (ours, theirs) = exchange(&mut alice, &mut bob, without_group);
    assert_eq!(
        (connected(&ours), connected(&theirs)),
        (vec![0, 1], vec![0, 1])
    );
    assert!(
        ours.transports
            .iter()
            .chain(&theirs.transports)
            .all(|plan| !plan.restart)
    );
    assert_eq!(ufrags(&before), ufrags(&alice.local().unwrap().sdp));
    // One more is offered as the first ones were.
    add(&mut alice, Kind::Video);
    assert_eq!(numbers(&alice.session.transports_for_offer()), [0, 1, 2]);
    alice.set_implicit().unwrap();
    assert_eq!(ports(&alice.local().unwrap().sdp), ["9"; 3]);
    let plan = alice.set_local(SdpType::Rollback, "").unwrap();
    assert_eq!(numbers(&plan.closed), [2]);
    let last = alice.session.transceivers().last().unwrap().id();
    alice.session.stop_transceiver(last).unwrap();

    let (ours, theirs) = negotiate(&mut bob, &mut alice);
    assert_eq!((connected(&ours), connected(&theirs)), (vec![0], vec![0]));
    assert_eq!(
        (numbers(&ours.closed), numbers(&theirs.closed)),
        (vec![1], vec![1])
    );
    assert_eq!((carried(&ours), carried(&theirs)), (vec![0, 0], vec![0, 0]));
}

/// RFC 9143 section 7.3.2: who answers may leave a section out of the bundle if it was
/// offered with a transport of its own; otherwise it can only be rejected.
#[test]
fn answer_takes_a_section_out_of_the_bundle_only_if_it_can_stand_alone() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::Balanced);
    for kind in [Kind::Audio, Kind::Video, Kind::Video] {
        add(&mut alice, kind);
    }
    alice.set_implicit().unwrap();
    let mut bob = bob();
    bob.set_remote(
        SdpType::Offer,
        &with_group(&alice.local().unwrap().sdp, "0 2"),
    )
    .unwrap();
    bob.set_implicit().unwrap();
    let answer = bob.local().unwrap();
    assert_eq!(group(&answer.sdp), Some(" 0 2"));
    let plan = alice.take(&answer).unwrap();
    assert_eq!(
        (connected(&plan), carried(&plan)),
        (vec![0, 1], vec![0, 1, 0])
    );
    assert!(plan.closed.is_empty());

    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxBundle);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    alice.set_implicit().unwrap();
    let before = alice.clone();
    let answer = without_group(&{
        let mut bob = self::bob();
        bob.take(&alice.local().unwrap()).unwrap();
        bob.answer().unwrap()
    });
    let refused = alice.set_remote(SdpType::Answer, &answer);
    assert!(
        matches!(refused, Err(DescriptionError::InvalidAccess(_))),
        "{refused:?}"
    );
    assert!(alice.session == before.session);
}

/// RFC 9143 section 7.5.2: a later offer takes a section out of the bundle; what stays keeps
/// its transport, even if the one that leaves comes first.
#[test]
fn later_offer_takes_a_section_out_of_the_bundle() {
    for leaves in [0, 1] {
        let mut alice = Peer::with_policy("alice", BundlePolicy::MaxBundle);
        add(&mut alice, Kind::Audio);
        add(&mut alice, Kind::Video);
        let mut bob = bob();
        negotiate(&mut alice, &mut bob);
        alice.set_implicit().unwrap();
        let offer = alice.local().unwrap().sdp;
        let stays = 1 - leaves;
        let (head, rest) = offer.split_at(offer.find("m=audio").unwrap());
        let (audio, video) = rest.split_at(rest.find("m=video").unwrap());
        let other = |part: &str, index: usize| match index == leaves {
            true => part.replace("a=ice-ufrag:alice", "a=ice-ufrag:other"),
            false => part.to_string(),
        };
        let offer = format!("{head}{}{}", other(audio, 0), other(video, 1));
        let offer = with_group(&offer, &stays.to_string());
        bob.set_remote(SdpType::Offer, &offer).unwrap();
        assert_eq!(numbers(&bob.session.transports_for_answer()).len(), 2);
        let plan = bob.set_implicit().unwrap();
        let mut expected = [1, 1];
        expected[stays] = 0;
        assert_eq!(carried(&plan), expected, "{leaves} leaves");
        assert!(plan.closed.is_empty());
        let answer = bob.local().unwrap().sdp;
        assert_eq!(group(&answer), Some(format!(" {stays}").as_str()));
        let ufrags = ufrags(&answer);
        assert_ne!(ufrags[0], ufrags[1]);
    }
}

/// Two groups are two transports, on both sides and in later offers.
#[test]
fn two_groups_are_two_transports() {
    let mut alice = busy("alice", BundlePolicy::MaxCompat);
    let mut bob = bob();
    let two = |offer: &str| {
        offer.replace(
            "a=group:BUNDLE 0 1 2 3 4\r\n",
            "a=group:BUNDLE 0 1\r\na=group:BUNDLE 3 2 4\r\n",
        )
    };
    alice.set_implicit().unwrap();
    bob.set_remote(SdpType::Offer, &two(&alice.local().unwrap().sdp))
        .unwrap();
    let plan = bob.set_implicit().unwrap();
    assert_eq!(
        (connected(&plan), carried(&plan)),
        (vec![0, 1], vec![0, 0, 1, 1])
    );
    let answer = bob.local().unwrap().sdp;
    assert!(
        answer.contains("a=group:BUNDLE 0 1\r\na=group:BUNDLE 3 2 4\r\n"),
        "{answer}"
    );
    // We offered one group: it cannot become two of other sections, but it may be split.
    let plan = alice.take(&bob.local().unwrap()).unwrap();
    assert_eq!(
        (connected(&plan), carried(&plan)),
        (vec![0, 3], vec![0, 0, 3, 3])
    );
    assert_eq!(numbers(&plan.closed), [1, 2, 4]);
    // Bob goes on with both groups.
    bob.set_implicit().unwrap();
    let offer = bob.local().unwrap().sdp;
    assert_eq!(offer.matches("a=group:BUNDLE").count(), 2, "{offer}");
    alice.take(&bob.local().unwrap()).unwrap();
    let plan = alice.set_implicit().unwrap();
    assert_eq!(connected(&plan), [0, 3]);
    let answer = alice.local().unwrap().sdp;
    let one = answer
        .replace("a=group:BUNDLE 2 3 4\r\n", "")
        .replace("a=group:BUNDLE 0 1\r\n", "a=group:BUNDLE 0 1 2 3 4\r\n");
    assert_eq!(group(&one), Some(" 0 1 2 3 4"));
    assert_eq!(one.matches("a=group").count(), 1);
    let before = bob.clone();
    let refused = bob.set_remote(SdpType::Answer, &one);
    assert!(
        matches!(refused, Err(DescriptionError::InvalidAccess(_))),
        "{refused:?}"
    );
    assert!(bob == before);
    let plan = bob.take(&alice.local().unwrap()).unwrap();
    assert_eq!(connected(&plan), [0, 1]);
    assert!(plan.transports.iter().all(|transport| !transport.restart));
}

/// Sections without a name get one that stays with us (RFC 8829 section 5.10).
#[test]
fn sections_without_names_are_answered_without_names() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    let mut bob = bob();
    let (ours, _) = exchange(&mut alice, &mut bob, without_mids);
    assert_eq!(carried(&ours), [0, 1]);
    assert!(!bob.local().unwrap().sdp.contains("a=mid:"));
    assert_eq!(bob.session.transceivers().count(), 2);
    assert!(bob.session.transceivers().all(|one| one.mid().is_some()));
    let sections = bob
        .session
        .transports()
        .map(|id| bob.session.section_of(id));
    assert_eq!(
        sections.collect::<Vec<_>>(),
        [Some((None, 0)), Some((None, 1))]
    );
    // Again: the same transceivers.
    exchange(&mut alice, &mut bob, without_mids);
    assert_eq!(bob.session.transceivers().count(), 2);
    assert!(!bob.session.negotiation_needed());
}

#[test]
fn each_transport_has_its_candidates_and_their_end() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    alice.gather("192.0.2.1 1000");
    alice.set_implicit().unwrap();
    let second = alice.session.transports().nth(1).unwrap();
    let candidates = alice.candidates.clone();
    let agent = alice.more.get_mut(&second).unwrap();
    agent.candidates = candidates;
    agent.candidates[0].address =
        pollrtc::wire::sdp::candidate::parse("1 1 udp 2130706431 192.0.2.1 2000 typ host")
            .unwrap()
            .address;
    agent.gathered = true;
    let offer = alice.local().unwrap().sdp;
    assert_eq!(ports(&offer), ["1000", "2000"]);
    let ended = |index| section(&offer, index).contains("a=end-of-candidates");
    assert_eq!((ended(1), ended(2)), (false, true));
    assert_eq!(alice.session.section_of(second), Some((Some("1"), 1)));

    // Bundled: what the second section says leads nowhere.
    let mut bundling = bob();
    bundling.set_remote(SdpType::Offer, &offer).unwrap();
    let plan = bundling.set_implicit().unwrap();
    assert_eq!(plan.transports.len(), 1);
    assert_eq!(plan.transports[0].candidates.len(), 1);
    assert!(!plan.transports[0].end_of_candidates);
    assert_eq!(
        trickle(&mut bundling, 1, Some(ufrags(&offer)[1])),
        Ok(Trickle::Ignored)
    );
    assert!(
        matches!(trickle(&mut bundling, 0, None), Ok(Trickle::Candidate(id, _)) if id.number() == 0)
    );

    // Unbundled: each leads to its own.
    let mut old = bob();
    old.set_remote(SdpType::Offer, &without_group(&offer))
        .unwrap();
    assert_eq!(trickle(&mut old, 1, None), Ok(Trickle::Later));
    let plan = old.set_implicit().unwrap();
    let found = plan.transports.iter();
    let found: Vec<_> = found
        .map(|plan| (plan.candidates.len(), plan.end_of_candidates))
        .collect();
    assert_eq!(found, [(1, false), (2, true)]);
    for index in [0, 1] {
        let id = old.session.transports().nth(usize::from(index));
        let taken = trickle(&mut old, index, None).unwrap();
        assert!(
            matches!(taken, Trickle::Candidate(to, _) if Some(to) == id),
            "{taken:?}"
        );
        let end = IceCandidate {
            sdp_mline_index: Some(index),
            ..IceCandidate::default()
        };
        let taken = old.session.add_ice_candidate(end).unwrap();
        assert_eq!(taken, Trickle::End(id.into_iter().collect()));
    }
    let taken = old
        .session
        .add_ice_candidate(IceCandidate::default())
        .unwrap();
    assert_eq!(taken, Trickle::End(old.session.transports().collect()));
}

fn trickle(peer: &mut Peer, index: u16, ufrag: Option<&str>) -> Result<Trickle, DescriptionError> {
    peer.session.add_ice_candidate(IceCandidate {
        candidate: "candidate:1 1 udp 2130706431 192.0.2.9 9 typ host",
        sdp_mline_index: Some(index),
        username_fragment: ufrag,
        ..IceCandidate::default()
    })
}

/// A rollback takes away what the offer had brought, and the next offer brings other ones.
#[test]
fn rollback_closes_the_transports_of_the_offer() {
    let mut alice = busy("alice", BundlePolicy::MaxCompat);
    let mut bob = bob();
    alice.set_implicit().unwrap();
    let plan = alice.set_local(SdpType::Rollback, "").unwrap();
    assert_eq!(numbers(&plan.closed), [1, 2, 3, 4]);
    assert_eq!(
        alice.session.transports().collect::<Vec<_>>(),
        [TransportId::FIRST]
    );
    // A number never means another one.
    assert_eq!(
        numbers(&alice.session.transports_for_offer()),
        [0, 5, 6, 7, 8]
    );
    // Glare: the same by itself.
    alice.set_implicit().unwrap();
    add(&mut bob, Kind::Audio);
    bob.set_implicit().unwrap();
    let plan = alice.take(&bob.local().unwrap()).unwrap();
    assert!(plan.rolled_back);
    assert_eq!(numbers(&plan.closed), [5, 6, 7, 8]);
    let plan = alice.set_implicit().unwrap();
    assert_eq!(
        (connected(&plan), plan.gather),
        (vec![0], vec![TransportId::FIRST])
    );
    // An offer in place of another one uses the same.
    let mut carol = busy("carol", BundlePolicy::MaxCompat);
    let first = carol.set_implicit().unwrap();
    let second = carol.set_implicit().unwrap();
    assert_eq!(first.gather, second.gather);
}

/// A provisional answer decides nothing for good.
#[test]
fn pranswer_leaves_transports_until_the_answer() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    alice.set_implicit().unwrap();
    let offer = alice.local().unwrap();
    let mut bob = bob();
    bob.take(&offer).unwrap();
    let pranswer = bob.answer().unwrap();
    let plan = alice.set_remote(SdpType::Pranswer, &pranswer).unwrap();
    assert_eq!((connected(&plan), carried(&plan)), (vec![0], vec![0, 0]));
    assert!(plan.closed.is_empty());
    assert_eq!(alice.session.transports().count(), 2);
    // Another one, who does not bundle, answers in the end.
    let mut old = self::bob();
    old.set_remote(SdpType::Offer, &without_group(&offer.sdp))
        .unwrap();
    let answer = old.answer().unwrap();
    let plan = alice.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!((connected(&plan), carried(&plan)), (vec![0, 1], vec![0, 1]));
    assert!(plan.closed.is_empty());
}

#[test]
fn restart_is_for_all_transports_or_for_one() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    let mut bob = bob();
    exchange(&mut alice, &mut bob, without_group);
    let all: Vec<TransportId> = alice.session.transports().collect();

    alice.session.restart_ice();
    let plan = alice.set_implicit().unwrap();
    assert_eq!(
        (&plan.restart, alice.session.restarting()),
        (&all, all.clone())
    );
    let plan = alice.set_local(SdpType::Rollback, "").unwrap();
    assert_eq!((plan.cancel_restart, plan.closed.len()), (all.clone(), 0));
    assert!(alice.session.negotiation_needed());
    let old = ufrags(&alice.local().unwrap().sdp).join(" ");
    let (ours, theirs) = exchange(&mut alice, &mut bob, without_group);
    assert_ne!(ufrags(&alice.local().unwrap().sdp).join(" "), old);
    assert!(!alice.session.negotiation_needed());
    for plan in ours.transports.iter().chain(&theirs.transports) {
        assert!(plan.restart && !plan.new_association);
    }
    assert_eq!(theirs.restart.len(), 2);

    // The peer restarts one of them: so do we, and the other goes on.
    bob.set_implicit().unwrap();
    let offer = without_group(&bob.local().unwrap().sdp);
    let name = ufrags(&offer)[1].to_string();
    let offer = offer.replace(&format!("a=ice-ufrag:{name}\r\n"), "a=ice-ufrag:anew\r\n");
    alice.set_remote(SdpType::Offer, &offer).unwrap();
    let plan = alice.set_implicit().unwrap();
    let restarts: Vec<bool> = plan.transports.iter().map(|plan| plan.restart).collect();
    assert_eq!((restarts, plan.restart), (vec![false, true], vec![all[1]]));
}

/// Each transport has its own peer: roles and certificates are its own matter.
#[test]
fn roles_and_fingerprints_are_those_of_each_transport() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    let mut bob = bob();
    alice.set_implicit().unwrap();
    let other = sha256("EE");
    let change = |offer: &str, fingerprint: &Fingerprint| {
        let offer = without_group(offer);
        let (head, video) = offer.split_at(offer.find("m=video").unwrap());
        let old = video
            .lines()
            .find(|line| line.starts_with("a=fingerprint"))
            .unwrap();
        let new = format!("a=fingerprint:{fingerprint}");
        let video = video.replace(old, &new).replace("actpass", "active");
        format!("{head}{video}")
    };
    let offer = change(&alice.local().unwrap().sdp, &other);
    bob.set_remote(SdpType::Offer, &offer).unwrap();
    let plan = bob.set_implicit().unwrap();
    let peers = plan.transports.iter();
    let peers: Vec<_> = peers
        .map(|plan| (plan.role, plan.fingerprints.clone()))
        .collect();
    let hers = alice.fingerprints.clone();
    assert_eq!(peers, [(Role::Client, hers), (Role::Server, vec![other])]);
    let answer = bob.local().unwrap().sdp;
    assert!(section(&answer, 1).contains("a=setup:active"));
    assert!(section(&answer, 2).contains("a=setup:passive"));
    // Another certificate in the same generation of one of them is nobody we know.
    let offer = change(&alice.local().unwrap().sdp, &sha256("DD"));
    let refused = bob.set_remote(SdpType::Offer, &offer);
    assert!(
        matches!(refused, Err(DescriptionError::InvalidAccess(_))),
        "{refused:?}"
    );
    assert_eq!(bob.state(), SignalingState::Stable);
}

#[test]
fn too_many_transports_are_rejected_or_only_offered_for_a_bundle() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    for _ in 0..MAX_TRANSPORTS + 2 {
        add(&mut alice, Kind::Audio);
    }
    assert_eq!(alice.session.transports_for_offer().len(), MAX_TRANSPORTS);
    alice.set_implicit().unwrap();
    let offer = alice.local().unwrap().sdp;
    assert_eq!(ports(&offer).iter().filter(|port| **port == "0").count(), 2);
    // Now as if each had a transport of its own.
    let more = without_group(&offer)
        .replace("a=bundle-only\r\n", "")
        .replace("m=audio 0", "m=audio 9");
    let mut bob = bob();
    bob.set_remote(SdpType::Offer, &more).unwrap();
    assert_eq!(bob.session.transports_for_answer().len(), MAX_TRANSPORTS);
    let plan = bob.set_implicit().unwrap();
    assert_eq!(
        (plan.transports.len(), plan.media.len()),
        (MAX_TRANSPORTS, MAX_TRANSPORTS)
    );
    assert_eq!(
        ports(&bob.local().unwrap().sdp)[MAX_TRANSPORTS..],
        ["0", "0"]
    );
}

/// The tag's section is rejected, or stopped later: the bundle goes on with another tag.
#[test]
fn bundle_survives_its_tag() {
    for policy in POLICIES {
        let mut alice = busy("alice", policy);
        let mut bob = bob();
        negotiate(&mut alice, &mut bob);
        let first = alice.session.transceivers().next().unwrap().id();
        alice.session.stop_transceiver(first).unwrap();
        let (ours, theirs) = negotiate(&mut alice, &mut bob);
        assert_eq!((connected(&ours), connected(&theirs)), (vec![0], vec![0]));
        assert_eq!(group(&alice.local().unwrap().sdp), Some(" 1 2 3 4"));
        assert!(ours.transports.iter().all(|plan| !plan.restart));
    }
    // Rejected at once: by one who hears nothing.
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxBundle);
    add(&mut alice, Kind::Audio);
    alice.session.want_data_channels();
    let (ours, theirs) = negotiate(&mut alice, &mut Peer::new("deafo"));
    assert_eq!((connected(&ours), connected(&theirs)), (vec![0], vec![0]));
    assert!(matches!(ours.data, Some(DataPlan::Open { .. })));
}

/// RFC 9143 §7.3.1: who stops what carried the bundle, after the offer and before the
/// answer, answers over the transport of the next section.
#[test]
fn bundle_has_the_transport_of_the_first_section_that_is_accepted() {
    for policy in POLICIES {
        let (mut alice, mut bob) = (busy("alice", policy), bob());
        alice.set_implicit().unwrap();
        let offer = alice.local().unwrap().sdp;
        bob.set_remote(SdpType::Offer, &offer).unwrap();
        // Sounds share a transport but where each section has its own.
        let stopped: Vec<_> = bob.session.transceivers().map(|one| one.id()).collect();
        for id in stopped.into_iter().take(2) {
            bob.session.stop_transceiver(id).unwrap();
        }
        let theirs = bob.set_implicit().unwrap();
        let ours = alice.take(&bob.local().unwrap()).unwrap();
        let carries = connected(&ours);
        let expected = match policy {
            BundlePolicy::MaxBundle => 0,
            BundlePolicy::Balanced => 1,
            BundlePolicy::MaxCompat => 2,
        };
        assert_eq!((carries, connected(&theirs)), (vec![expected], vec![0]));
        assert_eq!(theirs.transports[0].ufrag, ufrags(&offer)[2]);
        let more = exchange(&mut alice, &mut bob, str::to_string);
        assert!(more.1.transports.iter().all(|plan| !plan.restart));
    }
}

/// WPT-156: two answers of two ends make one, for sound from here and pictures from there.
#[test]
fn wpt_156_sound_and_pictures_have_different_peers() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::Balanced);
    add(&mut alice, Kind::Audio);
    add(&mut alice, Kind::Video);
    alice.set_implicit().unwrap();
    let offer = without_group(&alice.local().unwrap().sdp);
    let [bob, carol] = ["bobby", "carol"].map(|name| {
        let mut peer = Peer::with_policy(name, BundlePolicy::Balanced);
        peer.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = peer.answer().unwrap();
        peer.set_local(SdpType::Answer, &answer).unwrap();
        (peer.fingerprints.clone(), answer)
    });
    let audio = bob.1.split("m=video").next().unwrap();
    let video = carol.1.split("m=video").nth(1).unwrap();
    let answer = format!("{audio}m=video{video}");
    let plan = alice.set_remote(SdpType::Answer, &answer).unwrap();
    let peers = plan.transports.iter();
    let peers: Vec<_> = peers
        .map(|plan| (&*plan.ufrag, plan.fingerprints.clone()))
        .collect();
    assert_eq!(peers[0].1, bob.0);
    assert_eq!(peers[1].1, carol.0);
    assert_ne!(peers[0].0, peers[1].0);
    assert_eq!(carried(&plan), [0, 1]);
}
