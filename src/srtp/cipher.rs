//! One key at work, on packets whose number is known.

use alloc::boxed::Box;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::kdf::{self, Derivation, Label};
use crate::crypto::{
    Aead, AeadId, BadTag, CryptoError, CryptoProvider, HashId, Hmac, KeyStream, TAG_LEN,
};
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::rtp::Ssrc;

/// Whom a packet is from, and which of his it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) ssrc: Ssrc,
    /// RTP: 48 bits, the number of wraps above the sequence number. RTCP: 31 bits.
    pub(super) index: u64,
}

/// Which bytes of a packet are seen by everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clear {
    /// So many at the start.
    pub(super) len: usize,
    /// Cryptex hides the CSRCs, `csrcs` bytes behind the fixed header, but not
    /// the first word of the extension behind them (RFC 9335 §6).
    pub(super) csrcs: usize,
}

impl Clear {
    /// The first `len` bytes.
    pub(super) const fn first(len: usize) -> Self {
        Self { len, csrcs: 0 }
    }

    /// Brings what is hidden together, behind what is not.
    fn gather(self, packet: &mut [u8]) {
        if let Some(moved) = packet.get_mut(FIXED..FIXED + self.csrcs + 4) {
            moved.rotate_right(4);
        }
    }

    /// Brings it back to its place.
    fn scatter(self, packet: &mut [u8]) {
        if let Some(moved) = packet.get_mut(FIXED..FIXED + self.csrcs + 4) {
            moved.rotate_left(4);
        }
    }

    /// Runs `work` on the packet with what is hidden brought together.
    fn gathered<T>(self, packet: &mut [u8], work: impl FnOnce(&mut [u8], &mut [u8]) -> T) -> T {
        if self.csrcs > 0 {
            self.gather(packet);
        }
        let (clear, hidden) = packet.split_at_mut(self.len.min(packet.len()));
        let result = work(clear, hidden);
        if self.csrcs > 0 {
            self.scatter(packet);
        }
        result
    }
}

/// The keys of RTP or of RTCP in one direction.
pub(super) enum Cipher {
    /// AES in counter mode and HMAC-SHA1 (RFC 3711).
    CounterMode {
        stream: Box<dyn KeyStream>,
        mac: Box<dyn Hmac>,
        salt: Zeroizing<[u8; 14]>,
        tag_len: usize,
    },
    /// AES-GCM (RFC 7714).
    Gcm {
        aead: Box<dyn Aead>,
        salt: Zeroizing<[u8; 12]>,
    },
}

impl Cipher {
    /// The keys of RTP.
    pub(super) fn rtp(
        provider: &CryptoProvider,
        profile: SrtpProfile,
        master: &Derivation,
    ) -> Result<Self, CryptoError> {
        let tag_len = match profile {
            SrtpProfile::Aes128CmSha1_32 => 4,
            _ => SHA1_80,
        };
        let labels = [Label::RtpKey, Label::RtpMac, Label::RtpSalt];
        Self::derive(provider, profile, master, labels, tag_len)
    }

    /// The keys of RTCP. RFC 5764 §4.1.2: its tag is never shorter than 80 bits.
    pub(super) fn rtcp(
        provider: &CryptoProvider,
        profile: SrtpProfile,
        master: &Derivation,
    ) -> Result<Self, CryptoError> {
        let labels = [Label::RtcpKey, Label::RtcpMac, Label::RtcpSalt];
        Self::derive(provider, profile, master, labels, SHA1_80)
    }

    fn derive(
        provider: &CryptoProvider,
        profile: SrtpProfile,
        master: &Derivation,
        [key_label, mac_label, salt_label]: [Label; 3],
        tag_len: usize,
    ) -> Result<Self, CryptoError> {
        let mut key = Zeroizing::new([0; 32]);
        let (key, _) = key.split_at_mut(profile.key_len());
        master.derive(key_label, key);
        let mut salt = Zeroizing::new([0; 14]);
        let (short, _) = salt.split_at_mut(profile.salt_len());
        master.derive(salt_label, short);
        match profile {
            SrtpProfile::AeadAes128Gcm => Self::gcm(provider, AeadId::Aes128Gcm, key, short),
            SrtpProfile::AeadAes256Gcm => Self::gcm(provider, AeadId::Aes256Gcm, key, short),
            _ => {
                let mut mac_key = Zeroizing::new([0; 20]);
                master.derive(mac_label, &mut mac_key[..]);
                let hmac = provider
                    .hmac(HashId::Sha1)
                    .ok_or(CryptoError::Unsupported)?;
                Ok(Self::CounterMode {
                    stream: kdf::key_stream(provider, key)?,
                    mac: hmac.key(&mac_key[..]),
                    salt,
                    tag_len,
                })
            }
        }
    }

