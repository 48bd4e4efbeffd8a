//! The world, both applications, and what they do about what they are told.

use std::net::SocketAddr;
use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::crypto::{CryptoProvider, fake, rust_crypto};
use pollrtc::dtls::Role;
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, ChannelState, Codec, Config, Configuration, ConfigurationError,
    Description, DescriptionError, Direction, Event, IceCandidate, Kind, OfferOptions, SdpType,
    SignalingState, TransceiverId, TransceiverInit, WriteError,
};
use pollrtc::sim::ledger::Fact;
use pollrtc::sim::{HostId, Link, World, invariants, trace};
use pollrtc::time::Instant;

use super::agree;
use super::channels::Channels;
use super::dice::Dice;
use super::media::{Frames, choose_codec};
use super::model::{self, Line, Model, both};
use super::post::{Letter, Post};
use super::servers;
use super::steps::{Act, Setting, Step, Way};

pub(crate) struct Stage {
    world: World<PeerConnection>,
    hosts: [HostId; 2],
    dice: Dice,
    post: Post,
    sides: [Side; 2],
    channels: Channels,
    frames: Frames,
    /// How many tracks there have been.
    tracks: usize,
}

/// One application. The first is polite.
#[derive(Default)]
struct Side {
    model: Model,
    /// When it makes the offer that was asked for.
    offers: Option<Instant>,
    /// When it answers the offer that waits.
    answers: Option<Instant>,
}

impl Stage {
    /// Only some worlds are watched by the invariants of the simulator, which costs more
    /// than all the rest; `talks` has a story to tell.
    pub(crate) fn new(seed: u64, talks: bool) -> Self {
        let is_watched = seed.is_multiple_of(4);
        let mut dice = Dice::new(!seed);
        let link = Link::with_delay(dice.millis(60));
        let configs = [0, 1].map(|_| Config {
            answer_role: dice.of(&[Role::Client, Role::Server]),
            ice_candidate_pool_size: dice.of(&[0, 0, 0, 1]),
            bundle_policy: dice.of(&POLICIES),
            ..match is_watched {
                true => Config::new(),
                false => Config::with_provider(&QUICK),
            }
        });
        let mut world = World::new(seed).with_links(link);
        if !is_watched && !talks {
            world = world.without_ledger();
        }
        let provider = configs[0].provider;
        world.add_turn_server("server", servers::server(provider));
        let [polite, impolite] = configs;
        let addresses = [([192, 0, 2, 1], 4000), ([198, 51, 100, 2], 5000)];
        let [first, second] = addresses.map(SocketAddr::from);
        let hosts = [
            world.add_peer("polite", first, polite),
            world.add_peer("impolite", second, impolite),
        ];
        for host in hosts {
            for server in [servers::address(), servers::nobody()] {
                world.note(host, Fact::Server(server));
            }
        }
        // Not those whose premises do not hold here: sections that were rolled back do go
        // away, a channel that was closed before it was open is opened by one side alone,
        // and a transport that no section uses does not count for the connection's state.
        // What is lost by that is checked below.
        let without = ["P-2", "P-7", "S-1, S-2, S-3, D-3", "S-6, S-8, S-10"];
        let mut invariants = invariants::of_pair(hosts);
        invariants.retain(|one| !without.contains(&one.name()));
        if is_watched {
            world.watch(invariants);
        }
        let mut stage = Self {
            world,
            hosts,
            dice,
            post: Post::default(),
            sides: Default::default(),
            channels: Channels::default(),
            frames: Frames::default(),
            tracks: 0,
        };
        // Mostly the first exchange is of something.
        if !stage.dice.one_in(4) {
            stage.open_channel(0, true);
        }
        stage
    }

