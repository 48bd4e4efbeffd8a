//! The nine laws of the contract, as checks that run on any machine.
//!
//! An [`Arena`] holds a pair of machines and plays a list of [`Op`]s on them: calls
//! in any order, time that jumps and goes back, datagrams lost, repeated, swapped
//! and made up. It writes down everything that the machines say. A law compares
//! two such plays, or looks at what follows one.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use proptest::collection::vec;
use proptest::prelude::*;

/// What the laws must know of a machine besides its contract.
pub trait Subject: Machine + Sized {
    /// Whether its datagrams are limited by its configuration, not by the writer.
    const FIXED_ROOM: bool = false;

    /// Two machines that will talk to each other, started.
    fn pair(seed: u64) -> [Self; 2];

    /// One of the commands of its application, but none that ends it.
    fn command(&mut self, now: Instant, choice: u8);

    /// The command that ends it.
    fn close(&mut self, now: Instant);

    /// Whether it is the event after which there is silence.
    fn is_terminal(event: &Self::Event) -> bool;

    /// Whether the pair has reached what it was started for.
    fn is_done(&self) -> bool;

    /// How many inputs it has dropped.
    fn dropped(&self) -> u64;
}

/// One call, or one thing that the network does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Time passes.
    Advance(Duration),
    /// The next call is told an earlier time.
    Skew(Duration),
    /// `handle_timeout`.
    Timeout(usize),
    /// `poll_transmit` with room for so many bytes.
    Transmit(usize, usize),
    /// `poll_event`.
    Event(usize),
    /// `handle_input` of one of the datagrams on the wire, not always the oldest.
    Deliver(usize, usize),
    /// The oldest datagram on the wire is lost.
    Lose(usize),
    /// The oldest datagram on the wire is there twice.
    Repeat(usize),
    /// `handle_input` of something made up.
    Garbage(usize, Vec<u8>),
    /// A command.
    Command(usize, u8),
}

/// Any list of calls.
pub fn ops(len: usize) -> impl Strategy<Value = Vec<Op>> {
    vec(op(), 0..len)
}

fn op() -> impl Strategy<Value = Op> {
    let side = 0..2_usize;
    let ms = |range: std::ops::Range<u64>| range.prop_map(Duration::from_millis);
    prop_oneof![
        4 => ms(0..100).prop_map(Op::Advance),
        2 => ms(0..500).prop_map(Op::Skew),
        4 => side.clone().prop_map(Op::Timeout),
        8 => (side.clone(), budget()).prop_map(|(side, room)| Op::Transmit(side, room)),
        4 => side.clone().prop_map(Op::Event),
        8 => (side.clone(), 0..4_usize).prop_map(|(side, nth)| Op::Deliver(side, nth)),
        1 => side.clone().prop_map(Op::Lose),
        1 => side.clone().prop_map(Op::Repeat),
        2 => (side.clone(), garbage()).prop_map(|(side, bytes)| Op::Garbage(side, bytes)),
        2 => (side, any::<u8>()).prop_map(|(side, choice)| Op::Command(side, choice)),
    ]
}

/// Mostly a usual datagram, at times very little.
fn budget() -> impl Strategy<Value = usize> {
    prop_oneof![6 => Just(ROOM), 1 => 0..ROOM, 1 => 0..20_usize]
}

/// Random bytes whose first byte is often that of a known protocol.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        Just(0),
        Just(1),
        20..26_u8,
        64..68_u8,
        128..132_u8,
        any::<u8>()
    ];
    (first, vec(any::<u8>(), 1..200)).prop_map(|(first, mut bytes)| {
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        bytes
    })
}

/// A pair of machines, the wire between them, and what they have said.
pub struct Arena<S: Subject> {
    now: Instant,
    skew: Duration,
    clamps: bool,
    /// The latest time that each side was told.
    latest: [Instant; 2],
    sides: [S; 2],
    /// The datagrams on their way to each side.
    wires: [VecDeque<Vec<u8>>; 2],
    ended: [bool; 2],
    /// Everything that came out.
    said: String,
}

type Verdict = Result<(), String>;

