//! The one connection of the peer, and one turn of its loop.

use std::fmt::Display;

use pollrtc::peer::{ChannelId, Data, Event, IceGatheringState, TransceiverId};
use pollrtc::rtp::receiver::ReceivedFrame;
use pollrtc::{Instant, PeerConnection};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::channels::Channels;
use crate::jobs::{Job, Progress};
use crate::media::{self, Media};
use crate::outbox::Outbox;
use crate::protocol::{Mode, answer, emit, error};
use crate::sockets::{Buffers, Sockets};

/// Everything the peer has.
pub(crate) struct Session {
    pub(crate) sockets: Sockets,
    pub(crate) peer: Option<PeerConnection>,
    pub(crate) channels: Channels,
    pub(crate) media: Media,
    pub(crate) mode: Mode,
    pub(crate) trickle: bool,
    pub(crate) jobs: Vec<Job>,
    /// The `offer` or `answer` that waits for the candidates.
    pub(crate) gathering: Option<Option<u64>>,
    /// The echoes. While one waits no more messages are taken: the far side has to wait too.
    outbox: Outbox,
}

impl Session {
    pub(crate) fn new(sockets: Sockets) -> Self {
        Self {
            sockets,
            peer: None,
            channels: Channels::new(),
            media: Media::new(false),
            mode: Mode::Report,
            trickle: false,
            jobs: Vec::new(),
            gathering: None,
            outbox: Outbox::default(),
        }
    }

    /// One turn: datagrams, time, events, work, datagrams. `true` if there is more to do at once.
    pub(crate) fn turn(&mut self, now: Instant, buffers: &mut Buffers) -> std::io::Result<bool> {
        let Some(peer) = &mut self.peer else {
            return Ok(false);
        };
        let more = self.sockets.receive(peer, now, buffers)?;
        if peer.poll_timeout().is_some_and(|at| at <= now) {
            peer.handle_timeout(now);
        }
        self.take_events(now);
        self.advance_jobs(now);
        if let Some(peer) = &mut self.peer {
            self.media.advance(peer, now);
        }
        self.finish_gathering();
        if let Some(peer) = &mut self.peer {
            self.sockets.send(peer, now);
        }
        Ok(more)
    }

