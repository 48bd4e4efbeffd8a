//! Which keys protect which records (RFC 6347 §4.1)?
//!
//! There are two epochs: 0 is in plaintext, 1 has the keys of the handshake.
//! Each counts its records, and epoch 1 remembers which it has accepted.

use alloc::boxed::Box;

use crate::crypto::{Aead, TAG_LEN};
use crate::cursor::Writer;
use crate::window::ReplayWindow;
use crate::wire::dtls::{
    ContentType, MAX_SEQUENCE, ProtocolVersion, RECORD_HEADER_LEN, RecordHeader,
};

use super::stats::Noise;

/// How many bytes a sealed record adds to its content: header, explicit nonce, tag.
pub const SEALED_OVERHEAD: usize = RECORD_HEADER_LEN + EXPLICIT_NONCE_LEN + TAG_LEN;

/// The record layer of an association: both directions, both epochs.
#[derive(Default)]
pub(super) struct Epochs {
    /// How many plaintext records were written.
    plain_sent: u64,
    write: Option<SealKeys>,
    read: Option<OpenKeys>,
    /// The keys for reading from the peer's ChangeCipherSpec on.
    next_read: Option<OpenKeys>,
}

impl Epochs {
    /// Writes with these keys from now on, and is ready to read with the others.
    pub(super) fn install(&mut self, write: SealKeys) {
        self.write = Some(write);
    }

    /// The keys with which to read after the peer's ChangeCipherSpec.
    pub(super) fn prepare(&mut self, read: OpenKeys) {
        self.next_read = Some(read);
    }

    /// The peer has changed its keys. `false` if it had no reason to.
    pub(super) fn change_read(&mut self) -> bool {
        let Some(keys) = self.next_read.take() else {
            return false;
        };
        self.read = Some(keys);
        true
    }

    /// Whether the peer's records are authenticated.
    pub(super) const fn reads_sealed(&self) -> bool {
        self.read.is_some()
    }

    /// Whether our records are.
    pub(super) const fn writes_sealed(&self) -> bool {
        self.write.is_some()
    }

    /// Whether no further record of an application may be sealed.
    pub(super) const fn is_used_up(&self) -> bool {
        matches!(&self.write, Some(keys) if keys.sequence >= LAST_APPLICATION_SEQUENCE)
    }

    /// Whether so many forgeries came that one might soon succeed.
    pub(super) const fn is_worn(&self) -> bool {
        matches!(&self.read, Some(keys) if keys.forgeries >= FORGERY_LIMIT)
    }

    /// How many records were written.
    pub(super) fn written(&self) -> u64 {
        self.plain_sent + self.write.as_ref().map_or(0, |keys| keys.sequence)
    }

    /// How many bytes a record adds to its content.
    pub(super) const fn overhead(epoch: Epoch) -> usize {
        match epoch {
            Epoch::Plain => RECORD_HEADER_LEN,
            Epoch::Sealed => SEALED_OVERHEAD,
        }
    }

    /// Appends a record of what `fill` writes; `false`, and nothing, if `fill`
    /// writes nothing or there are no keys.
    pub(super) fn write(
        &mut self,
        epoch: Epoch,
        content_type: ContentType,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        match (epoch, &mut self.write) {
            (Epoch::Plain, _) => write_plain(&mut self.plain_sent, content_type, out, fill),
            (Epoch::Sealed, Some(keys)) => keys.seal(content_type, out, fill),
            (Epoch::Sealed, None) => false,
        }
    }

    /// Opens a record of epoch 1 in place.
    pub(super) fn open<'d>(
        &mut self,
        header: &RecordHeader,
        content: &'d mut [u8],
    ) -> Result<&'d mut [u8], Noise> {
        let keys = self.read.as_mut().ok_or(Noise::WrongEpoch)?;
        keys.open(header, content)
    }

    #[cfg(test)]
    pub(super) fn skip_to(&mut self, sequence: u64) {
        if let Some(keys) = &mut self.write {
            keys.sequence = sequence;
        }
    }
}

/// Under which keys is a record?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    /// Under none.
    Plain = 0,
    /// Under those of the handshake.
    Sealed = 1,
}

/// A cipher for one direction, and the secret part of its nonces (RFC 5288 §3).
pub(super) struct Cipher {
    pub(super) aead: Box<dyn Aead>,
    pub(super) salt: [u8; SALT_LEN],
}

impl Cipher {
    fn nonce(&self, explicit: [u8; EXPLICIT_NONCE_LEN]) -> [u8; 12] {
        let mut nonce = [0; 12];
        let (salt, rest) = nonce.split_at_mut(SALT_LEN);
        salt.copy_from_slice(&self.salt);
        rest.copy_from_slice(&explicit);
        nonce
    }
}

/// The keys with which we write.
pub(super) struct SealKeys {
    cipher: Cipher,
    sequence: u64,
}

