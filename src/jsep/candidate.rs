//! What does the line of a candidate say (W3C `RTCIceCandidate`)?

use super::DescriptionError::{self, Operation, Type};
use super::IceCandidate;
use crate::net::Candidate;
use crate::wire::sdp::candidate::{self, CandidateError};

impl IceCandidate<'_> {
    /// All that the line says, each in its field; `None` if it says that no more
    /// candidates will come, or is of a transport or kind that nobody here knows.
    ///
    /// Its [`username_fragment`](IceCandidate::username_fragment) counts before that of the line.
    ///
    /// # Errors
    ///
    /// [`Type`] if it is not said for which section it is, [`Operation`] if the line
    /// is no candidate.
    pub fn fields(&self) -> Result<Option<Candidate>, DescriptionError> {
        if self.sdp_mid.is_none() && self.sdp_mline_index.is_none() {
            return Err(Type("a candidate needs sdpMid or sdpMLineIndex"));
        }
        if self.candidate.is_empty() {
            return Ok(None);
        }
        match candidate::parse(self.candidate) {
            Ok(mut candidate) => {
                if let Some(ufrag) = self.username_fragment {
                    candidate.ufrag = Some(ufrag.into());
                }
                Ok(Some(candidate))
            }
            Err(CandidateError::Unsupported) => Ok(None),
            Err(CandidateError::Malformed(reason)) => Err(Operation(reason)),
        }
    }
}
