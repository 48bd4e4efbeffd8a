//! Commands that take their time: they go on a little in each turn of the loop.

use core::time::Duration;

use pollrtc::peer::{ChannelId, ChannelState, Data, SendError};
use pollrtc::{Instant, PeerConnection};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::content;
use crate::protocol::Kind;

/// A running command on one channel.
pub(crate) struct Job {
    pub(crate) id: Option<u64>,
    pub(crate) channel: ChannelId,
    started: Instant,
    work: Work,
}

/// How far has a job come?
pub(crate) enum Progress {
    /// It waits for the peer or for the moment in `Job::wake_at`.
    Waiting,
    /// It is finished; this is the answer.
    Done(Value),
    /// It cannot go on.
    Failed(&'static str),
}

enum Work {
    Echo(Echo),
    Bulk(Bulk),
    Burst(Burst),
}

struct Echo {
    plan: Vec<(Kind, usize)>,
    window: usize,
    sent: usize,
    received: usize,
    mismatches: usize,
}

struct Bulk {
    total: usize,
    chunk: usize,
    sent: usize,
    index: usize,
    hash: Sha256,
}

struct Burst {
    count: u32,
    size: usize,
    interval: Duration,
    index: u32,
    next_at: Instant,
}

impl Job {
    pub(crate) fn echo(
        id: Option<u64>,
        channel: ChannelId,
        now: Instant,
        plan: Vec<(Kind, usize)>,
        window: usize,
    ) -> Self {
        let echo = Echo {
            plan,
            window,
            sent: 0,
            received: 0,
            mismatches: 0,
        };
        Self::new(id, channel, now, Work::Echo(echo))
    }

    pub(crate) fn bulk(
        id: Option<u64>,
        channel: ChannelId,
        now: Instant,
        total: usize,
        chunk: usize,
    ) -> Self {
        let bulk = Bulk {
            total,
            chunk: chunk.max(1),
            sent: 0,
            index: 0,
            hash: Sha256::new(),
        };
        Self::new(id, channel, now, Work::Bulk(bulk))
    }

    pub(crate) fn burst(
        id: Option<u64>,
        channel: ChannelId,
        now: Instant,
        count: u32,
        size: usize,
        interval: Duration,
    ) -> Self {
        let burst = Burst {
            count,
            size: size.max(4),
            interval,
            index: 0,
            next_at: now,
        };
        Self::new(id, channel, now, Work::Burst(burst))
    }

    const fn new(id: Option<u64>, channel: ChannelId, started: Instant, work: Work) -> Self {
        Self {
            id,
            channel,
            started,
            work,
        }
    }

    /// Whether an arriving message of the channel belongs to the job; it is counted then.
    pub(crate) fn take(&mut self, data: &Data) -> bool {
        let Work::Echo(echo) = &mut self.work else {
            return false;
        };
        let index = echo.received;
        echo.received += 1;
        let expected = echo.plan.get(index);
        if !expected.is_some_and(|&(kind, size)| content::same(kind, index, size, data)) {
            echo.mismatches += 1;
        }
        true
    }

    /// When it wants another turn, if it waits for time to pass.
    pub(crate) const fn wake_at(&self) -> Option<Instant> {
        match &self.work {
            Work::Burst(burst) => Some(burst.next_at),
            Work::Echo(_) | Work::Bulk(_) => None,
        }
    }

    /// Sends what may be sent now.
    pub(crate) fn advance(&mut self, peer: &mut PeerConnection, now: Instant) -> Progress {
        if peer
            .channel(self.channel)
            .is_none_or(|channel| channel.state != ChannelState::Open)
        {
            return match &self.work {
                Work::Echo(echo) => Progress::Done(echo.report(now.since(self.started))),
                Work::Bulk(_) | Work::Burst(_) => Progress::Failed("the channel is not open"),
            };
        }
        let progress = match &mut self.work {
            Work::Echo(echo) => echo.advance(peer, self.channel, now),
            Work::Bulk(bulk) => bulk.advance(peer, self.channel, now),
            Work::Burst(burst) => burst.advance(peer, self.channel, now),
        };
        match progress {
            Ok(true) => Progress::Done(self.report(now)),
            Ok(false) | Err(SendError::Full) => Progress::Waiting,
            Err(SendError::TooLarge) => Progress::Failed("the message is too large"),
            Err(_) => Progress::Failed("the channel cannot send"),
        }
    }

    fn report(&self, now: Instant) -> Value {
        let elapsed = now.since(self.started);
        match &self.work {
            Work::Echo(echo) => echo.report(elapsed),
            Work::Bulk(bulk) => json!({
                "event": "bulk_sent",
                "bytes": bulk.sent,
                "sha256": hex::encode(bulk.hash.clone().finalize()),
                "elapsed_ms": elapsed.as_secs_f64() * 1000.0,
            }),
            Work::Burst(_) => json!({ "event": "ok" }),
        }
    }
}

/// Each `advance` sends what may be sent now; `true` once the work is done.
impl Echo {
    fn advance(
        &mut self,
        peer: &mut PeerConnection,
        channel: ChannelId,
        now: Instant,
    ) -> Result<bool, SendError> {
        while let Some(&(kind, size)) = self.plan.get(self.sent)
            && self.sent < self.received + self.window
        {
            peer.send(now, channel, content::message(kind, self.sent, size))?;
            self.sent += 1;
        }
        Ok(self.received >= self.plan.len())
    }

    fn report(&self, elapsed: Duration) -> Value {
        json!({
            "event": "echo_done",
            "received": self.received,
            "mismatches": self.mismatches,
            "elapsed_ms": elapsed.as_secs_f64() * 1000.0,
        })
    }
}

impl Bulk {
    fn advance(
        &mut self,
        peer: &mut PeerConnection,
        channel: ChannelId,
        now: Instant,
    ) -> Result<bool, SendError> {
        while self.sent < self.total && peer.buffered_amount(channel) <= MAX_BUFFERED {
            let size = self.chunk.min(self.total - self.sent);
            let message = content::binary(self.index, size);
            peer.send(now, channel, message.clone())?;
            self.hash.update(&message);
            self.sent += size;
            self.index += 1;
        }
        Ok(self.sent >= self.total && peer.buffered_amount(channel) == 0)
    }
}

impl Burst {
    fn advance(
        &mut self,
        peer: &mut PeerConnection,
        channel: ChannelId,
        now: Instant,
    ) -> Result<bool, SendError> {
        while self.index < self.count
            && self.next_at <= now
            && peer.buffered_amount(channel) <= MAX_BUFFERED
        {
            let mut message = vec![0; self.size];
            message[..4].copy_from_slice(&self.index.to_be_bytes());
            peer.send(now, channel, message)?;
            self.index += 1;
            if !self.interval.is_zero() {
                self.next_at = now + self.interval;
            }
        }
        Ok(self.index >= self.count)
    }
}

/// How much a sender keeps in the channel's buffer.
const MAX_BUFFERED: usize = 1 << 20;
