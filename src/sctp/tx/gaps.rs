//! The gap blocks of a SACK, and how they differ from those of the one before.

use alloc::vec::Vec;

use crate::wire::sctp::chunk::GapAckBlock;

/// TSNs that a gap block acknowledges, as distances from the cumulative TSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// Reads the gap blocks of a SACK up to the first that cannot be: empty, out
/// of order, or about what was never sent (RFC 9260 §3.3.4).
pub(super) fn read_blocks(
    blocks: &mut Vec<Block>,
    gaps: impl Iterator<Item = GapAckBlock>,
    sent: u64,
) {
    let mut end = 0;
    for gap in gaps {
        let (first, last) = (u64::from(gap.start), u64::from(gap.end));
        if first <= end || last < first || last > sent {
            break;
        }
        end = last;
        match blocks.last_mut() {
            // Blocks that touch are one.
            Some(block) if block.last + 1 == first => block.last = last,
            _ => blocks.push(Block { first, last }),
        }
    }
}

/// Calls `found` for everything in `a` that is not in `b`. Both are in order.
pub(super) fn difference(a: &[Block], b: &[Block], mut found: impl FnMut(u64)) {
    let mut others = b.iter().peekable();
    for block in a {
        let mut at = block.first;
        while at <= block.last {
            while others.next_if(|other| other.last < at).is_some() {}
            let other = others.peek().filter(|other| other.first <= block.last);
            let end = other.map_or(block.last, |other| other.first.max(at) - 1);
            (at..=end).for_each(&mut found);
            at = other.map_or(block.last, |other| other.last) + 1;
        }
    }
}

/// Keeps what `old` says behind `end`.
pub(super) fn keep_tail(new: &mut Vec<Block>, old: &[Block], end: u64) {
    for block in old.iter().filter(|block| block.last > end) {
        let first = block.first.max(end + 1);
        match new.last_mut() {
            Some(last) if last.last + 1 == first => last.last = block.last,
            _ => new.push(Block {
                first,
                last: block.last,
            }),
        }
    }
}

/// From so many gap blocks on, a receiver may have left some out: libwebrtc
/// reports twenty.
pub(super) const MAYBE_CUT: usize = 16;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn blocks(numbers: &BTreeSet<u64>) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        for &number in numbers {
            match blocks.last_mut() {
                Some(block) if block.last + 1 == number => block.last = number,
                _ => blocks.push(Block {
                    first: number,
                    last: number,
                }),
            }
        }
        blocks
    }

    fn numbers(blocks: &[Block]) -> BTreeSet<u64> {
        blocks.iter().flat_map(|b| b.first..=b.last).collect()
    }

    proptest! {
        #[test]
        fn differences_agree_with_sets(
            a in proptest::collection::btree_set(1_u64..80, 0..40),
            b in proptest::collection::btree_set(1_u64..80, 0..40),
            end in 0_u64..80,
        ) {
            let mut found = Vec::new();
            difference(&blocks(&a), &blocks(&b), |number| found.push(number));
            let expected: Vec<u64> = a.difference(&b).copied().collect();
            prop_assert_eq!(found, expected);
            let head: BTreeSet<u64> = a.range(..=end).copied().collect();
            let mut merged = blocks(&head);
            keep_tail(&mut merged, &blocks(&b), end);
            let expected: BTreeSet<u64> = head.iter().chain(b.range(end + 1..)).copied().collect();
            prop_assert_eq!(&merged, &blocks(&expected));
            prop_assert_eq!(numbers(&merged), expected);
        }

        /// SCTP-040: blocks that cannot be are ignored, with all behind them.
        #[test]
        fn blocks_come_out_in_order_and_within_what_was_sent(
            gaps in proptest::collection::vec((0_u16..60, 0_u16..60), 0..20),
        ) {
            let mut read = Vec::new();
            let gaps = gaps.into_iter().map(|(start, end)| GapAckBlock { start, end });
            read_blocks(&mut read, gaps, 50);
            let mut end = 0;
            for block in read {
                prop_assert!(block.first > end && block.first <= block.last && block.last <= 50);
                prop_assert!(end == 0 || block.first > end + 1, "touching blocks are one");
                end = block.last;
            }
        }
    }
}
