//! Transceivers: what the application does with them, and what descriptions do (W3C
//! webrtc-pc §5.1, RFC 8829 §4.2, §5.9 to §5.11).

use alloc::string::ToString;
use alloc::vec::Vec;

use super::DescriptionError::{InvalidAccess, InvalidModification, InvalidState, Operation};
use super::lanes::Routes;
use super::media::{
    Codec, Encoding, HeaderExtension, Kind, RemoteStreams, Rtp, Transceiver, TransceiverId,
    TransceiverInit, Transceivers, encodings_of,
};
use super::plan::{MediaPlan, StreamChange, TrackChange};
use super::reading::{Reading, Section};
use super::senders::{check_name, distinct};
use super::{DescriptionError, Plan, SdpType, Session, SignalingState, TransportId};
use crate::wire::sdp::Direction;

/// What the application does with transceivers. What the peer has to know counts from
/// the next exchange on, which [`negotiation_needed`](Self::negotiation_needed) demands.
impl Session {
    /// A sender and a receiver that get a section of their own.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] after the end, [`Operation`] if there are too many,
    /// [`DescriptionError::Type`] if the name of a stream cannot be told, or a rid is
    /// none, is there twice, or only some encodings have one, [`DescriptionError::Range`] if a limit is not allowed.
    pub fn add_transceiver(
        &mut self,
        kind: Kind,
        mut init: TransceiverInit,
    ) -> Result<TransceiverId, DescriptionError> {
        self.check_room()?;
        init.encodings = encodings_of(kind, &init.encodings)?;
        init.streams = distinct(&init.streams)?;
        Ok(self.transceivers.add(kind, init).id())
    }

    /// Something to send: by a transceiver that has never sent, or else by a new one.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] after the end, [`InvalidAccess`] if the track is sent already,
    /// [`DescriptionError::Type`] if a name is not a token of 1 to 64 characters,
    /// [`Operation`] if there are too many.
    pub fn add_track(
        &mut self,
        kind: Kind,
        track: &str,
        streams: &[&str],
    ) -> Result<TransceiverId, DescriptionError> {
        self.check_room()?;
        let sends = |one: &Transceiver| one.kind() == kind && one.track() == Some(track);
        if self.transceivers().any(sends) {
            return Err(InvalidAccess("the track is sent already"));
        }
        check_name(track)?;
        let streams = distinct(streams)?;
        Ok(self.transceivers.add_track(kind, track, streams))
    }

    /// Nothing to send any more: the transceiver only receives, if anything. Nothing
    /// happens if it is stopped.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] after the end, [`InvalidAccess`] if the transceiver is not of
    /// this session.
    pub fn remove_track(&mut self, id: TransceiverId) -> Result<(), DescriptionError> {
        self.check_known(id)?;
        self.transceivers.remove_track(id);
        Ok(())
    }

    /// Sends something else, or nothing, without an exchange (W3C §5.2 `replaceTrack`).
    /// The name that the peer is told stays.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the transceiver is stopped or unknown.
    pub fn replace_track(
        &mut self,
        id: TransceiverId,
        track: Option<&str>,
    ) -> Result<(), DescriptionError> {
        self.live_transceiver(id)?.replace_track(track);
        Ok(())
    }

    /// Says which way media should flow.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the transceiver is stopped or unknown.
    pub fn set_direction(
        &mut self,
        id: TransceiverId,
        direction: Direction,
    ) -> Result<(), DescriptionError> {
        self.live_transceiver(id)?.direction = direction;
        Ok(())
    }

