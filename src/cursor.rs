//! Reading and writing bytes without ever running off an end.

use core::fmt;

use alloc::vec::Vec;

/// Which part of the bytes was not as its format demands?
///
/// Names the field. It stays inside the layer that parses: a counter and a
/// trace line, never an error for the embedder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl core::error::Error for Malformed {}

/// What comes next in these bytes?
///
/// A view that shrinks from the front. Every read names what it expects, so a
/// truncated input says which field was cut.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that are left, without consuming them.
    #[must_use]
    pub const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// Consumes all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.rest)
    }

    /// Consumes `len` bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if fewer are left; nothing is consumed then.
    pub fn bytes(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.rest.split_at_checked(len).ok_or(Malformed(field))?;
        self.rest = tail;
        Ok(head)
    }

    /// Consumes `N` bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if fewer are left.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.rest.split_first_chunk().ok_or(Malformed(field))?;
        self.rest = tail;
        Ok(*head)
    }

    /// Consumes one byte.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if none is left.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Consumes a 16-bit number in network order.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// Consumes a 24-bit number in network order.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut.
    pub fn u24(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field)
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// Consumes a 32-bit number in network order.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Consumes a 64-bit number in network order.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// Consumes a vector that an 8-bit length precedes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if the length or the content is cut.
    pub fn prefixed_u8(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u8(field)?;
        self.bytes(usize::from(len), field)
    }

    /// Consumes a vector that a 16-bit length precedes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if the length or the content is cut.
    pub fn prefixed_u16(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u16(field)?;
        self.bytes(usize::from(len), field)
    }

    /// Consumes a vector that a 24-bit length precedes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if the length or the content is cut.
    pub fn prefixed_u24(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u24(field)?;
        self.bytes(len as usize, field)
    }

    /// Consumes a number in groups of seven bits, lowest first: at most eight
    /// groups, and at most 32 bits (AV1, 4.10.5).
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut or larger.
    pub fn leb128(&mut self, field: &'static str) -> Result<u32, Malformed> {
        let mut value = 0_u64;
        for shift in (0..56).step_by(7) {
            let byte = self.u8(field)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| Malformed(field));
            }
        }
        Err(Malformed(field))
    }

    /// Demands that nothing is left.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if something is.
    pub const fn finish(self, field: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed(field))
        }
    }
}

/// How many more bytes may this datagram hold?
///
/// Appends to the caller's buffer and never grows past its budget, so every
/// layer sees how much of the MTU its parents left. A value that does not fit
/// writes nothing and marks the writer as overflowed: it stays a bug of the
/// layer that did not ask [`remaining`](Self::remaining) first, and the
/// outermost layer discards the datagram instead of sending half of one.
#[derive(Debug)]
pub struct Writer<'a> {
    buf: &'a mut Vec<u8>,
    start: usize,
    end: usize,
    overflowed: bool,
}

impl<'a> Writer<'a> {
    /// Appends at most `budget` bytes to `buf`.
    #[inline]
    pub fn new(buf: &'a mut Vec<u8>, budget: usize) -> Self {
        let start = buf.len();
        Self {
            buf,
            start,
            end: start.saturating_add(budget),
            overflowed: false,
        }
    }

