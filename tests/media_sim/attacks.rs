//! What a network or a peer does that means us harm.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::media::{Event, Media, MediaConfig};
use pollrtc::peer::Config;
use pollrtc::rng::Rng;
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::seq::Serial16;
use pollrtc::sim::ledger::{Datagram, Origin};
use pollrtc::sim::{Chance, HostId, Link, Loss, World};
use pollrtc::time::Instant;
use pollrtc::wire::demux::{self, Class};
use pollrtc::wire::list::List;
use pollrtc::wire::rtcp::{
    Bitrate, Bye, FullIntraRequest, IntraRequest, MaximumBitrate, Nack, Packet as Rtcp, PictureLoss,
};
use pollrtc::wire::rtp::{Header, Packet, Ssrc};

use crate::ends::{PICTURES, SOUND, lines};
use crate::stage::{Stage, millis};

fn link() -> Link {
    Link {
        loss: Loss::Uniform(Chance::percent(2)),
        ..Link::with_delay(millis(20))
    }
}

fn playing(seed: u64) -> Stage {
    let mut stage = Stage::new(seed, link(), &Config::new());
    stage.connect();
    stage
}

/// The datagrams of media that a host has sent.
fn media_of(world: &World<PeerConnection>, host: HostId) -> Vec<Datagram> {
    let is_media = |one: &&Datagram| {
        let class = demux::classify(&one.bytes);
        one.sender == Some(host)
            && one.origin == Origin::Genuine
            && matches!(class, Class::Rtp | Class::Rtcp)
    };
    let all = world.ledger().datagrams().iter();
    all.filter(is_media).cloned().collect()
}

fn assert_it_goes_on(stage: &mut Stage, seed: u64) {
    let before = stage.came(1, 1);
    stage.play(millis(1_000));
    stage.rest(millis(500));
    let came = stage.came(1, 1) - before;
    assert!(came >= 20, "seed {seed}: {came} of 25\n{}", stage.story());
    assert!(stage.world.is_connected(stage.hosts[1]));
}

/// ATK-020, RTP-021, R-1: every packet comes again, at once and much later, and none is
/// taken twice; that ends nothing.
#[test]
fn atk_020_what_is_replayed_is_dropped() {
    for seed in 0..10 {
        let mut stage = playing(seed);
        for delay in [0, 30, 3_000] {
            stage.play(millis(300));
            let [left, _] = stage.hosts;
            for one in media_of(&stage.world, left) {
                let at = stage.world.now() + millis(delay);
                stage.world.inject(at, one.from, one.to, one.bytes.to_vec());
            }
        }
        assert_it_goes_on(&mut stage, seed);
    }
}

/// ATK-017, ATK-019, R-3: each packet comes first with one bit changed, its number among
/// them, and then as it is: the first is dropped and moves nothing.
#[test]
fn atk_019_forged_packets_move_nothing() {
    for seed in 0..10 {
        let mut stage = Stage::new(seed, Link::with_delay(millis(20)), &Config::new());
        stage.connect();
        let mut rng = Rng::from_number(seed);
        let [left, right] = stage.hosts;
        let mut seen = 0;
        for _ in 0..50 {
            stage.play(millis(20));
            let sent = media_of(&stage.world, left);
            for one in &sent[seen..] {
                let mut bytes = one.bytes.to_vec();
                let len = u64::try_from(bytes.len()).expect("a datagram");
                let at = usize::try_from(rng.below(len)).expect("within it");
                bytes[at] ^= 1 << rng.below(8);
                // Or far ahead of all others.
                if rng.below(2) == 0 {
                    bytes[2] ^= 0x40;
                }
                stage
                    .world
                    .inject(stage.world.now(), one.from, one.to, bytes);
            }
            seen = sent.len();
        }
        stage.rest(millis(500));
        for kind in 0..2 {
            let sent = stage.lines[0][kind].sent.len();
            assert_eq!(stage.came(1, kind), sent, "seed {seed}\n{}", stage.story());
        }
        assert!(stage.world.is_connected(right));
    }
}

/// ATK-002: media from another address, before and after the connection is there, are
/// dropped, and change nothing of where we send: I-1 and I-7 watch that.
#[test]
fn atk_002_media_from_elsewhere_move_nothing() {
    for seed in 0..10 {
        let mut other = playing(100 + seed);
        other.play(millis(200));
        let corpus = media_of(&other.world, other.hosts[0]);
        let mut stage = Stage::new(seed, link(), &Config::new());
        let stranger = "203.0.113.66:6666".parse().expect("an address");
        let targets = stage.hosts.map(|host| stage.world.sockets(host)[0]);
        for (index, one) in (0u64..).zip(&corpus) {
            for to in targets {
                let at = stage.world.now() + millis(10 * index);
                stage.world.inject(at, stranger, to, one.bytes.to_vec());
            }
        }
        stage.connect();
        assert_it_goes_on(&mut stage, seed);
        let told = stage.world.ledger().datagrams().iter();
        let mut to_stranger = told.filter(|one| one.to == stranger);
        assert!(to_stranger.next().is_none(), "seed {seed}");
    }
}

