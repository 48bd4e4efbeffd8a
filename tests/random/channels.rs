//! The data channels: what was sent on each, and what came.

use std::collections::{BTreeMap, BTreeSet};

use pollrtc::PeerConnection;
use pollrtc::peer::{ChannelId, ChannelState, Data};

/// By their labels, of which there is each only once.
#[derive(Default)]
pub(crate) struct Channels {
    books: BTreeMap<String, Book>,
    names: [BTreeMap<ChannelId, String>; 2],
}

#[derive(Default)]
struct Book {
    ordered: bool,
    /// Somebody has closed it.
    is_closed: bool,
    /// By who sends.
    sent: [u32; 2],
    /// By who sends.
    came: [BTreeSet<u32>; 2],
}

impl Channels {
    pub(crate) fn open(&mut self, side: usize, id: ChannelId, label: &str, ordered: bool) {
        self.names[side].insert(id, label.to_string());
        let book = Book {
            ordered,
            ..Book::default()
        };
        self.books.insert(label.to_string(), book);
    }

    /// How many are not closed.
    pub(crate) fn live(&self) -> usize {
        self.books.values().filter(|book| !book.is_closed).count()
    }

    pub(crate) fn next_label(&self) -> String {
        format!("channel {}", self.books.len())
    }

    pub(crate) fn close(&mut self, side: usize, id: ChannelId) {
        if let Some(book) = self.book(side, id) {
            book.is_closed = true;
        }
    }

    /// The next message of a channel.
    pub(crate) fn write(&mut self, side: usize, id: ChannelId) -> Option<String> {
        let label = self.names[side].get(&id)?;
        let book = self.books.get_mut(label)?;
        let number = book.sent[side];
        book.sent[side] += 1;
        Some(format!("{label}/{number}"))
    }

    /// The peer has opened one.
    pub(crate) fn on_opened(&mut self, side: usize, id: ChannelId, peer: &PeerConnection) {
        // It may be gone by now.
        if let Some(info) = peer.channel(id) {
            let book = self.books.get(info.label);
            let book = book.unwrap_or_else(|| panic!("nobody has opened {:?}", info.label));
            assert_eq!(info.config.ordered, book.ordered);
            self.names[side].insert(id, info.label.to_string());
        }
    }

    pub(crate) fn on_closed(&mut self, side: usize, id: ChannelId) {
        if let Some(label) = self.names[side].remove(&id) {
            assert!(self.books[&label].is_closed, "{label} closed by itself");
        }
    }

    /// A message has come to a side.
    pub(crate) fn on_message(&mut self, side: usize, id: ChannelId, data: &Data) {
        let Data::Text(text) = data else {
            panic!("nobody sends {data:?}");
        };
        let (label, number) = text.split_once('/').expect("label and number");
        let number: u32 = number.parse().expect("a number");
        if let Some(known) = self.names[side].get(&id) {
            assert_eq!(known, label);
        }
        let book = self.books.get_mut(label).expect("somebody has opened it");
        let came = &mut book.came[1 - side];
        if book.ordered {
            assert_eq!(came.len() as u64, u64::from(number), "{label} in order");
        }
        assert!(came.insert(number), "{text} twice");
    }

    /// Whether both have the same channels open, and all has come.
    pub(crate) fn unsettled(&self, peers: [&PeerConnection; 2]) -> Option<String> {
        for (label, book) in &self.books {
            for (side, peer) in peers.into_iter().enumerate() {
                let mut all = peer.channels().filter_map(|id| peer.channel(id));
                let found = all.find(|info| info.label == label);
                let state = found.map(|info| info.state);
                let expected = (!book.is_closed).then_some(ChannelState::Open);
                if state != expected {
                    return Some(format!("{label} is {state:?} for side {side}"));
                }
                let (sent, came) = (book.sent[side], book.came[side].len());
                if !book.is_closed && sent as usize != came {
                    return Some(format!("{label}: {came} of {sent} came from {side}"));
                }
            }
        }
        None
    }

    fn book(&mut self, side: usize, id: ChannelId) -> Option<&mut Book> {
        self.books.get_mut(self.names[side].get(&id)?)
    }
}
