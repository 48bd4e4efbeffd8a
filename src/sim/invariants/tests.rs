//! Each invariant fails on a ledger in which it does not hold.

use alloc::string::ToString;
use core::net::SocketAddr;

use bytes::Bytes;

use super::*;
use crate::cursor::Writer;
use crate::net::Path;
use crate::seq::{Serial16, Serial32};
use crate::sim::ledger::{
    Channel, Datagram, Delivery, Fate, Message, Origin, Phase, Side, Snapshot,
};
use crate::time::Instant;
use crate::wire::list::List;
use crate::wire::sctp::chunk::{Data, ForwardTsn, GapAckBlock, Init, InitFields, Sack};
use crate::wire::sctp::{Parameters, Ppid, StreamId};
use crate::wire::stun::{Attribute, Builder, Class, Method, TransactionId};

const L: HostId = HostId(0);
const R: HostId = HostId(1);
const PAIR: [HostId; 2] = [L, R];

/// A ledger in the making.
struct Story {
    ledger: Ledger,
    now: Instant,
}

impl Story {
    fn new() -> Self {
        let mut ledger = Ledger::new();
        ledger.add_host("L");
        ledger.add_host("R");
        Self {
            ledger,
            now: Instant::ZERO,
        }
    }

    fn wait(mut self, millis: u64) -> Self {
        self.now += core::time::Duration::from_millis(millis);
        self
    }

    fn fact(mut self, host: HostId, fact: Fact) -> Self {
        self.ledger.note(self.now, host, fact);
        self
    }

    fn state(self, host: HostId, change: impl FnOnce(&mut Snapshot)) -> Self {
        let mut state = Snapshot::default();
        change(&mut state);
        self.fact(host, Fact::State(state))
    }

    /// A datagram from a host to the other, which arrives at once.
    fn sends(mut self, host: HostId, bytes: &[u8], origin: Origin) -> Self {
        let other = other_of(PAIR, host);
        let genuine = matches!(origin, Origin::Genuine | Origin::Altered);
        let id = self.ledger.send(Datagram {
            sent: self.now,
            from: address(host),
            to: address(other),
            seen: path(other),
            sender: genuine.then_some(host),
            receiver: Some(other),
            bytes: Bytes::copy_from_slice(bytes),
            origin,
            fate: Fate::Arrives(self.now),
        });
        self.fact(other, Fact::Arrived(id))
    }

    /// A datagram that nobody else looks at, on its way out.
    fn leaves(mut self, host: HostId, path: Path, bytes: &[u8]) -> Self {
        self.ledger.send(self.datagram(Some(host), path, bytes));
        self
    }

    /// The same, on its way in; `path` is the host's own.
    fn arrives(mut self, host: HostId, path: Path, bytes: &[u8]) -> Self {
        let back = Path::udp(path.remote, path.local);
        let id = self.ledger.send(self.datagram(None, back, bytes));
        self.fact(host, Fact::Arrived(id))
    }

    fn datagram(&self, sender: Option<HostId>, path: Path, bytes: &[u8]) -> Datagram {
        Datagram {
            sent: self.now,
            from: path.local,
            to: path.remote,
            seen: Path::udp(path.remote, path.local),
            sender,
            receiver: None,
            bytes: Bytes::copy_from_slice(bytes),
            origin: Origin::Genuine,
            fate: Fate::Arrives(self.now),
        }
    }

    fn verdict(&self, mut invariant: impl Invariant) -> Result<(), String> {
        for entry in self.ledger.entries() {
            invariant.observe(&self.ledger, entry)?;
        }
        invariant.finish(&self.ledger)
    }