impl<S: Subject> Arena<S> {
    /// A fresh pair. With `clamps` no side is told an earlier time than before.
    pub fn new(seed: u64, clamps: bool) -> Self {
        Self {
            now: Instant::ZERO + Duration::from_secs(1),
            skew: Duration::ZERO,
            clamps,
            latest: [Instant::ZERO; 2],
            sides: S::pair(seed),
            wires: Default::default(),
            ended: [false; 2],
            said: String::new(),
        }
    }

    /// The machines.
    pub fn sides(&mut self) -> &mut [S; 2] {
        &mut self.sides
    }

    /// Plays all `ops`, checking after each what can be checked at once.
    pub fn play(&mut self, ops: &[Op]) -> Verdict {
        ops.iter().try_for_each(|op| self.apply(op))
    }

    fn apply(&mut self, op: &Op) -> Verdict {
        match op {
            Op::Advance(duration) => self.now += *duration,
            Op::Skew(duration) => self.skew = *duration,
            Op::Timeout(side) => self.timeout(*side)?,
            Op::Transmit(side, room) => {
                self.transmit(*side, *room)?;
            }
            Op::Event(side) => {
                self.event(*side);
            }
            Op::Deliver(side, nth) => {
                let wire = &mut self.wires[*side];
                let nth = (*nth).min(wire.len().saturating_sub(1));
                if let Some(bytes) = wire.remove(nth) {
                    self.input(*side, bytes);
                }
            }
            Op::Lose(side) => drop(self.wires[*side].pop_front()),
            Op::Repeat(side) => {
                let copy = self.wires[*side].front().cloned();
                self.wires[*side].extend(copy);
            }
            Op::Garbage(side, bytes) => self.input(*side, bytes.clone()),
            Op::Command(side, choice) => {
                self.sides[*side].command(self.now, *choice);
            }
        }
        self.sides.iter().try_for_each(timeout_is_pure)
    }

    /// The time that the next call to a side is told.
    fn told(&mut self, side: usize) -> Instant {
        let skew = std::mem::take(&mut self.skew);
        let nanos = u64::try_from(skew.as_nanos()).unwrap_or(u64::MAX);
        let told = Instant::from_nanos(self.now.as_nanos().saturating_sub(nanos));
        self.latest[side] = self.latest[side].max(told);
        if self.clamps { self.latest[side] } else { told }
    }

    fn input(&mut self, side: usize, mut bytes: Vec<u8>) {
        let now = self.told(side);
        self.sides[side].handle_input(now, path_of(side), &mut bytes);
    }

    /// Law 3: a deadline that has come is consumed.
    fn timeout(&mut self, side: usize) -> Verdict {
        let now = self.told(side);
        self.sides[side].handle_timeout(now);
        // An earlier time is treated as the last one, so both may count.
        match self.sides[side].poll_timeout() {
            Some(next) if next <= now => Err(format!(
                "law 3: after handle_timeout({now:?}) the deadline is {next:?}"
            )),
            _ => Ok(()),
        }
    }

    /// Law 5: at most one datagram, within the room, and nothing without one.
    fn transmit(&mut self, side: usize, room: usize) -> Result<bool, String> {
        let now = self.told(side);
        let room = if S::FIXED_ROOM { ROOM } else { room };
        let mut buffer = b"before".to_vec();
        let mut out = Writer::new(&mut buffer, room);
        let path = self.sides[side].poll_transmit(now, &mut out);
        if out.is_overflowed() {
            return Err(format!("law 5: more than the {room} bytes of room"));
        }
        if !buffer.starts_with(b"before") {
            return Err("law 5: what was in the buffer before is gone".into());
        }
        let bytes = buffer.split_off(b"before".len());
        match path {
            None if !bytes.is_empty() => Err("law 5: no datagram, but bytes written".into()),
            None => Ok(false),
            Some(_) if bytes.is_empty() => Err("law 5: a datagram without bytes".into()),
            Some(_) if self.ended[side] => Err("law 7: a datagram after the end".into()),
            Some(path) => {
                // Writing to a string cannot fail.
                let _ = writeln!(self.said, "{side} {path} {bytes:02x?}");
                let wire = &mut self.wires[1 - side];
                if wire.len() < WIRE_LIMIT {
                    wire.push_back(bytes);
                }
                Ok(true)
            }
        }
    }

