//! Which of many peers is a datagram for, if they share one socket?

use core::fmt;
use core::hash::{BuildHasher, Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use alloc::boxed::Box;
use alloc::collections::VecDeque;

use hashbrown::{Equivalent, HashMap};
use rand_core::CryptoRng;
use siphasher::sip::SipHasher13;

use crate::net::{Path, Protocol};
use crate::rng::Rng;
use crate::wire::demux::{self, Class};
use crate::wire::stun::Message;

/// Finds the peer that a datagram is for: by the user name of an ICE check, else by
/// the path that it took (RFC 8445 §7.3, RFC 7983).
///
/// It owns no peers and believes no stranger. A path is learned from what a peer
/// *sends*, and a peer sends only where its own candidates and checked messages lead:
///
/// ```text
/// router.insert(key, peer.ice().local_credentials().ufrag)   after set_local_description
/// router.route(path, datagram)                               for what a socket received
/// router.sent(key, transmit.path)                            for what poll_transmit gave
/// router.remove(key)                                         after Event::Closed
/// ```
///
/// A look-up costs the same with one peer and with a hundred thousand. Its hashes
/// are keyed by `rng`, so nobody can choose addresses that collide; nothing that
/// can be observed depends on them.
///
/// Two peers that talk to the same remote socket share a path. The datagrams of it,
/// other than checks, go to the one that sent on it last: give such peers sockets of
/// their own.
pub struct Router<K> {
    /// Whose user fragment is it?
    names: HashMap<Name, K, Keys>,
    /// Who sent on the path last?
    paths: HashMap<Packed, K, Keys>,
    peers: HashMap<K, Known, Keys>,
    limits: RouterLimits,
}

/// How much of each peer does a [`Router`] remember?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouterLimits {
    /// User fragments: one for each generation of ICE. The oldest leaves first. 3.
    pub names: usize,
    /// Paths. The oldest leaves first. 128, for an agent has 100 pairs by default.
    pub paths: usize,
}

impl Default for RouterLimits {
    fn default() -> Self {
        Self {
            names: 3,
            paths: 128,
        }
    }
}

/// What leads to one peer, oldest first.
#[derive(Default)]
struct Known {
    names: VecDeque<Name>,
    paths: VecDeque<Packed>,
}

impl<K: Copy + Eq + Hash> Router<K> {
    /// A router that knows nobody.
    pub fn new(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self::with_limits(RouterLimits::default(), rng)
    }

    /// The same with other limits.
    pub fn with_limits(limits: RouterLimits, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut rng = Rng::from_rng(rng);
        let keys = Keys([rng.u64(), rng.u64()]);
        Self {
            names: HashMap::with_hasher(keys),
            paths: HashMap::with_hasher(keys),
            peers: HashMap::with_hasher(keys),
            limits,
        }
    }

    /// Checks for this user fragment of ours are for this peer. One that belonged to
    /// another peer belongs to this one from now on.
    pub fn insert(&mut self, key: K, ufrag: &str) {
        let name = Name::of(ufrag);
        if self.names.insert(name.clone(), key) == Some(key) {
            return;
        }
        let known = self.peers.entry(key).or_default();
        // It may be here still from before another peer had it.
        known.names.retain(|other| *other != name);
        known.names.push_back(name);
        while known.names.len() > self.limits.names {
            if let Some(oldest) = known.names.pop_front() {
                forget(&mut self.names, &oldest, key);
            }
        }
    }

    /// The peer has sent something on this path, so what comes back is for it.
    pub fn sent(&mut self, key: K, path: Path) {
        let path = Packed::of(path);
        if self.paths.get(&path) == Some(&key) {
            return;
        }
        let Some(known) = self.peers.get_mut(&key) else {
            return;
        };
        // It may be here still from before another peer sent on it.
        known.paths.retain(|other| *other != path);
        known.paths.push_back(path);
        self.paths.insert(path, key);
        while known.paths.len() > self.limits.paths {
            if let Some(oldest) = known.paths.pop_front() {
                forget(&mut self.paths, &oldest, key);
            }
        }
    }

