//! Perfect negotiation: both sides offer when they like, and come to the same result.

use std::collections::VecDeque;

use pollrtc::PeerConnection;
use pollrtc::peer::{Config, Description, Direction, Event, Kind, SdpType, SignalingState};
use pollrtc::peer::{DescriptionError, TransceiverInit};
use pollrtc::rng::Rng;

use super::support::{ALICE, BOB};

/// One side of W3C §10.7, example 41, in Rust.
struct Negotiator {
    peer: PeerConnection,
    polite: bool,
    /// The last offer of the peer's was not taken, so its answer is none of ours.
    ignoring: bool,
    /// What was told of states, for who wants to know how it went.
    rollbacks: usize,
}

impl Negotiator {
    fn new(seed: u64, polite: bool) -> Self {
        Self {
            peer: PeerConnection::new(Config::new(), &mut Rng::from_number(seed)).unwrap(),
            polite,
            ignoring: false,
            rollbacks: 0,
        }
    }

    /// Gives out a description whenever one is needed.
    fn look(&mut self) -> Vec<Description> {
        let mut said = Vec::new();
        while let Some(event) = self.peer.poll_event() {
            if event == Event::NegotiationNeeded {
                self.peer.set_local_description(None).unwrap();
                said.extend(self.peer.local_description());
            }
        }
        said
    }

    /// Takes what the other side says, and replies.
    fn hear(&mut self, description: &Description) -> Vec<Description> {
        let is_offer = description.kind == SdpType::Offer;
        let collides = is_offer && self.peer.signaling_state() != SignalingState::Stable;
        self.rollbacks += usize::from(collides && self.polite);
        self.ignoring = collides && !self.polite;
        if self.ignoring {
            return Vec::new();
        }
        self.peer.set_remote_description(description).unwrap();
        let mut said = Vec::new();
        if is_offer {
            self.peer.set_local_description(None).unwrap();
            said.extend(self.peer.local_description());
        }
        said.extend(self.look());
        said
    }
}

/// Two sides and what is on its way between them.
struct Room {
    sides: [Negotiator; 2],
    /// To each side, in order.
    post: [VecDeque<Description>; 2],
}

impl Room {
    fn new(seed: u64) -> Self {
        Self {
            sides: [
                Negotiator::new(2 * seed, true),
                Negotiator::new(2 * seed + 1, false),
            ],
            post: [VecDeque::new(), VecDeque::new()],
        }
    }

    fn look(&mut self, side: usize) {
        let said = self.sides[side].look();
        self.post[1 - side].extend(said);
    }

    /// Delivers one description to a side; `false` if none is on its way.
    fn deliver(&mut self, side: usize) -> bool {
        let Some(description) = self.post[side].pop_front() else {
            return false;
        };
        let said = self.sides[side].hear(&description);
        self.post[1 - side].extend(said);
        true
    }

    fn settle(&mut self) {
        for _ in 0..100 {
            self.look(ALICE);
            self.look(BOB);
            if !self.deliver(ALICE) & !self.deliver(BOB) {
                return;
            }
        }
        panic!("they do not come to an end");
    }

    /// Both are done and say the same of every section.
    fn check(&self) {
        let tables = [ALICE, BOB].map(|side| {
            let peer = &self.sides[side].peer;
            assert_eq!(peer.signaling_state(), SignalingState::Stable);
            let mut table: Vec<_> = peer
                .transceivers()
                .map(|one| {
                    let current = one.current_direction().unwrap();
                    let seen = if side == ALICE {
                        current
                    } else {
                        current.reversed()
                    };
                    (one.mid().unwrap().to_string(), one.kind(), seen)
                })
                .collect();
            table.sort_by(|a, b| a.0.cmp(&b.0));
            table
        });
        assert_eq!(tables[ALICE], tables[BOB]);
    }

    /// Something new, something else, or the end of something.
    fn change(&mut self, side: usize, rng: &mut Rng) -> Result<(), DescriptionError> {
        let peer = &mut self.sides[side].peer;
        let count = peer.transceivers().count();
        let kind = [Kind::Audio, Kind::Video][pick(rng, 2)];
        let any = |peer: &PeerConnection, rng: &mut Rng| {
            let number = pick(rng, count);
            peer.transceivers().nth(number).unwrap().id()
        };
        match rng.below(5) {
            0 if count > 0 => {
                let id = any(peer, rng);
                peer.stop_transceiver(id)?;
            }
            1 if count > 0 => {
                let id = any(peer, rng);
                let all = [
                    Direction::SendRecv,
                    Direction::SendOnly,
                    Direction::RecvOnly,
                ];
                // One that is being stopped may be chosen, too.
                let _ = peer.set_direction(id, all[pick(rng, 3)]);
            }
            2 => peer.restart_ice(),
            _ if count < 12 => {
                peer.add_transceiver(kind, TransceiverInit::default())?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Both at once: the polite side takes its offer back, and then both have both.
#[test]
fn wpt_053_the_polite_side_gives_way() {
    let mut room = Room::new(1);
    for (side, kind) in [(ALICE, Kind::Audio), (BOB, Kind::Video)] {
        room.sides[side].peer.add_track(kind, "t", &[]).unwrap();
        room.look(side);
    }
    assert_eq!((room.post[ALICE].len(), room.post[BOB].len()), (1, 1));
    // The impolite side ignores what it is offered.
    room.deliver(BOB);
    assert!(room.sides[BOB].ignoring);
    let state = room.sides[BOB].peer.signaling_state();
    assert_eq!(state, SignalingState::HaveLocalOffer);
    room.settle();
    room.check();
    assert_eq!(room.sides[ALICE].rollbacks, 1);
    for side in &room.sides {
        assert_eq!(side.peer.transceivers().count(), 2);
    }
}

/// Changes while descriptions are on their way, in any order.
#[test]
fn wpt_054_glare_at_random_comes_to_an_end() {
    let mut rollbacks = 0;
    for seed in 0..6 {
        let mut rng = Rng::from_number(seed);
        let mut room = Room::new(seed);
        for _ in 0..60 {
            let side = pick(&mut rng, 2);
            match rng.below(3) {
                0 => room.change(side, &mut rng).unwrap(),
                1 => room.look(side),
                _ => {
                    room.deliver(side);
                }
            }
        }
        room.settle();
        room.check();
        rollbacks += room.sides[ALICE].rollbacks;
    }
    assert!(rollbacks > 6, "{rollbacks} is no storm");
}

/// The same where all that is on its way is delivered before the next thing happens.
#[test]
fn wpt_055_glare_with_signaling_in_order() {
    for seed in 0..6 {
        let mut rng = Rng::from_number(1000 + seed);
        let mut room = Room::new(seed);
        for _ in 0..20 {
            for side in [ALICE, BOB] {
                room.change(side, &mut rng).unwrap();
                room.look(side);
            }
            while room.deliver(BOB) | room.deliver(ALICE) {}
            room.settle();
            room.check();
        }
    }
}

/// One of so many.
fn pick(rng: &mut Rng, count: usize) -> usize {
    usize::try_from(rng.below(count as u64)).unwrap()
}
