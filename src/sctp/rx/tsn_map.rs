//! Which TSNs arrived?

use alloc::vec::Vec;

use arrayvec::ArrayVec;

use crate::seq::{Serial32, extend_u32};
use crate::wire::sctp::Tsn;
use crate::wire::sctp::chunk::GapAckBlock;

/// Which TSNs arrived, and what does the next SACK say of them?
///
/// All up to a cumulative TSN, and a few ranges behind it. TSNs are counted
/// here without wrapping, so that comparisons are plain.
#[derive(Debug)]
pub(crate) struct TsnMap {
    cumulative: u64,
    /// In order, apart from each other and from the cumulative TSN.
    ranges: Vec<Range>,
    max_ranges: usize,
    duplicates: ArrayVec<Tsn, MAX_DUPLICATES>,
}

/// TSNs that arrived one after the other: first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
}

/// What is a TSN to the map?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It did not arrive before. Here it is without wrapping.
    New(u64),
    /// It arrived before, or was given up.
    Duplicate,
    /// It is too far ahead, or one hole more than the map can hold.
    TooFar,
}

impl TsnMap {
    /// A map in which `initial` is the first TSN to come.
    pub(crate) const fn new(initial: Tsn, max_ranges: usize) -> Self {
        Self {
            // One circle up, so that the TSN before the first one exists.
            cumulative: (1 << 32) + initial.0 as u64 - 1,
            ranges: Vec::new(),
            max_ranges,
            duplicates: ArrayVec::new_const(),
        }
    }

    /// What `tsn` is, without remembering it: whether to keep its data is
    /// decided in between.
    pub(crate) fn look(&self, tsn: Tsn) -> Arrival {
        let tsn = extend_u32(self.cumulative, tsn);
        if tsn <= self.cumulative {
            return Arrival::Duplicate;
        }
        if tsn > self.cumulative + MAX_AHEAD {
            return Arrival::TooFar;
        }
        let index = self.position(tsn);
        if self.ranges.get(index).is_some_and(|r| r.first <= tsn) {
            return Arrival::Duplicate;
        }
        let touches = tsn == self.cumulative + 1
            || self.ranges.get(index).is_some_and(|r| r.first == tsn + 1)
            || index > 0 && self.ranges[index - 1].last + 1 == tsn;
        if touches || self.ranges.len() < self.max_ranges {
            Arrival::New(tsn)
        } else {
            Arrival::TooFar
        }
    }

    /// Remembers a TSN that [`look`](Self::look) called new.
    pub(crate) fn record(&mut self, tsn: u64) {
        if tsn == self.cumulative + 1 {
            self.cumulative = tsn;
            self.absorb();
            return;
        }
        let index = self.position(tsn);
        let joins_next = self.ranges.get(index).is_some_and(|r| r.first == tsn + 1);
        let joins_previous = index > 0 && self.ranges[index - 1].last + 1 == tsn;
        match (joins_previous, joins_next) {
            (true, true) => {
                let next = self.ranges.remove(index);
                self.ranges[index - 1].last = next.last;
            }
            (true, false) => self.ranges[index - 1].last = tsn,
            (false, true) => self.ranges[index].first = tsn,
            (false, false) => {
                let range = Range {
                    first: tsn,
                    last: tsn,
                };
                self.ranges.insert(index, range);
            }
        }
    }

    /// Treats all TSNs up to `tsn` as arrived (RFC 3758 §3.6). `None` if that
    /// is nothing new.
    pub(crate) fn forward(&mut self, tsn: Tsn) -> Option<u64> {
        let tsn = extend_u32(self.cumulative, tsn);
        if tsn <= self.cumulative {
            return None;
        }
        self.cumulative = tsn;
        let passed = self.ranges.partition_point(|r| r.last <= tsn);
        self.ranges.drain(..passed);
        if let Some(range) = self.ranges.first_mut() {
            range.first = range.first.max(tsn + 1);
        }
        self.absorb();
        Some(tsn)
    }

    /// Remembers to report a duplicate; the first sixteen are enough.
    pub(crate) fn report_duplicate(&mut self, tsn: Tsn) {
        let _ = self.duplicates.try_push(tsn);
    }

    /// The duplicates of the next SACK, which are then forgotten.
    pub(crate) fn take_duplicates(&mut self) -> ArrayVec<Tsn, MAX_DUPLICATES> {
        core::mem::take(&mut self.duplicates)
    }

    /// The last TSN before the first one missing.
    pub(crate) const fn cumulative(&self) -> u64 {
        self.cumulative
    }