    /// Whose datagram is it? `None` if it is nobody's.
    ///
    /// Of a stream, ask once for its path; the bytes do not matter then.
    #[must_use]
    pub fn route(&self, path: Path, datagram: &[u8]) -> Option<K> {
        if !path.protocol.is_stream()
            && demux::classify(datagram) == Class::Stun
            && let Some(ufrag) = wanted(datagram)
        {
            return self.names.get(&Wanted(ufrag)).copied();
        }
        self.paths.get(&Packed::of(path)).copied()
    }

    /// Forgets a peer and all that leads to it.
    pub fn remove(&mut self, key: K) {
        let known = self.peers.remove(&key).unwrap_or_default();
        for name in &known.names {
            forget(&mut self.names, name, key);
        }
        for path in &known.paths {
            forget(&mut self.paths, path, key);
        }
    }

    /// How many peers are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }
}

/// Takes `what` out of the table if it still leads to `key`.
fn forget<T, Q, K>(table: &mut HashMap<T, K, Keys>, what: &Q, key: K)
where
    T: Eq + Hash,
    Q: Hash + Equivalent<T> + ?Sized,
    K: Copy + Eq,
{
    if table.get(what) == Some(&key) {
        table.remove(what);
    }
}

/// The user fragment that an ICE check is for: what the user name says before its
/// colon (RFC 8445 §7.2.2). Answers have no user name. The rest of the check is the
/// peer's to look at.
fn wanted(datagram: &[u8]) -> Option<&str> {
    let name = Message::username_of(datagram)?;
    name.split_once(':').map(|(ours, _)| ours)
}

/// A user fragment of ours. It is in place if it is as short as those mostly are: to
/// follow a pointer costs as much as all the rest of a look-up.
#[derive(Clone, PartialEq, Eq)]
enum Name {
    /// Filled up with zeros.
    Short([u8; SHORT]),
    Long(Box<str>),
}

impl Name {
    fn of(ufrag: &str) -> Self {
        let mut short = [0; SHORT];
        match short.get_mut(..ufrag.len()) {
            // It has no zeros of its own: they are no `ice-char` (RFC 8839 §5.4).
            Some(place) if !ufrag.contains('\0') => {
                place.copy_from_slice(ufrag.as_bytes());
                Self::Short(short)
            }
            _ => Self::Long(ufrag.into()),
        }
    }

    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(short) => {
                let len = short.iter().position(|byte| *byte == 0);
                short.get(..len.unwrap_or(SHORT)).unwrap_or_default()
            }
            Self::Long(long) => long.as_bytes(),
        }
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

/// A user fragment that is looked for.
struct Wanted<'a>(&'a str);

impl Hash for Wanted<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
    }
}

impl Equivalent<Name> for Wanted<'_> {
    fn equivalent(&self, name: &Name) -> bool {
        let wanted = self.0.as_bytes();
        match name {
            // The zeros that it is filled up with are none that somebody wants.
            Name::Short(short) => short.strip_prefix(wanted).is_some_and(|rest| {
                let ends = rest.first().is_none_or(|next| *next == 0);
                ends && wanted.last() != Some(&0)
            }),
            Name::Long(long) => long.as_bytes() == wanted,
        }
    }
}

/// How many bytes a user fragment has at most that is kept in place.
const SHORT: usize = 23;

/// A path in few words, since hashing it is all the work there is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed([u64; 5]);

impl Packed {
    fn of(path: Path) -> Self {
        let [a, b] = words(path.local);
        let [c, d] = words(path.remote);
        let protocol = match path.protocol {
            Protocol::Udp => 0,
            Protocol::Tcp => 1,
            Protocol::Tls => 2,
        };
        let ports = u64::from(path.local.port()) << 16 | u64::from(path.remote.port());
        let family = u64::from(path.local.is_ipv6()) << 1 | u64::from(path.remote.is_ipv6());
        Self([a, b, c, d, protocol << 40 | family << 32 | ports])
    }
}

