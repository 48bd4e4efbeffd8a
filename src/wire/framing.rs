//! Where does a message begin and end in a stream of bytes?
//!
//! Two ways are in use over TCP and TLS. Between ICE agents each datagram is
//! preceded by its length (RFC 4571 §2, RFC 6544 §3):
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            LENGTH             |  STUN, DTLS, RTP or RTCP ...  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Towards a STUN or TURN server the messages say their length themselves: STUN in
//! its header (RFC 8489 §6.2.2), ChannelData too, and it is padded to a multiple of
//! four bytes (RFC 8656 §12.5):
//!
//! ```text
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   STUN type, 0x0000..0x3fff   |   length of what follows the  |
//! |  channel, 0x4000..0x4fff      |   20, or the 4, bytes of head |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use alloc::vec::Vec;
use core::ops::Range;

use super::demux::{self, Class};
use super::stun;
use crate::cursor::{Malformed, Reader, Writer};

/// Which messages are in a stream, of chunks that end anywhere?
///
/// Each byte is copied once, into the frame that it belongs to. The deframer holds
/// no more than has arrived of one frame, and nothing between frames.
#[derive(Clone, Debug)]
pub struct Deframer {
    framing: Framing,
    limit: usize,
    /// What has arrived of a frame, or the frame given out last.
    held: Vec<u8>,
    state: State,
}

/// How are the messages of a stream told apart?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A length of two bytes precedes each (RFC 4571).
    Length,
    /// STUN and ChannelData, which say their length (RFC 8656 §12.5).
    Turn,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Filling,
    /// The frame was given out; the next call forgets it.
    Given,
    Broken(Malformed),
}

/// Where a frame ends, as far as its first bytes say.
enum Extent {
    /// So many bytes are needed to say more.
    Unknown(usize),
    Known {
        /// What is given out.
        message: Range<usize>,
        /// Where the next frame begins.
        end: usize,
    },
}

impl Deframer {
    /// For a stream in which no message is longer than `limit`.
    #[must_use]
    pub const fn new(framing: Framing, limit: usize) -> Self {
        Self {
            framing,
            limit,
            held: Vec::new(),
            state: State::Filling,
        }
    }

    /// The next message. Takes what it needs off the front of `chunk`; call it
    /// until it says `None`, which is when all of `chunk` is taken.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the bytes cannot be such a stream, or a message is longer
    /// than the limit. Where the next message begins is unknown then: the stream
    /// has to be closed, and every further call says the same.
    pub fn next<'a>(&'a mut self, chunk: &mut &[u8]) -> Result<Option<&'a mut [u8]>, Malformed> {
        match self.state {
            State::Filling => {}
            State::Given => {
                self.held.clear();
                self.state = State::Filling;
            }
            State::Broken(reason) => return Err(reason),
        }
        loop {
            let extent = self.framing.extent(&self.held, self.limit);
            let extent = extent.inspect_err(|&reason| self.end(reason))?;
            let wanted = match &extent {
                Extent::Unknown(wanted) => *wanted,
                Extent::Known { end, .. } => *end,
            };
            if !self.fill(wanted, chunk) {
                return Ok(None);
            }
            match extent {
                Extent::Unknown(_) => {}
                // RFC 4571 §2: a length of zero is a packet without content.
                Extent::Known { message, .. } if message.is_empty() => self.held.clear(),
                Extent::Known { message, .. } => {
                    self.state = State::Given;
                    return Ok(self.held.get_mut(message));
                }
            }
        }
    }

    /// Whether the stream must not end here: a frame has begun.
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        matches!(self.state, State::Filling) && !self.held.is_empty()
    }

    /// Moves bytes until `wanted` are held, and says whether they are.
    fn fill(&mut self, wanted: usize, chunk: &mut &[u8]) -> bool {
        let missing = wanted.saturating_sub(self.held.len());
        let (now, later) = chunk.split_at(missing.min(chunk.len()));
        if self.held.capacity() == 0 && !now.is_empty() {
            // Room for a usual datagram, whatever length is claimed.
            self.held.reserve(USUAL_FRAME);
        }
        self.held.extend_from_slice(now);
        *chunk = later;
        if self.held.is_empty() {
            self.held = Vec::new();
        }
        self.held.len() >= wanted
    }

    fn end(&mut self, reason: Malformed) {
        self.held = Vec::new();
        self.state = State::Broken(reason);
    }
}