/// RTP-023, "RTCP before keys": media from the peer's own address while the handshake
/// goes on are counted and dropped, and the handshake does not mind.
#[test]
fn media_before_keys_are_dropped_and_counted() {
    for seed in 0..10 {
        let mut other = playing(100 + seed);
        other.play(millis(200));
        let corpus = media_of(&other.world, other.hosts[0]);
        let mut stage = Stage::new(seed, link(), &Config::new());
        let [from, to] = stage.hosts.map(|host| stage.world.sockets(host)[0]);
        for (index, one) in (0u64..).zip(&corpus) {
            let at = stage.world.now() + millis(5 * index);
            stage.world.inject(at, from, to, one.bytes.to_vec());
        }
        stage.connect();
        assert_eq!(stage.came(1, 0) + stage.came(1, 1), 0, "seed {seed}");
        let stats = stage.world.machine(stage.hosts[1]).stats();
        assert!(
            stats.transport.media_too_early > 0,
            "seed {seed}: {stats:?}"
        );
        assert_it_goes_on(&mut stage, seed);
    }
}

/// ATK-078, P-8: who answers only to listen sends nothing, whatever its application
/// writes, and an offer alone makes nobody send.
#[test]
fn atk_078_nobody_sends_before_it_was_agreed() {
    let mut stage = Stage::silent(1, link(), &Config::new());
    stage.add_track(0, 0);
    let [left, right] = stage.hosts;
    stage.negotiate(0);
    stage.connect();
    let transceivers = stage.world.machine(right).transceivers();
    let theirs: Vec<_> = transceivers.map(|one| one.id()).collect();
    assert_eq!(theirs.len(), 1);
    let frame = MediaFrame::new(0, Bytes::from_static(b"sound"));
    let written = stage.world.write_frame(right, theirs[0], "", &frame);
    assert!(written.is_err(), "it does not send");
    stage.rest(millis(1_000));
    let is_rtp = |one: &Datagram| demux::classify(&one.bytes) == Class::Rtp;
    assert!(!media_of(&stage.world, right).iter().any(is_rtp));
    assert!(!media_of(&stage.world, left).iter().any(is_rtp));
}

/// A session in the clear, as a peer with keys of its own sees it.
struct Victim {
    media: Media,
    now: Instant,
}

/// What the victim's own streams are numbered from, and its peer's.
const OURS: u32 = 100;
const THEIRS: u32 = 200;

impl Victim {
    fn new() -> Self {
        let mut media = Media::new(MediaConfig::default(), &mut Rng::from_number(1));
        let now = Instant::from_millis(1_000);
        for (line, parameters) in [SOUND, PICTURES].into_iter().zip(lines(OURS, THEIRS)) {
            assert!(media.set_line(now, line, parameters));
        }
        Self { media, now }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.media.handle_timeout(self.now);
    }

    fn rtp(&mut self, ssrc: u32, payload_type: u8, number: u16, timestamp: u32, payload: &[u8]) {
        let mut head = vec![0x80, payload_type];
        head.extend(number.to_be_bytes());
        head.extend(timestamp.to_be_bytes());
        head.extend(ssrc.to_be_bytes());
        head.extend(payload);
        self.media.handle_rtp(self.now, &head);
    }

    fn rtcp(&mut self, packet: &Rtcp<'_>) {
        let mut bytes = Vec::new();
        packet.emit(&mut Writer::new(&mut bytes, 2_000));
        self.media.handle_rtcp(self.now, &bytes);
    }

    /// Writes a picture of ours, and sends all of its packets.
    fn show(&mut self, timestamp: u32, len: usize) -> Vec<Vec<u8>> {
        let picture = vec![0x10; len];
        let frame = MediaFrame::new(timestamp, picture.into());
        self.media
            .write(self.now, PICTURES, "", &frame)
            .expect("it is agreed on");
        self.sent()
    }

