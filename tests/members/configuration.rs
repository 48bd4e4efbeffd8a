//! The configuration, asked for and changed.

use std::sync::Arc;
use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, Config, ConfigError, Configuration, ConfigurationError,
    IceGatheringState, IceServer, IceTransportPolicy, RtcpMuxPolicy, SctpTransportState,
};
use pollrtc::rng::Rng;

use super::support::{ALICE, BOB, Pair};

fn connection(config: Config) -> PeerConnection {
    PeerConnection::new(config, &mut Rng::from_number(1)).unwrap()
}

pub(crate) fn certificate(seed: u64, not_after: u64) -> Arc<Certificate> {
    let options = CertificateOptions {
        common_name: "WebRTC".into(),
        not_before: 1_000_000_000,
        not_after,
    };
    let provider = Config::new().provider;
    let made = Certificate::generate(provider, &mut Rng::from_number(seed), &options);
    Arc::new(made.unwrap())
}

fn changed(
    pc: &mut PeerConnection,
    change: impl FnOnce(&mut Configuration),
) -> Result<(), ConfigurationError> {
    let mut wanted = pc.configuration();
    change(&mut wanted);
    pc.set_configuration(wanted)
}

#[test]
fn wpt_111_servers_and_policy_are_changed_and_told() {
    let mut pc = connection(Config::new());
    let before = pc.configuration();
    assert!(before.ice_servers.is_empty() && before.certificates.is_empty());
    assert_eq!(before.ice_transport_policy, IceTransportPolicy::All);
    assert_eq!(before.rtcp_mux_policy, RtcpMuxPolicy::Require);
    assert_eq!(before.ice_candidate_pool_size, 0);

    let server = IceServer::with_login("turn:example.org".parse().unwrap(), "ann", "secret");
    changed(&mut pc, |wanted| {
        wanted.ice_servers = vec![server.clone()];
        wanted.ice_transport_policy = IceTransportPolicy::Relay;
    })
    .unwrap();
    let after = pc.configuration();
    assert_eq!(after.ice_servers, [server]);
    assert_eq!(after.ice_transport_policy, IceTransportPolicy::Relay);
    assert!(!format!("{after:?}").contains("secret"));
}

/// WPT-111: what was gathered stays; the next search gathers by the new policy.
#[test]
fn wpt_111_a_policy_counts_from_the_next_gathering_on() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    pair.negotiate(ALICE);
    let count = |pair: &Pair| {
        let description = pair.machine(ALICE).local_description().unwrap();
        description.sdp.matches("a=candidate").count()
    };
    let before = count(&pair);
    assert!(before > 0);
    pair.call(ALICE, |pc| {
        changed(pc, |wanted| {
            wanted.ice_transport_policy = IceTransportPolicy::Relay;
        })
        .unwrap();
    });
    assert_eq!(count(&pair), before);
    pair.call(ALICE, |pc| pc.restart_ice());
    pair.negotiate(ALICE);
    assert_eq!(count(&pair), 0, "there is no relay");
}

/// RFC 8829 §3.5.1: another configuration of ICE demands no exchange, but the next offer
/// has other credentials, once.
#[test]
fn wpt_111_the_next_offer_after_a_change_restarts_ice() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    pair.negotiate(ALICE);
    let ufrag = |sdp: &str| {
        let mut lines = sdp.lines();
        let line = lines.find(|line| line.starts_with("a=ice-ufrag:"));
        line.unwrap().to_string()
    };
    let offered = |pair: &mut Pair| {
        let offer = pair.call(ALICE, |pc| pc.create_offer().unwrap());
        ufrag(&offer.sdp)
    };
    let first = offered(&mut pair);
    let set = |pair: &mut Pair, url: &str| {
        let server = IceServer::open(url.parse().unwrap());
        pair.call(ALICE, |pc| {
            changed(pc, |wanted| wanted.ice_servers = vec![server.clone()]).unwrap();
        });
    };
    set(&mut pair, "stun:192.0.2.99");
    let told = pair.machine(ALICE).local_description().unwrap();
    assert_eq!(ufrag(&told.sdp), first, "nothing happens at once");
    let second = offered(&mut pair);
    assert_ne!(second, first);
    pair.negotiate(ALICE);
    let told = pair.machine(ALICE).local_description().unwrap();
    assert_eq!(ufrag(&told.sdp), second);
    // The wish is granted, and the same servers again are no change.
    set(&mut pair, "stun:192.0.2.99");
    assert_eq!(offered(&mut pair), second);
}

