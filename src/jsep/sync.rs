//! Which tracks are played together (RFC 9429 §5.2.1 and §5.3.1, RFC 5888 §7)?
//!
//! Groups of type LS say it of sections. They say what the names of streams say
//! already; nothing here depends on them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::media::Rtp;

/// What each section says of media, if it is live. Groups are in the order of sections.
type Sections<'a> = [Option<&'a Rtp>];

/// The groups of an offer: the sections of each stream of ours that has several, and what
/// is left of the groups of the last answer.
pub(super) fn offered(sections: &Sections<'_>, left: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut groups = by_stream(sections, 0..sections.len());
    for old in left.iter().filter(|old| old.len() > 1) {
        let holds = |group: &Vec<usize>| old.iter().all(|index| has(group, *index));
        if !groups.iter().any(holds) {
            groups.push(old.clone());
        }
    }
    groups
}

/// The groups of an answer: of each that was offered the sections whose tracks of ours have
/// a stream in common, and those that have none.
pub(super) fn answered(sections: &Sections<'_>, offered: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let said = |index: &usize| sections.get(*index).copied().flatten();
    let groups = offered.iter().map(|group| {
        let live = group.iter().copied().filter(|index| said(index).is_some());
        let streams = by_stream(sections, live.clone());
        let common = streams.iter().max_by_key(|stream| stream.len());
        let is_common = |index: &usize| common.is_some_and(|common| has(common, *index));
        let is_free = |index: &usize| said(index).is_some_and(|rtp| names(rtp).next().is_none());
        live.filter(|index| is_common(index) || is_free(index))
            .collect()
    });
    groups
        .filter(|group: &Vec<usize>| group.len() > 1)
        .collect()
}

/// Whether a group, which is in the order of the sections, has this one.
fn has(group: &[usize], index: usize) -> bool {
    group.binary_search(&index).is_ok()
}

/// Those of the sections `among` all whose tracks share a stream, for each that is shared.
fn by_stream(sections: &Sections<'_>, among: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    let mut streams: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for index in among {
        let rtp = sections.get(index).copied().flatten();
        for name in rtp.into_iter().flat_map(names) {
            streams.entry(name).or_default().push(index);
        }
    }
    let shared = streams.into_values().filter(|group| group.len() > 1);
    let mut groups: Vec<Vec<usize>> = shared.collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The streams of a track.
fn names(rtp: &Rtp) -> impl Iterator<Item = &str> {
    let names = rtp.streams.iter().map(|stream| stream.stream.as_str());
    names.filter(|name| *name != "-")
}
