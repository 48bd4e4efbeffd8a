//! A whole message, read and written.

use core::fmt;

use super::{HEADER_LEN, Question, Record};
use crate::cursor::{Malformed, Reader, Writer};

/// What kind of message is it (RFC 6762 §18)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Zero, but in what concerns a single asker (RFC 6762 §18.1).
    pub id: u16,
    /// Whether it answers.
    pub response: bool,
    /// TC: more known answers follow (RFC 6762 §18.5).
    pub truncated: bool,
}

/// A received message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    header: Header,
    bytes: &'a [u8],
    questions: u16,
    /// Where the records begin, and how many of each section there are.
    records_at: usize,
    records: [u16; 3],
}

/// Which part of a message is a record in (RFC 1035 §4.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// It answers; in a question it is what the asker knows already (RFC 6762 §7.1).
    Answer,
    /// It is about to be claimed (RFC 6762 §8.2).
    Authority,
    /// It may be of use, too.
    Additional,
}

impl Header {
    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let id = r.u16("dns id")?;
        let flags = r.u16("dns flags")?;
        // RFC 6762 §18.3, §18.11: messages with other values are ignored.
        if flags & (OPCODE | RCODE) != 0 {
            return Err(Malformed("dns flags"));
        }
        Ok(Self {
            id,
            response: flags & RESPONSE != 0,
            truncated: flags & TRUNCATED != 0,
        })
    }

    const fn flags(self) -> u16 {
        // RFC 6762 §18.4: who answers does so with authority.
        let response = if self.response {
            RESPONSE | AUTHORITATIVE
        } else {
            0
        };
        response | if self.truncated { TRUNCATED } else { 0 }
    }
}

impl<'a> Message<'a> {
    /// Reads the message that fills `r`. What follows the last record is ignored.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a part is cut, or a name is longer than it may be, points
    /// forward or in a circle.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = r.rest();
        let mut r = Reader::new(bytes);
        let header = Header::parse(&mut r)?;
        let questions = r.u16("dns questions")?;
        let mut records = [0; 3];
        for count in &mut records {
            *count = r.u16("dns records")?;
        }
        for _ in 0..questions {
            Question::parse(bytes, &mut r)?;
        }
        let records_at = bytes.len() - r.remaining();
        for _ in 0..records.iter().map(|&count| u32::from(count)).sum() {
            Record::parse(bytes, &mut r)?;
        }
        Ok(Self {
            header,
            bytes,
            questions,
            records_at,
            records,
        })
    }

    /// What kind of message it is.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// What it asks.
    pub fn questions(&self) -> impl Iterator<Item = Question<'a>> + use<'a> {
        let bytes = self.bytes;
        let mut r = Reader::new(bytes.get(HEADER_LEN..).unwrap_or_default());
        // They were all read once.
        (0..self.questions).map_while(move |_| Question::parse(bytes, &mut r).ok())
    }

    /// What it says.
    pub fn records(&self) -> impl Iterator<Item = (Section, Record<'a>)> + use<'a> {
        let bytes = self.bytes;
        let mut r = Reader::new(bytes.get(self.records_at..).unwrap_or_default());
        let [answers, authorities, additional] = self.records.map(usize::from);
        let sections = core::iter::repeat_n(Section::Answer, answers)
            .chain(core::iter::repeat_n(Section::Authority, authorities))
            .chain(core::iter::repeat_n(Section::Additional, additional));
        sections.map_while(move |section| Some((section, Record::parse(bytes, &mut r).ok()?)))
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.header.response {
            "response"
        } else {
            "query"
        };
        write!(f, "mDNS {kind}")?;
        for question in self.questions() {
            write!(f, " {question}")?;
        }
        for (_, record) in self.records() {
            write!(f, " [{record}]")?;
        }
        Ok(())
    }
}

/// Writes a message: questions first, then answers, then additional records.
#[derive(Debug)]
pub struct Builder<'w, 'b> {
    w: &'w mut Writer<'b>,
    start: usize,
    /// Questions, answers, authorities and additional records so far.
    counts: [u16; 4],
}

impl<'w, 'b> Builder<'w, 'b> {
    /// Begins with the header.
    pub fn new(w: &'w mut Writer<'b>, header: Header) -> Self {
        let start = w.len();
        w.u16(header.id);
        w.u16(header.flags());
        w.zeros(8);
        Self {
            w,
            start,
            counts: [0; 4],
        }
    }

    /// How many bytes may still be written.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.w.remaining()
    }

    /// Adds a question, before all records.
    pub fn question(&mut self, question: &Question<'_>) {
        question.emit(self.w);
        self.count(0);
    }

    /// Adds a record, in the order of the sections.
    pub fn record(&mut self, section: Section, record: &Record<'_>) {
        record.emit(self.w);
        self.count(match section {
            Section::Answer => 1,
            Section::Authority => 2,
            Section::Additional => 3,
        });
    }

    fn count(&mut self, section: usize) {
        if let Some(count) = self.counts.get_mut(section) {
            *count = count.saturating_add(1);
            let encoded = count.to_be_bytes();
            self.w.patch(self.start + 4 + 2 * section, &encoded);
        }
    }
}

const RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RCODE: u16 = 0x000f;