    /// Says which codecs to use, in this order; none for those of the configuration.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the transceiver is stopped or unknown,
    /// [`InvalidModification`] if one of them is not among the abilities, or no medium is left.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: Vec<Codec>,
    ) -> Result<(), DescriptionError> {
        let kind = self.live_transceiver(id)?.kind();
        let ours = &self.config.media.of(kind).codecs;
        let known = |codec: &Codec| ours.iter().any(|ours| ours.is_same_format(codec));
        if !codecs.iter().all(known) {
            return Err(InvalidModification);
        }
        let mut preferences: Vec<Codec> = Vec::with_capacity(codecs.len());
        for codec in codecs {
            // W3C §5.4 `setCodecPreferences`: each counts once.
            if !preferences.contains(&codec) {
                preferences.push(codec);
            }
        }
        if !preferences.is_empty() && preferences.iter().all(Codec::is_auxiliary) {
            return Err(InvalidModification);
        }
        self.live_transceiver(id)?.preferences = preferences;
        Ok(())
    }

    /// An encoding is sent under another SSRC than descriptions say so far, since
    /// somebody else has the same one (RFC 3550 §8.2): the next one says so.
    pub fn set_ssrc(&mut self, id: TransceiverId, rid: &str, ssrc: u32) {
        if let Some(encoding) = self.encoding_mut(id, rid) {
            encoding.ssrc = Some(ssrc);
        }
    }

    /// Whether an encoding is not to be sent at present. No description says so.
    /// `false` if there is none with this name.
    pub fn set_encoding_paused(&mut self, id: TransceiverId, rid: &str, paused: bool) -> bool {
        let Some(encoding) = self.encoding_mut(id, rid) else {
            return false;
        };
        encoding.paused = paused;
        if let Some(transceiver) = self.transceivers.get_mut(id) {
            transceiver.touch();
        }
        true
    }

    fn encoding_mut(&mut self, id: TransceiverId, rid: &str) -> Option<&mut Encoding> {
        self.transceivers.get_mut(id)?.encoding_mut(rid)
    }

    /// Ends a transceiver for good: the next exchange gives its section up. Nothing
    /// happens if it is stopped.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] after the end, [`InvalidAccess`] if the transceiver is not of
    /// this session.
    pub fn stop_transceiver(&mut self, id: TransceiverId) -> Result<(), DescriptionError> {
        self.check_known(id)?;
        if let Ok(transceiver) = self.live_transceiver(id) {
            transceiver.stop();
        }
        Ok(())
    }

    /// The transceivers, in the order in which they came to be; those that are over
    /// are not among them.
    pub fn transceivers(&self) -> impl Iterator<Item = &Transceiver> {
        self.transceivers.iter().filter(|one| !one.is_over())
    }

    /// One of them.
    #[must_use]
    pub fn transceiver(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.transceivers.get(id)
    }

    pub(super) fn live_transceiver(
        &mut self,
        id: TransceiverId,
    ) -> Result<&mut Transceiver, DescriptionError> {
        if self.signaling_state() == SignalingState::Closed {
            return Err(InvalidState);
        }
        let transceiver = self.transceivers.get_mut(id);
        transceiver
            .filter(|transceiver| !transceiver.is_stopping())
            .ok_or(InvalidState)
    }

    /// One that is over is not remembered, but its number is.
    fn check_known(&self, id: TransceiverId) -> Result<(), DescriptionError> {
        if self.signaling_state() == SignalingState::Closed {
            return Err(InvalidState);
        }
        match self.transceivers.has_made(id) {
            true => Ok(()),
            false => Err(InvalidAccess("not a transceiver of this connection")),
        }
    }

    fn check_room(&self) -> Result<(), DescriptionError> {
        if self.signaling_state() == SignalingState::Closed {
            return Err(InvalidState);
        }
        if self.transceivers.len() >= MAX_TRANSCEIVERS {
            return Err(Operation("too many transceivers"));
        }
        Ok(())
    }
}

/// What descriptions do with transceivers.
impl Transceivers {
    /// Our offer gives names to those that it has sections for.
    pub(super) fn on_local_offer(&mut self, offer: &Reading, rows: &[Option<TransceiverId>]) {
        for (section, id) in offer.sections.iter().zip(rows) {
            if let Some(transceiver) = id.and_then(|id| self.get_mut(id)) {
                transceiver.mid.clone_from(&section.mid);
            }
        }
    }

