//! Two ends of SCTP: what is sent arrives, once, whole, and in order.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sctp::{Event, Reliability, SctpAssociation, SctpConfig, SctpState, SendOptions};
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc::wire::sctp::{Ppid, StreamId, checksum_is_valid};
use pollrtc_fuzz::{Pair, Side, Step, path, repair_sctp};

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Command {
    Connect,
    Send {
        stream: u8,
        ordered: bool,
        worth: Worth,
        len: u16,
    },
    /// The application takes no messages any more, or takes them again.
    Read(bool),
    Reset(u8),
    Shutdown,
    Abort,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Worth {
    Always,
    Times(u8),
    Millis(u16),
}

fuzz_target!(|steps: Vec<Step<Command>>| {
    let mut pair = Pair::new(Sctp::new(Side::A), Sctp::new(Side::B));
    pair.machine(Side::A).association.connect();
    for step in steps {
        pair.step(step, Sctp::command);
    }
    if pair.is_honest() {
        judge(&mut pair);
    }
});

/// Whatever was lost, repeated or reordered: what was said was heard.
fn judge(pair: &mut Pair<Sctp>) {
    for side in [Side::A, Side::B] {
        pair.machine(side).is_reading = true;
    }
    pair.calm(pair.now() + Duration::from_secs(300));
    for side in [Side::A, Side::B] {
        let sent = pair.machine(side).sent.clone();
        let is_intact = pair.machine(side).is_intact();
        let other = pair.machine(side.other());
        let complete = is_intact && other.is_intact();
        let mut last: BTreeMap<u16, u32> = BTreeMap::new();
        for (count, id) in other.received.iter().enumerate() {
            let said = &sent[*id as usize];
            assert!(!other.received[..count].contains(id), "heard twice: {id}");
            if said.ordered && !other.is_reset {
                let before = last.insert(said.stream, *id);
                assert!(
                    before.is_none_or(|before| before < *id),
                    "out of order: {id}"
                );
            }
        }
        for (id, said) in sent.iter().enumerate() {
            let heard = other.received.contains(&(id as u32));
            assert!(heard || !said.reliable || !complete, "{side:?} lost {id}");
        }
    }
}

/// An end and its application.
struct Sctp {
    path: Path,
    association: SctpAssociation,
    sent: Vec<Sent>,
    received: Vec<u32>,
    is_reading: bool,
    /// Whether a stream was reset: what is sent on it starts anew.
    is_reset: bool,
    /// Whether an end was asked for, or came.
    is_ended: bool,
    is_over: bool,
}

#[derive(Clone)]
struct Sent {
    stream: u16,
    ordered: bool,
    reliable: bool,
}

impl Sctp {
    fn new(side: Side) -> Self {
        let mut rng = Rng::from_number(side as u64);
        Self {
            path: path(side),
            association: SctpAssociation::new(SctpConfig::default(), &mut rng),
            sent: Vec::new(),
            received: Vec::new(),
            is_reading: true,
            is_reset: false,
            is_ended: false,
            is_over: false,
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Connect => self.association.connect(),
            Command::Send {
                stream,
                ordered,
                worth,
                len,
            } => self.send(now, u16::from(stream % 8), ordered, worth, len),
            Command::Read(on) => self.is_reading = on,
            Command::Reset(stream) => {
                self.is_reset = true;
                let streams = [StreamId(u16::from(stream % 8))];
                self.association.reset_streams(streams);
            }
            Command::Shutdown => {
                self.is_ended = true;
                self.association.shutdown();
            }
            Command::Abort => {
                self.is_ended = true;
                self.association.abort();
            }
        }
    }

    /// A message that says which one it is, and whose every byte can be checked.
    fn send(&mut self, now: Instant, stream: u16, ordered: bool, worth: Worth, len: u16) {
        let id = self.sent.len() as u32;
        let mut data = id.to_be_bytes().to_vec();
        data.resize(4 + usize::from(len), id as u8);
        let reliability = match worth {
            Worth::Always => Reliability::Reliable,
            Worth::Times(count) => Reliability::MaxRetransmits(count.into()),
            Worth::Millis(millis) => Reliability::MaxLifetime(Duration::from_millis(millis.into())),
        };
        let options = SendOptions {
            ordered,
            reliability,
        };
        let (stream_id, ppid) = (StreamId(stream), Ppid(id));
        let sent = self
            .association
            .send(now, stream_id, ppid, options, Bytes::from(data));
        if sent.is_ok() {
            self.sent.push(Sent {
                stream,
                ordered,
                reliable: matches!(worth, Worth::Always),
            });
        }
    }

    fn read(&mut self) {
        while self.is_reading
            && let Some(info) = self.association.peek_message()
        {
            let message = self.association.take_message().expect("it was announced");
            assert_eq!(message.info(), info);
            let Some((id, rest)) = message.data.split_first_chunk() else {
                continue;
            };
            let id = u32::from_be_bytes(*id);
            // An attacker's message may say anything.
            if message.ppid == Ppid(id) && rest.iter().all(|&byte| byte == id as u8) {
                self.received.push(id);
            }
        }
    }

    /// Whether nobody ended or reset anything.
    fn is_intact(&self) -> bool {
        !self.is_ended && !self.is_reset && self.association.state() == SctpState::Connected
    }
}

impl Machine for Sctp {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, _: Path, datagram: &mut [u8]) {
        // A fuzzer cannot guess a checksum.
        if !checksum_is_valid(datagram, true) {
            repair_sctp(datagram);
        }
        self.association.handle_input(now, datagram);
        self.read();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.read();
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.read();
        let sent = self.association.poll_transmit(now, out);
        assert!(!(sent && self.is_over), "nothing is said after the end");
        sent.then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.association.poll_event()?;
        assert!(!self.is_over, "nothing happens after the end");
        match event {
            Event::Closed(_) => (self.is_ended, self.is_over) = (true, true),
            Event::StreamReset(_) => self.is_reset = true,
            _ => {}
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let next = self.association.poll_timeout();
        assert!(!(next.is_some() && self.is_over), "no clock after the end");
        next
    }
}
