//! Do all machines keep the nine laws of the contract?
//!
//! The laws themselves are in `support/laws.rs`; here they are let loose on every
//! machine, under calls in any order. That they can find something is shown on
//! toys, each of which breaks one of them.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod support;

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{CloseReason, DtlsState, DtlsTransport, Event, Role};
use pollrtc::ice::{self, IceAgent};
use pollrtc::media::MediaConfig;
use pollrtc::peer::{self, ChannelConfig, ConnectionState, MediaFrame};
use pollrtc::rng::Rng;
use pollrtc::sctp::{self, Reliability, SctpAssociation, SctpConfig, SctpState, SendOptions};
use pollrtc::sim::{Direct, SctpTold};
use pollrtc::time::Instant;
use pollrtc::wire::sctp::{Ppid, StreamId};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use support::laws::{self, Op, Subject, path_of};
use support::mdns::Resolver;
use support::media::{MediaEnd, PICTURES, SOUND, Told};
use support::stream::{StreamEnd, StreamTold};
use support::toy::{self, Toy};
use support::turn::TurnEnd;
use support::{counters, dtls};

/// All laws on one machine, each under so many lists of so many calls.
macro_rules! keeps_the_laws {
    ($name:ident, $machine:ty, $cases:expr, $calls:expr) => {
        mod $name {
            use super::*;

            fn check(law: Law) {
                run(law, $cases, $calls).unwrap();
            }

            #[test]
            fn law_1_time_is_told() {
                check(laws::time_is_told::<$machine>);
            }

            #[test]
            fn law_2_nothing_has_to_be_drained() {
                check(laws::nothing_has_to_be_drained::<$machine>);
            }

            #[test]
            fn laws_3_and_4_ready_work_is_no_deadline() {
                check(laws::ready_work_is_no_deadline::<$machine>);
            }

            // Law 5 is checked at every poll of the others.

            #[test]
            fn law_6_same_calls_say_the_same() {
                check(laws::same_calls_say_the_same::<$machine>);
            }

            #[test]
            fn law_7_silence_follows_the_end() {
                check(silence::<$machine>);
            }

            // Law 8 is checked in bounded.rs, which counts memory.

            #[test]
            fn law_9_garbage_is_quiet() {
                check(laws::garbage_is_quiet::<$machine>);
            }
        }
    };
}

keeps_the_laws!(toy_machine, Toy<{ toy::SOUND }>, 200, 60);
keeps_the_laws!(ice_agent, IceAgent, 48, 80);
keeps_the_laws!(dtls_transport, Direct<DtlsTransport>, 24, 80);
keeps_the_laws!(sctp_association, Direct<SctpAssociation>, 48, 80);
keeps_the_laws!(mdns, Resolver, 48, 80);
keeps_the_laws!(turn_client, TurnEnd, 48, 80);
keeps_the_laws!(rtp_sender_and_receiver, StreamEnd, 48, 80);
keeps_the_laws!(media, MediaEnd, 48, 80);
keeps_the_laws!(peer_connection, PeerConnection, 16, 100);

impl Subject for Direct<SctpAssociation> {
    fn pair(seed: u64) -> [Self; 2] {
        let mut rng = Rng::from_number(seed);
        [0, 1].map(|side| {
            let mut association = SctpAssociation::new(SctpConfig::default(), &mut rng);
            association.connect();
            Self::new(association, path_of(side))
        })
    }

    fn command(&mut self, now: Instant, choice: u8) {
        let stream = StreamId(u16::from(choice % 4));
        let options = SendOptions {
            ordered: choice.is_multiple_of(2),
            reliability: match choice % 3 {
                0 => Reliability::Reliable,
                1 => Reliability::MaxRetransmits(u16::from(choice)),
                _ => Reliability::MaxLifetime(Duration::from_millis(u64::from(choice))),
            },
        };
        let data = vec![choice; usize::from(choice) * 20];
        match choice {
            // A refusal is as good as any answer.
            0..250 => drop(
                self.machine
                    .send(now, stream, Ppid(51), options, data.into()),
            ),
            _ => self.machine.reset_streams([stream]),
        }
    }

