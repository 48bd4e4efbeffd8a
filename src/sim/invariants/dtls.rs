//! Invariants of DTLS.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Invariant, States, Unbundled, other_of};
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::Fingerprint;
use crate::cursor::Reader;
use crate::net::Path;
use crate::sim::ledger::{Entry, Fact, Ledger, Origin, Phase, Side};
use crate::sim::world::HostId;
use crate::wire::demux::{self, Class};
use crate::wire::dtls::handshake::{Certificate, Fragment, HandshakeType};
use crate::wire::dtls::{ContentType, Record};

/// D-1: two ends that are connected have equal secrets and opposite roles.
#[derive(Clone, Debug)]
pub struct SameSecrets {
    pair: [HostId; 2],
    states: States,
}

impl SameSecrets {
    /// For two peers.
    #[must_use]
    pub fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            states: States::default(),
        }
    }
}

impl Invariant for SameSecrets {
    fn name(&self) -> &'static str {
        "D-1"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        if !self.states.read(entry) || !self.pair.contains(&entry.host) {
            return Ok(());
        }
        let state = self.states.of(entry.host);
        let other = self.states.of(other_of(self.pair, entry.host));
        if [state.dtls, other.dtls] != [Phase::Connected; 2] {
            return Ok(());
        }
        if state.dtls_client == other.dtls_client {
            return Err(format!("both say client={:?}", state.dtls_client));
        }
        if state.exported_key != other.exported_key {
            return Err("the ends have exported different keys".into());
        }
        Ok(())
    }
}

/// D-3 and D-4: the numbers of the records that a host sends grow within an
/// epoch, no nonce is used twice, and application data is never sent in the clear.
#[derive(Clone, Debug, Default)]
pub struct RecordNumbers {
    last: BTreeMap<(Association, u16), u64>,
    nonces: BTreeSet<(Association, u16, [u8; 8])>,
    /// The random numbers in the hellos that each has said.
    hellos: BTreeSet<(Association, [u8; 32])>,
    unbundled: Unbundled,
}

/// Whose, and where, if there are several.
type Association = (HostId, Option<Path>);

impl RecordNumbers {
    fn record(&mut self, host: Association, record: &Record<'_>) -> Result<(), String> {
        let header = record.header;
        let (epoch, sequence) = (header.epoch, header.sequence);
        if let Some(random) = hello(record)
            && self.hellos.insert((host, random))
            && sequence == 0
        {
            // Another association, with keys and numbers of its own.
            self.last.retain(|(known, _), _| *known != host);
            self.nonces.retain(|(known, ..)| *known != host);
        }
        let last = self.last.insert((host, epoch), sequence);
        if last.is_some_and(|last| last >= sequence) {
            return Err(format!("record {sequence} of epoch {epoch} after {last:?}"));
        }
        if epoch == 0 {
            return match header.content_type {
                ContentType::ApplicationData => Err("application data in the clear".into()),
                _ => Ok(()),
            };
        }
        // RFC 5288 §3: the explicit part of the nonce leads the record.
        let nonce = record.content.first_chunk().copied();
        if nonce.is_some_and(|nonce| !self.nonces.insert((host, epoch, nonce))) {
            return Err(format!("the nonce of record {sequence} was used before"));
        }
        Ok(())
    }
}

/// What is random in the hello of a client or a server, if that is what the record
/// begins with. A repeated one has the same.
fn hello(record: &Record<'_>) -> Option<[u8; 32]> {
    let is_clear = record.header.epoch == 0;
    let is_handshake = record.header.content_type == ContentType::Handshake;
    let is_hello = matches!(record.content.first(), Some(1 | 2));
    // Behind the header of the message and the version (RFC 6347 §4.2.2, RFC 5246 §7.4.1.2).
    let random = record.content.get(14..46)?;
    let random = random.first_chunk().copied();
    random.filter(|_| is_clear && is_handshake && is_hello)
}

