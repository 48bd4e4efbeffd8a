//! Two peers with a channel, of which one sends back what it gets.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test has its own copy, and uses a part of it"
)]

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{ChannelConfig, ChannelId, ChannelState, Config, Data, Event};
use pollrtc::sim::{HostId, Link, World};

/// The world, its two peers, and what their applications remember.
pub struct Talk {
    /// Everything.
    pub world: World<PeerConnection>,
    /// The one who offers and sends.
    pub left: HostId,
    /// The one who answers and echoes.
    pub right: HostId,
    /// The channel, as the left side calls it.
    pub channel: ChannelId,
    /// What has come back.
    pub echoes: Vec<Data>,
    /// Everything else that was told, by side.
    pub events: [Vec<Event>; 2],
    opened: bool,
}

impl Talk {
    /// Two peers that have exchanged descriptions and want a reliable channel.
    pub fn begin(seed: u64, link: Link) -> Self {
        let mut talk = Self::quiet(seed, link, [Config::new(), Config::new()]);
        talk.world
            .negotiate(talk.left, talk.right)
            .expect("the descriptions are good");
        talk
    }

    /// Two peers that have not yet exchanged descriptions.
    pub fn quiet(seed: u64, link: Link, configs: [Config; 2]) -> Self {
        let (mut world, [left, right]) = World::pair_of(seed, link, configs);
        let channel = world
            .open(left, "echo", ChannelConfig::default())
            .expect("there is room for a channel");
        Self {
            world,
            left,
            right,
            channel,
            echoes: Vec::new(),
            events: Default::default(),
            opened: false,
        }
    }

    /// Both peers.
    pub fn hosts(&self) -> [HostId; 2] {
        [self.left, self.right]
    }

    /// One step, and what the applications do about it. `false` after the end.
    pub fn step(&mut self) -> bool {
        let goes_on = self.world.step();
        self.listen();
        goes_on
    }

    /// Steps until `condition` holds, or so much time has passed.
    pub fn run_until(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.world.now() + limit;
        self.listen();
        while !condition(self) {
            if self.world.now() > end || !self.step() {
                return false;
            }
        }
        true
    }

    /// Runs for so long.
    pub fn run_for(&mut self, duration: Duration) {
        self.world.run_for(duration);
        self.listen();
    }

    /// Runs until the channel is open.
    pub fn open(&mut self, limit: Duration) -> bool {
        self.run_until(limit, |talk| talk.opened)
    }

    /// Sends `messages`, and runs until all have come back in order.
    pub fn echo(&mut self, messages: &[Data], limit: Duration) -> bool {
        let before = self.echoes.len();
        for message in messages {
            self.world
                .send(self.left, self.channel, message.clone())
                .expect("the channel is open and has room");
        }
        let all = before + messages.len();
        let came = self.run_until(limit, |talk| talk.echoes.len() >= all);
        came && self.echoes[before..] == *messages
    }

    /// Whether one of the sides was told this.
    pub fn was_told(&self, host: HostId, event: &Event) -> bool {
        self.events[usize::from(host == self.right)].contains(event)
    }

    fn listen(&mut self) {
        for host in self.hosts() {
            while let Some(event) = self.world.next_event(host) {
                self.on_event(host, event);
            }
        }
    }

    fn on_event(&mut self, host: HostId, event: Event) {
        match event {
            Event::Message(_, data) if host == self.left => self.echoes.push(data),
            Event::Message(channel, data) => {
                // A channel that the other side has just closed cannot answer.
                let _ = self.world.send(host, channel, data);
            }
            event => {
                let open = Event::ChannelState(self.channel, ChannelState::Open);
                self.opened |= host == self.left && event == open;
                self.events[usize::from(host == self.right)].push(event);
            }
        }
    }
}

/// `count` messages, text and binary in turn, of sizes from nothing to `largest`.
pub fn messages(count: u32, largest: u32) -> Vec<Data> {
    let message = |number: u32| {
        let size = match number % 5 {
            0 => 0,
            1 => 1,
            2 => largest / 10,
            3 => largest / 3,
            _ => largest,
        };
        let byte = |index: u32| b'a' + u8::try_from((number + index) % 26).unwrap_or(0);
        let bytes: Vec<u8> = (0..size).map(byte).collect();
        if number.is_multiple_of(2) {
            Data::Text(bytes.into_iter().map(char::from).collect())
        } else {
            Data::from(bytes)
        }
    };
    (0..count).map(message).collect()
}
