use alloc::collections::BTreeMap;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;
use crate::sctp::rx::{Arrival, TsnMap};
use crate::seq::{Serial16, Serial32};
use crate::wire::sctp::Tsn;

const LIMITS: Limits = Limits {
    buffer: 1 << 20,
    message: 1 << 18,
    streams: 100,
};

/// A reassembly and the map that goes with it.
struct Inbox {
    map: TsnMap,
    reassembly: Reassembly,
}

fn inbox(limits: Limits) -> Inbox {
    Inbox {
        map: TsnMap::new(Serial32(1), 128),
        reassembly: Reassembly::new(limits),
    }
}

impl Inbox {
    /// `flags` holds letters of B, E and U.
    fn push(
        &mut self,
        tsn: u32,
        flags: &str,
        (stream, ssn): (u16, u16),
        payload: &[u8],
    ) -> Result<bool, Refusal> {
        let data = Data {
            tsn: Serial32(tsn),
            stream: StreamId(stream),
            ssn: Serial16(ssn),
            ppid: Ppid(51),
            unordered: flags.contains('U'),
            beginning: flags.contains('B'),
            ending: flags.contains('E'),
            immediate: false,
            payload,
        };
        let Arrival::New(tsn) = self.map.look(data.tsn) else {
            return Ok(false);
        };
        let cumulative = self.map.cumulative();
        if !self
            .reassembly
            .has_room(payload.len(), tsn == cumulative + 1)
        {
            return Ok(false);
        }
        self.map.record(tsn);
        self.reassembly.push(tsn, cumulative, &data)?;
        Ok(true)
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        self.reassembly
            .take(|_| ())
            .map(|message| message.data.to_vec())
    }

    fn forward(&mut self, tsn: u32, streams: &[(u16, u16)]) {
        if let Some(cumulative) = self.map.forward(Serial32(tsn)) {
            let streams = streams.iter().map(|&(stream, ssn)| SkippedStream {
                stream: StreamId(stream),
                ssn: Serial16(ssn),
            });
            self.reassembly.forward(cumulative, streams);
        }
    }
}

/// A message cut into pieces, with the first TSN.
#[derive(Clone, Debug)]
struct Cut {
    stream: u16,
    ssn: Option<u16>,
    tsn: u32,
    pieces: Vec<Vec<u8>>,
}

/// Messages on three streams, cut at random, in the order of TSNs.
fn cuts(sizes: &[(u8, bool, u8)]) -> Vec<Cut> {
    let mut tsn = 1;
    let mut next = [0_u16; 3];
    let mut cuts = Vec::new();
    for (index, &(pieces, ordered, stream)) in sizes.iter().enumerate() {
        let slot = usize::from(stream % 3);
        let byte = u8::try_from(index).unwrap();
        let pieces: Vec<Vec<u8>> = (0..pieces % 6 + 1)
            .map(|piece| vec![byte, piece, 1, 2, 3])
            .collect();
        let first = tsn;
        tsn += u32::try_from(pieces.len()).unwrap();
        let ssn = ordered.then(|| {
            next[slot] += 1;
            next[slot] - 1
        });
        cuts.push(Cut {
            stream: u16::from(stream % 3),
            ssn,
            tsn: first,
            pieces,
        });
    }
    cuts
}

fn flags(cut: &Cut, piece: usize) -> alloc::string::String {
    let mut flags = alloc::string::String::new();
    if piece == 0 {
        flags.push('B');
    }
    if piece + 1 == cut.pieces.len() {
        flags.push('E');
    }
    if cut.ssn.is_none() {
        flags.push('U');
    }
    flags
}

