//! Real captures, round trips and truncations of every chunk, parameter and cause.

use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::collection::vec as bytes_of;
use proptest::prelude::*;

use super::chunk::{
    Abort, CookieAck, CookieEcho, Data, Error, ForwardTsn, GapAckBlock, Heartbeat, HeartbeatAck,
    Init, InitAck, InitFields, ReConfig, Sack, Shutdown, ShutdownAck, ShutdownComplete,
    SkippedStream, Unknown,
};
use super::param::{
    AddStreams, AssociationReset, IncomingReset, OutgoingReset, ResetResponse, ResetResult,
};
use super::*;
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::list::List;

fn emitted(emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, usize::MAX);
    emit(&mut w);
    bytes
}

/// Written and read again it is the same, its size is what it says, and cut
/// anywhere it is an error. Only the padding may be missing.
fn check_chunk(chunk: Chunk<'_>) {
    let bytes = emitted(|w| chunk.emit(w));
    assert_eq!(bytes.len(), chunk.encoded_len());
    assert_eq!(bytes.len() % 4, 0);
    let mut r = Reader::new(&bytes);
    assert_eq!(Chunk::parse(&mut r), Ok(chunk));
    assert!(r.is_empty());
    let said = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
    for len in 0..bytes.len() {
        let cut = Chunk::parse(&mut Reader::new(&bytes[..len]));
        assert_eq!(cut.is_ok(), len >= said, "cut to {len} of {said}");
    }
    assert!(!chunk.to_string().is_empty());
}

fn check_parameter(parameter: Parameter<'_>) {
    let bytes = emitted(|w| parameter.emit(w));
    assert_eq!(bytes.len(), parameter.encoded_len());
    assert_eq!(Parameter::parse(&mut Reader::new(&bytes)), Ok(parameter));
    for len in 0..bytes.len() - bytes.len().min(3) {
        let _ = Parameter::parse(&mut Reader::new(&bytes[..len]));
    }
    assert!(!parameter.to_string().is_empty());
    let parameters = Parameters::parse(&mut Reader::new(&bytes)).unwrap();
    check_chunk(Chunk::ReConfig(ReConfig { parameters }));
    check_chunk(Chunk::Heartbeat(Heartbeat { info: parameters }));
    check_chunk(Chunk::HeartbeatAck(HeartbeatAck { info: parameters }));
    let fields = InitFields {
        initiate_tag: 1,
        a_rwnd: 2,
        outbound_streams: 3,
        inbound_streams: 4,
        initial_tsn: Serial32(5),
        parameters,
    };
    check_chunk(Chunk::Init(Init(fields)));
    check_chunk(Chunk::InitAck(InitAck(fields)));
}

fn check_cause(cause: Cause<'_>) {
    let bytes = emitted(|w| cause.emit(w));
    assert_eq!(bytes.len(), cause.encoded_len());
    assert_eq!(Cause::parse(&mut Reader::new(&bytes)), Ok(cause));
    assert!(!cause.to_string().is_empty());
    let causes = Causes::parse(&mut Reader::new(&bytes)).unwrap();
    check_chunk(Chunk::Error(Error { causes }));
    let reflected = bytes.len() % 8 == 0;
    check_chunk(Chunk::Abort(Abort { reflected, causes }));
}

