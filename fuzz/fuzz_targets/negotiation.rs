//! Two whole peers that do anything, and what they write to each other, sometimes damaged.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::fake;
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, Config, Description, DescriptionError, Direction,
    EncodingParameters, Event, IceCandidate, Kind, OfferOptions, PeerConnection, SdpType,
    SignalingState, TransceiverId, TransceiverInit,
};
use pollrtc::rng::Rng;

#[derive(Arbitrary, Clone, Debug)]
enum Step {
    /// An application does something to its own connection.
    Act(bool, Act),
    /// The next thing that was written arrives.
    Deliver(bool),
    /// The next thing that was written is damaged.
    Damage(bool, Damage),
    /// Something arrives as something else, or once more.
    Replay(bool, Role),
}

#[derive(Arbitrary, Clone, Debug)]
enum Act {
    AddTrack(bool),
    AddTransceiver(bool, Way, Vec<String>),
    RemoveTrack(u8),
    ReplaceTrack(u8, Option<String>),
    SetDirection(u8, Way),
    SetStreams(u8, Vec<String>),
    Prefer(u8, u8),
    Stop(u8),
    OpenChannel(Option<u16>),
    CloseChannel(u8),
    RestartIce,
    Offer {
        restart: bool,
        receive: Option<bool>,
    },
    Answer,
    ProvisionalAnswer,
    Rollback,
    Close,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Way {
    Both,
    Send,
    Receive,
    Neither,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Role {
    Offer,
    Pranswer,
    Answer,
    Rollback,
}

#[derive(Arbitrary, Clone, Debug)]
enum Damage {
    Byte(u16, u8),
    Cut(u16),
    WithoutLine(u8),
    TwiceLine(u8, u8),
    Line(u8, String),
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (policies, steps) = input;
    let mut peers = [Peer::new(1, policies), Peer::new(2, policies / 4)];
    let mut is_honest = true;
    for step in steps.into_iter().take(200) {
        match step {
            Step::Act(side, act) => {
                is_honest &= !matches!(act, Act::Close);
                peers[usize::from(side)].act(act);
            }
            Step::Deliver(to) => deliver(&mut peers, usize::from(to)),
            Step::Damage(side, damage) => {
                is_honest = false;
                if let Some(Letter::Description(description)) =
                    peers[usize::from(side)].outbox.front_mut()
                {
                    description.sdp = damaged(&description.sdp, &damage);
                }
            }
            Step::Replay(to, role) => {
                is_honest = false;
                peers[usize::from(to)].replay(role);
            }
        }
    }
    if is_honest {
        converge(&mut peers);
    }
});

enum Letter {
    Description(Description),
    Candidate(String, Option<String>, u16, String),
}

struct Peer {
    connection: PeerConnection,
    is_polite: bool,
    outbox: VecDeque<Letter>,
    heard: Option<String>,
    wants: bool,
    tracks: u32,
}

impl Peer {
    fn new(number: u64, policy: u8) -> Self {
        let config = Config {
            bundle_policy: match policy % 3 {
                0 => BundlePolicy::Balanced,
                1 => BundlePolicy::MaxCompat,
                _ => BundlePolicy::MaxBundle,
            },
            ..Config::with_provider(&fake::PROVIDER)
        };
        let mut rng = Rng::from_number(number);
        let mut connection = PeerConnection::new(config, &mut rng).expect("it has all");
        let address = ([192, 0, 2, number.to_be_bytes()[7]], 4000);
        let added = connection.add_local_address(address.into());
        added.expect("the first address");
        Self {
            connection,
            is_polite: number == 1,
            outbox: VecDeque::new(),
            heard: None,
            wants: false,
            tracks: 0,
        }
    }

