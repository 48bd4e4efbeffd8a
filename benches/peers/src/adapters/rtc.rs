//! rtc (the sans-IO webrtc-rs), full stack.
use super::{Pair, send_buffer};
use crate::net::{DataPeer, Endpoint};
use bytes::BytesMut;
use rtc::crypto::RTCCryptoProvider;
use rtc::crypto::providers::{AwsLcRsProvider, RingProvider};
use rtc::data_channel::RTCDataChannelId;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

pub struct Peer {
    pub pc: RTCPeerConnection,
    me: SocketAddr,
    other: SocketAddr,
    dc: Option<RTCDataChannelId>,
    open: bool,
    pub connected: bool,
    msgs: u64,
    bytes: u64,
}

impl Endpoint for Peer {
    fn handle(&mut self, now: Instant, d: &[u8]) {
        let _ = self.pc.handle_read(TaggedBytesMut {
            now,
            transport: TransportContext {
                local_addr: self.me,
                peer_addr: self.other,
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            },
            message: BytesMut::from(d),
        });
    }
    fn timeout(&mut self, now: Instant) {
        let _ = self.pc.handle_timeout(now);
    }
    fn poll(&mut self, _now: Instant, out: &mut dyn FnMut(&[u8])) -> Option<Instant> {
        loop {
            let mut any = false;
            while let Some(t) = self.pc.poll_write() {
                out(&t.message);
                any = true;
            }
            while let Some(e) = self.pc.poll_event() {
                any = true;
                match e {
                    RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) => {
                        self.dc = Some(id);
                        self.open = true;
                    }
                    RTCPeerConnectionEvent::OnConnectionStateChangeEvent(RTCPeerConnectionState::Connected) => {
                        self.connected = true;
                    }
                    _ => {}
                }
            }
            while let Some(TaggedRTCMessage { message, .. }) = self.pc.poll_read() {
                any = true;
                match message {
                    RTCMessage::DataChannelMessage(_, m) => {
                        self.msgs += 1;
                        self.bytes += m.data.len() as u64;
                    }
                    _ => {}
                }
            }
            if !any {
                break;
            }
        }
        self.pc.poll_timeout()
    }
}
impl DataPeer for Peer {
    fn is_open(&mut self) -> bool {
        self.open
    }
    fn send(&mut self, now: Instant, msg: &[u8]) -> bool {
        let Some(id) = self.dc else { return false };
        let Some(mut c) = self.pc.data_channel(id) else { return false };
        if c.outstanding_bytes() + msg.len() > send_buffer() {
            return false;
        }
        c.send(now, BytesMut::from(msg)).is_ok()
    }
    fn received(&self) -> (u64, u64) {
        (self.msgs, self.bytes)
    }
}

fn peer(now: Instant, p: Arc<dyn RTCCryptoProvider>, me: u8, other: u8) -> Peer {
    let se = SettingEngineBuilder::new().with_crypto_provider(p).build();
    let b = RTCPeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().build())
        .with_setting_engine(se);
    let mut pc = b.build(now).unwrap();
    let a = super::str0m::addr(me);
    let c = CandidateHostConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: a.ip().to_string(),
            port: a.port(),
            component: 1,
            ..Default::default()
        },
        ..Default::default()
    }
    .new_candidate_host()
    .unwrap();
    pc.add_local_candidate(RTCIceCandidate::from(&c).to_json().unwrap()).unwrap();
    Peer { pc, me: a, other: super::str0m::addr(other), dc: None, open: false, connected: false, msgs: 0, bytes: 0 }
}

fn negotiate(now: Instant, a: &mut Peer, b: &mut Peer) {
    let offer = a.pc.create_offer(None).unwrap();
    a.pc.set_local_description(now, offer.clone()).unwrap();
    b.pc.set_remote_description(now, offer).unwrap();
    let answer = b.pc.create_answer(None).unwrap();
    b.pc.set_local_description(now, answer.clone()).unwrap();
    a.pc.set_remote_description(now, answer).unwrap();
}

pub fn pair(now: Instant, p: Arc<dyn RTCCryptoProvider>) -> (Peer, Peer) {
    let mut a = peer(now, p.clone(), 1, 2);
    let mut b = peer(now, p, 2, 1);
    a.pc.create_data_channel("bench", None).unwrap();
    negotiate(now, &mut a, &mut b);
    (a, b)
}
fn boxed((a, b): (Peer, Peer)) -> Pair {
    (Box::new(a), Box::new(b))
}
pub fn pair_ring(now: Instant) -> Pair {
    boxed(pair(now, Arc::new(RingProvider::default())))
}
pub fn pair_aws(now: Instant) -> Pair {
    boxed(pair(now, Arc::new(AwsLcRsProvider::default())))
}
