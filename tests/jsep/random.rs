//! Two ends that do whatever is legal, in any order, and what must hold then.

use std::collections::VecDeque;

use pollrtc::jsep::{
    BundlePolicy, Description, DescriptionError, Kind, SdpType, SignalingState, Transceiver,
};
use pollrtc::wire::sdp::{self, Direction};
use proptest::prelude::*;

use super::bundle::without_group;
use super::support::{Peer, interop};

/// The W3C's perfect negotiation between a polite and an impolite end, with
/// signaling that delivers in order and takes its time.
struct World {
    peers: [Peer; 2],
    /// To each peer.
    queues: [VecDeque<Description>; 2],
    tracks: u32,
    /// Whether the ends see each other's BUNDLE groups.
    bundles: bool,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    /// A data channel is made.
    Want(usize),
    /// ICE is restarted.
    Restart(usize),
    /// There is something to send, of one kind or the other.
    Track(usize, bool),
    /// Something is done to one of the transceivers.
    Change(usize, usize, Change),
    /// An offer is made, if the state allows one.
    Offer(usize),
    /// An offer is made, and taken back before anybody saw it.
    OfferAndRollBack(usize),
    /// The next description arrives.
    Deliver(usize),
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Direction(Direction),
    RemoveTrack,
    Stop,
}

