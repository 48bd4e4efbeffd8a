use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::cursor::{Malformed, Reader, Writer};

/// What Chromium multicasts to learn the address behind a candidate of a peer.
const QUESTION: &str = "000000000001000000000000\
    2437373332616136382d373331332d346338392d393732352d353032363833343038363935056c6f63616c0000010001";

/// What Chromium multicasts when a peer asks for one of its own names.
const ANSWER: &str = "000084000000000100000001\
    2437373332616136382d373331332d346338392d393732352d353032363833343038363935056c6f63616c00\
    00018001000000780004 0a630001\
    2437373332616136382d373331332d346338392d393732352d353032363833343038363935056c6f63616c00\
    002f8001000000780005 c046000140";

/// What Chromium multicasts when a page goes away.
const GOODBYE: &str = "000084000000000200000000\
    2433316562326435662d303262312d343135392d616563652d646238303234633964393462056c6f63616c00\
    00018001000000000004 0a630001\
    2438306261313335632d643562612d343532612d626634622d316134383634616338313534056c6f63616c00\
    001c8001000000000010 00000000000000000000000000000000";

const NAME: &str = "7732aa68-7313-4c89-9725-502683408695.local";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    hex::decode(digits).unwrap()
}

fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    Message::parse(&mut Reader::new(bytes))
}

/// Writes again what was read.
fn rebuild(message: &Message<'_>) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1 << 20);
    let mut builder = Builder::new(&mut w, message.header());
    message.questions().for_each(|q| builder.question(&q));
    message.records().for_each(|(s, r)| builder.record(s, &r));
    assert!(!w.is_overflowed());
    buf
}

fn query_of(name: &[u8]) -> Vec<u8> {
    let mut query = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(name);
    query.extend([0, 1, 0, 1]);
    query
}

#[test]
fn reads_the_question_of_a_browser() {
    let packet = bytes(QUESTION);
    let message = parse(&packet).unwrap();
    let question = Question {
        name: Name::new(NAME).unwrap(),
        kind: kind::A,
        class: CLASS_IN,
        unicast: false,
    };
    assert!(message.questions().eq([question]));
    assert_eq!(message.records().count(), 0);
    assert!(!message.header().response);
    assert_eq!(rebuild(&message), packet);
    assert_eq!(
        message.to_string(),
        "mDNS query 7732aa68-7313-4c89-9725-502683408695.local A?"
    );
}

#[test]
fn reads_the_answer_of_a_browser() {
    let packet = bytes(ANSWER);
    let message = parse(&packet).unwrap();
    let name = Name::new(NAME).unwrap();
    let record = |data| Record {
        name,
        flush: true,
        ttl: 120,
        data,
    };
    let address = record(Data::Address(Ipv4Addr::new(10, 99, 0, 1).into()));
    let only = record(Data::Only {
        ipv4: true,
        ipv6: false,
    });
    let records = [(Section::Answer, address), (Section::Additional, only)];
    assert!(message.records().eq(records));
    assert!(message.header().response);
    // Written without compression, it says the same.
    let again = rebuild(&message);
    assert!(parse(&again).unwrap().records().eq(records));
    assert_eq!(
        message.to_string(),
        "mDNS response \
         [7732aa68-7313-4c89-9725-502683408695.local is 10.99.0.1 for 120 s] \
         [7732aa68-7313-4c89-9725-502683408695.local has only A for 120 s]"
    );
}

#[test]
fn reads_the_goodbye_of_a_browser() {
    let packet = bytes(GOODBYE);
    let message = parse(&packet).unwrap();
    let said: Vec<_> = message.records().map(|(_, r)| (r.ttl, r.data)).collect();
    let first = Data::Address(Ipv4Addr::new(10, 99, 0, 1).into());
    let second = Data::Address(Ipv6Addr::UNSPECIFIED.into());
    assert_eq!(said, [(0, first), (0, second)]);
    assert_eq!(rebuild(&message), packet);
}