    fn act(&mut self, act: Act) {
        let name = format!("track-{}", self.tracks);
        self.tracks += 1;
        let connection = &mut self.connection;
        let nth = |nth: u8| -> Option<TransceiverId> {
            let all: Vec<_> = connection.transceivers().map(|one| one.id()).collect();
            all.get(usize::from(nth) % all.len().max(1)).copied()
        };
        // Refusals are as good as anything: `checked` looks at what they leave.
        match act {
            Act::AddTrack(video) => _ = connection.add_track(kind(video), &name, &["stream"]),
            Act::AddTransceiver(video, way, rids) => {
                let init = TransceiverInit {
                    direction: direction(way),
                    encodings: rids
                        .iter()
                        .map(|rid| EncodingParameters::named(rid))
                        .collect(),
                    ..TransceiverInit::default()
                };
                _ = connection.add_transceiver(kind(video), init);
            }
            Act::RemoveTrack(which) => {
                if let Some(id) = nth(which) {
                    _ = connection.remove_track(id);
                }
            }
            Act::ReplaceTrack(which, track) => {
                if let Some(id) = nth(which) {
                    _ = connection.replace_track(id, track.as_deref());
                }
            }
            Act::SetDirection(which, way) => {
                if let Some(id) = nth(which) {
                    _ = connection.set_direction(id, direction(way));
                }
            }
            Act::SetStreams(which, streams) => {
                if let Some(id) = nth(which) {
                    let streams: Vec<&str> = streams.iter().map(String::as_str).collect();
                    _ = connection.set_streams(id, &streams);
                }
            }
            Act::Prefer(which, skip) => {
                if let Some(id) = nth(which) {
                    let kind = connection
                        .transceiver(id)
                        .map_or(Kind::Audio, |one| one.kind());
                    let mut codecs = connection.capabilities(kind).codecs.clone();
                    let skip = usize::from(skip) % codecs.len().max(1);
                    codecs.rotate_left(skip);
                    _ = connection.set_codec_preferences(id, codecs);
                }
            }
            Act::Stop(which) => {
                if let Some(id) = nth(which) {
                    _ = connection.stop_transceiver(id);
                }
            }
            Act::OpenChannel(negotiated) => {
                let config = ChannelConfig {
                    negotiated,
                    ..ChannelConfig::default()
                };
                _ = connection.create_data_channel(&name, config);
            }
            Act::CloseChannel(which) => {
                let all: Vec<_> = connection.channels().collect();
                if let Some(id) = all.get(usize::from(which) % all.len().max(1)) {
                    connection.close_channel(*id);
                }
            }
            Act::RestartIce => connection.restart_ice(),
            Act::Offer { restart, receive } => self.offer(restart, receive),
            Act::Answer => self.answer(SdpType::Answer),
            Act::ProvisionalAnswer => self.answer(SdpType::Pranswer),
            Act::Rollback => {
                // Who has told the other of an offer sticks to it.
                if self.connection.signaling_state() == SignalingState::HaveRemoteOffer {
                    let heard = self.heard.clone().unwrap_or_default();
                    let rollback = description(SdpType::Rollback, String::new());
                    let back = self.connection.set_local_description(Some(&rollback));
                    back.expect("the peer's offer is pending");
                    let again = description(SdpType::Offer, heard);
                    let taken = self.connection.set_remote_description(&again);
                    taken.expect("it was taken before");
                }
            }
            Act::Close => connection.close(),
        }
        self.listen();
    }

    fn offer(&mut self, ice_restart: bool, receive: Option<bool>) {
        if self.connection.signaling_state() != SignalingState::Stable {
            return;
        }
        self.wants = false;
        let options = OfferOptions {
            ice_restart,
            offer_to_receive_audio: receive,
            ..OfferOptions::default()
        };
        let offer = self.connection.create_offer_with(options);
        let offer = offer.expect("it is stable");
        let set = self.connection.set_local_description(Some(&offer));
        set.expect("it was just created");
        self.outbox.push_back(Letter::Description(offer));
    }

    fn answer(&mut self, kind: SdpType) {
        use SignalingState::{HaveLocalPranswer, HaveRemoteOffer};
        let state = self.connection.signaling_state();
        if !matches!(state, HaveRemoteOffer | HaveLocalPranswer) {
            return;
        }
        let answer = self.connection.create_answer().expect("an offer waits");
        let answer = description(kind, answer.sdp);
        let set = self.connection.set_local_description(Some(&answer));
        set.expect("it was just created");
        self.outbox.push_back(Letter::Description(answer));
    }

    /// Perfect negotiation (W3C webrtc-pc §10.7), but that the answer may take its time.
    fn hear(&mut self, letter: Letter) {
        match letter {
            Letter::Description(one) => {
                let state = self.connection.signaling_state();
                let collides = one.kind == SdpType::Offer && state != SignalingState::Stable;
                if collides && !self.is_polite {
                    return;
                }
                if self.checked(&one).is_ok() && one.kind == SdpType::Offer {
                    self.heard = Some(one.sdp);
                }
            }
            Letter::Candidate(line, mid, index, ufrag) => {
                _ = self.connection.add_ice_candidate(IceCandidate {
                    candidate: &line,
                    sdp_mid: mid.as_deref(),
                    sdp_mline_index: Some(index),
                    username_fragment: Some(&ufrag),
                });
            }
        }
        self.listen();
    }