impl SealKeys {
    pub(super) const fn new(cipher: Cipher) -> Self {
        Self {
            cipher,
            sequence: 0,
        }
    }

    fn seal(
        &mut self,
        content_type: ContentType,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        if self.sequence > MAX_SEQUENCE {
            return false;
        }
        let start = out.len();
        if !out.nest(RECORD_HEADER_LEN + EXPLICIT_NONCE_LEN, TAG_LEN, fill) {
            return false;
        }
        let content_len = out.len() - start - SEALED_OVERHEAD;
        let Ok(length) = u16::try_from(content_len + SEALED_OVERHEAD - RECORD_HEADER_LEN) else {
            out.rewind(start);
            return false;
        };
        let header = RecordHeader {
            content_type,
            version: ProtocolVersion::DTLS_1_2,
            epoch: Epoch::Sealed as u16,
            sequence: self.sequence,
            length,
        };
        // The number of the record is the explicit part of the nonce
        // (RFC 6347 §4.1.2.1): it cannot repeat under one key.
        let explicit = header.number().to_be_bytes();
        out.patch(start, &header.to_bytes());
        out.patch(start + RECORD_HEADER_LEN, &explicit);
        let body = out.written_mut(start + RECORD_HEADER_LEN + EXPLICIT_NONCE_LEN);
        let Some((content, tag)) = body.split_last_chunk_mut() else {
            out.rewind(start);
            return false;
        };
        let nonce = self.cipher.nonce(explicit);
        let aad = additional_data(&header, content.len());
        self.cipher.aead.seal(&nonce, &aad, content, tag);
        self.sequence += 1;
        true
    }
}

/// The keys with which we read.
pub(super) struct OpenKeys {
    cipher: Cipher,
    window: ReplayWindow,
    forgeries: u64,
}

impl OpenKeys {
    pub(super) const fn new(cipher: Cipher) -> Self {
        Self {
            cipher,
            window: ReplayWindow::new(),
            forgeries: 0,
        }
    }

    fn open<'d>(
        &mut self,
        header: &RecordHeader,
        content: &'d mut [u8],
    ) -> Result<&'d mut [u8], Noise> {
        if header.version != ProtocolVersion::DTLS_1_2 {
            return Err(Noise::Malformed);
        }
        if !self.window.check(header.sequence) {
            return Err(Noise::Replayed);
        }
        let (explicit, sealed) = content.split_first_chunk_mut().ok_or(Noise::Malformed)?;
        let (content, tag) = sealed.split_last_chunk_mut().ok_or(Noise::Malformed)?;
        let nonce = self.cipher.nonce(*explicit);
        let aad = additional_data(header, content.len());
        if self.cipher.aead.open(&nonce, &aad, content, tag).is_err() {
            self.forgeries += 1;
            return Err(Noise::Forged);
        }
        // Only now: an attacker's number must not move the window.
        self.window.commit(header.sequence);
        Ok(content)
    }
}

fn write_plain(
    sent: &mut u64,
    content_type: ContentType,
    out: &mut Writer<'_>,
    fill: impl FnOnce(&mut Writer<'_>) -> bool,
) -> bool {
    let start = out.len();
    if *sent > MAX_SEQUENCE || !out.nest(RECORD_HEADER_LEN, 0, fill) {
        return false;
    }
    let Ok(length) = u16::try_from(out.len() - start - RECORD_HEADER_LEN) else {
        out.rewind(start);
        return false;
    };
    let header = RecordHeader {
        content_type,
        version: ProtocolVersion::DTLS_1_2,
        epoch: Epoch::Plain as u16,
        sequence: *sent,
        length,
    };
    out.patch(start, &header.to_bytes());
    *sent += 1;
    true
}

/// What is authenticated beside the content (RFC 5246 §6.2.3.3 with the number of RFC 6347 §4.1.2.1).
fn additional_data(header: &RecordHeader, content_len: usize) -> [u8; RECORD_HEADER_LEN] {
    let [code, v0, v1, n0, n1, n2, n3, n4, n5, n6, n7, ..] = header.to_bytes();
    // A record's length is checked to be less than 2^16 before.
    let [l0, l1] = u16::try_from(content_len).unwrap_or(u16::MAX).to_be_bytes();
    [n0, n1, n2, n3, n4, n5, n6, n7, code, v0, v1, l0, l1]
}

/// The part of a nonce that comes from the key block (RFC 5288 §3).
pub(super) const SALT_LEN: usize = 4;

/// The part of a nonce that stands in the record (RFC 5288 §3).
const EXPLICIT_NONCE_LEN: usize = 8;

/// A few numbers are left for alerts.
const LAST_APPLICATION_SEQUENCE: u64 = MAX_SEQUENCE - 8;

/// RFC 9147 §4.5.3: after so many forgeries AES-GCM keys should not be used on.
const FORGERY_LIMIT: u64 = 1 << 36;
