//! Descriptions of megabytes: twice as much of anything is about twice the work, counted
//! in allocations and their bytes, and on Linux in the processor's time of the thread.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

use std::alloc::System;
use std::sync::Arc;

use pollrtc::PeerConnection;
use pollrtc::crypto::fake;
use pollrtc::peer::{Config, Description, Kind, SdpType};
use pollrtc::rng::Rng;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What something costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    allocations: usize,
    bytes: usize,
    nanos: u64,
}

#[test]
fn twice_as_much_is_twice_the_work() {
    let good = good();
    for (name, grow) in WAYS {
        let [once, twice] = [SIZE, 2 * SIZE].map(|size| cost(&grow(&good, size)));
        let told = format!("{name}: {once:?}, then {twice:?}");
        println!("{told}");
        assert!(
            twice.allocations <= once.allocations * 5 / 2 + 1_000,
            "{told}"
        );
        assert!(twice.bytes <= once.bytes * 5 / 2 + 100_000, "{told}");
        // Four times is what a loop in a loop would take.
        let is_long = once.nanos > 3_000_000;
        assert!(!is_long || twice.nanos < once.nanos * 7 / 2, "{told}");
    }
}

/// The least of several trials of taking an offer and, if it is taken, answering it.
fn cost(sdp: &str) -> Cost {
    let offer = Description {
        kind: SdpType::Offer,
        sdp: sdp.to_string(),
    };
    let trials = (0..3).map(|_| {
        let mut peer = peer(1);
        let region = Region::new(GLOBAL);
        let begin = processor_time();
        if peer.set_remote_description(&offer).is_ok() {
            let _ = peer.set_local_description(None);
        }
        let nanos = processor_time() - begin;
        let change = region.change();
        Cost {
            allocations: change.allocations + change.reallocations,
            bytes: change.bytes_allocated,
            nanos,
        }
    });
    trials
        .min_by_key(|cost| cost.nanos)
        .expect("there are some")
}

/// How long this thread has had a processor, as Linux says; elsewhere nothing.
fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next();
    first.and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}

fn peer(seed: u64) -> PeerConnection {
    let config = Arc::new(Config::with_provider(&fake::PROVIDER));
    PeerConnection::new(config, &mut Rng::from_number(seed)).expect("it is valid")
}

fn good() -> String {
    let mut peer = peer(2);
    for kind in [Kind::Audio, Kind::Video] {
        let track = format!("{kind}");
        peer.add_track(kind, &track, &["stream"])
            .expect("there is room");
    }
    peer.set_local_description(None).expect("one is due");
    peer.local_description().expect("it was just set").sdp
}

type Grow = fn(&str, usize) -> String;

/// So many lines behind the first section's name.
fn lines(text: &str, count: usize, line: impl Fn(usize) -> String) -> String {
    let (before, after) = text.split_once("a=mid:0\r\n").expect("a section");
    let more: String = (0..count).map(|index| line(index) + "\r\n").collect();
    format!("{before}a=mid:0\r\n{more}{after}")
}

/// So many sections, bundled or not, each a copy of the first.
fn sections(text: &str, count: usize, bundled: bool) -> String {
    let start = text.find("m=audio").expect("sound");
    let end = text.find("m=video").expect("pictures");
    let (session, section) = (&text[..start], &text[start..end]);
    let mids: String = (0..count).map(|index| format!(" {index}")).collect();
    let groups = session
        .lines()
        .map(|line| match line.starts_with("a=group") {
            true if bundled => format!("a=group:BUNDLE{mids}\r\n"),
            true => String::new(),
            false => format!("{line}\r\n"),
        });
    let copy = |index| section.replace("a=mid:0", &format!("a=mid:{index}"));
    groups.chain((0..count).map(copy)).collect()
}

const WAYS: [(&str, Grow); 18] = [
    ("sections of a group", |s, n| sections(s, n / 40, true)),
    ("sections without a group", |s, n| {
        sections(s, n / 40, false)
    }),
    ("empty sections", |s, n| {
        s.to_string() + &"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(n)
    }),
    ("groups", |s, n| {
        s.replacen("a=group", &("a=group:LS 0 1\r\n".repeat(n) + "a=group"), 1)
    }),
    ("mids of a group", |s, n| {
        s.replacen("BUNDLE 0", &format!("BUNDLE{}", " 0".repeat(n)), 1)
    }),
    ("formats", |s, n| {
        s.replacen("SAVPF 111", &format!("SAVPF 111{}", " 9".repeat(n)), 1)
    }),
    ("rtpmaps", |s, n| {
        lines(s, n, |i| format!("a=rtpmap:{} opus/48000/2", i % 128))
    }),
    ("rtpmaps of what is no format", |s, n| {
        let formats = format!("SAVPF 111{}", " 9".repeat(n * 3 / 4));
        let map = |i| format!("a=rtpmap:96 {}/90000", ["VP8", "VP9"][i % 2]);
        lines(&s.replacen("SAVPF 111", &formats, 1), n, map)
    }),
    ("the same format with long parameters", |s, n| {
        let formats = format!("SAVPF 111{}", " 111".repeat(n / 2));
        let fmtp = format!("a=fmtp:111 {}", "x;".repeat(n * 3 / 4));
        lines(&s.replacen("SAVPF 111", &formats, 1), 1, |_| fmtp.clone())
    }),
    ("fmtps", |s, n| {
        lines(s, n, |i| format!("a=fmtp:111 parameter{i}=1"))
    }),
    ("feedback", |s, n| {
        lines(s, n, |i| format!("a=rtcp-fb:111 nack kind{i}"))
    }),
    ("extensions", |s, n| {
        lines(s, n, |i| format!("a=extmap:{} urn:{i}", i % 14 + 1))
    }),
    ("SSRCs", |s, n| {
        lines(s, n, |i| format!("a=ssrc:{i} cname:x"))
    }),
    ("groups of SSRCs", |s, n| {
        lines(s, n, |i| format!("a=ssrc-group:FID {i} {}", i + n))
    }),
    ("layers", |s, n| lines(s, n, |i| format!("a=rid:{i} send"))),
    ("candidates", |s, n| {
        lines(s, n, |i| {
            format!(
                "a=candidate:{i} 1 udp 1 192.0.2.{} {} typ host",
                i % 250,
                i % 60_000 + 1
            )
        })
    }),
    ("unknown attributes", |s, n| {
        lines(s, n, |i| format!("a=unknown-{i}:{i}"))
    }),
    ("one long line", |s, n| {
        lines(s, 1, |_| format!("a=unknown:{}", "x".repeat(100 * n)))
    }),
];

/// Of most things. Twice as much is still read, and not too large.
const SIZE: usize = 4_000;