proptest! {
    /// SCTP-028, S-1, S-2: whatever order pieces come in, every message comes
    /// out once, whole, and ordered ones in their order.
    #[test]
    fn agrees_with_concatenation(
        sizes in proptest::collection::vec(any::<(u8, bool, u8)>(), 1..30),
        seed in any::<u64>(),
        near in 1_u64..60,
    ) {
        let cuts = cuts(&sizes);
        let mut order: Vec<(usize, usize)> = cuts
            .iter()
            .enumerate()
            .flat_map(|(message, cut)| (0..cut.pieces.len()).map(move |piece| (message, piece)))
            .collect();
        let mut rng = Rng::from_number(seed);
        // Each piece may be late by a few places, or by many.
        for index in 0..order.len() {
            let other = index + usize::try_from(rng.below(near)).unwrap();
            if other < order.len() {
                order.swap(index, other);
            }
        }
        let mut inbox = inbox(LIMITS);
        let mut got = Vec::new();
        for (message, piece) in order {
            let cut = &cuts[message];
            let tsn = cut.tsn + u32::try_from(piece).unwrap();
            let place = (cut.stream, cut.ssn.unwrap_or(0));
            prop_assert_eq!(inbox.push(tsn, &flags(cut, piece), place, &cut.pieces[piece]), Ok(true));
            // SCTP-035: once more, as another kind, changes nothing.
            prop_assert_eq!(inbox.push(tsn, "BEU", place, &[9]), Ok(false));
            if rng.below(3) == 0 {
                got.extend(inbox.take());
            }
        }
        got.extend(core::iter::from_fn(|| inbox.take()));
        let mut expected: Vec<Vec<u8>> = cuts.iter().map(|cut| cut.pieces.concat()).collect();
        let mut sorted = got.clone();
        expected.sort();
        sorted.sort();
        prop_assert_eq!(&sorted, &expected);
        for stream in 0..3 {
            let of_stream = |data: &&Vec<u8>| {
                let cut = &cuts[usize::from(data[0])];
                cut.stream == stream && cut.ssn.is_some()
            };
            let order: Vec<u8> = got.iter().filter(of_stream).map(|data| data[0]).collect();
            prop_assert!(order.is_sorted());
        }
        prop_assert_eq!(inbox.reassembly.window(), LIMITS.buffer, "nothing is held");
        prop_assert!(inbox.reassembly.runs.is_empty());
    }

    /// S-7: whatever comes, no more is held than the limits say, and what is
    /// counted is what is there.
    #[test]
    fn any_pieces_stay_within_the_limits(
        chunks in proptest::collection::vec((1_u32..400, 0_u8..8, 0_u16..4, 0_u16..5, 1_usize..300), 1..300),
        forwards in proptest::collection::vec((1_u32..400, 0_u16..4, 0_u16..5), 0..6),
    ) {
        let limits = Limits { buffer: 8000, message: 2000, streams: 4 };
        let mut inbox = inbox(limits);
        let mut forwards = forwards.into_iter();
        for (index, (tsn, flags, stream, ssn, len)) in chunks.into_iter().enumerate() {
            let mut letters = alloc::string::String::new();
            for (bit, letter) in [(1, 'B'), (2, 'E'), (4, 'U')] {
                if flags & bit != 0 {
                    letters.push(letter);
                }
            }
            if inbox.push(tsn, &letters, (stream, ssn), &vec![1; len]).is_err() {
                return Ok(());
            }
            if index % 40 == 39 && let Some((tsn, stream, ssn)) = forwards.next() {
                inbox.forward(tsn, &[(stream, ssn)]);
            }
            let reassembly = &inbox.reassembly;
            prop_assert!(reassembly.held <= limits.buffer + limits.message + 300 + 2 * OVERHEAD);
            let runs: usize = reassembly.runs.iter().map(Run::cost).sum();
            let waiting: usize = reassembly
                .streams
                .values()
                .flat_map(|stream| stream.waiting.values())
                .map(|message| cost(message.data.len()))
                .sum();
            let ready: usize = reassembly
                .ready
                .iter()
                .map(|ready| match ready {
                    Ready::Message(message) => cost(message.data.len()),
                    Ready::Reset(_) => 0,
                })
                .sum();
            prop_assert_eq!(reassembly.held, runs + waiting + ready);
            let mut end = 0;
            for run in &reassembly.runs {
                prop_assert!(run.first >= end && run.next > run.first);
                prop_assert!(!run.is_complete());
                end = run.next;
            }
        }
    }
}

