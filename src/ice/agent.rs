//! The agent: what the application and its parent see.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use rand_core::CryptoRng;

use super::candidate::{self, CandidateError, LocalCandidate};
use super::gatherer::Gatherer;
use super::generation::{Generation, Local, Progress, Remote};
use super::restart::carrier_mut;
use super::send::{Agenda, Reply};
use super::state::{Events, Patience};
use super::{
    Credentials, CredentialsError, Event, FailReason, GatheringState, IceConfig, IceState,
    PairReport, Role, Stats, TransportPolicy,
};
use crate::crypto::CryptoError;
use crate::cursor::Writer;
use crate::net::{Candidate, CandidateAddress, CandidateKind, Path};
use crate::rng::Rng;
use crate::stun::Key;
use crate::time::Instant;
use crate::wire::demux::{self, Class};

/// Which path to the peer works, and where do datagrams go?
///
/// A full ICE agent with one component. See the [module](super) for its place in
/// a loop.
#[derive(Debug)]
pub struct IceAgent {
    pub(super) config: IceConfig,
    pub(super) rng: Rng,
    /// The latest moment that we were told: an earlier one is taken for it.
    pub(super) latest: Instant,
    pub(super) role: Role,
    pub(super) tie_breaker: u64,
    /// Whether both ends agreed that a nomination may be replaced by another.
    pub(super) renomination: bool,
    pub(super) locals: Vec<LocalCandidate>,
    pub(super) gathering: GatheringState,
    /// Which candidates are used when the next search begins, if not the same.
    pub(super) next_policy: Option<TransportPolicy>,
    /// The newest generation.
    pub(super) generation: Generation,
    /// Those before it that are still of use, the oldest first: at most two.
    pub(super) older: Vec<Generation>,
    /// How many there were.
    pub(super) generations: u32,
    /// Data of somebody whose credentials are not known yet does not pass.
    pub(super) deaf_to_strangers: bool,
    pub(super) state: IceState,
    /// The selected pair that the application was told of, and its generation.
    pub(super) selected: Option<(u32, Path)>,
    pub(super) replies: VecDeque<Reply>,
    pub(super) agenda: Agenda,
    /// Servers, streams and names, if there are any.
    pub(super) gatherer: Option<Box<Gatherer>>,
    pub(super) events: Events,
    pub(super) stats: Stats,
}

/// The two ends of the selected pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedPair {
    /// Our end.
    pub local: Candidate,
    /// The peer's end.
    pub remote: Candidate,
    /// The way datagrams take.
    pub path: Path,
    /// The round-trip time that the last check showed.
    pub rtt: Option<Duration>,
}

