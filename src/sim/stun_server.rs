//! A server that tells everybody where they come from.

use alloc::collections::{BTreeMap, VecDeque};
use core::convert::Infallible;

use super::machine::{Grant, Machine};
use crate::cursor::{Reader, Writer};
use crate::net::Path;
use crate::time::Instant;
use crate::wire::framing::{Deframer, Framing};
use crate::wire::stun::{Attribute, Builder, Class, Message, Method, TransactionId};

/// A STUN server (RFC 8489 §12): answers binding requests over UDP and streams, and
/// nothing else.
///
/// ```
/// # use pollrtc::sim::{StunServer, World};
/// let mut world = World::<pollrtc::IceAgent>::new(1);
/// let address = ([203, 0, 113, 1], 3478).into();
/// world.add_server("stun", &[address], StunServer::default());
/// ```
#[derive(Debug, Default)]
pub struct StunServer {
    answers: VecDeque<(Path, TransactionId)>,
    streams: BTreeMap<Path, Deframer>,
}

impl Machine for StunServer {
    type Event = Infallible;

    fn handle_input(&mut self, _: Instant, path: Path, bytes: &mut [u8]) {
        let Some(stream) = self.streams.get_mut(&path) else {
            self.answers.extend(request(path, bytes));
            return;
        };
        let mut chunk = &*bytes;
        while let Ok(Some(message)) = stream.next(&mut chunk) {
            self.answers.extend(request(path, message));
        }
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_transmit(&mut self, _: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let (path, id) = self.answers.pop_front()?;
        Builder::new(out, Class::Success, Method::BINDING, id)
            .attribute(&Attribute::XorMappedAddress(path.remote))
            .fingerprint();
        Some(path)
    }

    fn poll_event(&mut self) -> Option<Infallible> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn grant(&mut self, _: Instant, grant: Grant) {
        match grant {
            Grant::Accepted(path) => {
                let deframer = Deframer::new(Framing::Turn, MESSAGE_LIMIT);
                self.streams.insert(path, deframer);
            }
            Grant::Disconnected(path) => {
                self.streams.remove(&path);
            }
            Grant::Connected { .. } | Grant::Resolved(..) => {}
        }
    }
}

/// The question, if it is one for a server of this kind.
fn request(path: Path, message: &[u8]) -> Option<(Path, TransactionId)> {
    let message = Message::parse(&mut Reader::new(message)).ok()?;
    let asks = message.class() == Class::Request && message.method() == Method::BINDING;
    asks.then(|| (path, message.transaction_id()))
}

/// No question is longer.
const MESSAGE_LIMIT: usize = 2_048;