/// SCTP-034: pieces of different messages are never mixed.
#[test]
fn sctp_034_broken_fragmentation_is_a_violation_or_dropped() {
    let beginning = Err(Refusal::Violation("beginning inside a message"));
    let mixed = Err(Refusal::Violation("pieces of different messages"));
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(1, "B", (1, 0), b"a"), Ok(true));
    assert_eq!(one.push(2, "B", (1, 1), b"b"), beginning);
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(1, "B", (1, 0), b"a"), Ok(true));
    assert_eq!(one.push(2, "BE", (1, 1), b"b"), beginning);
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(1, "B", (1, 0), b"a"), Ok(true));
    assert_eq!(one.push(2, "E", (2, 0), b"b"), mixed);
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(2, "E", (2, 0), b"b"), Ok(true));
    assert_eq!(one.push(1, "B", (1, 0), b"a"), mixed);
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(2, "B", (1, 0), b"b"), Ok(true));
    assert_eq!(one.push(1, "B", (1, 0), b"a"), beginning);
    // An end or middle whose beginning cannot come any more is dropped.
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(2, "", (1, 1), b"b"), Ok(true));
    assert_eq!(one.push(3, "E", (1, 1), b"c"), Ok(true));
    assert_eq!(one.push(1, "BE", (1, 0), b"a"), Ok(true));
    assert_eq!(one.take(), Some(b"a".to_vec()));
    assert_eq!(one.push(4, "E", (1, 1), b"d"), Ok(true));
    assert_eq!(one.push(5, "BE", (1, 1), b"e"), Ok(true));
    assert_eq!(one.take(), Some(b"e".to_vec()));
    assert_eq!(one.reassembly.window(), LIMITS.buffer);
    assert!(one.reassembly.runs.is_empty());
}

/// ATK-056: a message above the limit ends the association.
#[test]
fn a_message_too_long_is_refused() {
    let limits = Limits {
        message: 2500,
        ..LIMITS
    };
    let mut one = inbox(limits);
    assert_eq!(one.push(1, "B", (1, 0), &[0; 1000]), Ok(true));
    assert_eq!(one.push(2, "", (1, 0), &[0; 1000]), Ok(true));
    assert_eq!(one.push(3, "", (1, 0), &[0; 1000]), Err(TOO_LONG));
    let mut one = inbox(limits);
    assert_eq!(one.push(1, "BE", (1, 0), &[0; 2501]), Err(TOO_LONG));
}

/// SCTP-036: beyond the window only the very next TSN is kept, and only if
/// that can help.
#[test]
fn sctp_036_a_full_buffer_never_gets_stuck() {
    let limits = Limits {
        buffer: 4000,
        ..LIMITS
    };
    let mut one = inbox(limits);
    for (tsn, ssn) in [(3, 1), (5, 3), (7, 5)] {
        assert_eq!(one.push(tsn, "BE", (1, ssn), &[0; 1200]), Ok(true));
    }
    assert_eq!(one.push(9, "BE", (1, 7), &[0; 1200]), Ok(false));
    // TSN 2 is not next, TSN 1 is.
    assert_eq!(one.push(2, "E", (1, 0), &[0; 1200]), Ok(false));
    assert_eq!(one.push(1, "B", (1, 0), &[0; 1200]), Ok(true));
    assert_eq!(one.push(2, "E", (1, 0), &[0; 1200]), Ok(true));
    // Now there is something to take, so what is too much has to wait.
    assert_eq!(one.push(4, "BE", (1, 2), &[0; 1200]), Ok(false));
    assert_eq!(one.take().map(|data| data.len()), Some(2400));
    while one.take().is_some() {}
    assert_eq!(one.push(4, "BE", (1, 2), &[0; 1200]), Ok(true));
}

