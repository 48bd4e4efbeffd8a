//! One page that is connected, or about to be.

use core::time::Duration;

use anyhow::Context as _;
use pollrtc::peer::{
    ChannelConfig, ChannelId, ChannelState, Config, ConnectionState, Data, Description, Event,
    IceGatheringState, Kind, SdpType, Transceiver,
};
use pollrtc::rng::Rng;
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::{Instant, PeerConnection};

use crate::http::{self, Request};
use crate::outbox::Outbox;
use crate::sockets::{Buffers, Sockets};
use crate::terminal::{Line, say};

/// One connection with its sockets.
pub(crate) struct Session {
    sockets: Sockets,
    id: usize,
    peer: PeerConnection,
    outbox: Outbox,
    /// The page that waits for our description.
    waiting: Option<Request>,
    ping: ChannelId,
    /// Until when the page has to be connected.
    patience: Option<Instant>,
    over: bool,
}

impl Session {
    pub(crate) fn new(
        id: usize,
        sockets: Sockets,
        config: Config,
        rng: &mut Rng,
        now: Instant,
    ) -> anyhow::Result<Self> {
        let mut peer = PeerConnection::new(config, rng)?;
        sockets.introduce_to(&mut peer)?;
        let ping = peer.create_data_channel(PING, ping_config())?;
        Ok(Self {
            sockets,
            id,
            peer,
            outbox: Outbox::default(),
            waiting: None,
            ping,
            patience: Some(now + PATIENCE),
            over: false,
        })
    }

    /// Answers the page's offer.
    pub(crate) fn answer(&mut self, offer: String) -> anyhow::Result<()> {
        let offer = Description {
            kind: SdpType::Offer,
            sdp: offer,
        };
        self.peer
            .set_remote_description(&offer)
            .context("the offer was refused")?;
        // What the page sends comes back on the same line.
        let is_video = |t: &&Transceiver| t.kind() == Kind::Video && !t.is_stopping();
        for number in 0..self.peer.transceivers().filter(is_video).count() {
            let track = format!("{ECHO}-{number}");
            self.peer.add_track(Kind::Video, &track, &[ECHO])?;
        }
        let answer = self.peer.create_answer()?;
        Ok(self.peer.set_local_description(Some(&answer))?)
    }

    /// Makes an offer with a channel for the chat, and with video if the page wants it.
    pub(crate) fn offer(&mut self, video: bool) -> anyhow::Result<()> {
        if video {
            self.peer.add_track(Kind::Video, ECHO, &[ECHO])?;
        }
        self.peer
            .create_data_channel("chat", ChannelConfig::default())?;
        let offer = self.peer.create_offer()?;
        Ok(self.peer.set_local_description(Some(&offer))?)
    }

    /// This page waits for the description, which is complete when servers have answered.
    pub(crate) fn keep_waiting(&mut self, request: Request) {
        self.waiting = Some(request);
    }

    /// Takes the page's answer to it.
    pub(crate) fn take_answer(&mut self, answer: String) -> anyhow::Result<()> {
        let answer = Description {
            kind: SdpType::Answer,
            sdp: answer,
        };
        self.peer
            .set_remote_description(&answer)
            .context("the answer was refused")
    }

    /// One turn of the loop; `true` if there is more to do at once.
    pub(crate) fn turn(&mut self, now: Instant, buffers: &mut Buffers) -> std::io::Result<bool> {
        let more = self.sockets.receive(&mut self.peer, now, buffers)?;
        if self.peer.poll_timeout().is_some_and(|at| at <= now) {
            self.peer.handle_timeout(now);
        }
        self.take_events(now);
        self.finish_gathering();
        self.sockets.send(&mut self.peer, now);
        Ok(more)
    }

