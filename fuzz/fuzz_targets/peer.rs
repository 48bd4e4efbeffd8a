//! Two whole peers: signalling, a hostile network, channels and messages.
#![no_main]

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::fake;
use pollrtc::cursor::Writer;
use pollrtc::jsep::{self, Transceiver};
use pollrtc::net::Path;
use pollrtc::peer::{
    ChannelConfig, ChannelId, ChannelState, Config, ConnectionState, Data, Description, Event,
    IceCandidate, PeerConnection, SdpType,
};
use pollrtc::rng::Rng;
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc_fuzz::{Pair, Side, Step, path, repair_stun};

#[derive(Arbitrary, Clone, Debug)]
enum Command {
    /// Takes what the other side signalled next.
    Hear,
    /// What will be heard next is damaged.
    Mangle {
        at: u16,
        with: u8,
    },
    Offer,
    Answer,
    Implicit,
    Rollback,
    /// A description or a candidate from nowhere.
    Remote(Kind, String),
    Candidate(String),
    Open {
        negotiated: Option<u16>,
        ordered: bool,
        max_retransmits: Option<u16>,
        label: String,
    },
    Send {
        channel: u8,
        len: u16,
    },
    Text(u8, String),
    CloseChannel(u8),
    Close,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Offer,
    Pranswer,
    Answer,
}

fuzz_target!(|steps: Vec<Step<Command>>| {
    let mut pair = Pair::new(Peer::new(Side::A), Peer::new(Side::B));
    let mut is_plain = true;
    for (of, command) in [
        (Side::A, Command::Offer),
        (Side::B, Command::Answer),
        (Side::A, Command::Hear),
    ] {
        act(&mut pair, Step::Command { of, command });
    }
    for step in steps {
        if let Step::Command { command, .. } = &step {
            is_plain &= matches!(
                command,
                Command::Send { .. } | Command::Text(..) | Command::Hear
            );
        }
        act(&mut pair, step);
    }
    if is_plain && pair.is_honest() && pair.now() < Instant::from_millis(20_000) {
        judge(&mut pair);
    }
});

fn act(pair: &mut Pair<Peer>, mut step: Step<Command>) {
    if let Step::Command { of, command } = &mut step {
        let outbox = &mut pair.machine(of.other()).outbox;
        match command {
            Command::Hear | Command::Answer => {
                let signal = outbox.pop_front();
                pair.machine(*of).inbox.extend(signal);
            }
            Command::Mangle { at, with } => {
                if let Some(Signal(_, text)) = outbox.front_mut() {
                    *text = mangled(text, *at, *with);
                }
            }
            _ => {}
        }
    }
    pair.step(step, Peer::command);
}