    fn close(&mut self, _now: Instant) {
        self.machine.shutdown();
    }

    fn is_terminal(event: &SctpTold) -> bool {
        matches!(event, SctpTold::Event(sctp::Event::Closed(_)))
    }

    fn is_done(&self) -> bool {
        self.machine.state() == SctpState::Connected
    }

    fn dropped(&self) -> u64 {
        counters::sctp(&self.machine.stats())
    }
}

impl Subject for IceAgent {
    fn pair(seed: u64) -> [Self; 2] {
        support::ice::pair(&PROVIDER, seed)
    }

    fn command(&mut self, _now: Instant, _choice: u8) {}

    fn close(&mut self, _now: Instant) {
        self.close();
    }

    fn is_terminal(event: &ice::Event) -> bool {
        matches!(event, ice::Event::Closed)
    }

    fn is_done(&self) -> bool {
        self.state().is_connected() && self.selected_pair().is_some()
    }

    fn dropped(&self) -> u64 {
        // What came over a path that was proved is the business of who reads it.
        let passed: u64 = self.pairs().map(|pair| pair.stats.packets_received).sum();
        passed + counters::ice(&self.stats())
    }
}

impl Subject for Direct<DtlsTransport> {
    fn pair(seed: u64) -> [Self; 2] {
        let mut rng = Rng::from_number(seed);
        let client = dtls::end(&PROVIDER, Role::Client, path_of(0), &mut rng);
        let server = dtls::end(&PROVIDER, Role::Server, path_of(1), &mut rng);
        [client, server]
    }

    fn command(&mut self, _now: Instant, choice: u8) {
        self.unsent
            .push_back(vec![choice; usize::from(choice)].into());
    }

    fn close(&mut self, _now: Instant) {
        self.machine.close(CloseReason::Requested);
    }

    fn is_terminal(event: &Event) -> bool {
        matches!(event, Event::Closed(_))
    }

    fn is_done(&self) -> bool {
        self.machine.state() == DtlsState::Connected
    }

    fn dropped(&self) -> u64 {
        counters::dtls(&self.machine.stats())
    }
}

impl Subject for StreamEnd {
    fn pair(seed: u64) -> [Self; 2] {
        let mut rng = Rng::from_number(seed);
        let [left, right] = [100, 200];
        [(left, right, 0), (right, left, 1)]
            .map(|(own, peer, side)| Self::new(path_of(side), own, peer, &mut rng))
    }

    fn command(&mut self, _now: Instant, _choice: u8) {}

    fn close(&mut self, now: Instant) {
        self.close(now);
    }

    fn is_terminal(event: &StreamTold) -> bool {
        matches!(event, StreamTold::Closed)
    }

    fn is_done(&self) -> bool {
        self.frames > 20
    }

    fn dropped(&self) -> u64 {
        self.dropped()
    }
}

impl Subject for MediaEnd {
    fn pair(seed: u64) -> [Self; 2] {
        let mut rng = Rng::from_number(seed);
        let [left, right] = [100, 200];
        [(left, right, 0), (right, left, 1)].map(|(own, peer, side)| {
            Self::new(MediaConfig::default(), path_of(side), own, peer, &mut rng)
        })
    }

    fn command(&mut self, _now: Instant, choice: u8) {
        match choice {
            0..128 => drop(self.media.request_key_frame(PICTURES, "")),
            _ => drop(
                self.media
                    .set_encoding_active(SOUND, "", choice.is_multiple_of(2)),
            ),
        }
    }

    fn close(&mut self, _now: Instant) {
        self.close();
    }

    fn is_terminal(event: &Told) -> bool {
        matches!(event, Told::Closed)
    }

    fn is_done(&self) -> bool {
        self.frames > 20
    }

    fn dropped(&self) -> u64 {
        self.dropped()
    }
}

impl Subject for PeerConnection {
    const FIXED_ROOM: bool = true;

    fn pair(seed: u64) -> [Self; 2] {
        support::peers::pair(seed)
    }

