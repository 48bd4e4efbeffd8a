//! Data-channel bulk transfer over the virtual network: dc_bulk and dc_loss.
//!
//! One run per peer and per process invocation loop; args:
//!   size=16384 mib=64 rtt_ms=0 loss=0 mbit=0 queue_ms=100 vsecs=60 seed=1 runs=1 peers=...
//! CPU is of the whole process (both peers and the driver, which copies each
//! datagram once).
use pollrtc_peer_benches::adapters::{MakePair, data_peers};
use pollrtc_peer_benches::net::{DataPeer, Side, Sim};
use pollrtc_peer_benches::{alloc, clock, report::*};
use std::time::{Duration, Instant};

#[global_allocator]
static A: alloc::Counting = alloc::Counting;

fn main() {
    let size = arg_u64("size", 16384) as usize;
    let total = arg_u64("mib", 64) << 20;
    let rtt = Duration::from_micros(arg("rtt_ms", "0").parse::<f64>().unwrap().mul_add(1000.0, 0.0) as u64);
    let loss: f64 = arg("loss", "0").parse().unwrap();
    let mbit = arg_u64("mbit", 0);
    let queue = Duration::from_millis(arg_u64("queue_ms", 100));
    let vsecs = Duration::from_secs(arg_u64("vsecs", 60));
    let runs = arg_u64("runs", 1);
    let seed = arg_u64("seed", 1);
    let bench = if loss > 0.0 || mbit > 0 { "dc_loss" } else { "dc_bulk" };
    for run in 0..runs {
        for (name, mk) in data_peers() {
            if selected(name) {
                one(bench, name, mk, size, total, rtt, loss, mbit, queue, vsecs, seed + run);
            }
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn one(bench: &str, name: &str, mk: MakePair, size: usize, total: u64, rtt: Duration, loss: f64, mbit: u64, queue: Duration, vsecs: Duration, seed: u64) {
    let start = Instant::now();
    let (a, b) = mk(start);
    let mut sim = Sim::new(a, b, start, rtt / 2, seed);
    if sim.connect().is_none() {
        line(bench, name, &[("error", "did not connect".into())]);
        return;
    }
    for l in [&mut sim.ab, &mut sim.ba] {
        l.loss = loss;
        if mbit > 0 {
            l.rate = Some(mbit * 1_000_000);
            l.queue = queue;
        }
    }
    let msg = vec![0x5au8; size];
    let (m0, b0) = sim.b.received();
    let n = total / size as u64;
    let (p0, w0) = (sim.ab.packets, sim.ab.bytes);
    let pb0 = sim.ba.packets;
    let mut sent = 0u64;
    alloc::reset_peak();
    let s0 = alloc::snapshot();
    let v0 = sim.now;
    let wall = Instant::now();
    let c0 = clock::cpu_ns();
    let end = v0 + vsecs;
    let mut last_rx = v0;
    let mut seen = m0;
    let mut longest = Duration::ZERO;
    let mut stalls = 0;
    let mut ok = true;
    loop {
        // the application fills the send buffer
        let before = sent;
        while sent < n && sim.a.send(sim.now, &msg) {
            sent += 1;
            if sent % 64 == 0 {
                sim.poll_a();
            }
        }
        if sent != before {
            sim.poll_a();
        }
        let mut touched_a = false;
        while !touched_a {
            match sim.step(end) {
                None => {
                    ok = false;
                    break;
                }
                Some(Side::A) => touched_a = true,
                Some(Side::B) => {}
            }
            let (m, _) = sim.b.received();
            if m != seen {
                seen = m;
                let gap = sim.now - last_rx;
                if gap > Duration::from_millis(900) {
                    stalls += 1;
                }
                longest = longest.max(gap);
                last_rx = sim.now;
            }
            if m - m0 >= n {
                break;
            }
        }
        if !ok || seen - m0 >= n {
            break;
        }
        if wall.elapsed() > Duration::from_secs(120) {
            ok = false;
            break;
        }
    }
    let cpu = clock::cpu_ns() - c0;
    let s1 = alloc::snapshot();
    let (m1, b1) = sim.b.received();
    let (msgs, bytes) = (m1 - m0, b1 - b0);
    let vt = (sim.now - v0).as_secs_f64();
    longest = longest.max(sim.now - last_rx);
    let pk = sim.ab.packets - p0;
    line(bench, name, &[
        ("size", size.into()),
        ("rtt_ms", r(rtt.as_secs_f64() * 1e3)),
        ("loss", r(loss)),
        ("mbit", mbit.into()),
        ("done", ok.into()),
        ("mib", r(bytes as f64 / 1048576.0)),
        ("cpu_s_per_gib", r(cpu as f64 / 1e9 / (bytes as f64 / 1073741824.0))),
        ("cpu_ns_per_msg", r(cpu as f64 / msgs as f64)),
        ("msgs_per_cpu_s", r(msgs as f64 / (cpu as f64 / 1e9))),
        ("allocs_per_msg", r((s1.allocs - s0.allocs) as f64 / msgs as f64)),
        ("alloc_bytes_per_payload_byte", r((s1.bytes - s0.bytes) as f64 / bytes as f64)),
        ("peak_heap_kib", r((s1.peak as f64 - s0.live as f64) / 1024.0)),
        ("virtual_s", r(vt)),
        ("goodput_mbit_virtual", r(if vt > 0.0 { bytes as f64 * 8.0 / vt / 1e6 } else { 0.0 })),
        ("dgrams_fwd", pk.into()),
        ("dgrams_back", (sim.ba.packets - pb0).into()),
        ("payload_per_dgram", r(bytes as f64 / pk as f64)),
        ("wire_overhead", r((sim.ab.bytes - w0) as f64 / bytes as f64)),
        ("lost", (sim.ab.lost + sim.ba.lost).into()),
        ("tail_dropped", sim.ab.tail_dropped.into()),
        ("longest_gap_ms", r(longest.as_secs_f64() * 1e3)),
        ("stalls_900ms", stalls.into()),
    ]);
}