    fn event(&mut self, side: usize) -> Option<S::Event> {
        let event = self.sides[side].poll_event()?;
        let _ = writeln!(self.said, "{side} {event:?}");
        self.ended[side] |= S::is_terminal(&event);
        Some(event)
    }

    /// Takes everything that a side has to say now.
    fn drain(&mut self, side: usize) -> Verdict {
        for _ in 0..SPIN_LIMIT {
            let sent = self.transmit(side, ROOM)?;
            let told = self.event(side).is_some();
            if !sent && !told {
                return Ok(());
            }
        }
        Err("law 4: always more to say, without any input".into())
    }

    /// Drives the pair as an application should, until `end` holds.
    fn run(&mut self, limit: Duration, end: impl Fn(&Self) -> bool) -> Result<bool, String> {
        let last = self.now + limit;
        let mut rounds = 0;
        let mut seen = self.now;
        while self.now <= last {
            rounds = if seen == self.now { rounds + 1 } else { 0 };
            seen = self.now;
            if rounds > SPIN_LIMIT {
                return Err("law 4: deadlines that are always due".into());
            }
            for side in 0..2 {
                while let Some(bytes) = self.wires[side].pop_front() {
                    self.input(side, bytes);
                }
                self.drain(side)?;
                timeout_is_pure(&self.sides[side])?;
            }
            if end(self) {
                return Ok(true);
            }
            if self.wires.iter().all(VecDeque::is_empty) {
                let Some(next) = self.deadline() else {
                    return Ok(false);
                };
                self.now = self.now.max(next);
                (0..2).try_for_each(|side| self.timeout(side))?;
            } else {
                self.now += LATENCY;
            }
        }
        Ok(false)
    }

    fn deadline(&self) -> Option<Instant> {
        self.sides.iter().filter_map(S::poll_timeout).min()
    }
}

/// Law 3: asking does not change the answer, and there is no far-future sentinel.
fn timeout_is_pure<S: Machine>(machine: &S) -> Verdict {
    let first = machine.poll_timeout();
    if first != machine.poll_timeout() {
        return Err("law 3: two questions, two deadlines".into());
    }
    match first {
        Some(deadline) if deadline > FAR_FUTURE => {
            Err(format!("law 3: {deadline:?} stands for never"))
        }
        _ => Ok(()),
    }
}

/// Law 1, told time: an earlier `now` is the same as the last one.
pub fn time_is_told<S: Subject>(seed: u64, ops: &[Op]) -> Verdict {
    let play = |clamps| -> Result<String, String> {
        let mut arena = Arena::<S>::new(seed, clamps);
        arena.play(ops)?;
        Ok(arena.said)
    };
    same(&play(false)?, &play(true)?, "law 1: time that goes back")
}

/// Law 2, no draining duty: whatever was or was not called, the job gets done.
pub fn nothing_has_to_be_drained<S: Subject>(seed: u64, ops: &[Op]) -> Verdict {
    let mut arena = Arena::<S>::new(seed, false);
    arena.play(ops)?;
    let done = |arena: &Arena<S>| arena.sides.iter().all(S::is_done);
    if arena.run(PATIENCE, done)? {
        Ok(())
    } else {
        Err("law 2: the pair did not recover from the calls".into())
    }
}

/// Laws 3 and 4: deadlines are announced, work that is ready is not a deadline.
pub fn ready_work_is_no_deadline<S: Subject>(seed: u64, ops: &[Op]) -> Verdict {
    let mut arena = Arena::<S>::new(seed, true);
    arena.play(ops)?;
    arena.skew = Duration::ZERO;
    for side in 0..2 {
        arena.timeout(side)?;
        arena.drain(side)?;
        let deadline = arena.sides[side].poll_timeout();
        if deadline.is_some_and(|deadline| deadline <= arena.now) {
            return Err("law 4: work that was ready is announced as a deadline".into());
        }
        let moment = Duration::from_nanos(1);
        let before = match deadline {
            Some(deadline) => arena.now + (deadline - arena.now).saturating_sub(moment),
            None => arena.now + PATIENCE,
        };
        let now = std::mem::replace(&mut arena.now, before);
        if arena.transmit(side, ROOM)? {
            return Err(format!(
                "law 4: nothing at {now:?}, deadline {deadline:?}, and yet work at {before:?}"
            ));
        }
        arena.now = now;
    }
    Ok(())
}