    pub(crate) fn take(&mut self, step: &Step) {
        let side = step.side;
        let said = format!("{:?}", step.act);
        self.world.note(self.hosts[side], Fact::Said(said));
        match step.act {
            Act::AddTrack(kind) => self.add_track(side, kind),
            Act::AddTransceiver(kind, direction) => self.add_transceiver(side, kind, direction),
            Act::OpenChannel { ordered } => self.open_channel(side, ordered),
            Act::CloseChannel(nth) => self.close_channel(side, nth),
            Act::Offer(way) => self.offer(side, way),
            Act::RestartIce => self.call(side, PeerConnection::restart_ice),
            Act::Configure(setting) => self.configure(side, setting),
            Act::Speak => self.speak(side),
            Act::Rest => self.rest(),
            Act::RemoveTrack(nth)
            | Act::ReplaceTrack(nth, _)
            | Act::SetDirection(nth, _)
            | Act::Prefer(nth, _)
            | Act::Stop(nth) => {
                let all: Vec<_> = self
                    .machine(side)
                    .transceivers()
                    .map(|one| one.id())
                    .collect();
                if !all.is_empty() {
                    self.change(side, all[nth % all.len()], step.act);
                }
            }
        }
        self.run(step.pause);
    }

    /// Something is agreed on in any case, all is settled, and both say goodbye.
    pub(crate) fn finish(&mut self) {
        self.open_channel(0, true);
        self.add_track(1, Kind::Audio);
        self.rest();
        // An ICE restart may still be under way, in which the old path is used.
        self.run(LAST_RESTART);
        self.world.finish();
    }

    /// What happened, apart from packets.
    pub(crate) fn tell_story(&self) {
        let story = trace::tail(self.world.ledger(), usize::MAX);
        let is_packet = |line: &&str| line.contains('>');
        for line in story.lines().filter(|line| !is_packet(line)) {
            println!("{line}");
        }
    }

    fn machine(&self, side: usize) -> &PeerConnection {
        self.world.machine(self.hosts[side])
    }

    fn call<R>(&mut self, side: usize, act: impl FnOnce(&mut PeerConnection) -> R) -> R {
        self.world.with(self.hosts[side], |peer, _| act(peer))
    }

    fn state(&self, side: usize) -> SignalingState {
        self.machine(side).signaling_state()
    }
}

/// What the applications do by themselves.
impl Stage {
    fn add_track(&mut self, side: usize, kind: Kind) {
        let listed = ids(self.machine(side));
        let model = &self.sides[side].model;
        let idle = model.idle(kind, &listed);
        self.tracks += 1;
        let name = format!("track-{}", self.tracks);
        if idle.is_none() && listed.len() >= MAX_LINES {
            return;
        }
        let id = self.call(side, |peer| peer.add_track(kind, &name, &["stream"]));
        let id = id.expect("there is room");
        let model = &mut self.sides[side].model;
        match idle {
            Some(idle) => assert_eq!(id, idle, "an idle one is taken"),
            None => model.add(id, kind, Direction::SendRecv),
        }
        model.add_track(id);
    }

    fn add_transceiver(&mut self, side: usize, kind: Kind, direction: Direction) {
        if self.machine(side).transceivers().count() >= MAX_LINES {
            return;
        }
        let init = TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        let id = self.call(side, |peer| peer.add_transceiver(kind, init));
        self.sides[side]
            .model
            .add(id.expect("there is room"), kind, direction);
    }

    /// All that can change does; the pool only as long as nothing was described.
    fn configure(&mut self, side: usize, setting: Setting) {
        let before = self.machine(side).configuration();
        let is_described = self.machine(side).local_description().is_some();
        let ice_servers = servers::of(setting.servers);
        let mut wanted = Configuration {
            ice_transport_policy: servers::policy(setting),
            ice_servers,
            ice_candidate_pool_size: setting.pool,
            ..before.clone()
        };
        let done = self.call(side, |peer| peer.set_configuration(wanted.clone()));
        if is_described && before.ice_candidate_pool_size != setting.pool {
            let refused = matches!(done, Err(ConfigurationError::InvalidModification(_)));
            assert!(refused, "{done:?}");
            let now = self.machine(side).configuration();
            assert_eq!(now.ice_servers, before.ice_servers);
            assert_eq!(now.ice_transport_policy, before.ice_transport_policy);
            wanted.ice_candidate_pool_size = before.ice_candidate_pool_size;
            let done = self.call(side, |peer| peer.set_configuration(wanted.clone()));
            assert_eq!(done, Ok(()));
        } else {
            assert_eq!(done, Ok(()));
        }
        let now = self.machine(side).configuration();
        assert_eq!(now.ice_servers, wanted.ice_servers);
        assert_eq!(now.ice_transport_policy, wanted.ice_transport_policy);
        assert_eq!(now.ice_candidate_pool_size, wanted.ice_candidate_pool_size);
    }

