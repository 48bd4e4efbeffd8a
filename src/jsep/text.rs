//! The text of a description: kept for as long as a connection is open, and seldom
//! looked at.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

/// A text that can be made small.
///
/// Descriptions of media are long, and say the same again and again. Packed, they
/// take about a third: a byte below 128 stands before as many bytes and one, which
/// are as they were; any other says how many bytes, and the two behind it how far
/// back, are to be repeated.
#[derive(Clone)]
pub(super) enum Text {
    Plain(Arc<str>),
    Packed(Arc<[u8]>),
}

impl Text {
    /// The text.
    pub(super) fn get(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Packed(packed) => {
                let text = String::from_utf8(unpack(packed));
                Cow::Owned(text.unwrap_or_default())
            }
        }
    }

    /// Makes it small, if it is long.
    pub(super) fn pack(&mut self) {
        if let Self::Plain(text) = self
            && text.len() >= WORTH_IT
        {
            *self = Self::Packed(pack(text.as_bytes()).into());
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Text {}

fn pack(text: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() / 2);
    // Where four bytes with this hash stood last.
    let mut seen = vec![0_u32; 1 << HASH_BITS];
    let (mut at, mut plain) = (0, 0);
    while let Some(four) = text.get(at..).and_then(<[u8]>::first_chunk) {
        let slot = seen.get_mut(hash(*four));
        let here = u32::try_from(at).unwrap_or(u32::MAX);
        let before = slot.map_or(here, |slot| core::mem::replace(slot, here)) as usize;
        let len = repeated(text, before, at);
        match u16::try_from(at - before) {
            Ok(distance) if len >= SHORTEST => {
                copy(&mut packed, text.get(plain..at).unwrap_or_default());
                packed.push(REPEAT | u8::try_from(len - SHORTEST).unwrap_or(0));
                packed.extend(distance.to_be_bytes());
                at += len;
                plain = at;
            }
            _ => at += 1,
        }
    }
    copy(&mut packed, text.get(plain..).unwrap_or_default());
    packed
}

/// How many bytes at `at` are those at `before`.
fn repeated(text: &[u8], before: usize, at: usize) -> usize {
    if before >= at {
        return 0;
    }
    let (old, new) = (text.iter().skip(before), text.iter().skip(at));
    let same = old.zip(new).take_while(|(old, new)| old == new);
    same.take(LONGEST).count()
}

/// Bytes as they are.
fn copy(packed: &mut Vec<u8>, bytes: &[u8]) {
    for bytes in bytes.chunks(usize::from(REPEAT)) {
        packed.push(u8::try_from(bytes.len() - 1).unwrap_or(0));
        packed.extend_from_slice(bytes);
    }
}

fn unpack(mut packed: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((&head, rest)) = packed.split_first() {
        packed = rest;
        if head < REPEAT {
            let (bytes, rest) = packed.split_at(packed.len().min(usize::from(head) + 1));
            text.extend_from_slice(bytes);
            packed = rest;
        } else if let Some((distance, rest)) = packed.split_first_chunk() {
            let distance = usize::from(u16::from_be_bytes(*distance));
            let from = text.len().saturating_sub(distance);
            for place in from..from + usize::from(head & !REPEAT) + SHORTEST {
                // It may repeat what it has just written.
                text.extend(text.get(place).copied());
            }
            packed = rest;
        }
    }
    text
}

fn hash(four: [u8; 4]) -> usize {
    let mixed = u32::from_le_bytes(four).wrapping_mul(0x9e37_79b1);
    (mixed >> (u32::BITS - HASH_BITS)) as usize
}

/// A shorter text is kept as it is.
const WORTH_IT: usize = 1024;

/// How long a repetition is at least: shorter ones are no shorter than themselves.
const SHORTEST: usize = 4;

/// And at most.
const LONGEST: usize = SHORTEST + 127;

/// What a byte is that says how much is repeated.
const REPEAT: u8 = 0x80;

const HASH_BITS: u32 = 11;

#[cfg(test)]
mod tests {
    use alloc::format;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn descriptions_become_small_and_stay_what_they_are() {
        let line =
            |number: u32| format!("a=rtcp-fb:{number} nack pli\r\na=ssrc:{number} cname:x\r\n");
        let long: String = (100..160).map(line).collect();
        let mut text = Text::from(&*long);
        text.pack();
        assert!(matches!(&text, Text::Packed(packed) if packed.len() < long.len() / 3));
        assert_eq!(text.get(), long);
        assert!(text == Text::from(&*long) && text != Text::from(&long[1..]));
        text.pack();
        assert_eq!(text.get(), long);

        let mut short = Text::from(&long[..WORTH_IT - 1]);
        short.pack();
        assert!(matches!(short, Text::Plain(_)));
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_back(
            words in proptest::collection::vec(("[a-c]{1,9}|é|[\\PC]{0,5}", 0..300_usize), 0..60),
        ) {
            let text: String = words.iter().map(|(word, times)| word.repeat(*times)).collect();
            prop_assert_eq!(unpack(&pack(text.as_bytes())), text.as_bytes());
        }
    }
}
