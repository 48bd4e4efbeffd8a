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
        let realm = challenge
            .realm
            .or_else(|| known.map(|session| &*session.realm));
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

#[cfg(all(test, feature = "rust-crypto"))]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use serde_json::Value;

    use super::*;
    use crate::crypto::rust_crypto::PROVIDER;
    use crate::cursor::{Reader, Writer};
    use crate::wire::stun::{Class, ErrorCode, Method, TransactionId};

    const NAME: &str = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";
    const ID: TransactionId = TransactionId([3; 12]);

    fn vectors(text: &str) -> Value {
        serde_json::from_str(text).expect("vectors are JSON")
    }

    fn message_of(vector: &Value) -> Vec<u8> {
        hex::decode(vector["message"].as_str().expect("hex")).expect("hex")
    }

    fn parse(bytes: &[u8]) -> Message<'_> {
        Message::parse(&mut Reader::new(bytes)).expect("a message")
    }

    fn account(name: &str, password: &str) -> LongTerm {
        LongTerm::new(&PROVIDER, name, password).expect("an account")
    }

    fn challenge(
        account: &mut LongTerm,
        realm: &str,
        nonce: &[u8],
        list: Option<&[u8]>,
    ) -> Result<(), ChallengeError> {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 2000);
        let mut builder = Builder::new(&mut w, Class::Error, Method::ALLOCATE, ID);
        let error = ErrorCode::new(401, "").expect("a code");
        builder
            .attribute(&Attribute::ErrorCode(error))
            .attribute(&Attribute::Realm(realm))
            .attribute(&Attribute::Nonce(nonce));
        if let Some(list) = list {
            let list = PasswordAlgorithms::parse(list).expect("a list");
            builder.attribute(&Attribute::PasswordAlgorithms(list));
        }
        account.on_challenge(&parse(&buf))
    }

    fn signed(account: &LongTerm) -> Vec<u8> {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 2000);
        let mut builder = Builder::new(&mut w, Class::Request, Method::ALLOCATE, ID);
        account.sign(&mut builder);
        assert_eq!(buf.len(), 20 + account.proof_len());
        buf
    }

    /// The password of the vector as prepared; its raw form needs the tables of
    /// Unicode (SASLprep), which the key no more than RFC 8489 asks for.
    #[test]
    fn rfc_5769_2_4_the_key_is_that_of_the_rfc() {
        let file = vectors(include_str!("../../tests/vectors/stun/rfc5769.json"));
        let list = file["vectors"].as_array().expect("a list");
        let vector = list.iter().find(|one| one["name"] == "long_term_request");
        let bytes = message_of(vector.expect("the vector"));
        let mut account = account(NAME, "TheMatrIX");
        assert_eq!(account.verify(&parse(&bytes)), Err(AuthError::Missing));
        challenge(&mut account, "example.org", b"nonce", None).expect("a challenge");
        assert_eq!(account.verify(&parse(&bytes)), Ok(()));
        // Others put the realm between quotes, and say the same.
        let mut quoted = LongTerm::new(&PROVIDER, NAME, "TheMatrIX\0").expect("an account");
        challenge(&mut quoted, "\"example.org\"", b"nonce", None).expect("a challenge");
        assert_eq!(quoted.verify(&parse(&bytes)), Ok(()));
    }

    #[test]
    fn rfc_8489_b_1_key_and_userhash_are_those_of_the_rfc() {
        let file = vectors(include_str!("../../tests/vectors/stun/rfc8489.json"));
        let bytes = message_of(&file["corrected"][0]);
        let message = parse(&bytes);
        let mut account = account(NAME, "TheMatrIX");
        let list = Some(&[0, 2, 0, 0][..]);
        challenge(&mut account, "example.org", b"obMatJos2wAAAnonce", list).expect("a challenge");
        assert_eq!(account.verify(&message), Ok(()));
        let ours = signed(&account);
        let of = |message: &Message<'_>| {
            message.attributes().find_map(|attribute| match attribute {
                Attribute::Userhash(hash) => Some(*hash),
                _ => None,
            })
        };
        assert_eq!(of(&parse(&ours)), of(&message));
        assert!(of(&message).is_some());
        let says: Vec<_> = parse(&ours).attributes().collect();
        assert!(says.contains(&Attribute::PasswordAlgorithm(PasswordAlgorithm::SHA256)));
        assert!(says.contains(&Attribute::PasswordAlgorithms(
            PasswordAlgorithms::parse(&[0, 2, 0, 0]).expect("a list")
        )));
        assert!(!says.iter().any(|one| matches!(one, Attribute::Username(_))));
    }

    /// RFC 8489 §9.2.2's own example.
    #[test]
    fn the_key_of_user_realm_pass_is_that_of_the_rfc() {
        let account = account("user", "pass");
        let key = account.hash(HashId::Md5, &["user", "realm", "pass"]);
        let key = hex::encode(&*key.expect("MD5"));
        assert_eq!(key, "8493fbc53ba582fb4c044c456bdc40eb");
    }

    #[test]
    fn the_first_algorithm_that_is_known_is_taken() {
        let cases: [(&[u8], _); 5] = [
            (&[0, 1, 0, 0, 0, 2, 0, 0], Ok(Some(1))),
            (&[0, 2, 0, 0, 0, 1, 0, 0], Ok(Some(2))),
            (&[0x70, 0, 0, 1, 9, 0, 0, 0, 0, 2, 0, 0], Ok(Some(2))),
            (&[0x70, 0, 0, 0], Err(ChallengeError::NoAlgorithm)),
            (&[], Err(ChallengeError::NoAlgorithm)),
        ];
        for (list, expected) in cases {
            let mut account = account("user", "pass");
            let met = challenge(&mut account, "realm", b"nonce", Some(list));
            let session = account.session.as_ref();
            let number = session.and_then(|one| Some(one.algorithms.as_ref()?.1));
            assert_eq!(met.map(|()| number), expected, "{list:?}");
            // MD5 out of a list is an MD5 key under the new integrity.
            if met.is_ok() {
                let bytes = signed(&account);
                assert!(parse(&bytes).integrity_sha256().is_some());
                assert_eq!(account.verify(&parse(&bytes)), Ok(()));
            }
        }
    }

    #[test]
    fn ice_030_the_nonce_tells_what_was_removed() {
        let mut account = account("user", "pass");
        let list = Some(&[0, 2, 0, 0][..]);
        for (nonce, met) in [
            (&b"obMatJos2AAAA"[..], Ok(())),
            (b"obMatJos2QAAA", Ok(())),
            (b"obMatJos2gAAA", Err(ChallengeError::BidDown)),
            (b"obMatJos2/AAA", Err(ChallengeError::BidDown)),
            (b"obMatJos2gAA", Ok(())),
            (b"obMatJos2", Ok(())),
            (b"", Ok(())),
        ] {
            assert_eq!(challenge(&mut account, "realm", nonce, None), met);
        }
        challenge(&mut account, "realm", b"obMatJos2gAAA", list).expect("a challenge");
        let met = challenge(&mut account, "realm", b"nonce", None);
        assert_eq!(met, Err(ChallengeError::BidDown));
    }

    #[test]
    fn a_refused_challenge_changes_nothing() {
        let mut account = account("user", "pass");
        challenge(&mut account, "realm", b"one", None).expect("a challenge");
        let before = signed(&account);
        let long = "x".repeat(257);
        assert_eq!(
            challenge(&mut account, "other", b"two", None),
            Err(ChallengeError::OtherRealm)
        );
        assert_eq!(
            challenge(&mut account, "realm", long.as_bytes(), None),
            Err(ChallengeError::TooLong)
        );
        assert_eq!(signed(&account), before);
        account.forget_session();
        assert_eq!(signed(&account).len(), 20);
        assert_eq!(
            challenge(&mut account, "other", b"two", None),
            Err(ChallengeError::OtherRealm)
        );
        assert_eq!(challenge(&mut account, "realm", b"two", None), Ok(()));
    }

    #[test]
    fn names_and_passwords_are_prepared_as_far_as_without_tables() {
        assert_eq!(opaque("a\u{a0}b\u{3000}c"), Some("a b c".to_string()));
        assert_eq!(opaque("pass\0\0"), Some("pass".to_string()));
        assert_eq!(opaque("a\0b"), None);
        assert_eq!(opaque("a\u{85}b"), None);
        assert_eq!(opaque(NAME), Some(NAME.to_string()));
        let shown = format!("{:?}", account("alice", "secret"));
        assert!(!shown.contains("alice") && !shown.contains("secret"));
    }
}