    #[track_caller]
    fn breaks(&self, invariant: impl Invariant, why: &str) {
        let error = self.verdict(invariant).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[track_caller]
    fn keeps(&self, invariant: impl Invariant) {
        self.verdict(invariant).unwrap();
    }
}

fn address(host: HostId) -> SocketAddr {
    let last = u8::try_from(host.0).unwrap();
    SocketAddr::from(([10, 0, 0, last], 5000))
}

fn path(host: HostId) -> Path {
    Path::udp(address(host), address(other_of(PAIR, host)))
}

fn stun(class: Class, id: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, 100);
    Builder::new(&mut w, class, Method::BINDING, TransactionId([id; 12]));
    bytes
}

fn stun_with(class: Class, method: Method, attributes: &[Attribute<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, 200);
    let mut builder = Builder::new(&mut w, class, method, TransactionId([7; 12]));
    for attribute in attributes {
        builder.attribute(attribute);
    }
    bytes
}

/// An SCTP packet of one chunk; its checksum of zero counts as none.
fn packet(emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = vec![0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, 0, 0, 0, 0];
    emit(&mut Writer::new(&mut bytes, 200));
    bytes
}

fn init(initial_tsn: u32, a_rwnd: u32) -> Vec<u8> {
    packet(|w| {
        Init(InitFields {
            initiate_tag: 1,
            a_rwnd,
            outbound_streams: 1,
            inbound_streams: 1,
            initial_tsn: Serial32(initial_tsn),
            parameters: Parameters::default(),
        })
        .emit(w);
    })
}

fn data(tsn: u32) -> Vec<u8> {
    packet(|w| {
        Data {
            tsn: Serial32(tsn),
            stream: StreamId(0),
            ssn: Serial16(0),
            ppid: Ppid(0),
            unordered: false,
            beginning: true,
            ending: true,
            immediate: false,
            payload: b"four",
        }
        .emit(w);
    })
}

fn sack(cumulative: u32, a_rwnd: u32, gaps: &[(u16, u16)]) -> Vec<u8> {
    let gaps = gaps.iter().map(|&(start, end)| GapAckBlock { start, end });
    let gaps = List::encode(gaps);
    packet(|w| {
        Sack {
            cumulative_tsn: Serial32(cumulative),
            a_rwnd,
            gaps: List::new(&gaps),
            duplicates: List::EMPTY,
        }
        .emit(w);
    })
}

fn forward_tsn(last: u32) -> Vec<u8> {
    packet(|w| {
        ForwardTsn {
            new_cumulative_tsn: Serial32(last),
            streams: List::EMPTY,
        }
        .emit(w);
    })
}

/// A DTLS record with a nonce of eight equal bytes.
fn record(kind: u8, epoch: u8, sequence: u8, nonce: u8) -> Vec<u8> {
    let mut bytes = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, sequence, 0, 8];
    bytes.extend([nonce; 8]);
    bytes
}

fn message(text: &'static str, ordered: bool, reliable: bool) -> Message {
    Message {
        channel: 1,
        delivery: Delivery { ordered, reliable },
        text: true,
        data: Bytes::from_static(text.as_bytes()),
    }
}

fn opened(id: u16, label: &str) -> Fact {
    let delivery = Delivery {
        ordered: true,
        reliable: true,
    };
    Fact::ChannelOpened {
        handle: "one".into(),
        channel: Channel {
            id,
            label: label.to_string(),
            protocol: String::new(),
            delivery,
        },
    }
}

fn connected(state: &mut Snapshot) {
    state.connection = Phase::Connected;
    state.ice = Phase::Connected;
    state.dtls = Phase::Connected;
    state.stable = true;
}

#[test]
fn i_1_a_datagram_to_nowhere() {
    let request = stun(Class::Request, 1);
    let story = Story::new().sends(L, &request, Origin::Genuine);
    story.breaks(KnownDestinations::default(), "of which nothing is known");
    let story = Story::new()
        .fact(L, Fact::RemoteCandidate(address(R)))
        .sends(L, &request, Origin::Genuine)
        .sends(R, &stun(Class::Success, 1), Origin::Genuine);
    story.keeps(KnownDestinations::default());
}

