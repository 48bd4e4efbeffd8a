//! Handovers of several transports at once.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::jsep::BundlePolicy;
use pollrtc::peer::{Config, Kind};
use pollrtc::sim::HostId;

use super::support::{MOMENT, Stage, frames, sound, transceiver};

/// A connection whose sections may each have a transport of their own.
fn lonely(stage: &mut Stage) -> HostId {
    let config = Config {
        bundle_policy: BundlePolicy::MaxCompat,
        ..Config::new()
    };
    let host = stage.peer_with(config, 2);
    stage
        .call(host, |peer| peer.add_track(Kind::Audio, "voice", &[]))
        .unwrap();
    host
}

/// An exchange with a peer that may know nothing of bundles.
fn exchange(stage: &mut Stage, from: HostId, to: HostId, is_bundled: bool) {
    let mut offer = stage.world.describe(from).unwrap().unwrap();
    if !is_bundled {
        let lines = offer.sdp.split_inclusive("\r\n");
        offer.sdp = lines.filter(|line| !line.starts_with("a=group:")).collect();
    }
    stage.world.tell(to, &offer).unwrap();
    let answer = stage.world.describe(to).unwrap().unwrap();
    stage.world.tell(from, &answer).unwrap();
}

fn all_flows(stage: &mut Stage, [one, other]: [HostId; 2], label: &str) {
    assert!(stage.says(one, other, label, "there"));
    assert!(stage.says(other, one, label, "and back"));
    for [from, to] in [[one, other], [other, one]] {
        let id = transceiver(stage.world.machine(from), Kind::Audio);
        stage.take(to);
        for round in 0..10 {
            let frame = sound(round * 960);
            stage.world.write_frame(from, id, "", &frame).unwrap();
            stage.run(Duration::from_millis(20));
        }
        stage.run(MOMENT);
        assert_eq!(frames(&stage.take(to)), 10);
    }
}

fn transports(stage: &Stage, host: HostId) -> usize {
    stage.world.machine(host).transports().count()
}

/// RFC 9143 §7.3.2: the next peer may bundle what the one before did not.
#[test]
fn wpt_134_every_transport_is_handed_over() {
    for is_bundled in [false, true] {
        let mut stage = Stage::new(1);
        let [caller, first, second] = [(); 3].map(|()| lonely(&mut stage));
        stage.open(caller, "old");
        exchange(&mut stage, caller, first, false);
        stage.connect([caller, first]);
        assert_eq!(transports(&stage, caller), 2);
        all_flows(&mut stage, [caller, first], "old");

        stage.call(caller, PeerConnection::restart_ice);
        exchange(&mut stage, caller, second, is_bundled);
        stage.connect([caller, second]);
        stage.open(caller, "new");
        stage.run(MOMENT);
        let expected = if is_bundled { 1 } else { 2 };
        assert_eq!(transports(&stage, caller), expected);
        all_flows(&mut stage, [caller, second], "new");
        stage.call(first, PeerConnection::close);
        stage.run(MOMENT);
        all_flows(&mut stage, [caller, second], "new");
    }
}
