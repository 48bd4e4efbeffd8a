//! Pictures and sound: the sample files are sent as if they came from a camera and a microphone,
//! and what arrives is counted, and written down if that is wanted.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use anyhow::Context as _;
use core::time::Duration;
use pollrtc::media::CodecParameters;
use pollrtc::peer::{
    ConnectionState, Direction, EncodingParameters, Kind, Transceiver, TransceiverId,
    TransceiverInit,
};
use pollrtc::rtp::fmtp::Parameters;
use pollrtc::rtp::receiver::{ReceivedFrame, ReceivedPacket};
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::wire::rtp::PayloadType;
use pollrtc::{Instant, PeerConnection};

use crate::clips::{Clip, Position};
use crate::protocol::NewTrack;
use crate::recorder::Recorder;

/// The media of the one connection.
pub(crate) struct Media {
    /// What comes is sent back, packet by packet, and nothing else.
    is_echo: bool,
    players: BTreeMap<TransceiverId, Player>,
    recorder: Option<Recorder>,
    /// The names of the codecs of what has come.
    names: BTreeMap<(TransceiverId, PayloadType), String>,
}

/// What sends one clip again and again.
struct Player {
    clip: Option<(PayloadType, Clip)>,
    at: Position,
    /// When the next frame is due, if media flows.
    next: Option<Instant>,
    /// Begins between key frames, so that the far side has to ask for one.
    late: bool,
    /// The names of the layers; one without a name if there are none.
    rids: Vec<String>,
}

impl Media {
    /// Without tracks.
    pub(crate) const fn new(is_echo: bool) -> Self {
        Self {
            is_echo,
            players: BTreeMap::new(),
            recorder: None,
            names: BTreeMap::new(),
        }
    }

    /// Sends media of a kind, or is ready to receive it.
    pub(crate) fn add_track(
        &mut self,
        peer: &mut PeerConnection,
        new: &NewTrack,
    ) -> anyhow::Result<()> {
        let kind = new.kind.into();
        let is_free = |t: &&Transceiver| {
            t.kind() == kind && t.mid().is_some() && !t.is_stopping() && t.track().is_none()
        };
        let offered = peer.transceivers().find(is_free).map(Transceiver::id);
        let id = match offered {
            Some(id) => id,
            None => peer.add_transceiver(kind, init(new))?,
        };
        let direction = new.direction.into();
        peer.set_direction(id, direction)?;
        if direction.sends() {
            peer.replace_track(id, Some(kind.as_str()))?;
            let encodings = peer.transceiver(id).map_or(&[][..], Transceiver::encodings);
            let rids = encodings.iter().map(|encoding| encoding.rid.clone());
            if !self.is_echo {
                self.players
                    .insert(id, Player::new(new.late, rids.collect()));
            }
        }
        Ok(())
    }

    /// Stops sending the first track of a kind.
    pub(crate) fn remove_track(
        &mut self,
        peer: &mut PeerConnection,
        kind: Kind,
    ) -> anyhow::Result<()> {
        let sends = |t: &&Transceiver| t.kind() == kind && t.track().is_some();
        let sending = peer.transceivers().find(sends).map(Transceiver::id);
        let id = sending.context("nothing to remove")?;
        self.players.remove(&id);
        Ok(peer.remove_track(id)?)
    }

    /// Begins to write down what arrives, or ends it.
    pub(crate) fn record(&mut self, folder: Option<&Path>) {
        self.recorder = folder.map(Recorder::new);
    }

    /// Sends what is due.
    pub(crate) fn advance(&mut self, peer: &mut PeerConnection, now: Instant) {
        for (id, player) in &mut self.players {
            player.advance(peer, *id, now);
        }
    }

    /// When there is more to send.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.players.values().filter_map(|player| player.next).min()
    }

    /// The far side cannot go on without a key frame.
    pub(crate) fn on_key_frame_request(&mut self, peer: &mut PeerConnection, id: TransceiverId) {
        if self.is_echo {
            peer.request_key_frame(id, "");
        }
        if let Some(player) = self.players.get_mut(&id)
            && let Some((_, clip)) = &player.clip
        {
            clip.skip_to_key(&mut player.at);
        }
    }

    /// A frame came.
    pub(crate) fn on_frame(
        &mut self,
        peer: &PeerConnection,
        id: TransceiverId,
        rid: &str,
        frame: &ReceivedFrame,
    ) -> anyhow::Result<()> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        let name = match self.names.entry((id, frame.payload_type)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let name = codec_name(peer, id, frame).context("a frame of an unknown codec")?;
                place.insert(name)
            }
        };
        recorder.write(name, rid, frame)
    }
}

