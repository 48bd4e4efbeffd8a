//! Values of the attributes that describe media, streams and legacy SCTP.

use core::fmt;

use super::{Direction, Reason, cut, is_token, number, split_at_byte, word, write_rest};

/// What does a payload type mean (RFC 8866 §6.6)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtpmap<'a> {
    /// The payload type.
    pub payload: u8,
    /// The codec's name.
    pub encoding: &'a str,
    /// Ticks of the RTP timestamp in a second.
    pub clock_rate: u32,
    /// Audio channels, if said.
    pub channels: Option<u8>,
}

impl<'a> Rtpmap<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (payload, codec) = word(value);
        let payload = payload_type(payload)?;
        let (encoding, rest) = cut(codec.trim_ascii_start(), b'/');
        if !is_token(encoding) {
            return Err("rtpmap without codec");
        }
        let (clock_rate, rest) = cut(rest.unwrap_or_default(), b'/');
        // There may be more of them, which nobody knows.
        let channels = rest.map(|rest| number(cut(rest, b'/').0).ok_or("rtpmap with bad channels"));
        Ok(Self {
            payload,
            encoding,
            clock_rate: number(clock_rate).ok_or("rtpmap without clock rate")?,
            channels: channels.transpose()?,
        })
    }
}

impl fmt::Display for Rtpmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.payload.fmt(f)?;
        write_rest(f, self.encoding)?;
        f.write_str("/")?;
        self.clock_rate.fmt(f)?;
        match self.channels {
            Some(channels) => write!(f, "/{channels}"),
            None => Ok(()),
        }
    }
}

/// What are a format's parameters (RFC 8866 §6.15)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fmtp<'a> {
    /// A format of the `m=` line, for RTP a payload type.
    pub format: &'a str,
    /// Its parameters, in the format's own syntax.
    pub parameters: &'a str,
}

impl<'a> Fmtp<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (format, parameters) = word(value);
        if format.bytes().all(|byte| byte.is_ascii_digit()) {
            payload_type(format)?;
        }
        if parameters.is_empty() {
            return Err("fmtp without parameters");
        }
        Ok(Self { format, parameters })
    }

    /// The payload type, if the format is one.
    #[must_use]
    pub fn payload(&self) -> Option<u8> {
        number(self.format)
    }

    /// The parameters of the usual form: `name=value` with semicolons between.
    pub fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let parts = self.parameters.split(';').map(str::trim_ascii);
        let named = parts.filter(|part| !part.is_empty());
        named.map(|part| part.split_once('=').unwrap_or((part, "")))
    }
}

impl fmt::Display for Fmtp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.format)?;
        write_rest(f, self.parameters)
    }
}

/// Which RTCP feedback is wanted (RFC 4585 §4.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcpFb<'a> {
    /// For which payload type; `None` for all of the section (`*`).
    pub payload: Option<u8>,
    /// Which feedback, such as `nack` or `transport-cc`.
    pub kind: &'a str,
    /// More precisely, such as `pli`; empty if nothing follows.
    pub parameter: &'a str,
}

impl<'a> RtcpFb<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (payload, feedback) = word(value);
        let (kind, parameter) = word(feedback);
        if kind.is_empty() {
            return Err("rtcp-fb without kind");
        }
        Ok(Self {
            payload: match payload {
                "*" => None,
                payload => Some(payload_type(payload)?),
            },
            kind,
            parameter,
        })
    }
}

impl fmt::Display for RtcpFb<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload {
            Some(payload) => payload.fmt(f)?,
            None => f.write_str("*")?,
        }
        write_rest(f, self.kind)?;
        write_rest(f, self.parameter)
    }
}

/// What does the id of an RTP header extension mean (RFC 8285 §8)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extmap<'a> {
    /// The id in packets.
    pub id: u16,
    /// Which way the extension is used, if not both ways.
    pub direction: Option<Direction>,
    /// Which extension.
    pub uri: &'a str,
    /// Its own attributes; empty if it has none.
    pub attributes: &'a str,
}

impl<'a> Extmap<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (id, rest) = word(value);
        let (id, direction) = match split_at_byte(id, b'/') {
            Some((id, direction)) => {
                let direction = Direction::parse(direction).ok_or("extmap with bad direction")?;
                (id, Some(direction))
            }
            None => (id, None),
        };
        let (uri, attributes) = word(rest);
        if uri.is_empty() {
            return Err("extmap without URI");
        }
        Ok(Self {
            id: number(id).ok_or("extmap with bad id")?,
            direction,
            uri,
            attributes,
        })
    }
}

impl fmt::Display for Extmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)?;
        if let Some(direction) = self.direction {
            write!(f, "/{direction}")?;
        }
        write_rest(f, self.uri)?;
        write_rest(f, self.attributes)
    }
}

/// What is said of one RTP stream (RFC 5576 §4.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ssrc<'a> {
    /// The stream.
    pub ssrc: u32,
    /// Which of its properties, such as `cname`; empty if none is named.
    pub attribute: &'a str,
    /// The property's value, if it has one.
    pub value: Option<&'a str>,
}

impl<'a> Ssrc<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (ssrc, rest) = word(value);
        let (attribute, value) = match split_at_byte(rest, b':') {
            Some(("", _)) => return Err("SSRC attribute without name"),
            Some((attribute, value)) => (attribute, Some(value)),
            None => (rest, None),
        };
        Ok(Self {
            ssrc: number(ssrc).ok_or("bad SSRC")?,
            attribute,
            value,
        })
    }
}

impl fmt::Display for Ssrc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ssrc.fmt(f)?;
        write_rest(f, self.attribute)?;
        match self.value {
            Some(value) => write!(f, ":{value}"),
            None => Ok(()),
        }
    }
}

