//! A whole description: session level, then sections.

use core::fmt;

use alloc::vec::Vec;

use memchr::{memchr, memchr_iter};

use super::{
    Attribute, Field, Fingerprint, Group, MAX_LINE, MAX_MEDIA, MAX_TEXT, Media, Origin, Reason,
    SdpError, Setup, write_lines,
};

/// A session description (RFC 8866), as views into its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description<'a> {
    /// Who made it, and which version it is.
    pub origin: Origin<'a>,
    /// The session's name, `-` if it has none.
    pub name: &'a str,
    /// The session's lines that are no attributes.
    pub fields: Vec<Field<'a>>,
    /// The session's attributes, in order.
    pub attributes: Vec<Attribute<'a>>,
    /// The sections, in order: their place is their identity.
    pub media: Vec<Media<'a>>,
}

impl<'a> Description<'a> {
    /// Reads a description, in time linear in its length.
    ///
    /// # Errors
    ///
    /// [`SdpError`] names the first line that breaks the grammar, or a limit:
    /// [`MAX_TEXT`], [`MAX_LINE`], [`MAX_MEDIA`].
    pub fn parse(text: &'a str) -> Result<Self, SdpError> {
        if text.len() > MAX_TEXT {
            let reason = "description too long";
            return Err(SdpError { line: 1, reason });
        }
        if let Some(place) = control(text.as_bytes()) {
            let line = lines(text.get(..place).unwrap_or_default()).count();
            let reason = "control character";
            return Err(SdpError { line, reason });
        }
        let mut parser = Parser::default();
        let mut number = 0;
        for line in lines(text) {
            number += 1;
            let read = parser.line(line);
            read.map_err(|reason| SdpError {
                line: number,
                reason,
            })?;
        }
        parser.finish().map_err(|reason| SdpError {
            line: number,
            reason,
        })
    }

    /// The BUNDLE groups: the first name of each is its tag (RFC 9143 §7).
    pub fn bundles(&self) -> impl Iterator<Item = &Group<'a>> {
        self.attributes
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Group(group) if group.semantics == "BUNDLE" => Some(group),
                _ => None,
            })
    }

    /// The section with this name, and its index.
    #[must_use]
    pub fn section(&self, mid: &str) -> Option<(usize, &Media<'a>)> {
        let mut sections = self.media.iter().enumerate();
        sections.find(|(_, media)| media.mid() == Some(mid))
    }
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns={}\r\n", self.origin, self.name)?;
        write_lines(f, &self.fields)?;
        write_lines(f, &self.attributes)?;
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

/// What may be said of the whole session or of one section.
///
/// A section's own attribute goes before the session's: ask the one, then the other.
pub trait HasAttributes<'a> {
    /// All attributes, in order.
    fn attributes(&self) -> &[Attribute<'a>];

    /// The user fragment of the writer's ICE agent.
    fn ice_ufrag(&self) -> Option<&'a str> {
        self.attributes()
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::IceUfrag(ufrag) => Some(*ufrag),
                _ => None,
            })
    }

    /// The password of the writer's ICE agent.
    fn ice_pwd(&self) -> Option<&'a str> {
        self.attributes()
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::IcePwd(pwd) => Some(*pwd),
                _ => None,
            })
    }

    /// Whether the writer's ICE agent has `option`, such as `trickle`.
    fn has_ice_option(&self, option: &str) -> bool {
        self.attributes().iter().any(|attribute| match attribute {
            Attribute::IceOptions(options) => options.split(' ').any(|word| word == option),
            _ => false,
        })
    }

    /// Whether the writer's ICE agent only answers.
    fn ice_lite(&self) -> bool {
        self.attributes().contains(&Attribute::IceLite)
    }

    /// Who starts DTLS.
    fn setup(&self) -> Option<Setup> {
        self.attributes()
            .iter()
            .find_map(|attribute| match attribute {
                Attribute::Setup(setup) => Some(*setup),
                _ => None,
            })
    }

    /// The fingerprints of the writer's certificates.
    fn fingerprints<'s>(&'s self) -> impl Iterator<Item = &'s Fingerprint<'a>>
    where
        'a: 's,
    {
        self.attributes()
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Fingerprint(fingerprint) => Some(fingerprint),
                _ => None,
            })
    }

    /// The values of the `candidate` attributes.
    fn candidates<'s>(&'s self) -> impl Iterator<Item = &'a str> + 's
    where
        'a: 's,
    {
        self.attributes()
            .iter()
            .filter_map(|attribute| match attribute {
                Attribute::Candidate(value) => Some(*value),
                _ => None,
            })
    }

    /// Whether no more candidates will come.
    fn end_of_candidates(&self) -> bool {
        self.attributes().contains(&Attribute::EndOfCandidates)
    }
}