/// Law 6, deterministic: the same seed and the same calls say the same.
pub fn same_calls_say_the_same<S: Subject>(seed: u64, ops: &[Op]) -> Verdict {
    let play = || -> Result<String, String> {
        let mut arena = Arena::<S>::new(seed, false);
        arena.play(ops)?;
        Ok(arena.said)
    };
    same(&play()?, &play()?, "law 6: the same calls")
}

/// Law 7: an end comes after `close`, and silence after the end.
pub fn silence_follows_the_end<S: Subject>(seed: u64, ops: &[Op], after: &[Op]) -> Verdict {
    let mut arena = Arena::<S>::new(seed, true);
    arena.play(ops)?;
    let now = arena.now;
    arena.sides[0].close(now);
    if !arena.run(PATIENCE, |arena| arena.ended[0])? {
        return Err("law 7: closed, but no event says so".into());
    }
    arena.said.clear();
    if arena.sides[0].poll_timeout().is_some() {
        return Err("law 7: a deadline after the end".into());
    }
    for op in after {
        let before = arena.said.len();
        arena.apply(op)?;
        let told = arena.said.get(before..).unwrap_or_default();
        if told.starts_with("0 ") {
            return Err(format!("law 7: after the end {told}"));
        }
        if arena.sides[0].poll_timeout().is_some() {
            return Err("law 7: a deadline after the end".into());
        }
    }
    Ok(())
}

/// Law 9: bytes that mean nothing are counted, and change nothing.
pub fn garbage_is_quiet<S: Subject>(seed: u64, ops: &[Op]) -> Verdict {
    let mut noisy = Arena::<S>::new(seed, true);
    let mut quiet = Arena::<S>::new(seed, true);
    // Garbage tells the time, too: without jumps that makes no difference.
    for op in ops.iter().filter(|op| !matches!(op, Op::Skew(_))) {
        if let Op::Garbage(side, _) = op {
            let before = noisy.sides[*side].dropped();
            noisy.apply(op)?;
            if noisy.sides[*side].dropped() <= before {
                return Err("law 9: garbage that was not counted".into());
            }
        } else {
            noisy.apply(op)?;
            quiet.apply(op)?;
        }
    }
    same(&noisy.said, &quiet.said, "law 9: garbage")
}

fn same(a: &str, b: &str, what: &str) -> Verdict {
    let difference = a.lines().zip(b.lines()).find(|(a, b)| a != b);
    match difference {
        Some((a, b)) => Err(format!("{what} makes a difference:\n  {a}\n  {b}")),
        None if a.lines().count() != b.lines().count() => {
            Err(format!("{what} makes one say more:\n{a}\n--\n{b}"))
        }
        None => Ok(()),
    }
}

/// The way from a side to the other.
pub fn path_of(side: usize) -> Path {
    let address = |side: usize| {
        let last = u8::try_from(side).unwrap_or(0) + 1;
        std::net::SocketAddr::from(([10, 0, 0, last], 5000))
    };
    Path::udp(address(side), address(1 - side))
}

/// The room of a usual datagram.
const ROOM: usize = 1200;
/// As many datagrams as a wire holds.
const WIRE_LIMIT: usize = 1000;
/// After so many polls that return something, a machine spins.
const SPIN_LIMIT: usize = 5_000;
/// How long a datagram takes when all goes well.
const LATENCY: Duration = Duration::from_millis(10);
/// How long the laws wait for a job to be done.
const PATIENCE: Duration = Duration::from_secs(300);
/// No real deadline is later than this.
const FAR_FUTURE: Instant = Instant::from_millis(30 * 24 * 3600 * 1000);
