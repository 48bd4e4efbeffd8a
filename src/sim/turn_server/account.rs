//! Who asks, and is it so (RFC 8489 §9.2.4)?

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::relay::Allocation;
use super::{Habit, MAX_MESSAGE, TurnServer, error};
use crate::crypto::HashId;
use crate::cursor::Writer;
use crate::net::Path;
use crate::stun::Key;
use crate::time::Instant;
use crate::wire::framing::Deframer;
use crate::wire::stun::{
    Attribute, Builder, Class, ErrorCode, Message, PasswordAlgorithm, PasswordAlgorithms,
};

/// What the server knows of one path.
#[derive(Debug, Default)]
pub(super) struct Client {
    nonce: Vec<u8>,
    /// Until when the nonce is good; `None` if it is not.
    pub(super) nonce_until: Option<Instant>,
    pub(super) allocation: Option<Allocation>,
    /// What has come of a stream.
    pub(super) deframer: Option<Deframer>,
}

impl Client {
    /// The allocation that has not lapsed.
    pub(super) fn allocation(&self, now: Instant) -> Option<&Allocation> {
        self.allocation.as_ref().filter(|one| now < one.until)
    }
}

/// Who has proved to be a user, and with which key.
pub(super) struct Proved {
    pub(super) user: String,
    pub(super) key: Key,
}

/// What a request says of its maker.
#[derive(Default)]
struct Claim<'a> {
    username: Option<&'a str>,
    userhash: Option<&'a [u8; 32]>,
    realm: Option<&'a str>,
    nonce: Option<&'a [u8]>,
    algorithms: Option<PasswordAlgorithms<'a>>,
    algorithm: Option<PasswordAlgorithm<'a>>,
}

impl<'a> Claim<'a> {
    fn of(message: &Message<'a>) -> Self {
        let mut claim = Self::default();
        for attribute in message.attributes() {
            match attribute {
                Attribute::Username(name) => claim.username = Some(name),
                Attribute::Userhash(hash) => claim.userhash = Some(hash),
                Attribute::Realm(realm) => claim.realm = Some(realm),
                Attribute::Nonce(nonce) => claim.nonce = Some(nonce),
                Attribute::PasswordAlgorithms(list) => claim.algorithms = Some(list),
                Attribute::PasswordAlgorithm(one) => claim.algorithm = Some(one),
                _ => {}
            }
        }
        claim
    }
}

impl<E> TurnServer<E> {
    /// Who made a request, or which error it deserves.
    pub(super) fn prove(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
    ) -> Result<Proved, u16> {
        if message.integrity().is_none() && message.integrity_sha256().is_none() {
            return Err(ErrorCode::UNAUTHENTICATED);
        }
        let claim = Claim::of(message);
        let named = claim.username.is_some() || claim.userhash.is_some();
        let (true, Some(_), Some(nonce)) = (named, claim.realm, claim.nonce) else {
            return Err(ErrorCode::BAD_REQUEST);
        };
        let is_modern = claim.algorithms.is_some() || claim.algorithm.is_some();
        if is_modern {
            let listed = claim.algorithms.is_some_and(|list| list.bytes() == LIST);
            let chosen = claim.algorithm == Some(PasswordAlgorithm::SHA256)
                || claim.algorithm == Some(PasswordAlgorithm::MD5);
            if !self.config.modern || !listed || !chosen {
                return Err(ErrorCode::BAD_REQUEST);
            }
        }
        let user = self.user(&claim).ok_or(ErrorCode::UNAUTHENTICATED)?;
        let hash = match claim.algorithm {
            Some(PasswordAlgorithm::SHA256) => HashId::Sha256,
            _ => HashId::Md5,
        };
        let key = self.key(hash, is_modern, &user)?;
        key.verify(message)
            .map_err(|_| ErrorCode::UNAUTHENTICATED)?;
        let client = self.clients.entry(path).or_default();
        let is_fresh = client.nonce_until.is_some_and(|until| now < until);
        if self.habit == Habit::AllStale || client.nonce != nonce || !is_fresh {
            return Err(ErrorCode::STALE_NONCE);
        }
        Ok(Proved { user: user.0, key })
    }

