//! Transceivers: what the application does with them, and what descriptions do (W3C
//! webrtc-pc §5.1, RFC 8829 §4.2, §5.9 to §5.11).

use alloc::string::ToString;
use alloc::vec::Vec;

use super::DescriptionError::{InvalidState, Operation, Type};
use super::media::{
    Codec, Encoding, HeaderExtension, Kind, Rtp, Transceiver, TransceiverId, TransceiverInit,
    Transceivers,
};
use super::plan::{MediaPlan, TrackChange};
use super::reading::{Reading, Section};
use super::{DescriptionError, Plan, SdpType, Session, SignalingState};
use crate::wire::sdp::Direction;

/// What the application does with transceivers. Each change counts from the next
/// exchange on, which [`negotiation_needed`](Self::negotiation_needed) demands.
impl Session {
    /// A sender and a receiver that get a section of their own.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] after the end, [`Operation`] if there are too many,
    /// [`Type`] if a rid is none, or there twice.
    pub fn add_transceiver(
        &mut self,
        kind: Kind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, DescriptionError> {
        self.check_room()?;
        init.check_rids().map_err(Type)?;
        Ok(self.transceivers.add(kind, init).id())
    }

    /// Something to send: by a transceiver that has never sent, or else by a new one.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] after the end, [`Operation`] if there are too many.
    pub fn add_track(
        &mut self,
        kind: Kind,
        track: &str,
        streams: &[&str],
    ) -> Result<TransceiverId, DescriptionError> {
        self.check_room()?;
        let streams = streams.iter().map(ToString::to_string).collect();
        Ok(self.transceivers.add_track(kind, track, streams))
    }

    /// Nothing to send any more: the transceiver only receives, if anything.
    pub fn remove_track(&mut self, id: TransceiverId) {
        self.transceivers.remove_track(id);
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
    /// [`InvalidState`] if the transceiver is stopped or unknown, [`Operation`] if
    /// one of them is not among the abilities, or no medium is left.
    pub fn set_codec_preferences(
        &mut self,
        id: TransceiverId,
        codecs: Vec<Codec>,
    ) -> Result<(), DescriptionError> {
        let kind = self.live_transceiver(id)?.kind();
        let ours = &self.config.media.of(kind).codecs;
        let known = |codec: &Codec| ours.iter().any(|ours| ours.is_same_format(codec));
        if !codecs.iter().all(known) {
            return Err(Operation("a codec that this connection does not have"));
        }
        if !codecs.is_empty() && codecs.iter().all(Codec::is_auxiliary) {
            return Err(Operation("preferences without a codec for media"));
        }
        self.live_transceiver(id)?.preferences = codecs;
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
        let encoding = self.encoding_mut(id, rid);
        encoding.is_some_and(|encoding| {
            encoding.paused = paused;
            true
        })
    }

    fn encoding_mut(&mut self, id: TransceiverId, rid: &str) -> Option<&mut Encoding> {
        self.transceivers.get_mut(id)?.encoding_mut(rid)
    }

    /// Ends a transceiver for good: the next exchange gives its section up.
    pub fn stop_transceiver(&mut self, id: TransceiverId) {
        if let Ok(transceiver) = self.live_transceiver(id) {
            transceiver.stop();
        }
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

    fn live_transceiver(
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
                    transceiver.current = Some(local.direction.and(remote.direction.reversed()));
                    transceiver.hear(theirs, remote);
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
    fn heard(&self) -> Vec<TransceiverId> {
        let sending = self
            .iter()
            .filter(|transceiver| transceiver.remote().is_some());
        sending.map(Transceiver::id).collect()
    }

    /// What has come and gone since `before` (W3C §5.3, "process remote tracks").
    pub(super) fn changes_since(&self, before: &Self) -> Vec<TrackChange> {
        let (old, new) = (before.heard(), self.heard());
        let gone = old.iter().filter(|id| !new.contains(id));
        let come = new.iter().filter(|id| !old.contains(id));
        let gone = gone.map(|id| TrackChange::Removed(*id));
        gone.chain(come.map(|id| TrackChange::Added(*id))).collect()
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
    pub(super) fn plan_media(&self, local: &Reading, remote: &Reading, plan: &mut Plan) {
        for transceiver in self.transceivers.iter() {
            let index = transceiver.mid().and_then(|mid| local.section_named(mid));
            let media = index.and_then(|index| {
                let ours = local.sections.get(index)?.rtp.as_ref()?;
                let theirs = remote.sections.get(index)?.rtp.as_ref()?;
                media_plan(transceiver, ours, theirs)
            });
            plan.media.extend(media);
        }
    }
}

fn media_plan(transceiver: &Transceiver, ours: &Rtp, theirs: &Rtp) -> Option<MediaPlan> {
    let direction = transceiver.current_direction()?;
    let both = |codec: &&Codec| ours.codecs.iter().any(|ours| ours.is_same_format(codec));
    let shared = |extension: &&HeaderExtension| theirs.extensions.contains(extension);
    let receive = ours.codecs.iter().map(|ours| {
        let same = |theirs: &&Codec| theirs.is_same_format(ours);
        ours.agreed_with(theirs.codecs.iter().find(same))
    });
    Some(MediaPlan {
        transceiver: transceiver.id(),
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