#[test]
fn i_7_data_without_consent() {
    let data = [20; 30];
    let asked = || Story::new().sends(L, &stun(Class::Request, 1), Origin::Genuine);
    let answered = || asked().sends(R, &stun(Class::Success, 1), Origin::Genuine);
    let data_after = |story: Story, millis| story.wait(millis).sends(L, &data, Origin::Genuine);

    data_after(answered(), 30_000).keeps(Consent::default());
    data_after(answered(), 30_001).breaks(Consent::default(), "the last answer");
    data_after(asked(), 0).breaks(Consent::default(), "no check was answered");
    // A forged answer does not count, nor one to another request.
    let forged = asked().sends(R, &stun(Class::Success, 1), Origin::Forged);
    data_after(forged, 0).breaks(Consent::default(), "no check was answered");
    let wrong = asked().sends(R, &stun(Class::Success, 2), Origin::Genuine);
    data_after(wrong, 0).breaks(Consent::default(), "no check was answered");
}

#[test]
fn i_5_a_pair_selected_without_an_answer() {
    let story = Story::new()
        .sends(L, &stun(Class::Request, 1), Origin::Genuine)
        .state(L, |state| state.selected = Some(path(L)));
    story.breaks(Consent::default(), "is selected");
}

#[test]
fn i_6_checks_too_fast() {
    let checks = |distance| {
        Story::new()
            .sends(L, &stun(Class::Request, 1), Origin::Genuine)
            .wait(distance)
            .sends(L, &stun(Class::Request, 2), Origin::Genuine)
    };
    checks(50).keeps(Pacing::default());
    checks(49).breaks(Pacing::default(), "two new checks");
}

#[test]
fn i_1_a_relay_is_told_where_to_send() {
    let server = SocketAddr::from(([192, 0, 2, 1], 3478));
    let (relayed, peer) = (address(HostId(7)), address(R));
    let lent = stun_with(
        Class::Success,
        Method::ALLOCATE,
        &[Attribute::XorRelayedAddress(relayed)],
    );
    let send = stun_with(
        Class::Indication,
        Method::SEND,
        &[Attribute::XorPeerAddress(peer), Attribute::Data(&[20; 9])],
    );
    let way = Path::udp(address(L), server);
    let lends = || {
        Story::new()
            .fact(L, Fact::Server(server))
            .arrives(L, way, &lent)
    };
    let sends = |story: Story| story.leaves(L, way, &send);
    sends(lends()).breaks(KnownDestinations::default(), "of which nothing is known");
    sends(lends().fact(L, Fact::RemoteCandidate(peer))).keeps(KnownDestinations::default());
    sends(lends()).breaks(Consent::default(), "no check was answered");
}

#[test]
fn i_9_addresses_shown_by_who_wants_relays_only() {
    let server = SocketAddr::from(([192, 0, 2, 1], 3478));
    let describes = |sdp: &str| {
        let side = Side::Local;
        let sdp = sdp.to_string();
        Story::new().fact(L, Fact::Described { side, sdp })
    };
    let line = |kind: &str| alloc::format!("a=candidate:1 1 udp 1 192.0.2.7 9 typ {kind} \n");
    describes(&line("relay")).keeps(RelaysOnly::default());
    describes(&line("host")).breaks(RelaysOnly::default(), "typ host");
    let asks = || Story::new().fact(L, Fact::Server(server));
    let to = |to| asks().leaves(L, Path::udp(address(L), to), &[0]);
    to(server).keeps(RelaysOnly::default());
    to(address(R)).breaks(RelaysOnly::default(), "which is no server");
}