    /// One of those that the application can see; it may be stopped.
    fn change(&mut self, side: usize, id: TransceiverId, act: Act) {
        let is_stopped = self.sides[side].model.line(id).stopped;
        let done = match act {
            Act::RemoveTrack(_) => {
                self.call(side, |peer| peer.remove_track(id))
                    .expect("it is one of ours");
                self.sides[side].model.remove_track(id);
                return;
            }
            Act::Stop(_) => {
                self.call(side, |peer| peer.stop_transceiver(id))
                    .expect("it is one of ours");
                let line = self.sides[side].model.line_mut(id);
                line.stopped = true;
                return;
            }
            Act::ReplaceTrack(_, track) => {
                self.tracks += 1;
                let name = track.then(|| format!("track-{}", self.tracks));
                let done = self.call(side, |peer| peer.replace_track(id, name.as_deref()));
                if !is_stopped {
                    self.sides[side].model.replace_track(id, track);
                }
                done
            }
            Act::SetDirection(_, direction) => {
                let done = self.call(side, |peer| peer.set_direction(id, direction));
                if !is_stopped {
                    self.sides[side].model.line_mut(id).direction = direction;
                }
                done
            }
            Act::Prefer(_, salt) => self.prefer(side, id, salt),
            _ => return,
        };
        let expected = if is_stopped {
            Err(DescriptionError::InvalidState)
        } else {
            Ok(())
        };
        assert_eq!(done, expected, "{act:?}");
    }

    /// Some of the codecs, in some order; what both sides always have is among them.
    fn prefer(
        &mut self,
        side: usize,
        id: TransceiverId,
        salt: usize,
    ) -> Result<(), DescriptionError> {
        let mut dice = Dice::new(salt as u64);
        let kind = self.sides[side].model.line(id).kind;
        let mut codecs: Vec<Codec> = self.machine(side).capabilities(kind).codecs.clone();
        if dice.one_in(4) {
            codecs.clear();
        }
        codecs.retain(|codec| ["opus", "VP8"].contains(&&*codec.name) || dice.one_in(2));
        for end in (1..codecs.len()).rev() {
            codecs.swap(end, dice.below(end + 1));
        }
        let done = self.call(side, |peer| peer.set_codec_preferences(id, codecs.clone()));
        if done.is_ok() {
            self.sides[side].model.prefer(id, &codecs);
        }
        done
    }

    fn open_channel(&mut self, side: usize, ordered: bool) {
        if self.channels.live() >= MAX_CHANNELS {
            return;
        }
        let label = self.channels.next_label();
        let config = ChannelConfig {
            ordered,
            ..ChannelConfig::default()
        };
        let id = self.world.open(self.hosts[side], &label, config);
        let id = id.expect("there is room");
        self.channels.open(side, id, &label, ordered);
    }

    fn close_channel(&mut self, side: usize, nth: usize) {
        let all: Vec<_> = self.machine(side).channels().collect();
        if !all.is_empty() {
            let id = all[nth % all.len()];
            self.channels.close(side, id);
            self.call(side, |peer| peer.close_channel(id));
        }
    }

    /// A message on each open channel, and a frame on each line that sends.
    fn speak(&mut self, side: usize) {
        let peer = self.machine(side);
        let is_open = |id: &_| {
            let info = peer.channel(*id);
            info.is_some_and(|info| info.state == ChannelState::Open)
        };
        let open: Vec<_> = peer.channels().filter(is_open).collect();
        for id in open {
            if let Some(text) = self.channels.write(side, id) {
                let sent = self.world.send(self.hosts[side], id, text);
                sent.expect("an open channel takes a message");
            }
        }
        let all = ids(self.machine(side));
        for id in all {
            // What may be sent at this moment is looked at when all is quiet.
            let _ = self.write(side, id);
        }
    }