fn change() -> impl Strategy<Value = Change> {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    prop_oneof![
        4 => prop::sample::select(&[SendRecv, SendOnly, RecvOnly, Inactive][..]).prop_map(Change::Direction),
        2 => Just(Change::RemoveTrack),
        1 => Just(Change::Stop),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let which = 0..2_usize;
    prop_oneof![
        1 => which.clone().prop_map(Action::Want),
        1 => which.clone().prop_map(Action::Restart),
        2 => (which.clone(), any::<bool>()).prop_map(|(who, video)| Action::Track(who, video)),
        2 => (which.clone(), 0..8_usize, change()).prop_map(|(who, nth, change)| Action::Change(who, nth, change)),
        3 => which.clone().prop_map(Action::Offer),
        1 => which.clone().prop_map(Action::OfferAndRollBack),
        6 => which.prop_map(Action::Deliver),
    ]
}

fn policy() -> impl Strategy<Value = BundlePolicy> {
    use BundlePolicy::{Balanced, MaxBundle, MaxCompat};
    prop::sample::select(&[Balanced, MaxCompat, MaxBundle][..])
}

impl World {
    fn new([polite, impolite]: [BundlePolicy; 2], bundles: bool) -> Self {
        Self {
            peers: [
                Peer::with_policy("polite", polite),
                Peer::with_policy("impolite", impolite),
            ],
            queues: [VecDeque::new(), VecDeque::new()],
            tracks: 0,
            bundles,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Want(who) => self.peers[who].session.want_data_channels(),
            Action::Restart(who) => self.peers[who].session.restart_ice(),
            Action::Track(who, video) => {
                let kind = if video { Kind::Video } else { Kind::Audio };
                self.tracks += 1;
                let track = format!("track-{}", self.tracks);
                let session = &mut self.peers[who].session;
                session.add_track(kind, &track, &["stream"]).unwrap();
            }
            Action::Change(who, nth, change) => {
                let session = &mut self.peers[who].session;
                let Some(id) = session.transceivers().map(Transceiver::id).nth(nth) else {
                    return;
                };
                match change {
                    Change::Direction(direction) => _ = session.set_direction(id, direction),
                    Change::RemoveTrack => session.remove_track(id).unwrap(),
                    Change::Stop => session.stop_transceiver(id).unwrap(),
                }
            }
            Action::Offer(who) => {
                if self.peers[who].state() == SignalingState::Stable {
                    self.send_local(who);
                }
            }
            Action::OfferAndRollBack(who) => {
                if self.peers[who].state() == SignalingState::Stable {
                    let before = observe(&mut self.peers[who]);
                    self.peers[who].set_implicit().unwrap();
                    self.peers[who].set_local(SdpType::Rollback, "").unwrap();
                    // P-5: as before, except for the version number.
                    assert_eq!(observe(&mut self.peers[who]), before);
                }
            }
            Action::Deliver(who) => {
                if let Some(description) = self.queues[who].pop_front() {
                    self.deliver(who, &description);
                }
            }
        }
    }

    fn send_local(&mut self, who: usize) {
        self.peers[who].set_implicit().unwrap();
        let mut description = self.peers[who].local().unwrap();
        if !self.bundles {
            description.sdp = without_group(&description.sdp);
        }
        self.queues[1 - who].push_back(description);
    }

    fn deliver(&mut self, who: usize, description: &Description) {
        let collision =
            description.kind == SdpType::Offer && self.peers[who].state() != SignalingState::Stable;
        // The first is polite.
        if collision && who == 1 {
            return;
        }
        let plan = self.peers[who].take(description).unwrap();
        assert_eq!(plan.rolled_back, collision);
        if description.kind == SdpType::Offer {
            self.send_local(who);
        }
    }

    /// P-6: with everything delivered, both are stable after a bounded number of rounds.
    fn finish(&mut self) {
        for _ in 0..12 {
            while self.queues.iter().any(|queue| !queue.is_empty()) {
                self.act(Action::Deliver(0));
                self.act(Action::Deliver(1));
            }
            let needed = |peer: &Peer| peer.session.negotiation_needed();
            match self.peers.iter().position(needed) {
                Some(who) => self.act(Action::Offer(who)),
                None => break,
            }
        }
        for peer in &self.peers {
            assert_eq!(peer.state(), SignalingState::Stable);
            assert!(!peer.session.negotiation_needed());
        }
    }
}

/// What can be seen of a session, without the version of what it writes and the
/// credentials that its next generation would have.
fn observe(peer: &mut Peer) -> (Option<Description>, Option<Description>, bool, String) {
    let offer = peer.clone().offer().unwrap();
    let offer: Vec<&str> = offer
        .lines()
        .filter(|line| !line.starts_with("o=") && !line.starts_with("a=ice-ufrag"))
        .collect();
    (
        peer.local(),
        peer.session.remote_description(),
        peer.session.negotiation_needed(),
        offer.join("\n"),
    )
}

/// Of each section its name, its kind, and whether it is rejected.
fn table(description: Option<&Description>) -> Vec<(Option<String>, String, bool)> {
    let Some(description) = description else {
        return Vec::new();
    };
    let parsed = sdp::Description::parse(&description.sdp).unwrap();
    let rows = parsed.media.iter();
    rows.map(|media| {
        (
            media.mid().map(str::to_string),
            media.kind.to_string(),
            media.is_rejected(),
        )
    })
    .collect()
}

/// P-2: both have the same table of sections, and each has what the other set.
fn assert_agreement(peers: &mut [Peer; 2]) {
    let [a, b] = peers;
    let sides = |peer: &mut Peer| [peer.local(), peer.session.remote_description()];
    let [local_a, remote_a] = sides(a);
    let [local_b, remote_b] = sides(b);
    assert_eq!(table(local_a.as_ref()), table(remote_b.as_ref()));
    assert_eq!(table(local_b.as_ref()), table(remote_a.as_ref()));
    // An answer may reject what was offered.
    let names = |table: Vec<(Option<String>, String, bool)>| {
        let names = table.into_iter().map(|(mid, kind, _)| (mid, kind));
        names.collect::<Vec<_>>()
    };
    assert_eq!(
        names(table(local_a.as_ref())),
        names(table(local_b.as_ref()))
    );
    // Each knows the other's transceivers, and which way media flows.
    let flows = |peer: &Peer, ours: bool| {
        let all = peer.session.transceivers();
        let mut flows: Vec<_> = all
            .map(|one| {
                let direction = one.current_direction().unwrap();
                let direction = if ours {
                    direction
                } else {
                    direction.reversed()
                };
                (
                    one.mid().unwrap().to_string(),
                    one.kind(),
                    direction.to_string(),
                )
            })
            .collect();
        flows.sort();
        flows
    };
    assert_eq!(flows(a, true), flows(b, false));
}

/// Both have as many transports, each section of media has one of each, and who of them
/// says where it is reached says it once.
fn assert_transports(peers: &mut [Peer; 2]) {
    let lanes = |peer: &mut Peer| {
        let parsed = peer.local().unwrap_or(Description {
            kind: SdpType::Rollback,
            sdp: String::new(),
        });
        let used = peer.session.transports();
        let used = used.filter(|id| peer.session.section_of(*id).is_some());
        let mut agents: Vec<String> = Vec::new();
        for section in parsed.sdp.split("\r\nm=").skip(1) {
            let ufrag = section.lines().find(|line| line.starts_with("a=ice-ufrag"));
            let is_live = section.split(' ').nth(1) != Some("0");
            agents.extend(ufrag.filter(|_| is_live).map(ToString::to_string));
        }
        agents.sort();
        agents.dedup();
        (used.count(), agents.len())
    };
    let [a, b] = peers;
    let (lanes_a, lanes_b) = (lanes(a), lanes(b));
    assert_eq!(lanes_a.0, lanes_b.0);
    // An offer may have proposed more than its answer has left.
    assert!(
        lanes_a.0 <= lanes_a.1 && lanes_b.0 <= lanes_b.1,
        "{lanes_a:?} {lanes_b:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// P-2, P-5, P-6; WPT-053 and WPT-054: glare always converges.
    #[test]
    fn wpt_054_perfect_negotiation_converges(
        actions in prop::collection::vec(action(), 0..120),
        policies in [policy(), policy()],
        bundles in any::<bool>(),
    ) {
        let mut world = World::new(policies, bundles);
        for action in actions {
            world.act(action);
        }
        world.finish();
        assert_agreement(&mut world.peers);
        assert_transports(&mut world.peers);
    }

    /// P-4: whatever is called with whatever text, an error changes nothing.
    #[test]
    fn p_4_errors_change_nothing(calls in prop::collection::vec((0..10_u8, 0..8_usize, any::<prop::sample::Index>()), 0..40)) {
        let mut peer = Peer::with_data("peer");
        let mut other = Peer::with_data("other");
        for (call, which, cut) in calls {
            let texts = texts(&mut peer, &mut other);
            let text = &texts[which % texts.len()];
            let cut = cut.index(text.len() + 1);
            let mangled = if which % 2 == 0 { text.as_str() } else { text.get(..cut).unwrap_or(text) };
            let before = peer.clone();
            let colliding = peer.state() == SignalingState::HaveLocalOffer;
            let (kind, result) = invoke(&mut peer, call, mangled);
            match result {
                // The one exception: a colliding offer takes ours back.
                Err(_) if colliding && kind == Some(SdpType::Offer) => {
                    prop_assert_eq!(peer.state(), SignalingState::Stable);
                }
                Err(error) => prop_assert!(peer == before, "{}", error),
                Ok(()) => {}
            }
        }
    }
}

/// Descriptions that may or may not fit.
fn texts(peer: &mut Peer, other: &mut Peer) -> Vec<String> {
    let own = peer
        .local()
        .map(|description| description.sdp)
        .unwrap_or_default();
    let mut answerer = other.clone();
    let answer = match answerer.set_remote(SdpType::Offer, &own) {
        Ok(_) => answerer.answer().unwrap_or_default(),
        Err(_) => String::new(),
    };
    Vec::from([
        other.offer().unwrap_or_default(),
        own,
        answer,
        interop("chromium-156-av-dc-offer"),
        interop("chromium-156-dc-answer"),
        interop("aiortc-1-full-1-answer"),
        String::new(),
    ])
}

/// Makes one call; says which kind of remote description it was.
fn invoke(
    peer: &mut Peer,
    call: u8,
    text: &str,
) -> (Option<SdpType>, Result<(), DescriptionError>) {
    let remote = [
        SdpType::Offer,
        SdpType::Pranswer,
        SdpType::Answer,
        SdpType::Rollback,
    ];
    match call {
        0 => (None, peer.set_implicit().map(drop)),
        1 => (None, peer.set_local(SdpType::Offer, text).map(drop)),
        2 => (None, peer.set_local(SdpType::Answer, text).map(drop)),
        3 => (None, peer.set_local(SdpType::Pranswer, "").map(drop)),
        4 => (None, peer.set_local(SdpType::Rollback, text).map(drop)),
        5 => (None, peer.offer().map(drop)),
        _ => {
            let kind = remote[usize::from(call - 6)];
            (Some(kind), peer.set_remote(kind, text).map(drop))
        }
    }
}