/// Constructor and commands.
impl IceAgent {
    /// An agent with fresh credentials.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Unsupported`] if the provider has no HMAC over SHA-1,
    /// without which there are no checks.
    pub fn new(
        config: IceConfig,
        role: Role,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, CryptoError> {
        let mut rng = Rng::from_rng(rng);
        let local = Local::new(config.provider, Credentials::generate(&mut rng))?;
        Ok(Self {
            latest: Instant::ZERO,
            role: if config.lite { Role::Controlled } else { role },
            tie_breaker: rng.u64(),
            renomination: false,
            locals: Vec::new(),
            gathering: GatheringState::New,
            next_policy: None,
            generation: Generation::new(local, &config),
            older: Vec::new(),
            generations: 0,
            deaf_to_strangers: false,
            state: IceState::New,
            selected: None,
            replies: VecDeque::new(),
            agenda: Agenda::default(),
            gatherer: None,
            events: Events::default(),
            stats: Stats::default(),
            config,
            rng,
        })
    }

    /// The peer's name and password. Checks begin with them. Saying them again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]; nothing changed then.
    pub fn set_remote_credentials(
        &mut self,
        credentials: Credentials,
    ) -> Result<(), CredentialsError> {
        if self.is_closed() {
            return Err(CredentialsError::Closed);
        }
        credentials.check()?;
        let is_known = |generation: &Generation| {
            let remote = generation.remote.as_ref();
            remote.is_some_and(|remote| remote.credentials == credentials)
        };
        if self.generation_that(is_known).is_some() {
            return Ok(());
        }
        if self.generation.remote.is_some() {
            return Err(CredentialsError::AlreadySet);
        }
        let key = Key::short_term(self.config.provider, &credentials.pwd)
            .map_err(|_| CredentialsError::Password)?;
        let username = format!(
            "{}:{}",
            credentials.ufrag, self.generation.local.credentials.ufrag
        );
        self.drop_other_generations(&credentials.ufrag);
        self.generation.remote = Some(Remote {
            credentials,
            key,
            username,
        });
        self.generation.progress.patience = Patience::Wanted;
        self.restart_agreed();
        self.settle();
        self.refresh();
        Ok(())
    }

    /// Changes the role, as when an offer turns out to be answered by a lite agent.
    /// A lite agent stays controlled.
    pub fn set_role(&mut self, role: Role) {
        if self.role != role && !self.is_closed() && !self.config.lite {
            self.change_role(role);
            self.settle();
            self.refresh();
        }
    }

    /// Whether the peer is a lite agent: it sends no checks, and leaves the
    /// choice to us (RFC 8445 §6.1.1).
    pub fn set_remote_lite(&mut self, lite: bool) {
        if lite {
            self.set_role(Role::Controlling);
        }
    }

    /// Whether both ends agreed, by `renomination` among their ICE options, that the
    /// controlling one may replace its nomination when a better pair works
    /// (draft-thatcher-ice-renomination). Otherwise it does that only when the
    /// nominated one stops to work.
    pub const fn set_renomination(&mut self, agreed: bool) {
        self.renomination = agreed;
    }

    /// A place where the peer might be reached. In any order with the other
    /// commands; repeated ones change nothing. One that does not say its user
    /// fragment belongs to the credentials that were set last.
    ///
    /// # Errors
    ///
    /// [`CandidateError`]; nothing changed then. Most can be ignored: another
    /// candidate may do.
    pub fn add_remote_candidate(&mut self, candidate: Candidate) -> Result<(), CandidateError> {
        if self.is_closed() {
            return Err(CandidateError::Closed);
        }
        if matches!(candidate.address, CandidateAddress::Name { .. }) {
            return self.add_named(candidate);
        }
        let address = candidate::usable_address(&candidate)?;
        let number = self
            .generation_of_candidate(candidate.ufrag.as_deref())
            .ok_or(CandidateError::OtherUfrag)?;
        self.in_generation(number, |agent| agent.pair_signalled(candidate, address))
            .unwrap_or(Ok(()))?;
        self.settle();
        self.refresh();
        Ok(())
    }

    /// The peer has no more candidates to tell.
    pub fn end_of_remote_candidates(&mut self) {
        if !self.is_closed() {
            if let Some(number) = self.generation_of_candidate(None) {
                self.in_generation(number, |agent| agent.generation.remotes_ended = true);
            }
            self.settle();
            self.refresh();
        }
    }

    /// A socket would not take a datagram of data that [`seal`](Self::seal) wrote
    /// for `path`: for the statistics.
    pub fn discarded(&mut self, path: Path, bytes: usize) {
        if let Some(pair) = self.proved_pair(path) {
            pair.stats.packets_discarded += 1;
            pair.stats.bytes_discarded += bytes as u64;
        }
    }

    /// Ends the agent. After [`Event::Closed`] it is silent.
    ///
    /// While it has addresses at relays it gives them back first: it says so by
    /// [`poll_transmit`](Self::poll_transmit), waits for the answers for two seconds at
    /// most, and `Closed` comes after them. An application that cannot wait polls
    /// until nothing is left to send.
    pub fn close(&mut self) {
        if self.is_closed() {
            return;
        }
        self.generation.checks.stop();
        self.older.clear();
        self.replies.clear();
        self.events.clear();
        self.state = IceState::Closed;
        self.generation.progress = Progress {
            state: IceState::Closed,
            ..Progress::new()
        };
        self.close_servers();
        if self.gatherer.is_none() {
            self.events.push(Event::Closed);
        }
        self.refresh();
    }
}

/// The verbs of a filter.
impl IceAgent {
    /// Takes a datagram that came over `path`, and gives back what is not ICE's.
    ///
    /// STUN stays here. Data passes if a check has proved the path; the rest is
    /// counted and dropped.
    pub fn open<'d>(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &'d mut [u8],
    ) -> Option<&'d mut [u8]> {
        if path.protocol.is_stream() {
            self.stats.dropped.unknown_stream += 1;
            return None;
        }
        self.open_datagram(now, path, datagram)
    }

    /// The same for a datagram that may have come out of a stream.
    pub(super) fn open_datagram<'d>(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &'d mut [u8],
    ) -> Option<&'d mut [u8]> {
        let mut path = Path {
            remote: candidate::seen_from(path.local, path.remote),
            ..path
        };
        let mut datagram = datagram;
        if self.gatherer.is_some() {
            let now = self.told(now);
            (path, datagram) = self.unwrap(now, path, datagram)?;
        }
        if self.is_closed() {
            return None;
        }
        if demux::classify(datagram) == Class::Stun {
            let now = self.told(now);
            self.on_stun(now, path, datagram);
            return None;
        }
        let is_restarting = self.generation.remote.is_none() && !self.older.is_empty();
        if is_restarting && self.deaf_to_strangers && !self.is_agreed(path) {
            self.stats.dropped.stranger += 1;
            return None;
        }
        let Some(pair) = self.proved_pair(path) else {
            self.stats.dropped.unproved_path += 1;
            return None;
        };
        pair.stats.packets_received += 1;
        pair.stats.bytes_received += datagram.len() as u64;
        pair.stats.last_packet_received = Some(now);
        if self.current_path() != Some(path) {
            let now = self.told(now);
            if self.doubt_current(now, false) {
                self.refresh();
            }
        }
        Some(datagram)
    }

    /// Lets `fill` write a datagram, and says where it goes: over the selected
    /// pair or, before there is one, the best that works. `None`, without calling
    /// `fill`, while the peer's consent is missing.
    ///
    /// With servers there is always room left for what a relay needs, also where
    /// none is used: what is sent again has the same size, and may take another way.
    pub fn seal(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<Path> {
        let now = self.latest;
        let may_wrap = self.gatherer.is_some() || !self.config.servers.is_empty();
        let around = if may_wrap { MOST_AROUND } else { 0 };
        let most = out.remaining().saturating_sub(around);
        let Self {
            older,
            generation,
            gatherer,
            ..
        } = self;
        let generation = carrier_mut(older, generation);
        let current = generation.progress.current?;
        let pair = generation.checks.pairs.get_mut(current)?;
        let mut len = 0;
        let fill = |out: &mut Writer<'_>| {
            let start = out.len();
            let filled = out.within(most, fill);
            len = out.len() - start;
            filled
        };
        let way = match gatherer {
            Some(gatherer) => Some(gatherer.carry(pair.path, out, fill)?),
            // Nothing is put around it.
            None => fill(out).then_some(None)?,
        };
        pair.stats.packets_sent += 1;
        pair.stats.bytes_sent += len as u64;
        pair.stats.last_packet_sent = Some(now);
        Some(way.unwrap_or(pair.path))
    }

    /// Time passed: timers that have run out become work or conclusions.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.told(now);
        self.servers_timeout(now);
        if self.is_silent() {
            return;
        }
        self.begin_patience(now);
        self.for_each_generation(|agent| {
            agent.generation.progress.patience.on_timeout(now);
            for index in 0..agent.generation.checks.pairs.len() {
                agent.pair_timeout(now, index);
            }
        });
        self.conclude(now);
    }

    /// When `handle_timeout` wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.agenda.deadline()
    }

    /// Whether [`poll_event`](Self::poll_event) has something to tell.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// What has changed.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop()
    }
}

