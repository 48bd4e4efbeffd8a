//! Why was a request refused (RFC 8489 §14.8)?

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// A number from 300 to 699 and a phrase for humans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    code: u16,
    reason: &'a str,
}

impl<'a> ErrorCode<'a> {
    /// Another server shall be asked (RFC 8489 §10).
    pub const TRY_ALTERNATE: u16 = 300;
    /// The request cannot be understood.
    pub const BAD_REQUEST: u16 = 400;
    /// The request is not authenticated as it should be.
    pub const UNAUTHENTICATED: u16 = 401;
    /// The peer does not want to hear from us (RFC 7675 §5.2), or a relay is not
    /// allowed to do what it is asked for (RFC 8656 §19).
    pub const FORBIDDEN: u16 = 403;
    /// An attribute that had to be understood was not.
    pub const UNKNOWN_ATTRIBUTE: u16 = 420;
    /// There is no allocation, or there is one already (RFC 8656 §19).
    pub const ALLOCATION_MISMATCH: u16 = 437;
    /// The nonce is too old; here is another (RFC 8489 §14.8).
    pub const STALE_NONCE: u16 = 438;
    /// There are no addresses of this version (RFC 8656 §19).
    pub const ADDRESS_FAMILY_NOT_SUPPORTED: u16 = 440;
    /// The allocation belongs to another user (RFC 8656 §19).
    pub const WRONG_CREDENTIALS: u16 = 441;
    /// The relay does not reach peers over this protocol (RFC 8656 §19).
    pub const UNSUPPORTED_TRANSPORT: u16 = 442;
    /// The peer's address is of another version than the relayed one (RFC 8656 §19).
    pub const PEER_ADDRESS_FAMILY_MISMATCH: u16 = 443;
    /// The user has as many allocations as the relay grants (RFC 8656 §19).
    pub const ALLOCATION_QUOTA_REACHED: u16 = 486;
    /// Both ends of a check claim the same role (RFC 8445 §7.3.1.1).
    pub const ROLE_CONFLICT: u16 = 487;
    /// The server has a problem of its own (RFC 8489 §14.8).
    pub const SERVER_ERROR: u16 = 500;
    /// The relay has no more to give (RFC 8656 §19).
    pub const INSUFFICIENT_CAPACITY: u16 = 508;

    /// An error with its phrase; `None` if the number is not from 300 to 699 or
    /// the phrase has more than 763 bytes.
    #[must_use]
    pub const fn new(code: u16, reason: &'a str) -> Option<Self> {
        if 300 <= code && code <= 699 && reason.len() <= MAX_REASON {
            Some(Self { code, reason })
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The phrase.
    #[must_use]
    pub const fn reason(&self) -> &'a str {
        self.reason
    }

    pub(super) fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "stun error code";
        let mut r = Reader::new(value);
        let [_, _, hundreds, rest] = r.array(FIELD)?;
        let reason = core::str::from_utf8(r.rest()).map_err(|_| Malformed(FIELD))?;
        if rest > 99 {
            return Err(Malformed(FIELD));
        }
        // The bits above the class are reserved and ignored.
        let code = u16::from(hundreds & 0x07) * 100 + u16::from(rest);
        Self::new(code, reason).ok_or(Malformed(FIELD))
    }

    pub(super) const fn len(&self) -> usize {
        4 + self.reason.len()
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        let [hundreds, rest] = [self.code / 100, self.code % 100];
        w.u16(0);
        w.u16(hundreds << 8 | rest);
        w.bytes(self.reason.as_bytes());
    }
}

impl fmt::Display for ErrorCode<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.code, self.reason)
    }
}

const MAX_REASON: usize = 763;
