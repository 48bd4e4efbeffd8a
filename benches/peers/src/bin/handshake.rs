//! Set-up of a connection pair: certificates, SDP offer/answer, ICE, DTLS,
//! SCTP, the data channel open on both sides; and DTLS alone for dimpl.
//! CPU at RTT 0 (n pairs, median), virtual time at rtt_ms (one pair).
//! Args: n=25 rtt_ms=100 peers=...
use pollrtc_peer_benches::adapters::*;
use pollrtc_peer_benches::net::Sim;
use pollrtc_peer_benches::{alloc, clock, report::*};
use std::time::{Duration, Instant};

#[global_allocator]
static A: alloc::Counting = alloc::Counting;

fn main() {
    let n = arg_u64("n", 25);
    let rtt = Duration::from_millis(arg_u64("rtt_ms", 100));
    for (name, mk) in data_peers() {
        if !selected(name) {
            continue;
        }
        // the first pair pays for one-time things (RNG seeding and tables)
        let c0 = clock::cpu_ns();
        let st = Instant::now();
        let (a, b) = mk(st);
        let _ = Sim::new(a, b, st, Duration::ZERO, 1).connect();
        let first = clock::cpu_ns() - c0;
        let (mut setup, mut total, mut allocs) = (vec![], vec![], 0);
        let mut ok = true;
        for i in 0..n {
            let s0 = alloc::snapshot();
            let c0 = clock::cpu_ns();
            let st = Instant::now();
            let (a, b) = mk(st);
            let c1 = clock::cpu_ns();
            let mut sim = Sim::new(a, b, st, Duration::ZERO, i);
            ok &= sim.connect().is_some();
            let c2 = clock::cpu_ns();
            allocs = alloc::snapshot().allocs - s0.allocs;
            setup.push((c1 - c0) as f64 / 1e3);
            total.push((c2 - c0) as f64 / 1e3);
        }
        let st = Instant::now();
        let (a, b) = mk(st);
        let mut sim = Sim::new(a, b, st, rtt / 2, 99);
        let vt = sim.connect();
        line("handshake", name, &[
            ("ok", (ok && vt.is_some()).into()),
            ("cpu_us_per_pair", r(clock::median(&mut total))),
            ("cpu_us_min", r(clock::min(&total))),
            ("of_which_setup_us", r(clock::median(&mut setup))),
            ("first_pair_us", r(first as f64 / 1e3)),
            ("allocs_per_pair", allocs.into()),
            ("virtual_ms", r(vt.map_or(0.0, |v| v.as_secs_f64() * 1e3))),
            ("round_trips", r(vt.map_or(0.0, |v| v.as_secs_f64() / rtt.as_secs_f64()))),
            ("dgrams", (sim.ab.packets + sim.ba.packets).into()),
            ("bytes", (sim.ab.bytes + sim.ba.bytes).into()),
        ]);
    }
    // DTLS alone
    for (name, v13, rust) in [
        ("dimpl/aws-lc-rs/dtls12", false, false),
        ("dimpl/aws-lc-rs/dtls13", true, false),
        ("dimpl/rust-crypto/dtls12", false, true),
        ("dimpl/rust-crypto/dtls13", true, true),
    ] {
        if !selected(name) {
            continue;
        }
        let cfg = dimpl::config(rust);
        let certs = dimpl::certs();
        let go = |one_way: Duration| {
            let st = Instant::now();
            let s0 = alloc::snapshot();
            let c0 = clock::cpu_ns();
            let (a, b) = dimpl::pair(st, v13, &cfg, &certs);
            let mut sim = Sim::new(a, b, st, one_way, 1);
            let end = st + Duration::from_secs(20);
            while !(sim.a.connected && sim.b.connected && sim.a.keys && sim.b.keys) {
                if sim.step(end).is_none() {
                    break;
                }
            }
            let c = clock::cpu_ns() - c0;
            let al = alloc::snapshot().allocs - s0.allocs;
            (c as f64 / 1e3, sim.elapsed(), sim.ab.packets + sim.ba.packets, sim.ab.bytes + sim.ba.bytes, al, sim.a.connected && sim.b.connected)
        };
        go(Duration::ZERO);
        let mut v: Vec<f64> = (0..n).map(|_| go(Duration::ZERO).0).collect();
        let (_, vt, p, by, al, ok) = go(rtt / 2);
        let m = clock::min(&v);
        line("dtls_handshake", name, &[
            ("ok", ok.into()),
            ("cpu_us_per_pair", r(clock::median(&mut v))),
            ("cpu_us_min", r(m)),
            ("allocs_per_pair", al.into()),
            ("virtual_ms", r(vt.as_secs_f64() * 1e3)),
            ("round_trips", r(vt.as_secs_f64() / rtt.as_secs_f64())),
            ("dgrams", p.into()),
            ("bytes", by.into()),
        ]);
    }
}