#[test]
fn i_8_old_credentials_that_change_something() {
    let check = |name: &str| {
        stun_with(
            Class::Request,
            Method::BINDING,
            &[Attribute::Username(name), Attribute::UseCandidate],
        )
    };
    let has = |story: Story, ufrag: &str| {
        let (side, sdp) = (Side::Local, alloc::format!("a=ice-ufrag:{ufrag}\r\n"));
        story.fact(L, Fact::Described { side, sdp })
    };
    let answered = |story: Story, ufrag: &str| {
        story
            .leaves(L, path(L), &check(&alloc::format!("peer:{ufrag}")))
            .arrives(L, path(L), &stun(Class::Success, 7))
            .state(L, |state| state.selected = Some(path(L)))
    };
    let after = |name: &str| {
        let story = answered(has(answered(has(Story::new(), "old"), "old"), "new"), "new");
        let story = story.arrives(L, path(L), &check(name));
        story.state(L, |state| state.selected = None)
    };
    after("old:peer").breaks(OldCredentials::default(), "credentials 0");
    after("new:peer").keeps(OldCredentials::default());
    // Nothing is settled before the new ones are answered.
    let story = has(answered(has(Story::new(), "old"), "old"), "new");
    let story = story.arrives(L, path(L), &check("old:peer"));
    let story = story.state(L, |state| state.selected = None);
    story.keeps(OldCredentials::default());
}

#[test]
fn r_4_frames_that_are_not_what_was_sent() {
    let frame = |mid: &str, data: &'static [u8]| super::super::ledger::Frame {
        mid: mid.into(),
        rid: String::new(),
        data: Bytes::from_static(data),
    };
    let sent = || {
        let story = Story::new().fact(L, Fact::FrameSent(frame("0", b"one")));
        let story = story.fact(L, Fact::FrameSent(frame("0", b"two")));
        story.fact(L, Fact::FrameSent(frame("1", b"three")))
    };
    let gets = |story: Story, mid, data| story.fact(R, Fact::FrameReceived(frame(mid, data)));
    let two = || gets(sent(), "0", b"two");
    two().keeps(Frames::new(PAIR));
    gets(two(), "0", b"two").breaks(Frames::new(PAIR), "come twice");
    gets(two(), "0", b"one").breaks(Frames::new(PAIR), "too late");
    gets(two(), "0", b"three").breaks(Frames::new(PAIR), "not sent");
}

#[test]
fn p_8_media_before_keys_and_unasked_for() {
    let rtp = b"\x80\x60\0\x01\0\0\0\x02\0\0\0\x03sound";
    let rtcp = b"\x80\xc9\0\x01\0\0\0\x03";
    let agree = |local: &str, remote: &str| {
        let described = |story: Story, side, direction: &str| {
            let sdp = alloc::format!("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na={direction}\r\n");
            story.fact(L, Fact::Described { side, sdp })
        };
        let story = described(Story::new(), Side::Local, local);
        described(story, Side::Remote, remote)
    };
    let keyed = |story: Story| {
        story.state(L, |state| {
            state.dtls = Phase::Connected;
            state.stable = true;
        })
    };
    let plays = |story: Story, bytes| story.leaves(L, path(L), bytes);
    let both = || agree("sendrecv", "sendrecv");
    plays(both(), rtp).breaks(MediaAgreed::default(), "before there are keys");
    plays(both(), rtcp).breaks(MediaAgreed::default(), "before there are keys");
    plays(keyed(both()), rtp).keeps(MediaAgreed::default());
    let deaf = || keyed(agree("sendrecv", "sendonly"));
    plays(deaf(), rtp).breaks(MediaAgreed::default(), "nobody agreed");
    plays(deaf(), rtcp).keeps(MediaAgreed::default());
    let mute = keyed(agree("recvonly", "sendrecv"));
    plays(mute, rtp).breaks(MediaAgreed::default(), "nobody agreed");
}

#[test]
fn i_2_pairs_that_do_not_mirror() {
    let select = |other: Path| {
        Story::new()
            .state(L, |state| {
                connected(state);
                state.selected = Some(path(L));
            })
            .state(R, |state| {
                connected(state);
                state.selected = Some(other);
            })
    };
    select(path(R)).keeps(MirroredPairs::new(PAIR));
    select(path(L)).breaks(MirroredPairs::new(PAIR), "and");
}

