//! Two associations, a link between them, and time that jumps.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use crate::cursor::{Reader, Writer};
use crate::rng::Rng;
use crate::sctp::state::State;
use crate::sctp::*;
use crate::seq::Serial16;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::sctp::chunk::Data;
use crate::wire::sctp::{Chunk, Header, Packet, Tsn, write_checksum};

/// Which side?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

pub(super) use Side::{A, B};

impl Side {
    pub(super) const fn other(self) -> Self {
        match self {
            A => B,
            B => A,
        }
    }
}

/// What a link does to packets, in thousandths and time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) loss: u64,
    pub(super) duplicate: u64,
    /// Bytes per second; 0 for no limit.
    pub(super) rate: u64,
    /// How long a packet may wait for those before it.
    pub(super) queue: Duration,
}

/// A packet on its way.
pub(super) struct Flying {
    to: Side,
    bytes: Vec<u8>,
}

pub(super) struct End {
    pub(super) sctp: SctpAssociation,
    pub(super) messages: Vec<Message>,
    pub(super) events: Vec<Event>,
    /// Whether messages are taken as they come.
    pub(super) reads: bool,
    busy_until: Instant,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) a: End,
    pub(super) b: End,
    pub(super) link: Link,
    pub(super) mtu: usize,
    /// Asked for each packet: whether it is lost for sure.
    pub(super) filter: fn(Side, &str) -> bool,
    pub(super) trace: Vec<String>,
    pub(super) tracing: bool,
    flying: BTreeMap<(Instant, u64), Flying>,
    serial: u64,
    rng: Rng,
    pub(super) hash: u64,
}

/// A packet of these chunks.
pub(super) fn packet(tag: u32, chunks: &[Chunk<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, usize::MAX);
    Header {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: tag,
    }
    .emit(&mut w);
    for chunk in chunks {
        chunk.emit(&mut w);
    }
    write_checksum(&mut w, 0);
    bytes
}