    /// How many bytes were written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buf.len() - self.start
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes may still be written.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.end.saturating_sub(self.buf.len())
    }

    /// Whether a value did not fit.
    #[must_use]
    pub const fn is_overflowed(&self) -> bool {
        self.overflowed
    }

    /// What was written, from the `from`th byte on.
    #[must_use]
    pub fn written(&self, from: usize) -> &[u8] {
        self.buf
            .get(self.start.saturating_add(from)..)
            .unwrap_or_default()
    }

    /// What was written, from the `from`th byte on, to be sealed in place.
    pub fn written_mut(&mut self, from: usize) -> &mut [u8] {
        self.buf
            .get_mut(self.start.saturating_add(from)..)
            .unwrap_or_default()
    }

    /// Takes back all but the first `len` bytes.
    #[inline]
    pub fn rewind(&mut self, len: usize) {
        self.buf.truncate(self.start.saturating_add(len));
        self.overflowed = false;
    }

    /// Appends `bytes`.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.remaining() {
            self.buf.extend_from_slice(bytes);
        } else {
            self.overflowed = true;
        }
    }

    /// Appends `len` zero bytes.
    #[inline]
    pub fn zeros(&mut self, len: usize) {
        if len > self.remaining() {
            self.overflowed = true;
        } else if let Some(zeros) = ZEROS.get(..len) {
            // Tags are short and in every datagram: quicker than a resize.
            self.buf.extend_from_slice(zeros);
        } else {
            self.buf.resize(self.buf.len() + len, 0);
        }
    }

    /// Appends one byte.
    #[inline]
    pub fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    /// Appends a 16-bit number in network order.
    #[inline]
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends the low 24 bits of a number in network order.
    pub fn u24(&mut self, value: u32) {
        let [_, a, b, c] = value.to_be_bytes();
        self.bytes(&[a, b, c]);
    }

    /// Appends a 32-bit number in network order.
    #[inline]
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends a 64-bit number in network order.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends a number in groups of seven bits, lowest first.
    pub fn leb128(&mut self, mut value: u32) {
        loop {
            let [.., low] = value.to_be_bytes();
            value >>= 7;
            if value == 0 {
                self.u8(low & 0x7f);
                return;
            }
            self.u8(low | 0x80);
        }
    }

    /// Overwrites bytes written before, such as a checksum or a length.
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        let target = self.written_mut(at).get_mut(..bytes.len());
        if let Some(target) = target {
            target.copy_from_slice(bytes);
        }
    }

    /// Appends what `content` writes, preceded by its length in 8 bits.
    pub fn prefixed_u8(&mut self, content: impl FnOnce(&mut Self)) {
        self.prefixed::<1>(content);
    }

    /// Appends what `content` writes, preceded by its length in 16 bits.
    pub fn prefixed_u16(&mut self, content: impl FnOnce(&mut Self)) {
        self.prefixed::<2>(content);
    }

    /// Appends what `content` writes, preceded by its length in 24 bits.
    pub fn prefixed_u24(&mut self, content: impl FnOnce(&mut Self)) {
        self.prefixed::<3>(content);
    }

    fn prefixed<const N: usize>(&mut self, content: impl FnOnce(&mut Self)) {
        let at = self.len();
        self.zeros(N);
        content(self);
        let len = (self.len() - at).saturating_sub(N);
        let encoded = len.to_be_bytes();
        let (high, low) = encoded.split_at(encoded.len() - N);
        // A content longer than its prefix can say is as bad as one that does not fit.
        self.overflowed |= high.iter().any(|&byte| byte != 0);
        self.patch(at, low);
    }

    /// Lets a child write at most `most` bytes, however many remain. If `fill` says
    /// `false`, writes nothing or overflows, everything is taken back and the answer
    /// is `false`.
    #[inline]
    pub fn within(&mut self, most: usize, fill: impl FnOnce(&mut Writer<'_>) -> bool) -> bool {
        let tail = self.remaining().saturating_sub(most);
        self.end -= tail;
        let filled = self.nest(0, 0, fill);
        self.end += tail;
        filled
    }

    /// Lets a child write between a head and a tail of this layer.
    ///
    /// Reserves `head` bytes now and `tail` bytes of the budget, and gives
    /// `fill` a writer for what lies between. If `fill` says `false`, writes
    /// nothing or overflows, everything is taken back and the answer is `false`.
    /// Otherwise the tail is appended as zeros, to be filled by the caller.
    #[inline]
    pub fn nest(
        &mut self,
        head: usize,
        tail: usize,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let before = self.len();
        let Some(budget) = self.remaining().checked_sub(head + tail) else {
            return false;
        };
        self.zeros(head);
        let mut inner = Writer::new(self.buf, budget);
        let filled = fill(&mut inner) && !inner.overflowed && !inner.is_empty();
        if filled {
            self.zeros(tail);
        } else {
            self.buf.truncate(self.start + before);
        }
        filled
    }
}