#[test]
fn i_4_both_control() {
    let control = |other| {
        Story::new()
            .state(L, |state| {
                connected(state);
                state.controlling = Some(true);
            })
            .state(R, |state| {
                connected(state);
                state.controlling = Some(other);
            })
    };
    control(false).keeps(OneControls::new(PAIR));
    control(true).breaks(OneControls::new(PAIR), "both say");
}

#[test]
fn d_1_different_secrets_or_equal_roles() {
    let ends = |client, key: u8| {
        Story::new()
            .state(L, |state| {
                connected(state);
                state.dtls_client = Some(true);
                state.exported_key = Some([1; 16]);
            })
            .state(R, |state| {
                connected(state);
                state.dtls_client = Some(client);
                state.exported_key = Some([key; 16]);
            })
    };
    ends(false, 1).keeps(SameSecrets::new(PAIR));
    ends(true, 1).breaks(SameSecrets::new(PAIR), "client");
    ends(false, 2).breaks(SameSecrets::new(PAIR), "different keys");
}

#[cfg(feature = "rust-crypto")]
#[test]
fn d_2_a_certificate_that_nobody_promised() {
    use crate::crypto::certificate::{Certificate, CertificateOptions};
    use crate::crypto::{HashId, rust_crypto::PROVIDER};
    use crate::rng::Rng;
    use crate::wire::dtls::handshake;

    let options = CertificateOptions {
        common_name: "one".into(),
        not_before: 0,
        not_after: 1 << 32,
    };
    let mut rng = Rng::from_number(1);
    let mut make = || Certificate::generate(&PROVIDER, &mut rng, &options).unwrap();
    let (shown, other) = (make(), make());

    let mut body = Vec::new();
    handshake::Certificate {
        chain: handshake::Chain::new(&[shown.der()]),
    }
    .emit(&mut Writer::new(&mut body, 2_000));
    let mut flight = Vec::new();
    handshake::Fragment {
        kind: handshake::HandshakeType::Certificate,
        length: u32::try_from(body.len()).unwrap(),
        sequence: 1,
        offset: 0,
        bytes: &body,
    }
    .emit(&mut Writer::new(&mut flight, 2_000));
    let mut bytes = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1];
    bytes.extend(u16::try_from(flight.len()).unwrap().to_be_bytes());
    bytes.extend(flight);

    let connects = |promised: &Certificate| {
        let fingerprint = promised.fingerprint(&PROVIDER, HashId::Sha256).unwrap();
        let side = Side::Remote;
        let sdp = alloc::format!("a=fingerprint:{fingerprint}\n");
        Story::new()
            .fact(L, Fact::Described { side, sdp })
            .sends(R, &bytes, Origin::Genuine)
            .state(L, |state| state.dtls = Phase::Connecting)
            .state(L, connected)
    };
    connects(&shown).keeps(PromisedCertificate::new(&PROVIDER));
    connects(&other).breaks(PromisedCertificate::new(&PROVIDER), "nobody promised");
}

#[test]
fn d_4_numbers_and_nonces_used_twice() {
    let records = |first: [u8; 3], second: [u8; 3]| {
        let record = |[epoch, sequence, nonce]: [u8; 3]| record(22, epoch, sequence, nonce);
        Story::new()
            .sends(L, &record(first), Origin::Genuine)
            .sends(L, &record(second), Origin::Genuine)
    };
    records([1, 1, 1], [1, 2, 2]).keeps(RecordNumbers::default());
    records([0, 5, 1], [1, 0, 1]).keeps(RecordNumbers::default());
    records([1, 2, 1], [1, 2, 2]).breaks(RecordNumbers::default(), "record 2");
    records([1, 1, 1], [1, 2, 1]).breaks(RecordNumbers::default(), "nonce");
    Story::new()
        .sends(L, &record(23, 0, 1, 1), Origin::Genuine)
        .breaks(RecordNumbers::default(), "in the clear");
}

