//! Many handovers, one upon the other.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{ConnectionState, Event};
use pollrtc::sim::{Chance, Link, Loss};

use super::support::{PATIENCE, Stage};

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
        let caller = stage.peer();
        let mut callee = stage.peer();
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
            let next = stage.peer();
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
