//! The parameters of INIT, HEARTBEAT and RE-CONFIG (RFC 9260 §3.2.1).

mod reset;

use core::fmt;
use core::iter::FusedIterator;

use super::tlv::{self, UnknownAction};
use crate::cursor::{Malformed, Reader, Writer};

pub use reset::{
    AddStreams, AssociationReset, IncomingReset, OutgoingReset, ResetResponse, ResetResult,
};

/// A parameter, or one that is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// What a HEARTBEAT wants repeated.
    HeartbeatInfo(&'a [u8]),
    /// An address, a host name or the kinds of address supported: of no use here,
    /// since the datagrams below do not need addresses, but not unknown.
    Address {
        /// The type: 5, 6, 11 or 12.
        kind: u16,
        /// The address.
        bytes: &'a [u8],
    },
    /// The cookie of an INIT ACK.
    StateCookie(&'a [u8]),
    /// A parameter of our INIT that the peer does not know.
    Unrecognized(&'a [u8]),
    /// By how many milliseconds the cookie should live longer.
    CookiePreservative(u32),
    /// Asks to reset streams of the sender (RFC 6525 §4.1).
    OutgoingReset(OutgoingReset<'a>),
    /// Asks the receiver to reset streams of its own (RFC 6525 §4.2).
    IncomingReset(IncomingReset<'a>),
    /// Asks to reset everything (RFC 6525 §4.3).
    AssociationReset(AssociationReset),
    /// Answers a request (RFC 6525 §4.4).
    ResetResponse(ResetResponse),
    /// Asks for more streams (RFC 6525 §4.5, §4.6).
    AddStreams(AddStreams),
    /// How packets may come without a checksum (RFC 9653 §4.1): 1 means inside DTLS.
    ZeroChecksum(u32),
    /// The chunk types beyond the base protocol that are understood (RFC 5061 §4.2.7).
    SupportedExtensions(&'a [u8]),
    /// FORWARD TSN is understood (RFC 3758 §3.1).
    ForwardTsnSupported,
    /// A parameter that is not known here, kept as it came.
    Unknown {
        /// Its type.
        kind: u16,
        /// Its value.
        bytes: &'a [u8],
    },
}

impl<'a> Parameter<'a> {
    /// Reads the next parameter with its padding.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if its frame or its content is not as it should be.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (kind, bytes) = tlv::parameter(r)?;
        let mut value = Reader::new(bytes);
        Ok(match kind {
            HEARTBEAT_INFO => Self::HeartbeatInfo(bytes),
            IPV4 | IPV6 | HOST_NAME | SUPPORTED_ADDRESSES => Self::Address { kind, bytes },
            STATE_COOKIE => Self::StateCookie(bytes),
            UNRECOGNIZED => Self::Unrecognized(bytes),
            COOKIE_PRESERVATIVE => Self::CookiePreservative(value.u32("preservative")?),
            OutgoingReset::KIND => Self::OutgoingReset(OutgoingReset::parse(&mut value)?),
            IncomingReset::KIND => Self::IncomingReset(IncomingReset::parse(&mut value)?),
            AssociationReset::KIND => Self::AssociationReset(AssociationReset::parse(&mut value)?),
            ResetResponse::KIND => Self::ResetResponse(ResetResponse::parse(&mut value)?),
            AddStreams::OUTGOING | AddStreams::INCOMING => {
                Self::AddStreams(AddStreams::parse(kind, &mut value)?)
            }
            ZERO_CHECKSUM => Self::ZeroChecksum(value.u32("error detection method")?),
            SUPPORTED_EXTENSIONS => Self::SupportedExtensions(bytes),
            FORWARD_TSN_SUPPORTED => Self::ForwardTsnSupported,
            _ => Self::Unknown { kind, bytes },
        })
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        match self {
            Self::HeartbeatInfo(_) => HEARTBEAT_INFO,
            Self::StateCookie(_) => STATE_COOKIE,
            Self::Unrecognized(_) => UNRECOGNIZED,
            Self::CookiePreservative(_) => COOKIE_PRESERVATIVE,
            Self::OutgoingReset(_) => OutgoingReset::KIND,
            Self::IncomingReset(_) => IncomingReset::KIND,
            Self::AssociationReset(_) => AssociationReset::KIND,
            Self::ResetResponse(_) => ResetResponse::KIND,
            Self::AddStreams(request) => request.kind(),
            Self::ZeroChecksum(_) => ZERO_CHECKSUM,
            Self::SupportedExtensions(_) => SUPPORTED_EXTENSIONS,
            Self::ForwardTsnSupported => FORWARD_TSN_SUPPORTED,
            Self::Address { kind, .. } | Self::Unknown { kind, .. } => *kind,
        }
    }

    /// What its type asks of a receiver that does not know it.
    #[must_use]
    pub const fn action(&self) -> UnknownAction {
        UnknownAction::of_parameter(self.kind())
    }

    /// The size on the wire, padding included.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        let value = match self {
            Self::HeartbeatInfo(bytes)
            | Self::StateCookie(bytes)
            | Self::Unrecognized(bytes)
            | Self::SupportedExtensions(bytes)
            | Self::Address { bytes, .. }
            | Self::Unknown { bytes, .. } => bytes.len(),
            Self::CookiePreservative(_) | Self::ZeroChecksum(_) => 4,
            Self::OutgoingReset(request) => request.encoded_len(),
            Self::IncomingReset(request) => request.encoded_len(),
            Self::AssociationReset(request) => request.encoded_len(),
            Self::ResetResponse(response) => response.encoded_len(),
            Self::AddStreams(request) => request.encoded_len(),
            Self::ForwardTsnSupported => 0,
        };
        tlv::padded(tlv::HEADER + value)
    }

    /// Writes the parameter, padding included.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_parameter(w, self.kind(), |w| match self {
            Self::HeartbeatInfo(bytes)
            | Self::StateCookie(bytes)
            | Self::Unrecognized(bytes)
            | Self::SupportedExtensions(bytes)
            | Self::Address { bytes, .. }
            | Self::Unknown { bytes, .. } => w.bytes(bytes),
            Self::CookiePreservative(value) | Self::ZeroChecksum(value) => w.u32(*value),
            Self::OutgoingReset(request) => request.emit(w),
            Self::IncomingReset(request) => request.emit(w),
            Self::AssociationReset(request) => request.emit(w),
            Self::ResetResponse(response) => response.emit(w),
            Self::AddStreams(request) => request.emit(w),
            Self::ForwardTsnSupported => (),
        });
    }
}

impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeartbeatInfo(bytes) => write!(f, "info={}", bytes.len()),
            Self::Address { kind, .. } => write!(f, "address={kind}"),
            Self::StateCookie(bytes) => write!(f, "cookie={}", bytes.len()),
            Self::Unrecognized(bytes) => write!(f, "unrecognized={}", bytes.len()),
            Self::CookiePreservative(millis) => write!(f, "preserve={millis}ms"),
            Self::OutgoingReset(request) => request.fmt(f),
            Self::IncomingReset(request) => request.fmt(f),
            Self::AssociationReset(request) => request.fmt(f),
            Self::ResetResponse(response) => response.fmt(f),
            Self::AddStreams(request) => request.fmt(f),
            Self::ZeroChecksum(method) => write!(f, "zero-checksum={method}"),
            Self::SupportedExtensions(kinds) => {
                f.write_str("extensions=[")?;
                for (index, kind) in kinds.iter().enumerate() {
                    let separator = if index == 0 { "" } else { " " };
                    write!(f, "{separator}{kind}")?;
                }
                f.write_str("]")
            }
            Self::ForwardTsnSupported => f.write_str("forward-tsn"),
            Self::Unknown { kind, .. } => write!(f, "parameter={kind:#06x}"),
        }
    }
}

/// Parameters, one after the other, each of which can be read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Parameters<'a> {
    bytes: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Reads all parameters up to the end.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if one of them is not as it should be.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = tlv::frames(r.rest(), |r| Parameter::parse(r).map(drop))?;
        Ok(Self { bytes })
    }

    /// The parameters in the order of the chunk.
    #[must_use]
    pub const fn iter(&self) -> ParameterIter<'a> {
        ParameterIter {
            rest: Reader::new(self.bytes),
        }
    }

    /// The bytes they were read from, without the padding of the last.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The size on the wire, without the padding of the last.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the parameters.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.bytes);
    }
}

impl<'a> IntoIterator for &Parameters<'a> {
    type Item = Parameter<'a>;
    type IntoIter = ParameterIter<'a>;

    fn into_iter(self) -> ParameterIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The iterator of [`Parameters`].
#[derive(Clone, Debug)]
pub struct ParameterIter<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for ParameterIter<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        Parameter::parse(&mut self.rest).ok()
    }
}

impl FusedIterator for ParameterIter<'_> {}

const HEARTBEAT_INFO: u16 = 1;
const IPV4: u16 = 5;
const IPV6: u16 = 6;
const STATE_COOKIE: u16 = 7;
const UNRECOGNIZED: u16 = 8;
const COOKIE_PRESERVATIVE: u16 = 9;
const HOST_NAME: u16 = 11;
const SUPPORTED_ADDRESSES: u16 = 12;
const ZERO_CHECKSUM: u16 = 0x8001;
const SUPPORTED_EXTENSIONS: u16 = 0x8008;
const FORWARD_TSN_SUPPORTED: u16 = 0xc000;
