//! What a sender is told apart from its track: parameters, streams, header extensions
//! (W3C webrtc-pc §5.2, webrtc-extensions).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::DescriptionError::{InvalidModification, InvalidState, Type};
use super::media::{
    EncodingLimits, EncodingParameters, Kind, MID, Transceiver, TransceiverId, TransceiverInit,
};
use super::{DescriptionError, Session, SignalingState};
use crate::wire::sdp::Direction;

/// How a track is sent, to look at and to change: W3C `RTCRtpSendParameters`.
///
/// Taken by [`Session::send_parameters`] and given back to
/// [`Session::set_send_parameters`], before anything else changes the sender. What
/// cannot be changed has no field here: the connection tells it otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendParameters {
    /// In which forms: as many as there were, in the same order, under the same names.
    pub encodings: Vec<EncodingParameters>,
    transceiver: TransceiverId,
    /// Which state of the sender it shows: the W3C's `transactionId`.
    generation: u32,
}

/// A header extension of RTP, and whether a transceiver negotiates it (W3C
/// `RTCRtpHeaderExtensionCapability`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderExtensionChoice {
    /// Which extension.
    pub uri: String,
    /// Whether it is offered, and accepted if it is offered; "stopped" otherwise.
    pub is_wanted: bool,
}

/// What an offer should be like, apart from what was added and taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OfferOptions {
    /// With other ICE credentials than those that are in use: setting it begins a
    /// new generation of ICE. [`Session::restart_ice`] asks for the same in a way
    /// that is not forgotten if the offer comes to nothing.
    pub ice_restart: bool,
    /// Whether sound should come from the peer, whatever is sent: `Some(true)` adds a
    /// transceiver that only receives if none does, `Some(false)` makes all that do
    /// stop. Legacy: transceivers say more.
    pub offer_to_receive_audio: Option<bool>,
    /// The same for pictures.
    pub offer_to_receive_video: Option<bool>,
}

impl Session {
    /// How the track of a transceiver is sent; `None` if there is no such transceiver.
    #[must_use]
    pub fn send_parameters(&self, id: TransceiverId) -> Option<SendParameters> {
        let transceiver = self.transceiver(id)?;
        let encodings = transceiver.encodings().iter().map(EncodingParameters::of);
        Some(SendParameters {
            encodings: encodings.collect(),
            transceiver: id,
            generation: transceiver.generation,
        })
    }

    /// Sends the track of a transceiver like this from now on, without an exchange.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the transceiver is stopped or unknown, or an exchange or
    /// another call has changed it since the parameters were taken;
    /// [`InvalidModification`] if they are of another transceiver, or the encodings are
    /// not the same by number, order and name; [`DescriptionError::Range`] if a number
    /// is not allowed.
    pub fn set_send_parameters(
        &mut self,
        id: TransceiverId,
        mut parameters: SendParameters,
    ) -> Result<(), DescriptionError> {
        let transceiver = self.live_transceiver(id)?;
        if parameters.transceiver != id {
            return Err(InvalidModification);
        }
        if parameters.generation != transceiver.generation {
            return Err(InvalidState);
        }
        let names = parameters.encodings.iter().map(|one| &one.rid);
        if !names.eq(transceiver.encodings.iter().map(|one| &one.rid)) {
            return Err(InvalidModification);
        }
        let kind = transceiver.kind();
        let mut wanted = parameters.encodings.iter_mut();
        wanted.try_for_each(|encoding| encoding.check(kind))?;
        for (encoding, wanted) in transceiver.encodings.iter_mut().zip(&parameters.encodings) {
            encoding.paused = !wanted.active;
            encoding.limits = EncodingLimits::of(wanted);
        }
        transceiver.touch();
        Ok(())
    }

    /// Says to which streams the track of a transceiver belongs: the next exchange
    /// tells the peer.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the transceiver is stopped or unknown, [`Type`] if a name
    /// is not a token of 1 to 64 characters.
    pub fn set_streams(
        &mut self,
        id: TransceiverId,
        streams: &[&str],
    ) -> Result<(), DescriptionError> {
        let transceiver = self.live_transceiver(id)?;
        transceiver.streams = distinct(streams)?;
        Ok(())
    }