/// ATK-049: a peer that fills the buffer with what can never be complete does
/// not go on for ever.
#[test]
fn what_can_never_be_complete_ends_the_association() {
    let limits = Limits {
        buffer: 10_000,
        message: 2000,
        streams: 10,
    };
    let mut one = inbox(limits);
    // Message 0 never comes.
    let mut refused = None;
    for tsn in 1..100_u16 {
        match one.push(u32::from(tsn), "BE", (1, tsn), &[0; 500]) {
            Ok(_) => (),
            Err(refusal) => {
                refused = Some(refusal);
                break;
            }
        }
    }
    assert_eq!(refused, Some(Refusal::TooMuch));
}

/// SCTP-054: unordered pieces up to the new cumulative TSN are purged.
#[test]
fn sctp_054_forwarding_purges_unordered_pieces() {
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(1, "BU", (1, 0), b"a"), Ok(true));
    assert_eq!(one.push(3, "EU", (1, 0), b"c"), Ok(true));
    one.forward(3, &[]);
    assert_eq!(one.reassembly.window(), LIMITS.buffer);
    assert_eq!(one.push(4, "BEU", (1, 0), b"d"), Ok(true));
    assert_eq!(one.take(), Some(b"d".to_vec()));
}

/// SCTP-051: messages behind the ones given up come out, and complete ones
/// among those skipped too.
#[test]
fn sctp_051_forwarding_skips_ordered_messages() {
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(3, "BE", (1, 1), b"1"), Ok(true));
    assert_eq!(one.push(5, "BE", (1, 3), b"3"), Ok(true));
    assert_eq!(one.push(6, "BE", (2, 0), b"other"), Ok(true));
    assert_eq!(one.take(), Some(b"other".to_vec()));
    assert_eq!(one.take(), None);
    one.forward(4, &[(1, 2), (99, 0), (100, 0)]);
    assert_eq!(one.take(), Some(b"1".to_vec()));
    assert_eq!(one.take(), Some(b"3".to_vec()));
    assert_eq!(one.map.cumulative_tsn(), Serial32(6));
    // A skip that goes back does nothing.
    one.forward(7, &[(1, 1)]);
    assert_eq!(one.push(8, "BE", (1, 4), b"4"), Ok(true));
    assert_eq!(one.take(), Some(b"4".to_vec()));
    // A stream beyond the limit leaves nothing behind.
    assert!(!one.reassembly.streams.contains_key(&StreamId(100)));
}

/// ATK-051: a jump over half the circle costs nothing.
#[test]
fn forwarding_far_is_cheap() {
    let mut one = inbox(LIMITS);
    let mut tsn: u32 = 1;
    for _ in 0..1000 {
        assert_eq!(one.push(tsn.wrapping_add(5), "B", (1, 0), b"x"), Ok(true));
        tsn = tsn.wrapping_add(0x7fff_fff0);
        one.forward(tsn, &[(1, 7)]);
        assert!(one.reassembly.runs.len() <= 1);
        tsn = tsn.wrapping_add(1);
    }
}

/// Pieces from the last to the first: the work stays small, the bytes right.
#[test]
fn pieces_in_reverse_make_the_message() {
    let mut one = inbox(LIMITS);
    let count = 5000_u32;
    for tsn in (1..=count).rev() {
        let flags = match tsn {
            1 => "B",
            tsn if tsn == count => "E",
            _ => "",
        };
        let byte = tsn.to_le_bytes()[0];
        assert_eq!(one.push(tsn, flags, (1, 0), &[byte]), Ok(true));
    }
    let expected: Vec<u8> = (1..=count).map(|tsn| tsn.to_le_bytes()[0]).collect();
    assert_eq!(one.take(), Some(expected));
}

/// S-7: the smallest messages are counted with what they cost.
#[test]
fn tiny_messages_fill_the_window() {
    let mut one = inbox(LIMITS);
    let mut kept = 0;
    for tsn in 1..100_000_u32 {
        kept += u32::from(one.push(tsn, "BEU", (1, 0), b"x") == Ok(true));
    }
    assert!(kept < 17_000, "{kept} messages of one byte");
    assert_eq!(one.reassembly.window(), 0);
}

