use alloc::format;
use alloc::string::ToString;
use alloc::vec;
use core::net::Ipv4Addr;

use super::*;
use crate::cursor::{Reader, Writer};
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::mdns::{
    Builder, CLASS_IN, Data, Header, Message, Name, Question, Record, Section, kind,
};

const NAME: &str = "7732aa68-7313-4c89-9725-502683408695.local";

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn host(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, number], PORT))
}

fn ip(number: u8) -> IpAddr {
    host(number).ip()
}

/// A machine at `host(number)`.
fn machine(number: u8) -> Mdns {
    let mut mdns = Mdns::new(MdnsConfig::default(), &mut Rng::from_number(number.into()));
    mdns.add_socket(host(number)).unwrap();
    mdns
}

fn sent(mdns: &mut Mdns, now: Instant) -> Option<(Path, Vec<u8>)> {
    let mut buf = Vec::new();
    let path = mdns.poll_transmit(now, &mut Writer::new(&mut buf, 1400))?;
    Some((path, buf))
}

fn text(bytes: &[u8]) -> String {
    Message::parse(&mut Reader::new(bytes)).unwrap().to_string()
}

/// A query as `from` sends it.
fn ask(
    mdns: &mut Mdns,
    now: Instant,
    from: SocketAddr,
    names: &[&str],
    change: impl Fn(&mut Question<'_>),
) {
    let header = Header {
        id: 77,
        response: false,
        truncated: false,
    };
    ask_with(mdns, now, from, header, names, &[], change);
}

#[expect(clippy::too_many_arguments, reason = "a question has many parts")]
fn ask_with(
    mdns: &mut Mdns,
    now: Instant,
    from: SocketAddr,
    header: Header,
    names: &[&str],
    known: &[Record<'_>],
    change: impl Fn(&mut Question<'_>),
) {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1400);
    let mut builder = Builder::new(&mut w, header);
    for name in names {
        let mut question = Question {
            name: Name::new(name).unwrap(),
            kind: kind::A,
            class: CLASS_IN,
            unicast: false,
        };
        change(&mut question);
        builder.question(&question);
    }
    known
        .iter()
        .for_each(|record| builder.record(Section::Answer, record));
    mdns.handle_input(now, Path::udp(host(1), from), &buf);
}

fn answer(mdns: &mut Mdns, from: SocketAddr, name: &str, address: IpAddr, ttl: u32) {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1400);
    let header = Header {
        id: 0,
        response: true,
        truncated: false,
    };
    let record = Record {
        name: Name::new(name).unwrap(),
        flush: true,
        ttl,
        data: Data::Address(address),
    };
    Builder::new(&mut w, header).record(Section::Answer, &record);
    mdns.handle_input(ms(0), Path::udp(host(1), from), &buf);
}

#[test]
fn one_finds_the_other_in_one_round_trip() {
    let (mut asker, mut owner) = (machine(1), machine(2));
    owner.publish(NAME, ip(2)).unwrap();
    asker.resolve(NAME).unwrap();
    let (path, question) = sent(&mut asker, ms(0)).unwrap();
    assert_eq!(path, Path::udp(host(1), GROUP_V4));
    assert_eq!(
        text(&question),
        format!("mDNS query {NAME} A? {NAME} AAAA?")
    );
    // Multicast comes back to the sender, too.
    for (mdns, local) in [(&mut asker, host(1)), (&mut owner, host(2))] {
        mdns.handle_input(ms(1), Path::udp(local, host(1)), &question);
    }
    assert_eq!(sent(&mut asker, ms(1)), None);
    let (path, response) = sent(&mut owner, ms(1)).unwrap();
    assert_eq!(path, Path::udp(host(2), GROUP_V4));
    assert_eq!(
        text(&response),
        format!("mDNS response [{NAME} is 10.0.0.2 for 120 s] [{NAME} has only A for 120 s]")
    );
    for (mdns, local) in [(&mut asker, host(1)), (&mut owner, host(2))] {
        mdns.handle_input(ms(2), Path::udp(local, host(2)), &response);
    }
    let resolved = Event::Resolved {
        name: NAME.into(),
        addresses: vec![ip(2)],
    };
    assert_eq!(asker.poll_event(), Some(resolved));
    assert_eq!(asker.poll_event(), None);
    assert_eq!(owner.poll_event(), None);
    assert_eq!((asker.poll_timeout(), owner.poll_timeout()), (None, None));
    assert_eq!(asker.stats().dropped.not_for_us, 1);
    assert_eq!(owner.stats().dropped.not_for_us, 1);
    assert_eq!(owner.stats().questions_received, 1);
}

/// What a browser said, word for word.
#[test]
fn a_browser_is_answered_and_its_answer_is_taken() {
    let bytes = |hex: &str| hex::decode(hex).unwrap();
    let question = bytes(
        "0000000000010000000000002437373332616136382d373331332d346338392d393732352d35303236383334\
         3038363935056c6f63616c0000010001",
    );
    let reply = bytes(
        "0000840000000001000000012437373332616136382d373331332d346338392d393732352d35303236383334\
         3038363935056c6f63616c00000180010000007800040a6300012437373332616136382d373331332d346338\
         392d393732352d353032363833343038363935056c6f63616c00002f8001000000780005c046000140",
    );
    let address = IpAddr::V4(Ipv4Addr::new(10, 99, 0, 1));
    let mut owner = machine(1);
    owner.publish(NAME, address).unwrap();
    owner.handle_input(ms(0), Path::udp(host(1), host(2)), &question);
    let (_, ours) = sent(&mut owner, ms(0)).unwrap();
    // Ours says the same; a browser compresses one name more.
    assert_eq!(text(&ours), text(&reply));

    let mut asker = machine(1);
    asker.resolve(NAME).unwrap();
    asker.handle_input(ms(0), Path::udp(host(1), host(2)), &reply);
    let resolved = Event::Resolved {
        name: NAME.into(),
        addresses: vec![address],
    };
    assert_eq!(asker.poll_event(), Some(resolved));
}

#[test]
fn a_question_is_repeated_with_growing_waits_and_given_up() {
    let mut mdns = machine(1);
    mdns.resolve(NAME).unwrap();
    let mut times = Vec::new();
    let mut now = ms(0);
    loop {
        while sent(&mut mdns, now).is_some() {
            times.push(now.as_millis());
        }
        let Some(deadline) = mdns.poll_timeout() else {
            break;
        };
        assert!(deadline > now);
        now = deadline;
        mdns.handle_timeout(now);
    }
    assert_eq!(times, [0, 1000, 3000, 7000]);
    assert_eq!(now, ms(10_000));
    assert_eq!(mdns.poll_event(), Some(Event::NotFound(NAME.into())));
    assert_eq!(mdns.poll_event(), None);
}

#[test]
fn names_asked_for_together_share_a_datagram_and_go_to_every_socket() {
    let mut mdns = machine(1);
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, PORT));
    mdns.resolve("a.local").unwrap();
    mdns.resolve("b.local").unwrap();
    mdns.add_socket(v6).unwrap();
    let both = "mDNS query a.local A? a.local AAAA? b.local A? b.local AAAA?";
    for path in [Path::udp(host(1), GROUP_V4), Path::udp(v6, GROUP_V6)] {
        let (to, bytes) = sent(&mut mdns, ms(0)).unwrap();
        assert_eq!((to, &*text(&bytes)), (path, both));
    }
    assert_eq!(sent(&mut mdns, ms(0)), None);
    mdns.remove_socket(v6);
    mdns.handle_timeout(ms(1000));
    assert!(sent(&mut mdns, ms(1000)).is_some());
    assert_eq!(sent(&mut mdns, ms(1000)), None);
    mdns.remove_socket(host(1));
    assert_eq!(mdns.poll_event(), Some(Event::NotFound("a.local".into())));
    assert_eq!(mdns.poll_event(), Some(Event::NotFound("b.local".into())));
    assert_eq!(mdns.poll_timeout(), None);
    assert_eq!(mdns.resolve("a.local"), Err(NameError::NoSocket));
}

