//! Which format is it? One packetizer and one depacketizer for all of them.

use bytes::Bytes;

use super::{Assembly, Frame, Limits, av1, h264, h265, vp8, vp9};
use crate::cursor::{Malformed, Writer};
use crate::rtp::fmtp::Parameters;

/// How are the frames of a codec laid into payloads?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A frame is a payload: Opus, G.711, G.722, comfort noise, keys of a telephone.
    Plain,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9 (RFC 9628).
    Vp9,
    /// H.264 (RFC 6184).
    H264 {
        /// Whether each payload is one unit (packetization mode 0).
        single_unit: bool,
    },
    /// H.265 (RFC 7798).
    H265,
    /// AV1 (the AV1 RTP specification).
    Av1,
}

impl Format {
    /// The format with this name and these parameters, as `a=rtpmap` and
    /// `a=fmtp` have them.
    ///
    /// `None` for what no codec decodes by itself, such as repeated packets, and
    /// for H.264 in interleaved mode.
    #[must_use]
    pub fn of(name: &str, parameters: Parameters<'_>) -> Option<Self> {
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        if PLAIN.iter().any(is) {
            return Some(Self::Plain);
        }
        let known = CUT.iter().find(|(known, _)| is(known));
        match known.map(|(_, format)| *format)? {
            // RFC 6184 §8.1: without the parameter it is mode 0.
            Self::H264 { .. } => match parameters.get("packetization-mode").unwrap_or("0") {
                "0" => Some(Self::H264 { single_unit: true }),
                "1" => Some(Self::H264 { single_unit: false }),
                _ => None,
            },
            format => Some(format),
        }
    }

    /// Whether a frame can begin with this payload, as far as it says.
    ///
    /// Where it says `false` something of the frame came before.
    #[must_use]
    pub fn starts_frame(self, payload: &[u8]) -> bool {
        match self {
            Self::Plain => true,
            Self::Vp8 => vp8::starts_frame(payload),
            Self::Vp9 => vp9::starts_frame(payload),
            Self::H264 { .. } => h264::starts_frame(payload),
            Self::H265 => h265::starts_frame(payload),
            Self::Av1 => av1::starts_frame(payload),
        }
    }

    /// Whether a frame begins with this payload whatever came before it: what to
    /// look for where something is missing.
    #[must_use]
    pub fn surely_starts_frame(self, payload: &[u8]) -> bool {
        match self {
            Self::Plain => true,
            Self::Vp8 => vp8::starts_frame(payload),
            Self::Vp9 => vp9::starts_frame(payload),
            Self::H264 { .. } => h264::surely_starts_frame(payload),
            Self::H265 => h265::surely_starts_frame(payload),
            // Others begin where another ended: they do not say so themselves.
            Self::Av1 => av1::is_key(payload),
        }
    }

    /// Whether a payload begins a frame that can be decoded without any other.
    #[must_use]
    pub fn is_key(self, payload: &[u8]) -> bool {
        match self {
            Self::Plain => true,
            Self::Vp8 => vp8::is_key(payload),
            Self::Vp9 => vp9::is_key(payload),
            Self::H264 { .. } => h264::is_key(payload),
            Self::H265 => h265::is_key(payload),
            Self::Av1 => av1::is_key(payload),
        }
    }
}

/// Cuts the frames of any format into payloads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Packetizer {
    /// The frame, if it was not written yet.
    Plain(Bytes),
    /// VP8.
    Vp8(vp8::Packetizer),
    /// VP9.
    Vp9(vp9::Packetizer),
    /// H.264.
    H264(h264::Packetizer),
    /// H.265.
    H265(h265::Packetizer),
    /// AV1.
    Av1(av1::Packetizer),
}

impl Packetizer {
    /// A packetizer of a format. Where pictures are numbered, the first has the
    /// number behind `picture_id`.
    #[must_use]
    pub fn new(format: Format, picture_id: u16) -> Self {
        match format {
            Format::Plain => Self::Plain(Bytes::new()),
            Format::Vp8 => Self::Vp8(vp8::Packetizer::new(picture_id)),
            Format::Vp9 => Self::Vp9(vp9::Packetizer::new(picture_id)),
            Format::H264 { single_unit } => Self::H264(h264::Packetizer::new(single_unit)),
            Format::H265 => Self::H265(h265::Packetizer::new()),
            Format::Av1 => Self::Av1(av1::Packetizer::new()),
        }
    }