#[test]
fn s_4_what_never_came_is_acknowledged() {
    let story = |numbers: &[u32]| {
        let story = Story::new().sends(L, &init(100, 1_000), Origin::Genuine);
        numbers.iter().fold(story, |story, number| {
            story.sends(L, &data(100 + number), Origin::Genuine)
        })
    };
    let acknowledges = |story: Story, cumulative, gaps: &[(u16, u16)]| {
        story.sends(R, &sack(cumulative, 1_000, gaps), Origin::Genuine)
    };
    let check = Acknowledgements::default;
    acknowledges(story(&[0, 1, 3]), 101, &[(2, 2)]).keeps(check());
    acknowledges(story(&[]), 99, &[]).keeps(check());
    acknowledges(story(&[0, 2]), 101, &[]).breaks(check(), "2 acknowledged when 1 had come");
    acknowledges(story(&[0, 3]), 100, &[(2, 2)]).breaks(check(), "2 acknowledged, which never");
    let back = acknowledges(story(&[0, 1]), 101, &[]);
    acknowledges(back, 100, &[]).breaks(check(), "1 acknowledged after 2");
    // What was given up counts as come.
    let forward = |last| story(&[0]).sends(L, &forward_tsn(last), Origin::Genuine);
    acknowledges(forward(105), 105, &[]).keeps(check());
    acknowledges(forward(104), 105, &[]).breaks(check(), "6 acknowledged when 5");
}

#[test]
fn s_5_more_than_the_peer_can_hold() {
    let begins = |window| {
        Story::new()
            .sends(L, &init(100, 0), Origin::Genuine)
            .sends(R, &init(500, window), Origin::Genuine)
            .sends(L, &data(100), Origin::Genuine)
    };
    let next = |story: Story| story.sends(L, &data(101), Origin::Genuine);
    next(begins(8)).keeps(FlowControl::default());
    next(begins(7)).breaks(FlowControl::default(), "4 more bytes than 4, of 7");
    // One chunk at a time may ask whether there is room again, and be sent again.
    begins(0)
        .sends(L, &data(100), Origin::Genuine)
        .keeps(FlowControl::default());
    let room = |story: Story, window| story.sends(R, &sack(100, window, &[]), Origin::Genuine);
    next(room(begins(4), 0)).keeps(FlowControl::default());
    next(next(room(begins(4), 4))).keeps(FlowControl::default());
}

#[test]
fn s_1_to_s_3_messages() {
    let run = |ordered, reliable, received: &[&'static str]| {
        let mut story = Story::new().state(L, connected).state(R, connected);
        for text in ["a", "b", "c"] {
            story = story.fact(L, Fact::MessageSent(message(text, ordered, reliable)));
        }
        for text in received {
            let message = message(text, ordered, reliable);
            story = story.fact(R, Fact::MessageReceived(message));
        }
        story
    };
    let check = || Messages::new(PAIR);
    run(true, true, &["a", "b", "c"]).keeps(check());
    run(true, true, &["a", "c"]).breaks(check(), "message 2 came instead of 1");
    run(true, true, &["a", "b"]).breaks(check(), "1 messages missing");
    run(true, true, &["a", "a"]).breaks(check(), "come twice");
    run(true, true, &["x"]).breaks(check(), "not sent");
    run(false, true, &["c", "a", "b"]).keeps(check());
    run(false, true, &["c", "a"]).breaks(check(), "missing");
    run(true, false, &["a", "c"]).keeps(check());
    run(true, false, &["c", "a"]).breaks(check(), "not sent, or come twice");
    run(false, false, &["c", "a"]).keeps(check());
    run(false, false, &["c", "c"]).breaks(check(), "come twice");
}

#[test]
fn d_3_a_message_before_the_handshake_has_ended() {
    let story = Story::new()
        .fact(L, Fact::MessageSent(message("a", true, true)))
        .state(R, |state| state.dtls = Phase::Connecting)
        .fact(R, Fact::MessageReceived(message("a", true, true)));
    story.breaks(Messages::new(PAIR), "while DTLS is Connecting");
}

