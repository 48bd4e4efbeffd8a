//! The run as a capture file that Wireshark opens.
//!
//! The capture shows what was sent, at the time of sending, lost datagrams
//! included; those that did not arrive, and copies and forgeries, say so in their
//! packet comment (`frame.comment`). A packet that NATs have changed is there a
//! second time, as it was delivered. Streams have segments, but no handshake. Addresses and ports are those of the
//! simulated sockets. The machines' TLS secrets are part of the file, so one file
//! is enough to decrypt it.
//!
//! Wireshark recognises STUN and DTLS by itself. That there is SCTP inside of
//! DTLS it has to be told, by one line of Lua, [`WIRESHARK_SCRIPT`]:
//!
//! ```text
//! tshark -X lua_script:src/sim/wireshark.lua -r capture.pcapng
//! ```
//!
//! Format: draft-ietf-opsawg-pcapng, with one raw-IP interface.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::ledger::{Datagram, Fate, Ledger, Origin};
use crate::time::Instant;

/// The bytes of a capture file.
#[must_use]
pub fn capture(ledger: &Ledger) -> Vec<u8> {
    let mut file = Vec::new();
    section_header(&mut file);
    interface(&mut file);
    secrets(&mut file, &key_log(ledger));
    let mut views: Vec<View<'_>> = ledger.datagrams().iter().flat_map(views).collect();
    views.sort_by_key(|view| view.at);
    let mut streams = Streams::default();
    for (number, view) in views.into_iter().enumerate() {
        packet(&mut file, &view, number, &mut streams);
    }
    file
}

/// A datagram at one end of its way.
struct View<'a> {
    at: Instant,
    from: SocketAddr,
    to: SocketAddr,
    delivered: bool,
    datagram: &'a Datagram,
}

/// How a datagram was sent and, if NATs have changed it, how it was delivered.
fn views(datagram: &Datagram) -> impl Iterator<Item = View<'_>> {
    let sent = View {
        at: datagram.sent,
        from: datagram.from,
        to: datagram.to,
        delivered: false,
        datagram,
    };
    let (from, to) = (datagram.seen.remote, datagram.seen.local);
    let is_changed = (from, to) != (datagram.from, datagram.to);
    let delivered = match datagram.fate {
        Fate::Arrives(at) if is_changed => Some(View {
            at,
            from,
            to,
            delivered: true,
            datagram,
        }),
        _ => None,
    };
    core::iter::once(sent).chain(delivered)
}

/// How many bytes each end of each stream has sent.
type Streams = BTreeMap<(SocketAddr, SocketAddr), u32>;

/// A script that tells Wireshark to look for SCTP, and so for data channels,
/// inside of DTLS.
pub const WIRESHARK_SCRIPT: &str = include_str!("wireshark.lua");

