//! Proving to a server who we are, without telling the password (RFC 8489 §9.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::{AuthError, Key};
use crate::crypto::{CryptoProvider, HashId};
use crate::wire::stun::{Attribute, Builder, Message, PasswordAlgorithm, PasswordAlgorithms};

/// The account at a server, and what the server has said about proving it.
///
/// A first request goes out without a proof. The server refuses it with a
/// challenge ([`on_challenge`](Self::on_challenge)); from then on
/// [`sign`](Self::sign) proves every request, and [`verify`](Self::verify) says
/// which answers are the server's.
///
/// Names and passwords are prepared as the profile OpaqueString demands
/// (RFC 8265 §4.2) as far as that goes without the tables of Unicode: control
/// characters are refused and all kinds of spaces become one. The third rule,
/// normalisation to NFC, is the caller's; text that people type mostly is.
pub struct LongTerm {
    provider: &'static CryptoProvider,
    username: String,
    password: Zeroizing<String>,
    session: Option<Session>,
    /// The realm of the server that was asked first: no other is told anything.
    realm: Option<String>,
}

/// What the server's challenge made of the account.
struct Session {
    realm: String,
    nonce: Vec<u8>,
    key: Key,
    userhash: Option<[u8; 32]>,
    /// The server's list, to be repeated, and the number chosen of it.
    algorithms: Option<(Vec<u8>, u16)>,
}

impl LongTerm {
    /// An account that no server has asked about yet.
    ///
    /// # Errors
    ///
    /// [`CredentialError`].
    pub fn new(
        provider: &'static CryptoProvider,
        username: &str,
        password: &str,
    ) -> Result<Self, CredentialError> {
        let username = opaque(username).ok_or(CredentialError::Username)?;
        if username.is_empty() || username.len() > MAX_USERNAME {
            return Err(CredentialError::Username);
        }
        let password = opaque(password).map(Zeroizing::new);
        Ok(Self {
            provider,
            username,
            password: password.ok_or(CredentialError::Password)?,
            session: None,
            realm: None,
        })
    }

    /// Takes the challenge of an error 401 or 438. The next proof is made for it.
    ///
    /// # Errors
    ///
    /// [`ChallengeError`]; nothing changed then.
    pub fn on_challenge(&mut self, message: &Message<'_>) -> Result<(), ChallengeError> {
        let challenge = Challenge::of(message)?;
        let known = self.session.as_ref();
        let realm = challenge.realm.or(known.map(|session| &*session.realm));
        let realm = realm.ok_or(ChallengeError::Incomplete)?;
        if self.realm.as_deref().is_some_and(|first| first != realm) {
            return Err(ChallengeError::OtherRealm);
        }
        let number = challenge.algorithm()?;
        // Whoever stood between could take away what a nonce cookie does not show.
        if number.is_none() && known.is_some_and(|session| session.algorithms.is_some()) {
            return Err(ChallengeError::BidDown);
        }
        let clean = opaque(realm.trim_matches('"')).ok_or(ChallengeError::Incomplete)?;
        let userhash = challenge.wants_userhash.then(|| self.userhash(&clean));
        let session = Session {
            nonce: challenge.nonce.to_vec(),
            key: self.key(&clean, number)?,
            userhash: userhash.transpose()?,
            algorithms: challenge
                .algorithms
                .zip(number)
                .map(|(list, number)| (list.bytes().to_vec(), number)),
            realm: realm.into(),
        };
        self.realm.get_or_insert_with(|| session.realm.clone());
        self.session = Some(session);
        Ok(())
    }

    /// Begins anew with another server, which must be of the same realm.
    pub fn forget_session(&mut self) {
        self.session = None;
    }

    /// Adds the proof to a request: name, realm, nonce and integrity. Nothing
    /// before there was a challenge.
    pub fn sign(&self, builder: &mut Builder<'_, '_>) {
        let Some(session) = &self.session else { return };
        session.each_attribute(&self.username, |attribute| {
            builder.attribute(attribute);
        });
        session.key.sign(builder);
    }

