//! What must a backend be able to do? Slices and arrays in, slices and arrays out.

use alloc::boxed::Box;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

/// The length of every AEAD tag in use here, in bytes.
pub const TAG_LEN: usize = 16;

/// The tag does not belong to the data: forged, damaged, or another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("authentication tag does not match")]
pub struct BadTag;

/// Why can an operation on keys not be done?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// A key or public value is not valid for its algorithm.
    #[error("invalid key")]
    InvalidKey,
    /// The signature was not made by this key over this message.
    #[error("signature does not verify")]
    BadSignature,
    /// Not a certificate, or a name or date that no certificate can hold.
    #[error("invalid certificate")]
    InvalidCertificate,
    /// The backend does not offer the algorithm.
    #[error("algorithm not supported by this crypto provider")]
    Unsupported,
}

/// Which authenticated cipher?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AeadId {
    /// AES-GCM with a 16-byte key (RFC 5116 §5.1).
    Aes128Gcm,
    /// AES-GCM with a 32-byte key (RFC 5116 §5.2).
    Aes256Gcm,
    /// ChaCha20-Poly1305 with a 32-byte key (RFC 8439).
    ChaCha20Poly1305,
}

/// An authenticated cipher that can be keyed.
pub trait AeadAlgorithm: Send + Sync {
    /// Which one it is.
    fn id(&self) -> AeadId;
    /// The length of its key in bytes.
    fn key_len(&self) -> usize;
    /// A cipher with its key schedule done.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidKey`] if `key` has another length than `key_len`.
    fn key(&self, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError>;
}

/// A keyed authenticated cipher. The key is wiped when it is dropped.
pub trait Aead: Send {
    /// Encrypts `data` in place and writes the tag over it and `aad`.
    fn seal(&mut self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: &mut [u8; TAG_LEN]);
    /// Decrypts `data` in place, if the tag is right.
    ///
    /// # Errors
    ///
    /// [`BadTag`]; what `data` holds then is undefined and must be discarded.
    fn open(
        &mut self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), BadTag>;
}

/// Which stream of key bytes?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyStreamId {
    /// AES in counter mode with a 16-byte key (NIST SP 800-38A §6.5).
    Aes128Ctr,
    /// AES in counter mode with a 32-byte key.
    Aes256Ctr,
}

/// A stream cipher that can be keyed. It hides and does not authenticate: only
/// for protocols that bring a MAC of their own, and for deriving keys.
pub trait KeyStreamAlgorithm: Send + Sync {
    /// Which one it is.
    fn id(&self) -> KeyStreamId;
    /// The length of its key in bytes.
    fn key_len(&self) -> usize;
    /// A cipher with its key schedule done.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidKey`] if `key` has another length than `key_len`.
    fn key(&self, key: &[u8]) -> Result<Box<dyn KeyStream>, CryptoError>;
}

/// A keyed stream cipher. The key is wiped when it is dropped.
pub trait KeyStream: Send {
    /// XORs `data` with the stream whose first block has this counter. The
    /// whole counter counts, as a number of 128 bits in network order.
    fn apply(&self, counter: &[u8; 16], data: &mut [u8]);
}

/// Which hash function? A stronger one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HashId {
    /// MD5, only for the long-term STUN key (RFC 8489 §9.2.2).
    Md5,
    /// SHA-1, for STUN and SRTP.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512, only for certificate fingerprints.
    Sha512,
}