/// A DATA chunk; `flags` holds letters of B, E, U and I.
pub(super) fn data<'a>(
    tsn: Tsn,
    stream: u16,
    ssn: u16,
    flags: &str,
    payload: &'a [u8],
) -> Chunk<'a> {
    Chunk::Data(Data {
        tsn,
        stream: StreamId(stream),
        ssn: Serial16(ssn),
        ppid: Ppid(51),
        unordered: flags.contains('U'),
        beginning: flags.contains('B'),
        ending: flags.contains('E'),
        immediate: flags.contains('I'),
        payload,
    })
}

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, SctpConfig::default(), SctpConfig::default())
    }

    pub(super) fn with(seed: u64, a: SctpConfig, b: SctpConfig) -> Self {
        let mut rng = Rng::from_number(seed);
        let mut end = |config| End {
            sctp: SctpAssociation::new(config, &mut rng),
            messages: Vec::new(),
            events: Vec::new(),
            reads: true,
            busy_until: Instant::ZERO,
        };
        let (a, b) = (end(a), end(b));
        Self {
            now: Instant::ZERO,
            a,
            b,
            link: Link {
                delay: ms(10),
                ..Link::default()
            },
            mtu: 1200,
            filter: |_, _| false,
            trace: Vec::new(),
            tracing: true,
            flying: BTreeMap::new(),
            serial: 0,
            rng,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Two sides that are connected, with nothing left to say.
    pub(super) fn connected(seed: u64) -> Self {
        let mut world = Self::new(seed);
        world.connect();
        world
    }

    pub(super) fn connect(&mut self) {
        self.a.sctp.connect();
        self.run_for(ms(500));
        assert_eq!(self.a.sctp.state(), SctpState::Connected);
        assert_eq!(self.b.sctp.state(), SctpState::Connected);
        self.trace.clear();
        self.a.events.clear();
        self.b.events.clear();
    }

    pub(super) fn end(&mut self, side: Side) -> &mut End {
        match side {
            A => &mut self.a,
            B => &mut self.b,
        }
    }

    pub(super) fn send(&mut self, side: Side, stream: u16, data: impl Into<Bytes>) {
        self.send_with(side, stream, SendOptions::default(), data);
    }

    pub(super) fn send_with(
        &mut self,
        side: Side,
        stream: u16,
        options: SendOptions,
        data: impl Into<Bytes>,
    ) {
        let now = self.now;
        self.end(side)
            .sctp
            .send(now, StreamId(stream), Ppid(53), options, data.into())
            .unwrap();
    }

    /// All packets that want to go now. `true` if there was one.
    fn flush(&mut self, side: Side) -> bool {
        let mut sent = false;
        loop {
            let (now, mtu) = (self.now, self.mtu);
            let mut bytes = Vec::new();
            let mut w = Writer::new(&mut bytes, mtu);
            if !self.end(side).sctp.poll_transmit(now, &mut w) {
                assert!(bytes.is_empty(), "a refusal leaves nothing behind");
                return sent;
            }
            assert!(!bytes.is_empty() && bytes.len() <= mtu);
            sent = true;
            self.launch(side, bytes);
        }
    }

    /// Puts a packet on the link.
    pub(super) fn launch(&mut self, from: Side, bytes: Vec<u8>) {
        for byte in &bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
        let lost_for_sure = if self.tracing {
            let line = Packet::parse(&mut Reader::new(&bytes)).unwrap().to_string();
            let lost = (self.filter)(from, &line);
            self.trace
                .push(alloc::format!("{} {from:?} {line}", self.now));
            lost
        } else {
            false
        };
        let link = self.link;
        let copies = 1 + u64::from(self.rng.below(1000) < link.duplicate);
        for _ in 0..copies {
            if self.rng.below(1000) < link.loss || lost_for_sure {
                continue;
            }
            let mut leaves = self.now;
            let nanos = bytes.len() as u64 * 1_000_000_000;
            if let Some(nanos) = nanos.checked_div(link.rate) {
                let now = self.now;
                let end = self.end(from);
                let start = end.busy_until.max(now);
                if start.since(now) > link.queue {
                    continue;
                }
                leaves = start + Duration::from_nanos(nanos);
                end.busy_until = leaves;
            }
            let nanos = u64::try_from(link.jitter.as_nanos()).unwrap();
            let jitter = Duration::from_nanos(self.rng.below(nanos.max(1)));
            self.serial += 1;
            let flying = Flying {
                to: from.other(),
                bytes: bytes.clone(),
            };
            self.flying
                .insert((leaves + link.delay + jitter, self.serial), flying);
        }
    }

    fn collect(&mut self, side: Side) {
        let end = self.end(side);
        while let Some(event) = end.sctp.poll_event() {
            end.events.push(event);
        }
        while end.reads
            && let Some(message) = end.sctp.take_message()
        {
            end.messages.push(message);
        }
        while let Some(event) = end.sctp.poll_event() {
            end.events.push(event);
        }
    }

    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.collect(A);
            self.collect(B);
            let sent = self.flush(A) | self.flush(B);
            self.collect(A);
            self.collect(B);
            if !sent {
                return;
            }
        }
        panic!("never quiet");
    }

    /// Goes to the next thing that happens, unless it is after `end`.
    pub(super) fn step(&mut self, end: Instant) -> bool {
        self.settle();
        let arrival = self.flying.first_key_value().map(|(key, _)| key.0);
        let timeout = earliest(self.a.sctp.poll_timeout(), self.b.sctp.poll_timeout());
        let Some(next) = earliest(arrival, timeout).filter(|next| *next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        let now = self.now;
        while let Some(entry) = self.flying.first_entry()
            && entry.key().0 <= now
        {
            let mut flying = entry.remove();
            self.end(flying.to)
                .sctp
                .handle_input(now, &mut flying.bytes);
        }
        for side in [A, B] {
            let sctp = &mut self.end(side).sctp;
            if sctp.poll_timeout().is_some_and(|at| at <= now) {
                sctp.handle_timeout(now);
                assert!(sctp.poll_timeout().is_none_or(|at| at > now), "law 3");
            }
        }
        self.settle();
        true
    }

    pub(super) fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.step(end) {}
    }

    /// Runs until `done`, at most so long.
    pub(super) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            if !self.step(end) {
                return done(self);
            }
        }
        true
    }

    /// The trace lines that contain `words`.
    pub(super) fn lines(&self, words: &str) -> Vec<&str> {
        self.trace
            .iter()
            .filter(|line| line.contains(words))
            .map(String::as_str)
            .collect()
    }

    /// The tag and the next TSN of a side that is connected.
    pub(super) fn identity(&self, side: Side) -> (u32, Tsn) {
        let end = match side {
            A => &self.a,
            B => &self.b,
        };
        match &end.sctp.state {
            State::Open(tcb) => (tcb.local.tag, tcb.tx.in_flight.last_assigned().add(1)),
            _ => (end.sctp.ctx.local.tag, end.sctp.ctx.local.initial_tsn),
        }
    }

    /// Gives a side a packet as if the other had sent it, and lets it answer.
    /// The answers are returned, not delivered.
    pub(super) fn inject(&mut self, to: Side, chunks: &[Chunk<'_>]) -> Vec<String> {
        let (tag, _) = self.identity(to);
        self.inject_with(to, tag, chunks)
    }

    pub(super) fn inject_with(&mut self, to: Side, tag: u32, chunks: &[Chunk<'_>]) -> Vec<String> {
        let mut bytes = packet(tag, chunks);
        let now = self.now;
        self.end(to).sctp.handle_input(now, &mut bytes);
        self.answers(to)
    }

    /// What a side wants to send now.
    pub(super) fn answers(&mut self, of: Side) -> Vec<String> {
        let (now, mtu) = (self.now, self.mtu);
        let mut lines = Vec::new();
        loop {
            let mut bytes = Vec::new();
            let sent = self
                .end(of)
                .sctp
                .poll_transmit(now, &mut Writer::new(&mut bytes, mtu));
            if !sent {
                break;
            }
            lines.push(Packet::parse(&mut Reader::new(&bytes)).unwrap().to_string());
        }
        self.collect(of);
        lines
    }
}