#[test]
fn wpt_109_certificates_cannot_be_changed_later() {
    let [first, second] = [1, 2].map(|seed| certificate(seed, 4_000_000_000));
    let config = Config {
        certificate: Some(Arc::clone(&first)),
        ..Config::new()
    };
    let mut pc = connection(config);
    // The same again is no change; an equal one that is another is.
    changed(&mut pc, |wanted| {
        wanted.certificates = vec![Arc::clone(&first)];
    })
    .unwrap();
    for other in [
        Vec::new(),
        vec![Arc::clone(&second)],
        vec![certificate(1, 4_000_000_000)],
        vec![Arc::clone(&first), second],
    ] {
        let refused = changed(&mut pc, |wanted| wanted.certificates = other).unwrap_err();
        assert_eq!(refused.name(), "InvalidModificationError");
    }
    assert!(Arc::ptr_eq(&pc.configuration().certificates[0], &first));
}

#[test]
fn wpt_112_the_bundle_policy_cannot_be_changed_later() {
    use BundlePolicy::{Balanced, MaxBundle, MaxCompat};
    for policy in [Balanced, MaxBundle, MaxCompat] {
        let mut pc = connection(Config {
            bundle_policy: policy,
            ..Config::new()
        });
        assert_eq!(pc.configuration().bundle_policy, policy);
        for other in [Balanced, MaxBundle, MaxCompat] {
            let told = changed(&mut pc, |wanted| wanted.bundle_policy = other);
            let name = told.map_err(|refused| refused.name());
            let expected = match other == policy {
                true => Ok(()),
                false => Err("InvalidModificationError"),
            };
            assert_eq!(name, expected);
        }
    }
}

#[test]
fn wpt_109_an_expired_certificate_is_refused_at_once() {
    let at = |unix: u64| Config {
        certificate: Some(certificate(1, 2_000_000_000)),
        unix_time: Some(Duration::from_secs(unix)),
        ..Config::new()
    };
    let made = |config| PeerConnection::new(config, &mut Rng::from_number(1)).map(drop);
    assert_eq!(made(at(1_999_999_999)), Ok(()));
    assert_eq!(made(at(2_000_000_000)), Err(ConfigError::Expired));
    // Who does not say the time does not look at it.
    let timeless = Config {
        unix_time: None,
        ..at(0)
    };
    assert_eq!(made(timeless), Ok(()));
}

#[test]
fn wpt_114_the_pool_changes_until_there_is_a_description() {
    let mut pc = connection(Config::new());
    pc.add_local_address("192.0.2.1:1000".parse().unwrap())
        .unwrap();
    assert_eq!(pc.ice().gathering_state(), IceGatheringState::New);
    changed(&mut pc, |wanted| wanted.ice_candidate_pool_size = 255).unwrap();
    assert_eq!(pc.ice().gathering_state(), IceGatheringState::Complete);
    pc.create_data_channel("x", ChannelConfig::default())
        .unwrap();
    pc.set_local_description(None).unwrap();
    let refused = changed(&mut pc, |wanted| wanted.ice_candidate_pool_size = 1).unwrap_err();
    let why = ConfigurationError::InvalidModification("the size of the candidate pool");
    assert_eq!(refused, why);
    assert_eq!(pc.configuration().ice_candidate_pool_size, 255);
    changed(&mut pc, |_| {}).unwrap();
}

