//! Reports, key frames and other sources.

use super::*;

fn wall(seconds: u64) -> NtpTimestamp {
    NtpTimestamp(seconds << 32)
}

#[test]
fn rfc_3550_6_4_1_a_report_says_what_was_sent_and_when_it_is() {
    let mut stage = Stage::video();
    assert_eq!(stage.sender.sender_info(at(0), wall(9)), None);
    stage
        .sender
        .write(at(0), &MediaFrame::new(0, delta(5)))
        .expect("room");
    assert_eq!(
        stage.sender.sender_info(at(0), wall(9)),
        None,
        "written, not sent"
    );
    let sent = stage.drain(at(0)).remove(0);
    let info = |packets, octets, ticks| {
        Some(SenderInfo {
            ntp: 9 << 32,
            rtp: Serial32(sent.timestamp.wrapping_add(ticks)),
            packets,
            octets,
        })
    };
    // The timestamps go on with time: a second and a half.
    assert_eq!(
        stage.sender.sender_info(at(1500), wall(9)),
        info(1, 9, 135_000)
    );
    // The newest frame counts, and the time when it was written.
    stage.frame(at(2000), 180_007, 5);
    assert_eq!(
        stage.sender.sender_info(at(2000), wall(9)),
        info(2, 18, 180_007)
    );
    // What is sent again in a stream of its own is not of this source.
    let again = stage.nack(at(2000), [sent.number.wrapping_add(1)]);
    assert_eq!(again.len(), 1);
    assert_eq!(
        stage.sender.sender_info(at(2000), wall(9)),
        info(2, 18, 180_007)
    );
    stage.sender.set_parameters(SendParameters {
        repair_payload_type: None,
        ..video()
    });
    let number = stage.frame(at(2000), 180_007, 5)[0].number;
    stage.nack(at(2000), [number]);
    assert_eq!(
        stage.sender.sender_info(at(2000), wall(9)),
        info(4, 36, 180_007)
    );
}

#[test]
fn who_is_silent_gives_memory_back_with_a_report() {
    let mut stage = Stage::video();
    let last = stage.frame(at(0), 0, 3000).pop().expect("three");
    stage.sender.sender_info(at(900), wall(9)).expect("sent");
    assert_eq!(stage.nack(at(900), [last.number]).len(), 1);
    stage.sender.sender_info(at(2000), wall(9)).expect("sent");
    let memory = |sender: &RtpSender| (sender.history.places(), sender.scratch.capacity());
    assert_eq!(memory(&stage.sender), (0, 0));
    assert_eq!(stage.nack(at(2000), [last.number]), []);
    assert_eq!(
        stage.frame(at(2000), 9, 10)[0].number,
        last.number.wrapping_add(1)
    );
    assert_ne!(memory(&stage.sender), (0, 0));
}

#[test]
fn timestamps_of_reports_wrap() {
    let mut stage = Stage::video();
    let first = stage.frame(at(0), 0, 5).remove(0).timestamp;
    // 100,000 seconds are more than 2³² ticks of 90 kHz.
    let later = at(100_000_000);
    let info = stage.sender.sender_info(later, wall(1)).expect("sent");
    assert_eq!(
        info.rtp.0.wrapping_sub(first),
        (9_000_000_000_u64 & 0xffff_ffff) as u32
    );
    // A frame after so long is the newest, though its timestamp is half a circle away.
    let far = stage.frame(later, 1 << 31, 5).remove(0).timestamp;
    let info = stage.sender.sender_info(later, wall(1)).expect("sent");
    assert_eq!(info.rtp.0, far);
}

#[test]
fn a_round_trip_is_what_an_answer_took() {
    let mut stage = Stage::video();
    stage.frame(at(0), 0, 5);
    let answer = |info: SenderInfo, waited: u32| ReportBlock {
        ssrc: MEDIA,
        last_sender_report: info.compact_ntp(),
        delay: waited,
        ..ReportBlock::default()
    };
    let first = stage.sender.sender_info(at(1000), wall(77)).expect("sent");
    let second = stage.sender.sender_info(at(2000), wall(78)).expect("sent");
    // It waited for half a second.
    stage.sender.on_report(at(2600), &answer(second, 0x8000));
    assert_eq!(stage.sender.round_trip(), Some(Duration::from_millis(100)));
    // An answer to the one before, whatever the wall clock says by now.
    stage.sender.on_report(at(2700), &answer(first, 3 << 15));
    assert_eq!(stage.sender.round_trip(), Some(Duration::from_millis(200)));
    // Lies: it waited longer than time passed, and it answers none of ours.
    stage.sender.on_report(at(2700), &answer(second, 0x1_0000));
    let unknown = SenderInfo {
        ntp: 0x1234_0000,
        ..first
    };
    stage.sender.on_report(at(2700), &answer(unknown, 0));
    stage
        .sender
        .on_report(at(2700), &answer(SenderInfo::default(), 0));
    assert_eq!(stage.sender.round_trip(), Some(Duration::from_millis(200)));
    let remote = stage.sender.stats().remote.expect("reported");
    assert_eq!((remote.reports, remote.round_trips), (5, 2));
    assert_eq!(remote.total_round_trip, Duration::from_millis(300));
}

