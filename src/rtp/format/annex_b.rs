//! NAL units between start codes, as H.264 and H.265 write them (annex B of both).

use core::iter::FusedIterator;
use core::ops::Range;

/// The iterator over the units of a byte stream: where each lies.
///
/// A unit begins behind `00 00 01` and ends before the zeros of the next start
/// code. A stream without a start code is one unit.
#[derive(Clone, Debug)]
pub struct Units<'a> {
    stream: &'a [u8],
    /// Where the next unit begins, if there is one.
    at: Option<usize>,
}

impl<'a> Units<'a> {
    /// The units of `stream`.
    #[must_use]
    pub fn new(stream: &'a [u8]) -> Self {
        let first = start_code(stream, 0).map_or(0, |code| code + CODE.len());
        Self {
            stream,
            at: Some(first),
        }
    }
}

impl Iterator for Units<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let from = self.at?;
            let next = start_code(self.stream, from);
            self.at = next.map(|code| code + CODE.len());
            let end = next.unwrap_or(self.stream.len());
            let unit = self.stream.get(from..end)?;
            let zeros = unit.iter().rev().take_while(|byte| **byte == 0).count();
            if zeros < unit.len() {
                return Some(from..end - zeros);
            }
        }
    }
}

impl FusedIterator for Units<'_> {}

/// Where the next start code begins, from `from` on.
fn start_code(stream: &[u8], from: usize) -> Option<usize> {
    let rest = stream.get(from..)?;
    let at = rest.windows(CODE.len()).position(|window| window == CODE)?;
    Some(from + at)
}

const CODE: [u8; 3] = [0, 0, 1];

/// What stands before each unit that is written.
pub(super) const LONG_CODE: [u8; 4] = [0, 0, 0, 1];
