//! What is on the wire when sound and pictures flow.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use pollrtc::peer::{
    Codec, Config, Direction, EncodingParameters, Event, Kind, MediaCapabilities, MediaFrame,
    TransceiverId, TransceiverInit, WriteError,
};
use pollrtc::sim::Verdict;

use super::support::{ALICE, BOB, Pair, of_kind};

/// What VP8 depacketizers take for a key frame.
fn picture(timestamp: u32, len: usize) -> MediaFrame {
    let mut data = vec![0x55; len];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    MediaFrame::new(timestamp, data.into())
}

/// What H.264 and H.265 depacketizers take for one, by the type of its slice.
fn slices(units: &[&[u8]]) -> Bytes {
    let with_codes = units.iter().flat_map(|unit| [&[0, 0, 0, 1][..], unit]);
    with_codes.collect::<Vec<_>>().concat().into()
}

fn write(
    pair: &mut Pair,
    side: usize,
    id: TransceiverId,
    rid: &str,
    frame: &MediaFrame,
) -> Result<(), WriteError> {
    let host = pair.hosts[side];
    pair.world.write_frame(host, id, rid, frame)
}

fn add(pair: &mut Pair, kind: Kind, encodings: &[&str]) -> TransceiverId {
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        encodings: encodings
            .iter()
            .map(|rid| EncodingParameters::named(rid))
            .collect(),
        ..TransceiverInit::default()
    };
    pair.call(ALICE, |pc| pc.add_transceiver(kind, init))
        .unwrap()
}

/// The frames that came since it was last asked: for which section, of which layer,
/// how large.
fn frames(pair: &mut Pair, side: usize) -> Vec<(String, String, usize)> {
    let events = pair.take_events(side);
    let frames = events.into_iter().filter_map(|event| match event {
        Event::Frame {
            transceiver,
            rid,
            frame,
        } => {
            let mid = pair.machine(side).transceiver(transceiver)?.mid()?;
            Some((mid.to_string(), rid.to_string(), frame.data.len()))
        }
        _ => None,
    });
    frames.collect()
}

/// The headers of all RTP packets that are sent from now on.
fn headers(pair: &mut Pair) -> Rc<RefCell<Vec<(u32, u32, u8)>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&seen);
    pair.world.set_tap(move |sighting| {
        let first = sighting.bytes.first().copied().unwrap_or_default();
        let second = sighting.bytes.get(1).copied().unwrap_or_default();
        // RFC 7983, RFC 5761 §4: RTP and not RTCP.
        if (128..192).contains(&first) && !(192..224).contains(&second) {
            let word = |at: usize| {
                let bytes = sighting.bytes.get(at..at + 4).unwrap();
                u32::from_be_bytes(bytes.try_into().unwrap())
            };
            noted.borrow_mut().push((word(8), word(4), second & 0x7f));
        }
        Verdict::Pass
    });
    seen
}

/// RFC 7741 §4.1 and others: 90,000 ticks a second, counted on from anywhere.
#[test]
fn wpt_147_pictures_have_a_clock_of_90_khz() {
    let mut pair = Pair::new();
    let id = add(&mut pair, Kind::Video, &[]);
    pair.negotiate(ALICE);
    let codecs: Vec<u32> = pair
        .machine(ALICE)
        .send_codecs(id)
        .map(|codec| codec.clock_rate)
        .collect();
    assert!(!codecs.is_empty() && codecs.iter().all(|rate| *rate == 90_000));
    let seen = headers(&mut pair);
    for tenth in 0..20_u32 {
        write(&mut pair, ALICE, id, "", &picture(tenth * 9000, 400)).unwrap();
        pair.run(Duration::from_millis(100));
    }
    let ssrc = pair.machine(ALICE).ssrc(id, "").unwrap().0;
    let times: Vec<u32> = seen
        .borrow()
        .iter()
        .filter(|(of, ..)| *of == ssrc)
        .map(|(_, time, _)| *time)
        .collect();
    assert_eq!(times.len(), 20);
    assert_eq!(times[10].wrapping_sub(times[0]), 90_000, "a second");
    assert!(
        times
            .windows(2)
            .all(|two| two[1].wrapping_sub(two[0]) == 9000)
    );
    assert_eq!(frames(&mut pair, BOB).len(), 20);
}