impl Player {
    fn new(late: bool, rids: Vec<String>) -> Self {
        Self {
            clip: None,
            at: Position::default(),
            next: None,
            late,
            rids,
        }
    }

    /// Sends what is due; begins once there is a connection that carries it.
    fn advance(&mut self, peer: &mut PeerConnection, id: TransceiverId, now: Instant) {
        let direction = peer
            .transceiver(id)
            .and_then(Transceiver::current_direction);
        let is_on = direction.is_some_and(Direction::sends)
            && peer.connection_state() == ConnectionState::Connected;
        if !is_on {
            self.next = None;
            return;
        }
        self.choose(peer, id);
        let Some((_, clip)) = &self.clip else {
            return;
        };
        let mut next = match self.next {
            // After a long pause of the whole program it goes on from here.
            Some(next) if now.since(next) < PAUSE => next,
            _ => now,
        };
        while next <= now {
            let (data, timestamp) = clip.next(&mut self.at);
            let frame = MediaFrame::new(timestamp, data);
            for rid in &self.rids {
                // What cannot be sent is lost, as on the way.
                let _ = peer.write_encoding(now, id, rid, &frame);
            }
            next += clip.interval();
        }
        self.next = Some(next);
    }

    /// Takes the clip for the best codec that there is one for.
    fn choose(&mut self, peer: &mut PeerConnection, id: TransceiverId) {
        let fits = |codec: &&CodecParameters| match codec.name.as_str() {
            // RFC 6184 §6.2: without mode 1 a key frame, larger than a packet, cannot be sent.
            "H264" => Parameters(&codec.parameters).get("packetization-mode") == Some("1"),
            name => Clip::of(name).is_some(),
        };
        let codec = peer.send_codecs(id).find(fits);
        let found = codec.map(|codec| (codec.payload_type, codec.name.clone()));
        let payload_type = found.as_ref().map(|(payload_type, _)| *payload_type);
        if payload_type == self.clip.as_ref().map(|(payload_type, _)| *payload_type) {
            return;
        }
        self.clip = found.and_then(|(number, name)| Some((number, Clip::of(&name)?)));
        if let Some((payload_type, clip)) = &self.clip {
            peer.set_send_codec(id, *payload_type);
            if core::mem::take(&mut self.late) {
                clip.next(&mut self.at);
            }
        }
    }
}

/// Sends a packet where it came from. Both ways the payload types of a section are the same.
pub(crate) fn send_back(
    peer: &mut PeerConnection,
    now: Instant,
    id: TransceiverId,
    packet: &ReceivedPacket,
) {
    // What cannot be sent is lost, as on the way.
    let _ = peer.write_packet(now, id, "", &packet.into());
}

fn codec_name(peer: &PeerConnection, id: TransceiverId, frame: &ReceivedFrame) -> Option<String> {
    let report = peer.get_stats(frame.received);
    let mut streams = report.inbound_rtp.iter();
    let stream = streams.find(|one| {
        let number = Some(frame.payload_type.number());
        one.stream.transceiver == id && one.stream.codec == number
    })?;
    let mut codecs = report.codecs.iter();
    let found = codecs.find(|codec| Some(codec.id) == stream.stream.codec_id)?;
    found.mime_type.rsplit('/').next().map(String::from)
}

fn init(new: &NewTrack) -> TransceiverInit {
    TransceiverInit {
        direction: new.direction.into(),
        streams: vec!["camera".into()],
        encodings: if new.simulcast {
            LAYERS.map(EncodingParameters::named).to_vec()
        } else {
            Vec::new()
        },
    }
}

/// All of one size here: what matters is that they come apart.
const LAYERS: [&str; 3] = ["q", "h", "f"];

/// From this lag on nothing is made up for.
const PAUSE: Duration = Duration::from_millis(500);
