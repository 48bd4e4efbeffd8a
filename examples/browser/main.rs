//! A chat between a browser and the library, over real sockets, with the camera echoed.
//!
//! ```text
//! cargo run --release --example browser
//! ```
//!
//! prints a URL. The page behind it connects to this program, either side offering, and talks to it
//! over data channels. One loop owns everything and waits in one place; two threads only bring it
//! what can be had by blocking: HTTP requests and lines of the terminal.
#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a program has std"
)]

mod http;
#[path = "../support/outbox.rs"]
mod outbox;
mod session;
#[path = "../support/sockets/mod.rs"]
mod sockets;
mod terminal;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use mio::{Events, Poll, Token, Waker};
use pollrtc::ice::{IceServer, ServerUrl};
use pollrtc::peer::Config;
use pollrtc::rng::Rng;
use pollrtc::time::{Clock, Instant};

use crate::session::Session;
use crate::sockets::{Buffers, Sockets};
use crate::terminal::Line;

/// Chat with the library from a browser.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the page is served; its address is also where the library can be reached.
    ///
    /// Give an address of this machine in your network to chat from another one. Port 0 takes a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A STUN or TURN server, such as turn:example.org?transport=tcp; several are several options.
    #[arg(long, value_name = "URL")]
    server: Vec<ServerUrl>,
    /// The name to log in with at TURN servers.
    #[arg(long, value_name = "NAME", requires = "server")]
    username: Option<String>,
    /// The password that goes with it.
    #[arg(long, value_name = "PASSWORD", requires = "username")]
    credential: Option<String>,
    /// Open the page in the default browser.
    #[arg(long)]
    open: bool,
}

/// Everything the loop owns.
struct App {
    poll: Poll,
    waker: Arc<Waker>,
    clock: Clock,
    rng: Rng,
    address: IpAddr,
    config: Config,
    sessions: BTreeMap<usize, Session>,
    next_id: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.listen.ip().is_unspecified() {
        bail!(
            "--listen needs one address of this machine, not {}: it is offered to the browser as a candidate",
            arguments.listen.ip()
        );
    }
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    let (requests, url) = http::serve(arguments.listen, &waker)?;
    let lines = terminal::read(&waker);
    terminal::greet(&url);
    if arguments.open {
        open(&url);
    }
    let mut config = Config::new();
    if !arguments.server.is_empty() {
        config.ice.servers.push(IceServer {
            urls: arguments.server,
            username: arguments.username,
            credential: arguments.credential,
        });
    }
    let app = App {
        poll,
        waker,
        clock: Clock::start(),
        rng: Rng::from_os()?,
        address: arguments.listen.ip(),
        config,
        sessions: BTreeMap::new(),
        next_id: 1,
    };
    app.run(&requests, &lines)
}

impl App {
    fn run(
        mut self,
        requests: &Receiver<http::Request>,
        lines: &Receiver<Line>,
    ) -> anyhow::Result<()> {
        let mut events = Events::with_capacity(64);
        let mut buffers = Buffers::default();
        loop {
            let now = self.clock.now();
            for request in requests.try_iter() {
                http::answer(request, &mut self, now);
            }
            for line in lines.try_iter() {
                if line == Line::Quit {
                    self.sessions
                        .values_mut()
                        .for_each(|session| session.close(now));
                    return Ok(());
                }
                self.sessions
                    .values_mut()
                    .for_each(|session| session.on_line(&line));
            }
            let mut busy = false;
            for session in self.sessions.values_mut() {
                busy |= session
                    .turn(now, &mut buffers)
                    .context("the sockets failed")?;
            }
            self.sessions.retain(|_, session| !session.is_over(now));
            let deadline = self.sessions.values().filter_map(Session::deadline).min();
            let wait = if busy {
                Some(Duration::ZERO)
            } else {
                deadline.map(|at| at.since(self.clock.now()))
            };
            match self.poll.poll(&mut events, wait) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => other.context("waiting failed")?,
            }
        }
    }

    /// A new connection with sockets of its own.
    fn open_session(&mut self, now: Instant) -> anyhow::Result<&mut Session> {
        if self.sessions.len() >= MAX_SESSIONS {
            bail!("too many connections: close another page first");
        }
        let id = self.next_id;
        self.next_id += 1;
        let registry = self.poll.registry().try_clone()?;
        let mut sockets = Sockets::new(registry, Token(id), Arc::clone(&self.waker));
        sockets.open(self.address).context("no sockets")?;
        let config = self.config.clone();
        let session = Session::new(id, sockets, config, &mut self.rng, now)?;
        Ok(self.sessions.entry(id).or_insert(session))
    }
}

/// Opens the page, where the system has a command for that.
fn open(url: &str) {
    let command = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    if Command::new(command).arg(url).spawn().is_err() {
        terminal::say(&format!("{command} is not there: open {url} yourself"));
    }
}

const WAKE: Token = Token(0);
/// How many pages can be connected at a time.
const MAX_SESSIONS: usize = 32;