fn mangled(text: &str, at: u16, with: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if !bytes.is_empty() {
        let at = usize::from(at) % bytes.len();
        bytes[at] = with;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whatever was lost, repeated or reordered: they connect, and all is heard.
fn judge(pair: &mut Pair<Peer>) {
    for _ in 0..10 {
        for of in [Side::A, Side::B] {
            let command = Command::Hear;
            act(pair, Step::Command { of, command });
        }
    }
    pair.calm(pair.now() + Duration::from_secs(100));
    for side in [Side::A, Side::B] {
        let peer = pair.machine(side);
        let state = peer.connection.connection_state();
        assert_eq!(state, ConnectionState::Connected, "{side:?}");
        let id = peer
            .connection
            .channels()
            .next()
            .expect("the first channel");
        let info = peer.connection.channel(id).expect("the first channel");
        assert_eq!(info.state, ChannelState::Open, "{side:?}");
        let (sent, other) = (peer.sent, pair.machine(side.other()).received);
        assert_eq!(sent, other, "messages of {side:?}");
    }
}

/// What goes from one application to the other beside the network.
struct Signal(Option<SdpType>, String);

/// A peer and its application.
struct Peer {
    path: Path,
    connection: PeerConnection,
    channels: Vec<ChannelId>,
    outbox: VecDeque<Signal>,
    inbox: VecDeque<Signal>,
    sent: usize,
    received: usize,
    timestamp: u32,
    is_over: bool,
}

impl Peer {
    fn new(side: Side) -> Self {
        let mut rng = Rng::from_number(side as u64);
        let config = Config::with_provider(&fake::PROVIDER);
        let mut connection = PeerConnection::new(config, &mut rng).expect("it has all");
        connection
            .add_local_address(path(side).local)
            .expect("the first address");
        for kind in [jsep::Kind::Audio, jsep::Kind::Video] {
            let added = connection.add_track(kind, "track", &["stream"]);
            added.expect("the first of its kind");
        }
        let mut channels = Vec::new();
        if side == Side::A {
            let config = ChannelConfig::default();
            channels.extend(connection.create_data_channel("first", config));
        }
        Self {
            path: path(side),
            connection,
            channels,
            outbox: VecDeque::new(),
            inbox: VecDeque::new(),
            sent: 0,
            received: 0,
            timestamp: 0,
            is_over: false,
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        let connection = &mut self.connection;
        match command {
            Command::Hear => self.hear(),
            Command::Mangle { .. } => {}
            Command::Offer => {
                let offer = connection.create_offer();
                self.say(offer.ok());
            }
            Command::Answer => {
                self.hear();
                let answer = self.connection.create_answer();
                self.say(answer.ok());
            }
            Command::Implicit => {
                if connection.set_local_description(None).is_ok() {
                    let description = connection.local_description();
                    self.signal(description);
                }
            }
            Command::Rollback => {
                let _ = connection.set_local_description(Some(&Description {
                    kind: SdpType::Rollback,
                    sdp: String::new(),
                }));
            }
            Command::Remote(kind, sdp) => {
                let kind = match kind {
                    Kind::Offer => SdpType::Offer,
                    Kind::Pranswer => SdpType::Pranswer,
                    Kind::Answer => SdpType::Answer,
                };
                let _ = connection.set_remote_description(&Description { kind, sdp });
            }
            Command::Candidate(text) => self.hear_candidate(&text),
            Command::Open {
                negotiated,
                ordered,
                max_retransmits,
                label,
            } => {
                let config = ChannelConfig {
                    negotiated,
                    ordered,
                    max_retransmits,
                    ..ChannelConfig::default()
                };
                self.channels
                    .extend(connection.create_data_channel(&label, config));
            }
            Command::Send { channel, len } if channel >= FRAMES => self.write(now, channel, len),
            Command::Send { channel, len } => {
                self.send(now, channel, Data::from(vec![0; usize::from(len)]));
            }
            Command::Text(channel, text) => self.send(now, channel, Data::from(text)),
            Command::CloseChannel(channel) => {
                if let Some(id) = self.pick(channel) {
                    self.connection.close_channel(id);
                }
            }
            Command::Close => connection.close(),
        }
    }

    /// A frame on the first or second line, behind what its codec would say.
    fn write(&mut self, now: Instant, which: u8, len: u16) {
        let lines: Vec<_> = self
            .connection
            .transceivers()
            .map(Transceiver::id)
            .collect();
        let Some(&id) = lines.get(usize::from(which % 2)) else {
            return;
        };
        let mut data = vec![which >> 1 & 1];
        data.resize(1 + usize::from(len) % 4000, 7);
        self.timestamp = self.timestamp.wrapping_add(960);
        let frame = MediaFrame::new(self.timestamp, data.into());
        let _ = self.connection.write(now, id, &frame);
    }

    fn pick(&self, channel: u8) -> Option<ChannelId> {
        let index = usize::from(channel).checked_rem(self.channels.len())?;
        self.channels.get(index).copied()
    }

    fn send(&mut self, now: Instant, channel: u8, data: Data) {
        if let Some(id) = self.pick(channel)
            && self.connection.send(now, id, data).is_ok()
        {
            self.sent += 1;
        }
    }

    /// Makes a description ours, and tells the other side.
    fn say(&mut self, description: Option<Description>) {
        if let Some(description) = description
            && self
                .connection
                .set_local_description(Some(&description))
                .is_ok()
        {
            self.signal(Some(description));
        }
    }

    fn signal(&mut self, description: Option<Description>) {
        if let Some(Description { kind, sdp }) = description {
            self.outbox.push_back(Signal(Some(kind), sdp));
        }
    }

    fn hear(&mut self) {
        match self.inbox.pop_front() {
            Some(Signal(Some(kind), sdp)) => {
                let _ = self
                    .connection
                    .set_remote_description(&Description { kind, sdp });
            }
            Some(Signal(None, candidate)) => self.hear_candidate(&candidate),
            None => {}
        }
    }

    fn hear_candidate(&mut self, candidate: &str) {
        let _ = self.connection.add_ice_candidate(IceCandidate {
            candidate,
            sdp_mid: None,
            sdp_mline_index: Some(0),
            username_fragment: None,
        });
    }

    fn heed(&mut self, event: &Event) {
        match event {
            Event::DataChannel(id) => self.channels.push(*id),
            Event::ChannelState(id, ChannelState::Closed) => {
                self.channels.retain(|other| other != id);
            }
            Event::Message(..) => self.received += 1,
            Event::IceCandidate(candidate) => {
                let text = candidate.as_ref().map(|found| found.candidate.clone());
                let signal = Signal(None, text.unwrap_or_default());
                if self.outbox.len() < 100 {
                    self.outbox.push_back(signal);
                }
            }
            Event::Closed(_) => self.is_over = true,
            _ => {}
        }
    }
}

impl Machine for Peer {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        if datagram.first().is_some_and(|&first| first < 4) {
            repair_stun(datagram);
        }
        self.connection.handle_input(now, path, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.connection.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let mut buf = Vec::new();
        let transmit = self.connection.poll_transmit(now, 1, &mut buf)?;
        assert!(!self.is_over, "nothing is said after the end");
        assert_eq!(transmit.len, buf.len());
        assert_eq!(transmit.path.local, self.path.local);
        out.bytes(&buf);
        Some(transmit.path)
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.connection.poll_event()?;
        assert!(!self.is_over, "nothing happens after the end");
        self.heed(&event);
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let next = self.connection.poll_timeout();
        assert!(next.is_none() || !self.is_over, "no clock after the end");
        next
    }
}

/// From this number of a channel on, frames of media are meant.
const FRAMES: u8 = 200;
