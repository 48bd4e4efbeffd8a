//! Lending addresses, and handing on what comes and goes there (RFC 8656 §7 to §12).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::account::Proved;
use super::{Habit, MAX_MESSAGE, TurnServer};
use crate::cursor::Writer;
use crate::net::{Path, Protocol};
use crate::time::Instant;
use crate::wire::framing::Framing;
use crate::wire::stun::{
    AddressFamily, Attribute, Builder, Class, ErrorCode, Message, Method, TransactionId,
};
use crate::wire::turn::{ChannelData, ChannelNumber};

/// An address that is lent to somebody.
#[derive(Debug)]
pub(super) struct Allocation {
    pub(super) relay: SocketAddr,
    pub(super) until: Instant,
    user: String,
    /// Which request made it: sent again, it gets the same answer.
    made_by: TransactionId,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<ChannelNumber, (SocketAddr, Instant)>,
}

impl Allocation {
    fn is_permitted(&self, now: Instant, ip: IpAddr) -> bool {
        self.permissions.get(&ip).is_some_and(|until| now < *until)
    }

    fn peer(&self, now: Instant, number: ChannelNumber) -> Option<SocketAddr> {
        let (peer, until) = self.channels.get(&number)?;
        (now < *until).then_some(*peer)
    }

    fn number(&self, now: Instant, peer: SocketAddr) -> Option<ChannelNumber> {
        let mut bound = self.channels.iter();
        bound.find_map(|(number, (other, until))| {
            (*other == peer && now < *until).then_some(*number)
        })
    }

    pub(super) fn guests(&self, now: Instant) -> (usize, usize) {
        let channels = self.channels.values().filter(|(_, until)| now < *until);
        let permissions = self.permissions.values().filter(|until| now < **until);
        (channels.count(), permissions.count())
    }
}

/// What a request of a client asks for.
#[derive(Default)]
struct Wishes {
    peers: Vec<SocketAddr>,
    number: Option<u16>,
    lifetime: Option<u32>,
    transport: Option<u8>,
    family: Option<AddressFamily>,
}

impl Wishes {
    fn of(message: &Message<'_>) -> Self {
        let mut wishes = Self::default();
        for attribute in message.attributes() {
            match attribute {
                Attribute::XorPeerAddress(peer) => wishes.peers.push(peer),
                Attribute::ChannelNumber(number) => wishes.number = Some(number),
                Attribute::Lifetime(seconds) => wishes.lifetime = Some(seconds),
                Attribute::RequestedTransport(number) => wishes.transport = Some(number),
                Attribute::RequestedAddressFamily(family) => wishes.family = Some(family),
                _ => {}
            }
        }
        wishes
    }
}

impl<E> TurnServer<E> {
    /// A request that needs a proof.
    pub(super) fn on_request(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        self.stats.requests += 1;
        let proved = match self.prove(now, path, message) {
            Ok(proved) => proved,
            Err(code) => return self.refuse(now, path, message, code, None),
        };
        let wishes = Wishes::of(message);
        let method = message.method();
        let done = match self.habit {
            Habit::Refuses(code) => Err(code),
            Habit::Redirects(_) if method == Method::ALLOCATE => Err(ErrorCode::TRY_ALTERNATE),
            _ => match method {
                Method::ALLOCATE => self.allocate(now, path, message, &proved, &wishes),
                Method::REFRESH => self.refresh(now, path, &proved, &wishes),
                Method::CREATE_PERMISSION => self.permit(now, path, &proved, &wishes),
                Method::CHANNEL_BIND => self.bind(now, path, &proved, &wishes),
                _ => Err(ErrorCode::BAD_REQUEST),
            },
        };
        let key = Some(&proved.key);
        match done {
            Ok(says) => self.answer(path, Class::Success, message, &says, key),
            Err(code) => self.refuse(now, path, message, code, key),
        }
    }