    fn write(&mut self, side: usize, id: TransceiverId) -> Result<u32, WriteError> {
        self.call(side, |peer| choose_codec(peer, id));
        let kind = self.sides[side].model.line(id).kind;
        let (number, frame) = self.frames.next(id, kind);
        let host = self.hosts[side];
        self.world.write_frame(host, id, "", &frame)?;
        Ok(number)
    }
}

/// Offer and answer.
impl Stage {
    fn offer(&mut self, side: usize, way: Way) {
        if self.state(side) != SignalingState::Stable {
            return;
        }
        self.say(side);
        match way {
            Way::Implicit => self.set_local(side, None),
            Way::Created => {
                let offer = self.call(side, PeerConnection::create_offer);
                self.set_local(side, Some(&offer.expect("it is stable")));
            }
            Way::Restarting => {
                let options = OfferOptions {
                    ice_restart: true,
                    ..OfferOptions::default()
                };
                let offer = self.call(side, |peer| peer.create_offer_with(options));
                self.set_local(side, Some(&offer.expect("it is stable")));
            }
            Way::TakenBack => {
                self.set_local(side, None);
                self.set_local(side, Some(&rollback()));
                self.sides[side].model.roll_back();
                return;
            }
            Way::Replaced => {
                self.set_local(side, None);
                self.set_local(side, None);
            }
        }
        self.send_description(side);
    }

    /// The model knows what is said at this moment.
    fn say(&mut self, side: usize) {
        let peer = self.world.machine(self.hosts[side]);
        let all = [Kind::Audio, Kind::Video].map(|kind| &*peer.capabilities(kind).codecs);
        self.sides[side].model.say(all);
    }

    fn set_local(&mut self, side: usize, description: Option<&Description>) {
        let set = self.world.describe_as(self.hosts[side], description);
        set.unwrap_or_else(|error| panic!("side {side}, {:?}: {error}", self.state(side)));
        self.name(side);
    }

    /// With the candidates that there are, or without any: they are trickled, too.
    fn send_description(&mut self, side: usize) {
        let mut description = self.machine(side).local_description().expect("it was set");
        if self.dice.one_in(2) {
            let about_candidates = |line: &&str| {
                line.starts_with("a=candidate") || line.starts_with("a=end-of-candidates")
            };
            let lines = description
                .sdp
                .lines()
                .filter(|line| !about_candidates(line));
            description.sdp = lines.flat_map(|line| [line, "\r\n"]).collect();
        }
        self.send(side, Letter::Description(description));
    }

    fn send(&mut self, side: usize, letter: Letter) {
        let now = self.world.now();
        self.post.send(now, 1 - side, letter, &mut self.dice);
    }

    /// W3C webrtc-pc §10.7, perfect negotiation: who is impolite does not hear offers
    /// that collide with its own.
    fn hear(&mut self, side: usize, description: &Description) {
        let state = self.state(side);
        let is_offer = description.kind == SdpType::Offer;
        if !is_offer {
            self.tell(side, description);
            self.on_answer(side);
            return;
        }
        if state != SignalingState::Stable {
            if side == 1 {
                return;
            }
            self.sides[side].model.roll_back();
        }
        self.tell(side, description);
        match self.dice.below(8) {
            0 => {
                self.tell(side, &rollback());
                self.sides[side].model.roll_back();
                self.tell(side, description);
            }
            // It takes the place of the other, with transceivers of its own.
            1 => {
                self.sides[side].model.roll_back();
                self.tell(side, description);
            }
            _ => {}
        }
        if self.dice.one_in(2) {
            self.answer(side);
        } else {
            let wait = self.dice.millis(200);
            self.sides[side].answers = Some(self.world.now() + wait);
        }
    }

    fn tell(&mut self, side: usize, description: &Description) {
        let told = self.world.tell(self.hosts[side], description);
        let kind = description.kind;
        told.unwrap_or_else(|error| panic!("side {side}, {kind}: {error}"));
        let Self { world, sides, .. } = self;
        let all = world.machine(self.hosts[side]).transceivers();
        sides[side].model.hear(all);
        self.name(side);
    }

