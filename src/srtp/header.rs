//! What of an RTP header is hidden (RFC 6904, RFC 9335)?

use alloc::boxed::Box;

use zeroize::Zeroizing;

use super::cipher::{self, Clear, Identity};
use super::kdf::{self, Derivation, Label};
use super::{Config, ExtensionSet, HeaderProtection};
use crate::crypto::{CryptoError, CryptoProvider, KeyStream};
use crate::cursor::{Malformed, Reader};
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::rtp::extension::{Block, Form};
use crate::wire::rtp::{Header, HeaderMut};

/// How headers are hidden in one direction.
pub(super) enum HeaderCipher {
    None,
    Extensions(Box<ElementCipher>),
    Cryptex,
}

/// The keys for single extensions.
pub(super) struct ElementCipher {
    ids: ExtensionSet,
    stream: Box<dyn KeyStream>,
    salt: Zeroizing<[u8; 14]>,
}

impl HeaderCipher {
    pub(super) fn new(
        provider: &CryptoProvider,
        config: &Config,
        master: &Derivation,
    ) -> Result<Self, CryptoError> {
        Ok(match config.header {
            HeaderProtection::None => Self::None,
            HeaderProtection::Cryptex => Self::Cryptex,
            HeaderProtection::Extensions(ids) => {
                let cipher = ElementCipher::derive(provider, config.profile, ids, master)?;
                Self::Extensions(Box::new(cipher))
            }
        })
    }

    /// Hides or shows single extensions: it is the same.
    pub(super) fn apply(&self, id: Identity, packet: &mut [u8]) {
        if let Self::Extensions(cipher) = self {
            cipher.apply(id, packet);
        }
    }

    /// How many bytes a packet may grow by: an extension that it lacks.
    pub(super) const fn growth(&self) -> usize {
        match self {
            Self::Cryptex => Block::HEADER,
            Self::None | Self::Extensions(_) => 0,
        }
    }

    /// Says on the wire that CSRCs and extensions are hidden, where they are.
    /// Whether another part of the packet may be [clear](Self::clear) now.
    pub(super) fn mark(&self, packet: &mut [u8]) -> bool {
        let hides = matches!(self, Self::Cryptex);
        if hides {
            replace_profile(packet, |profile| match profile {
                0xbede => Some(HIDDEN_ONE_BYTE),
                0x1000 => Some(HIDDEN_TWO_BYTE),
                _ => None,
            });
        }
        hides
    }

    /// Takes that word back, once what was hidden is not any more.
    pub(super) fn unmark(&self, packet: &mut [u8]) {
        if matches!(self, Self::Cryptex) {
            replace_profile(packet, |profile| match profile {
                HIDDEN_ONE_BYTE => Some(Form::OneByte.profile()),
                HIDDEN_TWO_BYTE => Some(Form::TwoByte.profile()),
                _ => None,
            });
        }
    }

    /// What everybody sees of a packet as it is on the wire.
    pub(super) fn clear(&self, header: &Header<'_>) -> Clear {
        let hidden = [HIDDEN_ONE_BYTE, HIDDEN_TWO_BYTE];
        match (self, &header.extensions) {
            (Self::Cryptex, Some(block)) if hidden.contains(&block.profile) => Clear {
                // RFC 9335 §6: the fixed header and the first word of the extension.
                len: Header::FIXED + Block::HEADER,
                csrcs: header.csrcs.encoded_len(),
            },
            _ => Clear::first(header.encoded_len()),
        }
    }

    /// Whether the packet needs an empty extension, to hide its CSRCs behind.
    pub(super) const fn needs_extension(&self, header: &Header<'_>) -> bool {
        matches!(self, Self::Cryptex) && header.extensions.is_none() && !header.csrcs.is_empty()
    }
}

impl ElementCipher {
    fn derive(
        provider: &CryptoProvider,
        profile: SrtpProfile,
        ids: ExtensionSet,
        master: &Derivation,
    ) -> Result<Self, CryptoError> {
        let mut key = Zeroizing::new([0; 32]);
        let (key, _) = key.split_at_mut(profile.key_len());
        master.derive(Label::HeaderKey, key);
        let mut salt = Zeroizing::new([0; 14]);
        let (short, _) = salt.split_at_mut(profile.salt_len());
        master.derive(Label::HeaderSalt, short);
        Self::new(provider, ids, key, *salt)
    }

    /// A cipher with a key and a salt of the session.
    pub(super) fn new(
        provider: &CryptoProvider,
        ids: ExtensionSet,
        key: &[u8],
        salt: [u8; 14],
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            ids,
            stream: kdf::key_stream(provider, key)?,
            salt: Zeroizing::new(salt),
        })
    }

    /// RFC 6904 §3: the key stream of the whole block, but only where it is masked.
    pub(super) fn apply(&self, id: Identity, packet: &mut [u8]) {
        let start = cipher::counter(&self.salt, id);
        let Ok(mut header) = HeaderMut::new(packet) else {
            return;
        };
        for element in header.elements_mut().filter(|e| self.ids.contains(e.id)) {
            for (place, byte) in (element.offset..).zip(element.value) {
                *byte ^= self.stream_byte(start, place);
            }
        }
    }

    /// The byte of the key stream at `place`.
    fn stream_byte(&self, start: [u8; 16], place: usize) -> u8 {
        let mut block = [0; 16];
        // The block's number has the low 16 bits; an extension has fewer blocks.
        let counter = u128::from_be_bytes(start).wrapping_add((place / 16) as u128);
        self.stream.apply(&counter.to_be_bytes(), &mut block);
        block.get(place % 16).copied().unwrap_or_default()
    }
}

/// Puts an empty extension of one-byte form behind the CSRCs. The last four
/// bytes of `packet` are free for it.
pub(super) fn insert_extension(packet: &mut [u8]) -> Result<(), Malformed> {
    let at = Header::parse(&mut Reader::new(packet))?.encoded_len();
    let end = packet.len().saturating_sub(Block::HEADER);
    if at <= end {
        packet.copy_within(at..end, at + Block::HEADER);
    }
    if let Some(word) = packet.get_mut(at..at + Block::HEADER) {
        let [a, b] = Form::OneByte.profile().to_be_bytes();
        word.copy_from_slice(&[a, b, 0, 0]);
    }
    if let Some(first) = packet.first_mut() {
        *first |= HAS_EXTENSION;
    }
    Ok(())
}

/// Says another profile of the extension, if there is one and `other` knows it.
fn replace_profile(packet: &mut [u8], other: impl FnOnce(u16) -> Option<u16>) {
    let Ok(header) = Header::parse(&mut Reader::new(packet)) else {
        return;
    };
    let at = Header::FIXED + header.csrcs.encoded_len();
    let Some(new) = header.extensions.and_then(|block| other(block.profile)) else {
        return;
    };
    if let Some(profile) = packet.get_mut(at..at + 2) {
        profile.copy_from_slice(&new.to_be_bytes());
    }
}

/// RFC 9335 §5.1.
const HIDDEN_ONE_BYTE: u16 = 0xc0de;
/// RFC 9335 §5.1.
const HIDDEN_TWO_BYTE: u16 = 0xc2de;

/// X, in the first byte of a packet.
const HAS_EXTENSION: u8 = 0x10;