proptest! {
    #[test]
    fn data_round_trips(
        (tsn, stream, ssn, ppid) in any::<(u32, u16, u16, u32)>(),
        (unordered, beginning, ending, immediate) in any::<(bool, bool, bool, bool)>(),
        payload in bytes_of(any::<u8>(), 0..40),
    ) {
        check_chunk(Chunk::Data(Data {
            tsn: Serial32(tsn),
            stream: StreamId(stream),
            ssn: Serial16(ssn),
            ppid: Ppid(ppid),
            unordered,
            beginning,
            ending,
            immediate,
            payload: &payload,
        }));
    }

    #[test]
    fn sack_round_trips(
        (cumulative_tsn, a_rwnd) in any::<(u32, u32)>(),
        gaps in bytes_of(any::<(u16, u16)>(), 0..6),
        duplicates in bytes_of(any::<u32>(), 0..6),
    ) {
        let gaps = List::encode(gaps.into_iter().map(|(start, end)| GapAckBlock { start, end }));
        let duplicates = List::encode(duplicates.into_iter().map(Serial32));
        check_chunk(Chunk::Sack(Sack {
            cumulative_tsn: Serial32(cumulative_tsn),
            a_rwnd,
            gaps: List::new(&gaps),
            duplicates: List::new(&duplicates),
        }));
    }

    #[test]
    fn forward_tsn_round_trips(tsn in any::<u32>(), streams in bytes_of(any::<(u16, u16)>(), 0..6)) {
        let streams = List::encode(streams.into_iter().map(|(stream, ssn)| SkippedStream {
            stream: StreamId(stream),
            ssn: Serial16(ssn),
        }));
        check_chunk(Chunk::ForwardTsn(ForwardTsn {
            new_cumulative_tsn: Serial32(tsn),
            streams: List::new(&streams),
        }));
    }

    #[test]
    fn small_and_unknown_chunks_round_trip(
        tsn in any::<u32>(),
        reflected in any::<bool>(),
        (kind, flags) in (15_u8..128, any::<u8>()),
        value in bytes_of(any::<u8>(), 0..20),
    ) {
        check_chunk(Chunk::Shutdown(Shutdown { cumulative_tsn: Serial32(tsn) }));
        check_chunk(Chunk::ShutdownAck(ShutdownAck));
        check_chunk(Chunk::ShutdownComplete(ShutdownComplete { reflected }));
        check_chunk(Chunk::CookieAck(CookieAck));
        check_chunk(Chunk::CookieEcho(CookieEcho { cookie: &value }));
        check_chunk(Chunk::Unknown(Unknown { kind, flags, value: &value }));
    }

    #[test]
    fn parameters_round_trip(
        (number, other, last, kind) in any::<(u32, u32, u32, u16)>(),
        (count, outgoing, result) in (any::<u16>(), any::<bool>(), 0_u32..9),
        bytes in bytes_of(any::<u8>(), 0..20),
        streams in bytes_of(any::<u16>(), 0..6),
    ) {
        let request = Serial32(number);
        let streams = List::encode(streams.into_iter().map(StreamId));
        let streams = List::new(&streams);
        for parameter in [
            Parameter::HeartbeatInfo(&bytes),
            Parameter::StateCookie(&bytes),
            Parameter::Unrecognized(&bytes),
            Parameter::SupportedExtensions(&bytes),
            Parameter::Address { kind: 5 + u16::from(outgoing), bytes: &bytes },
            Parameter::Unknown { kind: kind & 0x3f00 | 0x4000, bytes: &bytes },
            Parameter::CookiePreservative(other),
            Parameter::ZeroChecksum(other),
            Parameter::ForwardTsnSupported,
            Parameter::OutgoingReset(OutgoingReset {
                request,
                response: Serial32(other),
                last_tsn: Serial32(last),
                streams,
            }),
            Parameter::IncomingReset(IncomingReset { request, streams }),
            Parameter::AssociationReset(AssociationReset { request }),
            Parameter::AddStreams(AddStreams { outgoing, request, count }),
            Parameter::ResetResponse(ResetResponse {
                request,
                result: [
                    ResetResult::NothingToDo,
                    ResetResult::Performed,
                    ResetResult::Denied,
                    ResetResult::WrongStream,
                    ResetResult::AlreadyInProgress,
                    ResetResult::BadNumber,
                    ResetResult::InProgress,
                    ResetResult::Other(7),
                    ResetResult::Other(u32::MAX),
                ][result as usize],
                next_tsns: outgoing.then_some((Serial32(other), Serial32(last))),
            }),
        ] {
            check_parameter(parameter);
        }
    }

    #[test]
    fn causes_round_trip(
        number in any::<u32>(),
        code in 14_u16..,
        stream in any::<u16>(),
        bytes in bytes_of(any::<u8>(), 0..10).prop_map(|half| [half.clone(), half].concat()),
    ) {
        let bytes = bytes.as_slice();
        for cause in [
            Cause::InvalidStream(StreamId(stream)),
            Cause::MissingParameters(bytes),
            Cause::StaleCookie(number),
            Cause::OutOfResource,
            Cause::UnresolvableAddress(bytes),
            Cause::UnrecognizedChunk(bytes),
            Cause::InvalidParameter,
            Cause::UnrecognizedParameters(bytes),
            Cause::NoUserData(Serial32(number)),
            Cause::CookieWhileShuttingDown,
            Cause::RestartWithNewAddresses(bytes),
            Cause::UserInitiated(bytes),
            Cause::ProtocolViolation(bytes),
            Cause::Unknown { code, bytes },
        ] {
            check_cause(cause);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in bytes_of(any::<u8>(), 0..200)) {
        if let Ok(packet) = Packet::parse(&mut Reader::new(&bytes)) {
            let _ = packet.to_string();
            prop_assert!(packet.chunks().count() <= bytes.len() / 4);
        }
        let mut r = Reader::new(&bytes);
        // SCTP-077, ATK-046: every step makes progress, so this ends.
        while Chunk::parse(&mut r).is_ok() {}
    }
}

macro_rules! capture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/vectors/sctp/", $name, ".bin")).to_vec()
    };
}

/// The trace line of a capture, after its checksum was found to be right, and
/// after it was written again as the same bytes.
fn line(mut capture: Vec<u8>) -> alloc::string::String {
    assert!(checksum_is_valid(&mut capture, false));
    let packet = Packet::parse(&mut Reader::new(&capture)).unwrap();
    let again = emitted(|w| {
        packet.header.emit(w);
        for chunk in packet.chunks() {
            chunk.unwrap().emit(w);
        }
        write_checksum(w, 0);
    });
    assert_eq!(again, capture);
    assert_eq!(emitted(|w| packet.emit(w)), capture);
    packet.to_string()
}