    /// GCM with a key and a salt of the session.
    pub(super) fn gcm(
        provider: &CryptoProvider,
        id: AeadId,
        key: &[u8],
        salt: &[u8],
    ) -> Result<Self, CryptoError> {
        let aead = provider.aead(id).ok_or(CryptoError::Unsupported)?;
        let salt = salt.try_into().map_err(|_| CryptoError::InvalidKey)?;
        Ok(Self::Gcm {
            aead: aead.key(key)?,
            salt: Zeroizing::new(salt),
        })
    }

    /// How many bytes of tag a packet gets.
    pub(super) const fn tag_len(&self) -> usize {
        match self {
            Self::CounterMode { tag_len, .. } => *tag_len,
            Self::Gcm { .. } => TAG_LEN,
        }
    }

    /// Whether the tag stands behind the index of an RTCP packet (RFC 3711
    /// §3.4), or before it (RFC 7714 §9.1).
    pub(super) const fn tag_is_last(&self) -> bool {
        matches!(self, Self::CounterMode { .. })
    }

    /// Encrypts an RTP packet and writes its tag.
    pub(super) fn seal_rtp(
        &mut self,
        id: Identity,
        clear: Clear,
        packet: &mut [u8],
        tag: &mut [u8],
    ) {
        match self {
            Self::CounterMode {
                stream, mac, salt, ..
            } => {
                let counter = counter(salt, id);
                clear.gathered(packet, |_, hidden| stream.apply(&counter, hidden));
                // RFC 3711 §4.2: the number of wraps is authenticated, and not sent.
                let mac = mac.sign(&[packet, &wraps(id)]);
                tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
            }
            Self::Gcm { aead, salt } => {
                let nonce = nonce(salt, id);
                let mut full = [0; TAG_LEN];
                clear.gathered(packet, |clear, hidden| {
                    aead.seal(&nonce, clear, hidden, &mut full);
                });
                tag.copy_from_slice(&full);
            }
        }
    }

    /// Decrypts an RTP packet, if its tag is right.
    pub(super) fn open_rtp(
        &mut self,
        id: Identity,
        clear: Clear,
        packet: &mut [u8],
        tag: &[u8],
    ) -> Result<(), BadTag> {
        match self {
            Self::CounterMode {
                stream, mac, salt, ..
            } => {
                check(&**mac, &[packet, &wraps(id)], tag)?;
                let counter = counter(salt, id);
                clear.gathered(packet, |_, hidden| stream.apply(&counter, hidden));
                Ok(())
            }
            Self::Gcm { aead, salt } => {
                let nonce = nonce(salt, id);
                let tag = tag.try_into().map_err(|_| BadTag)?;
                clear.gathered(packet, |clear, hidden| {
                    aead.open(&nonce, clear, hidden, tag)
                })
            }
        }
    }

    /// Encrypts an RTCP packet and writes its tag; `trailer` says its index.
    pub(super) fn seal_rtcp(
        &mut self,
        id: Identity,
        packet: &mut [u8],
        trailer: [u8; 4],
        tag: &mut [u8],
    ) {
        match self {
            Self::CounterMode {
                stream, mac, salt, ..
            } => {
                let (_, hidden) = packet.split_at_mut(RTCP_CLEAR.min(packet.len()));
                stream.apply(&counter(salt, id), hidden);
                let mac = mac.sign(&[packet, &trailer]);
                tag.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
            }
            Self::Gcm { aead, salt } => {
                let (clear, hidden) = packet.split_at_mut(RTCP_CLEAR.min(packet.len()));
                let mut full = [0; TAG_LEN];
                let aad = rtcp_aad(clear, trailer);
                aead.seal(&nonce(salt, id), &aad, hidden, &mut full);
                tag.copy_from_slice(&full);
            }
        }
    }

