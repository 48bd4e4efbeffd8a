//! Descriptions that are truncated, contradictory or hostile: a typed error and nothing
//! has changed, or an answer.

use std::fmt::Write as _;

use pollrtc::PeerConnection;
use pollrtc::peer::DescriptionError;
use pollrtc::rng::Rng;

use super::scene::{compare_golden, offer, peer, quiet, rich, seen};

/// A good offer with sound, pictures and data.
fn good() -> String {
    let mut peer = rich(2);
    peer.set_local_description(None).expect("one is due");
    peer.local_description().expect("it was just set").sdp
}

/// What a new connection makes of an offer: it answers, or nothing has changed.
fn outcome(sdp: &str) -> Result<String, DescriptionError> {
    let mut ours = peer(1);
    let before = seen(&ours);
    if let Err(error) = ours.set_remote_description(&offer(sdp)) {
        assert!(seen(&ours) == before, "{error}: something has changed");
        assert_eq!(quiet(&mut ours), 0, "{error}: something was said");
        // It can still be used.
        assert_eq!(accepted(&mut ours, &good()), Ok("3 of 3".into()), "{error}");
        return Err(error);
    }
    let mut again = peer(1);
    accepted(&mut again, sdp)
}

/// How many sections of an offer are accepted.
fn accepted(peer: &mut PeerConnection, sdp: &str) -> Result<String, DescriptionError> {
    peer.set_remote_description(&offer(sdp))?;
    peer.set_local_description(None)?;
    let answer = peer.local_description().expect("it was just set").sdp;
    let sections: Vec<_> = answer
        .lines()
        .filter(|line| line.starts_with("m="))
        .collect();
    let is_live = |line: &&&str| line.split(' ').nth(1) != Some("0");
    let live = sections.iter().filter(is_live);
    Ok(format!("{} of {}", live.count(), sections.len()))
}

#[test]
fn truncated_at_every_line_and_at_random() {
    let good = good();
    let mut rng = Rng::from_number(1);
    let ends = good.match_indices('\n').map(|(place, _)| place + 1);
    let lines: Vec<usize> = ends.collect();
    let random: Vec<usize> = (0..200)
        .map(|_| usize::try_from(rng.below(good.len() as u64)).expect("small"))
        .collect();
    let mut refused = 0;
    for end in lines.iter().chain(&random) {
        refused += usize::from(outcome(&good[..*end]).is_err());
    }
    // Without its last lines it may still be an offer.
    assert!(
        refused * 2 > lines.len() + random.len(),
        "{refused} of {}",
        lines.len()
    );
}

#[test]
fn with_one_byte_changed_at_random() {
    let good = good();
    let mut rng = Rng::from_number(2);
    let mut below = |end: usize| usize::try_from(rng.below(end as u64)).expect("small");
    for _ in 0..300 {
        let mut bytes = good.clone().into_bytes();
        let place = below(bytes.len());
        bytes[place] = b" 09az:=/-\r\n\0\x7f"[below(13)];
        if let Ok(text) = String::from_utf8(bytes) {
            let _ = outcome(&text);
        }
    }
}

/// One change after the other, each a name and what is done to a good offer.
#[test]
fn contradictory_and_hostile() {
    let good = good();
    let mut table = String::new();
    for (name, change) in CHANGES {
        let bad = change(&good);
        assert_ne!(bad, good, "{name} changes nothing");
        let outcome = match outcome(&bad) {
            Ok(accepted) => format!("accepts {accepted}"),
            Err(error) => error.to_string(),
        };
        let _ = writeln!(table, "{name}: {outcome}");
    }
    compare_golden("hostile_offers", &table);
}

type Change = fn(&str) -> String;

/// With the first `from` replaced, or all of them.
fn first(text: &str, from: &str, to: &str) -> String {
    text.replacen(from, to, 1)
}

/// Without the lines that begin like this.
fn without(text: &str, start: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with(start));
    lines.flat_map(|line| [line, "\r\n"]).collect()
}

/// With another line behind the first that begins like this.
fn behind(text: &str, start: &str, line: &str) -> String {
    let mut is_first = true;
    let lines = text.lines().flat_map(|one| {
        let hit = one.starts_with(start) && std::mem::take(&mut is_first);
        [one, "\r\n"]
            .into_iter()
            .chain(hit.then_some([line, "\r\n"]).into_iter().flatten())
    });
    lines.collect()
}

