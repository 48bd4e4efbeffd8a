//! The two handshakes of DTLS 1.2, and what they share.
//!
//! ```text
//! Client                                     Server
//! ClientHello          ------------------->              flight 1
//!                                       ServerHello      flight 2
//!                                       Certificate
//!                                 ServerKeyExchange
//!                                CertificateRequest
//!                      <-------------------  ServerHelloDone
//! Certificate                                            flight 3
//! ClientKeyExchange
//! CertificateVerify
//! [ChangeCipherSpec]
//! Finished             ------------------->
//!                                [ChangeCipherSpec]      flight 4
//!                      <-------------------   Finished
//! ```

pub(super) mod client;
pub(super) mod keys;
pub(super) mod server;

use arrayvec::ArrayVec;
use subtle::ConstantTimeEq;

use self::keys::{Binding, Randoms, Secrets, Suite};
use super::association::Association;
use super::close::CloseReason;
use super::config::Role;
use super::export::SrtpKeys;
use super::reassembly::Received;
use super::record::Epoch;
use super::transport::Event;
use crate::crypto::certificate::PeerKey;
use crate::crypto::{CryptoError, CryptoProvider, KeyType, SignatureScheme};
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::dtls::handshake::{Certificate, Chain, DigitallySigned, Finished};
use crate::wire::dtls::{HandshakeType, Message};

/// What the hellos have settled.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) randoms: Randoms,
    pub(super) suite: &'static Suite,
    pub(super) extended_master_secret: bool,
    pub(super) srtp: Option<SrtpProfile>,
}

/// What a handshake came to.
pub(super) struct Session {
    pub(super) terms: Terms,
    pub(super) secrets: Secrets,
}

/// The handshake of one side.
pub(super) enum Handshake {
    Client(client::State),
    Server(server::State),
}

impl Handshake {
    pub(super) const fn new(role: Role) -> Self {
        match role {
            Role::Client => Self::Client(client::State::Start),
            Role::Server => Self::Server(server::State::AwaitClientHello),
        }
    }

    /// Takes the next message of the peer.
    pub(super) fn on_message(
        self,
        association: &mut Association,
        message: &Received,
    ) -> Result<Self, CloseReason> {
        match self {
            Self::Client(state) => state.on_message(association, message).map(Self::Client),
            Self::Server(state) => state.on_message(association, message).map(Self::Server),
        }
    }

    /// Goes on, if it waits for nothing but the owner's consent.
    pub(super) fn on_acceptance(self, association: &mut Association) -> Result<Self, CloseReason> {
        match self {
            Self::Client(state) => state.on_acceptance(association).map(Self::Client),
            Self::Server(state) => state.on_acceptance(association).map(Self::Server),
        }
    }

    /// Whether a message of this kind may come now under these keys. What may
    /// not is dropped before it is stored: it was not made by an honest peer,
    /// or not for this handshake.
    pub(super) fn admits(&self, kind: HandshakeType, epoch: Epoch) -> bool {
        // Finished is the only message under the new keys, and never without them.
        if (kind == HandshakeType::Finished) != (epoch == Epoch::Sealed) {
            return false;
        }
        match self {
            Self::Client(state) => !matches!(state, client::State::Start),
            Self::Server(state) => {
                let is_first = matches!(state, server::State::AwaitClientHello);
                is_first == (kind == HandshakeType::ClientHello)
            }
        }
    }

    /// Whether the peer may change its keys now.
    pub(super) const fn expects_change_cipher_spec(&self) -> bool {
        matches!(
            self,
            Self::Client(client::State::AwaitFinished(_))
                | Self::Server(server::State::AwaitFinished(_))
        )
    }
}

/// The master secret from what was agreed; the transcript ends with ClientKeyExchange.
fn derive(association: &Association, terms: &Terms, shared: &[u8]) -> Result<Secrets, CloseReason> {
    let hash = association.session_hash(terms)?;
    let binding = if terms.extended_master_secret {
        Binding::Session(&hash)
    } else {
        Binding::Randoms
    };
    let provider = association.config.provider;
    Secrets::derive(provider, terms.suite, terms.randoms, shared, &binding)
        .map_err(|_| CloseReason::Provider)
}

/// Sends our certificate.
fn send_certificate(association: &mut Association) {
    let certificate = association.config.certificate.clone();
    let chain = [certificate.der()];
    let chain = Chain::new(&chain);
    association.send(Epoch::Plain, &Message::Certificate(Certificate { chain }));
}

