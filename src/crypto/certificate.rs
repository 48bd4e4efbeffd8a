//! Who is at the other end? The one whose certificate has the signalled fingerprint.
//!
//! WebRTC has no certificate authorities (RFC 8827 §6.5): each end makes a
//! self-signed certificate, signals its hash in SDP, and proves with its
//! private key that the certificate is its own. Names, dates and extensions in
//! a peer's certificate mean nothing, so they are not even looked at.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::mem;
use core::time::Duration;

use arrayvec::ArrayVec;
use der::asn1::{Any, BitString, GeneralizedTime, Utf8StringRef};
use der::oid::{ObjectIdentifier, db};
use der::{Encode, Reader, Sequence, SliceReader, Tag};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use thiserror::Error;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::Version;
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use super::{CryptoError, CryptoProvider, HashId, KeyType, SigningKey};

/// A certificate and the private key that belongs to it.
///
/// Expensive enough to make that an application with many connections shares
/// one in an `Arc`; two connections with the same certificate can be told to
/// be of the same person, though.
pub struct Certificate {
    der: Vec<u8>,
    key: Box<dyn SigningKey>,
}

impl Certificate {
    /// Makes a key pair and a self-signed certificate of it: ECDSA on P-256
    /// with SHA-256 (RFC 8827 §6.5).
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidCertificate`] if the options cannot be encoded,
    /// [`CryptoError::Unsupported`] if the provider has no P-256 keys.
    pub fn generate(
        provider: &CryptoProvider,
        rng: &mut dyn CryptoRng,
        options: &CertificateOptions,
    ) -> Result<Self, CryptoError> {
        let key = provider
            .generator(KeyType::EcdsaP256)
            .ok_or(CryptoError::Unsupported)?
            .generate(rng);
        let der = self_sign(&*key, rng, options).map_err(|_| CryptoError::InvalidCertificate)?;
        Ok(Self { der, key })
    }

    /// Takes a certificate and its private key (PKCS#8 or SEC 1) that were made elsewhere.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidCertificate`] if `der` is no certificate,
    /// [`CryptoError::Unsupported`] if its kind of key is not offered by the
    /// provider, [`CryptoError::InvalidKey`] if `key` is not that kind of key
    /// or another one than the certificate's.
    pub fn import(provider: &CryptoProvider, der: &[u8], key: &[u8]) -> Result<Self, CryptoError> {
        let public = PeerKey::from_der(der)?;
        let key = provider
            .generator(public.key_type)
            .ok_or(CryptoError::Unsupported)?
            .load(key)?;
        if key.public_key() != public.public_key {
            return Err(CryptoError::InvalidKey);
        }
        Ok(Self {
            der: der.to_vec(),
            key,
        })
    }

    /// The certificate as it goes over the wire.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Until when it is valid, as time since 1970; `None` if that cannot be read.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        let validity = validity(&self.der).ok()?;
        Some(validity.not_after.to_unix_duration())
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &dyn SigningKey {
        &*self.key
    }

    /// What to signal in SDP; `None` if the provider does not offer the hash.
    #[must_use]
    pub fn fingerprint(&self, provider: &CryptoProvider, hash: HashId) -> Option<Fingerprint> {
        Fingerprint::of(provider, hash, &self.der)
    }
}

/// The certificate can be told by its length and public key; the private key is not printed.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("len", &self.der.len())
            .field("scheme", &self.key.scheme())
            .finish_non_exhaustive()
    }
}

/// What stands in a new certificate?
///
/// Nobody reads it, but anybody on the path of a DTLS 1.2 handshake could: put
/// nothing there that says who you are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOptions {
    /// The common name of issuer and subject, 1 to 64 characters.
    pub common_name: String,
    /// The start of its validity, in seconds since 1970. Set it back by a day:
    /// clocks differ.
    pub not_before: u64,
    /// The end of its validity, in seconds since 1970.
    pub not_after: u64,
}

impl CertificateOptions {
    /// A certificate that says nothing of its owner, and ends a while after now, which
    /// is said as time since 1970: after a year at most (W3C `generateCertificate`).
    #[must_use]
    pub fn lasting(now: Duration, lifetime: Duration) -> Self {
        Self {
            common_name: "WebRTC".into(),
            not_before: now.saturating_sub(DAY).as_secs(),
            not_after: now.saturating_add(lifetime.min(DAY * 365)).as_secs(),
        }
    }
}

