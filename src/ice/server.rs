//! Which servers help to find candidates, and how are they reached?

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::net::Protocol;

/// STUN or TURN servers with one login, as W3C's `RTCIceServer`.
///
/// The password is wiped when the value is dropped, and is never printed.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct IceServer {
    /// Where they are. Each is asked.
    #[zeroize(skip)]
    pub urls: Vec<ServerUrl>,
    /// The name to log in with; TURN servers demand one.
    pub username: Option<String>,
    /// The password that goes with it.
    pub credential: Option<String>,
}

impl IceServer {
    /// A server that asks for no login, as those of STUN do.
    #[must_use]
    pub fn open(url: ServerUrl) -> Self {
        Self {
            urls: [url].into(),
            username: None,
            credential: None,
        }
    }

    /// A server that asks for a name and a password, as those of TURN do.
    #[must_use]
    pub fn with_login(url: ServerUrl, username: &str, credential: &str) -> Self {
        Self {
            urls: [url].into(),
            username: Some(username.into()),
            credential: Some(credential.into()),
        }
    }

    /// The name and password alone.
    pub(super) fn login(&self) -> Self {
        Self {
            urls: Vec::new(),
            username: self.username.clone(),
            credential: self.credential.clone(),
        }
    }

    /// Whether it can be used as it is.
    ///
    /// # Errors
    ///
    /// [`ServerError`], which says what is missing.
    pub fn check(&self) -> Result<(), ServerError> {
        if self.urls.is_empty() {
            return Err(ServerError::NoUrl);
        }
        let is_turn = |url: &ServerUrl| url.scheme.is_turn();
        if !self.urls.iter().any(is_turn) {
            return Ok(());
        }
        let (Some(username), Some(_)) = (&self.username, &self.credential) else {
            return Err(ServerError::NoLogin);
        };
        if username.is_empty() || username.len() > MAX_USERNAME {
            return Err(ServerError::Username);
        }
        Ok(())
    }
}

/// The password stays untold.
impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Why can a server not be used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ServerError {
    /// It is not said where it is.
    #[error("a server needs a URL")]
    NoUrl,
    /// A TURN server needs a name and a password.
    #[error("a TURN server needs a name and a password")]
    NoLogin,
    /// The name is empty, or above 509 bytes (RFC 8489 §14.3).
    #[error("the name is empty or longer than 509 bytes")]
    Username,
    /// There are more URLs than the limit allows.
    #[error("there are too many servers")]
    TooMany,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

/// Where is a server, and how does one talk to it (RFC 7064, RFC 7065)?
///
/// ```
/// use pollrtc::ice::{Scheme, ServerUrl};
/// use pollrtc::net::Protocol;
///
/// let url: ServerUrl = "turns:relay.example.org".parse()?;
/// assert_eq!((url.scheme, url.port), (Scheme::Turns, 5349));
/// assert_eq!(url.transport, Protocol::Tls);
///
/// let url: ServerUrl = "turn:[2001:db8::1]:80?transport=tcp".parse()?;
/// assert_eq!(url.host, "2001:db8::1");
/// assert_eq!(url.to_string(), "turn:[2001:db8::1]:80?transport=tcp");
/// # Ok::<(), pollrtc::ice::UrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl {
    /// What it is asked for.
    pub scheme: Scheme,
    /// A host name, or an address without brackets.
    pub host: String,
    /// The port; 3478, or 5349 over TLS, if the URL does not say.
    pub port: u16,
    /// What carries the messages.
    pub transport: Protocol,
}

/// What does a server do, and is it asked in secret?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// It says which address it sees.
    Stun,
    /// The same over TLS. It is not asked: what it sees of a stream says nothing of
    /// UDP sockets. Browsers do the same.
    Stuns,
    /// It relays.
    Turn,
    /// The same over TLS.
    Turns,
}

impl Scheme {
    /// Whether the server relays.
    #[must_use]
    pub const fn is_turn(self) -> bool {
        matches!(self, Self::Turn | Self::Turns)
    }

    /// Whether it is asked over TLS.
    #[must_use]
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Stuns | Self::Turns)
    }

    /// The word before the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Stuns => "stuns",
            Self::Turn => "turn",
            Self::Turns => "turns",
        }
    }

    /// RFC 7064 §3.2, RFC 7065 §3.2.
    const fn default_port(self) -> u16 {
        if self.is_secure() { 5349 } else { 3478 }
    }

    const fn default_transport(self) -> Protocol {
        if self.is_secure() {
            Protocol::Tls
        } else {
            Protocol::Udp
        }
    }
}

