//! The library as a peer of the interop harness: commands and events as JSON lines on the standard
//! streams, real sockets. See `tests/interop/PROTOCOL.md`.
//!
//! One thread owns everything and waits in one place; a second one only reads the commands.
#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program has std"
)]

mod channels;
#[path = "../support/clips.rs"]
#[expect(dead_code, reason = "tests look closer at the files")]
mod clips;
mod commands;
mod content;
mod facts;
mod jobs;
mod media;
#[path = "../support/outbox.rs"]
mod outbox;
mod protocol;
mod recorder;
mod session;
#[path = "../support/sockets/mod.rs"]
mod sockets;

use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use anyhow::Context as _;
use mio::{Events, Poll, Token, Waker};
use pollrtc::time::{Clock, Instant};

use crate::commands::Next;
use crate::session::Session;
use crate::sockets::{Buffers, Sockets};

fn main() -> anyhow::Result<()> {
    let clock = Clock::start();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let mut buffers = Buffers::default();
    // Kept here too: a wake-up is lost when the last owner of its waker goes.
    let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    let lines = read_commands(Arc::clone(&waker));
    let mut sockets = Sockets::new(poll.registry().try_clone()?, SOCKETS, Arc::clone(&waker));
    let address = std::env::var("INTEROP_ADDRESS").unwrap_or_else(|_| "127.0.0.1".into());
    sockets
        .open(address.parse()?)
        .with_context(|| format!("no sockets at {address}"))?;

    let mut session = Session::new(sockets);
    protocol::ready();
    loop {
        let now = clock.now();
        if let Next::Exit = take_commands(&lines, &mut session, now) {
            session.farewell(now);
            return Ok(());
        }
        // What the turn left undone goes on at once, after another look at the commands.
        let busy = session.turn(now, &mut buffers)?;
        let wait = if busy {
            Some(Duration::ZERO)
        } else {
            session.deadline(now).map(|at| at.since(clock.now()))
        };
        match poll.poll(&mut events, wait) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            other => other?,
        }
    }
}

/// Executes the commands that have arrived.
fn take_commands(lines: &Receiver<String>, session: &mut Session, now: Instant) -> Next {
    loop {
        match lines.try_recv() {
            Ok(line) => {
                if let Next::Exit = commands::execute(&line, session, now) {
                    return Next::Exit;
                }
            }
            Err(TryRecvError::Empty) => return Next::GoOn,
            Err(TryRecvError::Disconnected) => return Next::Exit,
        }
    }
}

/// Reads standard input to its end in a thread that wakes the loop for each line.
#[expect(
    clippy::disallowed_methods,
    reason = "standard input can only be read by blocking"
)]
fn read_commands(waker: Arc<Waker>) -> Receiver<String> {
    fn forward(sender: &Sender<String>, waker: &Waker) {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
    }
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        forward(&sender, &waker);
        drop(sender);
        // The end is news too; nobody is left to tell if it fails.
        let _ = waker.wake();
    });
    receiver
}

const SOCKETS: Token = Token(0);
const WAKE: Token = Token(1);
