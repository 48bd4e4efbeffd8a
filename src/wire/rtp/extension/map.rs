//! Which id stands for what?

use super::{Extension, Kind};
use crate::cursor::{Malformed, Reader};

/// What each id of the session stands for, as signalling agreed.
///
/// Knows the kinds of [`Kind`] only; at most one id for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ExtensionMap {
    /// The id of each kind; 0 if it has none.
    ids: [u8; Kind::ALL.len()],
}

impl ExtensionMap {
    /// A map in which no id stands for anything.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            ids: [0; Kind::ALL.len()],
        }
    }

    /// From now on `id` stands for `kind`, and for nothing else.
    ///
    /// Id 0 takes the kind out of the map.
    pub fn insert(&mut self, id: u8, kind: Kind) {
        for taken in self.ids.iter_mut().filter(|taken| **taken == id) {
            *taken = 0;
        }
        self.ids[kind as usize] = id;
    }

    /// The id that stands for `kind`.
    #[must_use]
    pub const fn id(&self, kind: Kind) -> Option<u8> {
        match self.ids[kind as usize] {
            0 => None,
            id => Some(id),
        }
    }

    /// What `id` stands for.
    #[must_use]
    pub fn kind(&self, id: u8) -> Option<Kind> {
        let place = self.ids.iter().position(|&known| known == id && id != 0)?;
        Kind::ALL.get(place).copied()
    }

    /// What the extension with this id and value says.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the value is not one of the kind that the id stands for.
    pub fn decode<'a>(&self, id: u8, bytes: &'a [u8]) -> Result<Extension<'a>, Malformed> {
        match self.kind(id) {
            Some(kind) => Extension::parse(kind, &mut Reader::new(bytes)),
            None => Ok(Extension::Unknown { id, bytes }),
        }
    }
}
