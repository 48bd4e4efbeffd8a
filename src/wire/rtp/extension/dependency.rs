//! On which other frames does this one depend (AV1 RTP specification, appendix A)?

use core::fmt;

use alloc::vec::Vec;

use super::bits::{BitReader, BitWriter};
use super::template::{Indication, TemplateStructure, indications};
use crate::cursor::{Malformed, Reader, Writer};

/// Which frame is it, and of which template?
///
/// ```text
/// | start, 1 | end, 1 | template, 6 | frame number, 16 | extended fields … |
/// ```
///
/// The extended fields cannot be read without the structure that came with the
/// last key frame: [`structure`](Self::structure) and [`frame`](Self::frame) do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DependencyDescriptor<'a> {
    /// Whether the packet is the first of its frame.
    pub start_of_frame: bool,
    /// Whether it is the last.
    pub end_of_frame: bool,
    /// The id of its template: 0 to 63.
    pub template_id: u8,
    /// Which frame; wraps.
    pub frame_number: u16,
    /// The extended fields, if there are any.
    pub extended: &'a [u8],
}

/// What the extended fields say of a frame, templates resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameDependencies {
    /// Its layer of resolution.
    pub spatial: u8,
    /// Its layer of frame rate.
    pub temporal: u8,
    /// Of how much use it is, for each target.
    pub indications: Vec<Indication>,
    /// How many frames back those lie that it depends on: 1 to 4096.
    pub frame_diffs: Vec<u16>,
    /// How far back the last frame of each chain is.
    pub chain_diffs: Vec<u8>,
    /// Which targets are sent from now on, one bit each, if it says so.
    pub active_targets: Option<u32>,
}

impl<'a> DependencyDescriptor<'a> {
    /// The size without extended fields.
    pub const MANDATORY: usize = 3;

    /// Reads the value; the extended fields are kept as they are.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let first = r.u8(FIELD)?;
        Ok(Self {
            start_of_frame: first & 0x80 != 0,
            end_of_frame: first & 0x40 != 0,
            template_id: first & 0x3f,
            frame_number: r.u16(FIELD)?,
            extended: r.rest(),
        })
    }

    /// The structure that begins with this frame, if one does.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or has more templates or layers than allowed.
    pub fn structure(&self) -> Result<Option<TemplateStructure>, Malformed> {
        if self.extended.is_empty() {
            return Ok(None);
        }
        let mut r = BitReader::new(self.extended);
        let flags = Flags::parse(&mut r)?;
        flags
            .structure
            .then(|| TemplateStructure::parse(&mut r))
            .transpose()
    }

    /// What it says of its frame, by the structure that is in force: its own if
    /// it has one.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the structure has no such template, or a field is cut.
    pub fn frame(&self, structure: &TemplateStructure) -> Result<FrameDependencies, Malformed> {
        let template = structure
            .template(self.template_id)
            .ok_or(Malformed("template of dependencies"))?;
        let mut frame = FrameDependencies {
            spatial: template.spatial,
            temporal: template.temporal,
            indications: template.indications.clone(),
            frame_diffs: template
                .frame_diffs
                .iter()
                .map(|&diff| diff.into())
                .collect(),
            chain_diffs: template.chain_diffs.clone(),
            active_targets: None,
        };
        if self.extended.is_empty() {
            return Ok(frame);
        }
        let mut r = BitReader::new(self.extended);
        let flags = Flags::parse(&mut r)?;
        if flags.structure {
            let own = TemplateStructure::parse(&mut r)?;
            frame.active_targets = Some(all_targets(own.targets));
        }
        if flags.active_targets {
            frame.active_targets = Some(r.bits(structure.targets, FIELD)?);
        }
        if flags.custom_indications {
            frame.indications = indications(&mut r, structure.targets)?;
        }
        if flags.custom_frame_diffs {
            frame.frame_diffs = parse_frame_diffs(&mut r)?;
        }
        if flags.custom_chain_diffs {
            let chains = 0..structure.chains;
            frame.chain_diffs = chains
                .map(|_| r.small(8, FIELD))
                .collect::<Result<_, _>>()?;
        }
        Ok(frame)
    }

    /// The extended fields that say `frame` of a frame with the template
    /// `template_id`; `with_structure` begins a new structure. Empty if the
    /// template says it all.
    #[must_use]
    pub fn encode_extended(
        template_id: u8,
        frame: &FrameDependencies,
        structure: &TemplateStructure,
        with_structure: bool,
    ) -> Vec<u8> {
        let template = structure.template(template_id);
        let same_diffs = |diffs: &Vec<u8>| {
            let diffs = diffs.iter().map(|&diff| u16::from(diff));
            diffs.eq(frame.frame_diffs.iter().copied())
        };
        let implied = with_structure.then(|| all_targets(structure.targets));
        let flags = Flags {
            structure: with_structure,
            active_targets: frame.active_targets != implied,
            custom_indications: template.is_none_or(|t| t.indications != frame.indications),
            custom_frame_diffs: template.is_none_or(|t| !same_diffs(&t.frame_diffs)),
            custom_chain_diffs: template.is_none_or(|t| t.chain_diffs != frame.chain_diffs),
        };
        if flags == Flags::default() {
            return Vec::new();
        }
        let mut w = BitWriter::default();
        flags.emit(&mut w);
        if flags.structure {
            structure.emit(&mut w);
        }
        if flags.active_targets {
            w.bits(structure.targets, frame.active_targets.unwrap_or(0));
        }
        if flags.custom_indications {
            frame
                .indications
                .iter()
                .for_each(|&one| w.bits(2, one as u32));
        }
        if flags.custom_frame_diffs {
            emit_frame_diffs(&mut w, &frame.frame_diffs);
        }
        if flags.custom_chain_diffs {
            frame
                .chain_diffs
                .iter()
                .for_each(|&diff| w.bits(8, diff.into()));
        }
        w.into_bytes()
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::MANDATORY + self.extended.len()
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let (start, end) = (u8::from(self.start_of_frame), u8::from(self.end_of_frame));
        w.u8(start << 7 | end << 6 | self.template_id & 0x3f);
        w.u16(self.frame_number);
        w.bytes(self.extended);
    }
}

