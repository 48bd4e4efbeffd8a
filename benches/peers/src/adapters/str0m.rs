//! str0m, full stack.
use super::{Pair, send_buffer};
use crate::net::{DataPeer, Endpoint};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use str0m::channel::ChannelId;
use str0m::config::DtlsVersion;
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, Input, Output, Rtc};

pub struct Peer {
    pub rtc: Rtc,
    pub me: SocketAddr,
    pub other: SocketAddr,
    pub cid: Option<ChannelId>,
    msgs: u64,
    bytes: u64,
}

pub fn addr(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n], 5000 + n as u16))
}

impl Peer {
    pub fn new(rtc: Rtc, me: u8, other: u8) -> Self {
        Peer { rtc, me: addr(me), other: addr(other), cid: None, msgs: 0, bytes: 0 }
    }
}

impl Endpoint for Peer {
    fn handle(&mut self, now: Instant, d: &[u8]) {
        let Ok(contents) = d.try_into() else { return };
        let r = Receive { proto: Protocol::Udp, source: self.other, destination: self.me, contents };
        self.rtc.handle_input(Input::Receive(now, r)).unwrap();
    }
    fn timeout(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).unwrap();
    }
    fn poll(&mut self, _now: Instant, out: &mut dyn FnMut(&[u8])) -> Option<Instant> {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(t) => return Some(t),
                Output::Transmit(t) => out(&t.contents),
                Output::Event(Event::ChannelData(d)) => {
                    self.msgs += 1;
                    self.bytes += d.data.len() as u64;
                }
                Output::Event(Event::ChannelOpen(id, _)) => self.cid = Some(id),
                Output::Event(_) => {}
            }
        }
    }
}

impl DataPeer for Peer {
    fn is_open(&mut self) -> bool {
        self.cid.is_some()
    }
    fn send(&mut self, _now: Instant, msg: &[u8]) -> bool {
        let Some(id) = self.cid else { return false };
        let Some(mut c) = self.rtc.channel(id) else { return false };
        c.write(true, msg).unwrap()
    }
    fn received(&self) -> (u64, u64) {
        (self.msgs, self.bytes)
    }
}

pub fn rtc(now: Instant, v: DtlsVersion, snap: bool) -> Rtc {
    Rtc::builder()
        .set_crypto_provider(Arc::new(str0m_aws_lc_rs::default_provider()))
        .set_dtls_version(v)
        .set_snap_enabled(snap)
        .set_sctp_max_buffered_amount(send_buffer())
        .build(now)
}

/// Full SDP offer/answer, as text, with host candidates in the SDP.
pub fn pair(now: Instant, v: DtlsVersion, snap: bool) -> (Peer, Peer) {
    use str0m::change::{SdpAnswer, SdpOffer};
    let mut a = Peer::new(rtc(now, v, snap), 1, 2);
    let mut b = Peer::new(rtc(now, v, snap), 2, 1);
    a.rtc.add_local_candidate(Candidate::host(a.me, "udp").unwrap());
    b.rtc.add_local_candidate(Candidate::host(b.me, "udp").unwrap());
    let mut ch = a.rtc.sdp_api();
    ch.add_channel("bench".into());
    let (offer, pending) = ch.apply().unwrap();
    let offer = SdpOffer::from_sdp_string(&offer.to_sdp_string()).unwrap();
    let answer = b.rtc.sdp_api().accept_offer(offer).unwrap();
    let answer = SdpAnswer::from_sdp_string(&answer.to_sdp_string()).unwrap();
    a.rtc.sdp_api().accept_answer(pending, answer).unwrap();
    (a, b)
}
fn boxed((a, b): (Peer, Peer)) -> Pair {
    (Box::new(a), Box::new(b))
}
pub fn pair_dtls12(now: Instant) -> Pair {
    boxed(pair(now, DtlsVersion::Dtls12, false))
}
pub fn pair_dtls13(now: Instant) -> Pair {
    boxed(pair(now, DtlsVersion::Dtls13, false))
}
pub fn pair_snap(now: Instant) -> Pair {
    boxed(pair(now, DtlsVersion::Dtls13, true))
}