    /// The next frame. What is left of the last one is forgotten.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is AV1 and not OBUs; there is nothing to write then.
    pub fn push(&mut self, frame: Bytes) -> Result<(), Malformed> {
        match self {
            Self::Plain(next) => *next = frame,
            Self::Vp8(packetizer) => packetizer.push(frame),
            Self::Vp9(packetizer) => packetizer.push(frame),
            Self::H264(packetizer) => packetizer.push(frame),
            Self::H265(packetizer) => packetizer.push(frame),
            Self::Av1(packetizer) => packetizer.push(&frame)?,
        }
        Ok(())
    }

    /// Writes the next payload of the frame; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or not enough room for a piece of it.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        match self {
            Self::Plain(frame) => {
                if frame.is_empty() || frame.len() > w.remaining() {
                    return None;
                }
                w.bytes(&core::mem::take(frame));
                Some(true)
            }
            Self::Vp8(packetizer) => packetizer.next(w),
            Self::Vp9(packetizer) => packetizer.next(w),
            Self::H264(packetizer) => packetizer.next(w),
            Self::H265(packetizer) => packetizer.next(w),
            Self::Av1(packetizer) => packetizer.next(w),
        }
    }
}

/// Puts the payloads of any format together.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Depacketizer {
    /// A frame is a payload.
    Plain(Plain),
    /// VP8.
    Vp8(vp8::Depacketizer),
    /// VP9.
    Vp9(vp9::Depacketizer),
    /// H.264.
    H264(h264::Depacketizer),
    /// H.265.
    H265(h265::Depacketizer),
    /// AV1.
    Av1(av1::Depacketizer),
}

impl Depacketizer {
    /// A depacketizer of a format that keeps within these limits.
    #[must_use]
    pub const fn new(format: Format, limits: Limits) -> Self {
        match format {
            Format::Plain => Self::Plain(Plain(Assembly::new(limits))),
            Format::Vp8 => Self::Vp8(vp8::Depacketizer::new(limits)),
            Format::Vp9 => Self::Vp9(vp9::Depacketizer::new(limits)),
            Format::H264 { .. } => Self::H264(h264::Depacketizer::new(limits)),
            Format::H265 => Self::H265(h265::Depacketizer::new(limits)),
            Format::Av1 => Self::Av1(av1::Depacketizer::new(limits)),
        }
    }

    /// The next payload of the frame.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one, or not the one that follows, or the frame
    /// is too long.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        match self {
            Self::Plain(depacketizer) => depacketizer.push(payload),
            Self::Vp8(depacketizer) => depacketizer.push(payload),
            Self::Vp9(depacketizer) => depacketizer.push(payload),
            Self::H264(depacketizer) => depacketizer.push(payload),
            Self::H265(depacketizer) => depacketizer.push(payload),
            Self::Av1(depacketizer) => depacketizer.push(payload),
        }
    }

    /// The frame, as whole as its payloads can tell; the next payload begins another.
    pub fn finish(&mut self) -> Option<Frame> {
        match self {
            Self::Plain(depacketizer) => depacketizer.finish(),
            Self::Vp8(depacketizer) => depacketizer.finish(),
            Self::Vp9(depacketizer) => depacketizer.finish(),
            Self::H264(depacketizer) => depacketizer.finish(),
            Self::H265(depacketizer) => depacketizer.finish(),
            Self::Av1(depacketizer) => depacketizer.finish(),
        }
    }
}

/// Takes payloads for frames.
#[derive(Clone, Debug)]
pub struct Plain(Assembly);

impl Plain {
    fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        if !self.0.data.is_empty() {
            return Err(Malformed("second payload of a frame"));
        }
        self.0.append(payload)
    }

    fn finish(&mut self) -> Option<Frame> {
        let data = self.0.take()?;
        Some(Frame { data, is_key: true })
    }
}

/// Codecs whose frames are payloads.
const PLAIN: [&str; 6] = ["opus", "PCMU", "PCMA", "G722", "telephone-event", "CN"];

