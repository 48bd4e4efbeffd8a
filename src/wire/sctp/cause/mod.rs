//! The causes of ERROR and ABORT (RFC 9260 §3.3.10).

use core::fmt;
use core::iter::FusedIterator;

use super::{StreamId, Tsn, tlv};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial32;

/// What is wrong?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// DATA came on a stream that does not exist.
    InvalidStream(StreamId),
    /// Parameters that have to be there are not: their types.
    MissingParameters(&'a [u8]),
    /// The cookie came this many microseconds too late.
    StaleCookie(u32),
    /// There is no memory left.
    OutOfResource,
    /// An address cannot be used: its parameter.
    UnresolvableAddress(&'a [u8]),
    /// A chunk is not known: the chunk.
    UnrecognizedChunk(&'a [u8]),
    /// A field of INIT or INIT ACK cannot be.
    InvalidParameter,
    /// Parameters are not known: the parameters.
    UnrecognizedParameters(&'a [u8]),
    /// DATA came without data: its TSN.
    NoUserData(Tsn),
    /// A cookie came while the association was ending.
    CookieWhileShuttingDown,
    /// A restart brought new addresses: their parameters.
    RestartWithNewAddresses(&'a [u8]),
    /// The application asked for it, with these words.
    UserInitiated(&'a [u8]),
    /// The peer broke the protocol, in these words.
    ProtocolViolation(&'a [u8]),
    /// A cause that is not known here, kept as it came.
    Unknown {
        /// Its code.
        code: u16,
        /// Its value.
        bytes: &'a [u8],
    },
}

impl<'a> Cause<'a> {
    /// Reads the next cause with its padding.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if its frame or its content is not as it should be.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (code, bytes) = tlv::parameter(r)?;
        let mut value = Reader::new(bytes);
        Ok(match code {
            1 => Self::InvalidStream(StreamId(value.u16("stream")?)),
            2 => {
                let count = value.u32("number of parameters")?;
                if u64::from(count) * 2 != value.remaining() as u64 {
                    return Err(Malformed("number of parameters"));
                }
                Self::MissingParameters(value.rest())
            }
            3 => Self::StaleCookie(value.u32("staleness")?),
            4 => Self::OutOfResource,
            5 => Self::UnresolvableAddress(bytes),
            6 => Self::UnrecognizedChunk(bytes),
            7 => Self::InvalidParameter,
            8 => Self::UnrecognizedParameters(bytes),
            9 => Self::NoUserData(Serial32(value.u32("TSN")?)),
            10 => Self::CookieWhileShuttingDown,
            11 => Self::RestartWithNewAddresses(bytes),
            12 => Self::UserInitiated(bytes),
            13 => Self::ProtocolViolation(bytes),
            _ => Self::Unknown { code, bytes },
        })
    }

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::InvalidStream(_) => 1,
            Self::MissingParameters(_) => 2,
            Self::StaleCookie(_) => 3,
            Self::OutOfResource => 4,
            Self::UnresolvableAddress(_) => 5,
            Self::UnrecognizedChunk(_) => 6,
            Self::InvalidParameter => 7,
            Self::UnrecognizedParameters(_) => 8,
            Self::NoUserData(_) => 9,
            Self::CookieWhileShuttingDown => 10,
            Self::RestartWithNewAddresses(_) => 11,
            Self::UserInitiated(_) => 12,
            Self::ProtocolViolation(_) => 13,
            Self::Unknown { code, .. } => *code,
        }
    }

    /// The size on the wire, padding included.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        let value = match self {
            Self::InvalidStream(_) | Self::StaleCookie(_) | Self::NoUserData(_) => 4,
            Self::MissingParameters(kinds) => 4 + kinds.len(),
            Self::OutOfResource | Self::InvalidParameter | Self::CookieWhileShuttingDown => 0,
            Self::UnresolvableAddress(bytes)
            | Self::UnrecognizedChunk(bytes)
            | Self::UnrecognizedParameters(bytes)
            | Self::RestartWithNewAddresses(bytes)
            | Self::UserInitiated(bytes)
            | Self::ProtocolViolation(bytes)
            | Self::Unknown { bytes, .. } => bytes.len(),
        };
        tlv::padded(tlv::HEADER + value)
    }

    /// Writes the cause, padding included.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_parameter(w, self.code(), |w| match self {
            Self::InvalidStream(stream) => {
                w.u16(stream.0);
                w.u16(0);
            }
            Self::MissingParameters(kinds) => {
                w.u32(u32::try_from(kinds.len() / 2).unwrap_or(u32::MAX));
                w.bytes(kinds);
            }
            Self::StaleCookie(micros) => w.u32(*micros),
            Self::NoUserData(tsn) => w.u32(tsn.0),
            Self::OutOfResource | Self::InvalidParameter | Self::CookieWhileShuttingDown => (),
            Self::UnresolvableAddress(bytes)
            | Self::UnrecognizedChunk(bytes)
            | Self::UnrecognizedParameters(bytes)
            | Self::RestartWithNewAddresses(bytes)
            | Self::UserInitiated(bytes)
            | Self::ProtocolViolation(bytes)
            | Self::Unknown { bytes, .. } => w.bytes(bytes),
        });
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidStream(stream) => write!(f, "invalid-stream={stream}"),
            Self::MissingParameters(kinds) => write!(f, "missing-parameters={}", kinds.len() / 2),
            Self::StaleCookie(micros) => write!(f, "stale-cookie={micros}us"),
            Self::OutOfResource => f.write_str("out-of-resource"),
            Self::UnresolvableAddress(_) => f.write_str("unresolvable-address"),
            Self::UnrecognizedChunk(chunk) => {
                f.write_str("unrecognized-chunk")?;
                chunk.first().map_or(Ok(()), |kind| write!(f, "={kind}"))
            }
            Self::InvalidParameter => f.write_str("invalid-parameter"),
            Self::UnrecognizedParameters(_) => f.write_str("unrecognized-parameters"),
            Self::NoUserData(tsn) => write!(f, "no-user-data={}", tsn.0),
            Self::CookieWhileShuttingDown => f.write_str("cookie-while-shutting-down"),
            Self::RestartWithNewAddresses(_) => f.write_str("restart-with-new-addresses"),
            Self::UserInitiated(words) => write!(f, "user-initiated=\"{}\"", words.escape_ascii()),
            Self::ProtocolViolation(words) => {
                write!(f, "protocol-violation=\"{}\"", words.escape_ascii())
            }
            Self::Unknown { code, .. } => write!(f, "cause={code}"),
        }
    }
}

/// Causes, one after the other, each of which can be read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Causes<'a> {
    bytes: &'a [u8],
}

impl<'a> Causes<'a> {
    /// Reads all causes up to the end.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if one of them is not as it should be.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = tlv::frames(r.rest(), |r| Cause::parse(r).map(drop))?;
        Ok(Self { bytes })
    }

    /// The causes in the order of the chunk.
    #[must_use]
    pub const fn iter(&self) -> CauseIter<'a> {
        CauseIter {
            rest: Reader::new(self.bytes),
        }
    }

    /// The size on the wire, without the padding of the last.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the causes.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.bytes);
    }
}

impl<'a> IntoIterator for &Causes<'a> {
    type Item = Cause<'a>;
    type IntoIter = CauseIter<'a>;

    fn into_iter(self) -> CauseIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Each cause after a space.
impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|cause| write!(f, " {cause}"))
    }
}

/// The iterator of [`Causes`].
#[derive(Clone, Debug)]
pub struct CauseIter<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for CauseIter<'a> {
    type Item = Cause<'a>;

    fn next(&mut self) -> Option<Cause<'a>> {
        Cause::parse(&mut self.rest).ok()
    }
}

impl FusedIterator for CauseIter<'_> {}
