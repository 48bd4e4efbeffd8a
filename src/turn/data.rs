//! What do peers send us, and we them?

use core::net::SocketAddr;
use core::ops::Range;

use super::client::plain;
use super::permissions::attribute_len;
use super::{State, TurnClient};
use crate::cursor::{Reader, Writer};
use crate::net::Protocol;
use crate::time::Instant;
use crate::wire::demux;
use crate::wire::stun::{
    Attribute, Builder, Class, HEADER_LEN, Message, Method, TransactionId, kind,
};
use crate::wire::turn::{self, ChannelData, ChannelNumber};

impl TurnClient {
    /// Takes one message that came from the server: a datagram, or what
    /// `wire::framing` cut out of a stream. Gives back what a peer sent, and
    /// which; the rest is for the client. That it came over
    /// [`path`](Self::path) is the caller's to check.
    pub fn open<'d>(
        &mut self,
        now: Instant,
        datagram: &'d mut [u8],
    ) -> Option<(SocketAddr, &'d mut [u8])> {
        let now = self.told(now);
        if matches!(self.state, State::New | State::Failed | State::Closed) {
            self.stats.dropped.closed += 1;
            return None;
        }
        let (peer, range) = match demux::classify(datagram) {
            demux::Class::TurnChannel => self.on_channel_data(datagram)?,
            demux::Class::Stun => self.on_stun(now, datagram)?,
            demux::Class::Dtls | demux::Class::Rtp | demux::Class::Rtcp | demux::Class::Unknown => {
                self.stats.dropped.malformed += 1;
                return None;
            }
        };
        let data = datagram.get_mut(range)?;
        self.stats.packets_received += 1;
        self.stats.bytes_received += data.len() as u64;
        Some((peer, data))
    }

    /// Lets `fill` write a datagram for `peer`, and wraps it: as channel data if a
    /// channel is bound, in an indication if the peer is permitted. Otherwise
    /// `fill` is not called and the answer is `false`.
    pub fn seal(
        &mut self,
        peer: SocketAddr,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let peer = plain(peer);
        let len = if let Some(number) = self.channels.number(peer) {
            self.seal_channel_data(number, out, fill)
        } else if self.permissions.is_granted(peer.ip()) {
            self.seal_indication(peer, out, fill)
        } else {
            None
        };
        let Some(len) = len else { return false };
        self.stats.packets_sent += 1;
        self.stats.bytes_sent += len as u64;
        self.on_sent();
        true
    }

    /// How many bytes `seal` puts around a datagram for `peer`, at most.
    #[must_use]
    pub fn overhead(&self, peer: SocketAddr) -> usize {
        let peer = plain(peer);
        if self.channels.number(peer).is_some() {
            turn::HEADER_LEN + self.channel_padding()
        } else {
            indication_head(peer) + PADDING
        }
    }

    /// RFC 8656 §12.5: padded over a stream only.
    fn channel_padding(&self) -> usize {
        match self.path.protocol {
            Protocol::Udp => 0,
            _ => PADDING,
        }
    }

    fn seal_channel_data(
        &self,
        number: ChannelNumber,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<usize> {
        let padding = self.channel_padding();
        let head = out.len();
        if !out.nest(turn::HEADER_LEN, padding, fill) {
            return None;
        }
        let start = head + turn::HEADER_LEN;
        let Ok(len) = u16::try_from(out.len() - start - padding) else {
            out.rewind(head);
            return None;
        };
        out.patch(head, &ChannelData::header(number, len));
        let len = usize::from(len);
        if padding > 0 {
            out.rewind(start + len.next_multiple_of(4));
        }
        Some(len)
    }

    /// RFC 8656 §11.1.
    fn seal_indication(
        &mut self,
        peer: SocketAddr,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<usize> {
        let head = out.len();
        if out.remaining() < indication_head(peer) + PADDING {
            return None;
        }
        let id = TransactionId(self.rng.array());
        let mut builder = Builder::new(out, Class::Indication, Method::SEND, id);
        builder.attribute(&Attribute::XorPeerAddress(peer));
        builder.attribute(&Attribute::Data(&[]));
        let start = out.len();
        if !out.nest(0, PADDING, fill) {
            out.rewind(head);
            return None;
        }
        let len = out.len() - start - PADDING;
        let end = start + len.next_multiple_of(4);
        // Both lengths are known only now.
        let lens = u16::try_from(len).and_then(|len| {
            let all = u16::try_from(end - head - HEADER_LEN)?;
            Ok((len, all))
        });
        let Ok((data_len, all)) = lens else {
            out.rewind(head);
            return None;
        };
        out.patch(head + 2, &all.to_be_bytes());
        out.patch(start - 2, &data_len.to_be_bytes());
        out.rewind(end);
        Some(len)
    }

    /// Data on a channel. The bytes behind it are padding.
    fn on_channel_data(&mut self, datagram: &[u8]) -> Option<(SocketAddr, Range<usize>)> {
        let Ok(message) = ChannelData::parse(&mut Reader::new(datagram)) else {
            self.stats.dropped.malformed += 1;
            return None;
        };
        let Some(peer) = self.channels.peer(message.channel) else {
            self.stats.dropped.unknown_channel += 1;
            return None;
        };
        let start = turn::HEADER_LEN;
        Some((peer, start..start + message.data.len()))
    }

    fn on_stun(&mut self, now: Instant, datagram: &[u8]) -> Option<(SocketAddr, Range<usize>)> {
        let mut r = Reader::new(datagram);
        let message = Message::parse(&mut r).ok().filter(|_| r.is_empty());
        let Some(message) = message else {
            self.stats.dropped.malformed += 1;
            return None;
        };
        match (message.class(), message.method()) {
            (Class::Success | Class::Error, _) => {
                self.on_response(now, &message);
                None
            }
            (Class::Indication, Method::DATA) => self.on_data_indication(&message),
            _ => {
                self.stats.dropped.unexpected += 1;
                None
            }
        }
    }

    /// RFC 8656 §11.4. Nothing proves that it is the server's: an indication
    /// cannot be challenged.
    fn on_data_indication(&mut self, message: &Message<'_>) -> Option<(SocketAddr, Range<usize>)> {
        let peer = message.attributes().find_map(|attribute| match attribute {
            Attribute::XorPeerAddress(peer) => Some(peer),
            _ => None,
        });
        let data = message.range_of(kind::DATA);
        let (Some(peer), Some(data), None) = (peer, data, message.unknown_required().next()) else {
            // An ICMP message of the peer's network is among these.
            self.stats.dropped.unexpected += 1;
            return None;
        };
        if !self.permissions.is_granted(peer.ip()) {
            self.stats.dropped.unknown_peer += 1;
            return None;
        }
        Some((peer, data))
    }
}

/// The size of a Send indication without its data.
const fn indication_head(peer: SocketAddr) -> usize {
    HEADER_LEN + attribute_len(peer.ip()) + 4
}

/// How many bytes of padding there are at most.
const PADDING: usize = 3;
