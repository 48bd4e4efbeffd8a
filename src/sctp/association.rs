//! The association itself: commands in, packets in, packets out.

use bytes::Bytes;
use core::time::Duration;
use rand_core::CryptoRng;

use super::config::SctpConfig;
use super::cookie::CookieJar;
use super::error::{CloseReason, Noise, SendError, Stop};
use super::event::{Event, Events};
use super::message::{Message, MessageInfo, SendOptions};
use super::replies::{Replies, Stray};
use super::rx::{Limits, Reassembly};
use super::state::{CookieWait, Identity, Phase, State, TIMERS, Tcb, Timer};
use super::stats::{PathStats, Stats};
use super::tx::Feed;
use super::tx::send_queue::SendQueue;
use crate::cursor::{Reader, Writer};
use crate::rng::Rng;
use crate::time::Instant;
use crate::timer::TimerTable;
use crate::wire::sctp::chunk::{Init, Unknown};
use crate::wire::sctp::{Cause, Chunk, Chunks, Header, Packet, Ppid, StreamId, checksum_is_valid};

/// Messages to and from one peer, each whole, in order or not, for as long as
/// it is worth (RFC 9260, RFC 3758, RFC 6525).
///
/// Both sides may [`connect`](Self::connect); the later one becomes part of the
/// same association. The parent gives packets to
/// [`handle_input`](Self::handle_input) and asks for them with
/// [`poll_transmit`](Self::poll_transmit); datagrams below may be lost,
/// doubled and reordered.
///
/// ```
/// use pollrtc::cursor::Writer;
/// use pollrtc::rng::Rng;
/// use pollrtc::sctp::{Ppid, SctpAssociation, SctpConfig, SendOptions, StreamId};
/// use pollrtc::time::Instant;
///
/// let mut rng = Rng::from_number(1);
/// let mut a = SctpAssociation::new(SctpConfig::default(), &mut rng);
/// let mut b = SctpAssociation::new(SctpConfig::default(), &mut rng);
/// a.connect();
/// let now = Instant::ZERO;
/// a.send(now, StreamId(1), Ppid(51), SendOptions::default(), "hello".into())?;
/// let mut carry = |from: &mut SctpAssociation, to: &mut SctpAssociation| {
///     let mut packet = Vec::new();
///     let sent = from.poll_transmit(now, &mut Writer::new(&mut packet, 1200));
///     if sent {
///         to.handle_input(now, &mut packet);
///     }
///     sent
/// };
/// while carry(&mut a, &mut b) | carry(&mut b, &mut a) {}
/// assert_eq!(b.take_message().map(|message| message.data), Some("hello".into()));
/// # Ok::<(), pollrtc::sctp::SendError>(())
/// ```
#[derive(Debug)]
pub struct SctpAssociation {
    pub(super) state: State,
    pub(super) ctx: Context,
}

/// What an association has in every state.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: SctpConfig,
    pub(crate) rng: Rng,
    /// What we call ourselves.
    pub(crate) local: Identity,
    pub(crate) queue: SendQueue,
    pub(crate) inbox: Reassembly,
    pub(crate) jar: CookieJar,
    pub(crate) replies: Replies,
    pub(crate) timers: TimerTable<TIMERS>,
    pub(crate) events: Events,
    pub(crate) stats: Stats,
    /// The latest moment we were told. An earlier one is taken for this one.
    latest: Instant,
}

/// Where is an association in its life?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SctpState {
    /// Nothing happened yet; a peer that connects is welcome.
    New,
    /// The two sides are getting to know each other.
    Connecting,
    /// Messages travel.
    Connected,
    /// What was sent still arrives, then it is over.
    ShuttingDown,
    /// It is over.
    Closed,
}

impl SctpAssociation {
    /// An association that waits for [`connect`](Self::connect), or for the peer's.
    #[must_use]
    pub fn new(config: SctpConfig, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut rng = Rng::from_rng(rng);
        let limits = Limits {
            buffer: config.receive_buffer,
            message: config.max_receive_message,
            streams: config.max_streams,
        };
        Self {
            state: State::Idle,
            ctx: Context {
                local: Identity::random(&mut rng),
                queue: SendQueue::new(config.send_buffer),
                inbox: Reassembly::new(limits),
                jar: CookieJar::default(),
                replies: Replies::default(),
                timers: TimerTable::new(),
                events: Events::default(),
                stats: Stats::default(),
                latest: Instant::ZERO,
                rng,
                config,
            },
        }
    }

