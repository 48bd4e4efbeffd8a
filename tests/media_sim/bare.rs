//! Two ends whose media nobody protects: what they say can be read in the trace.

use std::fmt::Write as _;
use std::net::SocketAddr;

use pollrtc::media::{self, MediaConfig};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::{Chance, HostId, Link, Loss, World, trace};
use pollrtc::wire::rtp::Ssrc;

use crate::ends::{MediaEnd, SOUND, Told};
use crate::stage::millis;

/// Two ends in a world of their own.
struct Bare {
    world: World<MediaEnd>,
    hosts: [HostId; 2],
    seed: u64,
    told: [Vec<media::Event>; 2],
}

impl Bare {
    /// Their streams are numbered from these on.
    fn new(seed: u64, link: Link, first: [u32; 2]) -> Self {
        let mut world = World::new(seed).with_links(link);
        let hosts = [0, 1].map(|side| {
            let end = end(seed * 2, side, first[side], first[1 - side]);
            world.add(["L", "R"][side], &[path_of(side).local], end)
        });
        Self {
            world,
            hosts,
            seed,
            told: Default::default(),
        }
    }

    fn play(&mut self, time: std::time::Duration) {
        self.world.run_for(time);
        for (side, told) in self.told.iter_mut().enumerate() {
            let events = std::iter::from_fn(|| self.world.next_event(self.hosts[side]));
            told.extend(events.filter_map(|event| match event {
                Told::Media(event) => Some(event),
                Told::Closed => None,
            }));
        }
    }

    /// How many frames have come to a side from sources with this number.
    fn frames(&self, side: usize, from: u32) -> usize {
        let events = self.told[side].iter();
        let came = events.filter(|event| match event {
            media::Event::Frame { source, .. } => source.ssrc == Ssrc(from),
            _ => false,
        });
        came.count()
    }

    /// An end begins anew, as a program that was started again.
    fn restart(&mut self, side: usize, first: u32, peer: u32) {
        let fresh = end(self.seed * 2 + 1, side, first, peer);
        let now = self.world.now();
        self.world.with(self.hosts[side], |end, _| {
            *end = fresh;
            end.begin(now);
        });
    }

    fn story(&self) -> String {
        trace::tail(self.world.ledger(), 40)
    }
}

fn end(seed: u64, side: usize, first: u32, peer: u32) -> MediaEnd {
    let side_seed = seed * 2 + u64::from(side == 1);
    let mut rng = Rng::from_number(side_seed);
    MediaEnd::new(MediaConfig::default(), path_of(side), first, peer, &mut rng)
}

/// The way from a side to the other.
fn path_of(side: usize) -> Path {
    let addresses = [[192, 0, 2, 1], [198, 51, 100, 2]].map(|ip| SocketAddr::from((ip, 5_000)));
    Path::udp(addresses[side], addresses[1 - side])
}

fn bad_link() -> Link {
    Link {
        loss: Loss::Uniform(Chance::percent(5)),
        jitter: millis(30),
        reorder: Chance::percent(5),
        ..Link::with_delay(millis(20))
    }
}

/// RFC 3550 §8.2: both have drawn the same numbers. At least one takes others, and what
/// both send comes all the same.
#[test]
fn a_collision_ends_with_new_numbers() {
    for seed in 0..50 {
        let mut bare = Bare::new(seed, bad_link(), [100, 100]);
        bare.play(millis(5_000));
        let changed = |event: &&media::Event| matches!(event, media::Event::SsrcChanged { .. });
        let changes = bare.told.iter().flatten().filter(changed).count();
        assert!(changes > 0, "seed {seed}\n{}", bare.story());
        let before = [0, 1].map(|side| bare.world.machine(bare.hosts[side]).frames);
        bare.play(millis(3_000));
        for (host, before) in bare.hosts.into_iter().zip(before) {
            let came = bare.world.machine(host).frames - before;
            assert!(came > 150, "seed {seed}: {came} frames\n{}", bare.story());
        }
    }
}

/// RTP-019, RFC 3550 A.1: a sender begins anew under its numbers, with other sequence
/// numbers and timestamps; two packets later it is believed.
#[test]
fn a_sender_that_begins_anew_is_believed() {
    for seed in 0..50 {
        let mut bare = Bare::new(seed, bad_link(), [100, 200]);
        bare.play(millis(1_000));
        bare.restart(0, 100, 200);
        bare.play(millis(1_500));
        let before = [100, 101].map(|source| bare.frames(1, source));
        bare.play(millis(2_000));
        let came = [100, 101].map(|source| bare.frames(1, source));
        // A hundred pieces of sound, and thirty-three pictures.
        assert!(came[0] - before[0] > 80, "seed {seed}\n{}", bare.story());
        assert!(came[1] - before[1] > 20, "seed {seed}\n{}", bare.story());
    }
}

/// RTP-003, RFC 9143 §9.2: a sender begins anew under numbers that nobody announced: the
/// names that its packets carry say where they belong.
#[test]
fn rtp_003_new_sources_are_known_by_their_names() {
    for seed in 0..50 {
        let mut bare = Bare::new(seed, bad_link(), [100, 200]);
        bare.play(millis(1_000));
        bare.restart(0, 300, 200);
        bare.play(millis(3_000));
        assert!(bare.frames(1, 300) > 100, "seed {seed}\n{}", bare.story());
        assert!(bare.frames(1, 301) > 20, "seed {seed}\n{}", bare.story());
        let lines = bare.told[1].iter().filter_map(|event| match event {
            media::Event::Source { line, source } if source.ssrc == Ssrc(300) => Some(*line),
            _ => None,
        });
        assert_eq!(lines.collect::<Vec<_>>(), [SOUND], "seed {seed}");
    }
}

/// R-8, RTP-004: over a minute RTCP takes no more than its share, and is sent.
#[test]
fn rtp_004_reports_keep_within_their_share() {
    use pollrtc::wire::demux::{self, Class};
    for seed in 0..5 {
        let mut bare = Bare::new(seed, bad_link(), [100, 200]);
        bare.play(millis(60_000));
        let bytes = |class| {
            let datagrams = bare.world.ledger().datagrams().iter();
            let fits = datagrams.filter(|one| demux::classify(&one.bytes) == class);
            fits.map(|one| one.bytes.len() + 28).sum::<usize>()
        };
        let (media, reports) = (bytes(Class::Rtp), bytes(Class::Rtcp));
        assert!(
            reports * 20 <= media + reports,
            "seed {seed}: {reports} of {media}"
        );
        assert!(reports > 10_000, "seed {seed}: {reports}");
    }
}

/// A short run as text, to be read by eye: packets, reports, a packet that is lost, the
/// request for it and the answer.
#[test]
fn a_short_run_reads_as_it_should() {
    let mut bare = Bare::new(11, bad_link(), [100, 200]);
    bare.play(millis(400));
    let mut text = String::new();
    for entry in bare.world.ledger().entries() {
        // What is told stands in the packets before it.
        let line = trace::line(bare.world.ledger(), entry);
        if let Some(line) = line.filter(|line| !line.contains("  event ")) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/media/trace.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/media"))
            .expect("a folder");
        std::fs::write(path, &text).expect("a writable golden file");
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert!(golden == text, "{path} differs from\n{text}");
}
