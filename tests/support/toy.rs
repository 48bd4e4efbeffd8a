//! The smallest machine that has all that the laws speak of, and ways to break it.
//!
//! Each side sends `HELLO` until the other has answered `WELCOME`, and repeats it
//! with a timer. `close` says `BYE` once.

use std::collections::VecDeque;
use std::time::Duration;

use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;

use super::laws::{Subject, path_of};

/// A machine that keeps the laws unless `FAULT` says which it breaks.
#[derive(Debug)]
pub struct Toy<const FAULT: usize> {
    rng: Rng,
    path: Path,
    last: Instant,
    outbox: VecDeque<&'static [u8; 4]>,
    events: VecDeque<Told>,
    retry: Option<Instant>,
    state: State,
    dropped: u64,
    heap: Vec<Vec<u8>>,
}

/// What a toy tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The peer has answered.
    Met,
    /// It is over.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Met,
    Closed,
}

/// A toy that keeps all laws.
pub const SOUND: usize = 0;
/// Takes an earlier time at its word.
pub const TRUSTS_TIME: usize = 1;
/// Forgets what is not polled at once.
pub const NEEDS_DRAINING: usize = 2;
/// Keeps a deadline that has come.
pub const KEEPS_DEADLINE: usize = 3;
/// Announces ready work as a deadline.
pub const READY_DEADLINE: usize = 4;
/// Writes more than there is room for.
pub const OVERFLOWS: usize = 5;
/// Says something else each time.
pub const RANDOM: usize = 6;
/// Speaks after its end.
pub const SPEAKS_AFTER_END: usize = 7;
/// Says `None` for never in the wrong way.
pub const SENTINEL: usize = 8;
/// Is moved by garbage.
pub const LOUD: usize = 9;
/// Writes bytes and says that it did not.
pub const SCRIBBLES: usize = 10;
/// Never says that it has closed.
pub const ENDLESS: usize = 11;
/// Does not announce when it will have work.
pub const UNANNOUNCED: usize = 12;
/// Does not count what it drops.
pub const UNCOUNTED: usize = 13;

const RETRY: Duration = Duration::from_millis(200);
const HELLO: &[u8; 4] = b"HELO";
const WELCOME: &[u8; 4] = b"WELC";
const BYE: &[u8; 4] = b"BYE!";

impl<const FAULT: usize> Toy<FAULT> {
    fn new(seed: u64, side: usize) -> Self {
        Self {
            rng: Rng::from_number(if FAULT == RANDOM { entropy() } else { seed }),
            path: path_of(side),
            last: Instant::ZERO,
            outbox: VecDeque::from([HELLO]),
            events: VecDeque::new(),
            retry: None,
            state: State::Calling,
            dropped: 0,
            heap: Vec::new(),
        }
    }

    fn told(&mut self, now: Instant) -> Instant {
        if FAULT != TRUSTS_TIME {
            self.last = self.last.max(now);
            return self.last;
        }
        now
    }

    /// Nothing stays queued without a bound: what is there already need not be
    /// there twice.
    fn queue(&mut self, word: &'static [u8; 4]) {
        if !self.outbox.contains(&word) {
            self.outbox.push_back(word);
        }
    }

    fn garbage(&mut self, bytes: &[u8]) {
        if FAULT != UNCOUNTED {
            self.dropped += 1;
        }
        if FAULT == LOUD {
            self.queue(BYE);
            self.heap.push(bytes.to_vec());
        }
    }
}

/// A number that differs from call to call without any clock.
fn entropy() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed)
}

impl<const FAULT: usize> Machine for Toy<FAULT> {
    type Event = Told;

    fn handle_input(&mut self, now: Instant, _path: Path, datagram: &mut [u8]) {
        self.told(now);
        if FAULT == NEEDS_DRAINING && !self.outbox.is_empty() {
            self.outbox.clear();
            self.retry = None;
        }
        if self.state == State::Closed {
            if FAULT == SPEAKS_AFTER_END {
                self.queue(BYE);
            }
            return;
        }
        match datagram.first_chunk() {
            Some(HELLO) => self.queue(WELCOME),
            Some(WELCOME) if self.state == State::Calling => {
                self.state = State::Met;
                self.retry = None;
                self.events.push_back(Told::Met);
            }
            Some(WELCOME | BYE) => {}
            _ => self.garbage(datagram),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.told(now);
        if self.retry.is_some_and(|at| at <= now) && FAULT != KEEPS_DEADLINE {
            self.retry = None;
            self.queue(HELLO);
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let now = self.told(now);
        if FAULT == UNANNOUNCED && self.retry.take_if(|at| *at <= now + RETRY / 2).is_some() {
            self.queue(HELLO);
        }
        if FAULT == SCRIBBLES && self.outbox.is_empty() && out.remaining() > 0 {
            out.u8(1);
            return None;
        }
        if out.remaining() < 8 && FAULT != OVERFLOWS {
            return None;
        }
        let word = *self.outbox.front()?;
        if FAULT == READY_DEADLINE && word == WELCOME && self.retry.is_none() {
            self.retry = Some(now);
            return None;
        }
        self.outbox.pop_front();
        if word == HELLO && self.state == State::Calling {
            self.retry = Some(now + RETRY);
        }
        out.bytes(word);
        out.u32(self.rng.u32());
        Some(self.path)
    }

    fn poll_event(&mut self) -> Option<Told> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self.retry {
            None if FAULT == SENTINEL => Some(Instant::from_nanos(u64::MAX)),
            retry => retry,
        }
    }
}

impl<const FAULT: usize> Subject for Toy<FAULT> {
    fn pair(seed: u64) -> [Self; 2] {
        [Self::new(seed, 0), Self::new(seed.wrapping_add(1), 1)]
    }

    fn command(&mut self, _now: Instant, _choice: u8) {}

    fn close(&mut self, _now: Instant) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.retry = None;
            self.outbox.clear();
            self.events.clear();
            if FAULT != ENDLESS {
                self.events.push_back(Told::Closed);
            }
        }
    }

    fn is_terminal(event: &Told) -> bool {
        *event == Told::Closed
    }

    fn is_done(&self) -> bool {
        self.state == State::Met
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}
