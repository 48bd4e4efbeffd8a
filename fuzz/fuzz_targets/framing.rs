//! A stream in chunks of any size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Malformed;
use pollrtc::wire::framing::{Deframer, Framing};
use pollrtc_fuzz::emitted;

fuzz_target!(|input: (bool, Vec<&[u8]>)| {
    let (turn, chunks) = input;
    let framing = if turn { Framing::Turn } else { Framing::Length };
    let whole = deframe(framing, chunks.iter().copied());
    let bytes = chunks.concat();
    // Where the chunks end makes no difference.
    assert_eq!(whole, deframe(framing, bytes.chunks(1)));
    assert_eq!(whole, deframe(framing, [&*bytes]));

    let (messages, _) = whole;
    let mut again = Vec::new();
    for message in &messages {
        let overhead = match framing {
            Framing::Length => 2,
            Framing::Turn => message.len().next_multiple_of(4) - message.len(),
        };
        again.extend(emitted(message.len() + overhead, |w| {
            assert!(framing.emit(w, |w| {
                w.bytes(message);
                true
            }));
        }));
    }
    assert_eq!(deframe(framing, [&*again]), (messages, None));
});

fn deframe<'a>(
    framing: Framing,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Vec<u8>>, Option<Malformed>) {
    let mut deframer = Deframer::new(framing, 1500);
    let mut messages = Vec::new();
    for mut chunk in chunks {
        loop {
            match deframer.next(&mut chunk) {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(reason) => return (messages, Some(reason)),
            }
        }
        assert!(chunk.is_empty());
    }
    (messages, None)
}