    /// The peer's offer finds one for each of its sections, or makes it.
    pub(super) fn on_remote_offer(&mut self, offer: &Reading) {
        for section in offer.sections.iter().filter(|section| section.is_live()) {
            let (Some(mid), Some(rtp)) = (section.mid.as_deref(), &section.rtp) else {
                continue;
            };
            let is_new = self.named(mid).is_none();
            if is_new && self.len() >= MAX_TRANSCEIVERS {
                continue;
            }
            let transceiver = self.for_offered(mid, rtp.kind, rtp.direction);
            transceiver.hear(section, rtp);
            let id = transceiver.id();
            self.ask_for_layers(id, &rtp.layers);
        }
    }

    /// The peer's answer, or what it offered and we have answered.
    pub(super) fn on_exchange(&mut self, local: &Reading, remote: &Reading, kind: SdpType) {
        for (ours, theirs) in local.sections.iter().zip(&remote.sections) {
            let mid = ours.mid.as_deref().or(theirs.mid.as_deref());
            let Some(transceiver) = mid.and_then(|mid| self.named_mut(mid)) else {
                continue;
            };
            match (&ours.rtp, &theirs.rtp) {
                (Some(local), Some(remote)) if !ours.rejected && !theirs.rejected => {
                    transceiver.agree(local.direction.and(remote.direction.reversed()));
                    transceiver.hear(theirs, remote);
                    // W3C §4.4.1.5: what was said of its parameters before is out of date.
                    transceiver.touch();
                    if kind == SdpType::Answer && transceiver.current.is_some_and(Direction::sends)
                    {
                        // W3C §5.2: layers that the peer did not take are not offered again.
                        transceiver.encodings =
                            Encoding::taken(&transceiver.encodings, &remote.layers);
                    }
                }
                _ if kind == SdpType::Answer => transceiver.end(),
                _ => {}
            }
        }
    }

    /// Who sends to us, as far as is known.
    fn heard(&self) -> impl Iterator<Item = (TransceiverId, &RemoteStreams)> {
        self.iter()
            .filter_map(|transceiver| Some((transceiver.id(), transceiver.remote()?)))
    }

    fn heard_of(&self, id: TransceiverId) -> Option<&RemoteStreams> {
        self.get(id)?.remote()
    }

    /// Which tracks are in streams that they are not in according to `other`.
    fn joined(&self, other: &Self, is_added: bool) -> Vec<StreamChange> {
        let mut joined = Vec::new();
        for (id, remote) in self.heard() {
            let others = other.heard_of(id);
            let is_new = |name: &&str| !others.is_some_and(|others| others.contains(name));
            joined.extend(remote.names().filter(is_new).map(|name| StreamChange {
                transceiver: id,
                stream: name.into(),
                is_added,
            }));
        }
        joined
    }

    /// What has come and gone since `before` (W3C §5.3, "process remote tracks").
    pub(super) fn tell_changes(&self, before: &Self, plan: &mut Plan) {
        let gone = before
            .heard()
            .filter(|(id, _)| self.heard_of(*id).is_none());
        plan.tracks = gone.map(|(id, _)| TrackChange::Removed(id)).collect();
        plan.streams = before.joined(self, false);
        let joined = self.joined(before, true);
        for (id, _) in self.heard() {
            if before.heard_of(id).is_none() {
                plan.tracks.push(TrackChange::Added(id));
            } else if joined.iter().any(|change| change.transceiver == id) {
                plan.tracks.push(TrackChange::Joined(id));
            }
        }
        plan.streams.extend(joined);
    }
}

impl Transceiver {
    /// What the peer says of what it sends.
    fn hear(&mut self, section: &Section, rtp: &Rtp) {
        let sends = !section.rejected && rtp.direction.sends();
        self.remote = sends.then(|| rtp.remote_streams());
    }