/// `frame=17 template=3 start end extended`
impl fmt::Display for DependencyDescriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "frame={} template={}",
            self.frame_number, self.template_id
        )?;
        let words = [
            (self.start_of_frame, " start"),
            (self.end_of_frame, " end"),
            (!self.extended.is_empty(), " extended"),
        ];
        let said = words.iter().filter(|(holds, _)| *holds);
        said.map(|(_, word)| *word)
            .try_for_each(|word| f.write_str(word))
    }
}

/// Which extended fields there are (A.8.2).
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Flags {
    structure: bool,
    active_targets: bool,
    custom_indications: bool,
    custom_frame_diffs: bool,
    custom_chain_diffs: bool,
}

impl Flags {
    fn parse(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            structure: r.bit(FIELD)?,
            active_targets: r.bit(FIELD)?,
            custom_indications: r.bit(FIELD)?,
            custom_frame_diffs: r.bit(FIELD)?,
            custom_chain_diffs: r.bit(FIELD)?,
        })
    }

    fn emit(self, w: &mut BitWriter) {
        w.bit(self.structure);
        w.bit(self.active_targets);
        w.bit(self.custom_indications);
        w.bit(self.custom_frame_diffs);
        w.bit(self.custom_chain_diffs);
    }
}

/// Differences in four, eight or twelve bits each (A.8.2, `frame_fdiffs`).
fn parse_frame_diffs(r: &mut BitReader<'_>) -> Result<Vec<u16>, Malformed> {
    let mut diffs = Vec::new();
    loop {
        let nibbles = r.small(2, FIELD)?;
        if nibbles == 0 {
            return Ok(diffs);
        }
        let less = r.bits(4 * nibbles, FIELD)?;
        diffs.push(u16::try_from(less).map_err(|_| Malformed(FIELD))? + 1);
    }
}

fn emit_frame_diffs(w: &mut BitWriter, diffs: &[u16]) {
    for diff in diffs {
        let less = diff.saturating_sub(1) & 0x0fff;
        let nibbles = match less {
            0..=0xf => 1,
            0x10..=0xff => 2,
            _ => 3,
        };
        w.bits(2, nibbles.into());
        w.bits(4 * nibbles, less.into());
    }
    w.bits(2, 0);
}

/// One bit for each target.
fn all_targets(targets: u8) -> u32 {
    u32::MAX >> (32 - u32::from(targets.clamp(1, 32)))
}

const FIELD: &str = "dependency descriptor";