    /// When the next turn is due if nothing arrives.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.peer
            .poll_timeout()
            .into_iter()
            .chain(self.patience)
            .min()
    }

    /// Whether the session can be dropped.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.over || self.patience.is_some_and(|end| end <= now)
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        self.peer.close();
        self.sockets.send(&mut self.peer, now);
    }

    /// Does what was typed at the terminal.
    pub(crate) fn on_line(&mut self, line: &Line) {
        match line {
            Line::Say(text) => {
                for id in self.chats() {
                    self.outbox.push(id, text.as_str());
                }
            }
            Line::Open(label) => self.open(label),
            Line::Close(label) => {
                for id in self.chats() {
                    if self.label(id) == *label {
                        self.peer.close_channel(id);
                    }
                }
            }
            Line::Quit => {}
        }
    }

    fn take_events(&mut self, now: Instant) {
        // While something waits to be sent nothing more is taken: the page has to wait too.
        while self.outbox.flush(&mut self.peer, now) {
            match self.peer.poll_event() {
                Some(event) => {
                    if let Some(event) = self.sockets.fulfil(&mut self.peer, now, event) {
                        self.on_event(now, event);
                    }
                }
                None => return,
            }
        }
    }

    fn finish_gathering(&mut self) {
        if self.peer.ice_gathering_state() == IceGatheringState::Complete
            && let Some(local) = self.peer.local_description()
            && let Some(request) = self.waiting.take()
        {
            http::describe(request, self.id, &local.sdp);
        }
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Frame {
                transceiver, frame, ..
            } => {
                let frame = MediaFrame::new(frame.timestamp, frame.data);
                // What cannot be sent is lost: the page will ask for a key frame.
                let _ = self.peer.write(now, transceiver, &frame);
            }
            Event::KeyFrameRequested { transceiver, .. } => {
                self.peer.request_key_frame(transceiver, "");
            }
            Event::ConnectionState(state) => {
                if state == ConnectionState::Connected {
                    self.patience = None;
                }
                self.over |= state == ConnectionState::Failed;
                self.say(state.as_str());
            }
            Event::ChannelState(id, state @ (ChannelState::Open | ChannelState::Closed))
                if id != self.ping =>
            {
                let label = self.label(id);
                self.say(&format!("channel {label:?} is {state}"));
            }
            Event::Message(id, data) => self.on_message(id, data),
            Event::Closed(reason) => {
                self.over = true;
                self.say(&format!("the end ({reason})"));
            }
            _ => {}
        }
    }

    fn on_message(&mut self, id: ChannelId, data: Data) {
        if id == self.ping {
            self.outbox.push(id, data);
            return;
        }
        let label = self.label(id);
        match &data {
            Data::Text(text) if text.starts_with('/') => {
                self.on_wish(id, text);
                return;
            }
            Data::Text(text) if text.chars().count() <= 200 => {
                self.say(&format!("{label}: {}", text.escape_debug()));
            }
            Data::Text(text) => self.say(&format!("{label}: {} bytes of text", text.len())),
            Data::Binary(bytes) => self.say(&format!("{label}: {} bytes", bytes.len())),
        }
        self.outbox.push(id, data);
    }

    /// What the page can ask for besides an echo.
    fn on_wish(&mut self, id: ChannelId, wish: &str) {
        let (word, rest) = wish.split_once(' ').unwrap_or((wish, ""));
        match word {
            "/close" => self.peer.close_channel(id),
            "/open" if !rest.trim().is_empty() => self.open(rest.trim()),
            "/stats" => {
                let stats = format!("{:#?}", self.peer.stats());
                self.outbox.push(id, stats);
            }
            "/path" => {
                let path = match self.peer.selected_pair() {
                    Some(pair) => pair.path.to_string(),
                    None => "no path yet".into(),
                };
                self.outbox.push(id, path);
            }
            "/bye" => self.peer.close(),
            _ => self.outbox.push(id, HELP),
        }
    }

    fn open(&mut self, label: &str) {
        if let Err(e) = self
            .peer
            .create_data_channel(label, ChannelConfig::default())
        {
            self.say(&format!("channel {label:?}: {e}"));
        }
    }

    /// The open channels that people talk on.
    fn chats(&self) -> Vec<ChannelId> {
        let is_open = |id: &ChannelId| {
            self.peer
                .channel(*id)
                .is_some_and(|info| info.state == ChannelState::Open)
        };
        self.peer
            .channels()
            .filter(|id| *id != self.ping)
            .filter(is_open)
            .collect()
    }

    fn label(&self, id: ChannelId) -> String {
        self.peer
            .channel(id)
            .map_or_else(|| id.to_string(), |info| info.label.into())
    }

    fn say(&self, text: &str) {
        say(&format!("  [{}] {text}", self.id));
    }
}

/// The page opens the same channel for itself: nobody announces it.
fn ping_config() -> ChannelConfig {
    ChannelConfig {
        ordered: false,
        max_retransmits: Some(0),
        negotiated: Some(100),
        ..ChannelConfig::default()
    }
}

const PING: &str = "ping";
const ECHO: &str = "echo";
/// How long a page has time to be connected.
const PATIENCE: Duration = Duration::from_secs(60);
const HELP: &str = "I send back whatever you send. I also understand
/path   which addresses we use
/stats  my counters
/open LABEL  open a channel from my side
/close  close this channel from my side
/bye    close the connection from my side";
