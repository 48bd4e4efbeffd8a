//! What do datagrams say that travel through a TURN server?

use alloc::collections::BTreeMap;
use core::net::SocketAddr;

use crate::cursor::Reader;
use crate::net::{Path, Protocol};
use crate::sim::dissect;
use crate::sim::ledger::Datagram;
use crate::sim::world::HostId;
use crate::wire::demux::{self, Class};
use crate::wire::stun::{self, Attribute, Message, Method};
use crate::wire::turn::ChannelData;

/// What is known of every host's relays: all of it can be read on the wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Relays {
    lent: BTreeMap<(HostId, Path), SocketAddr>,
    channels: BTreeMap<(HostId, Path, u16), SocketAddr>,
}

/// A datagram as ICE sees it: without the frame of a stream, and out of what a relay
/// wraps around it.
pub(super) struct View<'a> {
    /// From the host's point of view; relayed ones start at the relayed address.
    pub(super) path: Path,
    pub(super) bytes: &'a [u8],
}

impl<'a> View<'a> {
    /// The STUN message that it is, if it is one.
    pub(super) fn message(&self) -> Option<Message<'a>> {
        let is_stun = demux::classify(self.bytes) == Class::Stun;
        let message = Message::parse(&mut Reader::new(self.bytes));
        message.ok().filter(|_| is_stun)
    }

    /// The transaction of a binding message of this class.
    pub(super) fn transaction(&self, class: stun::Class) -> Option<stun::TransactionId> {
        let message = self.message()?;
        let fits = message.class() == class && message.method() == Method::BINDING;
        fits.then(|| message.transaction_id())
    }
}

impl Relays {
    /// What `host` sent.
    pub(super) fn sent<'a>(&mut self, host: HostId, datagram: &'a Datagram) -> View<'a> {
        let path = datagram.path();
        if let Some(message) = bare(path, datagram).message()
            && message.method() == Method::CHANNEL_BIND
            && message.class() == stun::Class::Request
        {
            let mut attributes = message.attributes();
            let number = attributes.find_map(|attribute| match attribute {
                Attribute::ChannelNumber(number) => Some(number),
                _ => None,
            });
            if let (Some(number), Some(peer)) = (number, peer_of(&message)) {
                self.channels.insert((host, path, number), peer);
            }
        }
        self.unwrap(host, path, datagram)
    }

    /// What came to `host`.
    pub(super) fn arrived<'a>(&mut self, host: HostId, datagram: &'a Datagram) -> View<'a> {
        let path = datagram.seen;
        if let Some(message) = bare(path, datagram).message()
            && message.method() == Method::ALLOCATE
        {
            let relayed = message.attributes().find_map(|attribute| match attribute {
                Attribute::XorRelayedAddress(address) => Some(address),
                _ => None,
            });
            if let Some(relayed) = relayed {
                self.lent.insert((host, path), relayed);
            }
        }
        self.unwrap(host, path, datagram)
    }

    fn unwrap<'a>(&self, host: HostId, path: Path, datagram: &'a Datagram) -> View<'a> {
        let view = bare(path, datagram);
        let Some(&relayed) = self.lent.get(&(host, path)) else {
            return view;
        };
        match demux::classify(view.bytes) {
            Class::TurnChannel => self.channel(host, relayed, view),
            Class::Stun => indication(relayed, view),
            _ => view,
        }
    }

    fn channel<'a>(&self, host: HostId, relayed: SocketAddr, view: View<'a>) -> View<'a> {
        let Ok(data) = ChannelData::parse(&mut Reader::new(view.bytes)) else {
            return view;
        };
        match self.channels.get(&(host, view.path, data.channel.get())) {
            Some(&peer) => View {
                path: Path::udp(relayed, peer),
                bytes: data.data,
            },
            None => view,
        }
    }
}

/// A Send or Data indication.
fn indication(relayed: SocketAddr, view: View<'_>) -> View<'_> {
    let Ok(message) = Message::parse(&mut Reader::new(view.bytes)) else {
        return view;
    };
    let data = message.attributes().find_map(|attribute| match attribute {
        Attribute::Data(data) => Some(data),
        _ => None,
    });
    match (data, peer_of(&message)) {
        (Some(bytes), Some(peer)) => View {
            path: Path::udp(relayed, peer),
            bytes,
        },
        _ => view,
    }
}

fn bare(path: Path, datagram: &Datagram) -> View<'_> {
    let bytes = match path.protocol {
        Protocol::Udp => &datagram.bytes,
        Protocol::Tcp | Protocol::Tls => dissect::unframed(&datagram.bytes),
    };
    View { path, bytes }
}

fn peer_of(message: &Message<'_>) -> Option<SocketAddr> {
    message.attributes().find_map(|attribute| match attribute {
        Attribute::XorPeerAddress(address) => Some(address),
        _ => None,
    })
}