/// Questions.
impl IceAgent {
    /// Our name and password, for the peer.
    #[must_use]
    pub const fn local_credentials(&self) -> &Credentials {
        &self.generation.local.credentials
    }

    /// Who decides which pair is used.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// How far the agent is.
    #[must_use]
    pub const fn state(&self) -> IceState {
        self.state
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn fail_reason(&self) -> Option<FailReason> {
        let failed = self.state == IceState::Failed;
        self.generation.progress.lost.filter(|_| failed)
    }

    /// How far the search for local candidates is.
    #[must_use]
    pub const fn gathering_state(&self) -> GatheringState {
        self.gathering
    }

    /// The local candidates that the peer is to be told of.
    pub fn local_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.locals
            .iter()
            .filter(|local| local.is_public(self.config.policy))
            .map(|local| &local.candidate)
            .filter(|candidate| candidate.kind != CandidateKind::PeerReflexive)
    }

    /// The remote candidates, learned ones included.
    pub fn remote_candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.generation
            .remotes
            .iter()
            .map(|remote| &remote.candidate)
    }

    /// The pair that was nominated.
    #[must_use]
    pub fn selected_pair(&self) -> Option<SelectedPair> {
        let report = self.selected_report()?;
        Some(SelectedPair {
            local: report.local.clone(),
            remote: report.remote.clone(),
            path: report.path,
            rtt: report.stats.current_round_trip,
        })
    }

    /// The path that data is sent on, if there is one.
    #[must_use]
    pub fn current_path(&self) -> Option<Path> {
        let generation = self.carrier();
        let pair = generation.checks.pairs.get(generation.progress.current?)?;
        Some(pair.path)
    }

    /// All pairs, in no order; those from before a restart too while they are of use.
    pub fn pairs(&self) -> impl Iterator<Item = PairReport<'_>> {
        let generations = self.older.iter().chain([&self.generation]);
        generations.flat_map(|generation| {
            let pairs = generation.checks.pairs.iter();
            pairs.filter_map(|pair| self.report(generation, pair))
        })
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == IceState::Closed
    }

    /// Whether nothing is said or waited for any more. A restart changes that.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.state, IceState::Failed | IceState::Closed)
    }
}

/// What a relay may need around a datagram: the header and attributes of a Send
/// indication to an address of IPv6, with padding (RFC 8656 §11.1).
const MOST_AROUND: usize = 20 + 24 + 4 + 3;
