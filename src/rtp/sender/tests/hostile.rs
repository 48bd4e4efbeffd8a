//! Whatever is done to a sender, and whatever the peer says.

use alloc::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;
use crate::wire::rtp::extension::{AudioLevel, Extension};

/// What can happen.
#[derive(Clone, Debug)]
enum Step {
    Frame(usize, u32),
    Packet {
        source: u32,
        number: u16,
        len: usize,
        is_loud: bool,
    },
    Poll(usize),
    Nack(Vec<u16>),
    /// Numbers that were sent, counted from the last.
    NackSent(Vec<usize>),
    Report(ReportBlock),
    KeyFrame(Option<u8>),
    Parameters(u8),
    Active(bool),
    Ssrc,
    Repair,
    Info(u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let packet = (0..3_u32, any::<u16>(), 0..1500_usize, any::<bool>());
    let near = (0..2_u32, 0..40_u16, 0..300_usize, any::<bool>());
    let packet = prop_oneof![packet, near];
    let report = any::<(u8, i32, u32, u32, u32, bool)>();
    prop_oneof![
        4 => (0..9000_usize, any::<u32>()).prop_map(|(len, timestamp)| Step::Frame(len, timestamp)),
        6 => packet.prop_map(|(source, number, len, is_loud)| {
            Step::Packet { source, number, len, is_loud }
        }),
        12 => (20..1400_usize).prop_map(Step::Poll),
        2 => prop::collection::vec(any::<u16>(), 0..50).prop_map(Step::Nack),
        6 => prop::collection::vec(0..30_usize, 0..9).prop_map(Step::NackSent),
        2 => report.prop_map(|(lost, sum, highest, last, delay, is_repair)| {
            Step::Report(ReportBlock {
                ssrc: if is_repair { REPAIR } else { MEDIA },
                fraction_lost: lost,
                cumulative_lost: sum,
                highest_sequence: highest,
                jitter: 0,
                last_sender_report: last,
                delay,
            })
        }),
        1 => any::<Option<u8>>().prop_map(Step::KeyFrame),
        2 => (0..6_u8).prop_map(Step::Parameters),
        1 => any::<bool>().prop_map(Step::Active),
        1 => Just(Step::Ssrc),
        1 => Just(Step::Repair),
        1 => any::<u64>().prop_map(Step::Info),
        4 => (0..400_u64).prop_map(Step::Wait),
    ]
}

fn parameters(choice: u8) -> SendParameters {
    let format = [
        Format::Vp8,
        Format::Plain,
        Format::H264 { single_unit: false },
    ];
    let mut parameters = video();
    parameters.format = format[usize::from(choice % 3)];
    if choice < 4 {
        parameters.extensions = extensions();
        parameters.mid = alloc::format!("{choice}");
        parameters.two_byte = choice == 1;
    }
    if choice.is_multiple_of(2) {
        parameters.repair_payload_type = None;
    }
    parameters
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn atk_023_no_number_is_used_for_two_packets_and_all_stays_in_bounds(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let limits = HistoryLimits { packets: 30, bytes: 12_000, age: Duration::from_millis(700) };
        let config = SenderConfig { history: limits, ..config() };
        let mut stage = Stage::new(config, parameters(0));
        let mut rng = Rng::from_number(3);
        let (mut millis, mut ssrc) = (0, 0x100);
        let mut used = BTreeMap::new();
        let mut numbers = Vec::new();
        for step in steps {
            let now = at(millis);
            let sender = &mut stage.sender;
            match step {
                Step::Frame(len, timestamp) => {
                    let frame = MediaFrame::new(timestamp, delta(len));
                    // A refusal is as good as any answer.
                    let _ = sender.write(now, &frame);
                }
                Step::Packet { source, number, len, is_loud } => {
                    let level = Extension::AudioLevel(AudioLevel { voice: is_loud, below: 1 });
                    let payload = delta(len);
                    let packet = OutPacket {
                        source: Ssrc(source),
                        number: Serial16(number),
                        timestamp: Serial32(u32::from(number)),
                        payload_type: if is_loud { VP8 } else { RTX },
                        marker: false,
                        extensions: if is_loud { core::slice::from_ref(&level) } else { &[] },
                        payload: &payload,
                    };
                    let _ = sender.write_packet(now, &packet);
                }
                Step::Poll(room) => {
                    stage.room = room;
                    let was_pending = stage.sender.is_pending();
                    let sent = stage.poll(now);
                    let no_room = stage.sender.stats().dropped.too_large;
                    prop_assert!(sent.is_some() || !was_pending || no_room > 0);
                    if let Some(sent) = sent {
                        prop_assert!(sent.bytes.len() <= room);
                        numbers.push(sent.number);
                        let before = used.insert((sent.ssrc, sent.number), sent.bytes.clone());
                        prop_assert!(before.is_none_or(|before| before == sent.bytes));
                    }
                }
                Step::Nack(numbers) => sender.on_nack(now, numbers.into_iter().map(Serial16)),
                Step::NackSent(behind) => {
                    let sent = behind.iter().filter_map(|behind| numbers.iter().rev().nth(*behind));
                    sender.on_nack(now, sent.copied().map(Serial16));
                }
                Step::Report(block) => sender.on_report(now, &block),
                Step::KeyFrame(fir) => {
                    sender.on_key_frame_request(now, fir);
                }
                Step::Parameters(choice) => sender.set_parameters(parameters(choice)),
                Step::Active(is_active) => sender.set_active(is_active),
                Step::Ssrc => {
                    ssrc += 1;
                    sender.change_ssrc(Ssrc(ssrc), &mut rng);
                }
                Step::Repair => {
                    ssrc += 1;
                    sender.change_repair_ssrc(Ssrc(ssrc));
                }
                Step::Info(wall) => {
                    sender.sender_info(now, NtpTimestamp(wall));
                }
                Step::Wait(time) => millis += time,
            }
            let history = &stage.sender.history;
            prop_assert!(history.places() <= 32 && history.queued() <= 30);
            prop_assert!(history.kept() <= 12_000 && history.unsent() <= history.kept());
        }
        let stats = stage.sender.stats();
        prop_assert!(stats.repeated.packets <= stats.sent.packets);
        // What is repeated is bounded by what is sent.
        let first = stats.sent.payload_bytes - stats.repeated.payload_bytes;
        prop_assert!(stats.repeated.payload_bytes <= (256 << 10) + first / 2);
    }
}
