//! A section: an `m=` line and what belongs to it.

use core::fmt;

use alloc::vec::Vec;

use super::{
    Attribute, Direction, Extmap, Field, Fmtp, Reason, RtcpFb, Rtpmap, Sctpmap, is_token, number,
    write_lines, write_rest,
};

/// A section of a description (RFC 8866 §5.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media<'a> {
    /// What it is for.
    pub kind: MediaKind<'a>,
    /// The port of the default candidate; 0 rejects the section, 9 means "not known yet".
    pub port: u16,
    /// How many ports in a row; 1 unless said otherwise.
    pub ports: u16,
    /// What carries it, such as `UDP/TLS/RTP/SAVPF`.
    pub protocol: &'a str,
    /// Its formats, with spaces between; read them with [`Media::formats`].
    pub formats: &'a str,
    /// Its lines that are no attributes.
    pub fields: Vec<Field<'a>>,
    /// Its attributes, in order.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> Media<'a> {
    /// A section without lines, for port 9.
    #[must_use]
    pub const fn new(kind: MediaKind<'a>, protocol: &'a str, formats: &'a str) -> Self {
        Self {
            kind,
            port: 9,
            ports: 1,
            protocol,
            formats,
            fields: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Reads what stands after `m=`.
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let mut words = value.trim_ascii_end().splitn(4, ' ');
        let mut next = || words.next().filter(|word| !word.is_empty());
        let kind = next().ok_or("m= has no media")?;
        let port = next().ok_or("m= has no port")?;
        let protocol = next().ok_or("m= has no protocol")?;
        let formats = next().ok_or("m= has no format")?;
        let (port, ports) = match port.split_once('/') {
            Some((port, ports)) => (port, number(ports).ok_or("m= has a bad number of ports")?),
            None => (port, 1),
        };
        if !is_token(kind) {
            return Err("m= has a bad media");
        }
        if !protocol.split('/').all(is_token) {
            return Err("m= has a bad protocol");
        }
        if !formats.split_ascii_whitespace().all(is_token) {
            return Err("m= has a bad format");
        }
        Ok(Self {
            kind: MediaKind::from(kind),
            port: number(port).ok_or("m= has a bad port")?,
            ports,
            ..Self::new(MediaKind::Audio, protocol, formats)
        })
    }

    /// Its formats: payload types, or `webrtc-datachannel`.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.formats.split_ascii_whitespace()
    }

    /// Whether the port is 0 although the section is not there for BUNDLE only.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.port == 0 && !self.attributes.contains(&Attribute::BundleOnly)
    }

    /// Whether it describes data channels, in today's or the legacy syntax (RFC 8841 §4.2).
    #[must_use]
    pub fn is_data_channel(&self) -> bool {
        let modern = || self.formats().any(|format| format == "webrtc-datachannel");
        // The legacy format was the SCTP port, explained by an `sctpmap`.
        let legacy = || match self.sctpmap() {
            Some(map) => map.protocol == "webrtc-datachannel",
            None => self.formats().any(|format| number::<u16>(format).is_some()),
        };
        self.kind == MediaKind::Application
            && self.protocol.ends_with("DTLS/SCTP")
            && (modern() || legacy())
    }

    /// Its name, if it has one.
    #[must_use]
    pub fn mid(&self) -> Option<&'a str> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Mid(mid) => Some(*mid),
                _ => None,
            })
    }

    /// Which way media flows; `None` if the section does not say.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Direction(direction) => Some(*direction),
                _ => None,
            })
    }

    /// Whether RTP and RTCP share a port.
    #[must_use]
    pub fn rtcp_mux(&self) -> bool {
        self.attributes.contains(&Attribute::RtcpMux)
    }

    /// The port of the SCTP association, in today's or the legacy syntax.
    #[must_use]
    pub fn sctp_port(&self) -> Option<u16> {
        let modern = self
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::SctpPort(port) => Some(*port),
                _ => None,
            });
        modern.or_else(|| self.sctpmap().map(|map| map.port))
    }

    /// The `sctpmap` attribute of the legacy syntax.
    #[must_use]
    pub fn sctpmap(&self) -> Option<Sctpmap<'a>> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Sctpmap(map) => Some(*map),
                _ => None,
            })
    }

    /// The largest message that the writer takes, if it says; 0 for any size.
    #[must_use]
    pub fn max_message_size(&self) -> Option<u64> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::MaxMessageSize(size) => Some(*size),
                _ => None,
            })
    }

    /// What its payload types mean.
    pub fn rtpmaps(&self) -> impl Iterator<Item = &Rtpmap<'a>> {
        self.attributes
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Rtpmap(map) => Some(map),
                _ => None,
            })
    }

    /// The parameters of its formats.
    pub fn fmtps(&self) -> impl Iterator<Item = &Fmtp<'a>> {
        self.attributes
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Fmtp(fmtp) => Some(fmtp),
                _ => None,
            })
    }

    /// The feedback it wants.
    pub fn rtcp_feedback(&self) -> impl Iterator<Item = &RtcpFb<'a>> {
        self.attributes
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::RtcpFb(feedback) => Some(feedback),
                _ => None,
            })
    }

    /// Its RTP header extensions.
    pub fn extmaps(&self) -> impl Iterator<Item = &Extmap<'a>> {
        self.attributes
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Extmap(map) => Some(map),
                _ => None,
            })
    }
}

impl fmt::Display for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {}", self.kind, self.port)?;
        if self.ports != 1 {
            write!(f, "/{}", self.ports)?;
        }
        write!(f, " {}", self.protocol)?;
        self.formats()
            .try_for_each(|format| write_rest(f, format))?;
        f.write_str("\r\n")?;
        write_lines(f, &self.fields)?;
        write_lines(f, &self.attributes)
    }
}

/// What is a section for (RFC 8866 §8.2.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind<'a> {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
    /// Data, such as data channels.
    Application,
    /// Something that WebRTC does not know.
    Other(&'a str),
}

impl<'a> From<&'a str> for MediaKind<'a> {
    fn from(token: &'a str) -> Self {
        match token {
            "audio" => Self::Audio,
            "video" => Self::Video,
            "application" => Self::Application,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for MediaKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
            Self::Other(kind) => kind,
        })
    }
}