impl Invariant for RecordNumbers {
    fn name(&self) -> &'static str {
        "D-3, D-4"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        self.unbundled.read(entry);
        let Fact::Sent(id) = entry.fact else {
            return Ok(());
        };
        let datagram = ledger.datagram(id);
        let is_split = self.unbundled.contains(entry.host);
        let path = is_split.then(|| datagram.path());
        let is_dtls = demux::classify(&datagram.bytes) == Class::Dtls;
        if datagram.origin != Origin::Genuine || !is_dtls {
            return Ok(());
        }
        let mut rest = Reader::new(&datagram.bytes);
        while !rest.is_empty() {
            let record = Record::parse(&mut rest).map_err(|malformed| format!("{malformed}"))?;
            self.record((entry.host, path), &record)?;
        }
        Ok(())
    }
}

/// D-2: who is connected has seen a certificate that its peer's description promised.
///
/// Certificates travel in the clear in DTLS 1.2, so that they can be read here; one
/// that comes in several fragments is not looked at.
#[derive(Clone)]
pub struct PromisedCertificate {
    provider: &'static CryptoProvider,
    promised: BTreeMap<HostId, Vec<Fingerprint>>,
    shown: BTreeMap<HostId, Vec<u8>>,
    states: States,
}

impl PromisedCertificate {
    /// Fingerprints are computed by `provider`.
    #[must_use]
    pub const fn new(provider: &'static CryptoProvider) -> Self {
        Self {
            provider,
            promised: BTreeMap::new(),
            shown: BTreeMap::new(),
            states: States(BTreeMap::new()),
        }
    }

    fn on_state(&mut self, entry: &Entry) -> Result<(), String> {
        let was = self.states.of(entry.host).dtls;
        self.states.read(entry);
        let is = self.states.of(entry.host).dtls;
        if was == is || is != Phase::Connected {
            return Ok(());
        }
        let promised = self.promised.get(&entry.host);
        let (Some(promised), Some(shown)) = (promised, self.shown.get(&entry.host)) else {
            return Ok(());
        };
        if Fingerprint::any_matches(promised, self.provider, shown) {
            Ok(())
        } else {
            Err("connected to a peer whose certificate nobody promised".into())
        }
    }
}

impl core::fmt::Debug for PromisedCertificate {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PromisedCertificate")
            .finish_non_exhaustive()
    }
}

impl Invariant for PromisedCertificate {
    fn name(&self) -> &'static str {
        "D-2"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        match &entry.fact {
            Fact::Described {
                side: Side::Remote,
                sdp,
            } => {
                let lines = sdp.lines();
                let fingerprints = lines.filter_map(|line| line.strip_prefix("a=fingerprint:"));
                let fingerprints = fingerprints.filter_map(|text| Fingerprint::parse(text).ok());
                self.promised.insert(entry.host, fingerprints.collect());
                Ok(())
            }
            Fact::Arrived(id) => {
                let datagram = ledger.datagram(*id);
                let genuine = !matches!(datagram.origin, Origin::Forged | Origin::Altered);
                if genuine && let Some(der) = certificate(&datagram.bytes) {
                    self.shown.insert(entry.host, der);
                }
                Ok(())
            }
            Fact::State(_) => self.on_state(entry),
            _ => Ok(()),
        }
    }
}

/// The first certificate of a chain that a datagram holds in one piece.
fn certificate(bytes: &[u8]) -> Option<Vec<u8>> {
    if demux::classify(bytes) != Class::Dtls {
        return None;
    }
    let mut rest = Reader::new(bytes);
    while let Ok(record) = Record::parse(&mut rest) {
        let header = record.header;
        if header.epoch != 0 || header.content_type != ContentType::Handshake {
            continue;
        }
        let mut fragments = Reader::new(record.content);
        while let Ok(fragment) = Fragment::parse(&mut fragments) {
            if fragment.kind == HandshakeType::Certificate && fragment.is_whole() {
                let message = Certificate::parse(&mut Reader::new(fragment.bytes)).ok()?;
                return message.chain.iter().next().map(<[u8]>::to_vec);
            }
            if fragments.is_empty() {
                break;
            }
        }
    }
    None
}