    fn name(&mut self, side: usize) {
        let Self { world, sides, .. } = self;
        let all = world.machine(self.hosts[side]).transceivers();
        sides[side].model.name(all);
    }

    fn answer(&mut self, side: usize) {
        self.say(side);
        let way = self.dice.below(8);
        if way == 0 && self.state(side) == SignalingState::HaveRemoteOffer {
            let answer = self.call(side, PeerConnection::create_answer);
            let pranswer = Description {
                kind: SdpType::Pranswer,
                ..answer.expect("an offer waits")
            };
            self.set_local(side, Some(&pranswer));
            let wait = self.dice.millis(200);
            self.sides[side].answers = Some(self.world.now() + wait);
        } else if way < 4 {
            let answer = self.call(side, PeerConnection::create_answer);
            self.set_local(side, Some(&answer.expect("an offer waits")));
        } else {
            self.set_local(side, None);
        }
        self.on_answer(side);
        if self.state(side) == SignalingState::Stable {
            self.agree_on_codecs(side);
        }
        self.send_description(side);
    }

    /// An answer was set: what has a section now?
    fn on_answer(&mut self, side: usize) {
        let Self { world, sides, .. } = self;
        let all: Vec<_> = world.machine(self.hosts[side]).transceivers().collect();
        sides[side].model.settle(all.into_iter());
    }

    fn agree_on_codecs(&mut self, answerer: usize) {
        let offerer = 1 - answerer;
        let mids = |side: usize| {
            let all = self.machine(side).transceivers();
            all.filter_map(|one| Some((one.mid()?, one.id())))
        };
        let pair = |(mid, theirs)| {
            let (_, ours) = mids(offerer).find(|(other, _)| *other == mid)?;
            Some((ours, theirs))
        };
        let names = mids(answerer).filter_map(pair).collect();
        let [first, second] = &mut self.sides;
        let (ours, theirs) = match offerer {
            0 => (&mut first.model, &mut second.model),
            _ => (&mut second.model, &mut first.model),
        };
        model::agree_on_codecs(ours, theirs, &names);
    }

    /// A candidate may come too late, or for an offer that was not heard: then there is
    /// no description of its generation.
    fn trickle(&mut self, side: usize, candidate: IceCandidate<'_>) {
        let host = self.hosts[side];
        self.world.note_candidate(host, candidate.candidate);
        let taken = self.call(side, |peer| peer.add_ice_candidate(candidate));
        if let Err(error) = taken {
            let remote = self.machine(side).remote_description();
            let remote = remote.map(|remote| remote.sdp).unwrap_or_default();
            let has = |name: &str, value: Option<&str>| {
                value.is_none_or(|value| remote.contains(&format!("a={name}:{value}\r\n")))
            };
            let is_known = has("ice-ufrag", candidate.username_fragment);
            let is_there = has("mid", candidate.sdp_mid);
            assert!(!is_known || !is_there, "{candidate:?}: {error}");
        }
    }
}

/// Time, and what was told.
impl Stage {
    fn run(&mut self, time: Duration) {
        let end = self.world.now() + time;
        loop {
            self.listen();
            let now = self.world.now();
            self.act(now);
            self.listen();
            let plans = self
                .sides
                .iter()
                .flat_map(|side| [side.offers, side.answers]);
            let next = plans.flatten().chain(self.post.next_arrival()).min();
            match next {
                Some(next) if next <= end => self.world.run_for(next.since(now)),
                _ => break,
            }
        }
        self.world.run_for(end.since(self.world.now()));
        self.listen();
    }

