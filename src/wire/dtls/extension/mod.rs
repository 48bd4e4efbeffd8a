//! Hello extensions (RFC 5246 §7.4.1.4).

mod supported_versions;
mod use_srtp;

use core::fmt;

use super::codes::Codes;
use crate::cursor::{Malformed, Reader, Writer};

pub use supported_versions::SupportedVersions;
pub use use_srtp::{SrtpProfile, UseSrtp};

/// One extension of a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extension<'a> {
    /// The groups for key agreement, best first (RFC 8422 §5.1.1).
    SupportedGroups(Codes<'a>),
    /// How points may be written (RFC 8422 §5.1.2); 0 is uncompressed.
    EcPointFormats(&'a [u8]),
    /// The signatures that can be checked, best first (RFC 5246 §7.4.1.4.1).
    SignatureAlgorithms(Codes<'a>),
    /// The SRTP profiles, best first; the answer has one (RFC 5764 §4.1).
    UseSrtp(UseSrtp<'a>),
    /// The master secret covers the handshake (RFC 7627 §5.1).
    ExtendedMasterSecret,
    /// What both said in the Finished messages before; empty at first (RFC 5746 §3.2).
    RenegotiationInfo(&'a [u8]),
    /// The versions, best first; the answer has one (RFC 8446 §4.2.1).
    SupportedVersions(SupportedVersions<'a>),
    /// Anything else, such as server names, protocols, key shares, cookies and GREASE.
    Unknown {
        /// The extension's number.
        kind: u16,
        /// Its content.
        bytes: &'a [u8],
    },
}

const SUPPORTED_GROUPS: u16 = 10;
const EC_POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const USE_SRTP: u16 = 14;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SUPPORTED_VERSIONS: u16 = 43;
const RENEGOTIATION_INFO: u16 = 0xff01;

impl<'a> Extension<'a> {
    /// Reads an extension with its number and length.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or its content is not as its number demands.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = r.u16("extension type")?;
        let bytes = r.prefixed_u16("extension")?;
        let mut r = Reader::new(bytes);
        let extension = match kind {
            SUPPORTED_GROUPS => {
                Self::SupportedGroups(Codes::prefixed_u16(&mut r, "supported_groups")?)
            }
            EC_POINT_FORMATS => Self::EcPointFormats(r.prefixed_u8("ec_point_formats")?),
            SIGNATURE_ALGORITHMS => {
                Self::SignatureAlgorithms(Codes::prefixed_u16(&mut r, "signature_algorithms")?)
            }
            USE_SRTP => Self::UseSrtp(UseSrtp::parse(&mut r)?),
            EXTENDED_MASTER_SECRET => Self::ExtendedMasterSecret,
            RENEGOTIATION_INFO => Self::RenegotiationInfo(r.prefixed_u8("renegotiation_info")?),
            SUPPORTED_VERSIONS => Self::SupportedVersions(SupportedVersions::parse(&mut r)?),
            _ => Self::Unknown {
                kind,
                bytes: r.rest(),
            },
        };
        r.finish("extension length")?;
        Ok(extension)
    }

    /// The extension's number.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        match self {
            Self::SupportedGroups(_) => SUPPORTED_GROUPS,
            Self::EcPointFormats(_) => EC_POINT_FORMATS,
            Self::SignatureAlgorithms(_) => SIGNATURE_ALGORITHMS,
            Self::UseSrtp(_) => USE_SRTP,
            Self::ExtendedMasterSecret => EXTENDED_MASTER_SECRET,
            Self::RenegotiationInfo(_) => RENEGOTIATION_INFO,
            Self::SupportedVersions(_) => SUPPORTED_VERSIONS,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        HEADER_LEN
            + match self {
                Self::SupportedGroups(codes) | Self::SignatureAlgorithms(codes) => {
                    2 + codes.encoded_len()
                }
                Self::EcPointFormats(bytes) | Self::RenegotiationInfo(bytes) => 1 + bytes.len(),
                Self::UseSrtp(use_srtp) => use_srtp.encoded_len(),
                Self::ExtendedMasterSecret => 0,
                Self::SupportedVersions(versions) => versions.encoded_len(),
                Self::Unknown { bytes, .. } => bytes.len(),
            }
    }

    /// Writes the extension with its number and length.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.kind());
        w.prefixed_u16(|w| match self {
            Self::SupportedGroups(codes) | Self::SignatureAlgorithms(codes) => {
                w.prefixed_u16(|w| codes.emit(w));
            }
            Self::EcPointFormats(bytes) | Self::RenegotiationInfo(bytes) => {
                w.prefixed_u8(|w| w.bytes(bytes));
            }
            Self::UseSrtp(use_srtp) => use_srtp.emit(w),
            Self::ExtendedMasterSecret => {}
            Self::SupportedVersions(versions) => versions.emit(w),
            Self::Unknown { bytes, .. } => w.bytes(bytes),
        });
    }
}

impl fmt::Display for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind() {
            0 => "sni",
            SUPPORTED_GROUPS => "groups",
            EC_POINT_FORMATS => "point_formats",
            SIGNATURE_ALGORITHMS => "signatures",
            USE_SRTP => "use_srtp",
            16 => "alpn",
            EXTENDED_MASTER_SECRET => "ems",
            21 => "padding",
            35 => "ticket",
            SUPPORTED_VERSIONS => "versions",
            44 => "cookie",
            45 => "psk_modes",
            51 => "key_share",
            RENEGOTIATION_INFO => "reneg",
            kind if is_grease(kind) => "grease",
            kind => return write!(f, "{kind:#x}"),
        })
    }
}

