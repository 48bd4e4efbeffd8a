//! Who was heard lately?

use alloc::vec::Vec;
use core::time::Duration;

use super::event::{Source, SourceKind};
use crate::time::Instant;
use crate::wire::rtp::extension::{AudioLevel, Kind, MixerLevels};
use crate::wire::rtp::{Extension, ExtensionMap, Header};

/// The source of the packets, and those that a mixer put into them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    own: Option<Source>,
    mixed: Vec<Source>,
}

impl Sources {
    /// A packet came.
    pub(super) fn note(
        &mut self,
        now: Instant,
        header: &Header<'_>,
        audio_level: Option<AudioLevel>,
        extensions: &ExtensionMap,
    ) {
        let heard = |ssrc, kind, audio_level| Source {
            ssrc,
            kind,
            heard: now,
            timestamp: header.timestamp,
            audio_level,
        };
        self.own = Some(heard(header.ssrc, SourceKind::Synchronization, audio_level));
        if header.csrcs.is_empty() {
            return;
        }
        let levels = mixer_levels(header, extensions);
        let mut levels = levels.iter().flat_map(MixerLevels::below);
        for ssrc in header.csrcs.iter().take(Header::MAX_CSRCS) {
            let level = levels.next().map(|below| AudioLevel {
                voice: false,
                below,
            });
            self.note_mixed(heard(ssrc, SourceKind::Contributing, level));
        }
    }

    /// Of too many the one that was silent longest is forgotten.
    fn note_mixed(&mut self, source: Source) {
        let known = self.mixed.iter_mut().find(|old| old.ssrc == source.ssrc);
        if let Some(known) = known {
            *known = source;
        } else if self.mixed.len() < MAX_MIXED {
            self.mixed.push(source);
        } else if let Some(oldest) = self.mixed.iter_mut().min_by_key(|old| old.heard) {
            *oldest = source;
        }
    }

    /// Those that were heard within the last ten seconds.
    pub(super) fn heard(&self, now: Instant) -> Vec<Source> {
        let all = self.own.iter().chain(&self.mixed);
        all.filter(|source| now.since(source.heard) < REMEMBERED)
            .copied()
            .collect()
    }
}

fn mixer_levels<'a>(header: &Header<'a>, extensions: &ExtensionMap) -> Option<MixerLevels<'a>> {
    let id = extensions.id(Kind::MixerLevels)?;
    match extensions.decode(id, header.extension(id)?) {
        Ok(Extension::MixerLevels(levels)) => Some(levels),
        _ => None,
    }
}

/// How many mixed sources are remembered.
const MAX_MIXED: usize = 32;
/// W3C WebRTC §5.3.
const REMEMBERED: Duration = Duration::from_secs(10);
