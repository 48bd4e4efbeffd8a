//! What has happened in the world, in order?
//!
//! The world writes down every datagram, call, event and message. Traces,
//! captures, digests and invariants only read this record, so that all of them
//! speak of the same run.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use super::link::LossCause;
use super::machine::Grant;
use super::world::HostId;
use crate::crypto::Hash;
use crate::net::Path;
use crate::time::Instant;

/// The record of a run.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    names: Vec<String>,
    servers: BTreeSet<HostId>,
    entries: Vec<Entry>,
    datagrams: Vec<Datagram>,
    key_log: Vec<String>,
}

/// One line of the record: when, who, what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened.
    pub at: Instant,
    /// To whom.
    pub host: HostId,
    /// What.
    pub fact: Fact,
}

/// What happened?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The host gave a datagram to the network.
    Sent(DatagramId),
    /// A datagram was given to the host.
    Arrived(DatagramId),
    /// The application called; the text names the call.
    Called(String),
    /// The machine told an event; the text is the event's `Debug`.
    Said(String),
    /// The machine was told of a stream or a name.
    Granted(Grant),
    /// The public state changed to this.
    State(Snapshot),
    /// A description took effect.
    Described {
        /// Ours or the peer's.
        side: Side,
        /// Its text.
        sdp: String,
    },
    /// The host was told of an address of its peer.
    RemoteCandidate(SocketAddr),
    /// The host was told of a STUN or TURN server.
    Server(SocketAddr),
    /// A channel can be used from now on.
    ChannelOpened {
        /// What the host itself calls it.
        handle: String,
        /// What both ends know of it.
        channel: Channel,
    },
    /// The channel with this handle is over.
    ChannelClosed(String),
    /// What waits on the channel with this stream fell to its low threshold.
    BufferedAmountLow(u16),
    /// The application handed over a message.
    MessageSent(Message),
    /// The application got a message.
    MessageReceived(Message),
    /// The application handed over a frame of media.
    FrameSent(Frame),
    /// The application got a frame of media.
    FrameReceived(Frame),
}

/// Whose description?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The host's own.
    Local,
    /// Its peer's.
    Remote,
}

/// A channel as both ends should see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    /// The number of its stream.
    pub id: u16,
    /// Its name.
    pub label: String,
    /// The protocol spoken on it.
    pub protocol: String,
    /// Whether messages come in the order sent, and whether all do.
    pub delivery: Delivery,
}

/// What does a channel promise?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// Messages come in the order in which they were sent.
    pub ordered: bool,
    /// Every message comes.
    pub reliable: bool,
}

/// A message as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of its channel's stream.
    pub channel: u16,
    /// What its channel promises.
    pub delivery: Delivery,
    /// Whether it is text.
    pub text: bool,
    /// Its content.
    pub data: Bytes,
}

/// A picture or a piece of sound as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The mid of its media section: both ends call it so.
    pub mid: String,
    /// The rid of its encoding; empty where there is only one.
    pub rid: String,
    /// Its encoded content.
    pub data: Bytes,
}

/// How far has something come?
///
/// The common words of the states of W3C's ICE, DTLS, SCTP and peer connection
/// objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not started.
    #[default]
    New,
    /// Under way.
    Connecting,
    /// Usable.
    Connected,
    /// Was usable, may become so again.
    Disconnected,
    /// Will not become usable.
    Failed,
    /// Over.
    Closed,
}

/// The public state of a peer, as far as invariants look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// The whole connection.
    pub connection: Phase,
    /// Its ICE transport.
    pub ice: Phase,
    /// Its DTLS transport.
    pub dtls: Phase,
    /// Whether no offer is being answered.
    pub stable: bool,
    /// Whether its ICE agent nominates, once it has taken a role.
    pub controlling: Option<bool>,
    /// Where it sends application data.
    pub selected: Option<Path>,
    /// Whether it is the DTLS client, once it has taken a role.
    pub dtls_client: Option<bool>,
    /// A key exported for the purpose of comparing both ends' secrets.
    pub exported_key: Option<[u8; 16]>,
    /// Bytes handed over by the application and not yet sent.
    pub buffered: usize,
}

/// The place of a datagram in [`Ledger::datagrams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DatagramId(pub usize);

