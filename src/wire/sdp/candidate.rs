//! `candidate` lines (RFC 8839 §5.1): an address at which a peer might be reached.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::net::{Candidate, CandidateAddress, CandidateKind, Foundation, Protocol, TcpKind};

use super::{Reason, number, words};

/// Why is a candidate not used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// It is not of the grammar; tell whoever sent it.
    #[error("malformed candidate: {0}")]
    Malformed(&'static str),
    /// It is well formed, but of a transport or kind that is not known here:
    /// ignore it (RFC 8839 §5.1).
    #[error("unsupported candidate")]
    Unsupported,
}

/// Reads a candidate; `text` may begin with `a=candidate:`, with `candidate:`, or after that.
///
/// # Errors
///
/// [`CandidateError::Malformed`] if it is not of the grammar,
/// [`CandidateError::Unsupported`] if it may be ignored.
pub fn parse(text: &str) -> Result<Candidate, CandidateError> {
    let text = text.strip_prefix("a=").unwrap_or(text);
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    let view = View::parse(text).map_err(CandidateError::Malformed)?;
    view.to_candidate().ok_or(CandidateError::Unsupported)
}

/// The line `candidate:…` for `candidate`, without `a=` before and line break behind.
#[must_use]
pub const fn display(candidate: &Candidate) -> CandidateLine<'_> {
    CandidateLine(candidate)
}

/// Checks the grammar without building anything.
pub(crate) fn check(value: &str) -> Result<(), Reason> {
    View::parse(value).map(drop)
}

/// A candidate as a line; made by [`display`].
#[derive(Clone, Copy, Debug)]
pub struct CandidateLine<'a>(&'a Candidate);

impl fmt::Display for CandidateLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Candidate {
            foundation,
            component,
            protocol,
            priority,
            address,
            kind,
            related,
            tcp,
            ufrag,
        } = self.0;
        write!(
            f,
            "candidate:{foundation} {component} {protocol} {priority} "
        )?;
        match address {
            CandidateAddress::Ip(address) => write!(f, "{} {}", address.ip(), address.port())?,
            CandidateAddress::Name { host, port } => write!(f, "{host} {port}")?,
        }
        write!(f, " typ {}", kind_name(*kind))?;
        if let Some(related) = related {
            write!(f, " raddr {} rport {}", related.ip(), related.port())?;
        }
        if let Some(tcp) = tcp {
            write!(f, " tcptype {}", tcp_name(*tcp))?;
        }
        match ufrag {
            Some(ufrag) => write!(f, " ufrag {ufrag}"),
            None => Ok(()),
        }
    }
}

/// A line that is of the grammar.
struct View<'a> {
    foundation: Foundation,
    component: u16,
    transport: &'a str,
    priority: u32,
    host: Host<'a>,
    port: u16,
    kind: Option<CandidateKind>,
    related: Option<SocketAddr>,
    tcp: Option<TcpKind>,
    ufrag: Option<&'a str>,
}

enum Host<'a> {
    Ip(IpAddr),
    Name(&'a str),
}

impl<'a> View<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        let text = text.trim_ascii_end();
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("control character");
        }
        let mut words = words(text);
        let mut next = || words.next();
        // Some cameras leave the foundation empty.
        let foundation = match text.starts_with(' ') {
            true => "",
            false => next().ok_or("no foundation")?,
        };
        let component = next().and_then(number).filter(|id| (1..=256).contains(id));
        let transport = next().ok_or("no transport")?;
        let priority = next().and_then(number);
        let host = next().ok_or("no address")?;
        let port = next().and_then(number);
        if next() != Some("typ") {
            return Err("no typ");
        }
        let mut view = Self {
            foundation: Foundation::from(foundation).map_err(|_| "foundation too long")?,
            component: component.ok_or("bad component")?,
            transport,
            priority: priority.ok_or("bad priority")?,
            host: Host::parse(host)?,
            port: port.ok_or("bad port")?,
            kind: kind_of(next().ok_or("no type")?),
            related: None,
            tcp: None,
            ufrag: None,
        };
        view.extensions(words)?;
        Ok(view)
    }

    /// Reads the pairs of name and value that follow. Unknown ones are ignored (RFC 8839 §5.1).
    fn extensions(&mut self, mut words: impl Iterator<Item = &'a str>) -> Result<(), Reason> {
        let mut related = (None, None);
        while let Some(name) = words.next() {
            let value = words.next().ok_or("extension without value")?;
            match name {
                // A browser that hides its addresses may write a name here: it says nothing.
                "raddr" => related.0 = value.parse::<IpAddr>().ok(),
                "rport" => related.1 = Some(number(value).ok_or("bad related port")?),
                "tcptype" => self.tcp = tcp_of(value),
                "generation" => _ = number::<u32>(value).ok_or("bad generation")?,
                "ufrag" => self.ufrag = Some(value),
                _ => {}
            }
        }
        if let (Some(ip), Some(port)) = related {
            self.related = Some(SocketAddr::new(ip, port));
        }
        Ok(())
    }

    /// `None` if its transport or kind is not known.
    fn to_candidate(&self) -> Option<Candidate> {
        let protocol = match self.transport {
            name if name.eq_ignore_ascii_case("udp") => Protocol::Udp,
            name if name.eq_ignore_ascii_case("tcp") => Protocol::Tcp,
            _ => return None,
        };
        let port = self.port;
        Some(Candidate {
            foundation: self.foundation,
            component: self.component,
            protocol,
            priority: self.priority,
            address: match self.host {
                Host::Ip(ip) => CandidateAddress::Ip(SocketAddr::new(ip, port)),
                Host::Name(name) => CandidateAddress::Name {
                    host: name.into(),
                    port,
                },
            },
            kind: self.kind?,
            related: self.related,
            tcp: self.tcp.filter(|_| protocol == Protocol::Tcp),
            ufrag: self.ufrag.map(Into::into),
        })
    }
}

impl<'a> Host<'a> {
    fn parse(host: &'a str) -> Result<Self, Reason> {
        if let Ok(ip) = host.parse() {
            return Ok(Self::Ip(ip));
        }
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let label = host
            .trim_end_matches('.')
            .rsplit('.')
            .next()
            .unwrap_or_default();
        // A name whose last label is a number is a broken IPv4 address.
        let numeric = label.bytes().all(|byte| byte.is_ascii_digit());
        if host.len() > 255 || numeric || !host.bytes().all(valid) {
            return Err("bad address");
        }
        Ok(Self::Name(host))
    }
}

fn kind_of(name: &str) -> Option<CandidateKind> {
    Some(match name {
        "host" => CandidateKind::Host,
        "srflx" => CandidateKind::ServerReflexive,
        "prflx" => CandidateKind::PeerReflexive,
        "relay" => CandidateKind::Relayed,
        _ => return None,
    })
}

const fn kind_name(kind: CandidateKind) -> &'static str {
    match kind {
        CandidateKind::Host => "host",
        CandidateKind::ServerReflexive => "srflx",
        CandidateKind::PeerReflexive => "prflx",
        CandidateKind::Relayed => "relay",
    }
}

fn tcp_of(name: &str) -> Option<TcpKind> {
    Some(match name {
        "active" => TcpKind::Active,
        "passive" => TcpKind::Passive,
        "so" => TcpKind::SimultaneousOpen,
        _ => return None,
    })
}

const fn tcp_name(kind: TcpKind) -> &'static str {
    match kind {
        TcpKind::Active => "active",
        TcpKind::Passive => "passive",
        TcpKind::SimultaneousOpen => "so",
    }
}