/// The extensions of a hello: read from the wire, or given to be written.
///
/// A hello without any is the same as one with an empty list.
#[derive(Clone, Copy)]
pub struct Extensions<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// Bytes that were parsed to their end once.
    Wire(&'a [u8]),
    Given(&'a [Extension<'a>]),
}

impl<'a> Extensions<'a> {
    /// How many extensions a hello may have; browsers send about twenty.
    pub const MAX: usize = 64;

    /// The list of these extensions.
    #[must_use]
    pub const fn new(extensions: &'a [Extension<'a>]) -> Self {
        Self(Source::Given(extensions))
    }

    /// Reads the extensions at the end of a hello.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if any is, or there are more than [`MAX`](Self::MAX).
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        if r.is_empty() {
            return Ok(Self::new(&[]));
        }
        let bytes = r.prefixed_u16("extensions")?;
        let mut rest = Reader::new(bytes);
        let mut count = 0;
        while !rest.is_empty() {
            Extension::parse(&mut rest)?;
            count += 1;
        }
        if count > Self::MAX {
            return Err(Malformed("number of extensions"));
        }
        Ok(Self(Source::Wire(bytes)))
    }

    /// The extensions in order.
    pub fn iter(&self) -> impl Iterator<Item = Extension<'a>> + use<'a> {
        let (wire, given): (&[u8], &[Extension<'_>]) = match self.0 {
            Source::Wire(bytes) => (bytes, &[]),
            Source::Given(extensions) => (&[], extensions),
        };
        let mut r = Reader::new(wire);
        let parsed = core::iter::from_fn(move || Extension::parse(&mut r).ok());
        parsed.chain(given.iter().copied())
    }

    /// Whether a number occurs twice, which RFC 5246 §7.4.1.4 forbids.
    #[must_use]
    pub fn has_duplicate(&self) -> bool {
        self.iter().enumerate().any(|(index, extension)| {
            let mut earlier = self.iter().take(index);
            earlier.any(|other| other.kind() == extension.kind())
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match self.iter().map(|extension| extension.encoded_len()).sum() {
            0 => 0,
            len => 2 + len,
        }
    }

    /// Writes the extensions and their length; nothing at all if there are none.
    pub fn emit(&self, w: &mut Writer<'_>) {
        if self.iter().next().is_some() {
            w.prefixed_u16(|w| self.iter().for_each(|extension| extension.emit(w)));
        }
    }
}

impl PartialEq for Extensions<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Extensions<'_> {}

impl fmt::Debug for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Extensions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, extension) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{extension}")?;
        }
        f.write_str("]")
    }
}

/// Whether this is one of the numbers that are sent to see that they are ignored (RFC 8701 §2).
#[must_use]
pub const fn is_grease(code: u16) -> bool {
    let [high, low] = code.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// Number and length.
const HEADER_LEN: usize = 4;