/// What is wrong with the URL of a server?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// It does not begin with `stun:`, `stuns:`, `turn:` or `turns:`.
    #[error("the scheme is not stun, stuns, turn or turns")]
    Scheme,
    /// There is no host, or it is neither a name nor an address. IPv6 addresses
    /// stand in brackets.
    #[error("the host is neither a name nor an address")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A port below 1024 at which something else than TURN lives; 53, 80 and 443
    /// are allowed.
    #[error("no TURN server has this port")]
    ForbiddenPort,
    /// What follows `?` is not `transport=udp` or `transport=tcp`, or it follows a STUN URL.
    #[error("the query is not transport=udp or transport=tcp of a TURN server")]
    Query,
    /// `turns` over UDP is DTLS, which this crate does not speak to servers.
    #[error("TURN over DTLS is not supported")]
    Unsupported,
}

impl FromStr for ServerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(UrlError::Scheme)?;
        let scheme = [Scheme::Stun, Scheme::Stuns, Scheme::Turn, Scheme::Turns]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(scheme))
            .ok_or(UrlError::Scheme)?;
        let (authority, query) = match rest.split_once('?') {
            Some((authority, query)) => (authority, Some(query)),
            None => (rest, None),
        };
        let (host, port) = split_port(authority)?;
        let port = match port {
            Some(port) => port_of(port)?,
            None => scheme.default_port(),
        };
        if scheme.is_turn() && port < 1024 && !matches!(port, 53 | 80 | 443) {
            return Err(UrlError::ForbiddenPort);
        }
        Ok(Self {
            scheme,
            host: host.into(),
            port,
            transport: match query {
                Some(query) => transport_of(scheme, query)?,
                None => scheme.default_transport(),
            },
        })
    }
}

/// As short as it can be said.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme, host, port, ..
        } = self;
        f.write_str(scheme.as_str())?;
        if host.contains(':') {
            write!(f, ":[{host}]")?;
        } else {
            write!(f, ":{host}")?;
        }
        if *port != scheme.default_port() {
            write!(f, ":{port}")?;
        }
        match self.transport {
            Protocol::Tcp => f.write_str("?transport=tcp"),
            Protocol::Udp | Protocol::Tls => Ok(()),
        }
    }
}

/// Splits what stands between the scheme and the query (RFC 3986 §3.2).
fn split_port(authority: &str) -> Result<(&str, Option<&str>), UrlError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| UrlError::Host)?;
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(UrlError::Host),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.parse::<IpAddr>().is_err() && !is_name(host) {
        return Err(UrlError::Host);
    }
    Ok((host, port))
}

/// RFC 1123 §2.1: labels of letters, digits and hyphens; one that ends in a
/// number is a broken address. Underscores are met in practice.
fn is_name(host: &str) -> bool {
    let bare = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        let is_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(is_char)
    };
    let last = bare.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
    bare.len() <= 253 && !is_number && bare.split('.').all(is_label)
}

fn port_of(text: &str) -> Result<u16, UrlError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_number && *port != 0);
    port.ok_or(UrlError::Port)
}

/// RFC 7065 §3.1; RFC 7064 knows no query.
fn transport_of(scheme: Scheme, query: &str) -> Result<Protocol, UrlError> {
    match (scheme, query.to_ascii_lowercase().as_str()) {
        (Scheme::Turn, "transport=udp") => Ok(Protocol::Udp),
        (Scheme::Turn, "transport=tcp") => Ok(Protocol::Tcp),
        (Scheme::Turns, "transport=tcp") => Ok(Protocol::Tls),
        (Scheme::Turns, "transport=udp") => Err(UrlError::Unsupported),
        _ => Err(UrlError::Query),
    }
}