#[test]
fn s_6_bytes_that_are_never_sent() {
    let story = Story::new()
        .state(L, |state| {
            connected(state);
            state.buffered = 7;
        })
        .state(R, connected);
    story.breaks(Messages::new(PAIR), "7 bytes still wait");
}

#[test]
fn s_10_different_channels() {
    let ends = |label: &str| {
        Story::new()
            .state(L, connected)
            .state(R, connected)
            .fact(L, opened(1, "chat"))
            .fact(R, opened(1, label))
    };
    let check = || Channels::new(PAIR);
    ends("chat").keeps(check());
    ends("other").breaks(check(), "are open");
    ends("chat")
        .fact(R, Fact::ChannelClosed("one".into()))
        .breaks(check(), "are open");
    ends("chat")
        .fact(R, opened(1, "chat"))
        .breaks(check(), "opened twice");
}

#[test]
fn s_8_a_message_after_the_close() {
    let story = Story::new()
        .fact(R, opened(1, "chat"))
        .fact(R, Fact::ChannelClosed("one".into()))
        .fact(R, Fact::MessageReceived(message("a", true, true)));
    story.breaks(Channels::new(PAIR), "not open");
}

#[test]
fn s_6_room_again_without_a_message() {
    let story = Story::new()
        .fact(L, Fact::MessageSent(message("a", true, true)))
        .fact(L, Fact::BufferedAmountLow(1))
        .fact(L, Fact::BufferedAmountLow(1));
    story.breaks(Channels::new(PAIR), "nothing was sent");
}

#[test]
fn p_2_sections_that_differ_or_vanish() {
    let describe = |side, sdp: &str| Fact::Described {
        side,
        sdp: sdp.to_string(),
    };
    let stable = |local: &str, remote: &str| {
        Story::new()
            .fact(L, describe(Side::Local, local))
            .fact(L, describe(Side::Remote, remote))
            .state(L, |state| state.stable = true)
    };
    let (one, two) = ("m=a\na=mid:0\n", "m=a\na=mid:0\nm=b\na=mid:1\n");
    stable(two, two).keeps(Descriptions::default());
    stable(two, one).breaks(Descriptions::default(), "stable with");
    stable(two, two)
        .fact(L, describe(Side::Local, one))
        .breaks(Descriptions::default(), "became");
}

#[test]
fn p_7_a_state_that_does_not_follow() {
    let state = |connection, ice, dtls| {
        Story::new().state(L, |state| {
            state.connection = connection;
            state.ice = ice;
            state.dtls = dtls;
        })
    };
    use Phase::{Connected, Connecting, Disconnected, Failed, New};
    state(New, New, New).keeps(AggregateState);
    state(Connecting, Connected, Connecting).keeps(AggregateState);
    state(Connected, Connected, Connected).keeps(AggregateState);
    state(Failed, Connected, Failed).keeps(AggregateState);
    state(Disconnected, Disconnected, Connected).keeps(AggregateState);
    state(Connected, Connected, Connecting).breaks(AggregateState, "should be Connecting");
    state(Connected, Disconnected, Connected).breaks(AggregateState, "should be Disconnected");
}

#[test]
fn p_7_words_after_the_end() {
    let closed = || Story::new().state(L, |state| state.connection = Phase::Closed);
    let speaks = |story: Story| story.sends(L, &[20; 30], Origin::Genuine);
    speaks(closed()).keeps(SilentWhenClosed::default());
    speaks(closed().wait(1)).breaks(SilentWhenClosed::default(), "still speaks");
    closed()
        .state(L, connected)
        .breaks(SilentWhenClosed::default(), "closed, and then");
}

#[test]
fn all_of_them_are_asked() {
    let names: Vec<&str> = of_pair(PAIR).iter().map(|one| one.name()).collect();
    assert_eq!(names.len(), 15 + usize::from(cfg!(feature = "rust-crypto")));
}
