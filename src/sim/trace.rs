//! The run as text: one line for each datagram, call and event.
//!
//! ```text
//!    0.250  L>R  STUN Binding request …
//!    0.300  R     event Connected
//! ```

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::dissect;
use super::ledger::{Datagram, Entry, Fact, Fate, Frame, Ledger, Message, Origin, Side};
use super::machine::Grant;

/// A ledger that prints itself as text.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a>(pub &'a Ledger);

impl fmt::Display for Trace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in self.0.entries() {
            if let Some(line) = line(self.0, entry) {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

/// The line of one entry, if it has one.
///
/// A datagram has its line when it is sent; a forged one, which nobody sent,
/// when it arrives. States have none: events tell of them.
#[must_use]
pub fn line(ledger: &Ledger, entry: &Entry) -> Option<String> {
    let name = ledger.name(entry.host);
    let told = match &entry.fact {
        Fact::Sent(id) => return Some(sent(ledger, entry, ledger.datagram(*id))),
        Fact::Arrived(id) => {
            let datagram = ledger.datagram(*id);
            let forged = datagram.origin == Origin::Forged;
            return forged.then(|| sent(ledger, entry, datagram));
        }
        Fact::State(_) => return None,
        Fact::Called(call) => format!("calls {call}"),
        Fact::Said(event) => format!("event {}", shortened(event)),
        Fact::Granted(grant) => granted(grant),
        Fact::Described { side, sdp } => {
            let side = match side {
                Side::Local => "local",
                Side::Remote => "remote",
            };
            format!("has a {side} description of {} bytes", sdp.len())
        }
        Fact::RemoteCandidate(address) => format!("learns the candidate {address}"),
        Fact::Server(address) => format!("learns the server {address}"),
        Fact::ChannelOpened { handle, channel } => {
            format!(
                "{handle} {:?} opened on stream {}",
                channel.label, channel.id
            )
        }
        Fact::ChannelClosed(handle) => format!("{handle} closed"),
        Fact::BufferedAmountLow(id) => format!("stream {id} has room again"),
        Fact::MessageSent(message) => format!("sends {}", kind_of(message)),
        Fact::MessageReceived(message) => format!("receives {}", kind_of(message)),
        Fact::FrameSent(frame) => format!("sends a {}", measured(frame)),
        Fact::FrameReceived(frame) => format!("receives a {}", measured(frame)),
    };
    Some(format!("{:>9}  {name:<3}  {told}", entry.at.to_string()))
}

fn granted(grant: &Grant) -> String {
    match grant {
        Grant::Connected { asked, local } => format!("is connected from {local}: {asked}"),
        Grant::Disconnected(path) => format!("is disconnected: {path}"),
        Grant::Accepted(path) => format!("accepts {path}"),
        Grant::Resolved(name, addresses) => format!("knows that {name} is {addresses:?}"),
    }
}

/// An event may hold a whole message or certificate: its beginning is enough.
fn shortened(event: &str) -> String {
    match event.char_indices().nth(EVENT_CHARS) {
        Some((end, _)) => format!("{}…", event.get(..end).unwrap_or_default()),
        None => event.to_string(),
    }
}

/// The last `count` lines of a run.
#[must_use]
pub fn tail(ledger: &Ledger, count: usize) -> String {
    let lines = ledger.entries().iter().rev();
    let mut lines: Vec<String> = lines
        .filter_map(|entry| line(ledger, entry))
        .take(count)
        .collect();
    lines.reverse();
    lines.join("\n")
}

fn sent(ledger: &Ledger, entry: &Entry, datagram: &Datagram) -> String {
    let from = datagram.sender.map_or("?", |host| ledger.name(host));
    let to = datagram.receiver.map_or("?", |host| ledger.name(host));
    let what = dissect::packet(datagram);
    let origin = match datagram.origin {
        Origin::Genuine | Origin::Duplicate => "",
        Origin::Altered => "  (altered)",
        Origin::Forged => "  (forged)",
    };
    let fate = match datagram.fate {
        Fate::Arrives(_) => String::new(),
        Fate::Lost(cause) => format!("  ({cause})"),
    };
    format!(
        "{:>9}  {from}>{to}  {what}{origin}{fate}",
        entry.at.to_string()
    )
}

fn kind_of(message: &Message) -> String {
    let kind = if message.text { "text" } else { "bytes" };
    format!(
        "{} {kind} on stream {}",
        message.data.len(),
        message.channel
    )
}

fn measured(frame: &Frame) -> String {
    let Frame { mid, rid, data } = frame;
    let dash = if rid.is_empty() { "" } else { "/" };
    format!("frame of {} bytes on {mid}{dash}{rid}", data.len())
}

/// How much of an event's text a line shows.
const EVENT_CHARS: usize = 120;