    /// All that is due.
    fn act(&mut self, now: Instant) {
        while let Some((to, letter)) = self.post.take(now) {
            match letter {
                Letter::Description(description) => self.hear(to, &description),
                Letter::Candidate(candidate) => {
                    let candidate = IceCandidate {
                        candidate: &candidate.candidate,
                        sdp_mid: candidate.sdp_mid.as_deref(),
                        sdp_mline_index: Some(candidate.sdp_mline_index),
                        username_fragment: Some(&candidate.username_fragment),
                    };
                    self.trickle(to, candidate);
                }
                Letter::EndOfCandidates(ufrag) => {
                    let end = IceCandidate {
                        username_fragment: Some(&ufrag),
                        ..IceCandidate::default()
                    };
                    self.trickle(to, end);
                }
            }
            self.listen();
        }
        for side in 0..2 {
            if self.sides[side].offers.is_some_and(|at| at <= now) {
                self.sides[side].offers = None;
                self.offer(side, Way::Implicit);
            }
            if self.sides[side].answers.is_some_and(|at| at <= now) {
                self.sides[side].answers = None;
                self.answer(side);
            }
        }
    }

    fn listen(&mut self) {
        for side in 0..2 {
            while let Some(event) = self.world.next_event(self.hosts[side]) {
                self.on_event(side, event);
            }
        }
    }

    fn on_event(&mut self, side: usize, event: Event) {
        match event {
            Event::NegotiationNeeded => {
                let wait = self.dice.millis(100);
                self.sides[side].offers = Some(self.world.now() + wait);
            }
            Event::IceCandidate(Some(candidate)) => {
                self.send(side, Letter::Candidate(candidate));
            }
            Event::IceCandidate(None) => {
                let ice = self.machine(side).ice();
                let ufrag = ice.local_credentials().ufrag.clone();
                self.send(side, Letter::EndOfCandidates(ufrag));
            }
            Event::DataChannel(id) => {
                let peer = self.world.machine(self.hosts[side]);
                self.channels.on_opened(side, id, peer);
            }
            Event::ChannelState(id, ChannelState::Closed) => self.channels.on_closed(side, id),
            Event::Message(id, data) => self.channels.on_message(side, id, &data),
            Event::Frame {
                transceiver, frame, ..
            } => self.frames.on_frame(side, transceiver, &frame.data),
            Event::Closed(reason) => panic!("side {side}: {reason}"),
            _ => {}
        }
    }
}

/// What must hold when all is quiet.
impl Stage {
    /// P-6: with everything delivered, both become stable and want nothing.
    fn rest(&mut self) {
        let end = self.world.now() + PATIENCE;
        loop {
            self.run(TICK);
            let Some(why) = self.unsettled() else { break };
            assert!(self.world.now() < end, "{why}");
        }
        let sections = agree::check([self.machine(0), self.machine(1)]);
        // Each side may have that many of its own, and there is one for data.
        assert!(sections <= 2 * MAX_LINES + 1, "{sections} sections");
        self.bury();
        self.check_lines();
        self.check_media();
    }

    fn is_quiet(&self) -> bool {
        let is_stable = |side: usize| self.state(side) == SignalingState::Stable;
        let waits = |side: &Side| side.offers.is_some() || side.answers.is_some();
        is_stable(0) && is_stable(1) && self.post.is_empty() && !self.sides.iter().any(waits)
    }

    /// What keeps it from being all quiet?
    fn unsettled(&self) -> Option<String> {
        if !self.is_quiet() {
            return Some("they negotiate for ever".into());
        }
        let all_connected = self.hosts.iter().all(|host| self.world.is_connected(*host));
        if agree::is_used(self.machine(0)) && !all_connected {
            return Some("not connected".into());
        }
        self.channels.unsettled([self.machine(0), self.machine(1)])
    }

    /// Forgets those that somebody has stopped: by now both sides know.
    fn bury(&mut self) {
        let stopped = |side: &Side| -> Vec<Option<String>> {
            let stopped = side.model.lines.iter().filter(|line| line.stopped);
            stopped.map(|line| line.mid.clone()).collect()
        };
        let mut stopped = [stopped(&self.sides[1]), stopped(&self.sides[0])].into_iter();
        let Self { world, sides, .. } = self;
        for (side, host) in sides.iter_mut().zip(self.hosts) {
            let stopped = stopped.next().unwrap_or_default();
            let listed: Vec<_> = ids(world.machine(host));
            // Its mid may be another's by now.
            let by_peer = |line: &Line| {
                line.mid.is_some() && stopped.contains(&line.mid) && !listed.contains(&line.id)
            };
            let model = &mut side.model;
            model.lines.retain(|line| !line.stopped && !by_peer(line));
        }
    }

