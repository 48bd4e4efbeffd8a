//! Sound and pictures: what the application does with transceivers.

use alloc::vec::Vec;
use core::time::Duration;

use super::connection::{Life, PeerConnection};
use super::event::Event;
use super::lines::{self, line};
use crate::jsep::{
    Capabilities, Codec, DescriptionError, Kind, Transceiver, TransceiverId, TransceiverInit,
};
use crate::media::{self, CodecParameters, Media, PacketResult};
use crate::rtp::receiver::{Source, SourceKind};
use crate::rtp::sender::{MediaFrame, OutPacket, WriteError};
use crate::time::Instant;
use crate::wire::rtp::{PayloadType, Ssrc};
use crate::wire::sdp::Direction;

/// Transceivers. What changes the description counts from the next exchange on, for which
/// [`Event::NegotiationNeeded`](super::Event::NegotiationNeeded) asks.
impl PeerConnection {
    /// What can be sent and received of one kind of media, as configured.
    #[must_use]
    pub fn capabilities(&self, kind: Kind) -> &Capabilities {
        self.config.media.of(kind)
    }

    /// A sender and a receiver that get a section of their own.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end,
    /// [`DescriptionError::Operation`] if there are too many,
    /// [`DescriptionError::Type`] if the name of a stream is not a token of 1 to 64
    /// characters (RFC 8830 §2), or a rid is none, is there twice, or only some encodings
    /// have one, [`DescriptionError::Range`] if a limit is not allowed.
    pub fn add_transceiver(
        &mut self,
        kind: Kind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, DescriptionError> {
        let id = self.session.add_transceiver(kind, init)?;
        self.settle_session();
        Ok(id)
    }

    /// Something to send, under a name and in streams that the peer is told: by a
    /// transceiver that has never sent, or else by a new one.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end,
    /// [`DescriptionError::InvalidAccess`] if a track of this kind and name is sent
    /// already, [`DescriptionError::Type`] if a name is not a token of 1 to 64
    /// characters (RFC 8830 §2), [`DescriptionError::Operation`] if there are too many.
    pub fn add_track(
        &mut self,
        kind: Kind,
        track: &str,
        streams: &[&str],
    ) -> Result<TransceiverId, DescriptionError> {
        let id = self.session.add_track(kind, track, streams)?;
        self.pause(id);
        self.settle_session();
        Ok(id)
    }

    /// Nothing to send any more: the transceiver only receives, if anything. Nothing
    /// happens if it is stopped.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end,
    /// [`DescriptionError::InvalidAccess`] if it is not of this connection.
    pub fn remove_track(&mut self, transceiver: TransceiverId) -> Result<(), DescriptionError> {
        self.session.remove_track(transceiver)?;
        self.pause(transceiver);
        self.settle_session();
        Ok(())
    }

    /// Sends something else from now on, or nothing, without an exchange. The peer
    /// goes on to know it under the name that it was told.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown.
    pub fn replace_track(
        &mut self,
        transceiver: TransceiverId,
        track: Option<&str>,
    ) -> Result<(), DescriptionError> {
        self.session.replace_track(transceiver, track)?;
        self.pause(transceiver);
        Ok(())
    }

    /// Says which way media should flow.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown.
    pub fn set_direction(
        &mut self,
        transceiver: TransceiverId,
        direction: Direction,
    ) -> Result<(), DescriptionError> {
        self.session.set_direction(transceiver, direction)?;
        self.settle_session();
        Ok(())
    }

    /// Says which codecs to use, in this order; none for those of the configuration.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown,
    /// [`DescriptionError::InvalidModification`] if one is not among the
    /// [`capabilities`](Self::capabilities), or no medium is left.
    pub fn set_codec_preferences(
        &mut self,
        transceiver: TransceiverId,
        codecs: Vec<Codec>,
    ) -> Result<(), DescriptionError> {
        self.session.set_codec_preferences(transceiver, codecs)
    }

    /// Ends a transceiver for good: nothing flows any more, and the next exchange
    /// gives its section up. Nothing happens if it is stopped.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end,
    /// [`DescriptionError::InvalidAccess`] if it is not of this connection.
    pub fn stop_transceiver(&mut self, transceiver: TransceiverId) -> Result<(), DescriptionError> {
        self.session.stop_transceiver(transceiver)?;
        self.end_lines();
        self.settle_session();
        Ok(())
    }

    /// The transceivers, in the order in which they came to be; those that are over
    /// are not among them.
    pub fn transceivers(&self) -> impl Iterator<Item = &Transceiver> {
        self.session.transceivers()
    }

    /// One of them.
    #[must_use]
    pub fn transceiver(&self, transceiver: TransceiverId) -> Option<&Transceiver> {
        self.session.transceiver(transceiver)
    }
}

/// Frames and packets, once there is a path and both sides have agreed on a direction.
impl PeerConnection {
    /// Sends a frame, if the transceiver has one encoding, as most do.
    ///
    /// It is cut into packets at once, which [`poll_transmit`](Self::poll_transmit)
    /// gives out.
    ///
    /// # Errors
    ///
    /// See [`WriteError`]. [`WriteError::Paused`] also before an exchange has agreed
    /// on sending, and after the end.
    pub fn write(
        &mut self,
        now: Instant,
        transceiver: TransceiverId,
        frame: &MediaFrame,
    ) -> Result<(), WriteError> {
        self.write_encoding(now, transceiver, "", frame)
    }

