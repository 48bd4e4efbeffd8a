//! What was sent, when did it arrive, and which frames had to come of it?
//!
//! The oracle reads the ledger with the keys of the key log, and knows nothing of
//! what the receivers did.

use std::collections::BTreeMap;
use std::time::Duration;

use pollrtc::crypto::HashId;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Reader;
use pollrtc::sim::HostId;
use pollrtc::sim::ledger::{Datagram, Fate, Ledger, Origin};
use pollrtc::srtp::{self, Master, SrtpContext};
use pollrtc::time::Instant;
use pollrtc::wire::demux::{self, Class};
use pollrtc::wire::dtls::extension::SrtpProfile;
use pollrtc::wire::dtls::handshake::{Fragment, HandshakeType, ServerHello};
use pollrtc::wire::dtls::{ContentType, Record};
use pollrtc::wire::rtp::Packet;

/// The packets of one stream, in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Stream {
    packets: Vec<Sent>,
    /// The place of the last packet with a number.
    places: BTreeMap<u16, usize>,
}

struct Sent {
    timestamp: u32,
    arrived: Option<Instant>,
}

impl Stream {
    /// For each frame, whether it is there in time: no packet of it keeps those behind
    /// it waiting for longer than `patience`, and none is from before the stream
    /// begins for the receiver, with the packet that came first.
    pub(crate) fn in_time(&self, patience: Duration) -> Vec<bool> {
        let mut frames: Vec<(u32, bool)> = Vec::new();
        let mut earliest_behind = None;
        let arrivals = self.packets.iter().enumerate();
        let came = arrivals.filter_map(|(index, packet)| Some((packet.arrived?, index)));
        let begin = came.min().map_or(0, |(_, index)| index);
        for (index, packet) in self.packets.iter().enumerate().rev() {
            let arrived = packet.arrived.filter(|_| index >= begin);
            let is_in_time = match (arrived, earliest_behind) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(arrived), Some(behind)) => arrived < behind + patience,
            };
            earliest_behind = [packet.arrived, earliest_behind]
                .into_iter()
                .flatten()
                .min();
            match frames.last_mut() {
                Some((timestamp, whole)) if *timestamp == packet.timestamp => *whole &= is_in_time,
                _ => frames.push((packet.timestamp, is_in_time)),
            }
        }
        frames.iter().rev().map(|(_, whole)| *whole).collect()
    }

    /// How many packets did not arrive, not even repeated.
    pub(crate) fn lost(&self) -> usize {
        let missing = |packet: &&Sent| packet.arrived.is_none();
        self.packets.iter().filter(missing).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    fn send(&mut self, number: u16, timestamp: u32, arrived: Option<Instant>) {
        self.places.insert(number, self.packets.len());
        self.packets.push(Sent { timestamp, arrived });
    }

    fn repeat(&mut self, number: u16, arrived: Option<Instant>) {
        let sent = self
            .places
            .get(&number)
            .map(|place| &mut self.packets[*place]);
        let sent = sent.expect("what is repeated was sent before");
        sent.arrived = [sent.arrived, arrived].into_iter().flatten().min();
    }
}

/// The streams that a host sent, by their payload type's media: sound, pictures.
pub(crate) fn streams(ledger: &Ledger, sender: HostId) -> BTreeMap<u32, Stream> {
    let mut keys = Keys::of(ledger, sender);
    let repairs = repairs(ledger, sender);
    let mut streams: BTreeMap<u32, Stream> = BTreeMap::new();
    let theirs = |one: &&Datagram| {
        one.sender == Some(sender)
            && one.origin == Origin::Genuine
            && demux::classify(&one.bytes) == Class::Rtp
    };
    for datagram in ledger.datagrams().iter().filter(theirs) {
        let mut bytes = datagram.bytes.to_vec();
        let plain = keys.0.open_rtp(&mut bytes);
        let plain = plain.expect("all that is sent is under the session's keys");
        let packet = Packet::parse(&mut Reader::new(plain)).expect("and is RTP");
        let arrived = match datagram.fate {
            Fate::Arrives(at) => Some(at),
            Fate::Lost(_) => None,
        };
        let (ssrc, timestamp) = (packet.header.ssrc.0, packet.header.timestamp.0);
        match (repairs.get(&ssrc), packet.payload.first_chunk()) {
            (Some(repaired), Some(number)) => {
                let number = u16::from_be_bytes(*number);
                streams
                    .entry(*repaired)
                    .or_default()
                    .repeat(number, arrived);
            }
            (Some(_), None) => {}
            (None, _) => {
                let number = packet.header.sequence_number.0;
                let stream = streams.entry(ssrc).or_default();
                stream.send(number, timestamp, arrived);
            }
        }
    }
    streams
}