fn reset(one: &mut Inbox, last: u32, streams: &[u16]) -> bool {
    let cumulative = one.map.cumulative();
    let last = crate::seq::extend_u32(cumulative, Serial32(last));
    let streams = streams.iter().copied().map(StreamId).collect();
    assert!(one.reassembly.defer_reset(last, streams));
    one.reassembly.settle_reset(cumulative)
}

/// SCTP-059, S-8: what came before the reset is handed out before it.
#[test]
fn sctp_059_a_reset_comes_behind_the_messages_before_it() {
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(1, "BE", (1, 0), b"old"), Ok(true));
    assert!(reset(&mut one, 1, &[1]));
    assert_eq!(one.push(2, "BE", (1, 0), b"new"), Ok(true));
    assert_eq!(one.reassembly.poll_reset(), None, "a message is before it");
    let mut resets = Vec::new();
    let first = one.reassembly.take(|stream| resets.push(stream));
    assert_eq!(first.map(|m| m.data), Some(Bytes::from_static(b"old")));
    assert_eq!(one.reassembly.peek().map(|info| info.len), Some(3));
    assert_eq!(one.reassembly.poll_reset(), Some(StreamId(1)));
    assert_eq!(one.take(), Some(b"new".to_vec()));
    assert!(resets.is_empty());
}

/// SCTP-060, SCTP-061: a reset waits for what was sent before it; what was
/// sent after it waits for the reset; other streams go on.
#[test]
fn sctp_060_a_deferred_reset_holds_back_what_comes_after() {
    let mut one = inbox(LIMITS);
    assert_eq!(one.push(1, "BE", (1, 0), b"a"), Ok(true));
    assert!(!reset(&mut one, 3, &[1]));
    assert!(
        !one.reassembly.defer_reset(9, vec![StreamId(2)]),
        "one at a time"
    );
    assert_eq!(one.push(4, "BE", (1, 0), b"new"), Ok(true));
    assert_eq!(one.push(5, "BEU", (1, 0), b"new too"), Ok(true));
    assert_eq!(one.push(6, "BE", (2, 0), b"other"), Ok(true));
    assert_eq!(one.push(3, "BE", (1, 2), b"c"), Ok(true));
    assert_eq!(one.take(), Some(b"a".to_vec()));
    assert_eq!(one.take(), Some(b"other".to_vec()));
    assert_eq!(one.take(), None);
    let cumulative = one.map.cumulative();
    assert!(!one.reassembly.settle_reset(cumulative));
    assert_eq!(one.push(2, "BE", (1, 1), b"b"), Ok(true));
    let cumulative = one.map.cumulative();
    assert!(one.reassembly.settle_reset(cumulative));
    let mut order: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    let mut resets = Vec::new();
    while let Some(message) = one.reassembly.take(|stream| resets.push(stream)) {
        order.insert(order.len(), message.data.to_vec());
        if order.len() == 2 {
            assert!(resets.is_empty());
        }
    }
    let order: Vec<&[u8]> = order.values().map(Vec::as_slice).collect();
    assert_eq!(order, [&b"b"[..], b"c", b"new", b"new too"]);
    assert_eq!(resets, [StreamId(1)]);
    assert_eq!(one.reassembly.window(), LIMITS.buffer);
}

/// The TSN type of the wire is the one the map takes.
#[test]
fn wraps_like_everything_else() {
    let start = Tsn::default().sub(3);
    let mut one = Inbox {
        map: TsnMap::new(start, 128),
        reassembly: Reassembly::new(LIMITS),
    };
    for (step, flags) in ["B", "", "", "", "", "E"].into_iter().enumerate() {
        let tsn = start.add(u32::try_from(step).unwrap()).0;
        assert_eq!(one.push(tsn, flags, (1, 0), b"x"), Ok(true));
    }
    assert_eq!(one.take(), Some(b"xxxxxx".to_vec()));
}
