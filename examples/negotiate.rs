//! Two peers negotiate, connect and talk, in a simulated world.
//!
//! Prints the offer, the answer, every step with its virtual time, and an echo of
//! messages of mixed sizes. The same seed gives the same datagrams, whose
//! SHA-256 is the last line.
//!
//!     cargo run --release --example negotiate -- --seed 7 --loss 10

#![expect(clippy::std_instead_of_core, reason = "an application has std")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use pollrtc::crypto::{HashId, rust_crypto};
use pollrtc::peer::{ChannelConfig, ChannelId, ChannelState, Config, Data, Event, SendError};
use pollrtc::sim::{Chance, HostId, Link, Loss, World, pcapng};
use pollrtc::{Instant, PeerConnection};

/// Two WebRTC peers negotiate, connect and talk in a simulated world.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where all chance comes from: the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many datagrams of a hundred are lost.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=50))]
    loss: u32,
    /// How long a datagram is under way, in milliseconds.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    delay: u64,
    /// How many messages are echoed.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    messages: u32,
    /// The size of the largest message, in bytes.
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(0..=262_144))]
    size: u32,
    /// Writes the datagrams to a capture that Wireshark opens and decrypts.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Writes the DTLS secrets in the format of SSLKEYLOGFILE.
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    // Better to hear now than after the run that a file cannot be written.
    for path in [&options.pcap, &options.keylog].into_iter().flatten() {
        std::fs::write(path, "").with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut story = Story::begin(options)?;
    story.negotiate()?;
    story.talk()?;
    story.report()?;
    story.save()
}

/// The world, and what the two applications in it remember.
struct Story<'a> {
    options: &'a Options,
    world: World<PeerConnection>,
    alice: HostId,
    bob: HostId,
    channel: ChannelId,
    sent: u32,
    echoed: u32,
    wrong: u32,
    started: Option<Instant>,
}

impl<'a> Story<'a> {
    fn begin(options: &'a Options) -> Result<Self> {
        let link = Link {
            loss: Loss::Uniform(Chance::percent(options.loss)),
            ..Link::with_delay(Duration::from_millis(options.delay))
        };
        println!(
            "Two peers in a simulated world: seed {}, {} ms each way, {} % loss",
            options.seed, options.delay, options.loss
        );
        let mut world = World::new(options.seed).with_links(link);
        let mut peer = |name: &str, address: &str| -> Result<HostId> {
            let address: SocketAddr = address.parse()?;
            let config = Config {
                key_log: options.pcap.is_some() || options.keylog.is_some(),
                ..Config::new()
            };
            let mut peer = PeerConnection::new(config, &mut world.fork_rng())?;
            peer.add_local_address(address)?;
            Ok(world.add(name, &[address], peer))
        };
        let (alice, bob) = (
            peer("alice", "192.0.2.1:4000")?,
            peer("bob", "198.51.100.2:5000")?,
        );
        let channel = world.with(alice, |peer, _| {
            peer.create_data_channel("echo", ChannelConfig::default())
        })?;
        Ok(Self {
            options,
            world,
            alice,
            bob,
            channel,
            sent: 0,
            echoed: 0,
            wrong: 0,
            started: None,
        })
    }

    /// The offer goes to bob, his answer comes back. Here the post is instant.
    fn negotiate(&mut self) -> Result<()> {
        let offer = self.world.with(self.alice, |alice, _| {
            let offer = alice.create_offer()?;
            alice.set_local_description(Some(&offer))?;
            Ok::<_, anyhow::Error>(alice.local_description())
        })?;
        let offer = offer.context("alice has no offer")?;
        print_description("The offer of alice", &offer.sdp);
        let answer = self.world.with(self.bob, |bob, _| {
            bob.set_remote_description(&offer)?;
            let answer = bob.create_answer()?;
            bob.set_local_description(Some(&answer))?;
            Ok::<_, anyhow::Error>(bob.local_description())
        })?;
        let answer = answer.context("bob has no answer")?;
        print_description("The answer of bob", &answer.sdp);
        self.world
            .with(self.alice, |alice, _| alice.set_remote_description(&answer))?;
        println!("\nWhat happens, in seconds of virtual time\n");
        Ok(())
    }