    fn allocate(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        proved: &Proved,
        wishes: &Wishes,
    ) -> Result<Vec<Attribute<'static>>, u16> {
        let until = now + self.lifetime(wishes);
        let known = self
            .clients
            .get(&path)
            .and_then(|client| client.allocation(now));
        let relay = match known {
            Some(known) if known.made_by != message.transaction_id() => {
                return Err(ErrorCode::ALLOCATION_MISMATCH);
            }
            Some(known) => known.relay,
            None => {
                match wishes.transport {
                    None => return Err(ErrorCode::BAD_REQUEST),
                    Some(17) => {}
                    Some(_) => return Err(ErrorCode::UNSUPPORTED_TRANSPORT),
                }
                let relay = self.free_relay(now, proved, wishes)?;
                self.stats.allocated += 1;
                self.clients.entry(path).or_default().allocation = Some(Allocation {
                    relay,
                    until,
                    user: proved.user.clone(),
                    made_by: message.transaction_id(),
                    permissions: BTreeMap::new(),
                    channels: BTreeMap::new(),
                });
                relay
            }
        };
        Ok([
            Attribute::XorRelayedAddress(relay),
            Attribute::XorMappedAddress(path.remote),
            self.told_lifetime(now, until),
        ]
        .into())
    }

    fn free_relay(
        &self,
        now: Instant,
        proved: &Proved,
        wishes: &Wishes,
    ) -> Result<SocketAddr, u16> {
        let lent: Vec<_> = self
            .clients
            .values()
            .filter_map(|client| client.allocation(now))
            .collect();
        let own = lent.iter().filter(|one| one.user == proved.user);
        if own.count() >= self.config.quota {
            return Err(ErrorCode::ALLOCATION_QUOTA_REACHED);
        }
        let is_v6 = wishes.family == Some(AddressFamily::Ipv6);
        let mut fit = self.config.relays.iter().filter(|at| at.is_ipv6() == is_v6);
        if fit.clone().next().is_none() {
            return Err(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
        }
        fit.find(|relay| lent.iter().all(|one| one.relay != **relay))
            .copied()
            .ok_or(ErrorCode::INSUFFICIENT_CAPACITY)
    }

    /// RFC 8656 §7.2: between the server's default and its maximum.
    fn lifetime(&self, wishes: &Wishes) -> Duration {
        let wish = Duration::from_secs(wishes.lifetime.unwrap_or(0).into());
        wish.min(self.config.max_lifetime)
            .max(self.config.default_lifetime)
    }

    fn told_lifetime(&self, now: Instant, until: Instant) -> Attribute<'static> {
        let seconds = match self.habit {
            Habit::Lifetime(seconds) => seconds,
            _ => u32::try_from((until - now).as_secs()).unwrap_or(u32::MAX),
        };
        Attribute::Lifetime(seconds)
    }

    fn refresh(
        &mut self,
        now: Instant,
        path: Path,
        proved: &Proved,
        wishes: &Wishes,
    ) -> Result<Vec<Attribute<'static>>, u16> {
        let lifetime = self.lifetime(wishes);
        let allocation = self.own(now, path, proved)?;
        if wishes.lifetime == Some(0) {
            if let Some(client) = self.clients.get_mut(&path) {
                client.allocation = None;
            }
            self.stats.deleted += 1;
            return Ok([Attribute::Lifetime(0)].into());
        }
        allocation.until = now + lifetime;
        Ok([self.told_lifetime(now, now + lifetime)].into())
    }

    fn permit(
        &mut self,
        now: Instant,
        path: Path,
        proved: &Proved,
        wishes: &Wishes,
    ) -> Result<Vec<Attribute<'static>>, u16> {
        if wishes.peers.is_empty() {
            return Err(ErrorCode::BAD_REQUEST);
        }
        for peer in &wishes.peers {
            self.check_peer(now, path, *peer)?;
        }
        let allocation = self.own(now, path, proved)?;
        for peer in &wishes.peers {
            allocation
                .permissions
                .insert(peer.ip(), now + PERMISSION_LIFETIME);
        }
        Ok(Vec::new())
    }

    fn bind(
        &mut self,
        now: Instant,
        path: Path,
        proved: &Proved,
        wishes: &Wishes,
    ) -> Result<Vec<Attribute<'static>>, u16> {
        let number = wishes.number.and_then(ChannelNumber::new);
        let (Some(number), [peer]) = (number, &*wishes.peers) else {
            return Err(ErrorCode::BAD_REQUEST);
        };
        self.check_peer(now, path, *peer)?;
        let allocation = self.own(now, path, proved)?;
        // RFC 8656 §12: neither has another partner, nor had one 5 minutes ago.
        let recent = |until: Instant| now < until + CHANNEL_QUARANTINE;
        let clashes = allocation
            .channels
            .iter()
            .any(|(other, (at, until))| recent(*until) && ((*other == number) != (at == peer)));
        if clashes {
            return Err(ErrorCode::BAD_REQUEST);
        }
        allocation
            .channels
            .insert(number, (*peer, now + CHANNEL_LIFETIME));
        allocation
            .permissions
            .insert(peer.ip(), now + PERMISSION_LIFETIME);
        Ok(Vec::new())
    }

    fn check_peer(&self, now: Instant, path: Path, peer: SocketAddr) -> Result<(), u16> {
        let client = self.clients.get(&path);
        let allocation = client.and_then(|client| client.allocation(now));
        let allocation = allocation.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        if allocation.relay.is_ipv6() != peer.is_ipv6() {
            return Err(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH);
        }
        if self.config.forbidden.contains(&peer.ip()) {
            return Err(ErrorCode::FORBIDDEN);
        }
        Ok(())
    }

    /// The allocation of a path, if it belongs to this user.
    fn own(&mut self, now: Instant, path: Path, proved: &Proved) -> Result<&mut Allocation, u16> {
        let client = self.clients.get_mut(&path);
        let allocation = client.and_then(|client| client.allocation.as_mut());
        let allocation = allocation
            .filter(|allocation| now < allocation.until)
            .ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
        if allocation.user == proved.user {
            Ok(allocation)
        } else {
            Err(ErrorCode::WRONG_CREDENTIALS)
        }
    }

    /// Data for a peer by its address.
    pub(super) fn on_send(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let (mut peer, mut data) = (None, None);
        for attribute in message.attributes() {
            match attribute {
                Attribute::XorPeerAddress(address) => peer = Some(address),
                Attribute::Data(bytes) => data = Some(bytes),
                _ => {}
            }
        }
        if let (Some(peer), Some(data)) = (peer, data) {
            self.hand_on(now, path, peer, data);
        } else {
            self.stats.dropped += 1;
        }
    }

    /// Data for a peer by its number.
    pub(super) fn on_channel_data(&mut self, now: Instant, path: Path, message: ChannelData<'_>) {
        let client = self.clients.get(&path);
        let allocation = client.and_then(|client| client.allocation(now));
        match allocation.and_then(|one| one.peer(now, message.channel)) {
            Some(peer) => self.hand_on(now, path, peer, message.data),
            None => self.stats.dropped += 1,
        }
    }

    fn hand_on(&mut self, now: Instant, path: Path, peer: SocketAddr, data: &[u8]) {
        let client = self.clients.get(&path);
        let allocation = client.and_then(|client| client.allocation(now));
        let permitted = allocation.filter(|one| one.is_permitted(now, peer.ip()));
        if let Some(relay) = permitted.map(|one| one.relay) {
            self.stats.relayed += 1;
            self.push(Path::udp(relay, peer), data.to_vec());
        } else {
            self.stats.unpermitted += 1;
        }
    }

    /// A datagram of a peer, for whom it concerns.
    pub(super) fn on_peer(&mut self, now: Instant, path: Path, data: &[u8]) {
        let found = self.clients.iter().find_map(|(client, state)| {
            let allocation = state.allocation(now)?;
            (allocation.relay == path.local).then_some((*client, allocation))
        });
        let permitted = found.filter(|(_, one)| one.is_permitted(now, path.remote.ip()));
        let Some((client, allocation)) = permitted else {
            self.stats.unpermitted += 1;
            return;
        };
        let number = allocation.number(now, path.remote);
        let id = TransactionId(self.rng.array());
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, MAX_MESSAGE);
        let fill = |w: &mut Writer<'_>| {
            match number {
                Some(channel) => ChannelData { channel, data }.emit(w),
                None => {
                    let mut builder = Builder::new(w, Class::Indication, Method::DATA, id);
                    builder.attribute(&Attribute::XorPeerAddress(path.remote));
                    builder.attribute(&Attribute::Data(data));
                }
            }
            true
        };
        let fits = match client.protocol {
            Protocol::Udp => w.nest(0, 0, fill),
            _ => Framing::Turn.emit(&mut w, fill),
        };
        if fits {
            self.stats.relayed += 1;
            self.push(client, bytes);
        } else {
            self.stats.dropped += 1;
        }
    }
}

/// RFC 8656 §9.
const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
/// RFC 8656 §12.
const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);
const CHANNEL_QUARANTINE: Duration = Duration::from_secs(300);
