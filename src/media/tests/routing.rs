//! Is the line that a packet finds the one that a reader of RFC 9143 would name?

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::world::*;
use crate::media::routes::{Clues, Routes, Unroutable};
use crate::media::*;
use crate::wire::rtp::Ssrc;

/// A line of few words: its name, its encodings, what it takes.
#[derive(Clone, Debug)]
struct Line {
    mid: u8,
    rids: Vec<u8>,
    ssrcs: Vec<u8>,
    payloads: Vec<u8>,
}

fn line() -> impl Strategy<Value = Line> {
    let small = || vec(0..4_u8, 0..3);
    (0..3_u8, small(), small(), vec(0..4_u8, 1..3)).prop_map(|(mid, rids, ssrcs, payloads)| Line {
        mid,
        rids,
        ssrcs,
        payloads,
    })
}

impl Line {
    fn parameters(&self) -> LineParameters {
        let named = self.rids.iter().map(|rid| RemoteEncoding {
            rid: rid.to_string(),
            ssrc: None,
            repair: None,
        });
        let announced = self.ssrcs.iter().map(|ssrc| RemoteEncoding {
            rid: String::new(),
            ssrc: Some(Ssrc((*ssrc).into())),
            repair: None,
        });
        let codecs = self.payloads.iter();
        LineParameters {
            mid: self.mid.to_string(),
            remote: named.chain(announced).collect(),
            receive: codecs
                .map(|payload| codec(*payload, "VP8", 90_000, ""))
                .collect(),
            ..parameters(0, VIDEO, [true; 2])
        }
    }
}

/// What RFC 9143 §9.2 says, step by step, over the lines in the order of their ids; the
/// sources `gone` were those of lines that are not there any more.
fn naive(lines: &[Line], gone: &[u8], clues: &Clues<'_>) -> Result<u32, Unroutable> {
    let is = |name: &u8, said: &str| name.to_string() == said;
    let only = |of: &dyn Fn(&Line) -> bool| {
        let found: Vec<_> = (0..lines.len())
            .filter(|index| of(&lines[*index]))
            .collect();
        (found.len() == 1).then(|| found[0])
    };
    let payload = clues.payload_type.number();
    let ssrc = u8::try_from(clues.ssrc.0).expect("small");
    let index = if let Some(mid) = clues.mid {
        // Of two lines with one name the last counts.
        let named = lines.iter().rposition(|line| is(&line.mid, mid));
        named.ok_or(Unroutable::UnknownMid)?
    } else if let Some(index) = clues
        .rid
        .and_then(|rid| only(&|line: &Line| line.rids.iter().any(|name| is(name, rid))))
    {
        index
    } else if let Some(index) = lines.iter().rposition(|line| line.ssrcs.contains(&ssrc)) {
        index
    } else if gone.contains(&ssrc) {
        return Err(Unroutable::UnknownMid);
    } else {
        only(&|line: &Line| line.payloads.contains(&payload)).ok_or(Unroutable::Ambiguous)?
    };
    let line = &lines[index];
    if !line.payloads.contains(&payload) {
        return Err(Unroutable::UnknownPayloadType);
    }
    let last = lines.iter().rposition(|line| line.ssrcs.contains(&ssrc));
    let announced = last == Some(index);
    let named = clues
        .rid
        .is_some_and(|rid| line.rids.iter().any(|name| is(name, rid)));
    if line.rids.is_empty() || announced || named {
        Ok(u32::try_from(index).expect("few"))
    } else {
        Err(Unroutable::UnknownRid)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rtp_003_a_packet_finds_its_line(
        lines in vec(line(), 0..4),
        (mid, rid) in (option::of(0..4_u8), option::of(0..5_u8)),
        (ssrc, payload) in (0..6_u8, 0..5_u8),
    ) {
        let mut routes = Routes::default();
        let gone = if lines.is_empty() { Vec::new() } else { Vec::from([0, 1]) };
        for (line, id) in lines.iter().zip(0..) {
            // Something else before, of which only the sources are remembered.
            let before = Line { ssrcs: gone.clone(), ..line.clone() };
            routes.set(LineId(id + 100), &before.parameters());
            routes.remove(LineId(id + 100));
        }
        for (line, id) in lines.iter().zip(0..) {
            routes.set(LineId(id), &line.parameters());
        }
        let (mid, rid) = (mid.map(|mid| mid.to_string()), rid.map(|rid| rid.to_string()));
        let clues = Clues {
            ssrc: Ssrc(ssrc.into()),
            payload_type: payload_type(payload),
            mid: mid.as_deref(),
            rid: rid.as_deref(),
            repaired_rid: None,
        };
        let found = routes.find(&clues).map(|route| route.line.0);
        prop_assert_eq!(found, naive(&lines, &gone, &clues));
    }
}
