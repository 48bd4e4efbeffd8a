//! protect + unprotect of 1200-byte RTP packets.
//! Args: rounds=31 batch=512 len=1200 profile= peers=
use pollrtc_peer_benches::adapters::srtp::*;
use pollrtc_peer_benches::{alloc, clock, report::*};

#[global_allocator]
static A: alloc::Counting = alloc::Counting;

fn main() {
    let rounds = arg_u64("rounds", 31) as usize;
    let batch = arg_u64("batch", 512) as usize;
    let only = arg("profile", "");
    let len = arg_u64("len", 1200) as usize;
    for prof in [Profile::CmSha1, Profile::Gcm128, Profile::Gcm256] {
        if !only.is_empty() && only != prof.name() {
            continue;
        }
        let mut peers: Vec<_> = peers(prof).into_iter().filter(|(n, _)| selected(n)).collect();
        let mut pt = vec![Vec::<f64>::new(); peers.len()];
        let mut ut = vec![Vec::<f64>::new(); peers.len()];
        let mut al = vec![(0u64, 0u64); peers.len()];
        let mut plain = vec![0u8; len];
        plain[0] = 0x80;
        plain[1] = 96;
        plain[8..12].copy_from_slice(&SSRC.to_be_bytes());
        for i in HDR..len {
            plain[i] = i as u8;
        }
        let mut seq = 0u16;
        for _ in 0..rounds {
            for (i, (_, p)) in peers.iter_mut().enumerate() {
                let mut outs: Vec<Vec<u8>> = (0..batch).map(|_| Vec::with_capacity(len + 160)).collect();
                let a0 = alloc::snapshot().allocs;
                let t0 = clock::cpu_ns();
                for (k, o) in outs.iter_mut().enumerate() {
                    plain[2..4].copy_from_slice(&seq.wrapping_add(k as u16).to_be_bytes());
                    p.protect(&plain, o);
                }
                let t1 = clock::cpu_ns();
                let a1 = alloc::snapshot().allocs;
                let mut s = 0;
                for o in outs.iter_mut() {
                    s += p.unprotect(o);
                }
                let t2 = clock::cpu_ns();
                let a2 = alloc::snapshot().allocs;
                assert!(s >= batch * (len - HDR));
                pt[i].push((t1 - t0) as f64 / batch as f64);
                ut[i].push((t2 - t1) as f64 / batch as f64);
                al[i] = (a1 - a0, a2 - a1);
            }
            seq = seq.wrapping_add(batch as u16);
        }
        let bestp: f64 = pt.iter().map(|v| clock::median(&mut v.clone())).fold(f64::INFINITY, f64::min);
        let bestu: f64 = ut.iter().map(|v| clock::median(&mut v.clone())).fold(f64::INFINITY, f64::min);
        for (i, (n, _)) in peers.iter().enumerate() {
            let (mp, mu) = (clock::median(&mut pt[i]), clock::median(&mut ut[i]));
            line("srtp", n, &[
                ("profile", prof.name().into()),
                ("protect_ns", r(mp)),
                ("unprotect_ns", r(mu)),
                ("protect_min_ns", r(clock::min(&pt[i]))),
                ("unprotect_min_ns", r(clock::min(&ut[i]))),
                ("sum_ns", r(mp + mu)),
                ("pkts_per_s_protect", r(1e9 / mp)),
                ("ratio_to_best", r((mp + mu) / (bestp + bestu))),
                ("allocs_protect", r(al[i].0 as f64 / batch as f64)),
                ("allocs_unprotect", r(al[i].1 as f64 / batch as f64)),
            ]);
        }
    }
}