const CHANGES: [(&str, Change); 68] = [
    ("empty", |_| String::new()),
    ("no session", |s| {
        s.split_at(s.find("m=").expect("sections")).1.to_string()
    }),
    ("version 1", |s| first(s, "v=0", "v=1")),
    ("version is no number", |s| first(s, "v=0", "v=zero")),
    ("two sessions", |s| format!("{s}{s}")),
    ("no o=", |s| without(s, "o=")),
    ("session id beyond 64 bits", |s| {
        first(s, "o=- ", "o=- 9999999999999999999999")
    }),
    ("no m=", |s| {
        s.split_at(s.find("m=").expect("sections")).0.to_string()
    }),
    ("without user fragment", |s| without(s, "a=ice-ufrag")),
    ("without password", |s| without(s, "a=ice-pwd")),
    ("short user fragment", |s| shortened(s, "a=ice-ufrag:", 3)),
    ("short password", |s| shortened(s, "a=ice-pwd:", 21)),
    ("long user fragment", |s| lengthened(s, "a=ice-ufrag:", 257)),
    ("user fragment with spaces", |s| {
        s.replace("a=ice-ufrag:", "a=ice-ufrag:a b")
    }),
    ("two user fragments", |s| {
        behind(s, "a=ice-ufrag", "a=ice-ufrag:another")
    }),
    ("without fingerprint", |s| without(s, "a=fingerprint")),
    ("fingerprint of no bytes", |s| {
        shortened(s, "a=fingerprint:sha-256 ", 0)
    }),
    ("fingerprint cut short", |s| {
        shortened(s, "a=fingerprint:sha-256 ", 20)
    }),
    ("fingerprint of an unknown hash", |s| {
        s.replace("sha-256", "sha-999")
    }),
    ("without setup", |s| without(s, "a=setup")),
    ("setup:holdconn", |s| {
        s.replace("a=setup:actpass", "a=setup:holdconn")
    }),
    ("setup:nonsense", |s| {
        s.replace("a=setup:actpass", "a=setup:nonsense")
    }),
    ("two setups", |s| behind(s, "a=setup", "a=setup:active")),
    ("without mids", |s| without(s, "a=mid")),
    ("without mids and group", |s| {
        without(&without(s, "a=mid"), "a=group")
    }),
    ("without group", |s| without(s, "a=group")),
    ("mid twice", |s| first(s, "a=mid:1", "a=mid:0")),
    ("two mids in a section", |s| behind(s, "a=mid:0", "a=mid:9")),
    ("empty mid", |s| first(s, "a=mid:0", "a=mid:")),
    ("mid of a thousand letters", |s| {
        first(s, "a=mid:0", &format!("a=mid:{}", "x".repeat(1000)))
    }),
    ("group with an unknown mid", |s| {
        first(s, "BUNDLE 0", "BUNDLE 0 unknown")
    }),
    ("group with a mid twice", |s| {
        first(s, "BUNDLE 0", "BUNDLE 0 0")
    }),
    ("two groups with the same mids", |s| {
        behind(s, "a=group", "a=group:BUNDLE 0 1 2")
    }),
    ("port 0 everywhere", |s| {
        ported(&without(s, "a=bundle-only"), "0")
    }),
    ("port 0 everywhere, some in the bundle", |s| ported(s, "0")),
    ("port 65536", |s| ported(s, "65536")),
    ("port -1", |s| ported(s, "-1")),
    ("port of forty digits", |s| ported(s, &"9".repeat(40))),
    ("without formats", |s| formats(s, "")),
    ("payload type 128", |s| formats(s, " 128")),
    ("payload type 256", |s| formats(s, " 256")),
    ("payload type said twice", |s| {
        behind(s, "a=rtpmap:111", "a=rtpmap:111 VP8/90000")
    }),
    ("payload type of sound for pictures", |s| {
        first(s, "a=rtpmap:96 VP8", "a=rtpmap:111 VP8")
    }),
    ("two codecs by one number in a bundle", |s| {
        renumbered(s, "96", "111")
    }),
    ("two codecs by one number, not bundled", |s| {
        renumbered(&without(s, "a=group"), "96", "111")
    }),
    ("two codecs by one number, one is rejected", |s| {
        let rejected = edited(s, "m=video ", |line| first(line, "4000", "0"));
        renumbered(&rejected, "96", "111")
    }),
    ("one codec by one number with other wishes", |s| {
        twice(s, |sound| {
            sound.replace("minptime=10;useinbandfec=1", "maxplaybackrate=8000")
        })
    }),
    ("one codec by one number of other channels", |s| {
        twice(s, |sound| sound.replace("opus/48000/2", "opus/48000"))
    }),
    ("one codec by one number with another clock", |s| {
        twice(s, |sound| sound.replace("G722/8000", "G722/16000"))
    }),
    ("repairs of two codecs by one number", |s| {
        let pictures = |s: &str| s.replace("a=fmtp:97 apt=96", "a=fmtp:97 apt=98");
        doubled(s, "m=video", pictures)
    }),
    ("two profiles by one number", |s| {
        let pictures = |s: &str| s.replace("packetization-mode=1", "packetization-mode=0");
        doubled(s, "m=video", pictures)
    }),
    ("clock rate of 0", |s| first(s, "opus/48000", "opus/0")),
    ("clock rate beyond 32 bits", |s| {
        first(s, "opus/48000", "opus/4294967296")
    }),
    ("rtx that repeats itself", |s| {
        first(s, "a=fmtp:97 apt=96", "a=fmtp:97 apt=97")
    }),
    ("without rtcp-mux", |s| without(s, "a=rtcp-mux")),
    ("two directions", |s| behind(s, "a=sendrecv", "a=inactive")),
    ("extension id 0", |s| extension(s, "0")),
    ("extension id 15", |s| extension(s, "15")),
    ("extension id 256", |s| extension(s, "256")),
    ("extension id said twice", |s| {
        behind(s, "a=extmap:1 ", "a=extmap:1 urn:another")
    }),
    ("extension id of two extensions in a bundle", |s| {
        twice(s, |sound| {
            let (_, rest) = sound.split_once("a=extmap:1 ").expect("one");
            let (uri, _) = rest.split_once("\r\n").expect("a line");
            sound.replacen(uri, "urn:another", 1)
        })
    }),
    ("SSRC beyond 32 bits", |s| {
        behind(s, "a=mid:0", "a=ssrc:4294967296 cname:x")
    }),
    ("sctp-port 0", |s| {
        first(s, "a=sctp-port:5000", "a=sctp-port:0")
    }),
    ("sctp-port 65536", |s| {
        first(s, "a=sctp-port:5000", "a=sctp-port:65536")
    }),
    ("without sctp-port", |s| without(s, "a=sctp-port")),
    ("max-message-size beyond 64 bits", |s| {
        first(
            s,
            "a=max-message-size:",
            "a=max-message-size:99999999999999999999",
        )
    }),
    ("unknown protocol", |s| {
        s.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")
    }),
    ("candidate of hostile numbers", |s| {
        let numbers = "a=candidate:1 1 udp 99999999999 192.0.2.1 70000 typ host";
        behind(s, "a=mid:0", numbers)
    }),
];

