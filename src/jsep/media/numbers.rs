//! Which numbers stand for which codecs and extensions in all sections of a bundle?

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Codec, HeaderExtension, Kind, Rtp};

/// What is taken. Sections that share a transport share these numbers too: one of
/// them means the same everywhere (RFC 9143 §9.1, RFC 8285 §5).
#[derive(Debug, Default)]
pub(in crate::jsep) struct Numbers {
    codecs: Vec<Codec>,
    extensions: Vec<HeaderExtension>,
}

/// Whether each number means one thing in all `sections`, which share a transport; else
/// what is wrong (RFC 9143 §9.1.1 and §12, RFC 8285 §5).
///
/// Only the stream or the name in a packet could tell two meanings apart, and neither
/// has to be there. Parameters that are wishes may differ: a packet can be read all the same.
pub(in crate::jsep) fn clash<'a>(sections: impl Iterator<Item = &'a Rtp>) -> Option<&'static str> {
    let mut codecs: [Option<(Kind, &Codec)>; 256] = [None; 256];
    let mut extensions: [Option<&str>; 256] = [None; 256];
    for section in sections {
        for codec in &section.codecs {
            let meaning = &mut codecs[usize::from(codec.payload)];
            let (kind, known) = meaning.get_or_insert((section.kind, codec));
            if *kind != section.kind || !known.is_same(codec) {
                return Some("payload type of two codecs on one transport");
            }
        }
        for extension in &section.extensions {
            let meaning = &mut extensions[usize::from(extension.id)];
            if *meaning.get_or_insert(&extension.uri) != extension.uri {
                return Some("number of two header extensions on one transport");
            }
        }
    }
    None
}

impl Numbers {
    /// The numbers that the sections of an exchange have settled.
    pub(in crate::jsep) fn of<'a>(sections: impl Iterator<Item = &'a Rtp>) -> Self {
        let mut numbers = Self::default();
        for section in sections {
            for codec in &section.codecs {
                if numbers.codec(codec.payload).is_none() {
                    numbers.codecs.push(codec.clone());
                }
            }
            for extension in &section.extensions {
                let taken = |other: &HeaderExtension| other.id == extension.id;
                if !numbers.extensions.iter().any(taken) {
                    numbers.extensions.push(extension.clone());
                }
            }
        }
        numbers
    }

    /// `wanted` with the numbers that they have already, else with their own, else
    /// with free ones. One that finds none is left out.
    pub(in crate::jsep) fn for_codecs(&mut self, wanted: &[Codec]) -> Vec<Codec> {
        let mut numbered: Vec<(u8, Codec)> = Vec::new();
        for codec in wanted {
            let mut codec = codec.clone();
            let own = codec.payload;
            if let Some(repeated) = codec.repeats() {
                // It repeats whatever number that codec has got.
                let Some((_, main)) = numbered.iter().find(|(own, _)| *own == repeated) else {
                    continue;
                };
                codec.parameters = format!("apt={}", main.payload);
            }
            if let Some(payload) = self.payload_for(&codec) {
                codec.payload = payload;
                if self.codec(payload).is_none() {
                    self.codecs.push(codec.clone());
                }
                numbered.push((own, codec));
            }
        }
        numbered.into_iter().map(|(_, codec)| codec).collect()
    }

    fn payload_for(&self, codec: &Codec) -> Option<u8> {
        if let Some(known) = self.codecs.iter().find(|known| known.is_same(codec)) {
            return Some(known.payload);
        }
        let is_free = |payload: &u8| self.codec(*payload).is_none();
        // RFC 3551 §6: the dynamic ones, and then those that RTCP leaves (RFC 5761 §4).
        let mut choices = core::iter::once(codec.payload)
            .chain(96..=127)
            .chain(35..=63);
        choices.find(is_free)
    }

    fn codec(&self, payload: u8) -> Option<&Codec> {
        self.codecs.iter().find(|codec| codec.payload == payload)
    }

    /// `wanted` with the numbers that they have already, else with free ones. One
    /// that finds none is left out.
    pub(in crate::jsep) fn for_extensions(&mut self, wanted: &[String]) -> Vec<HeaderExtension> {
        wanted
            .iter()
            .filter_map(|uri| self.extension(uri))
            .collect()
    }

    fn extension(&mut self, uri: &str) -> Option<HeaderExtension> {
        let known = self.extensions.iter().find(|known| known.uri == uri);
        if let Some(known) = known {
            return Some(known.clone());
        }
        let taken = |id: u8| self.extensions.iter().any(|other| other.id == id);
        // RFC 8285 §4.2: 15 means something else in the one-byte form.
        let id = (1..=14).chain(16..=255).find(|id| !taken(*id))?;
        let extension = HeaderExtension {
            id,
            uri: uri.into(),
        };
        self.extensions.push(extension.clone());
        Some(extension)
    }
}