    /// The last TSN before the first one missing, as the wire says it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the wire has the low 32 bits"
    )]
    pub(crate) const fn cumulative_tsn(&self) -> Tsn {
        Serial32(self.cumulative as u32)
    }

    /// Whether something arrived behind one that is missing.
    pub(crate) const fn has_gaps(&self) -> bool {
        !self.ranges.is_empty()
    }

    /// What arrived behind the first one missing.
    pub(crate) fn gap_blocks(&self) -> impl Iterator<Item = GapAckBlock> + '_ {
        self.ranges.iter().map(|range| GapAckBlock {
            start: self.offset(range.first),
            end: self.offset(range.last),
        })
    }

    fn offset(&self, tsn: u64) -> u16 {
        // Nothing is recorded further ahead than an offset can say.
        u16::try_from(tsn - self.cumulative).unwrap_or(u16::MAX)
    }

    /// The first range that does not lie wholly before `tsn`.
    fn position(&self, tsn: u64) -> usize {
        match self.ranges.last() {
            Some(last) if last.last < tsn => self.ranges.len(),
            _ => self.ranges.partition_point(|r| r.last < tsn),
        }
    }

    /// Takes in the first range if nothing is missing before it any more.
    fn absorb(&mut self) {
        if let Some(range) = self.ranges.first()
            && range.first == self.cumulative + 1
        {
            self.cumulative = range.last;
            self.ranges.remove(0);
        }
    }
}

/// How many duplicates a SACK reports.
const MAX_DUPLICATES: usize = 16;

/// How far ahead a gap block can reach.
const MAX_AHEAD: u64 = u16::MAX as u64;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "the wire's low 32 bits")]
    fn wire(tsn: u64) -> Tsn {
        Serial32(tsn as u32)
    }

    proptest! {
        /// SCTP-033: what was acked is never taken again; ATK-059: near the wrap.
        #[test]
        fn agrees_with_a_set(
            initial in prop_oneof![Just(0_u32), Just(u32::MAX - 20), any::<u32>()],
            steps in proptest::collection::vec((0_u64..60, any::<bool>()), 0..200),
        ) {
            let base = (1 << 32) + u64::from(initial) - 1;
            let mut map = TsnMap::new(Serial32(initial), 1000);
            let mut set = BTreeSet::new();
            let mut cumulative = base;
            for (ahead, forward) in steps {
                let tsn = base + ahead;
                if forward && ahead % 5 == 0 {
                    prop_assert_eq!(map.forward(wire(tsn)).is_some(), tsn > cumulative);
                    cumulative = cumulative.max(tsn);
                } else {
                    let new = tsn > cumulative && !set.contains(&tsn);
                    let arrival = map.look(wire(tsn));
                    prop_assert_eq!(arrival, if new { Arrival::New(tsn) } else { Arrival::Duplicate });
                    if new {
                        map.record(tsn);
                        set.insert(tsn);
                    }
                }
                while set.contains(&(cumulative + 1)) {
                    cumulative += 1;
                }
                prop_assert_eq!(map.cumulative(), cumulative);
                let acked: Vec<u64> = map
                    .gap_blocks()
                    .flat_map(|b| cumulative + u64::from(b.start)..=cumulative + u64::from(b.end))
                    .collect();
                let expected: Vec<u64> = set.range(cumulative + 1..).copied().collect();
                prop_assert_eq!(acked, expected);
            }
        }
    }

    /// SCTP-037: however many holes there are, the list stays short.
    #[test]
    fn holes_are_bounded() {
        let mut map = TsnMap::new(Serial32(1), 128);
        for tsn in (3..3000).step_by(2) {
            if let Arrival::New(tsn) = map.look(Serial32(tsn)) {
                map.record(tsn);
            }
            map.report_duplicate(Serial32(tsn));
        }
        assert_eq!(map.gap_blocks().count(), 128);
        assert_eq!(map.look(Serial32(5001)), Arrival::TooFar);
        assert_eq!(map.look(Serial32(4)), Arrival::New((1 << 32) + 4));
        assert_eq!(map.take_duplicates().len(), 16);
        assert!(map.take_duplicates().is_empty());
    }

    /// SCTP-032: a TSN outside of the window is not taken.
    #[test]
    fn the_far_future_is_not_taken() {
        let map = TsnMap::new(Serial32(1), 128);
        assert_eq!(map.look(Serial32(65_536)), Arrival::TooFar);
        assert_eq!(map.look(Serial32(0x7fff_ffff)), Arrival::TooFar);
        assert_eq!(map.look(Serial32(0x9000_0000)), Arrival::Duplicate);
    }
}