/// RFC 8489 §14.3: a USERNAME is at most 509 bytes long.
const MAX_USERNAME: usize = 509;

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    fn url(text: &str) -> Result<ServerUrl, UrlError> {
        text.parse()
    }

    /// The examples of RFC 7064 appendix A and RFC 7065 appendix A, and more.
    #[test]
    fn urls_say_what_where_and_how() {
        use Protocol::{Tcp, Tls, Udp};
        use Scheme::{Stun, Stuns, Turn, Turns};
        for (text, scheme, host, port, transport) in [
            ("stun:example.org", Stun, "example.org", 3478, Udp),
            ("stuns:example.org", Stuns, "example.org", 5349, Tls),
            ("stun:example.org:8000", Stun, "example.org", 8000, Udp),
            ("stun:192.0.2.1", Stun, "192.0.2.1", 3478, Udp),
            ("STUN:a-b_c.d.", Stun, "a-b_c.d.", 3478, Udp),
            ("stun:[::1]", Stun, "::1", 3478, Udp),
            ("stun:[2001:db8::1]:19302", Stun, "2001:db8::1", 19302, Udp),
            ("turn:example.org", Turn, "example.org", 3478, Udp),
            ("turns:example.org", Turns, "example.org", 5349, Tls),
            ("turn:example.org:8000", Turn, "example.org", 8000, Udp),
            (
                "turn:example.org?transport=udp",
                Turn,
                "example.org",
                3478,
                Udp,
            ),
            (
                "turn:example.org?transport=TCP",
                Turn,
                "example.org",
                3478,
                Tcp,
            ),
            (
                "turns:example.org?transport=tcp",
                Turns,
                "example.org",
                5349,
                Tls,
            ),
            ("turn:h:443?transport=tcp", Turn, "h", 443, Tcp),
        ] {
            let parsed = url(text).expect(text);
            let expected = ServerUrl {
                scheme,
                host: host.into(),
                port,
                transport,
            };
            assert_eq!(parsed, expected, "{text}");
            assert_eq!(url(&parsed.to_string()), Ok(parsed), "{text}");
        }
    }

    /// ICE-021 is about the ports.
    #[test]
    fn ice_021_what_is_no_url_of_a_server_is_told_by_its_part() {
        let long = format!("stun:{}", "a".repeat(64));
        let longer = format!("stun:{}a", "a.".repeat(127));
        for (text, error) in [
            ("", UrlError::Scheme),
            ("example.org", UrlError::Scheme),
            ("http:example.org", UrlError::Scheme),
            ("stun:", UrlError::Host),
            ("stun://example.org", UrlError::Host),
            ("stun:user@example.org", UrlError::Host),
            ("stun:::1", UrlError::Host),
            ("stun:[::1", UrlError::Host),
            ("stun:[example.org]", UrlError::Host),
            ("stun:[::1]x", UrlError::Host),
            ("stun:1.2.3.4.5", UrlError::Host),
            ("stun:256.1.1.1", UrlError::Host),
            ("stun:a b", UrlError::Host),
            ("stun:a..b", UrlError::Host),
            (&long, UrlError::Host),
            (&longer, UrlError::Host),
            ("stun:a:", UrlError::Port),
            ("stun:a:0", UrlError::Port),
            ("stun:a:65536", UrlError::Port),
            ("stun:a:+1", UrlError::Port),
            ("stun:a:1:2", UrlError::Port),
            ("turn:a:22", UrlError::ForbiddenPort),
            ("turns:a:1023", UrlError::ForbiddenPort),
            ("stun:a?transport=udp", UrlError::Query),
            ("turn:a?transport=sctp", UrlError::Query),
            ("turn:a?", UrlError::Query),
            ("turn:a?transport=udp&x=y", UrlError::Query),
            ("turns:a?transport=udp", UrlError::Unsupported),
        ] {
            assert_eq!(url(text), Err(error), "{text}");
        }
    }

    #[test]
    fn ice_025_a_relay_needs_a_login_of_bearable_length() {
        let turn = url("turn:a").expect("a URL");
        let stun = url("stun:a").expect("a URL");
        let login = |name: &str| IceServer::with_login(turn.clone(), name, "secret");
        assert_eq!(IceServer::open(stun).check(), Ok(()));
        assert_eq!(login("ann").check(), Ok(()));
        assert_eq!(login(&"a".repeat(509)).check(), Ok(()));
        for (server, error) in [
            (IceServer::open(turn.clone()), ServerError::NoLogin),
            (login(""), ServerError::Username),
            (login(&"a".repeat(510)), ServerError::Username),
        ] {
            assert_eq!(server.check(), Err(error));
        }
        let mut nowhere = login("ann");
        nowhere.urls.clear();
        assert_eq!(nowhere.check(), Err(ServerError::NoUrl));
        assert!(!format!("{:?}", login("ann")).contains("secret"));
    }
}