impl Framing {
    /// Lets `fill` write a message, and adds what the stream needs around it. If
    /// `fill` says `false` or writes nothing, or the frame does not fit, everything
    /// is taken back and the answer is `false`.
    pub fn emit(self, w: &mut Writer<'_>, fill: impl FnOnce(&mut Writer<'_>) -> bool) -> bool {
        let before = w.len();
        let framed = match self {
            Self::Length => {
                w.nest(LENGTH_LEN, 0, fill) && {
                    let len = u16::try_from(w.len() - before - LENGTH_LEN);
                    len.map(|len| w.patch(before, &len.to_be_bytes())).is_ok()
                }
            }
            Self::Turn => {
                w.nest(0, 0, fill) && {
                    w.zeros(padding(w.len() - before));
                    !w.is_overflowed()
                }
            }
        };
        if !framed {
            w.rewind(before);
        }
        framed
    }

    /// What the first bytes of a frame say of its extent.
    fn extent(self, head: &[u8], limit: usize) -> Result<Extent, Malformed> {
        let extent = match self {
            Self::Length => length_prefixed(head),
            Self::Turn => self_delimited(head)?,
        };
        match &extent {
            Extent::Known { message, .. } if message.len() > limit => {
                Err(Malformed("frame length"))
            }
            Extent::Known { .. } | Extent::Unknown(_) => Ok(extent),
        }
    }
}

fn length_prefixed(head: &[u8]) -> Extent {
    let Ok(len) = Reader::new(head).u16("frame length") else {
        return Extent::Unknown(LENGTH_LEN);
    };
    let end = LENGTH_LEN + usize::from(len);
    let message = LENGTH_LEN..end;
    Extent::Known { message, end }
}

fn self_delimited(head: &[u8]) -> Result<Extent, Malformed> {
    let mut r = Reader::new(head);
    let (Ok(_), Ok(len)) = (r.u16("frame type"), r.u16("frame length")) else {
        return Ok(Extent::Unknown(CHANNEL_HEADER_LEN));
    };
    let len = match demux::classify(head) {
        Class::TurnChannel => CHANNEL_HEADER_LEN + usize::from(len),
        // RFC 8489 §5: attributes are padded.
        Class::Stun if !len.is_multiple_of(4) => return Err(Malformed("frame length")),
        Class::Stun => match r.u32("frame cookie") {
            Ok(stun::MAGIC_COOKIE) => stun::HEADER_LEN + usize::from(len),
            // No STUN at all is noticed here, and not after 64 KiB.
            Ok(_) => return Err(Malformed("frame cookie")),
            Err(_) => return Ok(Extent::Unknown(COOKIE_END)),
        },
        Class::Dtls | Class::Rtp | Class::Rtcp | Class::Unknown => {
            return Err(Malformed("frame type"));
        }
    };
    Ok(Extent::Known {
        message: 0..len,
        end: len + padding(len),
    })
}

/// How many bytes are missing to a multiple of four.
const fn padding(len: usize) -> usize {
    len.next_multiple_of(4) - len
}

