//! What does a session description say (RFC 8866), and how is it written?
//!
//! [`Description::parse`] reads a text line by line, once, into borrowed typed
//! values; `Display` writes them. Reading is tolerant: `\n` for `\r\n`, blank
//! lines, missing `s=` and `t=`, legacy data-channel syntax, attributes nobody
//! knows (they are kept). Writing is strict: `\r\n`, the order of lines that
//! RFC 8866 §5 demands, one form for each attribute.
//!
//! ```text
//! v=0                                   Description
//! o=- 7268458204078904927 2 IN IP4 ...    origin
//! s=-                                     name
//! t=0 0                                   fields
//! a=group:BUNDLE 0                        attributes
//! m=application 9 UDP/DTLS/SCTP ...       media[0]: Media
//! c=IN IP4 0.0.0.0                          fields
//! a=mid:0                                   attributes
//! ```
//!
//! What can be wrong is either the grammar (an [`SdpError`] with its line, found
//! here) or the sense (refused by [`jsep`](crate::jsep)).

use core::fmt;

pub mod attribute;
pub mod candidate;
mod field;
mod media;
mod rtp;
mod session;
#[cfg(test)]
mod tests;

pub use attribute::{Attribute, Direction, Fingerprint, Group, Setup};
pub use field::{Address, Field, Origin};
pub use media::{Media, MediaKind};
pub use rtp::{Extmap, Fmtp, Msid, Rid, RtcpFb, Rtpmap, Sctpmap, Simulcast, Ssrc, SsrcGroup};
pub use session::{Description, HasAttributes};

/// Which line of a description cannot be read, and why?
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SdpError {
    /// The line's number, from 1; the last line's for what is missing at the end.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// How long a description may be, in bytes. Longer texts are refused unread.
///
/// A connection with as many transceivers as it can have, all of pictures, offers 330 KB.
pub const MAX_TEXT: usize = 512 * 1024;

/// How long a line may be, in bytes.
pub const MAX_LINE: usize = 16 * 1024;

/// How many `m=` sections a description may have.
pub const MAX_MEDIA: usize = 256;

/// Why a value cannot be read; becomes an [`SdpError`] where the line is known.
pub(crate) type Reason = &'static str;

/// Splits `text` at the first `byte`, which is ASCII.
///
/// Names and words are short: a plain loop beats a searcher of `str`.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|other| other == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before the first `byte`, which is ASCII, and what behind it, if it is there.
pub(crate) fn cut(text: &str, byte: u8) -> (&str, Option<&str>) {
    match split_at_byte(text, byte) {
        Some((part, rest)) => (part, Some(rest)),
        None => (text, None),
    }
}

/// Splits `text` at the first space; the rest is empty if there is none.
fn word(text: &str) -> (&str, &str) {
    split_at_byte(text, b' ').unwrap_or((text, ""))
}

/// The words of `text`, with any number of spaces between.
fn words(mut text: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || {
        loop {
            let (next, rest) = match text {
                "" => return None,
                text => word(text),
            };
            text = rest;
            if !next.is_empty() {
                return Some(next);
            }
        }
    })
}

/// Writes ` rest`, or nothing if it is empty.
fn write_rest(f: &mut fmt::Formatter<'_>, rest: &str) -> fmt::Result {
    if rest.is_empty() {
        return Ok(());
    }
    f.write_str(" ")?;
    f.write_str(rest)
}

/// Writes `lines`, each with its end.
fn write_lines(f: &mut fmt::Formatter<'_>, lines: &[impl fmt::Display]) -> fmt::Result {
    lines.iter().try_for_each(|line| {
        line.fmt(f)?;
        f.write_str("\r\n")
    })
}

/// Whether `text` is a `token` of RFC 8866 §9.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_char)
}

/// Whether a byte may stand in a `token`: visible ASCII but for separators.
const fn is_token_char(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'~')
}

/// Reads a decimal number without sign; `None` if there is anything else in `text`.
fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    // `FromStr` of the integers allows a leading plus sign.
    if !text.as_bytes().first()?.is_ascii_digit() {
        return None;
    }
    text.parse().ok()
}