impl HashId {
    /// How many bytes the hash has.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A hash function.
pub trait HashAlgorithm: Send + Sync {
    /// Which one it is.
    fn id(&self) -> HashId;
    /// Starts a hash that is fed piece by piece.
    fn start(&self) -> Box<dyn Hash>;
}

/// A hash under way, such as that of a handshake transcript.
pub trait Hash: Send {
    /// Adds bytes.
    fn update(&mut self, data: &[u8]);
    /// The hash of what was added so far; more may follow. Exactly
    /// [`HashId::output_len`] bytes.
    fn current(&self) -> ArrayVec<u8, 64>;
}

/// A keyed hash function that can be keyed.
pub trait HmacAlgorithm: Send + Sync {
    /// Its hash function.
    fn hash(&self) -> HashId;
    /// An HMAC whose inner and outer state are computed from `key`, of any length.
    fn key(&self, key: &[u8]) -> Box<dyn Hmac>;
}

/// An HMAC with its key (RFC 2104). The key is wiped when it is dropped.
pub trait Hmac: Send {
    /// The MAC over all `parts` in order, [`HashId::output_len`] bytes.
    ///
    /// Compare it with [`subtle`](https://docs.rs/subtle), never with `==`.
    fn sign(&self, parts: &[&[u8]]) -> ArrayVec<u8, 64>;
}

/// Which group, and how is it called in TLS (RFC 8422 §5.1.1, RFC 8446 §4.2.7)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u16)]
pub enum NamedGroup {
    /// NIST P-256.
    Secp256r1 = 0x0017,
    /// NIST P-384.
    Secp384r1 = 0x0018,
    /// Curve25519.
    X25519 = 0x001d,
}

/// A group in which a key can be agreed.
pub trait KeyExchangeGroup: Send + Sync {
    /// Which one it is.
    fn group(&self) -> NamedGroup;
    /// Makes an ephemeral key pair.
    fn start(&self, rng: &mut dyn CryptoRng) -> Box<dyn ActiveKeyExchange>;
}

/// One side's half of a key agreement. The private key is wiped when it is dropped.
pub trait ActiveKeyExchange: Send {
    /// The public value as TLS sends it; for P-256 the 65-byte uncompressed point.
    fn public_key(&self) -> &[u8];
    /// The shared secret.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidKey`] if the peer's value is not a point of the
    /// group or would give a secret that anybody knows.
    fn finish(self: Box<Self>, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError>;
}

/// Which signature over which hash (RFC 8446 §4.2.3)? The value is the TLS code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u16)]
pub enum SignatureScheme {
    /// ECDSA with P-256 and SHA-256.
    EcdsaSecp256r1Sha256 = 0x0403,
    /// ECDSA with P-384 and SHA-384.
    EcdsaSecp384r1Sha384 = 0x0503,
    /// Ed25519.
    Ed25519 = 0x0807,
    /// RSASSA-PSS with SHA-256 and an rsaEncryption key.
    RsaPssRsaeSha256 = 0x0804,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256 = 0x0401,
}

impl SignatureScheme {
    /// The scheme with this TLS code.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0403 => Some(Self::EcdsaSecp256r1Sha256),
            0x0503 => Some(Self::EcdsaSecp384r1Sha384),
            0x0807 => Some(Self::Ed25519),
            0x0804 => Some(Self::RsaPssRsaeSha256),
            0x0401 => Some(Self::RsaPkcs1Sha256),
            _ => None,
        }
    }

    /// Whose signatures these are.
    #[must_use]
    pub const fn key_type(self) -> KeyType {
        match self {
            Self::EcdsaSecp256r1Sha256 => KeyType::EcdsaP256,
            Self::EcdsaSecp384r1Sha384 => KeyType::EcdsaP384,
            Self::Ed25519 => KeyType::Ed25519,
            Self::RsaPssRsaeSha256 | Self::RsaPkcs1Sha256 => KeyType::Rsa,
        }
    }
}

impl NamedGroup {
    /// The group with this TLS code.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0017 => Some(Self::Secp256r1),
            0x0018 => Some(Self::Secp384r1),
            0x001d => Some(Self::X25519),
            _ => None,
        }
    }
}

/// What kind of key is in a certificate?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519.
    Ed25519,
    /// RSA.
    Rsa,
}

/// A signature, in the encoding of TLS (for ECDSA a DER sequence).
pub type Signature = Vec<u8>;

/// Makes key pairs of one kind.
pub trait KeyGenerator: Send + Sync {
    /// The kind.
    fn key_type(&self) -> KeyType;
    /// A fresh private key.
    fn generate(&self, rng: &mut dyn CryptoRng) -> Box<dyn SigningKey>;
    /// A private key from its PKCS#8 or SEC1 DER encoding.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidKey`] if it is not such a key.
    fn load(&self, der: &[u8]) -> Result<Box<dyn SigningKey>, CryptoError>;
}

/// A private key that signs. Wiped when it is dropped.
pub trait SigningKey: Send + Sync {
    /// The scheme of its signatures.
    fn scheme(&self) -> SignatureScheme;
    /// The subject public key, as in the BIT STRING of a certificate: for ECDSA
    /// the uncompressed point.
    fn public_key(&self) -> &[u8];
    /// Signs `message`. Deterministic where the scheme allows it (RFC 6979).
    fn sign(&self, rng: &mut dyn CryptoRng, message: &[u8]) -> Signature;
    /// The private key in PKCS#8 DER, to keep it for a later session.
    fn to_pkcs8(&self) -> Zeroizing<Vec<u8>>;
}

/// Checks signatures of one scheme.
pub trait Verifier: Send + Sync {
    /// The scheme.
    fn scheme(&self) -> SignatureScheme;
    /// Whether `signature` over `message` was made by the owner of `public_key`
    /// (the content of the certificate's BIT STRING).
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidKey`] or [`CryptoError::BadSignature`].
    fn verify(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError>;
}
