//! Does Wireshark understand the captures of the simulated world?
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod support;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{DtlsState, Role};
use pollrtc::rng::Rng;
use pollrtc::sim::{Link, World, pcapng, trace};
use support::{dtls, laws::path_of};

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
    println!("{}", trace::Trace(world.ledger()));
    let Some(text) = tshark(&file, &[]) else {
        return;
    };
    println!("{text}");
    assert!(text.contains("Client Hello") && text.contains("Application Data"));
    assert!(!text.contains("alformed"));
    let decrypted = tshark(&file, &["-x", "-Y", "dtls.app_data"]).unwrap();
    println!("{decrypted}");
    assert!(decrypted.contains("Decrypted DTLS (5 bytes)"));
}