/// The public key in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerKey {
    /// What kind of key.
    pub key_type: KeyType,
    /// The key as [`Verifier::verify`](super::Verifier::verify) takes it: the
    /// content of the certificate's BIT STRING. For an elliptic curve it has
    /// the right length, but it may not be a point of the curve.
    pub public_key: Vec<u8>,
}

impl PeerKey {
    /// The key in a certificate of up to [`MAX_CERTIFICATE_LEN`] bytes.
    ///
    /// # Errors
    ///
    /// [`CryptoError::InvalidCertificate`] if it is too long or not the
    /// encoding of a certificate, [`CryptoError::InvalidKey`] if the key has
    /// not the length of its kind, [`CryptoError::Unsupported`] if it is of a
    /// kind without a [`KeyType`].
    pub fn from_der(der: &[u8]) -> Result<Self, CryptoError> {
        if der.len() > MAX_CERTIFICATE_LEN {
            return Err(CryptoError::InvalidCertificate);
        }
        let spki = subject_public_key_info(der).map_err(|_| CryptoError::InvalidCertificate)?;
        let key_type = key_type(&spki).ok_or(CryptoError::Unsupported)?;
        let public_key = spki
            .subject_public_key
            .as_bytes()
            .ok_or(CryptoError::InvalidKey)?;
        let len_fits = match key_type {
            KeyType::EcdsaP256 => public_key.len() == 65,
            KeyType::EcdsaP384 => public_key.len() == 97,
            KeyType::Ed25519 => public_key.len() == 32,
            KeyType::Rsa => !public_key.is_empty(),
        };
        if !len_fits {
            return Err(CryptoError::InvalidKey);
        }
        Ok(Self {
            key_type,
            public_key: public_key.to_vec(),
        })
    }
}

/// Which certificate did the other end promise in its SDP (RFC 8122 §5)?
///
/// The hash of a certificate's DER encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Fingerprint {
    hash: HashId,
    digest: ArrayVec<u8, 64>,
}

impl Fingerprint {
    /// The fingerprint of a certificate; `None` if the provider does not offer the hash.
    #[must_use]
    pub fn of(provider: &CryptoProvider, hash: HashId, der: &[u8]) -> Option<Self> {
        let mut state = provider.hash(hash)?.start();
        state.update(der);
        Some(Self {
            hash,
            digest: state.current(),
        })
    }

    /// Reads the value of an `a=fingerprint` line: `sha-256 AB:CD:…`.
    ///
    /// Upper and lower case are the same. `sha-1` is read, but is not
    /// [strong](Self::is_strong); `md5` and `md2` must not be used (RFC 8122 §5).
    ///
    /// # Errors
    ///
    /// [`FingerprintError`], saying what was wrong.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        let (name, digits) = text.split_once(' ').ok_or(FingerprintError::Malformed)?;
        let (hash, _) = NAMES
            .into_iter()
            .find(|(_, known)| name.eq_ignore_ascii_case(known))
            .ok_or(FingerprintError::UnknownHash)?;
        let mut digest = ArrayVec::new();
        for pair in digits.split(':') {
            let byte = parse_byte(pair).ok_or(FingerprintError::Malformed)?;
            digest
                .try_push(byte)
                .map_err(|_| FingerprintError::Malformed)?;
        }
        if digest.len() != hash.output_len() {
            return Err(FingerprintError::Malformed);
        }
        Ok(Self { hash, digest })
    }

    /// Its hash function.
    #[must_use]
    pub const fn hash(&self) -> HashId {
        self.hash
    }

    /// The hash itself.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// Whether it is infeasible to make another certificate with this fingerprint.
    #[must_use]
    pub const fn is_strong(&self) -> bool {
        !matches!(self.hash, HashId::Md5 | HashId::Sha1)
    }

    /// Whether `der` is one of the certificates that a description promised.
    ///
    /// RFC 8122 §5: of several hash functions only the strongest that is
    /// offered counts, so that nothing can be gained by adding a weak one. One
    /// match suffices: several certificates may have been promised.
    #[must_use]
    pub fn any_matches(promised: &[Self], provider: &CryptoProvider, der: &[u8]) -> bool {
        let usable = |print: &&Self| print.is_strong() && provider.hash(print.hash).is_some();
        let usable = promised.iter().filter(usable);
        let strongest = usable.clone().map(|print| print.hash).max();
        usable
            .filter(|print| Some(print.hash) == strongest)
            .any(|print| print.matches(provider, der))
    }

    /// Whether `der` is the certificate that was promised.
    ///
    /// Takes the same time wherever a difference lies. Without the hash
    /// function there is no certificate that matches.
    #[must_use]
    pub fn matches(&self, provider: &CryptoProvider, der: &[u8]) -> bool {
        Self::of(provider, self.hash, der)
            .is_some_and(|other| self.digest.ct_eq(&other.digest).into())
    }
}