    /// When the next turn is due if nothing arrives.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let peer = self.peer.as_ref().and_then(PeerConnection::poll_timeout);
        // A job that is due but found no room goes on when acknowledgements come.
        let jobs = self
            .jobs
            .iter()
            .filter_map(Job::wake_at)
            .filter(|at| *at > now);
        let media = self.media.wake_at();
        peer.into_iter().chain(jobs).chain(media).min()
    }

    /// The last turn: says goodbye.
    pub(crate) fn farewell(mut self, now: Instant) {
        if let Some(peer) = &mut self.peer {
            peer.close();
            self.sockets.send(peer, now);
        }
    }

    fn take_events(&mut self, now: Instant) {
        while let Some(peer) = &mut self.peer
            && self.outbox.flush(peer, now)
            && let Some(event) = peer.poll_event()
        {
            if let Some(event) = self.sockets.fulfil(peer, now, event) {
                self.on_event(now, event);
            }
        }
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        let state = |which: &str, value: &dyn Display| {
            emit(&json!({ "event": "state", "which": which, "value": value.to_string() }));
        };
        match event {
            Event::SignalingState(value) => state("signaling", &value),
            Event::IceGatheringState(value) => state("gathering", &value),
            Event::IceConnectionState(value) => state("ice", &value),
            Event::ConnectionState(value) => state("connection", &value),
            Event::IceCandidate(candidate) if self.trickle => emit(&match candidate {
                Some(local) => json!({
                    "event": "candidate",
                    "candidate": local.candidate,
                    "sdp_mid": local.sdp_mid,
                    "sdp_mline_index": local.sdp_mline_index,
                }),
                None => {
                    json!({ "event": "candidate", "candidate": "", "sdp_mid": null, "sdp_mline_index": null })
                }
            }),
            Event::IceCandidateError {
                url, code, reason, ..
            } => {
                emit(
                    &json!({ "event": "candidate_error", "url": url.to_string(), "code": code, "reason": reason }),
                );
            }
            Event::Track(id) => self.on_track(id),
            Event::KeyFrameRequested { transceiver, .. } => {
                if let Some(peer) = &mut self.peer {
                    self.media.on_key_frame_request(peer, transceiver);
                }
            }
            Event::Frame {
                transceiver,
                rid,
                frame,
            } => self.on_frame(transceiver, &rid, &frame),
            Event::Packet {
                transceiver,
                packet,
                ..
            } => {
                if let Some(peer) = &mut self.peer {
                    media::send_back(peer, now, transceiver, &packet);
                }
            }
            Event::DataChannel(id) => self.on_channel(id),
            Event::ChannelState(id, value) => {
                if let Some(channel) = self.channels.get_mut(id) {
                    emit(
                        &json!({ "event": "channel_state", "label": channel.label, "value": value.as_str() }),
                    );
                }
            }
            Event::Message(id, data) => self.on_message(now, id, data),
            Event::Closed(reason) => {
                emit(&json!({ "event": "log", "message": format!("closed: {reason}") }));
            }
            _ => {}
        }
    }

    fn on_track(&self, id: TransceiverId) {
        if let Some(t) = self.peer.as_ref().and_then(|peer| peer.transceiver(id)) {
            emit(&json!({ "event": "track", "kind": t.kind().as_str(), "mid": t.mid() }));
        }
    }

    fn on_frame(&mut self, id: TransceiverId, rid: &str, frame: &ReceivedFrame) {
        let Some(peer) = &self.peer else {
            return;
        };
        if let Err(e) = self.media.on_frame(peer, id, rid, frame) {
            emit(&json!({ "event": "log", "message": format!("{e:#}") }));
        }
    }

    fn on_channel(&mut self, id: ChannelId) {
        let Some(info) = self.peer.as_ref().and_then(|peer| peer.channel(id)) else {
            return;
        };
        emit(&json!({
            "event": "channel",
            "label": info.label,
            "ordered": info.config.ordered,
            "max_retransmits": info.config.max_retransmits,
            "max_packet_life_time": info.config.max_packet_life_time,
            "protocol": info.config.protocol,
            "sid": info.stream,
        }));
        self.channels.add(id, info.label.into());
    }

    fn on_message(&mut self, now: Instant, id: ChannelId, data: Data) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if self
            .jobs
            .iter_mut()
            .any(|job| job.channel == id && job.take(&data))
        {
            return;
        }
        match self.mode {
            Mode::Echo => self.outbox.push(id, data),
            Mode::Sink => channel.sink.take(now, &data),
            Mode::Report => emit(&message_event(&channel.label, &data)),
        }
    }

    fn advance_jobs(&mut self, now: Instant) {
        let Some(peer) = &mut self.peer else {
            return;
        };
        self.jobs.retain_mut(|job| match job.advance(peer, now) {
            Progress::Waiting => true,
            Progress::Done(event) => {
                answer(job.id, event);
                false
            }
            Progress::Failed(why) => {
                error(job.id, why);
                false
            }
        });
    }

    /// Answers `offer` or `answer` once its description can be given out.
    fn finish_gathering(&mut self) {
        let (Some(id), Some(peer)) = (self.gathering, &self.peer) else {
            return;
        };
        if !self.trickle && peer.ice_gathering_state() != IceGatheringState::Complete {
            return;
        }
        self.gathering = None;
        match peer.local_description() {
            Some(local) => answer(
                id,
                json!({ "event": "local_description", "type": local.kind.to_string(), "sdp": local.sdp }),
            ),
            None => error(id, "no local description"),
        }
    }
}

fn message_event(label: &str, data: &Data) -> Value {
    let (kind, bytes) = match data {
        Data::Text(text) => ("text", text.as_bytes()),
        Data::Binary(bytes) => ("binary", &bytes[..]),
    };
    let mut event = json!({
        "event": "message",
        "label": label,
        "kind": kind,
        "size": bytes.len(),
        "sha256": hex::encode(Sha256::digest(bytes)),
    });
    if let Data::Text(text) = data
        && text.len() <= 256
    {
        event["text"] = text.as_str().into();
    }
    event
}
