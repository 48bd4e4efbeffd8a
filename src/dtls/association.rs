//! What both sides of a handshake work on, whatever their state.

use alloc::sync::Arc;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use bytes::Bytes;

use super::close::CloseReason;
use super::config::{DtlsConfig, Role};
use super::flight::Flight;
use super::reassembly::Received;
use super::record::{Epoch, Epochs, SealKeys};
use super::transport::Event;
use super::v12::{Session, Terms};
use crate::crypto::{CryptoProvider, HashId};
use crate::cursor::Writer;
use crate::rng::Rng;
use crate::tight::Queue;
use crate::wire::dtls::{Fragment, HandshakeType, Message};

/// The parts of a transport that its handshake uses.
pub(super) struct Association {
    pub(super) config: Arc<DtlsConfig>,
    pub(super) role: Role,
    pub(super) rng: Rng,
    pub(super) epochs: Epochs,
    pub(super) flight: Flight,
    pub(super) transcript: Transcript,
    /// Whether the owner was told the peer's certificate.
    pub(super) is_peer_shown: bool,
    /// Whether the owner wants to talk with the peer.
    pub(super) is_peer_accepted: bool,
    /// What the handshake came to, once it has ended well.
    pub(super) session: Option<Session>,
    /// At most three: a certificate, connected, closed.
    pub(super) events: Queue<Event>,
}

impl Association {
    /// Adds a message to the flight and to the transcript.
    pub(super) fn send(&mut self, epoch: Epoch, message: &Message<'_>) {
        let mut body = Vec::with_capacity(message.encoded_len());
        message.emit(&mut Writer::new(&mut body, message.encoded_len()));
        self.transcript
            .push(message.kind(), self.flight.next_sequence(), &body);
        self.flight.push(epoch, message.kind(), body);
    }

    /// Adds the signal that new keys are used, and uses them.
    pub(super) fn change_cipher_spec(&mut self, write: SealKeys) {
        self.flight.push_change_cipher_spec();
        self.epochs.install(write);
    }

    /// Tells the owner who claims to be there.
    pub(super) fn show_peer(&mut self, leaf: &[u8]) {
        self.is_peer_shown = true;
        self.events
            .push(Event::PeerCertificate(Bytes::copy_from_slice(leaf)));
    }

    /// The hash of the handshake so far.
    pub(super) fn session_hash(&self, terms: &Terms) -> Result<ArrayVec<u8, 64>, CloseReason> {
        let Self {
            config, transcript, ..
        } = self;
        hash(config.provider, terms.suite.hash, &transcript.bytes)
    }

    /// The hash of the handshake without its last message.
    pub(super) fn hash_before_last(&self, terms: &Terms) -> Result<ArrayVec<u8, 64>, CloseReason> {
        let Self {
            config, transcript, ..
        } = self;
        hash(config.provider, terms.suite.hash, transcript.before_last())
    }

    /// Wipes what is of no more use after the end.
    pub(super) fn wipe(&mut self) {
        self.epochs = Epochs::default();
        self.flight.clear();
        self.transcript.clear();
        self.session = None;
    }
}

fn hash(
    provider: &CryptoProvider,
    id: HashId,
    bytes: &[u8],
) -> Result<ArrayVec<u8, 64>, CloseReason> {
    let mut hash = provider.hash(id).ok_or(CloseReason::Provider)?.start();
    hash.update(bytes);
    Ok(hash.current())
}

/// All messages of the handshake so far, as they are signed and hashed.
///
/// Kept as bytes, not as a hash: which hash is known only after the second
/// message, and a signature covers the bytes. A few kilobytes, until the end
/// of the handshake; the limit of the reassembly bounds each of the few messages.
#[derive(Default)]
pub(super) struct Transcript {
    bytes: Vec<u8>,
    /// Where the last message starts.
    last: usize,
}

impl Transcript {
    /// Adds a message, as if it had been sent in one piece (RFC 6347 §4.2.6).
    pub(super) fn push(&mut self, kind: HandshakeType, sequence: u16, body: &[u8]) {
        self.last = self.bytes.len();
        let fragment = Fragment {
            kind,
            // The lengths of our messages and of those we accept fit into 24 bits.
            length: u32::try_from(body.len()).unwrap_or(u32::MAX),
            sequence,
            offset: 0,
            bytes: body,
        };
        fragment.emit(&mut Writer::new(&mut self.bytes, fragment.encoded_len()));
    }

    pub(super) fn push_received(&mut self, message: &Received) {
        self.push(message.kind, message.sequence, &message.body);
    }

    /// Starts again: what came before does not count.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn before_last(&self) -> &[u8] {
        self.bytes.get(..self.last).unwrap_or_default()
    }
}
