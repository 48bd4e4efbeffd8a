//! `a=` lines: a name, and a value whose form the name decides.

use core::fmt;

use super::rtp::{Extmap, Fmtp, Msid, Rid, RtcpFb, Rtpmap, Sctpmap, Simulcast, Ssrc, SsrcGroup};
use super::{Reason, candidate, is_token, number, split_at_byte, word, write_rest};

/// An `a=` line.
///
/// What WebRTC acts on has a variant and was checked in full when it was read;
/// all else is kept as [`Attribute::Other`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// `group`: sections that belong together (RFC 5888 §5).
    Group(Group<'a>),
    /// `mid`: the section's name (RFC 5888 §4).
    Mid(&'a str),
    /// `bundle-only`: of use only inside its BUNDLE group (RFC 9143 §6).
    BundleOnly,
    /// `ice-ufrag` (RFC 8839 §5.4).
    IceUfrag(&'a str),
    /// `ice-pwd` (RFC 8839 §5.4).
    IcePwd(&'a str),
    /// `ice-options`: words with a space between (RFC 8839 §5.6).
    IceOptions(&'a str),
    /// `ice-lite`: its writer answers checks and makes none (RFC 8839 §5.3).
    IceLite,
    /// `candidate`, the whole value; read it with [`candidate::parse`].
    Candidate(&'a str),
    /// `end-of-candidates` (RFC 8840 §8.2).
    EndOfCandidates,
    /// `fingerprint` of a certificate (RFC 8122 §5).
    Fingerprint(Fingerprint<'a>),
    /// `setup`: who starts the DTLS handshake (RFC 4145 §4).
    Setup(Setup),
    /// `sctp-port` (RFC 8841 §5).
    SctpPort(u16),
    /// `sctpmap`, from before `sctp-port` (draft-ietf-mmusic-sctp-sdp-05).
    Sctpmap(Sctpmap<'a>),
    /// `max-message-size`: the largest message its writer takes, 0 for any (RFC 8841 §6).
    MaxMessageSize(u64),
    /// `sendrecv`, `sendonly`, `recvonly` or `inactive`.
    Direction(Direction),
    /// `msid`: the streams of a track (RFC 8830 §2).
    Msid(Msid<'a>),
    /// `rtcp-mux`: RTP and RTCP share a port (RFC 5761).
    RtcpMux,
    /// `rtcp-mux-only`: and cannot do without (RFC 8858).
    RtcpMuxOnly,
    /// `rtcp-rsize` (RFC 5506).
    RtcpRsize,
    /// `rtpmap`: what a payload type means.
    Rtpmap(Rtpmap<'a>),
    /// `fmtp`: parameters of a format.
    Fmtp(Fmtp<'a>),
    /// `rtcp-fb`: feedback for a payload type (RFC 4585 §4.2).
    RtcpFb(RtcpFb<'a>),
    /// `extmap`: what an RTP header extension's id means (RFC 8285 §8).
    Extmap(Extmap<'a>),
    /// `extmap-allow-mixed` (RFC 8285 §6).
    ExtmapAllowMixed,
    /// `ssrc`: an attribute of one RTP stream (RFC 5576 §4.1).
    Ssrc(Ssrc<'a>),
    /// `ssrc-group` (RFC 5576 §4.2).
    SsrcGroup(SsrcGroup<'a>),
    /// `rid`: a restricted encoding (RFC 8851).
    Rid(Rid<'a>),
    /// `simulcast` (RFC 8853).
    Simulcast(Simulcast<'a>),
    /// What is not in this list, word for word.
    Other {
        /// Before the colon.
        name: &'a str,
        /// After it, if there is one.
        value: Option<&'a str>,
    },
}

impl<'a> Attribute<'a> {
    /// Reads what stands after `a=`.
    pub(crate) fn parse(line: &'a str) -> Result<Self, Reason> {
        let (name, value) = match split_at_byte(line, b':') {
            Some((name, value)) => (name, Some(value)),
            // Browsers of 2013 left a space at the end of such lines.
            None => (line.trim_ascii_end(), None),
        };
        let text = || match value.map(str::trim_ascii_end) {
            None | Some("") => Err("attribute without value"),
            Some(text) => Ok(text),
        };
        Ok(match name {
            "candidate" => {
                let text = text()?;
                candidate::check(text)?;
                Self::Candidate(text)
            }
            "rtpmap" => Self::Rtpmap(Rtpmap::parse(text()?)?),
            "rtcp-fb" => Self::RtcpFb(RtcpFb::parse(text()?)?),
            "fmtp" => Self::Fmtp(Fmtp::parse(text()?)?),
            "extmap" => Self::Extmap(Extmap::parse(text()?)?),
            "ssrc" => Self::Ssrc(Ssrc::parse(text()?)?),
            "ssrc-group" => Self::SsrcGroup(SsrcGroup::parse(text()?)?),
            "msid" => Self::Msid(Msid::parse(text()?)?),
            "rid" => Self::Rid(Rid::parse(text()?)?),
            // Firefox 44 to 58 wrote a draft's syntax, with `rid=` before each list.
            "simulcast" if value.is_some_and(|value| value.contains("rid=")) => {
                Self::Other { name, value }
            }
            "simulcast" => Self::Simulcast(Simulcast::parse(text()?)?),
            "group" => Self::Group(Group::parse(text()?)?),
            "mid" => match text()? {
                mid if is_token(mid) => Self::Mid(mid),
                _ => return Err("bad mid"),
            },
            "ice-ufrag" => Self::IceUfrag(text()?),
            "ice-pwd" => Self::IcePwd(text()?),
            "ice-options" => Self::IceOptions(text()?),
            "fingerprint" => Self::Fingerprint(Fingerprint::parse(text()?)?),
            "setup" => Self::Setup(Setup::parse(text()?)?),
            "sctp-port" => Self::SctpPort(number(text()?).ok_or("bad SCTP port")?),
            "sctpmap" => Self::Sctpmap(Sctpmap::parse(text()?)?),
            "max-message-size" => Self::MaxMessageSize(number(text()?).ok_or("bad size")?),
            _ if value.is_none() => return Self::parse_flag(name),
            _ if is_token(name) => Self::Other { name, value },
            _ => return Err("bad attribute name"),
        })
    }

    /// Reads an attribute without value.
    fn parse_flag(name: &'a str) -> Result<Self, Reason> {
        Ok(match name {
            "rtcp-mux" => Self::RtcpMux,
            "rtcp-mux-only" => Self::RtcpMuxOnly,
            "rtcp-rsize" => Self::RtcpRsize,
            "ice-lite" => Self::IceLite,
            "end-of-candidates" => Self::EndOfCandidates,
            "bundle-only" => Self::BundleOnly,
            "extmap-allow-mixed" => Self::ExtmapAllowMixed,
            _ => match Direction::parse(name) {
                Some(direction) => Self::Direction(direction),
                None if is_token(name) => Self::Other { name, value: None },
                None => return Err("bad attribute name"),
            },
        })
    }
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a=")?;
        let (name, value): (_, &dyn fmt::Display) = match self {
            Self::Group(group) => ("group", group),
            Self::Mid(mid) => ("mid", mid),
            Self::BundleOnly => return f.write_str("bundle-only"),
            Self::IceUfrag(ufrag) => ("ice-ufrag", ufrag),
            Self::IcePwd(pwd) => ("ice-pwd", pwd),
            Self::IceOptions(options) => ("ice-options", options),
            Self::IceLite => return f.write_str("ice-lite"),
            Self::Candidate(value) => ("candidate", value),
            Self::EndOfCandidates => return f.write_str("end-of-candidates"),
            Self::Fingerprint(fingerprint) => ("fingerprint", fingerprint),
            Self::Setup(setup) => ("setup", setup),
            Self::SctpPort(port) => ("sctp-port", port),
            Self::Sctpmap(map) => ("sctpmap", map),
            Self::MaxMessageSize(size) => ("max-message-size", size),
            Self::Direction(direction) => return direction.fmt(f),
            Self::Msid(msid) => ("msid", msid),
            Self::RtcpMux => return f.write_str("rtcp-mux"),
            Self::RtcpMuxOnly => return f.write_str("rtcp-mux-only"),
            Self::RtcpRsize => return f.write_str("rtcp-rsize"),
            Self::Rtpmap(map) => ("rtpmap", map),
            Self::Fmtp(fmtp) => ("fmtp", fmtp),
            Self::RtcpFb(feedback) => ("rtcp-fb", feedback),
            Self::Extmap(map) => ("extmap", map),
            Self::ExtmapAllowMixed => return f.write_str("extmap-allow-mixed"),
            Self::Ssrc(ssrc) => ("ssrc", ssrc),
            Self::SsrcGroup(group) => ("ssrc-group", group),
            Self::Rid(rid) => ("rid", rid),
            Self::Simulcast(simulcast) => ("simulcast", simulcast),
            Self::Other { name, value: None } => return f.write_str(name),
            Self::Other {
                name,
                value: Some(value),
            } => (*name, value),
        };
        // A description is some hundred of these: `write!` would take longer.
        f.write_str(name)?;
        f.write_str(":")?;
        value.fmt(f)
    }
}

impl fmt::Debug for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A password is a secret.
            Self::IcePwd(_) => f.write_str("a=ice-pwd:(hidden)"),
            other => fmt::Display::fmt(other, f),
        }
    }
}

/// Which sections belong together, and in what sense (RFC 5888 §5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// In what sense: `BUNDLE` shares a transport, `LS` shares a clock.
    pub semantics: &'a str,
    mids: &'a str,
}

impl<'a> Group<'a> {
    /// The BUNDLE group of `mids`, which have a space between them.
    #[must_use]
    pub const fn bundle(mids: &'a str) -> Self {
        Self {
            semantics: "BUNDLE",
            mids,
        }
    }

    /// The group of `mids`, with a space between them, that are played together (RFC 5888 §7).
    #[must_use]
    pub const fn lip_sync(mids: &'a str) -> Self {
        Self {
            semantics: "LS",
            mids,
        }
    }

    fn parse(value: &'a str) -> Result<Self, Reason> {
        let (semantics, mids) = word(value);
        if !is_token(semantics) {
            return Err("group without semantics");
        }
        Ok(Self { semantics, mids })
    }

    /// The names of its sections, in order.
    pub fn mids(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.mids.split_ascii_whitespace()
    }
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.semantics)?;
        self.mids().try_for_each(|mid| write_rest(f, mid))
    }
}

/// What is the hash of a certificate (RFC 8122 §5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint<'a> {
    /// The hash function's name, such as `sha-256`.
    pub hash: &'a str,
    /// The hash, as pairs of hexadecimal digits with colons between.
    pub digest: &'a str,
}

impl<'a> Fingerprint<'a> {
    fn parse(value: &'a str) -> Result<Self, Reason> {
        let (hash, digest) = word(value);
        if !is_token(hash) {
            return Err("fingerprint without hash function");
        }
        let pairs = digest.as_bytes().chunks(3);
        let count = pairs.len();
        let well_formed = digest.len() % 3 == 2
            && digest.as_bytes().chunks(3).all(|chunk| {
                let (pair, colon) = chunk.split_at(2.min(chunk.len()));
                pair.iter().all(u8::is_ascii_hexdigit) && matches!(colon, b"" | b":")
            });
        let expected = match hash {
            _ if hash.eq_ignore_ascii_case("sha-1") => 20,
            _ if hash.eq_ignore_ascii_case("sha-224") => 28,
            _ if hash.eq_ignore_ascii_case("sha-256") => 32,
            _ if hash.eq_ignore_ascii_case("sha-384") => 48,
            _ if hash.eq_ignore_ascii_case("sha-512") => 64,
            _ => count,
        };
        if !well_formed {
            return Err("fingerprint is not hexadecimal");
        }
        if count != expected {
            return Err("fingerprint has the wrong length for its hash");
        }
        Ok(Self { hash, digest })
    }
}

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash)?;
        write_rest(f, self.digest)
    }
}

/// Who starts the DTLS handshake (RFC 4145 §4.1, RFC 8842 §5.3)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setup {
    /// The writer does: it is the DTLS client.
    Active,
    /// The reader does: the writer is the DTLS server.
    Passive,
    /// The reader may choose.
    Actpass,
    /// Nobody, for now.
    Holdconn,
}

impl Setup {
    fn parse(value: &str) -> Result<Self, Reason> {
        Ok(match value {
            "active" => Self::Active,
            "passive" => Self::Passive,
            "actpass" => Self::Actpass,
            "holdconn" => Self::Holdconn,
            _ => return Err("unknown setup"),
        })
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Actpass => "actpass",
            Self::Holdconn => "holdconn",
        })
    }
}

/// Which way does media flow, seen from the writer (RFC 8866 §6.7)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// From the writer only.
    SendOnly,
    /// To the writer only.
    RecvOnly,
    /// Not at all.
    Inactive,
}

impl Direction {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "sendrecv" => Self::SendRecv,
            "sendonly" => Self::SendOnly,
            "recvonly" => Self::RecvOnly,
            "inactive" => Self::Inactive,
            _ => return None,
        })
    }

    /// The direction of a writer that sends, receives, does both or neither.
    #[must_use]
    pub const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What is left of it where only `other` is possible.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::of(
            self.sends() && other.sends(),
            self.receives() && other.receives(),
        )
    }

    /// The same, seen from the reader.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            Self::SendRecv | Self::Inactive => self,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        })
    }
}
