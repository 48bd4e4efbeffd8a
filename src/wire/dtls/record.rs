//! Records: the envelopes of DTLS 1.2 (RFC 6347 §4.1).

use core::fmt;

use super::alert::Alert;
use super::codes::ProtocolVersion;
use super::handshake::Fragment;
use crate::cursor::{Malformed, Reader, Writer};

/// How many bytes the header of a record has.
pub const RECORD_HEADER_LEN: usize = 13;

/// The largest sequence number of an epoch.
pub const MAX_SEQUENCE: u64 = (1 << 48) - 1;

/// The one byte that a ChangeCipherSpec message has (RFC 5246 §7.1).
pub const CHANGE_CIPHER_SPEC: [u8; 1] = [1];

/// The longest content of a record, and how much protection may add to it
/// (RFC 9147 §4.2.3, tighter than RFC 6347 and enough for every AEAD).
const MAX_LENGTH: u16 = (1 << 14) + 256;

/// What is in a record?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentType {
    /// The following records of this sender use the new keys.
    ChangeCipherSpec,
    /// An [`Alert`].
    Alert,
    /// One or more handshake [`Fragment`]s.
    Handshake,
    /// Bytes of the application.
    ApplicationData,
    /// Something of another version or extension.
    Unknown(u8),
}

impl ContentType {
    /// The type with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            20 => Self::ChangeCipherSpec,
            21 => Self::Alert,
            22 => Self::Handshake,
            23 => Self::ApplicationData,
            _ => Self::Unknown(code),
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::ChangeCipherSpec => 20,
            Self::Alert => 21,
            Self::Handshake => 22,
            Self::ApplicationData => 23,
            Self::Unknown(code) => code,
        }
    }
}

/// What stands before the content of a record?
///
/// ```text
///  0               1               2               3
///  0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
/// +---------------+-------------------------------+---------------+
/// | content type  |            version            |     epoch     |
/// +---------------+-------------------------------+---------------+
/// |     epoch     |                sequence number                |
/// +---------------+-------------------------------+---------------+
/// |                sequence number                |    length     |
/// +---------------+-------------------------------+---------------+
/// |    length     | …
/// +---------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the content is.
    pub content_type: ContentType,
    /// The version, or any version of DTLS before one was agreed.
    pub version: ProtocolVersion,
    /// How often the sender has changed its keys.
    pub epoch: u16,
    /// The number of the record in its epoch; 48 bits.
    pub sequence: u64,
    /// How many bytes follow.
    pub length: u16,
}

impl RecordHeader {
    /// Reads a header, not what follows it.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, not of DTLS, or announces more than a record may hold.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let content_type = ContentType::from_code(r.u8("record type")?);
        let version = ProtocolVersion(r.u16("record version")?);
        let numbers = r.u64("record sequence number")?;
        let length = r.u16("record length")?;
        if !version.is_dtls() {
            return Err(Malformed("record version"));
        }
        if length > MAX_LENGTH {
            return Err(Malformed("record length"));
        }
        let [epoch_high, epoch_low, ..] = numbers.to_be_bytes();
        Ok(Self {
            content_type,
            version,
            epoch: u16::from_be_bytes([epoch_high, epoch_low]),
            sequence: numbers & MAX_SEQUENCE,
            length,
        })
    }

    /// Epoch and sequence number as the one 64-bit number that is authenticated.
    #[must_use]
    pub const fn number(&self) -> u64 {
        (self.epoch as u64) << 48 | self.sequence
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        RECORD_HEADER_LEN
    }

    /// Writes the header.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(&self.to_bytes());
    }

    /// The header's bytes, to be patched before a content that is there already.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_HEADER_LEN] {
        let [v0, v1] = self.version.0.to_be_bytes();
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.number().to_be_bytes();
        let [l0, l1] = self.length.to_be_bytes();
        let code = self.content_type.code();
        [code, v0, v1, n0, n1, n2, n3, n4, n5, n6, n7, l0, l1]
    }

    /// Takes the first record off `datagram`: its header and its content, to be
    /// opened in place.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the datagram does not start with a whole record. All of
    /// it is used up then: without a length there is no next record.
    pub fn split_first<'d>(datagram: &mut &'d mut [u8]) -> Result<(Self, &'d mut [u8]), Malformed> {
        let bytes = core::mem::take(datagram);
        let header = Self::parse(&mut Reader::new(bytes))?;
        let (_, rest) = bytes
            .split_at_mut_checked(RECORD_HEADER_LEN)
            .ok_or(Malformed("record header"))?;
        let (content, rest) = rest
            .split_at_mut_checked(usize::from(header.length))
            .ok_or(Malformed("record content"))?;
        *datagram = rest;
        Ok((header, content))
    }
}

/// A record, its content still as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What stands before the content.
    pub header: RecordHeader,
    /// The content, encrypted in every epoch but the first.
    pub content: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`Malformed`] as [`RecordHeader::parse`], or if the content is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let header = RecordHeader::parse(r)?;
        let content = r.bytes(usize::from(header.length), "record content")?;
        Ok(Self { header, content })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        RECORD_HEADER_LEN + self.content.len()
    }

    /// Writes the record; its header says the length of the content.
    pub fn emit(&self, w: &mut Writer<'_>) {
        self.header.emit(w);
        w.bytes(self.content);
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordHeader {
            content_type,
            epoch,
            sequence,
            length,
            ..
        } = self.header;
        let name = match content_type {
            ContentType::ChangeCipherSpec => "ChangeCipherSpec",
            ContentType::Alert => "Alert",
            ContentType::Handshake => "Handshake",
            ContentType::ApplicationData => "ApplicationData",
            ContentType::Unknown(code) => {
                return write!(
                    f,
                    "record type {code} epoch={epoch} seq={sequence} len={length}"
                );
            }
        };
        let mut r = Reader::new(self.content);
        match content_type {
            ContentType::ChangeCipherSpec if epoch == 0 => f.write_str(name),
            ContentType::Alert if epoch == 0 => match Alert::parse(&mut r) {
                Ok(alert) => write!(f, "{alert}"),
                Err(malformed) => write!(f, "{malformed}"),
            },
            ContentType::Handshake if epoch == 0 => fragments(&mut r, f),
            _ => write!(f, "{name} epoch={epoch} seq={sequence} len={length}"),
        }
    }
}

fn fragments(r: &mut Reader<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    while !r.is_empty() {
        f.write_str(separator)?;
        match Fragment::parse(r) {
            Ok(fragment) => write!(f, "{fragment}")?,
            Err(malformed) => return write!(f, "{malformed}"),
        }
        separator = " + ";
    }
    Ok(())
}

/// A datagram as a trace shows it: `DTLS` and its records.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a>(pub &'a [u8]);

impl fmt::Display for Datagram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DTLS ")?;
        // RFC 9147 §4: the unified header of DTLS 1.3 starts with the bits 001.
        if matches!(self.0, [0x20..=0x3f, ..]) {
            return write!(f, "1.3 record len={}", self.0.len());
        }
        let mut r = Reader::new(self.0);
        let mut separator = "";
        while !r.is_empty() {
            f.write_str(separator)?;
            match Record::parse(&mut r) {
                Ok(record) => write!(f, "{record}")?,
                Err(malformed) => return write!(f, "{malformed}"),
            }
            separator = " + ";
        }
        Ok(())
    }
}
