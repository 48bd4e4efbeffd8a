//! Reading and writing single bits, highest first.

use alloc::vec::Vec;

use crate::cursor::Malformed;

/// What do the next bits say?
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// How many bits were read.
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn bit(&mut self, field: &'static str) -> Result<bool, Malformed> {
        let byte = self.bytes.get(self.at / 8).ok_or(Malformed(field))?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    /// The next `count` bits, at most 32.
    pub(super) fn bits(&mut self, count: u8, field: &'static str) -> Result<u32, Malformed> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit(field)?);
        }
        Ok(value)
    }

    /// The next `count` bits, at most 8.
    pub(super) fn small(&mut self, count: u8, field: &'static str) -> Result<u8, Malformed> {
        let value = self.bits(count, field)?;
        u8::try_from(value).map_err(|_| Malformed(field))
    }

    /// A number below `limit`, in as few bits as will do (AV1, 4.10.10 `ns`).
    pub(super) fn below(&mut self, limit: u8, field: &'static str) -> Result<u8, Malformed> {
        let (width, short) = widths(limit);
        let value = self.small(width.saturating_sub(1), field)?;
        if value < short {
            return Ok(value);
        }
        let extra = u8::from(self.bit(field)?);
        Ok((value << 1 | extra) - short)
    }
}

/// Bits on their way into bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// How many bits of the last byte are taken.
    taken: u8,
}

impl BitWriter {
    pub(super) fn bit(&mut self, bit: bool) {
        if self.taken == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.taken);
        }
        self.taken = (self.taken + 1) % 8;
    }

    /// The low `count` bits of `value`.
    pub(super) fn bits(&mut self, count: u8, value: u32) {
        (0..count)
            .rev()
            .for_each(|place| self.bit(value >> place & 1 == 1));
    }

    /// A number below `limit`, as [`BitReader::below`] reads it.
    pub(super) fn below(&mut self, limit: u8, value: u8) {
        let (width, short) = widths(limit);
        if value < short {
            self.bits(width.saturating_sub(1), value.into());
        } else {
            self.bits(width, u32::from(value) + u32::from(short));
        }
    }

    /// The bytes; the last is filled with zeros.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// How many bits a number below `limit` has at most, and how many numbers have one less.
fn widths(limit: u8) -> (u8, u8) {
    let width = u8::BITS - limit.leading_zeros();
    // Both fit: the width is at most 8, the rest at most the limit.
    let width = u8::try_from(width).unwrap_or(8);
    let short = (1_u16 << width).saturating_sub(limit.into());
    (width, u8::try_from(short).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_a_limit_take_as_few_bits_as_will_do() {
        for limit in 1..=65 {
            for value in 0..limit {
                let mut w = BitWriter::default();
                w.below(limit, value);
                w.bits(3, 5);
                let bytes = w.into_bytes();
                let mut r = BitReader::new(&bytes);
                assert_eq!(r.below(limit, "value"), Ok(value), "{limit}");
                assert_eq!(r.bits(3, "mark"), Ok(5), "{value} below {limit}");
            }
        }
    }
}