/// Two sections of pictures, one transport, and nothing but the payload type to tell
/// them apart; or the same payload type, and the name.
#[test]
fn wpt_148_packets_find_their_section() {
    for with_names in [false, true] {
        let mut pair = Pair::new();
        let ids = [
            add(&mut pair, Kind::Video, &[]),
            add(&mut pair, Kind::Video, &[]),
        ];
        let all = pair.machine(ALICE).capabilities(Kind::Video).codecs.clone();
        let only = |name: &str| -> Vec<Codec> {
            all.iter().filter(|one| one.name == name).cloned().collect()
        };
        let second = if with_names { "VP8" } else { "VP9" };
        for (id, name) in ids.into_iter().zip(["VP8", second]) {
            pair.call(ALICE, |pc| pc.set_codec_preferences(id, only(name)))
                .unwrap();
        }
        let offer = pair.describe(ALICE);
        let lines = offer.sdp.split_inclusive("\r\n");
        let kept = lines.filter(|line| {
            !line.starts_with("a=ssrc") && (with_names || !line.contains("sdes:mid"))
        });
        let offer = of_kind(offer.kind, &kept.collect::<String>());
        pair.tell(BOB, &offer).unwrap();
        let answer = pair.describe(BOB);
        pair.tell(ALICE, &answer).unwrap();
        pair.run(Duration::from_secs(1));
        frames(&mut pair, BOB);
        let seen = headers(&mut pair);
        write(&mut pair, ALICE, ids[0], "", &picture(0, 500)).unwrap();
        let mut frame = picture(0, 700);
        if !with_names {
            // The header of a key frame of VP9.
            let header = [0x82, 0x49, 0x83, 0x42, 0, 0, 0xf0, 0, 0xf0, 0];
            frame.data = [&header[..], &[0x55; 690]].concat().into();
        }
        write(&mut pair, ALICE, ids[1], "", &frame).unwrap();
        pair.run(Duration::from_millis(300));
        let mut payloads: Vec<u8> = seen.borrow().iter().map(|(.., payload)| *payload).collect();
        payloads.sort_unstable();
        payloads.dedup();
        assert_eq!(payloads.len(), if with_names { 1 } else { 2 });
        let mut came = frames(&mut pair, BOB);
        came.sort();
        let mids: Vec<(&str, usize)> = came
            .iter()
            .map(|(mid, _, len)| (mid.as_str(), *len))
            .collect();
        assert_eq!(mids, [("0", 500), ("1", 700)], "with names: {with_names}");
    }
}

/// Three layers, three SSRCs, each with its name and its statistics; one can pause.
#[test]
fn wpt_160_layers_are_streams_of_their_own() {
    let mut pair = Pair::new();
    let id = add(&mut pair, Kind::Video, &["f", "h", "q"]);
    pair.negotiate(ALICE);
    let seen = headers(&mut pair);
    let sizes = [("f", 900), ("h", 500), ("q", 300)];
    let send = |pair: &mut Pair, round: u32| {
        for (rid, len) in sizes {
            let sent = write(pair, ALICE, id, rid, &picture(round * 3000, len));
            assert_eq!(sent.is_ok(), rid != "h" || round < 10);
        }
        pair.run(Duration::from_millis(33));
    };
    (0..10).for_each(|round| send(&mut pair, round));
    let ssrcs = sizes.map(|(rid, _)| pair.machine(ALICE).ssrc(id, rid).unwrap().0);
    let mut distinct = ssrcs.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 3);
    for ssrc in ssrcs {
        assert_eq!(
            seen.borrow().iter().filter(|(of, ..)| *of == ssrc).count(),
            10
        );
    }
    let came = frames(&mut pair, BOB);
    for (rid, len) in sizes {
        let layer: Vec<_> = came.iter().filter(|(_, name, _)| name == rid).collect();
        assert_eq!(layer.len(), 10);
        assert!(layer.iter().all(|(_, _, size)| *size == len));
    }
    // One pauses; the others go on.
    assert!(pair.call(ALICE, |pc| pc.set_encoding_active(id, "h", false)));
    seen.borrow_mut().clear();
    (10..20).for_each(|round| send(&mut pair, round));
    let counts = ssrcs.map(|ssrc| seen.borrow().iter().filter(|(of, ..)| *of == ssrc).count());
    assert_eq!(counts, [10, 0, 10]);
    let now = pair.world.now();
    let report = pair.machine(ALICE).get_stats(now);
    for (rid, sent) in [("f", 20), ("h", 10), ("q", 20)] {
        let mut streams = report.outbound_rtp.iter();
        let one = streams.find(|one| one.stream.rid == rid).unwrap();
        assert_eq!((one.frames_sent, one.packets_sent), (sent, sent), "{rid}");
    }
}

fn h265(level: u8) -> Config {
    let mut media = MediaCapabilities::browser();
    let codec = Codec {
        payload: 49,
        name: "H265".to_string(),
        parameters: format!("level-id={level};profile-id=1;tier-flag=0;tx-mode=SRST"),
        ..media.video.codecs[0].clone()
    };
    media.video.codecs = vec![codec];
    Config {
        media: media.into(),
        ..Config::new()
    }
}

/// RFC 7798 §7.2.2: the lower level of the two counts; pictures come as they were.
#[test]
fn wpt_174_h265_up_to_the_lower_level() {
    for (ours, theirs) in [(93, 120), (120, 93), (120, 120)] {
        let mut pair = Pair::with(h265(ours), h265(theirs));
        let id = add(&mut pair, Kind::Video, &[]);
        pair.negotiate(ALICE);
        let lower = format!("level-id={}", ours.min(theirs));
        let answer = pair.machine(BOB).local_description().unwrap().sdp;
        assert!(answer.contains(&lower), "{answer}");
        let codecs: Vec<String> = pair
            .machine(ALICE)
            .send_codecs(id)
            .map(|one| one.parameters.clone())
            .collect();
        assert!(codecs.len() == 1 && codecs[0].contains(&lower));
        // Parameter sets and a picture that stands alone, in several packets.
        let large = [&[19 << 1, 1][..], &[0x99; 3000]].concat();
        let data = slices(&[&[32 << 1, 1, 1], &[33 << 1, 1, 2], &[34 << 1, 1, 3], &large]);
        write(&mut pair, ALICE, id, "", &MediaFrame::new(0, data.clone())).unwrap();
        pair.run(Duration::from_millis(300));
        let came = pair
            .take_events(BOB)
            .into_iter()
            .find_map(|event| match event {
                Event::Frame { frame, .. } => Some(frame),
                _ => None,
            });
        let came = came.unwrap();
        assert!(came.is_key);
        assert_eq!(came.data, data);
    }
}