/// Which streams belong together (RFC 5576 §4.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SsrcGroup<'a> {
    /// In what sense: `FID` a stream and its retransmissions, `SIM` layers.
    pub semantics: &'a str,
    ssrcs: &'a str,
}

impl<'a> SsrcGroup<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (semantics, ssrcs) = word(value);
        let mut numbers = ssrcs.split_ascii_whitespace().map(number::<u32>).peekable();
        if !is_token(semantics) || numbers.peek().is_none() {
            return Err("ssrc-group without semantics or streams");
        }
        if !numbers.all(|ssrc| ssrc.is_some()) {
            return Err("bad SSRC");
        }
        Ok(Self { semantics, ssrcs })
    }

    /// The streams, in order.
    pub fn ssrcs(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.ssrcs.split_ascii_whitespace().filter_map(number)
    }
}

impl fmt::Display for SsrcGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.semantics)?;
        self.ssrcs().try_for_each(|ssrc| write!(f, " {ssrc}"))
    }
}

/// Which stream and track does the media belong to (RFC 8830 §2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msid<'a> {
    /// The stream's id, `-` for none.
    pub stream: &'a str,
    /// The track's id, if it is said.
    pub track: Option<&'a str>,
}

impl<'a> Msid<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (stream, track) = word(value);
        if stream.is_empty() || track.contains(' ') {
            return Err("bad msid");
        }
        Ok(Self {
            stream,
            track: Some(track).filter(|track| !track.is_empty()),
        })
    }
}

impl fmt::Display for Msid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stream)?;
        write_rest(f, self.track.unwrap_or_default())
    }
}

/// Which encoding of a track is this, and how is it restricted (RFC 8851 §4)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rid<'a> {
    /// The encoding's name.
    pub id: &'a str,
    /// Whether the writer sends it; otherwise it receives it.
    pub send: bool,
    /// `pt=…` and `max-…=…` with semicolons between; empty if it is not restricted.
    pub restrictions: &'a str,
}

impl<'a> Rid<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (id, rest) = word(value);
        let (direction, restrictions) = word(rest);
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || !id.bytes().all(valid) {
            return Err("bad rid");
        }
        if restrictions.split(';').any(|part| part.ends_with('=')) {
            return Err("rid restriction without value");
        }
        Ok(Self {
            id,
            send: is_send(direction).ok_or("rid without direction")?,
            restrictions,
        })
    }
}

impl fmt::Display for Rid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, send_or_recv(self.send))?;
        write_rest(f, self.restrictions)
    }
}

/// Which encodings are sent at the same time, which are received (RFC 8853 §5.1)?
///
/// A list has semicolons between streams, commas between alternatives of one
/// stream, and `~` before an encoding that is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulcast<'a> {
    /// What the writer sends; empty if nothing.
    pub send: &'a str,
    /// What the writer receives; empty if nothing.
    pub recv: &'a str,
}

impl<'a> Simulcast<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let mut words = value.split_ascii_whitespace();
        let mut simulcast = Self { send: "", recv: "" };
        while let Some(direction) = words.next() {
            let list = words.next().filter(|list| is_stream_list(list));
            let list = list.ok_or("simulcast without list of rids")?;
            let slot = match is_send(direction) {
                Some(true) => &mut simulcast.send,
                Some(false) => &mut simulcast.recv,
                None => return Err("simulcast without direction"),
            };
            if !slot.is_empty() {
                return Err("simulcast with the same direction twice");
            }
            *slot = list;
        }
        Ok(simulcast)
    }
}

impl fmt::Display for Simulcast<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.send, self.recv) {
            (send, "") => write!(f, "send {send}"),
            ("", recv) => write!(f, "recv {recv}"),
            (send, recv) => write!(f, "send {send} recv {recv}"),
        }
    }
}

/// Which SCTP port is it, in the syntax before RFC 8841?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sctpmap<'a> {
    /// The port, which was also the format of the `m=` line.
    pub port: u16,
    /// `webrtc-datachannel`.
    pub protocol: &'a str,
    /// How many streams, if said.
    pub streams: Option<u32>,
}

impl<'a> Sctpmap<'a> {
    pub(crate) fn parse(value: &'a str) -> Result<Self, Reason> {
        let (port, rest) = word(value);
        let (protocol, streams) = word(rest);
        if protocol.is_empty() {
            return Err("sctpmap without protocol");
        }
        Ok(Self {
            port: number(port).ok_or("bad SCTP port")?,
            protocol,
            streams: match streams {
                "" => None,
                streams => Some(number(streams).ok_or("sctpmap with bad number of streams")?),
            },
        })
    }
}

impl fmt::Display for Sctpmap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.port, self.protocol)?;
        match self.streams {
            Some(streams) => write!(f, " {streams}"),
            None => Ok(()),
        }
    }
}

/// A payload type has seven bits (RFC 3550 §5.1).
fn payload_type(text: &str) -> Result<u8, Reason> {
    match number(text) {
        Some(payload @ 0..=127) => Ok(payload),
        _ => Err("bad payload type"),
    }
}

fn is_send(direction: &str) -> Option<bool> {
    match direction {
        "send" => Some(true),
        "recv" => Some(false),
        _ => None,
    }
}

const fn send_or_recv(send: bool) -> &'static str {
    if send { "send" } else { "recv" }
}

/// Whether `list` is `1,2;~3`.
fn is_stream_list(list: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    list.split([';', ',']).all(|rid| {
        let rid = rid.strip_prefix('~').unwrap_or(rid);
        !rid.is_empty() && rid.bytes().all(valid)
    })
}