#[test]
fn a_datagram_holds_as_many_questions_as_fit() {
    let mut mdns = machine(1);
    for name in ["a.local", "b.local", "c.local"] {
        mdns.resolve(name).unwrap();
    }
    let mut poll = |room| {
        let mut buf = Vec::new();
        mdns.poll_transmit(ms(0), &mut Writer::new(&mut buf, room))?;
        Some(text(&buf))
    };
    assert_eq!(poll(11), None);
    assert_eq!(poll(37), None);
    assert_eq!(poll(38).unwrap(), "mDNS query a.local A? a.local AAAA?");
    assert_eq!(poll(100).unwrap().matches('?').count(), 4);
    assert_eq!(poll(1400), None);
}

#[test]
fn all_are_told_once_in_a_second() {
    let mut mdns = machine(1);
    mdns.publish(NAME, ip(1)).unwrap();
    ask(&mut mdns, ms(0), host(2), &[NAME], |_| ());
    ask(&mut mdns, ms(0), host(3), &[NAME], |_| ());
    assert!(sent(&mut mdns, ms(0)).is_some());
    assert_eq!(sent(&mut mdns, ms(0)), None);
    for now in [0, 500, 999] {
        ask(&mut mdns, ms(now), host(2), &[NAME], |_| ());
        assert_eq!(sent(&mut mdns, ms(now)), None);
    }
    assert_eq!(mdns.stats().dropped.too_soon, 3);
    ask(&mut mdns, ms(1000), host(2), &[NAME], |_| ());
    assert!(sent(&mut mdns, ms(1000)).is_some());
}

