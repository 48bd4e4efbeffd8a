//! Invariants of channels and their messages.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Invariant, States, other_of};
use crate::sim::ledger::{Channel, Entry, Fact, Ledger, Message, Phase};
use crate::sim::world::HostId;

/// S-1, S-2, S-3 and D-3: what is received was sent, with its borders, once.
///
/// On a reliable ordered channel it is the next message that was sent, on an
/// unreliable one a later one; on an unordered channel any. In the end nothing
/// is missing on a reliable channel. Nothing comes before the peers are connected.
#[derive(Clone, Debug)]
pub struct Messages {
    pair: [HostId; 2],
    states: States,
    /// What was sent by a host on the channel that was the nth on its stream.
    flows: BTreeMap<(HostId, u16, u32), Flow>,
    /// How many channels a host has seen on a stream.
    opened: BTreeMap<(HostId, u16), u32>,
    handles: BTreeMap<(HostId, String), u16>,
    closed: BTreeSet<u16>,
}

/// The messages of one direction of a channel.
#[derive(Clone, Debug, Default)]
struct Flow {
    sent: Vec<Message>,
    received: Vec<bool>,
    /// In an ordered channel, the first that may come next.
    next: usize,
}

impl Messages {
    /// For two peers.
    #[must_use]
    pub fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            states: States::default(),
            flows: BTreeMap::new(),
            opened: BTreeMap::new(),
            handles: BTreeMap::new(),
            closed: BTreeSet::new(),
        }
    }

    /// How many channels a host has seen on a stream: one can follow another.
    fn nth(&self, host: HostId, stream: u16) -> u32 {
        self.opened
            .get(&(host, stream))
            .copied()
            .unwrap_or_default()
    }
}

impl Flow {
    fn receive(&mut self, message: &Message) -> Result<(), String> {
        let ordered = message.delivery.ordered;
        let matches = |sent: &Message| sent.data == message.data && sent.text == message.text;
        let first = if ordered { self.next } else { 0 };
        let candidates = self.sent.iter().zip(&self.received).enumerate().skip(first);
        let found = candidates
            .filter(|(_, (sent, received))| !**received && matches(sent))
            .map(|(index, _)| index)
            .next();
        let Some(index) = found else {
            let len = message.data.len();
            return Err(format!("{len} bytes that were not sent, or come twice"));
        };
        if ordered && message.delivery.reliable && index != self.next {
            return Err(format!("message {index} came instead of {}", self.next));
        }
        self.next = index + 1;
        if let Some(received) = self.received.get_mut(index) {
            *received = true;
        }
        Ok(())
    }

    fn missing(&self) -> usize {
        let pairs = self.sent.iter().zip(&self.received);
        pairs
            .filter(|(sent, received)| sent.delivery.reliable && !**received)
            .count()
    }
}

impl Invariant for Messages {
    fn name(&self) -> &'static str {
        "S-1, S-2, S-3, D-3"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        self.states.read(entry);
        if !self.pair.contains(&entry.host) {
            return Ok(());
        }
        match &entry.fact {
            Fact::MessageSent(message) => {
                let nth = self.nth(entry.host, message.channel);
                let flow = self.flows.entry((entry.host, message.channel, nth));
                let flow = flow.or_default();
                flow.sent.push(message.clone());
                flow.received.push(false);
                Ok(())
            }
            Fact::MessageReceived(message) => {
                let dtls = self.states.of(entry.host).dtls;
                if matches!(dtls, Phase::New | Phase::Connecting | Phase::Failed) {
                    return Err(format!("a message while DTLS is {dtls:?}"));
                }
                let sender = other_of(self.pair, entry.host);
                let nth = self.nth(entry.host, message.channel);
                let flow = self.flows.entry((sender, message.channel, nth));
                let flow = flow.or_default();
                flow.receive(message)
                    .map_err(|why| format!("channel {}: {why}", message.channel))
            }
            Fact::ChannelOpened { handle, channel } => {
                let handle = (entry.host, handle.clone());
                self.handles.insert(handle, channel.id);
                *self.opened.entry((entry.host, channel.id)).or_default() += 1;
                self.closed.remove(&channel.id);
                Ok(())
            }
            Fact::ChannelClosed(handle) => {
                let id = self.handles.remove(&(entry.host, handle.clone()));
                self.closed.extend(id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn finish(&self, _: &Ledger) -> Result<(), String> {
        let connected = |host: &HostId| self.states.of(*host).connection == Phase::Connected;
        if !self.pair.iter().all(connected) {
            return Ok(());
        }
        for ((host, channel, nth), flow) in &self.flows {
            let is_current = *nth == self.nth(*host, *channel);
            if is_current && !self.closed.contains(channel) && flow.missing() > 0 {
                let missing = flow.missing();
                return Err(format!("channel {channel}: {missing} messages missing"));
            }
        }
        // S-6: what was handed over has also been sent.
        for host in self.pair {
            let buffered = self.states.of(host).buffered;
            if buffered > 0 {
                return Err(format!("{buffered} bytes still wait to be sent"));
            }
        }
        Ok(())
    }
}

/// S-6, S-8 and S-10: both ends have the same open channels in the end; no
/// message comes on a channel that is not open; a channel has room again not more
/// often than something was sent on it.
#[derive(Clone, Debug)]
pub struct Channels {
    pair: [HostId; 2],
    states: States,
    open: BTreeMap<(HostId, u16), Channel>,
    handles: BTreeMap<(HostId, String), u16>,
    /// Messages sent, less the times that there was room again.
    filled: BTreeMap<(HostId, u16), u64>,
}

impl Channels {
    /// For two peers.
    #[must_use]
    pub fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            states: States::default(),
            open: BTreeMap::new(),
            handles: BTreeMap::new(),
            filled: BTreeMap::new(),
        }
    }

    fn open_at(&self, host: HostId) -> Vec<&Channel> {
        let all = (host, 0)..=(host, u16::MAX);
        self.open.range(all).map(|(_, channel)| channel).collect()
    }
}

impl Invariant for Channels {
    fn name(&self) -> &'static str {
        "S-6, S-8, S-10"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        self.states.read(entry);
        let host = entry.host;
        match &entry.fact {
            Fact::ChannelOpened { handle, channel } => {
                self.handles.insert((host, handle.clone()), channel.id);
                let known = self.open.insert((host, channel.id), channel.clone());
                if known.is_some() {
                    return Err(format!("channel {} opened twice", channel.id));
                }
            }
            Fact::ChannelClosed(handle) => {
                if let Some(id) = self.handles.remove(&(host, handle.clone())) {
                    self.open.remove(&(host, id));
                }
            }
            Fact::MessageReceived(message) if !self.open.contains_key(&(host, message.channel)) => {
                let id = message.channel;
                return Err(format!("a message on channel {id}, which is not open"));
            }
            Fact::MessageSent(message) => {
                *self.filled.entry((host, message.channel)).or_default() += 1;
            }
            Fact::BufferedAmountLow(id) => {
                let filled = self.filled.entry((host, *id)).or_default();
                *filled = filled
                    .checked_sub(1)
                    .ok_or_else(|| format!("channel {id} has room again, and nothing was sent"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, _: &Ledger) -> Result<(), String> {
        let connected = |host: &HostId| self.states.of(*host).connection == Phase::Connected;
        let [a, b] = self.pair.map(|host| self.open_at(host));
        if self.pair.iter().all(connected) && a != b {
            return Err(format!("{a:?} and {b:?} are open"));
        }
        Ok(())
    }
}