    /// The header extensions that are known of a transceiver's kind of media, and
    /// which of them it negotiates.
    #[must_use]
    pub fn header_extensions(&self, id: TransceiverId) -> Vec<HeaderExtensionChoice> {
        let Some(transceiver) = self.transceiver(id) else {
            return Vec::new();
        };
        let known = self.config.media.of(transceiver.kind()).extensions.iter();
        let choices = known.map(|uri| HeaderExtensionChoice {
            uri: uri.clone(),
            is_wanted: transceiver.wants_extension(uri),
        });
        choices.collect()
    }

    /// Says which header extensions a transceiver negotiates from now on.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the transceiver is stopped or unknown;
    /// [`InvalidModification`] if the list has not the extensions of
    /// [`header_extensions`](Self::header_extensions) in the same order, or does not
    /// want the one that names sections, without which BUNDLE does not work (RFC 9143 §9.2).
    pub fn set_header_extensions(
        &mut self,
        id: TransceiverId,
        choices: &[HeaderExtensionChoice],
    ) -> Result<(), DescriptionError> {
        let kind = self.live_transceiver(id)?.kind();
        let known = &self.config.media.of(kind).extensions;
        let unwanted = choices.iter().filter(|choice| !choice.is_wanted);
        let is_mandatory = |choice: &HeaderExtensionChoice| choice.uri == MID;
        let is_same = choices.iter().map(|choice| &choice.uri).eq(known);
        if !is_same || unwanted.clone().any(is_mandatory) {
            return Err(InvalidModification);
        }
        let unwanted = unwanted.map(|choice| choice.uri.clone()).collect();
        self.live_transceiver(id)?.unwanted_extensions = unwanted;
        Ok(())
    }

    /// What the legacy options of an offer do to transceivers before the offer is made
    /// (W3C §4.4.3): [`create_offer`](Self::create_offer) does it, unless it was done.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if no offer can be made now, [`DescriptionError::Operation`] if
    /// there are too many transceivers.
    pub fn prepare_offer(&mut self, options: OfferOptions) -> Result<(), DescriptionError> {
        use SignalingState::{HaveLocalOffer, Stable};
        if !matches!(self.signaling_state(), Stable | HaveLocalOffer) {
            return Err(InvalidState);
        }
        for (kind, receives) in [
            (Kind::Audio, options.offer_to_receive_audio),
            (Kind::Video, options.offer_to_receive_video),
        ] {
            match receives {
                Some(true) => self.receive_one(kind)?,
                Some(false) => self.transceivers.stop_receiving(kind),
                None => {}
            }
        }
        Ok(())
    }

    fn receive_one(&mut self, kind: Kind) -> Result<(), DescriptionError> {
        let live = |one: &&Transceiver| one.kind() == kind && !one.is_stopping();
        let receives = |one: &Transceiver| one.direction().receives();
        if self.transceivers.iter().filter(live).any(receives) {
            return Ok(());
        }
        let init = TransceiverInit {
            direction: Direction::RecvOnly,
            ..TransceiverInit::default()
        };
        self.add_transceiver(kind, init).map(drop)
    }
}

impl Transceiver {
    /// Whether it negotiates a header extension.
    pub(super) fn wants_extension(&self, uri: &str) -> bool {
        !self.unwanted_extensions.iter().any(|other| other == uri)
    }

    /// What was said of its sender's parameters is no longer so.
    pub(super) const fn touch(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }
}

/// W3C §5.2 `setStreams`: each stream counts once. Only names that can be told are taken.
pub(super) fn distinct<S: AsRef<str>>(streams: &[S]) -> Result<Vec<String>, DescriptionError> {
    let mut distinct: Vec<String> = Vec::with_capacity(streams.len());
    for stream in streams.iter().map(AsRef::as_ref) {
        check_name(stream)?;
        if !distinct.iter().any(|other| other == stream) {
            distinct.push(stream.to_string());
        }
    }
    Ok(distinct)
}

/// RFC 8830 §2: names are tokens of 1 to 64 characters (RFC 8866 §9); a dash means none.
pub(super) fn check_name(name: &str) -> Result<(), DescriptionError> {
    let is_token = |byte: u8| byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte);
    match (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_token) && name != "-" {
        true => Ok(()),
        false => Err(Type("a track or a stream has 1 to 64 token characters")),
    }
}

/// How long the name of a track or of a stream may be.
const MAX_NAME: usize = 64;