/// Why is this no fingerprint?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FingerprintError {
    /// A hash function that is not known here, or not safe at all. A
    /// description may hold other fingerprints beside this one.
    #[error("unknown hash function")]
    UnknownHash,
    /// Not pairs of hexadecimal digits with colons between them, or too few or
    /// too many of them for the hash.
    #[error("malformed fingerprint")]
    Malformed,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(hash, _)| *hash == self.hash);
        f.write_str(name.map_or("md5", |(_, name)| name))?;
        let digit = |half: u8| {
            char::from_digit(half.into(), 16)
                .unwrap_or('0')
                .to_ascii_uppercase()
        };
        let mut separator = ' ';
        self.digest.iter().try_for_each(|byte| {
            f.write_char(mem::replace(&mut separator, ':'))?;
            f.write_char(digit(byte >> 4))?;
            f.write_char(digit(byte & 15))
        })
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The longest certificate that is looked at, in bytes.
pub const MAX_CERTIFICATE_LEN: usize = 16 * 1024;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest common name (RFC 5280 appendix A.1, `ub-common-name`).
const MAX_COMMON_NAME_CHARS: usize = 64;

/// The hash functions of RFC 8122 §5 that may be used.
const NAMES: [(HashId, &str); 4] = [
    (HashId::Sha256, "sha-256"),
    (HashId::Sha384, "sha-384"),
    (HashId::Sha512, "sha-512"),
    (HashId::Sha1, "sha-1"),
];

/// The byte that two hexadecimal digits mean.
fn parse_byte(pair: &str) -> Option<u8> {
    let &[high, low] = pair.as_bytes() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Finds the key in a certificate, stepping over all else (RFC 5280 §4.1).
fn subject_public_key_info(der: &[u8]) -> der::Result<SubjectPublicKeyInfoRef<'_>> {
    let mut reader = SliceReader::new(der)?;
    let spki = reader.sequence(|certificate| {
        let spki = certificate.sequence(|tbs| {
            if Tag::peek(tbs)?.is_context_specific() {
                tbs.tlv_bytes()?; // version
            }
            // Serial number, signature algorithm, issuer, validity, subject.
            for _ in 0..5 {
                tbs.tlv_bytes()?;
            }
            let spki: SubjectPublicKeyInfoRef<'_> = tbs.decode()?;
            tbs.read_slice(tbs.remaining_len())?; // extensions and the like
            der::Result::Ok(spki)
        })?;
        // The algorithm of the signature, and the signature.
        certificate.tlv_bytes()?;
        certificate.tlv_bytes()?;
        der::Result::Ok(spki)
    })?;
    reader.finish()?;
    Ok(spki)
}

/// Finds from when until when a certificate is valid (RFC 5280 §4.1.2.5).
fn validity(der: &[u8]) -> der::Result<Validity> {
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|certificate| {
        let validity = certificate.sequence(|tbs| {
            if Tag::peek(tbs)?.is_context_specific() {
                tbs.tlv_bytes()?; // version
            }
            // Serial number, signature algorithm, issuer.
            for _ in 0..3 {
                tbs.tlv_bytes()?;
            }
            let validity = tbs.decode()?;
            tbs.read_slice(tbs.remaining_len())?; // the subject and all that follows
            der::Result::Ok(validity)
        })?;
        // The algorithm of the signature, and the signature.
        certificate.read_slice(certificate.remaining_len())?;
        der::Result::Ok(validity)
    })
}

