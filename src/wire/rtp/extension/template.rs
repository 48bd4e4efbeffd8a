//! The structure that dependency descriptors refer to (AV1 RTP specification, A.8.4).

use alloc::vec::Vec;

use super::bits::{BitReader, BitWriter};
use crate::cursor::Malformed;

/// Of how much use is a frame for a decode target (A.4)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indication {
    /// The target does not have it.
    NotPresent,
    /// Nothing depends on it.
    Discardable,
    /// Whoever has it can switch to the target.
    Switch,
    /// Others of the target need it.
    Required,
}

/// What kinds of frames does the sender make, and on what does each depend?
///
/// Comes with a key frame; later descriptors name one of its templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateStructure {
    /// The id of the first template: 0 to 63.
    pub id_offset: u8,
    /// How many decode targets there are: 1 to 32.
    pub targets: u8,
    /// How many chains there are: 0 to `targets`.
    pub chains: u8,
    /// Which chain protects each target; empty without chains.
    pub protected_by: Vec<u8>,
    /// The kinds of frames, at least one and at most 64, in the order of their layers.
    pub templates: Vec<Template>,
    /// Width and height, less one each, of each spatial layer; or empty.
    pub resolutions: Vec<[u16; 2]>,
}

/// One kind of frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its layer of resolution: 0 to 3.
    pub spatial: u8,
    /// Its layer of frame rate: 0 to 7.
    pub temporal: u8,
    /// Of how much use it is, for each target.
    pub indications: Vec<Indication>,
    /// How many frames back those lie that it depends on: 1 to 16.
    pub frame_diffs: Vec<u8>,
    /// How far back the last frame of each chain is: 0 to 15.
    pub chain_diffs: Vec<u8>,
}

impl TemplateStructure {
    /// How many templates there can be.
    pub const MAX_TEMPLATES: usize = 64;

    /// The template with this id.
    #[must_use]
    pub fn template(&self, id: u8) -> Option<&Template> {
        let index = id.wrapping_sub(self.id_offset) & 0x3f;
        self.templates.get(usize::from(index))
    }

    pub(super) fn parse(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        let id_offset = r.small(6, FIELD)?;
        let targets = r.small(5, FIELD)? + 1;
        let mut templates = parse_layers(r)?;
        for template in &mut templates {
            template.indications = indications(r, targets)?;
        }
        for template in &mut templates {
            while r.bit(FIELD)? {
                template.frame_diffs.push(r.small(4, FIELD)? + 1);
            }
        }
        let chains = r.below(targets + 1, FIELD)?;
        let mut protected_by = Vec::new();
        if chains > 0 {
            for _ in 0..targets {
                protected_by.push(r.below(chains, FIELD)?);
            }
            for template in &mut templates {
                for _ in 0..chains {
                    template.chain_diffs.push(r.small(4, FIELD)?);
                }
            }
        }
        let mut resolutions = Vec::new();
        if r.bit(FIELD)? {
            let highest = templates.iter().map(|template| template.spatial).max();
            for _ in 0..=highest.unwrap_or(0) {
                let mut side = || u16::try_from(r.bits(16, FIELD)?).map_err(|_| Malformed(FIELD));
                resolutions.push([side()?, side()?]);
            }
        }
        Ok(Self {
            id_offset,
            targets,
            chains,
            protected_by,
            templates,
            resolutions,
        })
    }

    pub(super) fn emit(&self, w: &mut BitWriter) {
        w.bits(6, self.id_offset.into());
        w.bits(5, u32::from(self.targets).saturating_sub(1));
        self.emit_layers(w);
        for template in &self.templates {
            for &indication in &template.indications {
                w.bits(2, indication as u32);
            }
        }
        for template in &self.templates {
            for &diff in &template.frame_diffs {
                w.bit(true);
                w.bits(4, u32::from(diff).saturating_sub(1));
            }
            w.bit(false);
        }
        w.below(self.targets.saturating_add(1), self.chains);
        if self.chains > 0 {
            self.protected_by
                .iter()
                .for_each(|&chain| w.below(self.chains, chain));
            for &diff in self
                .templates
                .iter()
                .flat_map(|template| &template.chain_diffs)
            {
                w.bits(4, diff.into());
            }
        }
        w.bit(!self.resolutions.is_empty());
        for &side in self.resolutions.iter().flatten() {
            w.bits(16, side.into());
        }
    }

    /// How each template's layer follows from the one before (A.8.4, `template_layers`).
    fn emit_layers(&self, w: &mut BitWriter) {
        for pair in self.templates.windows(2) {
            let [now, next] = pair else { continue };
            let step = if next.spatial != now.spatial {
                NEXT_SPATIAL
            } else if next.temporal != now.temporal {
                NEXT_TEMPORAL
            } else {
                SAME_LAYER
            };
            w.bits(2, step.into());
        }
        w.bits(2, NO_MORE.into());
    }
}

impl Template {
    const fn in_layer(spatial: u8, temporal: u8) -> Self {
        Self {
            spatial,
            temporal,
            indications: Vec::new(),
            frame_diffs: Vec::new(),
            chain_diffs: Vec::new(),
        }
    }
}

impl Indication {
    fn parse(r: &mut BitReader<'_>) -> Result<Self, Malformed> {
        Ok(match r.small(2, FIELD)? {
            0 => Self::NotPresent,
            1 => Self::Discardable,
            2 => Self::Switch,
            _ => Self::Required,
        })
    }
}

/// One indication for each of `targets`.
pub(super) fn indications(
    r: &mut BitReader<'_>,
    targets: u8,
) -> Result<Vec<Indication>, Malformed> {
    (0..targets).map(|_| Indication::parse(r)).collect()
}

/// The templates, with nothing but their layers.
fn parse_layers(r: &mut BitReader<'_>) -> Result<Vec<Template>, Malformed> {
    let mut templates = Vec::new();
    let (mut spatial, mut temporal) = (0_u8, 0_u8);
    loop {
        if templates.len() == TemplateStructure::MAX_TEMPLATES {
            return Err(Malformed("templates of dependencies"));
        }
        templates.push(Template::in_layer(spatial, temporal));
        match r.small(2, FIELD)? {
            SAME_LAYER => {}
            NEXT_TEMPORAL => temporal += 1,
            NEXT_SPATIAL => {
                spatial += 1;
                temporal = 0;
            }
            _ => return Ok(templates),
        }
        // A.8.4: MaxTemporalId is at most 7, MaxSpatialId at most 3.
        if temporal > 7 || spatial > 3 {
            return Err(Malformed("layers of dependencies"));
        }
    }
}

const FIELD: &str = "structure of dependencies";

const SAME_LAYER: u8 = 0;
const NEXT_TEMPORAL: u8 = 1;
const NEXT_SPATIAL: u8 = 2;
const NO_MORE: u8 = 3;