/// The text of a key log file as browsers write it to `SSLKEYLOGFILE`.
#[must_use]
pub fn key_log(ledger: &Ledger) -> String {
    let mut text = String::new();
    for line in ledger.key_log() {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn section_header(file: &mut Vec<u8>) {
    block(file, SECTION_HEADER, |body| {
        body.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        body.extend(1u16.to_le_bytes());
        body.extend(0u16.to_le_bytes());
        // The section's length is not said.
        body.extend(u64::MAX.to_le_bytes());
        option(
            body,
            SHB_USERAPPL,
            concat!("pollrtc ", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
        option(body, END_OF_OPTIONS, &[]);
    });
}

fn interface(file: &mut Vec<u8>) {
    block(file, INTERFACE_DESCRIPTION, |body| {
        body.extend(LINKTYPE_RAW.to_le_bytes());
        body.extend(0u16.to_le_bytes());
        // No limit to the captured length.
        body.extend(0u32.to_le_bytes());
        option(body, IF_NAME, b"simulation");
        option(body, IF_TSRESOL, &[NANOSECONDS]);
        option(body, END_OF_OPTIONS, &[]);
    });
}

fn secrets(file: &mut Vec<u8>, key_log: &str) {
    if key_log.is_empty() {
        return;
    }
    block(file, DECRYPTION_SECRETS, |body| {
        body.extend(TLS_KEY_LOG.to_le_bytes());
        body.extend(length(key_log.len()).to_le_bytes());
        body.extend(key_log.as_bytes());
        pad(body);
    });
}

fn packet(file: &mut Vec<u8>, view: &View<'_>, number: usize, streams: &mut Streams) {
    let Some(ip) = ip_packet(view, number, streams) else {
        return;
    };
    block(file, ENHANCED_PACKET, |body| {
        let nanos = view.at.as_nanos();
        let interface = 0u32;
        body.extend(interface.to_le_bytes());
        for half in [nanos >> 32, nanos & 0xffff_ffff] {
            body.extend(half.to_le_bytes().get(..4).unwrap_or_default());
        }
        body.extend(length(ip.len()).to_le_bytes());
        body.extend(length(ip.len()).to_le_bytes());
        body.extend(&ip);
        pad(body);
        if let Some(comment) = comment(view) {
            option(body, COMMENT, comment.as_bytes());
            option(body, END_OF_OPTIONS, &[]);
        }
    });
}

fn comment(view: &View<'_>) -> Option<String> {
    let origin = match view.datagram.origin {
        Origin::Genuine => None,
        Origin::Duplicate => Some("duplicated by the network"),
        Origin::Altered => Some("altered on the way"),
        Origin::Forged => Some("forged"),
    };
    let fate = match view.datagram.fate {
        Fate::Arrives(_) => view.delivered.then(|| "as delivered".to_string()),
        Fate::Lost(cause) => Some(cause.to_string()),
    };
    match (origin, fate) {
        (None, fate) => fate,
        (Some(origin), None) => Some(origin.to_string()),
        (Some(origin), Some(fate)) => Some(format!("{origin}; {fate}")),
    }
}

/// The datagram as an IP packet with right checksums; `None` if it is too long
/// to be one, or its two addresses are of different families.
fn ip_packet(view: &View<'_>, number: usize, streams: &mut Streams) -> Option<Vec<u8>> {
    let bytes = &view.datagram.bytes;
    let is_stream = view.datagram.seen.protocol.is_stream();
    let (protocol, header) = if is_stream {
        (TCP, TCP_HEADER)
    } else {
        (UDP, UDP_HEADER)
    };
    let len = u16::try_from(bytes.len() + header).ok()?;
    let mut packet = Vec::with_capacity(bytes.len() + 60);
    match (view.from.ip(), view.to.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = len.checked_add(20)?;
            packet.extend([0x45, 0]);
            packet.extend(total.to_be_bytes());
            packet.extend(number.to_be_bytes().last_chunk::<2>()?);
            packet.extend([0x40, 0, 64, protocol, 0, 0]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
            let checksum = checksum(&[&packet]).to_be_bytes();
            packet.get_mut(10..12)?.copy_from_slice(&checksum);
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(len.to_be_bytes());
            packet.extend([protocol, 64]);
            packet.extend(source.octets());
            packet.extend(destination.octets());
        }
        _ => return None,
    }
    let segment = if is_stream {
        tcp(view, streams)
    } else {
        udp(view, len)
    };
    packet.extend(segment);
    Some(packet)
}

fn udp(view: &View<'_>, len: u16) -> Vec<u8> {
    let mut segment = Vec::with_capacity(usize::from(len));
    segment.extend(view.from.port().to_be_bytes());
    segment.extend(view.to.port().to_be_bytes());
    segment.extend(len.to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(&view.datagram.bytes);
    // RFC 768: zero would mean that there is no checksum.
    let sum = match transport_checksum(view, UDP, &segment) {
        0 => u16::MAX,
        sum => sum,
    };
    if let Some(field) = segment.get_mut(6..8) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    segment
}

/// A segment in the middle of a stream (RFC 9293 §3.1): its beginning is not shown.
fn tcp(view: &View<'_>, streams: &mut Streams) -> Vec<u8> {
    let bytes = &view.datagram.bytes;
    let acknowledged = streams.get(&(view.to, view.from)).copied();
    let sequence = streams.entry((view.from, view.to)).or_default();
    let mut segment = Vec::with_capacity(bytes.len() + TCP_HEADER);
    segment.extend(view.from.port().to_be_bytes());
    segment.extend(view.to.port().to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledged.unwrap_or_default().to_be_bytes());
    *sequence = sequence.wrapping_add(length(bytes.len()));
    let push_and_acknowledge = 0x18;
    segment.extend([0x50, push_and_acknowledge, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(bytes);
    let sum = transport_checksum(view, TCP, &segment);
    if let Some(field) = segment.get_mut(16..18) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
    segment
}

/// The checksum over a segment and what it says of its addresses.
fn transport_checksum(view: &View<'_>, protocol: u8, segment: &[u8]) -> u16 {
    let mut pseudo = Vec::with_capacity(40);
    for address in [view.from.ip(), view.to.ip()] {
        match address {
            IpAddr::V4(address) => pseudo.extend(address.octets()),
            IpAddr::V6(address) => pseudo.extend(address.octets()),
        }
    }
    pseudo.extend(length(segment.len()).to_be_bytes());
    pseudo.extend([0, 0, 0, protocol]);
    checksum(&[&pseudo, segment])
}

/// The Internet checksum (RFC 1071) over `parts`, of which all but the last have
/// an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            let high = pair.first().copied().unwrap_or_default();
            let low = pair.get(1).copied().unwrap_or_default();
            sum += u64::from(u16::from_be_bytes([high, low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

/// Writes a block: its type, its length, `content`, its length again.
fn block(file: &mut Vec<u8>, kind: u32, content: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    content(&mut body);
    let total = length(body.len() + 12).to_le_bytes();
    file.extend(kind.to_le_bytes());
    file.extend(total);
    file.extend(body);
    file.extend(total);
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
    body.extend(len.to_le_bytes());
    body.extend(value.iter().take(usize::from(len)));
    pad(body);
}

/// Blocks and options are filled up to 32 bits.
fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const SHB_USERAPPL: u16 = 4;
const INTERFACE_DESCRIPTION: u32 = 1;
const LINKTYPE_RAW: u16 = 101;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const NANOSECONDS: u8 = 9;
const ENHANCED_PACKET: u32 = 6;
const COMMENT: u16 = 1;
const DECRYPTION_SECRETS: u32 = 10;
const TLS_KEY_LOG: u32 = 0x544c_534b;
const END_OF_OPTIONS: u16 = 0;
const TCP: u8 = 6;
const TCP_HEADER: usize = 20;
const UDP: u8 = 17;
const UDP_HEADER: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn datagram(from: &str, to: &str, bytes: &'static [u8]) -> Datagram {
        Datagram {
            sent: Instant::from_millis(1500),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            seen: crate::net::Path::udp(to.parse().unwrap(), from.parse().unwrap()),
            sender: None,
            receiver: None,
            bytes: Bytes::from_static(bytes),
            origin: Origin::Genuine,
            fate: Fate::Arrives(Instant::ZERO),
        }
    }

    #[test]
    fn checksums_are_right() {
        for (from, to) in [
            ("10.0.0.1:1", "10.0.0.2:2"),
            ("[2001:db8::1]:1", "[2001:db8::2]:2"),
        ] {
            let datagram = datagram(from, to, b"odd");
            let view = views(&datagram).next().unwrap();
            let packet = ip_packet(&view, 7, &mut Streams::default()).unwrap();
            let header = if from.starts_with('[') { 40 } else { 20 };
            let (ip, udp) = packet.split_at(header);
            if header == 20 {
                assert_eq!(checksum(&[ip]), 0);
            }
            let addresses = &ip[if header == 20 { 12 } else { 8 }..];
            let rest = [0, 0, 0, 17, 0, 0, 0, 11];
            assert_eq!(checksum(&[addresses, &rest, udp]), 0);
        }
    }

    #[test]
    fn a_file_is_a_row_of_blocks_that_say_their_length_twice() {
        let mut ledger = Ledger::new();
        ledger.add_key("CLIENT_RANDOM 00 11".to_string());
        let mut sent = datagram("10.0.0.1:1", "10.0.0.2:2", b"hello");
        // A NAT changes it: there are two views of it.
        sent.seen.remote = "192.0.2.1:1".parse().unwrap();
        ledger.send(sent);
        let file = capture(&ledger);
        let mut rest = &file[..];
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
            let total = word(4) as usize;
            assert_eq!(total % 4, 0);
            assert_eq!(word(total - 4) as usize, total);
            kinds.push(word(0));
            rest = &rest[total..];
        }
        assert_eq!(
            kinds,
            [
                SECTION_HEADER,
                INTERFACE_DESCRIPTION,
                DECRYPTION_SECRETS,
                ENHANCED_PACKET,
                ENHANCED_PACKET
            ]
        );
    }
}