#[test]
fn wpt_110_servers_are_checked_and_a_bad_one_changes_nothing() {
    let mut pc = connection(Config::new());
    let good = IceServer::open("stun:example.org".parse().unwrap());
    changed(&mut pc, |wanted| wanted.ice_servers = vec![good.clone()]).unwrap();
    let nowhere = IceServer {
        urls: Vec::new(),
        username: None,
        credential: None,
    };
    let turn = || "turn:example.org?transport=udp".parse().unwrap();
    let half = |username: Option<&str>, credential: Option<&str>| IceServer {
        urls: vec![turn()],
        username: username.map(Into::into),
        credential: credential.map(Into::into),
    };
    for (bad, name) in [
        (nowhere, "SyntaxError"),
        (IceServer::open(turn()), "InvalidAccessError"),
        (half(Some("ann"), None), "InvalidAccessError"),
        (half(None, Some("secret")), "InvalidAccessError"),
        (
            half(Some(&"a".repeat(510)), Some("secret")),
            "InvalidAccessError",
        ),
    ] {
        let refused = changed(&mut pc, |wanted| {
            wanted.ice_servers = vec![good.clone(), bad];
            wanted.ice_transport_policy = IceTransportPolicy::Relay;
        });
        assert_eq!(refused.unwrap_err().name(), name);
        assert_eq!(pc.configuration().ice_servers, std::slice::from_ref(&good));
        assert_eq!(
            pc.configuration().ice_transport_policy,
            IceTransportPolicy::All
        );
    }
}

/// RFC 7064, RFC 7065 and W3C "validate an ICE server URL".
#[test]
fn wpt_110_urls_are_those_of_their_rfcs() {
    for bad in [
        "",
        "stun",
        ":",
        "http://example.org",
        "stunx:a",
        "stun:",
        "stun:/a",
        "stun://a",
        "stun:u@a",
        "stun:a#x",
        "stun:a?",
        "stun:a?transport=udp",
        "stuns:a?transport=tcp",
        "stun:a:",
        "stun:a:x",
        "stun:a:65536",
        "stun:a:-1",
        "turn:a?transport=",
        "turn:a?x=y",
        "turn:a?transport=tls",
        "turn:a?transport=udp&transport=tcp",
        "turn:[::1",
        "turn:::1",
        "turn:a b",
    ] {
        assert!(bad.parse::<pollrtc::ice::ServerUrl>().is_err(), "{bad}");
    }
    for good in [
        "stun:a",
        "stuns:a",
        "turn:a",
        "turns:a",
        "stun:a:1",
        "turn:[::1]:3478",
        "turn:a?transport=udp",
        "turn:a?transport=tcp",
        "TURN:A",
        "turns:a?transport=tcp",
    ] {
        assert!(good.parse::<pollrtc::ice::ServerUrl>().is_ok(), "{good}");
    }
}

#[test]
fn wpt_023_after_the_end_nothing_is_changed() {
    let mut pc = connection(Config::new());
    pc.close();
    assert_eq!(
        changed(&mut pc, |_| {}),
        Err(ConfigurationError::InvalidState)
    );
    assert_eq!(pc.configuration().ice_candidate_pool_size, 0);
}

/// WPT-115, WPT-116, WPT-118: the association is told of from the exchange on.
#[test]
fn wpt_115_116_and_118_the_association_comes_connects_and_ends() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    assert_eq!(pair.machine(ALICE).sctp(), None);
    let (from, to) = (pair.hosts[ALICE], pair.hosts[BOB]);
    pair.world.negotiate(from, to).unwrap();
    let mut seen = Vec::new();
    for _ in 0..100 {
        pair.run(Duration::from_millis(10));
        let sctp = pair.machine(ALICE).sctp().map(|sctp| {
            assert_eq!(sctp.max_message_size, 262_144);
            assert_eq!(
                sctp.max_channels.is_some(),
                sctp.state == SctpTransportState::Connected
            );
            sctp.state.as_str()
        });
        if seen.last() != Some(&sctp) {
            seen.push(sctp);
        }
    }
    let way = [None, Some("connecting"), Some("connected")];
    assert!(way.ends_with(&seen), "{seen:?}");
    let channels = [ALICE, BOB].map(|side| pair.machine(side).sctp().unwrap().max_channels);
    assert_eq!(channels, [Some(1024); 2]);
    pair.call(ALICE, |pc| pc.close());
    let ended = pair.machine(ALICE).sctp().unwrap();
    assert_eq!(
        (ended.state, ended.max_channels),
        (SctpTransportState::Closed, None)
    );
}

/// WPT-118: the lower of what both have.
#[test]
fn wpt_118_the_fewest_streams_count() {
    let mut few = Config::new();
    few.sctp.max_streams = 7;
    let mut pair = Pair::with(Config::new(), few);
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    pair.negotiate(ALICE);
    let channels = [ALICE, BOB].map(|side| pair.machine(side).sctp().unwrap().max_channels);
    assert_eq!(channels, [Some(7); 2]);
}