#[test]
fn what_the_receiver_says_is_in_the_statistics() {
    let mut stage = Stage::video();
    let first = stage.frame(at(0), 0, 9000)[0].number;
    assert_eq!(stage.sender.stats().remote, None);
    let block = ReportBlock {
        ssrc: MEDIA,
        fraction_lost: 64,
        cumulative_lost: 3,
        highest_sequence: u32::from(first) + 7 + (1 << 16),
        jitter: 12,
        ..ReportBlock::default()
    };
    stage.sender.on_report(at(5), &block);
    let remote = stage.sender.stats().remote.expect("reported");
    assert_eq!(remote.packets_received, 8 + (1 << 16) - 3);
    assert_eq!(
        (remote.packets_lost, remote.fraction_lost, remote.jitter),
        (3, 64, 12)
    );
    // A lie is no more than a lie.
    let block = ReportBlock {
        highest_sequence: 0,
        cumulative_lost: 1 << 22,
        ..block
    };
    stage.sender.on_report(at(6), &block);
    let block = ReportBlock {
        ssrc: Ssrc(77),
        fraction_lost: 1,
        ..block
    };
    stage.sender.on_report(at(7), &block);
    let remote = stage.sender.stats().remote.expect("reported");
    assert_eq!(
        (remote.at, remote.reports, remote.fraction_lost),
        (at(6), 2, 64)
    );
}

#[test]
fn rtp_011_one_request_for_a_key_frame_in_a_while() {
    let mut stage = Stage::video();
    let mut asks = |millis, fir| stage.sender.on_key_frame_request(at(millis), fir);
    assert!(asks(0, None));
    assert!(!asks(1, None) && !asks(299, Some(7)));
    assert!(asks(300, Some(7)));
    // RFC 5104 §4.3.1.2: a repetition is the same request, however late.
    assert!(!asks(5000, Some(7)));
    assert!(asks(5000, Some(8)));
    assert!(asks(6000, None) && !asks(6000, Some(9)));
    // It was not heard, so its repetition is.
    assert!(asks(6300, Some(9)));
    let requests = stage.sender.stats().requests;
    assert_eq!((requests.plis, requests.firs), (3, 6));
}

#[test]
fn rfc_3550_8_2_after_a_collision_another_source_goes_on() {
    let mut stage = Stage::named();
    let old = stage.frame(at(0), 0, 5).remove(0);
    let block = ReportBlock {
        ssrc: MEDIA,
        ..ReportBlock::default()
    };
    stage.sender.on_report(at(1), &block);
    stage
        .sender
        .write(at(1), &MediaFrame::new(1, delta(5)))
        .expect("room");
    stage.sender.on_nack(at(1), [Serial16(old.number)]);
    stage
        .sender
        .change_ssrc(Ssrc(0x33), &mut Rng::from_number(99));
    assert_eq!(stage.sender.ssrc(), Ssrc(0x33));
    assert_eq!(stage.sender.sender_info(at(2), wall(1)), None);
    assert_eq!(stage.nack(at(2), [old.number]), []);
    let new = stage.frame(at(2), 2, 5).remove(0);
    assert_eq!(new.ssrc, Ssrc(0x33));
    assert!(new.number < 1 << 15 && new.number != old.number);
    assert_ne!(new.timestamp, old.timestamp.wrapping_add(2));
    // The receiver has to learn what it is.
    assert_eq!(new.extension(Kind::Mid), Some(&b"v"[..]));
    // Counters of reports begin anew (RFC 3550 §6.4.1), those of statistics do not.
    let info = stage.sender.sender_info(at(3), wall(1)).expect("sent");
    assert_eq!(info.packets, 1);
    assert_eq!(stage.sender.stats().sent.packets, 2);

    stage.sender.change_repair_ssrc(Ssrc(0x44));
    assert_eq!(stage.nack(at(3), [new.number])[0].ssrc, Ssrc(0x44));
}

#[test]
fn pictures_are_numbered_on_when_parameters_change() {
    let picture = |sent: &Sent| u16::from_be_bytes([sent.payload[2], sent.payload[3]]) & 0x7fff;
    let mut stage = Stage::video();
    let first = picture(&stage.frame(at(0), 0, 5)[0]);
    stage.sender.set_parameters(SendParameters {
        mid: "x".into(),
        ..video()
    });
    assert_eq!(picture(&stage.frame(at(0), 0, 5)[0]), (first + 1) & 0x7fff);
    assert_eq!(stage.sender.parameters().map(|p| p.mid.as_str()), Some("x"));
}
