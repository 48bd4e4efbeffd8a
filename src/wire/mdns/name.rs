//! Names: labels of up to 63 bytes, the end of one often shared with another (RFC 1035 §4.1.4).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// What is it called?
///
/// Either a part of a received message or a text such as `host.local`. Two names
/// are equal if they differ in ASCII case only (RFC 6762 §16).
#[derive(Clone, Copy)]
pub struct Name<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// Begins at `at` of a message, and was followed to its end once.
    Message {
        bytes: &'a [u8],
        at: usize,
    },
    Text(&'a str),
}

impl<'a> Name<'a> {
    /// The name of a text, with dots between its labels.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a label is empty or has more than 63 bytes, or the name
    /// has more than 255.
    pub fn new(text: &'a str) -> Result<Self, Malformed> {
        let name = Self(Source::Text(text.strip_suffix('.').unwrap_or(text)));
        let fits = |label: &[u8]| (1..=MAX_LABEL).contains(&label.len());
        if name.labels().all(fits) && name.len() <= MAX_LEN {
            Ok(name)
        } else {
            Err(Malformed("dns name"))
        }
    }

    /// Reads the name at the front of `r`, which is the end of `message`.
    pub(super) fn parse(message: &'a [u8], r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let at = message.len().saturating_sub(r.remaining());
        let mut walk = Walk::new(message, at);
        let mut len = 1;
        // How far the name goes before its first jump.
        let mut here = None;
        while let Some(label) = walk.step()? {
            len += 1 + label.len();
            if len > MAX_LEN {
                return Err(Malformed("dns name length"));
            }
            if walk.jumps == 0 {
                here = Some(len - 1);
            }
        }
        let terminator = if walk.jumps == 0 { 1 } else { 2 };
        r.bytes(here.unwrap_or(0) + terminator, "dns name")?;
        let bytes = message;
        Ok(Self(Source::Message { bytes, at }))
    }

    /// The labels, first to last.
    #[must_use]
    pub fn labels(self) -> Labels<'a> {
        match self.0 {
            Source::Message { bytes, at } => Labels(Rest::Message(Walk::new(bytes, at))),
            Source::Text(text) => Labels(Rest::Text(Some(text))),
        }
    }

    /// The size of [`emit`](Self::emit).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it has at least its end")]
    pub fn len(self) -> usize {
        1 + self.labels().map(|label| 1 + label.len()).sum::<usize>()
    }

    /// Writes the name, without compression.
    pub fn emit(self, w: &mut Writer<'_>) {
        for label in self.labels() {
            w.prefixed_u8(|w| w.bytes(label));
        }
        w.u8(0);
    }
}

impl PartialEq for Name<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b) = (self.labels(), other.labels());
        loop {
            match (a.next(), b.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
                _ => return false,
            }
        }
    }
}

impl Eq for Name<'_> {}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, label) in self.labels().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{}", label.escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// The labels of a [`Name`].
#[derive(Clone, Debug)]
pub struct Labels<'a>(Rest<'a>);

#[derive(Clone, Debug)]
enum Rest<'a> {
    Message(Walk<'a>),
    Text(Option<&'a str>),
}

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            // It was followed to its end when it was read.
            Rest::Message(walk) => walk.step().ok().flatten(),
            Rest::Text(rest) => {
                let text = (*rest)?;
                let (label, later) = match text.split_once('.') {
                    Some((label, later)) => (label, Some(later)),
                    None => (text, None),
                };
                *rest = later;
                Some(label.as_bytes())
            }
        }
    }
}

/// A walk over the labels of a name in a message.
///
/// A pointer leads to before the labels that it follows, so that the walk ends.
#[derive(Clone, Debug)]
struct Walk<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the labels began that the walk is in.
    start: usize,
    jumps: usize,
}

impl<'a> Walk<'a> {
    const fn new(message: &'a [u8], at: usize) -> Self {
        Self {
            message,
            at,
            start: at,
            jumps: 0,
        }
    }

    fn step(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        loop {
            let mut r = Reader::new(self.message.get(self.at..).unwrap_or_default());
            match r.u8("dns label")? {
                0 => return Ok(None),
                len @ 1..=0x3f => {
                    let label = r.bytes(usize::from(len), "dns label")?;
                    self.at += 1 + label.len();
                    return Ok(Some(label));
                }
                high @ 0xc0.. => {
                    let low = r.u8("dns pointer")?;
                    self.jump(usize::from(u16::from_be_bytes([high & 0x3f, low])))?;
                }
                // Reserved (RFC 1035 §4.1.4).
                0x40..=0xbf => return Err(Malformed("dns label")),
            }
        }
    }

    const fn jump(&mut self, target: usize) -> Result<(), Malformed> {
        self.jumps += 1;
        if target >= self.start || self.jumps > MAX_JUMPS {
            return Err(Malformed("dns pointer"));
        }
        self.at = target;
        self.start = target;
        Ok(())
    }
}

const MAX_LABEL: usize = 63;
/// RFC 1035 §3.1, with the length bytes and the last zero.
const MAX_LEN: usize = 255;
/// A name of a usual message needs two. What needs more is made to cost time.
const MAX_JUMPS: usize = 32;
