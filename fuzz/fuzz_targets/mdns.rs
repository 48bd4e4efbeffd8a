//! A message of multicast DNS.
#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use pollrtc::Instant;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::mdns::{Event, Mdns, MdnsConfig, PORT};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::wire::mdns::{Builder, Data, HEADER_LEN, Message};
use pollrtc_fuzz::emitted;

fuzz_target!(|bytes: &[u8]| {
    message(bytes);
    machine(bytes);
    // The flags and counts that a fuzzer has a hard time to guess.
    let mut bytes = bytes.to_vec();
    if let Some(header) = bytes.get_mut(2..HEADER_LEN) {
        header[0] &= 0x87;
        header[1] &= 0xf0;
        for count in header[2..].chunks_mut(2) {
            count[0] = 0;
            count[1] &= 7;
        }
        message(&bytes);
        machine(&bytes);
    }
});

/// A machine that has a name and asks for one: it says little, and stays calm.
fn machine(bytes: &[u8]) {
    let local = SocketAddr::from(([10, 0, 0, 1], PORT));
    let mut mdns = Mdns::new(MdnsConfig::default(), &mut Rng::from_number(1));
    mdns.add_socket(local).unwrap();
    mdns.publish("a.local", local.ip()).unwrap();
    mdns.resolve("b.local").unwrap();
    let (mut now, mut buf) = (Instant::ZERO, Vec::new());
    for port in [PORT, 40_000] {
        let from = SocketAddr::from(([10, 0, 0, 2], port));
        mdns.handle_input(now, Path::udp(local, from), bytes);
    }
    for _ in 0..20 {
        while mdns
            .poll_transmit(now, &mut Writer::new(&mut buf, 500))
            .is_some()
        {}
        let Some(deadline) = mdns.poll_timeout() else {
            break;
        };
        assert!(deadline > now);
        now = deadline;
        mdns.handle_timeout(now);
    }
    assert!(matches!(
        mdns.poll_event(),
        Some(Event::Resolved { .. } | Event::NotFound(_))
    ));
    assert_eq!(mdns.poll_event(), None);
    // Four questions, an answer to all and one to a single asker.
    assert!(buf.len() < 6 * 100);
}

fn message(bytes: &[u8]) {
    let Ok(message) = Message::parse(&mut Reader::new(bytes)) else {
        return;
    };
    assert!(!message.to_string().contains('\n'));
    let questions: usize = message.questions().map(|question| question.len()).sum();
    let records: usize = message.records().map(|(_, record)| record.len()).sum();
    if questions + records > 1 << 20 {
        return;
    }
    let again = emitted(HEADER_LEN + questions + records, |w| {
        let mut builder = Builder::new(w, message.header());
        message.questions().for_each(|q| builder.question(&q));
        message.records().for_each(|(s, r)| builder.record(s, &r));
    });
    let again = Message::parse(&mut Reader::new(&again)).unwrap();
    assert_eq!(again.header(), message.header());
    assert!(again.questions().eq(message.questions()));
    for ((section, record), (other, first)) in again.records().zip(message.records()) {
        assert_eq!(section, other);
        assert_eq!(record.name, first.name);
        // The data of unknown records may point to where the names are no more.
        if !matches!(first.data, Data::Unknown { .. }) {
            assert_eq!(record, first);
        }
    }
}