#[test]
fn who_wants_an_answer_alone_gets_it_if_all_have_heard_it() {
    let mut mdns = machine(1);
    mdns.publish(NAME, ip(1)).unwrap();
    let mut told = |now, from| {
        ask(&mut mdns, ms(now), from, &[NAME], |question| {
            question.unicast = true;
        });
        sent(&mut mdns, ms(now)).map(|(path, bytes)| (path.remote, bytes[..2].to_vec()))
    };
    // RFC 6762 §5.4: nobody has heard it yet. §18.1: no id for all.
    assert_eq!(told(0, host(2)), Some((GROUP_V4, vec![0, 0])));
    assert_eq!(told(500, host(2)), Some((host(2), vec![0, 77])));
    assert_eq!(told(600, host(3)), None);
    // From afar: §11.
    let afar = SocketAddr::from(([8, 8, 8, 8], PORT));
    assert_eq!(told(2_000, afar), Some((GROUP_V4, vec![0, 0])));
    assert_eq!(told(32_000, host(2)), Some((GROUP_V4, vec![0, 0])));
    assert_eq!(mdns.stats().dropped.too_soon, 1);
}

#[test]
fn plain_dns_gets_an_answer_that_plain_dns_understands() {
    let mut mdns = machine(1);
    mdns.publish(NAME, ip(1)).unwrap();
    let asker = SocketAddr::from(([10, 0, 0, 9], 40_000));
    ask(&mut mdns, ms(0), asker, &[NAME], |_| ());
    let (path, bytes) = sent(&mut mdns, ms(0)).unwrap();
    assert_eq!(path, Path::udp(host(1), asker));
    let message = Message::parse(&mut Reader::new(&bytes)).unwrap();
    assert_eq!(message.header().id, 77);
    assert_eq!(message.questions().count(), 1);
    assert!(
        message
            .records()
            .all(|(_, record)| record.ttl == 10 && !record.flush)
    );

    ask(&mut mdns, ms(0), asker, &[NAME], |_| ());
    let afar = SocketAddr::from(([8, 8, 8, 8], 53));
    ask(&mut mdns, ms(5000), afar, &[NAME], |_| ());
    assert_eq!(sent(&mut mdns, ms(5000)), None);
    let dropped = mdns.stats().dropped;
    assert_eq!((dropped.too_soon, dropped.off_link), (1, 1));
}

#[test]
fn who_knows_the_answer_is_not_told() {
    let known = |ttl, number| Record {
        name: Name::new(NAME).unwrap(),
        flush: false,
        ttl,
        data: Data::Address(ip(number)),
    };
    let header = Header {
        id: 0,
        response: false,
        truncated: false,
    };
    for (record, answers) in [(known(60, 1), 0), (known(59, 1), 1), (known(120, 2), 1)] {
        let mut mdns = machine(1);
        mdns.publish(NAME, ip(1)).unwrap();
        ask_with(
            &mut mdns,
            ms(0),
            host(2),
            header,
            &[NAME],
            &[record],
            |_| (),
        );
        assert_eq!(sent(&mut mdns, ms(0)).iter().count(), answers);
        assert_eq!(mdns.stats().dropped.known, 1 - answers as u64);
    }
}

#[test]
fn an_answer_waits_where_others_may_answer_too() {
    let mut mdns = machine(1);
    mdns.publish(NAME, ip(1)).unwrap();
    ask(&mut mdns, ms(0), host(2), &["other.local", NAME], |_| ());
    assert_eq!(sent(&mut mdns, ms(0)), None);
    let at = mdns.poll_timeout().unwrap();
    assert!((20..120).contains(&at.as_millis()));
    mdns.handle_timeout(at);
    assert!(sent(&mut mdns, at).is_some());

    let header = Header {
        id: 0,
        response: false,
        truncated: true,
    };
    ask_with(&mut mdns, ms(2000), host(2), header, &[NAME], &[], |_| ());
    let at = mdns.poll_timeout().unwrap();
    assert!((2400..2500).contains(&at.as_millis()));
    mdns.withdraw(NAME);
    assert_eq!(mdns.poll_timeout(), None);
}

