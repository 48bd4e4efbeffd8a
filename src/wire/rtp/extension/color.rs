//! What do the colours of the picture mean?

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// What the colours mean, in the numbers of ISO/IEC 23091-2 and of VP9's header.
///
/// ```text
/// | primaries, 8 | transfer, 8 | matrix, 8 | range and siting, 8 | HDR metadata, 0 or 24 bytes |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColorSpace {
    /// Which red, green and blue.
    pub primaries: u8,
    /// How light becomes a number.
    pub transfer: u8,
    /// How colour becomes luma and chroma.
    pub matrix: u8,
    /// Range in two bits, chroma siting in two and two.
    pub range_and_siting: u8,
    /// What an HDR screen wants to know.
    pub hdr: Option<HdrMetadata>,
}

/// What an HDR screen wants to know, in the units of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HdrMetadata {
    /// The brightest, in candela per square metre.
    pub luminance_max: u16,
    /// The darkest, in ten-thousandths of a candela per square metre.
    pub luminance_min: u16,
    /// Red, green, blue and white, x and y of each, in fifty-thousandths.
    pub chromaticity: [[u16; 2]; 4],
    /// The brightest that a picture is on a pixel.
    pub max_content_light: u16,
    /// The brightest that a picture is on the average.
    pub max_average_light: u16,
}

impl ColorSpace {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let [primaries, transfer, matrix, range_and_siting] = r.array("colour space")?;
        let hdr = if r.is_empty() {
            None
        } else {
            Some(HdrMetadata::parse(r)?)
        };
        Ok(Self {
            primaries,
            transfer,
            matrix,
            range_and_siting,
            hdr,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        if self.hdr.is_some() { 28 } else { 4 }
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(&[
            self.primaries,
            self.transfer,
            self.matrix,
            self.range_and_siting,
        ]);
        if let Some(hdr) = &self.hdr {
            hdr.emit(w);
        }
    }
}

impl HdrMetadata {
    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "HDR metadata";
        let (luminance_max, luminance_min) = (r.u16(FIELD)?, r.u16(FIELD)?);
        let mut chromaticity = [[0; 2]; 4];
        for number in chromaticity.iter_mut().flatten() {
            *number = r.u16(FIELD)?;
        }
        Ok(Self {
            luminance_max,
            luminance_min,
            chromaticity,
            max_content_light: r.u16(FIELD)?,
            max_average_light: r.u16(FIELD)?,
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.luminance_max);
        w.u16(self.luminance_min);
        self.chromaticity
            .iter()
            .flatten()
            .for_each(|&number| w.u16(number));
        w.u16(self.max_content_light);
        w.u16(self.max_average_light);
    }
}

/// `color=9/16/9/0x15 hdr`
impl fmt::Display for ColorSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            primaries,
            transfer,
            matrix,
            range_and_siting,
            hdr,
        } = self;
        let hdr = if hdr.is_some() { " hdr" } else { "" };
        write!(
            f,
            "color={primaries}/{transfer}/{matrix}/{range_and_siting:#04x}{hdr}"
        )
    }
}
