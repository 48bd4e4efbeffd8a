//! The sample media: what the readers find in the files, and that it survives packets.
#[path = "../examples/support/clips.rs"]
mod clips;

use bytes::Bytes;
use clips::{Clip, Position, access_units};
use pollrtc::cursor::Writer;
use pollrtc::rtp::format::{Limits, h264, vp8};

#[test]
fn each_clip_has_four_seconds() {
    for (codec, frames, keys) in [
        ("VP8", 120, 2),
        ("H264", 120, 2),
        ("opus", 200, 200),
        ("PCMU", 200, 200),
    ] {
        let clip = Clip::of(codec).expect(codec);
        assert_eq!(clip.frames().len(), frames, "{codec}");
        let found = (0..frames).filter(|index| clip.is_key(*index)).count();
        assert_eq!(found, keys, "{codec}");
        assert!(clip.is_key(0), "{codec}");
        let mut at = Position::default();
        (0..frames).for_each(|_| drop(clip.next(&mut at)));
        assert_eq!(clip.due(at).as_secs_f32().round(), 4.0, "{codec}");
    }
}

#[test]
fn no_byte_of_the_h264_file_is_lost() {
    let file: &'static [u8] = include_bytes!("../examples/media/picture.h264");
    assert!(access_units(file).concat() == file);
}

#[test]
fn a_key_frame_is_found_and_the_clock_goes_on() {
    let clip = Clip::vp8();
    let mut at = Position::default();
    clip.next(&mut at);
    clip.skip_to_key(&mut at);
    let (frame, timestamp) = clip.next(&mut at);
    assert!(frame == clip.frames()[60]);
    assert_eq!(timestamp, clip.clock_rate() / 30);
}

#[test]
fn pictures_survive_packets() {
    let mut packetizer = vp8::Packetizer::new(7);
    let mut depacketizer = vp8::Depacketizer::new(Limits::default());
    for frame in Clip::vp8().frames() {
        packetizer.push(frame.clone());
        let whole = carry(
            |w| packetizer.next(w),
            |payload| depacketizer.push(payload).expect("a payload"),
        );
        assert!(whole);
        assert!(depacketizer.finish().expect("a frame").data == *frame);
    }
    let mut packetizer = h264::Packetizer::new(false);
    let mut depacketizer = h264::Depacketizer::new(Limits::default());
    for frame in Clip::h264().frames() {
        packetizer.push(frame.clone());
        let whole = carry(
            |w| packetizer.next(w),
            |payload| depacketizer.push(payload).expect("a payload"),
        );
        assert!(whole);
        let units = |data: &Bytes| {
            let found = pollrtc::rtp::format::Units::new(data);
            found.map(|unit| data.slice(unit)).collect::<Vec<_>>()
        };
        assert!(units(&depacketizer.finish().expect("a frame").data) == units(frame));
    }
}

/// Hands payloads over until the last one of the frame.
fn carry(
    mut next: impl FnMut(&mut Writer<'_>) -> Option<bool>,
    mut take: impl FnMut(&[u8]),
) -> bool {
    loop {
        let mut packet = Vec::new();
        let Some(is_last) = next(&mut Writer::new(&mut packet, 1_100)) else {
            return false;
        };
        take(&packet);
        if is_last {
            return true;
        }
    }
}