/// Reads the peer's certificate and shows it to the owner.
fn on_certificate(
    association: &mut Association,
    message: &Certificate<'_>,
) -> Result<PeerKey, CloseReason> {
    // RFC 8827 §6.5: the certificate itself is what the fingerprint is about;
    // what else is in the chain says nothing.
    let leaf = message
        .chain
        .iter()
        .next()
        .ok_or(CloseReason::NoCertificate)?;
    let key = PeerKey::from_der(leaf).map_err(|error| match error {
        CryptoError::Unsupported => CloseReason::UnsupportedCertificate,
        _ => CloseReason::BadCertificate,
    })?;
    if !verifiable(association.config.provider).any(|scheme| signs(scheme) == key.key_type) {
        return Err(CloseReason::UnsupportedCertificate);
    }
    association.show_peer(leaf);
    Ok(key)
}

/// Checks a signature of the peer's.
fn verify(
    provider: &CryptoProvider,
    key: &PeerKey,
    signed: &DigitallySigned<'_>,
    message: &[u8],
) -> Result<(), CloseReason> {
    let scheme = verifiable(provider)
        .find(|&scheme| scheme as u16 == signed.scheme)
        // RFC 8446 §4.2.3 ties the curve to the hash; RFC 5246 would not.
        .filter(|&scheme| signs(scheme) == key.key_type)
        .ok_or(CloseReason::IllegalParameter("signature scheme"))?;
    let verifier = provider.verifier(scheme).ok_or(CloseReason::Provider)?;
    verifier
        .verify(&key.public_key, message, signed.signature)
        .map_err(|error| match error {
            CryptoError::InvalidKey => CloseReason::BadCertificate,
            _ => CloseReason::BadSignature,
        })
}

/// Sends our Finished message, the first under our new keys.
fn send_finished(
    association: &mut Association,
    terms: &Terms,
    secrets: &Secrets,
) -> Result<(), CloseReason> {
    let hash = association.session_hash(terms)?;
    let verify_data = &secrets.verify_data(association.role, &hash);
    association.send(Epoch::Sealed, &Message::Finished(Finished { verify_data }));
    Ok(())
}

/// Checks the peer's Finished message, the last in the transcript.
fn on_finished(
    association: &Association,
    terms: &Terms,
    secrets: &Secrets,
    message: &Finished<'_>,
) -> Result<(), CloseReason> {
    let hash = association.hash_before_last(terms)?;
    let expected = secrets.verify_data(association.role.other(), &hash);
    if bool::from(expected.ct_eq(message.verify_data)) {
        Ok(())
    } else {
        Err(CloseReason::BadFinished)
    }
}

/// The handshake has ended well, and the owner wants it so.
fn connect(association: &mut Association, terms: Terms, secrets: Secrets) {
    let role = association.role;
    let srtp = terms
        .srtp
        .map(|profile| SrtpKeys::derive(&secrets, profile, role));
    association.transcript.clear();
    association.session = Some(Session { terms, secrets });
    association.events.push(Event::Connected { srtp });
}

/// The signatures that we can check and that go with our suites, best first.
fn verifiable(provider: &CryptoProvider) -> impl Iterator<Item = SignatureScheme> {
    let schemes = provider.verifiers.iter().map(|verifier| verifier.scheme());
    schemes.filter(|&scheme| signs(scheme) != KeyType::Rsa)
}

/// Their codes.
fn signature_codes(provider: &CryptoProvider) -> ArrayVec<u16, 8> {
    let codes = verifiable(provider).map(|scheme| scheme as u16);
    codes.take(8).collect()
}

/// The codes of the groups in which we can agree, best first.
fn group_codes(provider: &CryptoProvider) -> ArrayVec<u16, 8> {
    let codes = provider.groups.iter().map(|group| group.group() as u16);
    codes.take(8).collect()
}

/// The kind of key that makes these signatures.
const fn signs(scheme: SignatureScheme) -> KeyType {
    match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 => KeyType::EcdsaP256,
        SignatureScheme::EcdsaSecp384r1Sha384 => KeyType::EcdsaP384,
        SignatureScheme::Ed25519 => KeyType::Ed25519,
        SignatureScheme::RsaPssRsaeSha256 | SignatureScheme::RsaPkcs1Sha256 => KeyType::Rsa,
    }
}

/// The point format of RFC 8422 §5.1.2 that everybody must have.
const UNCOMPRESSED: u8 = 0;

/// The compression method that does nothing.
const NO_COMPRESSION: u8 = 0;
