//! Sound and pictures: what the application does with transceivers.

use alloc::vec::Vec;

use super::connection::{Life, PeerConnection};
use crate::jsep::{
    Capabilities, Codec, DescriptionError, Kind, Transceiver, TransceiverId, TransceiverInit,
};
use crate::wire::sdp::Direction;

/// Media. What changes the description counts from the next exchange on, for which
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
    /// [`DescriptionError::Type`] if a rid is none.
    pub fn add_transceiver(
        &mut self,
        kind: Kind,
        init: TransceiverInit,
    ) -> Result<TransceiverId, DescriptionError> {
        let id = self.session.add_transceiver(kind, init)?;
        self.settle();
        Ok(id)
    }

    /// Something to send, under a name and in streams that the peer is told: by a
    /// transceiver that has never sent, or else by a new one.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end,
    /// [`DescriptionError::Operation`] if there are too many.
    pub fn add_track(
        &mut self,
        kind: Kind,
        track: &str,
        streams: &[&str],
    ) -> Result<TransceiverId, DescriptionError> {
        let id = self.session.add_track(kind, track, streams)?;
        self.settle();
        Ok(id)
    }

    /// Nothing to send any more: the transceiver only receives, if anything.
    pub fn remove_track(&mut self, transceiver: TransceiverId) {
        self.session.remove_track(transceiver);
        self.settle();
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
        self.session.replace_track(transceiver, track)
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
        self.settle();
        Ok(())
    }

    /// Says which codecs to use, in this order; none for those of the configuration.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown,
    /// [`DescriptionError::Operation`] if one is not among the
    /// [`capabilities`](Self::capabilities), or no medium is left.
    pub fn set_codec_preferences(
        &mut self,
        transceiver: TransceiverId,
        codecs: Vec<Codec>,
    ) -> Result<(), DescriptionError> {
        self.session.set_codec_preferences(transceiver, codecs)
    }

    /// Ends a transceiver for good: nothing flows any more, and the next exchange
    /// gives its section up.
    pub fn stop_transceiver(&mut self, transceiver: TransceiverId) {
        if self.life == Life::Live {
            self.session.stop_transceiver(transceiver);
            self.settle();
        }
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