#[test]
fn every_truncation_is_refused() {
    for packet in [QUESTION, ANSWER, GOODBYE].map(bytes) {
        for len in 0..packet.len() {
            assert!(parse(&packet[..len]).is_err(), "{len}");
        }
    }
}

#[test]
fn pointers_lead_back_and_never_in_a_circle() {
    let refused = |name: &[u8], why| {
        assert_eq!(parse(&query_of(name)).unwrap_err(), Malformed(why));
    };
    refused(&[0xc0, 12], "dns pointer");
    refused(&[0xc0, 14, 0], "dns pointer");
    refused(&[1, b'a', 0xc0, 12], "dns pointer");
    refused(&[0xff, 0xff], "dns pointer");
    refused(&[0x40], "dns label");
    refused(&[0x80], "dns label");
    // Into the header, which is before it: a strange name, but it ends.
    assert!(parse(&query_of(&[0xc0, 0])).is_ok());

    // Two questions: the second is the first with a label before it.
    let mut query = query_of(&[1, b'a', 5, b'l', b'o', b'c', b'a', b'l', 0]);
    query[5] = 2;
    query.extend([1, b'b', 0xc0, 14, 0, 28, 0x80, 1]);
    let message = parse(&query).unwrap();
    let second = message.questions().nth(1).unwrap();
    assert_eq!(second.name, Name::new("B.LOCAL.").unwrap());
    assert_ne!(second.name, Name::new("local").unwrap());
    assert_ne!(second.name, Name::new("b.local.net").unwrap());
    assert!(second.unicast && second.is_internet());
}

#[test]
fn a_chain_of_pointers_is_cut() {
    // Each question is a pointer to the one before.
    let mut query = query_of(&[0]);
    for count in 2..100_u16 {
        query[4..6].copy_from_slice(&count.to_be_bytes());
        let before = 12 + 5 * u16::from(count > 2) + 6 * count.saturating_sub(3);
        query.extend((0xc000 | before).to_be_bytes());
        query.extend([0, 1, 0, 1]);
        let jumps = usize::from(count) - 1;
        assert_eq!(parse(&query).is_ok(), jumps <= 32, "{jumps}");
        if jumps > 32 {
            break;
        }
    }
}

#[test]
fn names_are_as_long_as_they_may_be() {
    let label = "a".repeat(63);
    let longest = [&*label, &*label, &*label, &"b".repeat(61)].join(".");
    let name = Name::new(&longest).unwrap();
    assert_eq!(name.len(), 255);
    let mut buf = Vec::new();
    name.emit(&mut Writer::new(&mut buf, 1000));
    assert!(parse(&query_of(&buf)).is_ok());
    let at = buf.len() - 63;
    buf[at + 1..].fill(b'c');
    buf[at] += 1;
    buf.insert(at + 1, b'c');
    assert_eq!(
        parse(&query_of(&buf)).unwrap_err(),
        Malformed("dns name length")
    );

    assert!(Name::new(&alloc::format!("{longest}c")).is_err());
    assert!(Name::new(&"a".repeat(64)).is_err());
    assert!(Name::new("a..local").is_err());
    assert!(Name::new("").is_err());
    assert_eq!(Name::new("a.local.").unwrap().to_string(), "a.local");
}

#[test]
fn operations_and_errors_of_other_dns_are_refused() {
    let mut packet = bytes(QUESTION);
    packet[2] = 0x28;
    assert_eq!(parse(&packet).unwrap_err(), Malformed("dns flags"));
    packet[2..4].copy_from_slice(&[0x80, 3]);
    assert_eq!(parse(&packet).unwrap_err(), Malformed("dns flags"));
}

