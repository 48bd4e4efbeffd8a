//! Which numbers stand for which codecs and extensions in all sections of a bundle?

use alloc::format;
use alloc::vec::Vec;

use super::{Codec, HeaderExtension, Kind, Rtp};

/// What is taken. Sections that share a transport share these numbers too: one of
/// them means the same everywhere (RFC 9143 §9.1, RFC 8285 §5).
#[derive(Debug, Default)]
pub(in crate::jsep) struct Numbers<'a> {
    codecs: Vec<Taken<'a>>,
    extensions: Vec<(u8, &'a str)>,
}

/// A payload type, and the codec that it means, whose own number may be another.
#[derive(Clone, Copy, Debug)]
struct Taken<'a> {
    payload: u8,
    /// The payload type whose packets it repeats.
    repeats: Option<u8>,
    codec: &'a Codec,
}

impl<'a> Numbers<'a> {
    /// The numbers that the sections of an exchange have settled.
    pub(in crate::jsep) fn of(sections: impl Iterator<Item = &'a Rtp>) -> Self {
        let mut numbers = Self::default();
        for section in sections {
            for codec in &section.codecs {
                numbers.take(Taken {
                    payload: codec.payload,
                    repeats: codec.repeats(),
                    codec,
                });
            }
            for extension in &section.extensions {
                if !numbers.names_extension(extension.id) {
                    numbers.extensions.push((extension.id, &extension.uri));
                }
            }
        }
        numbers
    }

    /// `wanted` with the numbers that they have already, else with their own, else
    /// with free ones. One that finds none is left out.
    pub(in crate::jsep) fn for_codecs(&mut self, wanted: &[&'a Codec]) -> Vec<Codec> {
        let mut numbered: Vec<Taken<'a>> = Vec::with_capacity(wanted.len());
        for codec in wanted {
            let own = codec.repeats();
            // It repeats whatever number that codec has got.
            let main = own.map(|own| numbered.iter().find(|main| main.codec.payload == own));
            if main.is_some_and(|main| main.is_none()) {
                continue;
            }
            let repeats = main.flatten().map(|main| main.payload);
            if let Some(payload) = self.payload_for(codec, repeats) {
                let taken = Taken {
                    payload,
                    repeats,
                    codec,
                };
                self.take(taken);
                numbered.push(taken);
            }
        }
        numbered.iter().map(Taken::said).collect()
    }

    fn payload_for(&self, codec: &Codec, repeats: Option<u8>) -> Option<u8> {
        let same =
            |other: &&Taken<'_>| other.repeats == repeats && other.codec.is_same_format(codec);
        if let Some(known) = self.codecs.iter().find(same) {
            return Some(known.payload);
        }
        // RFC 3551 §6: the dynamic ones, and then those that RTCP leaves (RFC 5761 §4).
        let mut choices = core::iter::once(codec.payload)
            .chain(96..=127)
            .chain(35..=63);
        choices.find(|payload| !self.names_codec(*payload))
    }

    fn take(&mut self, taken: Taken<'a>) {
        if !self.names_codec(taken.payload) {
            self.codecs.push(taken);
        }
    }

    fn names_codec(&self, payload: u8) -> bool {
        self.codecs.iter().any(|taken| taken.payload == payload)
    }

    /// `wanted` with the numbers that they have already, else with free ones. One
    /// that finds none is left out.
    pub(in crate::jsep) fn for_extensions(
        &mut self,
        wanted: impl Iterator<Item = &'a str>,
    ) -> Vec<HeaderExtension> {
        let numbered = wanted.filter_map(|uri| {
            let id = self.extension(uri)?;
            let uri = uri.into();
            Some(HeaderExtension { id, uri })
        });
        numbered.collect()
    }

    fn extension(&mut self, uri: &'a str) -> Option<u8> {
        let known = self.extensions.iter().find(|(_, known)| *known == uri);
        if let Some((id, _)) = known {
            return Some(*id);
        }
        // RFC 8285 §4.2: 15 means something else in the one-byte form.
        let id = (1..=14)
            .chain(16..=255)
            .find(|id| !self.names_extension(*id))?;
        self.extensions.push((id, uri));
        Some(id)
    }

    fn names_extension(&self, id: u8) -> bool {
        self.extensions.iter().any(|(taken, _)| *taken == id)
    }
}

impl Taken<'_> {
    /// The codec as a description says it.
    fn said(&self) -> Codec {
        let mut codec = self.codec.clone();
        codec.payload = self.payload;
        if let Some(main) = self.repeats {
            codec.parameters = format!("apt={main}");
        }
        codec
    }
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
            // The last one stands for all before it, since each is the same as the one
            // before: so the parameters of each are read twice, however many there are.
            let last = codecs[usize::from(codec.payload)].replace((section.kind, codec));
            if last.is_some_and(|(kind, last)| kind != section.kind || !last.is_same(codec)) {
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
