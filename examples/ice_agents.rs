//! Two ICE agents find a path to each other over real sockets, with nothing of WebRTC around them.
//!
//! Each has a thread and a UDP socket of its own; a channel stands for the signaling. They say
//! what happens to them, and each greets the other over the pair that was selected.
//!
//!     cargo run --example ice_agents

#![expect(clippy::disallowed_types, reason = "here is the application")]

use core::time::Duration;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::{net::UdpSocket, thread};

use pollrtc::ice::{Credentials, IceAgent, IceConfig, Role};
use pollrtc::net::{Candidate, Path};
use pollrtc::{crypto::rust_crypto::PROVIDER, cursor::Writer, rng::Rng, time::Clock};

/// What an agent has to know of the other one.
type Signal = (Credentials, Vec<Candidate>);

fn main() -> anyhow::Result<()> {
    let ((to_bob, from_alice), (to_alice, from_bob)) = (channel(), channel());
    thread::scope(|scope| {
        let bob = scope.spawn(move || run("bob", Role::Controlled, &to_alice, &from_alice));
        run("alice", Role::Controlling, &to_bob, &from_bob)?;
        bob.join().expect("an agent does not panic")
    })
}

fn run(name: &str, role: Role, to: &Sender<Signal>, from: &Receiver<Signal>) -> anyhow::Result<()> {
    let (clock, socket) = (Clock::start(), UdpSocket::bind("127.0.0.1:0")?);
    let mut agent = IceAgent::new(IceConfig::new(&PROVIDER), role, &mut Rng::from_os()?)?;
    agent.add_local_address(socket.local_addr()?)?;
    agent.gather();
    let ours = agent.local_candidates().cloned().collect();
    to.send((agent.local_credentials().clone(), ours))?;
    let (credentials, theirs) = from.recv()?;
    agent.set_remote_credentials(credentials)?;
    for candidate in theirs {
        agent.add_remote_candidate(candidate)?;
    }

    let (mut input, mut output, mut greeted, mut heard) = ([0; 2048], Vec::new(), false, false);
    while !(greeted && heard) {
        // All that is ready to be sent: checks, and one greeting.
        let mut out = Writer::new(&mut output, 1200);
        let mut way = agent.poll_transmit(clock.now(), &mut out);
        if way.is_none() && !greeted && agent.selected_pair().is_some() {
            way = agent.seal(&mut out, |out| {
                out.bytes(format!("Hello from {name}!").as_bytes());
                true
            });
            greeted = true;
        }
        if let Some(path) = way {
            socket.send_to(&output, path.remote)?;
            output.clear();
            continue;
        }
        // Then what arrives, but no longer than until the next deadline.
        let wait = agent.poll_timeout().map(|at| at - clock.now());
        socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        if let Ok((len, from)) = socket.recv_from(&mut input) {
            let path = Path::udp(socket.local_addr()?, from);
            if let Some(data) = agent.open(clock.now(), path, &mut input[..len]) {
                println!("{name} hears: {}", data.escape_ascii());
                heard = true;
            }
        }
        agent.handle_timeout(clock.now());
        while let Some(event) = agent.poll_event() {
            println!("{name}: {event:?}");
        }
    }
    Ok(())
}
