//! Senders: how a track is sent, to which streams it belongs, what packets may say.

use alloc::vec::Vec;

use super::connection::PeerConnection;
use super::lines::line;
use crate::jsep::{
    DescriptionError, HeaderExtension, HeaderExtensionChoice, SendParameters, Transceiver,
    TransceiverId, TransportId,
};
use crate::wire::rtp::extension::Kind as ExtensionKind;

/// Senders. Nothing of this needs an exchange, but streams and header extensions
/// count from the next one on.
impl PeerConnection {
    /// How the track of a transceiver is sent, to be changed and given back (W3C
    /// `getParameters`); `None` if there is no such transceiver.
    ///
    /// What the W3C has there beside the encodings is told by
    /// [`send_codecs`](Self::send_codecs),
    /// [`negotiated_header_extensions`](Self::negotiated_header_extensions) and
    /// [`Transceiver::encodings`].
    #[must_use]
    pub fn send_parameters(&self, transceiver: TransceiverId) -> Option<SendParameters> {
        self.session.send_parameters(transceiver)
    }

    /// Sends the track of a transceiver like this from now on (W3C `setParameters`).
    ///
    /// Encodings that are not active are not sent; the limits are for whoever encodes.
    ///
    /// ```no_run
    /// # use pollrtc::{PeerConnection, peer::{DescriptionError, TransceiverId}};
    /// # fn example(peer: &mut PeerConnection, camera: TransceiverId) -> Result<(), DescriptionError> {
    /// if let Some(mut parameters) = peer.send_parameters(camera) {
    ///     parameters.encodings[0].max_bitrate = Some(500_000);
    ///     peer.set_send_parameters(camera, parameters)?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown, or
    /// something has changed it since the parameters were taken: take them anew;
    /// [`DescriptionError::InvalidModification`] if they are of another transceiver, or
    /// the encodings are not the same by number, order and name;
    /// [`DescriptionError::Range`] if a number is not allowed.
    pub fn set_send_parameters(
        &mut self,
        transceiver: TransceiverId,
        parameters: SendParameters,
    ) -> Result<(), DescriptionError> {
        self.session.set_send_parameters(transceiver, parameters)?;
        self.pause(transceiver);
        Ok(())
    }

    /// Says to which streams the track of a transceiver belongs: the next exchange,
    /// for which [`Event::NegotiationNeeded`](super::Event::NegotiationNeeded) asks,
    /// tells the peer (W3C `setStreams`).
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown,
    /// [`DescriptionError::Type`] if a name is not a token of 1 to 64 characters (RFC 8830 §2).
    pub fn set_streams(
        &mut self,
        transceiver: TransceiverId,
        streams: &[&str],
    ) -> Result<(), DescriptionError> {
        self.session.set_streams(transceiver, streams)?;
        self.settle_session();
        Ok(())
    }

    /// The header extensions that are known of a transceiver's kind of media, and
    /// which of them it negotiates (W3C `getHeaderExtensionsToNegotiate`).
    #[must_use]
    pub fn header_extensions(&self, transceiver: TransceiverId) -> Vec<HeaderExtensionChoice> {
        self.session.header_extensions(transceiver)
    }

    /// Says which header extensions a transceiver negotiates, from the next exchange
    /// on (W3C `setHeaderExtensionsToNegotiate`).
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if the transceiver is stopped or unknown;
    /// [`DescriptionError::InvalidModification`] if the list is not that of
    /// [`header_extensions`](Self::header_extensions), or does not want the one that
    /// names sections, without which BUNDLE does not work.
    pub fn set_header_extensions(
        &mut self,
        transceiver: TransceiverId,
        choices: &[HeaderExtensionChoice],
    ) -> Result<(), DescriptionError> {
        self.session.set_header_extensions(transceiver, choices)
    }

    /// The header extensions that both know, by the last exchange (W3C
    /// `getNegotiatedHeaderExtensions`).
    #[must_use]
    pub fn negotiated_header_extensions(&self, transceiver: TransceiverId) -> Vec<HeaderExtension> {
        let Some(parameters) = self.media_of(transceiver).parameters(line(transceiver)) else {
            return Vec::new();
        };
        let agreed = ExtensionKind::ALL.iter().filter_map(|kind| {
            Some(HeaderExtension {
                id: parameters.extensions.id(*kind)?,
                uri: kind.uri().into(),
            })
        });
        agreed.collect()
    }

    /// Which of the [`transports`](Self::transports) carries a transceiver's media (W3C
    /// `RTCRtpSender.transport`); `None` before an exchange has settled that.
    #[must_use]
    pub fn transport_of(&self, transceiver: TransceiverId) -> Option<TransportId> {
        let link = self.links.with_line(transceiver);
        link.lines.contains(&transceiver).then_some(link.id)
    }

    /// The transceiver of the section with this name.
    #[must_use]
    pub fn transceiver_by_mid(&self, mid: &str) -> Option<&Transceiver> {
        self.session
            .transceivers()
            .find(|one| one.mid() == Some(mid))
    }
}