/// Codecs whose frames are cut.
const CUT: [(&str, Format); 5] = [
    ("VP8", Format::Vp8),
    ("VP9", Format::Vp9),
    ("H264", Format::H264 { single_unit: true }),
    ("H265", Format::H265),
    ("AV1", Format::Av1),
];

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn names_of_descriptions_are_formats() {
        let of = |name, parameters| Format::of(name, Parameters(parameters));
        assert_eq!(of("OPUS", "minptime=10"), Some(Format::Plain));
        assert_eq!(of("pcmu", ""), Some(Format::Plain));
        assert_eq!(of("Telephone-Event", "0-16"), Some(Format::Plain));
        assert_eq!(of("vp8", ""), Some(Format::Vp8));
        assert_eq!(of("h265", ""), Some(Format::H265));
        let single_unit = |single_unit| Some(Format::H264 { single_unit });
        assert_eq!(of("h264", ""), single_unit(true));
        assert_eq!(of("H264", "Packetization-Mode=0"), single_unit(true));
        assert_eq!(
            of("H264", "level-asymmetry-allowed=1;packetization-mode=1"),
            single_unit(false)
        );
        assert_eq!(of("H264", "packetization-mode=2"), None);
        for other in ["rtx", "red", "ulpfec", "flexfec-03", "H263", ""] {
            assert_eq!(of(other, ""), None, "{other}");
        }
    }

    #[test]
    fn a_plain_frame_is_one_payload_or_none() {
        let mut packetizer = Packetizer::new(Format::Plain, 0);
        let mut depacketizer = Depacketizer::new(Format::Plain, Limits { frame: 4 });
        let mut payload = vec![];
        let mut next = |frame: &'static [u8]| {
            payload.clear();
            packetizer.push(Bytes::from_static(frame)).expect("plain");
            let last = packetizer.next(&mut Writer::new(&mut payload, 4));
            let again = packetizer.next(&mut Writer::new(&mut Vec::new(), 4));
            assert!(again.is_none());
            last.map(|last| (last, payload.clone()))
        };
        assert_eq!(next(b"four"), Some((true, b"four".to_vec())));
        assert_eq!(next(b"fives"), None, "there is no room for it");
        assert_eq!(next(b""), None);

        assert_eq!(depacketizer.push(b"four"), Ok(()));
        assert!(depacketizer.push(b"more").is_err());
        let data = Bytes::from_static(b"four");
        assert_eq!(depacketizer.finish(), Some(Frame { data, is_key: true }));
        assert!(depacketizer.push(b"fives").is_err(), "beyond the limit");
        assert_eq!(depacketizer.finish(), None);
    }

    #[test]
    fn a_payload_tells_whether_a_frame_can_begin_with_it() {
        let h264 = Format::H264 { single_unit: false };
        let begins: [(Format, &[u8]); 13] = [
            (Format::Plain, &[]),
            (Format::Vp8, &[0x10, 0]),
            (Format::Vp9, &[0x08, 0]),
            (Format::Vp9, &[0x28, 0x00, 0, 0]),
            // First slices, whole, in a piece and in an aggregate, and what precedes one.
            (h264, &[0x65, 0x88]),
            (h264, &[0x7c, 0x85, 0x88]),
            (h264, &[0x78, 0, 2, 0x67, 0x42, 0, 2, 0x65, 0x10]),
            (h264, &[0x06, 5]),
            (Format::H265, &[38, 1, 0x80]),
            (Format::H265, &[98, 1, 0x93, 0x80]),
            (Format::H265, &[64, 1, 1]),
            (Format::Av1, &[0x10, 0x32]),
            (Format::Av1, &[0x50, 0x32]),
        ];
        let is_sure = [
            true, true, true, true, false, false, true, false, false, false, true, false, false,
        ];
        for ((format, payload), is_sure) in begins.into_iter().zip(is_sure) {
            assert!(format.starts_frame(payload), "{format:?} {payload:02x?}");
            let surely = format.surely_starts_frame(payload);
            assert_eq!(surely, is_sure, "{format:?} {payload:02x?}");
        }
        let goes_on: [(Format, &[u8]); 14] = [
            (Format::Vp8, &[]),
            (Format::Vp8, &[0x00, 0]),
            (Format::Vp8, &[0x11, 0]),
            (Format::Vp9, &[0x04, 0]),
            (Format::Vp9, &[0x28, 0x02, 0, 0]),
            (h264, &[]),
            (h264, &[0x41, 0x40]),
            (h264, &[0x7c, 0x05, 0x88]),
            (h264, &[0x7c, 0x85, 0x40]),
            (h264, &[0x0b]),
            (Format::H265, &[2, 1, 0x40]),
            (Format::H265, &[98, 1, 0x13, 0x80]),
            (Format::H265, &[80, 1, 1]),
            (Format::Av1, &[0x90, 0x32]),
        ];
        for (format, payload) in goes_on {
            assert!(!format.starts_frame(payload), "{format:?} {payload:02x?}");
            assert!(
                !format.surely_starts_frame(payload),
                "{format:?} {payload:02x?}"
            );
        }
    }
}