#[test]
fn answers_from_elsewhere_and_goodbyes_are_not_taken() {
    let mut mdns = machine(1);
    mdns.resolve(NAME).unwrap();
    answer(
        &mut mdns,
        SocketAddr::from(([10, 0, 0, 2], 5354)),
        NAME,
        ip(2),
        120,
    );
    answer(&mut mdns, host(2), NAME, ip(2), 0);
    answer(&mut mdns, host(2), "another.local", ip(2), 120);
    assert_eq!(mdns.poll_event(), None);
    let dropped = mdns.stats().dropped;
    assert_eq!((dropped.wrong_port, dropped.not_for_us), (1, 2));
    answer(&mut mdns, host(2), &NAME.to_ascii_uppercase(), ip(2), 120);
    assert!(matches!(mdns.poll_event(), Some(Event::Resolved { .. })));
    answer(&mut mdns, host(2), NAME, ip(3), 120);
    assert_eq!(mdns.poll_event(), None);
}

#[test]
fn questions_of_another_class_or_name_are_not_answered() {
    let mut mdns = machine(1);
    mdns.publish(NAME, ip(1)).unwrap();
    ask(&mut mdns, ms(0), host(2), &[NAME], |question| {
        question.class = 3;
    });
    ask(&mut mdns, ms(0), host(2), &["other.local"], |_| ());
    assert_eq!(sent(&mut mdns, ms(0)), None);
    assert_eq!(mdns.stats().dropped.not_for_us, 2);
    // Of another type it is: nobody has to wait to learn that there is none.
    ask(&mut mdns, ms(0), host(2), &[NAME], |question| {
        question.kind = kind::AAAA;
    });
    assert!(sent(&mut mdns, ms(0)).is_some());
}

#[test]
fn every_list_has_a_limit() {
    let config = MdnsConfig::default();
    let mut mdns = machine(1);
    let name = |number: usize| format!("n{number}.local");
    for number in 0..config.max_names {
        mdns.publish(&name(number), ip(1)).unwrap();
    }
    assert_eq!(mdns.publish(&name(99), ip(1)), Err(NameError::TooMany));
    assert_eq!(mdns.publish(&name(0), ip(1)), Ok(()));
    assert_eq!(mdns.publish(&name(0), ip(2)), Err(NameError::Taken));
    for number in 0..config.max_questions {
        mdns.resolve(&name(number)).unwrap();
    }
    assert_eq!(mdns.resolve(&name(99)), Err(NameError::TooMany));
    assert_eq!(mdns.resolve(&name(0)), Ok(()));
    assert_eq!(mdns.resolve("host.example"), Err(NameError::NotLocal));
    // Events that nobody takes count, too.
    for number in 0..config.max_questions {
        answer(&mut mdns, host(2), &name(number), ip(2), 120);
    }
    assert_eq!(mdns.resolve(&name(99)), Err(NameError::TooMany));
    assert!(mdns.poll_event().is_some());
    assert_eq!(mdns.resolve(&name(99)), Ok(()));

    let mut mdns = Mdns::new(
        MdnsConfig {
            max_replies: 2,
            ..config
        },
        &mut Rng::from_number(1),
    );
    mdns.add_socket(host(1)).unwrap();
    for number in 0..3 {
        mdns.publish(&name(number), ip(1)).unwrap();
        let asker = SocketAddr::from(([10, 0, 0, 9], 40_000));
        ask(&mut mdns, ms(0), asker, &[&name(number)], |_| ());
    }
    assert_eq!(mdns.stats().dropped.replies_full, 1);
    for number in (2..).take(MAX_SOCKETS - 1) {
        mdns.add_socket(host(number)).unwrap();
    }
    assert_eq!(mdns.add_socket(host(2)), Ok(()));
    assert_eq!(mdns.add_socket(host(99)), Err(SocketError::TooMany));
    let port = SocketAddr::from(([10, 0, 0, 1], 5000));
    assert_eq!(mdns.add_socket(port), Err(SocketError::Port));
}

#[test]
fn closed_it_is_silent() {
    let mut mdns = machine(1);
    mdns.publish(NAME, ip(1)).unwrap();
    mdns.resolve("a.local").unwrap();
    ask(&mut mdns, ms(0), host(2), &[NAME], |_| ());
    mdns.close();
    mdns.close();
    assert_eq!(sent(&mut mdns, ms(0)), None);
    assert_eq!(mdns.poll_timeout(), None);
    assert_eq!(mdns.poll_event(), Some(Event::Closed));
    assert_eq!(mdns.poll_event(), None);
    assert_eq!(mdns.resolve("a.local"), Err(NameError::Closed));
    assert_eq!(mdns.publish(NAME, ip(1)), Err(NameError::Closed));
    assert_eq!(mdns.add_socket(host(1)), Err(SocketError::Closed));
    ask(&mut mdns, ms(0), host(2), &[NAME], |_| ());
    assert_eq!(sent(&mut mdns, ms(0)), None);
}