/// Packets that aiortc's tests and libwebrtc's fuzz corpus hold.
#[test]
fn real_captures_are_understood() {
    assert_eq!(
        line(capture!("libwebrtc_data-fragment1")),
        "SCTP DATA tsn=1208991113 sid=111 ppid=51 len=1184 [B U]"
    );
    assert_eq!(
        line(capture!("libwebrtc_cookie-ack-sack")),
        "SCTP COOKIE-ACK + SACK cum=84061463 rwnd=131072"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_sack")),
        "SCTP SACK cum=2222939037 rwnd=128160 gaps=[2-2 4-4] dups=[2222939041]"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_forward_tsn")),
        "SCTP FORWARD-TSN cum=1234 streams=[12:34]"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_reconfig_response")),
        "SCTP RE-CONFIG reset-response req=2438143828 Performed"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_reconfig_reset_out")),
        "SCTP RE-CONFIG reset-out req=2346191451 last=2346191454 streams=[1]"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_shutdown_ack")),
        "SCTP SHUTDOWN-ACK"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_shutdown")),
        "SCTP SHUTDOWN cum=2696426712"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_heartbeat")),
        "SCTP HEARTBEAT len=40"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_cookie_echo")),
        "SCTP COOKIE-ECHO len=8"
    );
    assert_eq!(
        line(capture!("aiortc_sctp_abort")),
        "SCTP ABORT protocol-violation=\"Expected B-bit for TSN=4ce1f17f, SID=0001, SSN=0000\""
    );
    assert!(
        line(capture!("aiortc_sctp_init_bad_verification"))
            .contains("extensions=[192 15 193 128 130]")
    );
    assert!(line(capture!("libwebrtc_init-ack")).contains(" cookie=256"));
    let bundle = capture!("libwebrtc_cookie-echo-data-data-data");
    let packet = Packet::parse(&mut Reader::new(&bundle)).unwrap();
    assert_eq!(packet.chunks().count(), 4);
}

/// SCTP-076: lengths that cannot be.
#[test]
fn impossible_lengths_are_refused() {
    let packet = |chunk: &[u8]| {
        let bytes = [&[0; 12][..], chunk].concat();
        Packet::parse(&mut Reader::new(&bytes)).map(|packet| packet.chunks().count())
    };
    assert_eq!(packet(&[11, 0, 0, 4]), Ok(1));
    assert_eq!(packet(&[11, 0, 0, 3]), Err(Malformed("length")));
    assert_eq!(packet(&[11, 0, 0, 0]), Err(Malformed("length")));
    assert_eq!(packet(&[11, 0, 0, 5]), Err(Malformed("value")));
    assert_eq!(packet(&[11, 0, 0]), Err(Malformed("length")));
    assert_eq!(packet(&[]), Err(Malformed("chunk type")));
    // The last chunk may lack its padding, the one before may not.
    assert_eq!(packet(&[10, 0, 0, 5, 1]), Ok(1));
    assert!(packet(&[10, 0, 0, 5, 1, 11, 0, 0, 4]).is_err());
    let truncated = capture!("aiortc_sctp_data_truncated");
    let cut = Packet::parse(&mut Reader::new(&truncated));
    assert_eq!(cut, Err(Malformed("value")));
}

/// SCTP-079: a damaged packet is noticed, whichever bit it is.
#[test]
fn a_wrong_checksum_is_refused() {
    let good = capture!("aiortc_sctp_sack");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let before = bad.clone();
        assert!(!checksum_is_valid(&mut bad, false));
        assert!(!checksum_is_valid(&mut bad, true));
        assert_eq!(bad, before, "the packet is as it was");
    }
    let mut zero = good;
    zero[8..12].fill(0);
    assert!(checksum_is_valid(&mut zero, true));
    assert!(!checksum_is_valid(&mut zero, false));
    assert!(!checksum_is_valid(&mut zero[..11], true));
}

/// SCTP-014, SCTP-075: what the high bits of an unknown type ask for.
#[test]
fn the_high_bits_say_what_to_do_with_the_unknown() {
    let action = |kind| {
        let value = &[];
        Unknown {
            kind,
            flags: 0,
            value,
        }
        .action()
    };
    assert_eq!(action(0x3f), UnknownAction::Stop);
    assert_eq!(action(0x7f), UnknownAction::StopAndReport);
    assert_eq!(action(0xbf), UnknownAction::Skip);
    assert_eq!(action(0xff), UnknownAction::SkipAndReport);
    let parameter = |kind| Parameter::Unknown { kind, bytes: &[] }.action();
    assert!(parameter(0x3fff).stops() && !parameter(0x3fff).reports());
    assert!(parameter(0x7fff).stops() && parameter(0x7fff).reports());
    assert!(!parameter(0xbfff).stops() && !parameter(0xbfff).reports());
    assert!(!parameter(0xffff).stops() && parameter(0xffff).reports());
}
