//! What happens to transports and to the association, in the order in which it is told.

use std::time::Duration;

use pollrtc::peer::{ChannelConfig, Event, IceTransportPolicy};

use super::support::{ALICE, BOB, Pair};

/// What is told of states; forgets all that was told.
fn story(pair: &mut Pair, side: usize) -> Vec<String> {
    let told = pair.events[side].drain(..);
    told.filter_map(|event| {
        Some(match event {
            Event::IceTransportState(id, state) => format!("ice {} {state:?}", id.number()),
            Event::SelectedPair(id) => format!("pair of {}", id.number()),
            Event::DtlsState(id, state) => format!("dtls {} {state:?}", id.number()),
            Event::SctpState(state) => format!("sctp {}", state.as_str()),
            Event::IceConnectionState(state) => format!("paths {state:?}"),
            Event::ConnectionState(state) => format!("connection {state:?}"),
            Event::ChannelState(_, state) => format!("channel {state:?}"),
            Event::Closed(_) => "over".to_string(),
            _ => return None,
        })
    })
    .collect()
}

/// W3C §5.6.2, §5.5.1, §6.1.1: each transport tells its state before the connection does.
#[test]
fn wpt_116_transports_tell_their_states_before_the_connection_does() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(5));
    let expected = [
        "sctp connecting",
        "ice 0 Checking",
        "paths Checking",
        "connection Connecting",
        "dtls 0 Connecting",
        "ice 0 Connected",
        "pair of 0",
        "paths Connected",
        "dtls 0 Connected",
        "connection Connected",
        "sctp connected",
        "channel Open",
    ];
    let told = story(&mut pair, ALICE);
    let place = |one: &str| told.iter().position(|other| other == one);
    for one in expected {
        assert!(place(one).is_some(), "{one}: {told:?}");
    }
    for two in [
        ["ice 0 Checking", "paths Checking"],
        ["ice 0 Connected", "paths Connected"],
        ["dtls 0 Connecting", "dtls 0 Connected"],
        ["dtls 0 Connected", "connection Connected"],
        ["sctp connecting", "sctp connected"],
        ["connection Connected", "sctp connected"],
        ["sctp connected", "channel Open"],
    ] {
        assert!(place(two[0]) < place(two[1]), "{two:?}: {told:?}");
    }

    // The end of one is told to the other, and not to who has closed.
    pair.call(ALICE, |pc| pc.close());
    pair.run(Duration::from_secs(5));
    let theirs = story(&mut pair, BOB);
    let end = ["sctp closed", "connection Closed", "over"];
    assert!(theirs.ends_with(&end.map(String::from)), "{theirs:?}");
    assert_eq!(story(&mut pair, ALICE), ["over"]);
}

/// WPT-107: both ends say the same of each other.
#[test]
fn wpt_107_parameters_and_candidates_agree_on_both_ends() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    assert_eq!(pair.machine(ALICE).ice().remote_credentials(), None);
    assert_eq!(pair.machine(ALICE).selected_pair(), None);
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(2));
    for (ours, theirs) in [(ALICE, BOB), (BOB, ALICE)] {
        let [ours, theirs] = [ours, theirs].map(|side| pair.machine(side));
        let remote = ours.ice().remote_credentials();
        assert_eq!(remote, Some(theirs.ice().local_credentials()));
        let [one, other] = [ours, theirs].map(|pc| pc.selected_pair().unwrap());
        assert_eq!(one.local.address, other.remote.address);
        let heard: Vec<_> = ours.ice().remote_candidates().collect();
        assert!(heard.iter().any(|one| one.address == other.local.address));
        assert_ne!(ours.ice_role(), theirs.ice_role());
    }
    assert_eq!(
        pair.machine(ALICE).configuration().ice_transport_policy,
        IceTransportPolicy::All
    );
}

/// W3C §5.5: whose certificate it is can be asked once the handshake is done.
#[test]
fn wpt_106_the_certificate_of_the_peer_is_known_once_connected() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    let shown = |pair: &Pair, side: usize| {
        let (_, transport) = pair.machine(side).transports().next().unwrap();
        transport.remote_certificate().map(<[u8]>::to_vec)
    };
    assert_eq!(shown(&pair, ALICE), None);
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    for (ours, theirs) in [(ALICE, BOB), (BOB, ALICE)] {
        let der = shown(&pair, ours).unwrap();
        let (_, transport) = pair.machine(theirs).transports().next().unwrap();
        assert_eq!(der, transport.certificate().der());
    }
}