fn key_type(spki: &SubjectPublicKeyInfoRef<'_>) -> Option<KeyType> {
    match spki.algorithm.oid {
        db::rfc5912::ID_EC_PUBLIC_KEY => match spki.algorithm.parameters_oid() {
            Ok(db::rfc5912::SECP_256_R_1) => Some(KeyType::EcdsaP256),
            Ok(db::rfc5912::SECP_384_R_1) => Some(KeyType::EcdsaP384),
            _ => None,
        },
        db::rfc8410::ID_ED_25519 => Some(KeyType::Ed25519),
        db::rfc5912::RSA_ENCRYPTION => Some(KeyType::Rsa),
        _ => None,
    }
}

/// The part of a certificate that is signed (RFC 5280 §4.1).
#[derive(Sequence)]
struct TbsCertificate {
    #[asn1(context_specific = "0")]
    version: Version,
    serial_number: SerialNumber,
    signature: AlgorithmIdentifierOwned,
    issuer: RdnSequence,
    validity: Validity,
    subject: RdnSequence,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
}

/// A certificate (RFC 5280 §4.1).
#[derive(Sequence)]
struct SignedCertificate {
    tbs_certificate: TbsCertificate,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: BitString,
}

fn self_sign(
    key: &dyn SigningKey,
    rng: &mut dyn CryptoRng,
    options: &CertificateOptions,
) -> der::Result<Vec<u8>> {
    let tbs_certificate = to_be_signed(key.public_key(), random_serial(rng), options)?;
    let signature = key.sign(rng, &tbs_certificate.to_der()?);
    SignedCertificate {
        signature_algorithm: tbs_certificate.signature.clone(),
        tbs_certificate,
        signature: BitString::from_bytes(&signature)?,
    }
    .to_der()
}

fn to_be_signed(
    public_key: &[u8],
    serial: [u8; 16],
    options: &CertificateOptions,
) -> der::Result<TbsCertificate> {
    let name = common_name(&options.common_name)?;
    Ok(TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial)?,
        signature: algorithm(db::rfc5912::ECDSA_WITH_SHA_256, None),
        issuer: name.clone(),
        validity: Validity::new(time(options.not_before)?, time(options.not_after)?),
        subject: name,
        subject_public_key_info: SubjectPublicKeyInfoOwned {
            algorithm: algorithm(
                db::rfc5912::ID_EC_PUBLIC_KEY,
                Some(Any::from(db::rfc5912::SECP_256_R_1)),
            ),
            subject_public_key: BitString::from_bytes(public_key)?,
        },
    })
}

/// A positive number of 126 random bits (RFC 5280 §4.1.2.2).
fn random_serial(rng: &mut dyn CryptoRng) -> [u8; 16] {
    let mut serial = [0; 16];
    rng.fill_bytes(&mut serial);
    // Positive, and never shorter.
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

const fn algorithm(oid: ObjectIdentifier, parameters: Option<Any>) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned { oid, parameters }
}

fn common_name(name: &str) -> der::Result<RdnSequence> {
    if !(1..=MAX_COMMON_NAME_CHARS).contains(&name.chars().count()) {
        return Err(Tag::Utf8String.length_error().into());
    }
    let mut rdn = RelativeDistinguishedName::default();
    rdn.insert(AttributeTypeAndValue {
        oid: db::rfc4519::COMMON_NAME,
        value: Any::encode_from(&Utf8StringRef::new(name)?)?,
    })?;
    let mut names = RdnSequence::default();
    names.push(rdn);
    Ok(names)
}

/// Encoded with a two-digit year before 2050 and with four digits from then on
/// (RFC 5280 §4.1.2.5); years after 9999 cannot be encoded.
fn time(unix: u64) -> der::Result<Time> {
    let time = GeneralizedTime::from_unix_duration(Duration::from_secs(unix))?;
    Ok(Time::from(time.to_date_time()))
}

#[cfg(test)]
mod tests;