impl<'a> HasAttributes<'a> for Description<'a> {
    fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }
}

impl<'a> HasAttributes<'a> for Media<'a> {
    fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes
    }
}

/// What was read so far.
#[derive(Default)]
struct Parser<'a> {
    version: bool,
    origin: Option<Origin<'a>>,
    name: Option<&'a str>,
    fields: Vec<Field<'a>>,
    attributes: Vec<Attribute<'a>>,
    media: Vec<Media<'a>>,
}

impl<'a> Parser<'a> {
    /// Takes a line without its end. Pushes are bounded by [`MAX_TEXT`].
    fn line(&mut self, line: &'a str) -> Result<(), Reason> {
        let (letter, value) = match line.as_bytes() {
            // Texts end with a line break or two.
            [] => return Ok(()),
            [letter, b'=', ..] => (*letter, line.get(2..).unwrap_or_default()),
            _ => return Err("no letter and equals sign"),
        };
        if line.len() > MAX_LINE {
            return Err("line too long");
        }
        match (letter, self.media.last_mut()) {
            (b'v', _) => self.version(value),
            _ if !self.version => Err("v=0 is not the first line"),
            (b'm', _) => self.section(value),
            (b'a', Some(media)) => attribute(&mut media.attributes, value),
            (b'a', None) => attribute(&mut self.attributes, value),
            (b'o', None) => once(&mut self.origin, Origin::parse(value)?, "second o= line"),
            (b's', None) => once(&mut self.name, value, "second s= line"),
            (b'o' | b's', Some(_)) => Err("line of the session in a section"),
            (letter, Some(media)) => push_field(&mut media.fields, Field::parse(letter, value)?),
            (letter, None) => push_field(&mut self.fields, Field::parse(letter, value)?),
        }
    }

    fn version(&mut self, value: &str) -> Result<(), Reason> {
        if value != "0" {
            return Err("version of SDP is not 0");
        }
        if self.version {
            return Err("second v= line");
        }
        self.version = true;
        Ok(())
    }

    fn section(&mut self, value: &'a str) -> Result<(), Reason> {
        if self.media.len() == MAX_MEDIA {
            return Err("too many sections");
        }
        self.media.push(Media::parse(value)?);
        Ok(())
    }

    fn finish(mut self) -> Result<Description<'a>, Reason> {
        if !self.version {
            return Err("no v= line");
        }
        // RFC 8866 §5: a description has at least one time; old cameras forget it.
        if !self
            .fields
            .iter()
            .any(|field| matches!(field, Field::Timing { .. }))
        {
            push_field(&mut self.fields, Field::Timing { start: 0, stop: 0 })?;
        }
        Ok(Description {
            origin: self.origin.ok_or("no o= line")?,
            name: self.name.unwrap_or("-"),
            fields: self.fields,
            attributes: self.attributes,
            media: self.media,
        })
    }
}

/// Where a character is that no line may have: to other readers a carriage return
/// would be the end of the line.
fn control(text: &[u8]) -> Option<usize> {
    let ends_line = |at: &usize| matches!(text.get(at + 1), None | Some(b'\n'));
    let stray = || memchr_iter(b'\r', text).find(|at| !ends_line(at));
    memchr(0, text).or_else(stray)
}

/// The lines of a text, without their ends; the last is empty if the text has an end.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    ends.scan(0, |start, end| {
        let line = text.get(*start..end)?;
        *start = end + 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    })
}

fn attribute<'a>(attributes: &mut Vec<Attribute<'a>>, value: &'a str) -> Result<(), Reason> {
    // Most sections of media have some dozens.
    if attributes.len() == 4 {
        attributes.reserve(60);
    }
    attributes.push(Attribute::parse(value)?);
    Ok(())
}

/// Adds `field` behind those that RFC 8866 §5 has before it; texts that keep the order cost nothing.
fn push_field<'a>(fields: &mut Vec<Field<'a>>, field: Field<'a>) -> Result<(), Reason> {
    if fields.len() == MAX_FIELDS {
        return Err("too many lines that are no attributes");
    }
    let behind = fields
        .iter()
        .rev()
        .take_while(|other| other.rank() > field.rank());
    let at = fields.len() - behind.count();
    fields.insert(at, field);
    Ok(())
}

fn once<T>(slot: &mut Option<T>, value: T, reason: Reason) -> Result<(), Reason> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(reason),
    }
}

/// How many lines that are no attributes a section may have.
const MAX_FIELDS: usize = 64;
