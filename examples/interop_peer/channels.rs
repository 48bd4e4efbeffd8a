//! What the peer remembers of each channel.

use std::collections::{BTreeMap, BTreeSet};

use pollrtc::Instant;
use pollrtc::peer::{ChannelId, Data};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The channels by label, and what arrived on them.
pub(crate) struct Channels(BTreeMap<ChannelId, Channel>);

/// One channel.
pub(crate) struct Channel {
    pub(crate) label: String,
    pub(crate) sink: Sink,
}

/// Everything that arrived in mode `sink`, summed up.
#[derive(Default)]
pub(crate) struct Sink {
    messages: u64,
    bytes: usize,
    hash: Sha256,
    first_and_last: Option<(Instant, Instant)>,
    seen: BTreeSet<u32>,
    duplicates: u64,
    out_of_order: u64,
}

impl Channels {
    /// No channels.
    pub(crate) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes a new one.
    pub(crate) fn add(&mut self, id: ChannelId, label: String) {
        let channel = Channel {
            label,
            sink: Sink::default(),
        };
        self.0.insert(id, channel);
    }

    /// The channel with that label; the newest, if a label was used again.
    pub(crate) fn find(&self, label: &str) -> Option<ChannelId> {
        let mut found = self
            .0
            .iter()
            .rev()
            .filter(|(_, channel)| channel.label == label);
        found.next().map(|(id, _)| *id)
    }

    pub(crate) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.0.get_mut(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChannelId, &Channel)> {
        self.0.iter().map(|(id, channel)| (*id, channel))
    }
}

impl Sink {
    /// Counts one message.
    pub(crate) fn take(&mut self, now: Instant, data: &Data) {
        let (first, _) = self.first_and_last.unwrap_or((now, now));
        self.first_and_last = Some((first, now));
        self.messages += 1;
        self.bytes += data.len();
        match data {
            Data::Text(text) => self.hash.update(text),
            Data::Binary(bytes) => {
                self.hash.update(bytes);
                if let Some(index) = bytes.first_chunk() {
                    self.take_index(u32::from_be_bytes(*index));
                }
            }
        }
    }

    /// The event `sink`.
    pub(crate) fn report(&self) -> Value {
        let elapsed = self.first_and_last.map_or(0.0, |(first, last)| {
            last.since(first).as_secs_f64() * 1000.0
        });
        json!({
            "event": "sink",
            "messages": self.messages,
            "bytes": self.bytes,
            "sha256": hex::encode(self.hash.clone().finalize()),
            "elapsed_ms": elapsed,
            "unique": self.seen.len(),
            "duplicates": self.duplicates,
            "out_of_order": self.out_of_order,
        })
    }

    fn take_index(&mut self, index: u32) {
        if self.seen.last().is_some_and(|&top| index < top) {
            self.out_of_order += 1;
        }
        if !self.seen.insert(index) {
            self.duplicates += 1;
        }
    }
}
