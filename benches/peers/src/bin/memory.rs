//! Heap bytes per idle connected peer: n pairs, channel open, then 5 virtual
//! seconds of idling; and CPU, wake-ups and datagrams of a minute of idling.
//! Args: n=50 peers=...
use pollrtc_peer_benches::adapters::*;
use pollrtc_peer_benches::net::Sim;
use pollrtc_peer_benches::{alloc, clock, report::*};
use std::time::{Duration, Instant};

#[global_allocator]
static A: alloc::Counting = alloc::Counting;

/// Bytes in use in the C heap, Rust's included (with malloc's own overhead).
fn c_heap() -> usize {
    let m = unsafe { libc::mallinfo2() };
    m.uordblks + m.hblkhd
}

fn main() {
    let n = arg_u64("n", 50);
    for (name, mk) in data_peers() {
        if !selected(name) {
            continue;
        }
        // one pair first, for process-wide tables
        let st = Instant::now();
        let (a, b) = mk(st);
        let _ = Sim::new(a, b, st, Duration::ZERO, 1).connect();
        let mut keep: Vec<Pair> = Vec::with_capacity(n as usize);
        let s0 = alloc::snapshot();
        let c0 = c_heap();
        let mut open = 0;
        let mut idle = (0.0, 0.0, 0.0);
        for i in 0..n {
            let st = Instant::now();
            let (a, b) = mk(st);
            let mut sim = Sim::new(a, b, st, Duration::from_millis(5), i);
            open += sim.connect().is_some() as u64;
            let end = sim.now + Duration::from_secs(5);
            while sim.step(end).is_some() {}
            if i == 0 {
                // what an idle peer costs: one minute of virtual time
                let (steps, pk) = (sim.steps, sim.ab.packets + sim.ba.packets);
                let c = clock::cpu_ns();
                let end = sim.now + Duration::from_secs(60);
                while sim.step(end).is_some() {}
                idle = (
                    (clock::cpu_ns() - c) as f64 / 60.0 / 2.0,
                    (sim.steps - steps) as f64 / 120.0,
                    (sim.ab.packets + sim.ba.packets - pk) as f64 / 120.0,
                );
            }
            keep.push((sim.a, sim.b));
        }
        let s1 = alloc::snapshot();
        line("memory", name, &[
            ("open", open.into()),
            ("heap_bytes_per_idle_peer", r((s1.live - s0.live) as f64 / (2 * n) as f64)),
            ("malloc_bytes_per_idle_peer_incl_c", r((c_heap() - c0) as f64 / (2 * n) as f64)),
            ("idle_cpu_ns_per_peer_and_virtual_s", r(idle.0)),
            ("idle_wakeups_per_peer_and_s", r(idle.1)),
            ("idle_datagrams_per_peer_and_s", r(idle.2)),
        ]);
        drop(keep);
    }
}