/// What [`Writer::zeros`] mostly appends.
const ZEROS: [u8; 32] = [0; 32];

/// How many bytes [`Writer::leb128`] appends.
#[must_use]
pub const fn leb128_len(value: u32) -> usize {
    match u32::BITS - value.leading_zeros() {
        0..=7 => 1,
        8..=14 => 2,
        15..=21 => 3,
        22..=28 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn reader_names_the_cut_field_and_keeps_the_rest() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("a"), Ok(0x0102));
        assert_eq!(reader.u32("b"), Err(Malformed("b")));
        assert_eq!(reader.rest(), [3]);
        assert!(reader.finish("end").is_ok());
    }

    #[test]
    fn writer_never_passes_its_budget() {
        let mut buf = vec![9];
        let mut w = Writer::new(&mut buf, 3);
        w.u16(1);
        w.u16(2);
        assert!(w.is_overflowed());
        assert_eq!((w.len(), w.remaining()), (2, 1));
        assert_eq!(buf, [9, 0, 1]);
    }

    #[test]
    fn a_child_stays_within_what_it_was_given() {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 10);
        let fits = |len| {
            move |w: &mut Writer<'_>| {
                w.zeros(len);
                true
            }
        };
        assert!(!w.within(4, fits(5)));
        assert!(w.within(4, fits(4)));
        assert!(w.within(100, fits(6)));
        assert!(!w.within(100, fits(1)));
        assert_eq!(buf, [0; 10]);
    }

    #[test]
    fn prefixes_say_the_length_of_what_follows() {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 100);
        w.prefixed_u24(|w| {
            w.u8(7);
            w.prefixed_u8(|w| w.bytes(b"hi"));
        });
        assert_eq!(buf, [0, 0, 4, 7, 2, b'h', b'i']);
    }

    #[test]
    fn a_content_too_long_for_its_prefix_overflows() {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 1000);
        w.prefixed_u8(|w| w.zeros(256));
        assert!(w.is_overflowed());
    }

    #[test]
    fn numbers_in_groups_of_seven_bits_are_read_as_written() {
        for (value, len) in [
            (0, 1),
            (127, 1),
            (128, 2),
            (0x3fff, 2),
            (0x4000, 3),
            (0xffff_ffff, 5),
        ] {
            let mut buf = Vec::new();
            Writer::new(&mut buf, 10).leb128(value);
            assert_eq!((buf.len(), leb128_len(value)), (len, len));
            assert_eq!(Reader::new(&buf).leb128("n"), Ok(value));
            assert!(Reader::new(&buf[1..]).leb128("n").is_err() || len > 1);
        }
        let wrong: [&[u8]; 4] = [&[], &[0x80], &[0xff, 0xff, 0xff, 0xff, 0x1f], &[0x80; 8]];
        for bytes in wrong {
            assert_eq!(Reader::new(bytes).leb128("n"), Err(Malformed("n")));
        }
        assert_eq!(Reader::new(&[0x85, 0x80, 0]).leb128("n"), Ok(5));
    }

    #[test]
    fn nest_reserves_head_and_tail_and_takes_back_a_refusal() {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 10);
        assert!(!w.nest(2, 3, |w| {
            w.u8(1);
            false
        }));
        assert!(!w.nest(2, 3, |w| {
            assert_eq!(w.remaining(), 5);
            w.zeros(6);
            true
        }));
        assert!(!w.nest(8, 3, |_| unreachable!("no room for head and tail")));
        assert!(w.is_empty());
        assert!(w.nest(2, 3, |w| {
            w.u8(7);
            true
        }));
        assert_eq!(buf, [0, 0, 7, 0, 0, 0]);
    }
}
