//! What an INIT said, until its cookie comes back (RFC 9260 §5.1.3).
//!
//! The RFC puts all of it into the cookie, signed, so that a server keeps no
//! state for strangers. Here the stranger is the one peer at the other end of a
//! DTLS connection. So the cookie is a random number that no one can guess, and
//! what it stands for stays here, in a jar with room for few: nothing leaks,
//! nothing can be forged, and an INIT flood costs nothing.

use subtle::ConstantTimeEq;

use super::state::{Identity, Peer};
use crate::rng::Rng;
use crate::tight::Queue;
use crate::time::Instant;

/// What an INIT said and what we answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) cookie: Cookie,
    pub(crate) local: Identity,
    pub(crate) peer: Peer,
    /// The tags of the association that there was already: local and peer's.
    pub(crate) tie_tags: Option<(u32, u32)>,
    pub(crate) created: Instant,
}

/// A random number that stands for an [`Offer`].
pub(crate) type Cookie = [u8; 32];

/// The last few offers.
#[derive(Debug, Default)]
pub(crate) struct CookieJar(Queue<Offer>);

impl CookieJar {
    /// Remembers what was offered. An INIT that comes again gets the same
    /// answer, and the oldest offer makes room for the fifth.
    pub(crate) fn add(
        &mut self,
        local: Identity,
        peer: Peer,
        tie_tags: Option<(u32, u32)>,
        now: Instant,
        rng: &mut Rng,
    ) -> Offer {
        let again = |offer: &&mut Offer| {
            offer.peer == peer
                && offer.tie_tags == tie_tags
                && (tie_tags.is_some() || offer.local == local)
        };
        if let Some(offer) = self.0.iter_mut().find(again) {
            offer.created = now;
            return *offer;
        }
        let offer = Offer {
            cookie: rng.array(),
            local,
            peer,
            tie_tags,
            created: now,
        };
        if self.0.len() == MOST_OFFERS {
            self.0.pop();
        }
        self.0.push(offer);
        offer
    }

    /// The last offer.
    #[cfg(test)]
    pub(crate) fn newest(&self) -> Option<Offer> {
        self.0.back().copied()
    }

    /// What a cookie stands for.
    pub(crate) fn find(&self, cookie: &[u8]) -> Option<Offer> {
        let same = |offer: &&Offer| bool::from(offer.cookie.as_slice().ct_eq(cookie));
        self.0.iter().find(same).copied()
    }
}

/// How many offers are remembered.
const MOST_OFFERS: usize = 4;
