//! Addresses as attributes carry them, plain or hidden from meddling NATs (RFC 8489 §14.1, §14.2).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};
use crate::cursor::{Malformed, Reader, Writer};

/// What the 18 bytes of port and address are XORed with.
pub(super) struct Mask([u8; 16]);

impl Mask {
    /// No mask: MAPPED-ADDRESS.
    pub(super) const NONE: Self = Self([0; 16]);

    /// Magic cookie and transaction id: XOR-MAPPED-ADDRESS.
    pub(super) fn xor(id: TransactionId) -> Self {
        let mut mask = [0; 16];
        let (cookie, rest) = mask.split_at_mut(4);
        cookie.copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        rest.copy_from_slice(&id.0);
        Self(mask)
    }

    fn port(&self, port: u16) -> u16 {
        port ^ u16::from_be_bytes([self.0[0], self.0[1]])
    }

    fn ip<const N: usize>(&self, mut octets: [u8; N]) -> [u8; N] {
        octets
            .iter_mut()
            .zip(self.0)
            .for_each(|(octet, mask)| *octet ^= mask);
        octets
    }
}

pub(super) fn parse(value: &[u8], mask: &Mask) -> Result<SocketAddr, Malformed> {
    const FIELD: &str = "stun address";
    let mut r = Reader::new(value);
    let [_zero, family] = r.array(FIELD)?;
    let port = mask.port(r.u16(FIELD)?);
    let ip = match family {
        IPV4 => IpAddr::V4(Ipv4Addr::from(mask.ip::<4>(r.array(FIELD)?))),
        IPV6 => IpAddr::V6(Ipv6Addr::from(mask.ip::<16>(r.array(FIELD)?))),
        _ => return Err(Malformed(FIELD)),
    };
    r.finish(FIELD)?;
    Ok(SocketAddr::new(ip, port))
}

pub(super) const fn len(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(_) => 8,
        SocketAddr::V6(_) => 20,
    }
}

pub(super) fn emit(address: SocketAddr, mask: &Mask, w: &mut Writer<'_>) {
    let family = if address.is_ipv4() { IPV4 } else { IPV6 };
    w.bytes(&[0, family]);
    w.u16(mask.port(address.port()));
    match address.ip() {
        IpAddr::V4(ip) => w.bytes(&mask.ip(ip.octets())),
        IpAddr::V6(ip) => w.bytes(&mask.ip(ip.octets())),
    }
}

const IPV4: u8 = 1;
const IPV6: u8 = 2;