    /// W3C §4.7.3: whether `local` and `remote`, the last descriptions, one of which
    /// was the answer, are not what the application wants by now.
    fn needs_negotiation(&self, local: &Reading, remote: &Reading, offered: bool) -> bool {
        if self.is_stopped() {
            return false;
        }
        let index = self.mid().and_then(|mid| local.section_named(mid));
        let sections = index.and_then(|index| {
            let local = local.sections.get(index)?.rtp.as_ref()?;
            let remote = remote.sections.get(index)?.rtp.as_ref()?;
            Some((local, remote))
        });
        let Some((local, remote)) = sections else {
            return !self.is_stopping();
        };
        if self.is_stopping() {
            return true;
        }
        let direction = self.direction();
        if direction.sends() && local.streams != self.msids() {
            return true;
        }
        if offered {
            // What we offered was too little, or the answer has not granted it all.
            local.direction != direction && remote.direction.reversed() != direction
        } else {
            local.direction != direction.and(remote.direction.reversed())
        }
    }
}

impl Session {
    /// Whether a transceiver is not as the last exchange left it.
    pub(super) fn needs_media(&self) -> bool {
        let sides = self
            .current
            .local
            .as_deref()
            .zip(self.current.remote.as_deref());
        let mut all = self.transceivers.iter();
        match sides {
            Some((local, remote)) => {
                let offered = local.kind == SdpType::Offer;
                all.any(|transceiver| {
                    transceiver.needs_negotiation(&local.reading, &remote.reading, offered)
                })
            }
            None => all.any(|transceiver| !transceiver.is_stopping()),
        }
    }

    /// What the exchange that `plan` is for means for media.
    pub(super) fn plan_media(
        &self,
        local: &Reading,
        remote: &Reading,
        routes: &Routes,
        plan: &mut Plan,
    ) {
        for transceiver in self.transceivers.iter() {
            let index = transceiver.mid().and_then(|mid| local.section_named(mid));
            let media = index.and_then(|index| {
                let ours = local.sections.get(index)?.rtp.as_ref()?;
                let theirs = remote.sections.get(index)?.rtp.as_ref()?;
                let transport = routes.sections.get(index).copied().flatten();
                media_plan(transceiver, transport?, ours, theirs)
            });
            plan.media.extend(media);
        }
    }
}

fn media_plan(
    transceiver: &Transceiver,
    transport: TransportId,
    ours: &Rtp,
    theirs: &Rtp,
) -> Option<MediaPlan> {
    let direction = transceiver.current_direction()?;
    let both = |codec: &&Codec| ours.codecs.iter().any(|ours| ours.is_same_format(codec));
    let shared = |extension: &&HeaderExtension| theirs.extensions.contains(extension);
    let receive = ours.codecs.iter().map(|ours| {
        let same = |theirs: &&Codec| theirs.is_same_format(ours);
        ours.agreed_with(theirs.codecs.iter().find(same))
    });
    Some(MediaPlan {
        transceiver: transceiver.id(),
        transport,
        mid: transceiver.mid()?.to_string(),
        kind: transceiver.kind(),
        direction,
        // The peer takes its own payload types.
        send: theirs.codecs.iter().filter(both).cloned().collect(),
        receive: receive.collect(),
        extensions: ours.extensions.iter().filter(shared).cloned().collect(),
        mixed_extensions: theirs.mixed,
        cryptex: ours.cryptex && theirs.cryptex,
        reduced_rtcp: ours.reduced && theirs.reduced,
        encodings: match direction.sends() {
            true => Encoding::taken(transceiver.encodings(), &theirs.layers),
            // Who takes nothing at present says nothing of layers.
            false => transceiver.encodings().to_vec(),
        },
        remote: transceiver.remote().cloned(),
    })
}

/// How many transceivers there may be, those that the peer's offers make included.
const MAX_TRANSCEIVERS: usize = 128;
