//! Lists of records of one size, read straight from the packet.

use core::fmt;
use core::iter::FusedIterator;
use core::marker::PhantomData;

use alloc::vec::Vec;

use crate::cursor::{Malformed, Reader, Writer};

/// A value of which a packet holds a list.
pub trait Record: Sized {
    /// Its size on the wire.
    const LEN: usize;

    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// Writes it.
    fn emit(&self, w: &mut Writer<'_>);
}

/// Records of one kind, one after the other.
pub struct List<'a, T> {
    bytes: &'a [u8],
    record: PhantomData<T>,
}

impl<'a, T: Record> List<'a, T> {
    /// No records.
    pub const EMPTY: Self = Self {
        bytes: &[],
        record: PhantomData,
    };

    /// The records that `bytes` hold; what is left over at their end is ignored.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let whole = bytes.len() - bytes.len() % T::LEN;
        Self {
            bytes: bytes.get(..whole).unwrap_or_default(),
            record: PhantomData,
        }
    }

    /// Reads `count` records.
    pub(super) fn parse(
        r: &mut Reader<'a>,
        count: usize,
        field: &'static str,
    ) -> Result<Self, Malformed> {
        Ok(Self::new(r.bytes(count.saturating_mul(T::LEN), field)?))
    }

    /// The first `count` of them, or all if they are fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Self {
        let len = self.bytes.len().min(count.saturating_mul(T::LEN));
        Self::new(self.bytes.get(..len).unwrap_or_default())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len() / T::LEN
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The records, in the order of the packet.
    #[must_use]
    pub const fn iter(&self) -> Records<'a, T> {
        Records {
            rest: Reader::new(self.bytes),
            record: PhantomData,
        }
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the records.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.bytes);
    }

    /// The bytes of `records`, to make a list of.
    #[must_use]
    pub fn encode(records: impl IntoIterator<Item = T>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, usize::MAX);
        for record in records {
            record.emit(&mut w);
        }
        bytes
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> PartialEq for List<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for List<'_, T> {}

impl<'a, T: Record> IntoIterator for &List<'a, T> {
    type Item = T;
    type IntoIter = Records<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Record + fmt::Debug> fmt::Debug for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// `[a b c]`
impl<T: Record + fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, record) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{record}")?;
        }
        f.write_str("]")
    }
}

/// The iterator of a [`List`].
#[derive(Clone, Debug)]
pub struct Records<'a, T> {
    rest: Reader<'a>,
    record: PhantomData<T>,
}

impl<T: Record> Iterator for Records<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        T::parse(&mut self.rest).ok()
    }
}

impl<T: Record> FusedIterator for Records<'_, T> {}
