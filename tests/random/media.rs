//! Frames: who has sent which, and whether they came to whom they should.

use std::collections::BTreeMap;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::peer::{Kind, MediaFrame, TransceiverId};

#[derive(Default)]
pub(crate) struct Frames {
    count: u32,
    /// By who hears: whom each transceiver has heard.
    heard: [BTreeMap<TransceiverId, u32>; 2],
    /// By who hears, the number of the last.
    last: [BTreeMap<TransceiverId, u32>; 2],
}

impl Frames {
    /// The next frame that a transceiver sends: it says who it is.
    pub(crate) fn next(&mut self, id: TransceiverId, kind: Kind) -> (u32, MediaFrame) {
        self.count += 1;
        let number = self.count;
        let mut data = match kind {
            Kind::Audio => Vec::new(),
            // A key frame of VP8.
            Kind::Video => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0],
        };
        data.extend(id.number().to_be_bytes());
        data.extend(number.to_be_bytes());
        let step = if kind == Kind::Audio { 960 } else { 3_000 };
        let timestamp = number.wrapping_mul(step);
        (number, MediaFrame::new(timestamp, Bytes::from(data)))
    }

    /// A frame has come to a side: its transceiver hears one of the peer's, and no other.
    pub(crate) fn on_frame(&mut self, side: usize, id: TransceiverId, data: &[u8]) {
        let (rest, number) = data.split_last_chunk::<4>().expect("a number");
        let (_, from) = rest.split_last_chunk::<4>().expect("a transceiver");
        let from = u32::from_be_bytes(*from);
        let heard = &mut self.heard[side];
        let mut others = heard.iter().filter(|(other, _)| **other != id);
        assert!(
            others.all(|(_, other)| *other != from),
            "{from} heard by two"
        );
        let known = *heard.entry(id).or_insert(from);
        assert_eq!(known, from, "{id} hears two");
        let number = u32::from_be_bytes(*number);
        let last = self.last[side].insert(id, number);
        assert!(last.is_none_or(|last| last < number), "{number} again");
    }

    /// Whether this side has heard a frame.
    pub(crate) fn has(&self, side: usize, id: TransceiverId, number: u32) -> bool {
        self.last[side].get(&id) == Some(&number)
    }
}

/// Chooses VP8, since the frames are that.
pub(crate) fn choose_codec(peer: &mut PeerConnection, id: TransceiverId) {
    let mut codecs = peer.send_codecs(id);
    let vp8 = codecs.find(|codec| codec.name.eq_ignore_ascii_case("VP8"));
    let vp8 = vp8.map(|codec| codec.payload_type);
    drop(codecs);
    if let Some(payload_type) = vp8 {
        assert!(peer.set_send_codec(id, payload_type));
    }
}
