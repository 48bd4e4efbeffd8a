//! Many handovers, one upon the other.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{ConnectionState, Event, Kind};
use pollrtc::sim::{Chance, HostId, Link, Loss};

use super::support::{PATIENCE, Stage, frames, sound, transceiver};

/// A connection with something to say.
fn speaker(stage: &mut Stage) -> HostId {
    let host = stage.peer();
    stage
        .call(host, |peer| peer.add_track(Kind::Audio, "voice", &[]))
        .unwrap();
    host
}

/// Of twenty pieces of sound from one, how many does the other hear?
fn hears(stage: &mut Stage, from: HostId, to: HostId) -> usize {
    stage.world.set_links(from, to, Link::default());
    let id = transceiver(stage.world.machine(from), Kind::Audio);
    stage.take(to);
    for round in 0..20 {
        stage
            .world
            .write_frame(from, id, "", &sound(round * 960))
            .unwrap();
        stage.run(Duration::from_millis(20));
    }
    stage.run(Duration::from_secs(1));
    frames(&stage.take(to))
}

/// WPT-138: handovers in quick succession, with farewells of those that were left,
/// and restarts that change nothing between them: the last one counts.
#[test]
fn wpt_138_rapid_handovers_settle() {
    for seed in 0..40_u64 {
        let link = Link {
            loss: Loss::Uniform(Chance::percent(5)),
            ..Link::with_delay(Duration::from_millis(20))
        };
        let mut stage = Stage::with_link(seed, link);
        let caller = speaker(&mut stage);
        let mut callee = speaker(&mut stage);
        stage.open(caller, "first");
        stage.exchange(caller, callee);
        for round in 0..8_u64 {
            // From "not even ICE has begun" to "all is well".
            let pause = [0, 15, 45, 70, 95, 150, 400, 2_000][((seed + round * 5) % 8) as usize];
            stage.run(Duration::from_millis(pause));
            if (seed + round) % 3 == 0 {
                // The same peer.
                stage.restart(caller, callee);
                continue;
            }
            let next = speaker(&mut stage);
            if (seed + round) % 4 == 1 {
                stage.open(next, "theirs");
                stage.exchange(next, caller);
            } else {
                stage.restart(caller, next);
            }
            stage.call(callee, PeerConnection::close);
            callee = next;
        }
        let label = format!("last of {seed}");
        stage.open(caller, &label);
        assert!(
            stage.world.connect([caller, callee], PATIENCE),
            "seed {seed}"
        );
        stage.run(Duration::from_secs(40));
        assert!(stage.says(caller, callee, &label, "settled"), "seed {seed}");
        assert!(stage.says(callee, caller, &label, "indeed"), "seed {seed}");
        for [from, to] in [[caller, callee], [callee, caller]] {
            assert_eq!(hears(&mut stage, from, to), 20, "seed {seed}");
        }
        let told = stage.take(caller);
        let failed = |event: &Event| {
            matches!(
                event,
                Event::Closed(_) | Event::ConnectionState(ConnectionState::Failed)
            )
        };
        assert!(!told.iter().any(failed), "seed {seed}: {told:?}");
    }
}