    /// Whether the server made `message`.
    ///
    /// # Errors
    ///
    /// [`AuthError`], also before there was a challenge.
    pub fn verify(&self, message: &Message<'_>) -> Result<(), AuthError> {
        let session = self.session.as_ref().ok_or(AuthError::Missing)?;
        session.key.verify(message)
    }

    /// Whether there was a challenge, so that requests carry a proof.
    #[must_use]
    pub const fn is_challenged(&self) -> bool {
        self.session.is_some()
    }

    /// How many bytes [`sign`](Self::sign) adds.
    #[must_use]
    pub fn proof_len(&self) -> usize {
        let Some(session) = &self.session else {
            return 0;
        };
        let mut len = 4 + session.key.code_len();
        session.each_attribute(&self.username, |attribute| len += attribute.len());
        len
    }

    /// RFC 8489 §9.2.2, §18.5.1: a hash of name, realm and password.
    fn key(&self, realm: &str, number: Option<u16>) -> Result<Key, ChallengeError> {
        let hash = match number {
            Some(SHA256) => HashId::Sha256,
            _ => HashId::Md5,
        };
        let secret = self.hash(hash, &[&self.username, realm, &self.password])?;
        // RFC 8489 §9.2.5: who was offered algorithms uses the new integrity only.
        let integrity = match number {
            Some(_) => HashId::Sha256,
            None => HashId::Sha1,
        };
        Key::new(self.provider, integrity, &secret).map_err(|_| ChallengeError::NoAlgorithm)
    }

    /// RFC 8489 §14.4: what stands for the name in front of strangers.
    fn userhash(&self, realm: &str) -> Result<[u8; 32], ChallengeError> {
        let hash = self.hash(HashId::Sha256, &[&self.username, realm])?;
        hash.first_chunk()
            .copied()
            .ok_or(ChallengeError::NoAlgorithm)
    }

    /// The hash of `parts` with colons between them.
    fn hash(&self, id: HashId, parts: &[&str]) -> Result<Zeroizing<Vec<u8>>, ChallengeError> {
        let hash = self.provider.hash(id).ok_or(ChallengeError::NoAlgorithm)?;
        let mut hash = hash.start();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                hash.update(b":");
            }
            hash.update(part.as_bytes());
        }
        Ok(Zeroizing::new(hash.current().to_vec()))
    }
}

impl Session {
    fn each_attribute(&self, username: &str, mut each: impl FnMut(&Attribute<'_>)) {
        match &self.userhash {
            Some(hash) => each(&Attribute::Userhash(hash)),
            None => each(&Attribute::Username(username)),
        }
        each(&Attribute::Realm(&self.realm));
        each(&Attribute::Nonce(&self.nonce));
        let Some((list, number)) = &self.algorithms else {
            return;
        };
        if let Ok(list) = PasswordAlgorithms::parse(list) {
            each(&Attribute::PasswordAlgorithms(list));
        }
        each(&Attribute::PasswordAlgorithm(PasswordAlgorithm {
            number: *number,
            parameters: &[],
        }));
    }
}

/// What an error 401 or 438 demands.
struct Challenge<'a> {
    realm: Option<&'a str>,
    nonce: &'a [u8],
    algorithms: Option<PasswordAlgorithms<'a>>,
    wants_userhash: bool,
}

