//! How does the picture have to be turned (3GPP TS 26.114 §7.4.5)?

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// How the picture has to be turned before it is shown.
///
/// ```text
/// | 0 0 0 0 | camera: 1 = back | flip | rotation, 2 |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoOrientation {
    /// Whether the camera looks away from the user.
    pub back_camera: bool,
    /// Whether left and right are swapped.
    pub flipped: bool,
    /// How far it was turned.
    pub rotation: Rotation,
}

/// How far was the picture turned, counter-clockwise?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Not at all.
    None,
    /// A quarter.
    Quarter,
    /// Upside down.
    Half,
    /// Three quarters.
    ThreeQuarters,
}

impl VideoOrientation {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is empty.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let byte = r.u8("video orientation")?;
        Ok(Self {
            back_camera: byte & 0x08 != 0,
            flipped: byte & 0x04 != 0,
            rotation: match byte & 0x03 {
                0 => Rotation::None,
                1 => Rotation::Quarter,
                2 => Rotation::Half,
                _ => Rotation::ThreeQuarters,
            },
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        1
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let (camera, flip) = (u8::from(self.back_camera), u8::from(self.flipped));
        w.u8(camera << 3 | flip << 2 | self.rotation as u8);
    }
}

/// `turn=90 flip back`
impl fmt::Display for VideoOrientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flip = if self.flipped { " flip" } else { "" };
        let back = if self.back_camera { " back" } else { "" };
        write!(
            f,
            "turn={}{flip}{back}",
            u16::from(self.rotation as u8) * 90
        )
    }
}
