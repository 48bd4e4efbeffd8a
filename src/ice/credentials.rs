//! By which name and password do two agents know each other (RFC 8445 §5.3)?

use alloc::string::String;
use core::fmt;

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::rng::Rng;

/// A user fragment and its password. The password is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Credentials {
    /// `ice-ufrag`: 4 to 256 characters of letters, digits, `+` and `/`.
    pub ufrag: String,
    /// `ice-pwd`: 22 to 256 of them.
    pub pwd: String,
}

impl Credentials {
    /// Fresh ones: 48 random bits to be told apart, 144 to be kept secret.
    pub fn generate(rng: &mut Rng) -> Self {
        Self {
            ufrag: random_text(rng, 8),
            pwd: random_text(rng, 24),
        }
    }

    /// Whether they are as RFC 8839 §5.4 demands.
    pub(super) fn check(&self) -> Result<(), CredentialsError> {
        if !(4..=256).contains(&self.ufrag.len()) || !self.ufrag.bytes().all(is_ice_char) {
            return Err(CredentialsError::Ufrag);
        }
        if !(22..=256).contains(&self.pwd.len()) || !self.pwd.bytes().all(is_ice_char) {
            return Err(CredentialsError::Password);
        }
        Ok(())
    }
}

fn random_text(rng: &mut Rng, len: usize) -> String {
    const ICE_CHARS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..len)
        .map(|_| char::from(ICE_CHARS[(rng.u32() % 64) as usize]))
        .collect()
}

const fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// The password stays untold.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// Why are remote credentials refused?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// The user fragment is not 4 to 256 letters, digits, `+` or `/`.
    #[error("the user fragment is not 4 to 256 ice characters")]
    Ufrag,
    /// The password is not 22 to 256 letters, digits, `+` or `/`.
    #[error("the password is not 22 to 256 ice characters")]
    Password,
    /// Others are set already: if the peer has restarted, we have to do so first.
    #[error("other remote credentials are set already")]
    AlreadySet,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn generated_credentials_are_valid_and_their_password_is_not_printed() {
        let credentials = Credentials::generate(&mut Rng::from_number(1));
        assert_eq!(credentials.check(), Ok(()));
        assert!(!format!("{credentials:?}").contains(&credentials.pwd));
    }

    #[test]
    fn atk_031_and_atk_076_weak_or_strange_credentials_are_refused() {
        let check = |ufrag: &str, pwd: &str| {
            Credentials {
                ufrag: ufrag.to_string(),
                pwd: pwd.to_string(),
            }
            .check()
        };
        let pwd = "0123456789abcdefghijkl";
        assert_eq!(check("abcd", pwd), Ok(()));
        assert_eq!(check("abc", pwd), Err(CredentialsError::Ufrag));
        assert_eq!(check("ab:d", pwd), Err(CredentialsError::Ufrag));
        assert_eq!(check(&"a".repeat(257), pwd), Err(CredentialsError::Ufrag));
        assert_eq!(check("abcd", &pwd[1..]), Err(CredentialsError::Password));
        let long = "a".repeat(257);
        assert_eq!(check("abcd", &long), Err(CredentialsError::Password));
        let strange = "0123456789abcdefghijk\u{e9}";
        assert_eq!(check("abcd", strange), Err(CredentialsError::Password));
    }
}