impl<'a> Challenge<'a> {
    fn of(message: &Message<'a>) -> Result<Self, ChallengeError> {
        let (mut realm, mut nonce, mut algorithms) = (None, None, None);
        for attribute in message.attributes() {
            match attribute {
                Attribute::Realm(text) => _ = realm.get_or_insert(text),
                Attribute::Nonce(bytes) => _ = nonce.get_or_insert(bytes),
                Attribute::PasswordAlgorithms(list) => _ = algorithms.get_or_insert(list),
                _ => {}
            }
        }
        let nonce: &[u8] = nonce.ok_or(ChallengeError::Incomplete)?;
        let list_len = algorithms.map_or(0, |list: PasswordAlgorithms<'_>| list.bytes().len());
        if nonce.len() > MAX_NONCE
            || realm.is_some_and(|realm: &str| realm.len() > MAX_REALM)
            || list_len > MAX_ALGORITHMS
        {
            return Err(ChallengeError::TooLong);
        }
        let features = features(nonce);
        // RFC 8489 §9.2.5: the nonce tells that somebody took the list away.
        if features & PASSWORD_ALGORITHMS != 0 && algorithms.is_none() {
            return Err(ChallengeError::BidDown);
        }
        Ok(Self {
            realm,
            nonce,
            algorithms,
            wants_userhash: features & USERNAME_ANONYMITY != 0,
        })
    }

    /// The first of the server's algorithms that is known here.
    fn algorithm(&self) -> Result<Option<u16>, ChallengeError> {
        let Some(list) = self.algorithms else {
            return Ok(None);
        };
        let known = list
            .iter()
            .find(|&one| one == PasswordAlgorithm::SHA256 || one == PasswordAlgorithm::MD5);
        known
            .map(|algorithm| Some(algorithm.number))
            .ok_or(ChallengeError::NoAlgorithm)
    }
}

/// The first security features of a nonce (RFC 8489 §9.2, §18.1): six bits, of
/// which two mean something so far.
fn features(nonce: &[u8]) -> u8 {
    let cookie = nonce.strip_prefix(NONCE_COOKIE).unwrap_or_default();
    // The set is 24 bits in base64. The first character holds its first six.
    match cookie {
        [first @ b'A'..=b'Z', _, _, _, ..] => first - b'A',
        [first @ b'a'..=b'z', _, _, _, ..] => first - b'a' + 26,
        [first @ b'0'..=b'9', _, _, _, ..] => first - b'0' + 52,
        [b'+', _, _, _, ..] => 62,
        [b'/', _, _, _, ..] => 63,
        _ => 0,
    }
}

/// The part of OpaqueString that needs no tables; `None` for a control character
/// (RFC 8265 §4.2.2). Trailing NULs are the padding of others (RFC 8489 §9.2.2).
fn opaque(text: &str) -> Option<String> {
    text.trim_end_matches('\0')
        .chars()
        .map(|char| match char {
            '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}' => Some(' '),
            control if control.is_control() => None,
            other => Some(other),
        })
        .collect()
}

/// Name and password stay untold.
impl fmt::Debug for LongTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongTerm")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// Why can an account not be used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// The user name is empty, has more than 508 bytes, or holds a control character.
    #[error("the user name is empty, too long, or holds a control character")]
    Username,
    /// The password holds a control character.
    #[error("the password holds a control character")]
    Password,
}

/// Why can a challenge not be met?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChallengeError {
    /// There is no nonce, or no realm that can be used.
    #[error("no usable realm and nonce")]
    Incomplete,
    /// Realm, nonce or the list of algorithms are longer than is sensible.
    #[error("realm, nonce or algorithms too long")]
    TooLong,
    /// Somebody on the way has removed the better algorithms.
    #[error("the offer of better algorithms was removed")]
    BidDown,
    /// None of the server's algorithms is known here.
    #[error("no common password algorithm")]
    NoAlgorithm,
    /// Not the realm that the account was first used in.
    #[error("another realm than before")]
    OtherRealm,
}

/// RFC 8489 §14.3: fewer than 509 bytes.
const MAX_USERNAME: usize = 508;
/// RFC 8489 §14.9, §14.10 allow 127 characters. With these limits and the longest
/// name, every request still fits into 1200 bytes.
const MAX_REALM: usize = 256;
const MAX_NONCE: usize = 256;
const MAX_ALGORITHMS: usize = 64;
/// The number of the algorithm (RFC 8489 §18.5).
const SHA256: u16 = PasswordAlgorithm::SHA256.number;
/// What a nonce of RFC 8489 begins with.
const NONCE_COOKIE: &[u8] = b"obMatJos2";
/// Bit 0 of 24, seen as the first of six (RFC 8489 §18.1).
const PASSWORD_ALGORITHMS: u8 = 0b10_0000;
/// Bit 1.
const USERNAME_ANONYMITY: u8 = 0b01_0000;