/// With another number for a format of pictures.
fn renumbered(text: &str, from: &str, to: &str) -> String {
    let (before, pictures) = text.split_once("m=video").expect("pictures");
    let pictures = pictures.replace(&format!(":{from} "), &format!(":{to} "));
    let pictures = pictures.replacen(&format!(" {from} "), &format!(" {to} "), 1);
    format!("{before}m=video{pictures}")
}

/// With a second section of sound in the bundle, changed.
fn twice(text: &str, change: impl Fn(&str) -> String) -> String {
    doubled(text, "m=audio", change)
}

/// With another section like the first of its kind in the bundle, changed.
fn doubled(text: &str, kind: &str, change: impl Fn(&str) -> String) -> String {
    let start = text.find(kind).expect("a section");
    let rest = &text[start + 2..];
    let end = rest.find("m=").map_or(text.len(), |len| start + 2 + len);
    let section = without(&text[start..end], "a=ssrc");
    let section = edited(&section, "a=mid:", |_| "9".into());
    let bundled = edited(text, "a=group:BUNDLE ", |mids| format!("{mids} 9"));
    bundled + &change(&section)
}

/// With so much of what follows `start`.
fn shortened(text: &str, start: &str, len: usize) -> String {
    edited(text, start, |value| value.chars().take(len).collect())
}

fn lengthened(text: &str, start: &str, len: usize) -> String {
    edited(text, start, |_| "x".repeat(len))
}

fn edited(text: &str, start: &str, edit: impl Fn(&str) -> String) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix(start) {
        Some(value) => format!("{start}{}\r\n", edit(value)),
        None => format!("{line}\r\n"),
    });
    lines.collect()
}

/// With this port in all sections.
fn ported(text: &str, port: &str) -> String {
    edited(text, "m=", |rest| {
        let mut words: Vec<&str> = rest.split(' ').collect();
        words[1] = port;
        words.join(" ")
    })
}

/// With these formats, each behind a space, in all sections.
fn formats(text: &str, formats: &str) -> String {
    edited(text, "m=", |rest| {
        let words: Vec<&str> = rest.split(' ').take(3).collect();
        words.join(" ") + formats
    })
}

/// With this number for the first extension.
fn extension(text: &str, id: &str) -> String {
    let (before, rest) = text.split_once("a=extmap:").expect("extensions");
    let (_, rest) = rest.split_once(' ').expect("a URI");
    format!("{before}a=extmap:{id} {rest}")
}
