//! Does Wireshark understand the captures of the simulated world?
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod support;
#[path = "support/talk.rs"]
mod talk;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{DtlsState, Role};
use pollrtc::peer::Config;
use pollrtc::rng::Rng;
use pollrtc::sim::{Chance, Link, Loss, World, pcapng, trace};
use support::{dtls, laws::path_of};
use talk::{Talk, messages};

/// The lines that `tshark` prints for a file; `None` where it is not installed.
fn tshark(file: &PathBuf, options: &[&str]) -> Option<String> {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .args(options)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    Some(text)
}

#[test]
fn a_dtls_association_can_be_read_and_decrypted() {
    let mut world = World::new(1).with_links(Link::with_delay(Duration::from_millis(20)));
    let [client, server] = [Role::Client, Role::Server].map(|role| {
        let side = usize::from(role == Role::Server);
        let mut rng = Rng::from_number(side as u64);
        let end = dtls::end(&PROVIDER, role, path_of(side), &mut rng);
        let name = if side == 0 { "L" } else { "R" };
        world.add(name, &[path_of(side).local], end)
    });
    let connected = world.run_until(Duration::from_secs(5), |world| {
        let states = [client, server].map(|host| world.machine(host).machine.state());
        states == [DtlsState::Connected; 2]
    });
    assert!(connected, "{}", trace::Trace(world.ledger()));
    world.with(client, |end, _| end.unsent.push_back("hello".into()));
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.machine(server).received, ["hello"]);

    let file = std::env::temp_dir().join("pollrtc_capture_dtls.pcapng");
    std::fs::write(&file, pcapng::capture(world.ledger())).unwrap();
    let Some(text) = tshark(&file, &[]) else {
        return;
    };
    assert!(text.contains("Client Hello") && text.contains("Application Data"));
    assert!(!text.contains("alformed"));
    let decrypted = tshark(&file, &["-x", "-Y", "dtls.app_data"]).expect("it is there");
    assert!(decrypted.contains("Decrypted DTLS (5 bytes)"));
}

#[test]
fn a_connection_can_be_read_down_to_its_messages() {
    let config = || Config {
        key_log: true,
        ..Config::new()
    };
    let link = Link {
        loss: Loss::Uniform(Chance::percent(10)),
        ..Link::with_delay(Duration::from_millis(20))
    };
    let mut talk = Talk::quiet(1, link, [config(), config()]);
    talk.world.negotiate(talk.left, talk.right).unwrap();
    assert!(talk.open(Duration::from_secs(10)));
    assert!(talk.echo(&messages(10, 3_000), Duration::from_secs(60)));
    talk.world
        .with(talk.left, |peer, _| peer.close_channel(talk.channel));
    talk.run_for(Duration::from_secs(1));
    talk.world.with(talk.right, |peer, _| peer.close());
    talk.run_for(Duration::from_secs(1));

    let folder = std::env::temp_dir();
    let file = folder.join("pollrtc_capture_peers.pcapng");
    let keys = folder.join("pollrtc_capture_peers.keys");
    let script = folder.join("pollrtc_wireshark.lua");
    std::fs::write(&file, pcapng::capture(talk.world.ledger())).unwrap();
    std::fs::write(&keys, pcapng::key_log(talk.world.ledger())).unwrap();
    std::fs::write(&script, pcapng::WIRESHARK_SCRIPT).unwrap();
    let script = format!("lua_script:{}", script.display());
    let Some(text) = tshark(&file, &["-X", &script]) else {
        return;
    };
    for expected in [
        "Binding Request",
        "Client Hello",
        "INIT_ACK",
        "DATA_CHANNEL_OPEN_REQUEST",
        "DATA_CHANNEL_ACK",
        "DATA (TSN=",
        "RE_CONFIG",
        "ABORT",
        "Alert",
    ] {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
    let flaws = "_ws.malformed || _ws.expert.severity == error";
    let bad = tshark(&file, &["-X", &script, "-Y", flaws]).expect("it is there");
    assert_eq!(bad, "");
    let lost = tshark(&file, &["-Y", "frame.comment == \"lost\""]).expect("it is there");
    assert!(lost.lines().count() > 3, "{lost}");
    let log = format!("tls.keylog_file:{}", keys.display());
    let with_log = tshark(&file, &["-X", &script, "-o", &log]).expect("it is there");
    assert_eq!(with_log, text);
}