    /// Decrypts an RTCP packet, if its tag is right and `trailer` says that it
    /// is encrypted; if it is not, only the tag is checked.
    pub(super) fn open_rtcp(
        &mut self,
        id: Identity,
        packet: &mut [u8],
        trailer: [u8; 4],
        tag: &[u8],
    ) -> Result<(), BadTag> {
        let is_encrypted = trailer[0] & ENCRYPTED != 0;
        match self {
            Self::CounterMode {
                stream, mac, salt, ..
            } => {
                check(&**mac, &[packet, &trailer], tag)?;
                if is_encrypted {
                    let (_, hidden) = packet.split_at_mut(RTCP_CLEAR.min(packet.len()));
                    stream.apply(&counter(salt, id), hidden);
                }
                Ok(())
            }
            Self::Gcm { aead, salt } => {
                let nonce = nonce(salt, id);
                let tag = tag.try_into().map_err(|_| BadTag)?;
                if is_encrypted {
                    let (clear, hidden) = packet.split_at_mut(RTCP_CLEAR.min(packet.len()));
                    aead.open(&nonce, &rtcp_aad(clear, trailer), hidden, tag)
                } else {
                    // RFC 7714 §9.3: all of it is associated data. Nobody sends
                    // such packets; they may cost an allocation.
                    let aad = [packet, &trailer[..]].concat();
                    aead.open(&nonce, &aad, &mut [], tag)
                }
            }
        }
    }
}

/// The first counter of a packet's key stream (RFC 3711 §4.1.1): the salt, XORed
/// with the SSRC above the index, and 16 bits for the blocks.
pub(super) fn counter(salt: &[u8; 14], Identity { ssrc, index }: Identity) -> [u8; 16] {
    let [.., i0, i1, i2, i3, i4, i5] = index.to_be_bytes();
    let [s0, s1, s2, s3] = ssrc.0.to_be_bytes();
    let mut counter = [0, 0, 0, 0, s0, s1, s2, s3, i0, i1, i2, i3, i4, i5, 0, 0];
    counter
        .iter_mut()
        .zip(salt)
        .for_each(|(byte, salt)| *byte ^= salt);
    counter
}

/// RFC 7714 §8.1, §9.1: the salt, XORed with the SSRC above the 48 bits of the index.
fn nonce(salt: &[u8; 12], Identity { ssrc, index }: Identity) -> [u8; 12] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *salt;
    let salt = u128::from_be_bytes([0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l]);
    let nonce = salt ^ (u128::from(ssrc.0) << 48 | u128::from(index));
    let [_, _, _, _, nonce @ ..] = nonce.to_be_bytes();
    nonce
}

/// RFC 7714 §9.2: the header and the index.
fn rtcp_aad(clear: &[u8], trailer: [u8; 4]) -> [u8; RTCP_CLEAR + 4] {
    let mut aad = [0; RTCP_CLEAR + 4];
    aad.iter_mut()
        .zip(clear.iter().chain(&trailer))
        .for_each(|(to, &from)| *to = from);
    aad
}

/// The number of times that the sequence number wrapped.
fn wraps(id: Identity) -> [u8; 4] {
    let [_, _, w0, w1, w2, w3, _, _] = id.index.to_be_bytes();
    [w0, w1, w2, w3]
}

fn check(mac: &dyn Hmac, parts: &[&[u8]], tag: &[u8]) -> Result<(), BadTag> {
    let mac = mac.sign(parts);
    let expected = mac.get(..tag.len()).ok_or(BadTag)?;
    if bool::from(expected.ct_eq(tag)) {
        Ok(())
    } else {
        Err(BadTag)
    }
}

/// What of an RTCP packet is not encrypted: its first header and SSRC.
pub(super) const RTCP_CLEAR: usize = 8;

/// E, in the first byte of the trailer.
pub(super) const ENCRYPTED: u8 = 0x80;

/// The fixed header of RTP.
const FIXED: usize = 12;

/// 80 bits.
const SHA1_80: usize = 10;