    /// Sends a frame of one of several encodings, whose name is `rid`.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn write_encoding(
        &mut self,
        now: Instant,
        transceiver: TransceiverId,
        rid: &str,
        frame: &MediaFrame,
    ) -> Result<(), WriteError> {
        self.sending()?;
        let now = self.told(now);
        if self.dtmf.is_heard(transceiver) {
            return Ok(());
        }
        self.media_of_mut(transceiver)
            .write(now, line(transceiver), rid, frame)
    }

    /// Sends a packet that comes from elsewhere: what an SFU does.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn write_packet(
        &mut self,
        now: Instant,
        transceiver: TransceiverId,
        rid: &str,
        packet: &OutPacket<'_>,
    ) -> Result<(), WriteError> {
        self.sending()?;
        let now = self.told(now);
        if self.dtmf.is_heard(transceiver) {
            return Ok(());
        }
        self.media_of_mut(transceiver)
            .write_packet(now, line(transceiver), rid, packet)
    }

    /// After the end nothing is sent.
    fn sending(&self) -> Result<(), WriteError> {
        match self.life {
            Life::Live => Ok(()),
            _ => Err(WriteError::Paused),
        }
    }

    /// Asks the peer for a key frame of what it sends; `rid` is empty if that has one
    /// encoding. `false` if nothing has come that could be asked.
    pub fn request_key_frame(&mut self, transceiver: TransceiverId, rid: &str) -> bool {
        self.media_of_mut(transceiver)
            .request_key_frame(line(transceiver), rid)
    }

    /// What the peer takes of what we can send, best first, as the last exchange has
    /// agreed on: frames are of the first, or of what
    /// [`set_send_codec`](Self::set_send_codec) chose.
    pub fn send_codecs(
        &self,
        transceiver: TransceiverId,
    ) -> impl Iterator<Item = &CodecParameters> {
        let parameters = self.media_of(transceiver).parameters(line(transceiver));
        let codecs = parameters
            .into_iter()
            .flat_map(|parameters| &*parameters.send);
        codecs.filter(|codec| codec.is_media())
    }

    /// What we take of what the peer can send, by the last exchange (W3C
    /// `RTCRtpReceiver.getParameters`).
    pub fn receive_codecs(
        &self,
        transceiver: TransceiverId,
    ) -> impl Iterator<Item = &CodecParameters> {
        let parameters = self.media_of(transceiver).parameters(line(transceiver));
        let codecs = parameters
            .into_iter()
            .flat_map(|parameters| &*parameters.receive);
        codecs.filter(|codec| codec.is_media())
    }

    /// Says of which codec the frames are from now on. `false`, and nothing changes,
    /// if it is none of the [`send_codecs`](Self::send_codecs), or after the end.
    pub fn set_send_codec(
        &mut self,
        transceiver: TransceiverId,
        payload_type: PayloadType,
    ) -> bool {
        let is_live = self.life == Life::Live;
        is_live
            && self
                .media_of_mut(transceiver)
                .set_send_codec(line(transceiver), payload_type)
    }

    /// Says whether one of several encodings is sent: without an exchange, since the
    /// peer takes all of them (W3C `RTCRtpEncodingParameters.active`). `false` if
    /// there is none with this name, or the connection is closed.
    pub fn set_encoding_active(
        &mut self,
        transceiver: TransceiverId,
        rid: &str,
        active: bool,
    ) -> bool {
        if self.life != Life::Live {
            return false;
        }
        let is_known = self.session.set_encoding_paused(transceiver, rid, !active);
        self.pause(transceiver);
        is_known
    }

    /// Under which SSRC an encoding is sent.
    #[must_use]
    pub fn ssrc(&self, transceiver: TransceiverId, rid: &str) -> Option<Ssrc> {
        self.media_of(transceiver).ssrc(line(transceiver), rid)
    }

    /// What became of the next packet of media that was sent, as the peer's feedback
    /// tells it: for a congestion control of the application's own. As many as
    /// [`MediaConfig::packet_results`](super::MediaConfig::packet_results) says wait to
    /// be taken; none by default.
    pub fn poll_packet_result(&mut self) -> Option<PacketResult> {
        let mut links = self.links.iter_mut();
        links.find_map(|link| link.media.poll_packet_result())
    }

    /// Tells what the wall clock says, as time since the Unix epoch: sender reports
    /// carry it. Without it they count from the beginning of `now`.
    pub fn set_wall_clock(&mut self, now: Instant, unix: Duration) {
        let now = self.told(now);
        let links = self.links.iter_mut();
        links.for_each(|link| link.media.set_wall_clock(now, unix));
    }

    /// Whose sound or picture came within the last ten seconds, as parts of a mix
    /// (W3C `getContributingSources`).
    #[must_use]
    pub fn contributing_sources(&self, transceiver: TransceiverId, now: Instant) -> Vec<Source> {
        self.heard(transceiver, now, SourceKind::Contributing)
    }

    /// Whose sound or picture came within the last ten seconds (W3C
    /// `getSynchronizationSources`).
    #[must_use]
    pub fn synchronization_sources(&self, transceiver: TransceiverId, now: Instant) -> Vec<Source> {
        self.heard(transceiver, now, SourceKind::Synchronization)
    }

    fn heard(&self, transceiver: TransceiverId, now: Instant, kind: SourceKind) -> Vec<Source> {
        let mut heard = self.media_of(transceiver).heard(line(transceiver), now);
        heard.retain(|source| source.kind == kind);
        heard
    }

    /// What was taken away, or is paused, is not sent; what replaces it is.
    pub(super) fn pause(&mut self, id: TransceiverId) {
        let Self { session, links, .. } = self;
        let Some(transceiver) = session.transceiver(id) else {
            return;
        };
        let media = &mut links.with_line_mut(id).media;
        let active = !transceiver.is_silent();
        for encoding in transceiver.encodings() {
            let active = active && !encoding.paused;
            media.set_encoding_active(line(id), &encoding.rid, active);
        }
    }

    /// The media that have the line of a transceiver.
    pub(super) fn media_of(&self, transceiver: TransceiverId) -> &Media {
        &self.links.with_line(transceiver).media
    }

    /// The media that have the line of a transceiver.
    pub(super) fn media_of_mut(&mut self, transceiver: TransceiverId) -> &mut Media {
        &mut self.links.with_line_mut(transceiver).media
    }

    /// What media say, in the words of the connection.
    pub(super) fn poll_media(&mut self) -> Option<Event> {
        if let Some(event) = self.held() {
            return Some(event);
        }
        loop {
            let event = match self.links.poll_media()? {
                media::Event::Frame {
                    line,
                    source,
                    frame,
                } => Event::Frame {
                    transceiver: lines::transceiver(line),
                    rid: source.rid,
                    frame,
                },
                media::Event::Packet {
                    line,
                    source,
                    packet,
                } => Event::Packet {
                    transceiver: lines::transceiver(line),
                    rid: source.rid,
                    packet,
                },
                media::Event::KeyFrameRequested { line, rid } => Event::KeyFrameRequested {
                    transceiver: lines::transceiver(line),
                    rid,
                },
                media::Event::TargetBitrate(bitrate) => Event::TargetBitrate(bitrate),
                media::Event::SsrcChanged { line, rid, ssrc } => {
                    let transceiver = lines::transceiver(line);
                    self.session.set_ssrc(transceiver, &rid, ssrc.0);
                    continue;
                }
                // The application counts in transceivers, whose events say the same.
                media::Event::Source { .. } | media::Event::Ended { .. } => continue,
            };
            return Some(self.with_unmuting(event));
        }
    }
}