    /// Another one in its place, for another peer, by the same configuration.
    #[must_use]
    pub(crate) fn successor(&mut self) -> Self {
        Self::new(self.ctx.config.clone(), &mut self.ctx.rng)
    }

    /// Asks the peer for an association. Without effect if there is one, or was.
    pub fn connect(&mut self) {
        if matches!(self.state, State::Idle) {
            self.state = State::CookieWait(CookieWait {
                due: true,
                attempts: 0,
            });
        }
    }

    /// Takes in a packet. Whatever it holds, nothing fails here.
    pub fn handle_input(&mut self, now: Instant, datagram: &mut [u8]) {
        let now = self.ctx.tell(now);
        if matches!(self.state, State::Closing(_) | State::Closed) {
            return;
        }
        self.ctx.stats.packets_received += 1;
        let result = self.on_packet(now, datagram);
        self.stop(result);
    }

    /// The moment that [`poll_timeout`](Self::poll_timeout) named has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.ctx.tell(now);
        for timer in Timer::ALL {
            if self.ctx.timers.expire(timer, now) {
                let result = self.on_timer(now, timer);
                self.stop(result);
            }
        }
    }

    /// Writes the next packet, if there is a reason for one.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let now = self.ctx.tell(now);
        let sent = self.transmit(now, out);
        self.ctx.stats.packets_sent += u64::from(sent);
        sent
    }

    /// Whether there is no association and nothing to answer, so that
    /// [`poll_transmit`](Self::poll_transmit) has nothing to write: cheap to ask.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        match self.state {
            State::Closed => true,
            State::Idle => self.ctx.replies.stray.is_none() && self.ctx.replies.init.is_none(),
            State::CookieWait(_) | State::Open(_) | State::Closing(_) => false,
        }
    }

    /// What happened?
    pub fn poll_event(&mut self) -> Option<Event> {
        if !matches!(self.state, State::Closed) {
            while let Some(stream) = self.ctx.inbox.poll_reset() {
                self.ctx.events.push(Event::StreamReset(stream));
            }
        }
        let event = self.ctx.events.pop();
        if matches!(event, Some(Event::Closed(_))) {
            self.ctx.events.clear();
        }
        event
    }

    /// When does [`handle_timeout`](Self::handle_timeout) have to be called?
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.ctx.timers.next()
    }

    /// Takes a message to send. It goes out with the next packets; its bytes
    /// are kept, not copied, until the peer has them.
    ///
    /// # Errors
    ///
    /// [`SendError`] says why the message was not taken.
    pub fn send(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        options: SendOptions,
        data: Bytes,
    ) -> Result<(), SendError> {
        let now = self.ctx.tell(now);
        let streams = match &self.state {
            State::Closing(_) | State::Closed => return Err(SendError::Closed),
            State::Open(tcb) if !tcb.takes_messages() => return Err(SendError::ShuttingDown),
            State::Open(tcb) => tcb.peer.outbound_streams,
            State::Idle | State::CookieWait(_) => self.ctx.config.max_streams,
        };
        if stream.0 >= streams {
            return Err(SendError::NoSuchStream);
        }
        if data.is_empty() {
            return Err(SendError::Empty);
        }
        let len = data.len();
        if len > self.ctx.config.max_send_message {
            return Err(SendError::TooLarge);
        }
        self.ctx.queue.push(now, stream, ppid, options, data)?;
        self.ctx.stats.data.messages_sent += 1;
        self.ctx.stats.data.bytes_sent += len as u64;
        Ok(())
    }

    /// What kind of message will [`take_message`](Self::take_message) give?
    #[must_use]
    pub fn peek_message(&self) -> Option<MessageInfo> {
        self.ctx.inbox.peek()
    }

    /// The next message that arrived. Taking it makes room for more.
    pub fn take_message(&mut self) -> Option<Message> {
        let Context {
            inbox,
            events,
            stats,
            config,
            ..
        } = &mut self.ctx;
        let is_over = matches!(self.state, State::Closed);
        let message = inbox.take(|stream| {
            if !is_over {
                events.push(Event::StreamReset(stream));
            }
        })?;
        stats.data.messages_received += 1;
        stats.data.bytes_received += message.data.len() as u64;
        if let State::Open(tcb) = &mut self.state {
            tcb.rx
                .on_window(inbox.window(), config.mtu, config.receive_buffer);
        }
        Some(message)
    }

    /// How many bytes given to a stream were not sent yet?
    #[must_use]
    pub fn buffered_amount(&self, stream: StreamId) -> usize {
        self.ctx.queue.buffered_amount(stream)
    }

    /// Asks for an event when the buffered amount of a stream falls to this.
    pub fn set_buffered_amount_low_threshold(&mut self, stream: StreamId, threshold: usize) {
        if stream.0 < self.ctx.config.max_streams {
            self.ctx.queue.set_threshold(stream, threshold);
        }
    }

    /// How many streams there may be in each direction; after
    /// [`Event::Connected`] the peer may have wanted less.
    #[must_use]
    pub const fn max_streams(&self) -> u16 {
        self.ctx.config.max_streams
    }

    /// The peer's port, as its description says. Before anything was sent.
    pub const fn set_remote_port(&mut self, port: u16) {
        self.ctx.config.remote_port = port;
    }

    /// The largest message that the peer takes, as its description says.
    pub const fn set_max_send_message(&mut self, size: usize) {
        self.ctx.config.max_send_message = size;
    }

    /// Ends streams of ours, so that they can be used anew. Each is reset when
    /// all that was given to it has arrived; until then it takes no messages.
    /// [`Event::StreamResetDone`] says when.
    pub fn reset_streams(&mut self, streams: impl IntoIterator<Item = StreamId>) {
        if matches!(self.state, State::Closing(_) | State::Closed) {
            return;
        }
        for stream in streams {
            if stream.0 < self.ctx.config.max_streams {
                self.ctx.queue.begin_reset(stream);
            }
        }
    }

    /// Ends the association when all that was sent has arrived, at both sides.
    pub fn shutdown(&mut self) {
        self.begin_shutdown();
    }

    /// Ends the association now. The peer is told with the next packet, and
    /// then [`Event::Closed`] comes.
    pub fn abort(&mut self) {
        self.begin_abort(CloseReason::Aborted, None);
    }

    /// Where is it in its life?
    #[must_use]
    pub fn state(&self) -> SctpState {
        match &self.state {
            State::Idle => SctpState::New,
            State::CookieWait(_) => SctpState::Connecting,
            State::Open(tcb) => match &tcb.phase {
                Phase::CookieEchoed(_) => SctpState::Connecting,
                Phase::Established => SctpState::Connected,
                Phase::ShutdownPending
                | Phase::ShutdownSent { .. }
                | Phase::ShutdownReceived
                | Phase::ShutdownAckSent { .. } => SctpState::ShuttingDown,
            },
            State::Closing(_) | State::Closed => SctpState::Closed,
        }
    }

    /// What was counted?
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.ctx.stats;
        stats.path = match &self.state {
            State::Open(tcb) => PathStats {
                round_trip: tcb.tx.rto.smoothed(),
                timeout: tcb.tx.rto.timeout(),
                congestion_window: tcb.tx.congestion.window(),
                in_flight: tcb.tx.in_flight.size(),
                peer_window: tcb.tx.window(),
                receive_window: self.ctx.inbox.window(),
            },
            _ => PathStats::default(),
        };
        stats
    }

    fn stop(&mut self, result: Result<(), Stop>) {
        let dropped = &mut self.ctx.stats.dropped;
        match result {
            Ok(()) => (),
            Err(Stop::Drop(Noise::Checksum)) => dropped.checksum += 1,
            Err(Stop::Drop(Noise::Malformed)) => dropped.malformed += 1,
            Err(Stop::Drop(Noise::NotOurs)) => dropped.not_ours += 1,
            Err(Stop::Drop(Noise::Unexpected)) => dropped.unexpected += 1,
            Err(Stop::Drop(Noise::Unknown)) => dropped.unknown += 1,
            Err(Stop::Abort(reason)) => self.begin_abort(reason, None),
            Err(Stop::AbortWith(reason, cause)) => self.begin_abort(reason, Some(cause)),
            Err(Stop::Close(reason)) => self.close(reason),
        }
    }

    fn on_packet(&mut self, now: Instant, datagram: &mut [u8]) -> Result<(), Stop> {
        // RFC 9653 §5.3: never for INIT, which says whether it is allowed.
        let is_init = datagram.get(Header::LEN) == Some(&Init::KIND);
        let zero_is_fine = self.ctx.config.zero_checksum && !is_init;
        if !checksum_is_valid(datagram, zero_is_fine) {
            return Err(Stop::Drop(Noise::Checksum));
        }
        let malformed = Stop::Drop(Noise::Malformed);
        let packet = Packet::parse(&mut Reader::new(datagram)).map_err(|_| malformed)?;
        let header = &packet.header;
        let config = &self.ctx.config;
        if (header.destination_port, header.source_port) != (config.local_port, config.remote_port)
        {
            return Err(Stop::Drop(Noise::NotOurs));
        }
        let mut chunks = packet.chunks();
        let tag = header.verification_tag;
        let Some(Ok(first)) = chunks.next() else {
            return Err(malformed);
        };
        let rest = match &first {
            Chunk::Init(init) if tag == 0 && chunks.next().is_none() => {
                return self.on_init(now, init);
            }
            // RFC 9260 §8.5.1 A: INIT is alone, and only it has no tag.
            Chunk::Init(_) => return Err(Stop::Drop(Noise::NotOurs)),
            Chunk::CookieEcho(echo) => {
                self.on_cookie_echo(now, tag, echo.cookie)?;
                if !self.is_ours(tag, &first) {
                    return Ok(());
                }
                chunks
            }
            _ if !self.is_ours(tag, &first) => {
                self.on_stray(tag, &packet);
                return Err(Stop::Drop(Noise::NotOurs));
            }
            _ => packet.chunks(),
        };
        self.on_chunks(now, tag, rest)
    }

    fn on_chunks(&mut self, now: Instant, tag: u32, chunks: Chunks<'_>) -> Result<(), Stop> {
        let mut has_data = false;
        let mut result = Ok(());
        for chunk in chunks {
            result = match chunk {
                Ok(chunk) => {
                    has_data |= matches!(chunk, Chunk::Data(_));
                    self.on_next_chunk(now, tag, &chunk)
                }
                Err(_) => Err(Stop::Drop(Noise::Malformed)),
            };
            if result.is_err() {
                break;
            }
        }
        if has_data && let State::Open(tcb) = &mut self.state {
            tcb.on_packet_with_data(&mut self.ctx, now);
        }
        result
    }

    /// Whether a packet is for this association (RFC 9260 §8.5, §8.5.1).
    fn is_ours(&self, tag: u32, first: &Chunk<'_>) -> bool {
        let (local, peer) = match &self.state {
            State::Idle | State::Closing(_) | State::Closed => return false,
            State::CookieWait(_) => (self.ctx.local.tag, None),
            State::Open(tcb) => (tcb.local.tag, Some(tcb.peer.identity.tag)),
        };
        let reflected = match first {
            Chunk::Abort(abort) => abort.reflected,
            Chunk::ShutdownComplete(complete) => complete.reflected,
            _ => false,
        };
        if reflected {
            peer == Some(tag)
        } else {
            tag == local
        }
    }

    /// A packet that belongs to no association (RFC 9260 §8.4). With an
    /// association, a wrong tag is only noise (§8.5).
    fn on_stray(&mut self, tag: u32, packet: &Packet<'_>) {
        if !matches!(self.state, State::Idle) || tag == 0 {
            return;
        }
        let mut answer = Some(Stray::Abort(tag));
        for chunk in packet.chunks().flatten() {
            match chunk {
                Chunk::ShutdownAck(_) => answer = Some(Stray::Complete(tag)),
                Chunk::Abort(_) | Chunk::ShutdownComplete(_) | Chunk::CookieAck(_) => return,
                Chunk::Error(error) => {
                    let is_stale = |cause| matches!(cause, Cause::StaleCookie(_));
                    if error.causes.iter().any(is_stale) {
                        return;
                    }
                }
                _ => (),
            }
        }
        self.ctx.replies.stray = answer;
    }

    /// A chunk that makes no sense now is dropped alone: RFC 9260 §5.2.5 discards
    /// a late COOKIE ACK, not the DATA that is bundled with it.
    fn on_next_chunk(&mut self, now: Instant, tag: u32, chunk: &Chunk<'_>) -> Result<(), Stop> {
        let result = self.on_chunk(now, tag, chunk);
        if result == Err(Stop::Drop(Noise::Unexpected)) {
            self.ctx.stats.dropped.unexpected += 1;
            return Ok(());
        }
        result
    }

    fn on_chunk(&mut self, now: Instant, tag: u32, chunk: &Chunk<'_>) -> Result<(), Stop> {
        match chunk {
            Chunk::InitAck(init) => return self.on_init_ack(init),
            Chunk::CookieAck(_) => return self.on_cookie_ack(now),
            Chunk::ShutdownAck(_) => return self.on_shutdown_ack(tag),
            Chunk::ShutdownComplete(complete) => return self.on_shutdown_complete(complete),
            Chunk::Abort(abort) => return Err(Self::on_abort(abort)),
            Chunk::Error(error) => return self.on_error(error),
            Chunk::Unknown(unknown) => return self.on_unknown(unknown),
            _ => (),
        }
        if matches!(chunk, Chunk::Data(_) | Chunk::Sack(_)) {
            // The peer sends these only once it took our cookie: its COOKIE ACK
            // is late or lost, and need not be waited for.
            let _ = self.on_cookie_ack(now);
        }
        let State::Open(tcb) = &mut self.state else {
            return Err(Stop::Drop(Noise::Unexpected));
        };
        let ctx = &mut self.ctx;
        match chunk {
            Chunk::Data(data) => tcb.on_data(ctx, data),
            Chunk::Sack(sack) => tcb.on_sack(ctx, now, sack),
            Chunk::Heartbeat(heartbeat) => {
                ctx.replies.heartbeat(heartbeat);
                Ok(())
            }
            Chunk::HeartbeatAck(ack) => tcb.on_heartbeat_ack(ctx, now, ack),
            Chunk::Shutdown(shutdown) => tcb.on_shutdown(ctx, now, shutdown),
            Chunk::ReConfig(chunk) => tcb.on_re_config(ctx, now, chunk),
            Chunk::ForwardTsn(forward) => tcb.on_forward_tsn(ctx, forward),
            // Bundled where it may not be.
            _ => Err(Stop::Drop(Noise::Unexpected)),
        }
    }

    /// RFC 9260 §3.2: the two high bits of the type say what to do.
    fn on_unknown(&mut self, unknown: &Unknown<'_>) -> Result<(), Stop> {
        let action = unknown.action();
        if action.reports() {
            let mut bytes = alloc::vec::Vec::new();
            unknown.emit(&mut Writer::new(&mut bytes, usize::MAX));
            self.ctx.replies.error(&Cause::UnrecognizedChunk(&bytes));
        }
        if action.stops() {
            return Err(Stop::Drop(Noise::Unknown));
        }
        self.ctx.stats.dropped.unknown += 1;
        Ok(())
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) -> Result<(), Stop> {
        if timer == Timer::T1 {
            return self.on_t1(now);
        }
        let State::Open(tcb) = &mut self.state else {
            return Ok(());
        };
        let ctx = &mut self.ctx;
        match timer {
            Timer::T2 => tcb.on_t2(ctx),
            Timer::T3 => tcb.on_t3(ctx, now),
            Timer::ShutdownGuard => Err(Stop::Abort(CloseReason::TimedOut)),
            Timer::Sack => {
                tcb.on_sack_timer();
                Ok(())
            }
            Timer::Heartbeat => {
                tcb.on_heartbeat_timer(ctx, now);
                Ok(())
            }
            Timer::HeartbeatAnswer => tcb.on_heartbeat_lost(ctx),
            Timer::Reset => tcb.on_reset_timer(ctx),
            Timer::T1 => Ok(()),
        }
    }
}

impl Context {
    /// Time never goes back (law 1).
    fn tell(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Where the data to send comes from.
    pub(crate) const fn feed(&mut self, now: Instant) -> Feed<'_> {
        Feed {
            now,
            queue: &mut self.queue,
            events: &mut self.events,
        }
    }

    /// The path may be idle from now on; an answer may take `timeout`.
    pub(crate) fn start_heartbeat_timer(&mut self, now: Instant, timeout: Duration) {
        if let Some(interval) = self.config.timers.heartbeat_interval {
            let jitter = Duration::from_millis(self.rng.below(1000));
            let pause = interval + timeout + jitter;
            self.timers.set(Timer::Heartbeat, now + pause);
        }
    }
}

impl Tcb {
    /// Whether the application may still send.
    const fn takes_messages(&self) -> bool {
        !self.shutdown_wanted && matches!(self.phase, Phase::CookieEchoed(_) | Phase::Established)
    }
}