    fn command(&mut self, now: Instant, choice: u8) {
        let Some(channel) = self.channels().next() else {
            return;
        };
        match choice {
            // A refusal is as good as any answer.
            0..100 => drop(self.send(now, channel, vec![choice; usize::from(choice) * 40])),
            100..180 => {
                let which = usize::from(choice % 2);
                let transceiver = self.transceivers().nth(which).map(|one| one.id());
                let data = vec![choice; usize::from(choice) * 20];
                let frame = MediaFrame::new(u32::from(choice) * 3000, data.into());
                let _ = transceiver.map(|id| self.write(now, id, &frame));
            }
            180..200 => {
                let transceivers: Vec<_> = self.transceivers().map(|one| one.id()).collect();
                for id in transceivers {
                    self.request_key_frame(id, "");
                }
            }
            200..250 => drop(self.create_data_channel("more", ChannelConfig::default())),
            _ => self.close_channel(channel),
        }
    }

    fn close(&mut self, _now: Instant) {
        self.close();
    }

    fn is_terminal(event: &peer::Event) -> bool {
        matches!(event, peer::Event::Closed(_))
    }

    fn is_done(&self) -> bool {
        self.connection_state() == ConnectionState::Connected
    }

    fn dropped(&self) -> u64 {
        counters::peer(&self.stats())
    }
}

/// A check of a law under a seed and a list of calls.
type Law = fn(u64, &[Op]) -> Result<(), String>;

/// Half of the calls come before the end, half after it.
fn silence<S: Subject>(seed: u64, ops: &[Op]) -> Result<(), String> {
    let (before, after) = ops.split_at(ops.len() / 2);
    laws::silence_follows_the_end::<S>(seed, before, after)
}

/// Tries a law under `cases` lists of up to `calls` calls, the same ones each time.
fn run(law: Law, cases: u32, calls: usize) -> Result<(), String> {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let input = (any::<u64>(), laws::ops(calls));
    TestRunner::new_with_rng(config, rng)
        .run(&input, |(seed, ops)| {
            law(seed, &ops).map_err(TestCaseError::fail)
        })
        .map_err(|failure| failure.to_string())
}

/// Which law a broken toy is caught by.
fn caught<const FAULT: usize>() -> Vec<&'static str> {
    let laws: [(&str, Law); 6] = [
        ("1", laws::time_is_told::<Toy<FAULT>>),
        ("2", laws::nothing_has_to_be_drained::<Toy<FAULT>>),
        ("3/4", laws::ready_work_is_no_deadline::<Toy<FAULT>>),
        ("6", laws::same_calls_say_the_same::<Toy<FAULT>>),
        ("7", silence::<Toy<FAULT>>),
        ("9", laws::garbage_is_quiet::<Toy<FAULT>>),
    ];
    let failing = laws.iter().filter(|(_, law)| run(*law, 200, 60).is_err());
    failing.map(|(name, _)| *name).collect()
}

#[test]
fn every_broken_toy_is_caught_by_its_law() {
    assert_eq!(caught::<{ toy::SOUND }>(), Vec::<&str>::new());
    assert!(caught::<{ toy::TRUSTS_TIME }>().contains(&"1"));
    assert!(caught::<{ toy::NEEDS_DRAINING }>().contains(&"2"));
    assert!(caught::<{ toy::KEEPS_DEADLINE }>().contains(&"3/4"));
    assert!(caught::<{ toy::READY_DEADLINE }>().contains(&"3/4"));
    assert!(caught::<{ toy::UNANNOUNCED }>().contains(&"3/4"));
    assert!(caught::<{ toy::SENTINEL }>().contains(&"3/4"));
    // Law 5 is checked at every poll.
    assert!(caught::<{ toy::OVERFLOWS }>().len() >= 5);
    assert!(caught::<{ toy::SCRIBBLES }>().len() >= 5);
    assert!(caught::<{ toy::RANDOM }>().contains(&"6"));
    assert!(caught::<{ toy::SPEAKS_AFTER_END }>().contains(&"7"));
    assert!(caught::<{ toy::ENDLESS }>().contains(&"7"));
    assert!(caught::<{ toy::LOUD }>().contains(&"9"));
    assert!(caught::<{ toy::UNCOUNTED }>().contains(&"9"));
}