impl Hash for Packed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

/// The sixteen bytes of an address, as two words.
fn words(address: SocketAddr) -> [u64; 2] {
    let bits = match address.ip() {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let [a, b, c, d, e, f, g, h, rest @ ..] = bits.to_be_bytes();
    [
        u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        u64::from_be_bytes(rest),
    ]
}

/// The keys of the hashes of one router.
#[derive(Clone, Copy)]
struct Keys([u64; 2]);

impl BuildHasher for Keys {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        let [first, second] = self.0;
        SipHasher13::new_with_keys(first, second)
    }
}

impl<K> fmt::Debug for Router<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("peers", &self.peers.len())
            .field("names", &self.names.len())
            .field("paths", &self.paths.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::rng::Rng;
    use crate::wire::stun::{self, Attribute, Method, TransactionId};

    fn router(limits: RouterLimits) -> Router<u32> {
        Router::with_limits(limits, &mut Rng::from_number(1))
    }

    fn path(port: u16) -> Path {
        Path::udp(
            "192.0.2.1:443".parse().unwrap(),
            SocketAddr::new("198.51.100.7".parse().unwrap(), port),
        )
    }

    fn check(class: stun::Class, username: &str) -> Vec<u8> {
        let mut datagram = vec![];
        let mut w = crate::cursor::Writer::new(&mut datagram, 1200);
        let id = TransactionId([7; 12]);
        stun::Builder::new(&mut w, class, Method::BINDING, id)
            .attribute(&Attribute::Username(username))
            .fingerprint();
        datagram
    }

    const DTLS: [u8; 13] = [22; 13];

    #[test]
    fn a_check_is_for_whom_it_names_and_the_rest_for_who_sent_there() {
        let mut router = router(RouterLimits::default());
        router.insert(1, "one");
        router.insert(2, "two");
        assert_eq!(
            router.route(path(5), &check(stun::Class::Request, "two:x")),
            Some(2)
        );
        assert_eq!(
            router.route(path(5), &check(stun::Class::Request, "three:x")),
            None
        );
        assert_eq!(
            router.route(path(5), &check(stun::Class::Request, "two")),
            None
        );
        // A stranger's check teaches nothing: only the peer's own answer does.
        assert_eq!(router.route(path(5), &DTLS), None);
        router.sent(2, path(5));
        assert_eq!(router.route(path(5), &DTLS), Some(2));
        // Also the answer to a check of ours, which has no user name.
        assert_eq!(
            router.route(path(5), &check(stun::Class::Success, "one:x")),
            Some(2)
        );
        // The name counts more than the path.
        assert_eq!(
            router.route(path(5), &check(stun::Class::Request, "one:x")),
            Some(1)
        );
        router.remove(2);
        assert_eq!(router.route(path(5), &DTLS), None);
        assert_eq!(
            router.route(path(5), &check(stun::Class::Request, "two:x")),
            None
        );
        assert_eq!(router.len(), 1);
    }

    #[test]
    fn names_are_known_whatever_their_length() {
        let mut router = router(RouterLimits::default());
        let names = [4, SHORT - 1, SHORT, SHORT + 1, 256].map(|len| "x".repeat(len));
        for (name, key) in names.iter().zip(1..) {
            router.insert(key, name);
        }
        for (name, key) in names.iter().zip(1..) {
            let wanted = check(stun::Class::Request, &format!("{name}:y"));
            assert_eq!(router.route(path(5), &wanted), Some(key));
        }
        // Nobody has a name with a zero in it, and it is not taken for a shorter one.
        let wanted = check(stun::Class::Request, "xxxx\0:y");
        assert_eq!(router.route(path(5), &wanted), None);
        router.insert(9, "xxxx\0");
        assert_eq!(router.route(path(5), &wanted), Some(9));
        router.remove(3);
        let wanted = check(stun::Class::Request, &format!("{}:y", names[2]));
        assert_eq!(router.route(path(5), &wanted), None);
    }

    #[test]
    fn streams_and_datagrams_of_one_port_are_apart() {
        let mut router = router(RouterLimits::default());
        let tcp = Path {
            protocol: Protocol::Tcp,
            ..path(5)
        };
        router.insert(1, "one");
        router.insert(2, "two");
        router.sent(1, path(5));
        router.sent(2, tcp);
        assert_eq!(router.route(path(5), &DTLS), Some(1));
        assert_eq!(
            router.route(tcp, &check(stun::Class::Request, "one:x")),
            Some(2)
        );
        // 192.0.2.1 and the IPv6 address with the same number are not the same.
        let mapped = Path {
            remote: "[::c633:6407]:5".parse().unwrap(),
            ..path(5)
        };
        assert_eq!(router.route(mapped, &DTLS), None);
    }

    /// What the router should know, said slowly.
    #[derive(Default)]
    struct Model {
        names: BTreeMap<String, u32>,
        paths: BTreeMap<Path, u32>,
        peers: BTreeMap<u32, (Vec<String>, Vec<Path>)>,
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u32, u8),
        Sent(u32, u16),
        Remove(u32),
    }

    proptest! {
        #[test]
        fn it_remembers_what_a_naive_one_does(steps in prop::collection::vec(
            prop_oneof![
                (0..4_u32, 0..12_u8).prop_map(|(key, name)| Step::Insert(key, name)),
                (0..4_u32, 0..12_u16).prop_map(|(key, port)| Step::Sent(key, port)),
                (0..4_u32).prop_map(Step::Remove),
            ],
            0..200,
        )) {
            let limits = RouterLimits { names: 2, paths: 3 };
            let (mut router, mut model) = (router(limits), Model::default());
            for step in steps {
                match step {
                    Step::Insert(key, name) => {
                        let name = format!("name{name}");
                        router.insert(key, &name);
                        model.insert(key, name, limits);
                    }
                    Step::Sent(key, port) => {
                        router.sent(key, path(port));
                        model.sent(key, path(port), limits);
                    }
                    Step::Remove(key) => {
                        router.remove(key);
                        model.remove(key);
                    }
                }
                prop_assert_eq!(router.len(), model.peers.len());
                prop_assert_eq!(router.paths.len(), model.paths.len());
                for n in 0..12 {
                    let named = check(stun::Class::Request, &format!("name{n}:x"));
                    let expected = model.names.get(&format!("name{n}"));
                    prop_assert_eq!(router.route(path(99), &named), expected.copied());
                    let expected = model.paths.get(&path(n));
                    prop_assert_eq!(router.route(path(n), &DTLS), expected.copied());
                }
            }
        }
    }

    impl Model {
        fn insert(&mut self, key: u32, name: String, limits: RouterLimits) {
            if self.names.insert(name.clone(), key) == Some(key) {
                return;
            }
            let (names, _) = self.peers.entry(key).or_default();
            names.retain(|other| *other != name);
            names.push(name);
            if names.len() > limits.names {
                let oldest = names.remove(0);
                self.names
                    .retain(|name, owner| *name != oldest || *owner != key);
            }
        }

        fn sent(&mut self, key: u32, path: Path, limits: RouterLimits) {
            let Some((_, paths)) = self.peers.get_mut(&key) else {
                return;
            };
            if self.paths.insert(path, key) == Some(key) {
                return;
            }
            paths.retain(|other| *other != path);
            paths.push(path);
            if paths.len() > limits.paths {
                let oldest = paths.remove(0);
                self.paths
                    .retain(|path, owner| *path != oldest || *owner != key);
            }
        }

        fn remove(&mut self, key: u32) {
            self.peers.remove(&key);
            self.names.retain(|_, owner| *owner != key);
            self.paths.retain(|_, owner| *owner != key);
        }
    }
}