    fn user(&self, claim: &Claim<'_>) -> Option<(String, String)> {
        let users = self.config.users.iter();
        let mut found = users.filter(|(name, _)| match claim.userhash {
            Some(hash) => {
                let text = format!("{name}:{}", self.config.realm);
                self.hash(HashId::Sha256, &text) == *hash
            }
            None => claim.username == Some(name),
        });
        found.next().cloned()
    }

    fn key(&self, hash: HashId, is_modern: bool, user: &(String, String)) -> Result<Key, u16> {
        let secret = self.hash(
            hash,
            &format!("{}:{}:{}", user.0, self.config.realm, user.1),
        );
        let integrity = match is_modern {
            true => HashId::Sha256,
            false => HashId::Sha1,
        };
        Key::new(self.config.provider, integrity, &secret).map_err(|_| ErrorCode::SERVER_ERROR)
    }

    fn hash(&self, id: HashId, text: &str) -> Vec<u8> {
        let hash = self.config.provider.hash(id).map(|hash| {
            let mut hash = hash.start();
            hash.update(text.as_bytes());
            hash.current().to_vec()
        });
        hash.unwrap_or_default()
    }

    /// The nonce for a client, a new one if the old one is too old.
    fn nonce(&mut self, now: Instant, path: Path) -> Vec<u8> {
        let random = format!("{:016x}", self.rng.u64());
        let until = now + self.config.nonce_lifetime;
        let cookie = if self.config.modern { COOKIE } else { "" };
        let client = self.clients.entry(path).or_default();
        let is_fresh = client.nonce_until.is_some_and(|until| now < until);
        if !is_fresh || self.habit == Habit::AllStale {
            client.nonce = format!("{cookie}{random}").into_bytes();
            client.nonce_until = Some(until);
        }
        client.nonce.clone()
    }

    /// Answers a request with an error, and a challenge if that is the error.
    pub(super) fn refuse(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        code: u16,
        key: Option<&Key>,
    ) {
        let mut says: Vec<Attribute<'_>> = [error(code)].into();
        let (mut nonce, realm) = (Vec::new(), self.config.realm.clone());
        let is_challenge = matches!(code, ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE);
        if is_challenge {
            self.stats.challenges += 1;
            nonce = self.nonce(now, path);
        }
        if is_challenge {
            says.push(Attribute::Realm(&realm));
            says.push(Attribute::Nonce(&nonce));
            if let (true, Ok(list)) = (self.config.modern, PasswordAlgorithms::parse(LIST)) {
                says.push(Attribute::PasswordAlgorithms(list));
            }
        }
        if let (Habit::Redirects(server), ErrorCode::TRY_ALTERNATE) = (self.habit, code) {
            says.push(Attribute::AlternateServer(server));
        }
        self.answer(path, Class::Error, message, &says, key);
    }

    /// Answers a request, with a proof if there is a key.
    pub(super) fn answer(
        &mut self,
        path: Path,
        class: Class,
        message: &Message<'_>,
        says: &[Attribute<'_>],
        key: Option<&Key>,
    ) {
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, MAX_MESSAGE);
        let id = message.transaction_id();
        let mut builder = Builder::new(&mut w, class, message.method(), id);
        for attribute in says {
            builder.attribute(attribute);
        }
        if let Some(key) = key.filter(|_| self.habit != Habit::NoIntegrity) {
            key.sign(&mut builder);
            if self.habit == Habit::BadIntegrity
                && let Some(last) = bytes.last_mut()
            {
                *last ^= 1;
            }
        }
        self.push(path, bytes);
    }
}

/// SHA-256 and MD5, in this order.
const LIST: &[u8] = &[0, 2, 0, 0, 0, 1, 0, 0];
/// What a nonce of RFC 8489 begins with, with both security features on.
const COOKIE: &str = "obMatJos2wAAA";