/// Which stream repeats which, as the host's descriptions say (RFC 5576 §4.2).
fn repairs(ledger: &Ledger, host: HostId) -> BTreeMap<u32, u32> {
    let texts = descriptions(ledger, host);
    let lines = texts.flat_map(str::lines);
    let pairs = lines.filter_map(|line| {
        let (media, repair) = line.strip_prefix("a=ssrc-group:FID ")?.split_once(' ')?;
        Some((repair.parse().ok()?, media.parse().ok()?))
    });
    pairs.collect()
}

/// The SSRCs of the media of a host in the order of its sections, repairs left out.
pub(crate) fn sources(ledger: &Ledger, host: HostId) -> Vec<u32> {
    let repairs = repairs(ledger, host);
    let last = descriptions(ledger, host).last().unwrap_or_default();
    let mut sources: Vec<u32> = Vec::new();
    for line in last.lines() {
        let source = line.strip_prefix("a=ssrc:").and_then(|rest| {
            let number = rest.split(' ').next()?;
            number.parse().ok()
        });
        let is_new = |source: &u32| !repairs.contains_key(source) && !sources.contains(source);
        if let Some(source) = source.filter(is_new) {
            sources.push(source);
        }
    }
    sources
}

fn descriptions(ledger: &Ledger, host: HostId) -> impl Iterator<Item = &str> {
    use pollrtc::sim::Fact;
    use pollrtc::sim::ledger::Side;
    ledger
        .entries()
        .iter()
        .filter_map(move |entry| match &entry.fact {
            Fact::Described {
                side: Side::Local,
                sdp,
            } if entry.host == host => Some(sdp.as_str()),
            _ => None,
        })
}

/// What opens the packets of one host.
struct Keys(SrtpContext);

impl Keys {
    /// Derives the keys anew from the master secret (RFC 5764 §4.2, RFC 5705).
    fn of(ledger: &Ledger, sender: HostId) -> Self {
        let (client_random, master) = secret(ledger);
        let (server, server_random) = server(ledger);
        let seed = [&client_random[..], &server_random].concat();
        let block = prf(&master, b"EXTRACTOR-dtls_srtp", &seed, 56);
        let at = |start: usize, len: usize| &block[start..start + len];
        let client_keys = Master::new(at(0, 16), at(32, 12));
        let server_keys = Master::new(at(16, 16), at(44, 12));
        let (theirs, ours) = match sender == server {
            true => (server_keys, client_keys),
            false => (client_keys, server_keys),
        };
        let config = srtp::Config::new(SrtpProfile::AeadAes128Gcm);
        let context = SrtpContext::new(&PROVIDER, config, ours, theirs);
        Self(context.expect("the keys have the profile's lengths"))
    }
}

/// The client's random number and the master secret, as the key log has them.
fn secret(ledger: &Ledger) -> (Vec<u8>, Vec<u8>) {
    let line = ledger.key_log().first().expect("the key log is on");
    let mut words = line.split(' ').skip(1).map(|word| {
        let digits = word.as_bytes().chunks(2);
        let bytes = digits.map(|pair| {
            let pair = core::str::from_utf8(pair).expect("digits");
            u8::from_str_radix(pair, 16).expect("digits")
        });
        bytes.collect()
    });
    let mut next = || words.next().expect("two numbers");
    (next(), next())
}

/// Who is the server, and its random number.
fn server(ledger: &Ledger) -> (HostId, [u8; 32]) {
    let hello = |datagram: &Datagram| {
        let mut rest = Reader::new(&datagram.bytes);
        let record = Record::parse(&mut rest).ok()?;
        let is_handshake = record.header.content_type == ContentType::Handshake;
        let mut content = Reader::new(record.content);
        let fragment = Fragment::parse(&mut content)
            .ok()
            .filter(|_| is_handshake)?;
        let is_hello = fragment.kind == HandshakeType::ServerHello;
        let hello = ServerHello::parse(&mut Reader::new(fragment.bytes)).ok();
        hello.filter(|_| is_hello).map(|hello| hello.random)
    };
    let mut found = ledger.datagrams().iter().filter_map(|datagram| {
        let is_dtls = demux::classify(&datagram.bytes) == Class::Dtls;
        let random = Some(datagram).filter(|_| is_dtls).and_then(hello)?;
        Some((datagram.sender?, random))
    });
    found.next().expect("there was a handshake")
}

/// The pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246 §5).
fn prf(secret: &[u8], label: &[u8], seed: &[u8], len: usize) -> Vec<u8> {
    let mut hmacs = PROVIDER.hmacs.iter();
    let hmac = hmacs.find(|hmac| hmac.hash() == HashId::Sha256);
    let key = hmac.expect("it is there").key(secret);
    let seed = [label, seed].concat();
    let mut a = key.sign(&[&seed]);
    let mut out = Vec::new();
    while out.len() < len {
        out.extend(key.sign(&[&a, &seed]));
        a = key.sign(&[&a]);
    }
    out
}