    /// Lets the world go on until every message has come back.
    fn talk(&mut self) -> Result<()> {
        let end = self.world.now() + Duration::from_secs(3600);
        self.listen()?;
        while self.started.is_none() || self.echoed < self.options.messages {
            ensure!(
                self.world.step() && self.world.now() < end,
                "the peers fell silent"
            );
            self.listen()?;
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<()> {
        for host in [self.alice, self.bob] {
            while let Some(event) = self.world.next_event(host) {
                self.on_event(host, event)?;
            }
        }
        Ok(())
    }

    fn on_event(&mut self, host: HostId, event: Event) -> Result<()> {
        let step = match event {
            Event::SignalingState(state) => format!("signaling is {state}"),
            Event::IceGatheringState(state) => format!("gathering is {state}"),
            Event::IceConnectionState(state) => format!("ICE is {state}"),
            Event::ConnectionState(state) => format!("connection is {state}"),
            Event::IceCandidate(Some(candidate)) => candidate.candidate,
            Event::IceCandidate(None) => "no more candidates".into(),
            Event::NegotiationNeeded => "negotiation is needed".into(),
            Event::DataChannel(id) => {
                let channel = self.world.machine(host).channel(id);
                format!(
                    "channel {:?} was opened by the peer",
                    channel.map_or("", |channel| channel.label)
                )
            }
            Event::ChannelState(id, state) => {
                if host == self.alice && state == ChannelState::Open {
                    self.started = Some(self.world.now());
                    self.send_more()?;
                }
                format!("{id} is {state}")
            }
            Event::Message(id, data) if host == self.bob => {
                self.world.with(host, |bob, now| bob.send(now, id, data))?;
                return Ok(());
            }
            Event::Message(_, data) => return self.on_echo(&data),
            Event::BufferedAmountLow(_) => return self.send_more(),
            Event::Closed(reason) => anyhow::bail!("the connection closed: {reason}"),
            other => format!("{other:?}"),
        };
        println!(
            "{:>8}  {:<6} {step}",
            self.world.now().to_string(),
            self.world.ledger().name(host)
        );
        Ok(())
    }

    fn on_echo(&mut self, data: &Data) -> Result<()> {
        self.wrong += u32::from(*data != message(self.echoed, self.options.size));
        self.echoed += 1;
        self.send_more()
    }

    /// Keeps a window of messages under way.
    fn send_more(&mut self) -> Result<()> {
        const WINDOW: u32 = 16;
        while self.sent < self.options.messages && self.sent - self.echoed < WINDOW {
            let data = message(self.sent, self.options.size);
            let channel = self.channel;
            match self
                .world
                .with(self.alice, |alice, now| alice.send(now, channel, data))
            {
                Ok(()) => self.sent += 1,
                Err(SendError::Full) => break,
                Err(error) => return Err(error).context("alice cannot send"),
            }
        }
        Ok(())
    }

    fn report(&self) -> Result<()> {
        let [alice, bob] = [self.alice, self.bob].map(|host| self.world.machine(host));
        let ledger = self.world.ledger();
        let bytes: usize = (0..self.echoed)
            .map(|number| message(number, self.options.size).len())
            .sum();
        let took = self.world.now() - self.started.unwrap_or_default();
        println!(
            "\nsignaling   {} / {}",
            alice.signaling_state(),
            bob.signaling_state()
        );
        println!(
            "connection  {} / {}",
            alice.connection_state(),
            bob.connection_state()
        );
        println!(
            "echoed      {} of {} messages, {bytes} bytes each way in {:.3} s of virtual time",
            self.echoed - self.wrong,
            self.options.messages,
            took.as_secs_f64()
        );
        println!("datagrams   {}", ledger.datagrams().len());
        let hash = rust_crypto::PROVIDER
            .hash(HashId::Sha256)
            .context("no SHA-256")?;
        println!("sha-256     {}", ledger.digest(hash.start()));
        ensure!(self.wrong == 0, "{} messages came back changed", self.wrong);
        Ok(())
    }

    fn save(&self) -> Result<()> {
        let ledger = self.world.ledger();
        if let Some(path) = &self.options.pcap {
            std::fs::write(path, pcapng::capture(ledger))
                .with_context(|| format!("cannot write {}", path.display()))?;
            println!("capture     {}", path.display());
            println!(
                "            tshark -X lua_script:src/sim/wireshark.lua -r {}",
                path.display()
            );
        }
        if let Some(path) = &self.options.keylog {
            std::fs::write(path, pcapng::key_log(ledger))
                .with_context(|| format!("cannot write {}", path.display()))?;
            println!("key log     {}", path.display());
        }
        Ok(())
    }
}

/// Message `number`: text and binary in turn, from nothing to the largest size.
fn message(number: u32, largest: u32) -> Data {
    let size = match number % 6 {
        0 => 0,
        1 => 1,
        2 => largest.min(100),
        3 => largest.min(1200),
        4 => largest / 2,
        _ => largest,
    };
    if number.is_multiple_of(2) {
        Data::Text(
            (0..size)
                .map(|i| char::from(b'a' + ((number + i) % 26) as u8))
                .collect(),
        )
    } else {
        Data::from(
            (0..size)
                .map(|i| ((number + i) % 251) as u8)
                .collect::<Vec<_>>(),
        )
    }
}

fn print_description(title: &str, sdp: &str) {
    println!("\n{title}\n");
    sdp.lines().for_each(|line| println!("    {line}"));
}
