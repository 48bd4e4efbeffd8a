//! Later exchanges.

use pollrtc::peer::{Direction, Kind};

use super::support::{add, compare, data, describe, exchange, pair};

#[test]
fn stopped_and_recycled() {
    let [mut alice, mut bob] = pair();
    let first = add(&mut alice, Kind::Video, Direction::SendOnly);
    data(&mut alice);
    exchange(&mut alice, &mut bob);
    alice.stop_transceiver(first).unwrap();
    let [stopped, rejected] = exchange(&mut alice, &mut bob);
    add(&mut alice, Kind::Audio, Direction::SendOnly);
    let [recycled, taken] = exchange(&mut alice, &mut bob);
    compare(
        "stopped_and_recycled",
        &[
            ("The pictures are over", &stopped),
            ("Agreed", &rejected),
            ("Sound takes their place under a new name", &recycled),
            ("Agreed, too", &taken),
        ],
    );
}

#[test]
fn ice_restart() {
    let [mut alice, mut bob] = pair();
    data(&mut alice);
    let [before, _] = exchange(&mut alice, &mut bob);
    alice.restart_ice();
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "ice_restart",
        &[
            ("Before", &before),
            ("Other credentials, a new version", &offer),
            ("Other credentials come back, the role stays", &answer),
        ],
    );
}

#[test]
fn held() {
    let [mut alice, mut bob] = pair();
    let id = alice.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    bob.add_track(Kind::Audio, "other", &["you"]).unwrap();
    exchange(&mut alice, &mut bob);
    alice.set_direction(id, Direction::SendOnly).unwrap();
    let [hold, held] = exchange(&mut alice, &mut bob);
    alice.set_direction(id, Direction::Inactive).unwrap();
    let [silent, quiet] = exchange(&mut alice, &mut bob);
    compare(
        "held",
        &[
            ("Alice does not listen any more", &hold),
            ("Bob is held", &held),
            ("Nor does she speak", &silent),
            ("Nobody does", &quiet),
        ],
    );
}

#[test]
fn other_side_adds() {
    let [mut alice, mut bob] = pair();
    alice.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    exchange(&mut alice, &mut bob);
    bob.add_track(Kind::Video, "camera", &["room"]).unwrap();
    data(&mut bob);
    let [offer, answer] = exchange(&mut bob, &mut alice);
    compare(
        "other_side_adds",
        &[
            ("Bob, who answered before, offers", &offer),
            ("Alice answers and stays what she was", &answer),
        ],
    );
}

#[test]
fn unchanged() {
    let [mut alice, mut bob] = pair();
    data(&mut alice);
    let [first, _] = exchange(&mut alice, &mut bob);
    let again = describe(&mut alice);
    assert_eq!(again.sdp, first.sdp, "RFC 8829 §5.2.2: the same version");
    compare("unchanged", &[("Offered again, word for word", &again)]);
}