    /// Each transceiver has the one of the peer with the same mid, of the same kind, and
    /// media flow the way that both want.
    fn check_lines(&self) {
        for side in 0..2 {
            let [ours, theirs] = [side, 1 - side].map(|side| &self.sides[side].model);
            let all: Vec<_> = self.machine(side).transceivers().collect();
            let ids: Vec<_> = all.iter().map(|one| one.id()).collect();
            let expected: Vec<_> = ours.lines.iter().map(|line| line.id).collect();
            if ids != expected {
                let theirs: Vec<_> = theirs.lines.iter().map(|line| &line.mid).collect();
                panic!(
                    "side {side} has {ids:?} and not {:#?}; the other {theirs:?}",
                    ours.lines
                );
            }
            for (one, line) in all.into_iter().zip(&ours.lines) {
                assert_eq!(one.mid(), line.mid.as_deref());
                assert_eq!(one.direction(), line.direction);
                let partner = theirs.lines.iter().find(|other| other.mid == line.mid);
                let partner = partner.unwrap_or_else(|| panic!("nobody has {:?}", line.mid));
                assert_eq!((one.kind(), partner.kind), (line.kind, line.kind));
                let agreed = both(line.direction, partner.direction);
                assert_eq!(
                    one.current_direction(),
                    Some(agreed),
                    "{line:?} {partner:?}"
                );
                let sends = self.machine(side).send_codecs(line.id).map(|codec| {
                    let name = codec.name.to_ascii_lowercase();
                    format!("{name}/{} {}", codec.clock_rate, codec.parameters)
                });
                assert_eq!(sends.collect::<Vec<_>>(), line.sends, "{:?}", line.mid);
            }
        }
    }

    /// What may be sent arrives, and nothing else can be sent.
    fn check_media(&mut self) {
        let mut expected = Vec::new();
        for side in 0..2 {
            let lines = self.sides[side].model.lines.clone();
            for line in lines {
                let theirs = &self.sides[1 - side].model.lines;
                let partner = theirs.iter().find(|other| other.mid == line.mid);
                let partner = partner.expect("it was found before");
                let partner = (partner.id, partner.direction.receives());
                let is_silent = line.had_track && !line.track;
                let may_send = line.direction.sends() && partner.1 && !is_silent;
                match self.write(side, line.id) {
                    Ok(number) => {
                        assert!(may_send, "{line:?} sends");
                        expected.push((1 - side, partner.0, number));
                    }
                    Err(why) => assert!(!may_send, "{line:?} cannot send: {why}"),
                }
            }
        }
        let end = self.world.now() + PATIENCE;
        loop {
            let missing = expected
                .iter()
                .find(|(side, id, number)| !self.frames.has(*side, *id, *number));
            let Some(missing) = missing else { break };
            assert!(self.world.now() < end, "{missing:?} has not come");
            self.run(TICK);
        }
    }
}

/// The transceivers that the application can see.
fn ids(peer: &PeerConnection) -> Vec<TransceiverId> {
    peer.transceivers().map(|one| one.id()).collect()
}

fn rollback() -> Description {
    Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    }
}

/// Signatures and key exchanges, which take most of the time, are not real. All else is:
/// what was sealed for one association does not open in the next one on the same path.
static QUICK: CryptoProvider = CryptoProvider {
    name: "quick",
    groups: fake::PROVIDER.groups,
    generators: fake::PROVIDER.generators,
    verifiers: fake::PROVIDER.verifiers,
    ..rust_crypto::PROVIDER
};

const POLICIES: [BundlePolicy; 3] = [
    BundlePolicy::Balanced,
    BundlePolicy::MaxCompat,
    BundlePolicy::MaxBundle,
];

/// So many transceivers of a side, and no new one.
const MAX_LINES: usize = 8;

const MAX_CHANNELS: usize = 6;

const TICK: Duration = Duration::from_millis(100);

const LAST_RESTART: Duration = Duration::from_secs(5);

const PATIENCE: Duration = Duration::from_secs(30);