/// A datagram, or what was written to a stream at once, and its fate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// When it was sent.
    pub sent: Instant,
    /// The address that it says it is from.
    pub from: SocketAddr,
    /// The address that it is for.
    pub to: SocketAddr,
    /// The way as the receiver sees it: a NAT may have changed the addresses.
    pub seen: Path,
    /// Who sent it; `None` if an attacker did.
    pub sender: Option<HostId>,
    /// Who has the address that it is for.
    pub receiver: Option<HostId>,
    /// Its payload.
    pub bytes: Bytes,
    /// Whether it is what its sender made.
    pub origin: Origin,
    /// What became of it.
    pub fate: Fate,
}

impl Datagram {
    /// The way as the sender sees it.
    #[must_use]
    pub const fn path(&self) -> Path {
        Path {
            local: self.from,
            remote: self.to,
            protocol: self.seen.protocol,
        }
    }
}

/// Is a datagram what its sender made?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Yes.
    Genuine,
    /// A copy of one, made by the network.
    Duplicate,
    /// A tap changed it.
    Altered,
    /// An attacker made it, or repeats an old one.
    Forged,
}

/// What becomes of a datagram?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives at this time.
    Arrives(Instant),
    /// It does not.
    Lost(LossCause),
}

impl Ledger {
    /// A record in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that happened, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All datagrams in the order in which they were sent.
    #[must_use]
    pub fn datagrams(&self) -> &[Datagram] {
        &self.datagrams
    }

    /// The datagram of an entry.
    ///
    /// # Panics
    ///
    /// If `id` is from another ledger.
    #[must_use]
    pub fn datagram(&self, id: DatagramId) -> &Datagram {
        &self.datagrams[id.0]
    }

    /// The TLS secrets that machines have disclosed, one line each.
    #[must_use]
    pub fn key_log(&self) -> &[String] {
        &self.key_log
    }

    /// What a host is called.
    #[must_use]
    pub fn name(&self, host: HostId) -> &str {
        self.names.get(host.0).map_or("?", String::as_str)
    }

    /// Feeds every datagram, its time and its addresses into `hash`, and tells
    /// the result in hexadecimal digits. Equal runs have equal digests.
    #[must_use]
    pub fn digest(&self, mut hash: alloc::boxed::Box<dyn Hash>) -> String {
        use core::fmt::Write as _;
        let mut head = String::new();
        for datagram in &self.datagrams {
            head.clear();
            // Writing to a string cannot fail.
            let _ = writeln!(
                head,
                "{:?} {}>{} {}",
                datagram.sent,
                datagram.from,
                datagram.to,
                datagram.bytes.len()
            );
            hash.update(head.as_bytes());
            hash.update(&datagram.bytes);
        }
        hash.current().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Introduces the next host.
    pub fn add_host(&mut self, name: impl Into<String>) -> HostId {
        self.names.push(name.into());
        HostId(self.names.len() - 1)
    }

    /// Introduces the next host, which serves the others: no invariant looks at it.
    pub fn add_server(&mut self, name: impl Into<String>) -> HostId {
        let host = self.add_host(name);
        self.servers.insert(host);
        host
    }

    /// Whether a host serves the others.
    #[must_use]
    pub fn is_server(&self, host: HostId) -> bool {
        self.servers.contains(&host)
    }

    /// Writes down a fact.
    pub fn note(&mut self, at: Instant, host: HostId, fact: Fact) {
        self.entries.push(Entry { at, host, fact });
    }

    /// Writes down a datagram and, if a host sent it, that it did.
    pub fn send(&mut self, datagram: Datagram) -> DatagramId {
        let id = DatagramId(self.datagrams.len());
        if let Some(host) = datagram
            .sender
            .filter(|_| datagram.origin != Origin::Duplicate)
        {
            self.note(datagram.sent, host, Fact::Sent(id));
        }
        self.datagrams.push(datagram);
        id
    }

    /// Notes how the receiver of a datagram sees its path.
    pub(super) fn arrive(&mut self, id: DatagramId, seen: Path) {
        if let Some(datagram) = self.datagrams.get_mut(id.0) {
            datagram.seen = seen;
        }
    }

    /// Notes when a datagram will arrive.
    pub(super) fn delay(&mut self, id: DatagramId, arrival: Instant) {
        if let Some(datagram) = self.datagrams.get_mut(id.0) {
            datagram.fate = Fate::Arrives(arrival);
        }
    }

    /// Corrects what became of a datagram under way.
    pub(super) fn lose(&mut self, id: DatagramId, cause: LossCause) {
        if let Some(datagram) = self.datagrams.get_mut(id.0) {
            datagram.fate = Fate::Lost(cause);
        }
    }

    /// Adds a line to the key log.
    pub fn add_key(&mut self, line: String) {
        self.key_log.push(line);
    }
}