    /// All RTP that leaves now.
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let mut bytes = Vec::new();
            if !self
                .media
                .poll_rtp(self.now, &mut Writer::new(&mut bytes, 1_500))
            {
                return all;
            }
            all.push(bytes);
        }
    }

    /// The bytes of RTCP that leave within so long, one poll in each millisecond.
    fn reports(&mut self, time: Duration) -> usize {
        let end = self.now + time;
        let mut all = 0;
        while self.now < end {
            self.wait(millis(1));
            let mut bytes = Vec::new();
            while self
                .media
                .poll_rtcp(self.now, &mut Writer::new(&mut bytes, 1_200))
            {
                all += bytes.len();
                bytes.clear();
            }
        }
        all
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.media.poll_event()).collect()
    }
}

/// ATK-064: a million sources, most of whom nobody announced.
#[test]
fn atk_064_a_flood_of_sources_is_bounded() {
    let mut victim = Victim::new();
    let config = MediaConfig::default();
    for source in 0..100_000_u32 {
        victim.rtp(
            source.wrapping_mul(0x9e37_79b9),
            96,
            1,
            0,
            &[0x10, 0x11, 0, 0],
        );
        if source.is_multiple_of(1_000) {
            victim.wait(millis(1));
        }
    }
    assert!(victim.media.inbound_streams().count() <= config.max_sources);
    // The one that was announced is heard nevertheless.
    victim.events();
    victim.rtp(THEIRS, 111, 7, 0, b"sound");
    let is_sound =
        |event: &Event| matches!(event, Event::Frame { source, .. } if source.ssrc == Ssrc(THEIRS));
    assert!(victim.events().iter().any(is_sound));
}

/// ATK-069, RTP-010: everything is asked for again, ten thousand times.
#[test]
fn atk_069_a_storm_of_nacks_is_answered_within_bounds() {
    let mut victim = Victim::new();
    let packets = victim.show(0, 20_000);
    let bytes: usize = packets.iter().map(Vec::len).sum();
    let first = Header::parse(&mut Reader::new(&packets[0])).expect("it is RTP");
    let number = first.sequence_number.0;
    let lost = Nack::encode((0..200).map(|ahead| Serial16(number.wrapping_add(ahead))));
    let mut repeated = 0;
    for _ in 0..10_000 {
        victim.rtcp(&Rtcp::Nack(Nack {
            sender: Ssrc(THEIRS),
            media: first.ssrc,
            pairs: List::new(&lost),
        }));
        let sent = victim.sent();
        repeated += sent.iter().map(Vec::len).sum::<usize>();
        victim.now += Duration::from_micros(10);
    }
    // A tenth of a second: once in a round trip, and no more than the burst.
    assert!(repeated >= bytes, "nothing was repeated");
    assert!(repeated <= 20 * bytes, "{repeated} bytes for {bytes}");
}

/// ATK-069, RTP-011: key frames are asked for all the time.
#[test]
fn atk_069_a_flood_of_key_frame_requests_is_told_a_few_times() {
    let mut victim = Victim::new();
    victim.show(0, 1_000);
    let mut told = 0;
    for round in 0..1_000_u16 {
        let sequence = round.to_be_bytes()[1];
        let request = IntraRequest {
            ssrc: Ssrc(OURS + 1),
            sequence,
        };
        let requests = List::encode([request]);
        victim.rtcp(&Rtcp::FullIntraRequest(FullIntraRequest {
            sender: Ssrc(THEIRS),
            media: Ssrc(0),
            requests: List::new(&requests),
        }));
        victim.rtcp(&Rtcp::PictureLoss(PictureLoss {
            sender: Ssrc(THEIRS),
            media: Ssrc(OURS + 1),
        }));
        let asks = |event: &&Event| matches!(event, Event::KeyFrameRequested { .. });
        told += victim.events().iter().filter(asks).count();
        victim.wait(millis(1));
    }
    assert!((1..=10).contains(&told), "{told} in a second");
}

/// ATK-069, RTP-009: whatever REMB says is told as a number, at most one at a time.
#[test]
fn atk_069_lies_of_remb_are_numbers() {
    let mut victim = Victim::new();
    victim.show(0, 1_000);
    let sources = List::encode([Ssrc(OURS + 1)]);
    for bits in [0, 1, u64::MAX, 1 << 62, 0] {
        for _ in 0..1_000 {
            victim.rtcp(&Rtcp::MaximumBitrate(MaximumBitrate {
                sender: Ssrc(THEIRS),
                bitrate: Bitrate::new(bits),
                sources: List::new(&sources),
            }));
        }
        let told = victim.events();
        assert!(told.len() <= 1, "{told:?}");
    }
    // What is sent does not depend on it: the application decides.
    assert!(!victim.show(3_000, 5_000).is_empty());
}