#[test]
fn what_is_not_known_is_kept_and_what_is_wrong_refused() {
    let answer = |kind: u16, class: u16, data: &[u8]| {
        let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, b'a', 0];
        packet.extend(kind.to_be_bytes());
        packet.extend(class.to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        packet.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        packet.extend(data);
        packet
    };
    let said = |kind, class, data: &[u8]| {
        let packet = answer(kind, class, data);
        let (_, record) = parse(&packet).unwrap().records().next().unwrap();
        record.to_string()
    };
    assert_eq!(said(16, 1, b"text"), "a TYPE16 of 4 bytes for 9 s");
    assert_eq!(said(kind::A, 3, &[1, 2]), "a A of 2 bytes for 9 s");
    assert_eq!(said(kind::NSEC, 1, &[0, 0, 1, 0]), "a has only for 9 s");
    let both = [0xc0, 12, 0, 4, 0x40, 0, 0, 8];
    assert_eq!(said(kind::NSEC, 1, &both), "a has only A AAAA for 9 s");
    for strange in [
        &[0, 1, 1, 0][..],
        &[0, 0, 0],
        &[0, 0, 1],
        &[0xc0, 30, 0, 1, 0],
    ] {
        assert!(said(kind::NSEC, 1, strange).starts_with("a NSEC of"));
    }
    assert!(parse(&answer(kind::A, 1, &[1, 2, 3])).is_err());
    assert!(parse(&answer(kind::AAAA, 1, &[0; 17])).is_err());
}

fn label() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_-]{1,20}"
}

fn any_name() -> impl Strategy<Value = String> {
    prop::collection::vec(label(), 1..5).prop_map(|labels| labels.join("."))
}

#[derive(Clone, Debug)]
enum Said {
    Address(IpAddr),
    Only(bool, bool),
    Unknown(u16, Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        any::<IpAddr>().prop_map(Said::Address),
        any::<(bool, bool)>().prop_map(|(a, b)| Said::Only(a, b)),
        (100..200_u16, prop::collection::vec(any::<u8>(), 0..30))
            .prop_map(|(kind, bytes)| Said::Unknown(kind, bytes)),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        id: u16,
        response: bool,
        truncated: bool,
        asked in prop::collection::vec((any_name(), any::<u16>(), any::<bool>()), 0..5),
        said in prop::collection::vec((any_name(), any::<bool>(), any::<u32>(), said()), 0..5),
    ) {
        let header = Header { id, response, truncated };
        let questions: Vec<_> = asked.iter().map(|(name, kind, unicast)| Question {
            name: Name::new(name).unwrap(),
            kind: *kind,
            class: CLASS_IN,
            unicast: *unicast,
        }).collect();
        let records: Vec<_> = said.iter().map(|(name, flush, ttl, said)| Record {
            name: Name::new(name).unwrap(),
            flush: *flush,
            ttl: *ttl,
            data: match said {
                Said::Address(ip) => Data::Address(*ip),
                Said::Only(ipv4, ipv6) => Data::Only { ipv4: *ipv4, ipv6: *ipv6 },
                Said::Unknown(kind, bytes) => Data::Unknown { kind: *kind, class: CLASS_IN, bytes },
            },
        }).collect();
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 1 << 20);
        let mut builder = Builder::new(&mut w, header);
        questions.iter().for_each(|question| builder.question(question));
        records.iter().for_each(|record| builder.record(Section::Answer, record));
        let len = HEADER_LEN
            + questions.iter().map(Question::len).sum::<usize>()
            + records.iter().map(Record::len).sum::<usize>();
        prop_assert_eq!(buf.len(), len);
        let message = parse(&buf).unwrap();
        prop_assert_eq!(message.header(), header);
        prop_assert!(message.questions().eq(questions));
        prop_assert!(message.records().map(|(_, record)| record).eq(records));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        counts: [u8; 4],
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xc0), 0..30_u8], 0..200),
    ) {
        let mut packet = vec![0; 4];
        packet.extend(counts.iter().flat_map(|count| [0, count % 4]));
        packet.extend(bytes);
        if let Ok(message) = parse(&packet) {
            prop_assert!(!message.to_string().contains('\n'));
            let again = rebuild(&message);
            let again = parse(&again).unwrap();
            prop_assert!(again.questions().eq(message.questions()));
            prop_assert_eq!(again.records().count(), message.records().count());
        }
    }
}
