//! What is known of each source.

use alloc::vec::Vec;

use crate::wire::rtp::Ssrc;

/// A bounded table of sources, quick for one that was asked for before.
#[derive(Debug)]
pub(super) struct Sources<T> {
    /// In the order of their SSRCs.
    list: Vec<(Ssrc, T)>,
    /// Where the last one stood that was asked for.
    last: usize,
    limit: usize,
}

impl<T: Default> Sources<T> {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            last: 0,
            limit,
        }
    }

    /// What is known of the source, if it is known.
    pub(super) fn get(&mut self, ssrc: Ssrc) -> Option<&mut T> {
        if self
            .list
            .get(self.last)
            .is_none_or(|(known, _)| *known != ssrc)
        {
            self.last = self.position(ssrc).ok()?;
        }
        self.list.get_mut(self.last).map(|(_, source)| source)
    }

    /// The source, new if it is not known; `None` if there are too many.
    pub(super) fn get_or_add(&mut self, ssrc: Ssrc) -> Option<&mut T> {
        if let Err(place) = self.position(ssrc) {
            if self.is_full() {
                return None;
            }
            if self.list.is_empty() {
                // Many connections have one, and no room for four.
                self.list.reserve_exact(1);
            }
            self.list.insert(place, (ssrc, T::default()));
            self.last = place;
        }
        self.get(ssrc)
    }

    /// Whether a source that is not known finds no room.
    pub(super) const fn is_full(&self) -> bool {
        self.list.len() >= self.limit
    }

    /// Where the source stands, or where it would.
    fn position(&self, ssrc: Ssrc) -> Result<usize, usize> {
        match self.list.get(self.last) {
            Some((known, _)) if *known == ssrc => Ok(self.last),
            _ => self.list.binary_search_by_key(&ssrc, |(known, _)| *known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_found_again_and_bounded() {
        let mut sources = Sources::<u32>::new(3);
        for ssrc in [7, 3, 5] {
            *sources.get_or_add(Ssrc(ssrc)).expect("there is room") = ssrc;
        }
        assert!(sources.is_full() && sources.get_or_add(Ssrc(1)).is_none());
        for ssrc in [3, 5, 7, 7, 3] {
            assert_eq!(sources.get(Ssrc(ssrc)), Some(&mut ssrc.clone()));
            assert_eq!(sources.get_or_add(Ssrc(ssrc)), Some(&mut ssrc.clone()));
        }
        assert_eq!(sources.get(Ssrc(1)), None);
    }
}
