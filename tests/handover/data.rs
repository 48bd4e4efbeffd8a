//! Data channels across a handover.

use pollrtc::peer::{ChannelState, ConnectionState, Event, SdpType};

use super::support::{MOMENT, Stage, states, words};

/// WPT-134, WPT-135: the caller restarts, and somebody else answers. The old channel
/// ends, and those that either side opens afterwards work.
#[test]
fn wpt_134_wpt_135_another_peer_answers_a_restart() {
    let mut stage = Stage::new(1);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    let old = stage.open(caller, "old");
    stage.exchange(caller, first);
    stage.connect([caller, first]);
    assert!(stage.says(caller, first, "old", "to the first"));
    stage.take(caller);

    stage.restart(caller, second);
    // At once, before anything has come from the new peer.
    let mut told = stage.take(caller);
    assert!(told.contains(&Event::ChannelState(old, ChannelState::Closed)));
    assert!(stage.world.machine(caller).channel(old).is_none());
    stage.connect([caller, second]);
    told.extend(stage.take(caller));
    let [connecting, connected] = [ConnectionState::Connecting, ConnectionState::Connected];
    assert_eq!(states(&told), [connecting, connected]);

    stage.open(caller, "from the caller");
    stage.open(second, "from the second");
    stage.run(MOMENT);
    for label in ["from the caller", "from the second"] {
        assert!(stage.says(caller, second, label, "there"));
        assert!(stage.says(second, caller, label, "and back"));
    }
    let peer = stage.world.machine(caller);
    assert_eq!(peer.channels().count(), 2);
    assert_eq!(peer.stats().transport.handovers, 1);
    assert!(words(&stage.take(first)).is_empty());
}

/// WPT-134, WPT-135: somebody else comes with an offer of its own.
#[test]
fn wpt_134_wpt_135_another_peer_offers() {
    let mut stage = Stage::new(2);
    let [callee, first, second] = [(); 3].map(|()| stage.peer());
    let old = stage.open(first, "old");
    stage.exchange(first, callee);
    stage.connect([first, callee]);
    assert!(stage.says(first, callee, "old", "to the callee"));
    stage.take(callee);

    stage.open(second, "new");
    stage.exchange(second, callee);
    let told = stage.take(callee);
    let closed = |event: &Event| matches!(event, Event::ChannelState(_, ChannelState::Closed));
    assert!(told.iter().any(closed));
    stage.connect([second, callee]);
    assert!(stage.says(second, callee, "new", "hello"));
    assert!(stage.says(callee, second, "new", "hello to you"));
    // Who was left hears nothing, and its words are not heard.
    stage.take(callee);
    stage.world.send(first, old, "are you there?").unwrap();
    stage.run(MOMENT);
    assert!(words(&stage.take(callee)).is_empty());
}

/// RFC 8842 §5.5: what has arrived counts, even if it was not taken before the handover.
#[test]
fn the_last_messages_of_the_old_peer_come_before_its_channel_closes() {
    let mut stage = Stage::new(3);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    let old = stage.open(caller, "old");
    stage.exchange(caller, first);
    stage.connect([caller, first]);
    stage.take(caller);
    stage.world.set_reading(caller, false);
    let theirs = stage.channel(first, "old").unwrap();
    for word in ["one", "two"] {
        stage.world.send(first, theirs, word).unwrap();
    }
    stage.run(MOMENT);
    stage.restart(caller, second);
    stage.world.set_reading(caller, true);
    let told = stage.take(caller);
    assert_eq!(words(&told), ["one", "two"]);
    let closed = Event::ChannelState(old, ChannelState::Closed);
    let last = told
        .iter()
        .rposition(|event| matches!(event, Event::Message(..)));
    assert!(told.iter().position(|event| *event == closed) > last);
    stage.connect([caller, second]);
}

/// A channel that was wanted and never opened is opened with whoever is there at last.
#[test]
fn a_channel_that_never_was_open_goes_on_to_the_new_peer() {
    let mut stage = Stage::new(4);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    let channel = stage.open(caller, "patient");
    stage.exchange(caller, first);
    stage.restart(caller, second);
    stage.connect([caller, second]);
    assert_eq!(stage.channel(caller, "patient"), Some(channel));
    assert!(stage.says(caller, second, "patient", "at last"));
    assert!(stage.channel(first, "patient").is_none());
}

/// W3C webrtc-pc §4.4.1.5: one offer, to which one peer answers for the time being and
/// another one in the end.
#[test]
fn one_offer_is_answered_by_two() {
    let mut stage = Stage::new(5);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    stage.open(caller, "forked");
    let offer = stage.world.describe(caller).unwrap().unwrap();
    stage.world.tell(first, &offer).unwrap();
    let mut early = stage.world.describe(first).unwrap().unwrap();
    early.kind = SdpType::Pranswer;
    stage.world.tell(caller, &early).unwrap();
    stage.connect([caller, first]);
    assert!(stage.channel(caller, "forked").is_some());

    stage.world.tell(second, &offer).unwrap();
    let answer = stage.world.describe(second).unwrap().unwrap();
    stage.world.tell(caller, &answer).unwrap();
    stage.connect([caller, second]);
    stage.open(caller, "settled");
    stage.run(MOMENT);
    assert!(stage.says(caller, second, "settled", "it is you"));
    assert!(stage.says(second, caller, "settled", "it is me"));
    assert!(stage.channel(second, "forked").is_none());
}
