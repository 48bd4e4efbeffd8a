//! Lines that are not attributes: `o=`, `c=`, `b=`, `t=` and the rarer ones.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Reason, is_token, number, word};

/// Who made the description, and which version of it is this (RFC 8866 §5.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The user's login, `-` if it is nobody's business.
    pub username: &'a str,
    /// Which session.
    pub session_id: u64,
    /// Grows with every change of the description.
    pub version: u64,
    /// The machine it was made on.
    pub address: Address<'a>,
}

impl<'a> Origin<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let mut words = value.splitn(4, ' ');
        let mut next = || words.next().filter(|word| !word.is_empty());
        let username = next().ok_or("o= has no user name")?;
        let session_id = next().and_then(number).ok_or("o= has no session id")?;
        let version = next().and_then(number).ok_or("o= has no version")?;
        let address = Address::parse(next().ok_or("o= has no address")?)?;
        Ok(Self {
            username,
            session_id,
            version,
            address,
        })
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            username,
            session_id,
            version,
            address,
        } = self;
        write!(f, "{username} {session_id} {version} {address}")
    }
}

/// An address as `o=` and `c=` write it: `IN IP4 192.0.2.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Whether it is `IP6`.
    pub v6: bool,
    /// An address, a name, or an address with `/ttl/number` for multicast.
    pub host: &'a str,
}

impl<'a> Address<'a> {
    /// `IN IP4 0.0.0.0`, which says nothing.
    pub const UNSPECIFIED: Self = Self {
        v6: false,
        host: "0.0.0.0",
    };

    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (network, rest) = word(value);
        let (family, host) = word(rest);
        let v6 = match family {
            "IP4" => false,
            "IP6" => true,
            _ => return Err("address type is neither IP4 nor IP6"),
        };
        let literal = host.split('/').next().unwrap_or(host);
        if network != "IN" {
            return Err("network type is not IN");
        }
        if host.contains(' ') || !is_host(literal, v6) {
            return Err("bad address");
        }
        Ok(Self { v6, host })
    }
}

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IN IP{} {}", if self.v6 { 6 } else { 4 }, self.host)
    }
}

/// A line that is no attribute, in the order in which RFC 8866 §5 wants them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field<'a> {
    /// `c=`: where media would go without ICE.
    Connection(Address<'a>),
    /// `b=`: how much bandwidth is proposed.
    Bandwidth {
        /// Of what, such as `AS` or `TIAS`.
        kind: &'a str,
        /// How much.
        value: u64,
    },
    /// `t=`: when the session is; zeros mean always.
    Timing {
        /// Its first second, in NTP time.
        start: u64,
        /// Its last second.
        stop: u64,
    },
    /// One of `i= u= e= p= r= z= k=`, which say nothing to WebRTC.
    Other {
        /// The letter before the `=`.
        letter: char,
        /// What comes after.
        value: &'a str,
    },
}

impl<'a> Field<'a> {
    /// Reads the line `letter=value`, which is neither of `v o s a m`.
    pub(crate) fn parse(letter: u8, value: &'a str) -> Result<Self, Reason> {
        match letter {
            b'c' => Address::parse(value).map(Self::Connection),
            b'b' => {
                let (kind, amount) = value.split_once(':').ok_or("b= without colon")?;
                let value = number(amount).ok_or("b= without number")?;
                if !is_token(kind) {
                    return Err("b= without type");
                }
                Ok(Self::Bandwidth { kind, value })
            }
            b't' => {
                let (start, stop) = word(value);
                let start = number(start).ok_or("t= without start")?;
                let stop = number(stop).ok_or("t= without stop")?;
                Ok(Self::Timing { start, stop })
            }
            b'i' | b'u' | b'e' | b'p' | b'r' | b'z' | b'k' => Ok(Self::Other {
                letter: char::from(letter),
                value,
            }),
            // RFC 8866 §5: a description with an unknown type letter is not understood at all.
            _ => Err("unknown type of line"),
        }
    }

    /// The line's letter.
    #[must_use]
    pub const fn letter(&self) -> char {
        match self {
            Self::Connection(_) => 'c',
            Self::Bandwidth { .. } => 'b',
            Self::Timing { .. } => 't',
            Self::Other { letter, .. } => *letter,
        }
    }

    /// Its place among the lines of a session or a section (RFC 8866 §5).
    pub(crate) fn rank(&self) -> usize {
        // `r=` belongs to the `t=` before it, so the two share a place.
        let letter = match self.letter() {
            'r' => 't',
            letter => letter,
        };
        "iuepcbtzk".find(letter).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(address) => write!(f, "c={address}"),
            Self::Bandwidth { kind, value } => write!(f, "b={kind}:{value}"),
            Self::Timing { start, stop } => write!(f, "t={start} {stop}"),
            Self::Other { letter, value } => write!(f, "{letter}={value}"),
        }
    }
}

/// Whether `host` is an address of the family, or may be a name.
fn is_host(host: &str, v6: bool) -> bool {
    // A name whose last label is a number is a broken IPv4 address.
    let label = host.rsplit('.').next().unwrap_or(host);
    if host.contains(':') {
        v6 && host.parse::<Ipv6Addr>().is_ok()
    } else if label.bytes().all(|byte| byte.is_ascii_digit()) {
        !v6 && host.parse::<Ipv4Addr>().is_ok()
    } else {
        !host.is_empty()
    }
}