const LENGTH_LEN: usize = 2;
const CHANNEL_HEADER_LEN: usize = 4;
const COOKIE_END: usize = 8;
const USUAL_FRAME: usize = 1500;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    const LIMIT: usize = 0xffff;

    /// Feeds the chunks one after the other.
    fn deframe<'a>(
        deframer: &mut Deframer,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut frames = Vec::new();
        for mut chunk in chunks {
            while let Some(frame) = deframer.next(&mut chunk)? {
                frames.push(frame.to_vec());
            }
            assert!(chunk.is_empty(), "None means that the chunk is used up");
        }
        Ok(frames)
    }

    fn stream(framing: Framing, messages: &[Vec<u8>]) -> Vec<u8> {
        let mut buf = Vec::new();
        for message in messages {
            let mut w = Writer::new(&mut buf, 1 << 20);
            framing.emit(&mut w, |w| {
                w.bytes(message);
                true
            });
        }
        buf
    }

    fn stun(attributes: usize) -> Vec<u8> {
        let len = u16::try_from(attributes * 4).unwrap();
        let mut bytes = vec![0, 1];
        bytes.extend(len.to_be_bytes());
        bytes.extend(stun::MAGIC_COOKIE.to_be_bytes());
        bytes.resize(stun::HEADER_LEN + usize::from(len), 7);
        bytes
    }

    fn channel_data(len: usize) -> Vec<u8> {
        let mut bytes = vec![0x40, 0x01];
        bytes.extend(u16::try_from(len).unwrap().to_be_bytes());
        bytes.resize(CHANNEL_HEADER_LEN + len, 9);
        bytes
    }

    fn messages(framing: Framing) -> BoxedStrategy<Vec<Vec<u8>>> {
        let message = match framing {
            Framing::Length => prop::collection::vec(any::<u8>(), 1..3000).boxed(),
            Framing::Turn => prop_oneof![
                (0..500_usize).prop_map(stun),
                (0..3000_usize).prop_map(channel_data)
            ]
            .boxed(),
        };
        prop::collection::vec(message, 0..6).boxed()
    }

    fn any_stream() -> impl Strategy<Value = (Framing, Vec<Vec<u8>>)> {
        prop_oneof![Just(Framing::Length), Just(Framing::Turn)]
            .prop_flat_map(|framing| (Just(framing), messages(framing)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_gives_the_same_messages(
            (framing, messages) in any_stream(),
            cuts in prop::collection::vec(any::<Index>(), 0..20),
        ) {
            let bytes = stream(framing, &messages);
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
            let mut deframer = Deframer::new(framing, LIMIT);
            prop_assert_eq!(deframe(&mut deframer, chunks), Ok(messages.clone()));
            prop_assert!(!deframer.is_within_frame());
            prop_assert_eq!(deframer.held.capacity(), 0, "nothing is held between frames");

            let mut deframer = Deframer::new(framing, LIMIT);
            prop_assert_eq!(deframe(&mut deframer, bytes.chunks(1)), Ok(messages));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            framing in prop_oneof![Just(Framing::Length), Just(Framing::Turn)],
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..50),
        ) {
            let mut deframer = Deframer::new(framing, 1200);
            let whole = deframe(&mut deframer, chunks.iter().map(Vec::as_slice));
            prop_assert!(deframer.held.capacity() <= 2 * USUAL_FRAME);
            let mut deframer = Deframer::new(framing, 1200);
            let bytes = chunks.concat();
            prop_assert_eq!(deframe(&mut deframer, bytes.chunks(1)), whole);
        }
    }

    #[test]
    fn a_cut_stream_gives_the_messages_before_the_cut() {
        for (framing, messages) in [
            (Framing::Length, [b"one".to_vec(), b"three".to_vec()]),
            (Framing::Turn, [channel_data(5), stun(2)]),
        ] {
            let bytes = stream(framing, &messages);
            let first = stream(framing, &messages[..1]).len();
            for len in 0..bytes.len() {
                let mut deframer = Deframer::new(framing, LIMIT);
                let got = deframe(&mut deframer, [&bytes[..len]]).unwrap();
                assert_eq!(got, messages[..usize::from(len >= first)]);
                assert_eq!(deframer.is_within_frame(), len != 0 && len != first);
            }
        }
    }

    #[test]
    fn channel_data_is_padded_and_the_padding_is_taken_off() {
        let bytes = stream(Framing::Turn, &[channel_data(5)]);
        assert_eq!(bytes.len(), 12);
        let mut deframer = Deframer::new(Framing::Turn, LIMIT);
        assert_eq!(deframe(&mut deframer, [&*bytes]), Ok(vec![channel_data(5)]));
    }

    #[test]
    fn a_frame_without_content_is_skipped() {
        let mut deframer = Deframer::new(Framing::Length, LIMIT);
        let chunks: [&[u8]; 3] = [&[0, 0, 0, 0], &[0], &[2, 1, 2, 0, 0]];
        assert_eq!(deframe(&mut deframer, chunks), Ok(vec![vec![1, 2]]));
    }

    #[test]
    fn a_hostile_length_ends_the_stream_and_holds_nothing() {
        let too_long = |bytes: &[u8], framing| {
            let mut deframer = Deframer::new(framing, 1200);
            let reason = deframe(&mut deframer, [bytes]).unwrap_err();
            assert_eq!(deframer.next(&mut &b"\0\x01x"[..]), Err(reason));
            assert_eq!(deframer.held.capacity(), 0);
            reason
        };
        let length = Malformed("frame length");
        assert_eq!(too_long(&[0x04, 0xb1], Framing::Length), length);
        assert_eq!(too_long(&[0x40, 0, 0xff, 0xff], Framing::Turn), length);
        assert_eq!(too_long(&[0, 1, 0, 3], Framing::Turn), length);
        let cookie = Malformed("frame cookie");
        assert_eq!(too_long(&[0, 1, 0, 4, 9, 9, 9, 9], Framing::Turn), cookie);
        assert_eq!(too_long(b"HTTP", Framing::Turn), length);
        assert_eq!(
            too_long(&[0x16, 3, 1, 0], Framing::Turn),
            Malformed("frame type")
        );
    }

    #[test]
    fn a_claimed_length_reserves_no_more_than_a_usual_frame() {
        let mut deframer = Deframer::new(Framing::Length, LIMIT);
        assert_eq!(deframe(&mut deframer, [&[0xff, 0xff, 1][..]]), Ok(vec![]));
        assert!(deframer.held.capacity() < 2 * USUAL_FRAME);
    }

    #[test]
    fn what_does_not_fit_is_taken_back() {
        let emit = |framing: Framing, room, content: usize| {
            let mut buf = Vec::new();
            let mut w = Writer::new(&mut buf, room);
            let framed = framing.emit(&mut w, |w| {
                w.zeros(content);
                true
            });
            assert!(!w.is_overflowed());
            (framed, buf.len())
        };
        assert_eq!(emit(Framing::Length, 6, 4), (true, 6));
        assert_eq!(emit(Framing::Length, 5, 4), (false, 0));
        assert_eq!(emit(Framing::Length, 1, 0), (false, 0));
        assert_eq!(emit(Framing::Length, 1 << 20, 0x1_0000), (false, 0));
        assert_eq!(emit(Framing::Turn, 8, 5), (true, 8));
        assert_eq!(emit(Framing::Turn, 7, 5), (false, 0));
        assert_eq!(emit(Framing::Turn, 7, 0), (false, 0));
    }
}