/// ATK-069: who says farewell for us, or for somebody who is not there, is not heard.
#[test]
fn atk_069_a_farewell_ends_only_the_peers_own() {
    let mut victim = Victim::new();
    victim.show(0, 1_000);
    victim.rtp(THEIRS, 111, 7, 0, b"sound");
    victim.events();
    let sources = List::encode([Ssrc(OURS), Ssrc(OURS + 1), Ssrc(12_345)]);
    victim.rtcp(&Rtcp::Bye(Bye {
        sources: List::new(&sources),
        reason: None,
    }));
    assert!(!victim.show(3_000, 5_000).is_empty());
    victim.rtp(THEIRS, 111, 8, 960, b"sound");
    let events = victim.events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Frame { .. }))
    );
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::Ended { .. }))
    );
}

/// ATK-065, RTP-019: numbers jump by half of their range all the time; what is asked
/// for stays within the bandwidth of RTCP, and what goes on is heard.
#[test]
fn atk_065_jumps_of_numbers_ask_for_little() {
    let mut victim = Victim::new();
    let picture = [0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0];
    let mut reports = 0;
    for round in 0..500_u16 {
        let number = round.wrapping_mul(0x8001);
        let timestamp = u32::from(round).wrapping_mul(0x8000_0001);
        victim.rtp(THEIRS + 1, 0x80 | 96, number, timestamp, &picture);
        reports += victim.reports(millis(10));
    }
    // Five seconds of a session of 256 kbit/s at least: 5 % are 8,000 bytes.
    assert!(reports < 12_000, "{reports} bytes of RTCP");
    victim.events();
    for number in 0..5_u16 {
        let timestamp = 7_000 + u32::from(number) * 3_000;
        victim.rtp(THEIRS + 1, 0x80 | 96, 30_000 + number, timestamp, &picture);
    }
    victim.reports(millis(600));
    let events = victim.events();
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Frame { .. }))
    );
}

/// ATK-067: pictures that never end.
#[test]
fn atk_067_an_endless_frame_is_bounded() {
    let mut victim = Victim::new();
    let mut payload = [0; 1_000];
    payload[..2].copy_from_slice(&[0x10, 0x10]);
    for number in 0..60_000_u16 {
        victim.rtp(THEIRS + 1, 96, number, 1, &payload);
        payload[0] = 0;
    }
    let is_small = |event: &Event| match event {
        Event::Frame { frame, .. } => frame.data.len() <= 16 << 20,
        _ => true,
    };
    assert!(victim.events().iter().all(is_small));
    // And the next one is seen.
    payload[0] = 0x10;
    victim.rtp(THEIRS + 1, 0x80 | 96, 60_000, 9_000, &payload);
    let is_frame = |event: &Event| matches!(event, Event::Frame { .. });
    assert!(victim.events().iter().any(is_frame));
}

/// ATK-062, ATK-063, ATK-068: a byte of a packet changed, or its end cut off: nothing
/// fails, and what cannot be read is counted.
#[test]
fn atk_062_lengths_that_lie_are_counted() {
    let mut victim = Victim::new();
    let mut rng = Rng::from_number(7);
    let mut corpus = victim.show(0, 5_000);
    victim.rtp(THEIRS, 111, 7, 0, b"sound");
    victim.wait(millis(2_000));
    let mut report = Vec::new();
    if victim
        .media
        .poll_rtcp(victim.now, &mut Writer::new(&mut report, 1_200))
    {
        corpus.push(report);
    }
    assert!(corpus.len() > 4);
    let before = crate::ends::ignored(&victim.media.stats().ignored);
    for round in 0..50_000_usize {
        let mut bytes = corpus[round % corpus.len()].clone();
        let len = u64::try_from(bytes.len()).expect("a packet");
        for _ in 0..=rng.below(3) {
            // Mostly in the head, where lengths are.
            let at = usize::try_from(rng.below(len.min(48))).expect("within it");
            bytes[at] = rng.array::<1>()[0];
        }
        if rng.below(4) == 0 {
            bytes.truncate(usize::try_from(rng.below(len)).expect("within it"));
        }
        match demux::classify(&bytes) {
            Class::Rtp => victim.media.handle_rtp(victim.now, &bytes),
            _ => victim.media.handle_rtcp(victim.now, &bytes),
        }
        victim.events();
    }
    let ignored = crate::ends::ignored(&victim.media.stats().ignored) - before;
    assert!(ignored > 10_000, "{ignored} were counted");
    assert!(Packet::parse(&mut Reader::new(&corpus[0])).is_ok());
}