    fn replay(&mut self, role: Role) {
        let kind = match role {
            Role::Offer => SdpType::Offer,
            Role::Pranswer => SdpType::Pranswer,
            Role::Answer => SdpType::Answer,
            Role::Rollback => SdpType::Rollback,
        };
        let sdp = self.heard.clone().unwrap_or_default();
        _ = self.checked(&description(kind, sdp));
        self.listen();
    }

    /// An error changes nothing, but that a colliding offer takes ours back.
    fn checked(&mut self, description: &Description) -> Result<(), DescriptionError> {
        let seen = |connection: &PeerConnection| {
            let transceivers: Vec<_> = connection.transceivers().cloned().collect();
            let pending = connection.pending_local_description().map(|one| one.kind);
            (
                connection.signaling_state(),
                pending,
                connection.remote_description(),
                transceivers,
            )
        };
        let before = seen(&self.connection);
        let result = self.connection.set_remote_description(description);
        let is_offer = description.kind == SdpType::Offer;
        let collided = is_offer && before.0 == SignalingState::HaveLocalOffer;
        if result.is_err() && !collided {
            assert!(
                before == seen(&self.connection),
                "{result:?} changed something"
            );
        }
        result
    }

    fn listen(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::NegotiationNeeded => self.wants = true,
                Event::IceCandidate(Some(one)) => self.outbox.push_back(Letter::Candidate(
                    one.candidate,
                    one.sdp_mid,
                    one.sdp_mline_index,
                    one.username_fragment,
                )),
                _ => {}
            }
        }
    }
}

fn deliver(peers: &mut [Peer; 2], to: usize) {
    if let Some(letter) = peers[1 - to].outbox.pop_front() {
        peers[to].hear(letter);
    }
}

/// With everything delivered and answered both become stable, want nothing, and have the
/// same sections.
fn converge(peers: &mut [Peer; 2]) {
    for _ in 0..40 {
        for side in 0..2 {
            while !peers[1 - side].outbox.is_empty() {
                deliver(peers, side);
            }
            peers[side].answer(SdpType::Answer);
            if peers[side].wants && peers[1 - side].outbox.is_empty() {
                peers[side].offer(false, None);
            }
            peers[side].listen();
        }
    }
    let [a, b] = peers;
    for peer in [&*a, &*b] {
        assert_eq!(peer.connection.signaling_state(), SignalingState::Stable);
        assert!(!peer.wants, "it never has enough");
    }
    let sections = |sdp: Option<Description>| -> Vec<String> {
        let sdp = sdp.map(|one| one.sdp).unwrap_or_default();
        let mids = sdp.lines().filter(|line| line.starts_with("a=mid:"));
        mids.map(str::to_string).collect()
    };
    let [ours, theirs] =
        [&a.connection, &b.connection].map(|one| sections(one.local_description()));
    assert_eq!(ours, theirs);
    let [ours, theirs] = [&a.connection, &b.connection].map(|one| {
        let all = one.transceivers();
        let mut all: Vec<_> = all
            .map(|one| (one.mid().map(str::to_string), one.kind()))
            .collect();
        all.sort();
        all
    });
    assert_eq!(ours, theirs);
}

fn description(kind: SdpType, sdp: String) -> Description {
    Description { kind, sdp }
}

const fn kind(video: bool) -> Kind {
    if video { Kind::Video } else { Kind::Audio }
}

const fn direction(way: Way) -> Direction {
    match way {
        Way::Both => Direction::SendRecv,
        Way::Send => Direction::SendOnly,
        Way::Receive => Direction::RecvOnly,
        Way::Neither => Direction::Inactive,
    }
}

fn damaged(text: &str, damage: &Damage) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let place = |nth: &u8| usize::from(*nth) % lines.len().max(1);
    match damage {
        Damage::Byte(at, with) => {
            let mut bytes = text.as_bytes().to_vec();
            let at = usize::from(*at) % bytes.len().max(1);
            bytes.splice(at..at.saturating_add(1).min(text.len()), [*with]);
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        Damage::Cut(at) => {
            let at = usize::from(*at) % (text.len() + 1);
            return text.get(..at).unwrap_or_default().to_string();
        }
        Damage::WithoutLine(nth) if !lines.is_empty() => _ = lines.remove(place(nth)),
        Damage::TwiceLine(from, to) if !lines.is_empty() => {
            let (line, to) = (lines[place(from)], place(to));
            lines.insert(to, line);
        }
        Damage::Line(nth, line) => lines.insert(place(nth), line),
        Damage::WithoutLine(_) | Damage::TwiceLine(..) => {}
    }
    lines.iter().flat_map(|line| [*line, "\r\n"]).collect()
}
