//! SRTP: whole contexts where the peer has them in public, and its cipher layer
//! where it does not (str0m).
use bytes::BytesMut;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    CmSha1,
    Gcm128,
    Gcm256,
}
impl Profile {
    pub fn name(self) -> &'static str {
        match self {
            Profile::CmSha1 => "AES128_CM_SHA1_80",
            Profile::Gcm128 => "AEAD_AES_128_GCM",
            Profile::Gcm256 => "AEAD_AES_256_GCM",
        }
    }
    pub fn key_len(self) -> usize {
        if self == Profile::Gcm256 { 32 } else { 16 }
    }
    pub fn salt_len(self) -> usize {
        if self == Profile::CmSha1 { 14 } else { 12 }
    }
    pub fn tag_len(self) -> usize {
        if self == Profile::CmSha1 { 10 } else { 16 }
    }
}

pub const HDR: usize = 12;
pub const SSRC: u32 = 0xcafe_babe;

/// A pair of one-way contexts. `protect` gets a plain RTP packet and leaves
/// the SRTP packet in `out`; `unprotect` gets the SRTP packet (mutable, so
/// in-place peers need no copy) and returns the length of the payload.
pub trait Srtp {
    fn protect(&mut self, pkt: &[u8], out: &mut Vec<u8>);
    fn unprotect(&mut self, pkt: &mut [u8]) -> usize;
}

fn key(p: Profile) -> Vec<u8> {
    (0..p.key_len()).map(|i| i as u8 * 7 + 3).collect()
}
fn salt(p: Profile) -> Vec<u8> {
    (0..p.salt_len()).map(|i| i as u8 * 5 + 1).collect()
}
fn seq(pkt: &[u8]) -> u16 {
    u16::from_be_bytes([pkt[2], pkt[3]])
}

// ----------------------------------------------------------------- pollrtc
pub struct Pollrtc {
    tx: pollrtc::SrtpContext,
    rx: pollrtc::SrtpContext,
}
impl Pollrtc {
    pub fn new(p: Profile, provider: &pollrtc::crypto::CryptoProvider) -> Self {
        use pollrtc::wire::dtls::extension::SrtpProfile as P;
        let profile = match p {
            Profile::CmSha1 => P::Aes128CmSha1_80,
            Profile::Gcm128 => P::AeadAes128Gcm,
            Profile::Gcm256 => P::AeadAes256Gcm,
        };
        let (key, salt) = (key(p), salt(p));
        let mk = || {
            let master = pollrtc::srtp::Master::new(&key, &salt);
            let config = pollrtc::srtp::Config::new(profile);
            pollrtc::SrtpContext::new(provider, config, master, master).unwrap()
        };
        Pollrtc { tx: mk(), rx: mk() }
    }
}
impl Srtp for Pollrtc {
    fn protect(&mut self, pkt: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let mut w = pollrtc::cursor::Writer::new(out, 2048);
        assert!(self.tx.seal_rtp(&mut w, |w| {
            w.bytes(pkt);
            true
        }));
    }
    fn unprotect(&mut self, pkt: &mut [u8]) -> usize {
        self.rx.open_rtp(pkt).unwrap().len() - HDR
    }
}

// ---------------------------------------------------------------- rtc-srtp
pub struct RtcSrtp {
    tx: rtc_srtp::context::Context,
    rx: rtc_srtp::context::Context,
}
impl RtcSrtp {
    pub fn new(p: Profile, provider: std::sync::Arc<dyn rtc_crypto::RTCCryptoProvider>) -> Self {
        use rtc_srtp::protection_profile::ProtectionProfile as P;
        let prof = match p {
            Profile::CmSha1 => P::Aes128CmHmacSha1_80,
            Profile::Gcm128 => P::AeadAes128Gcm,
            Profile::Gcm256 => P::AeadAes256Gcm,
        };
        let mk = |replay| {
            rtc_srtp::context::Context::new(&key(p), &salt(p), prof, replay, None, provider.crypto())
                .unwrap()
        };
        RtcSrtp { tx: mk(None), rx: mk(Some(rtc_srtp::option::srtp_replay_protection(128))) }
    }
}
impl Srtp for RtcSrtp {
    fn protect(&mut self, pkt: &[u8], out: &mut Vec<u8>) {
        let b: BytesMut = self.tx.encrypt_rtp(pkt).unwrap();
        out.clear();
        out.extend_from_slice(&b);
    }
    fn unprotect(&mut self, pkt: &mut [u8]) -> usize {
        self.rx.decrypt_rtp(pkt).unwrap().len()
    }
}

// ------------------------------------------------ str0m (its cipher layer)
// str0m's SRTP context is private; this drives the public provider traits in
// the order its context does: one output Vec per protected packet, the HMAC
// re-keyed per packet, a reused scratch on receive. No replay window here.
pub struct Str0mCiphers {
    p: Profile,
    hmac_key: [u8; 20],
    prov: str0m_proto::crypto::CryptoProvider,
    c: C,
    scratch: Vec<u8>,
}
enum C {
    Cm(Box<dyn str0m_proto::crypto::Aes128CmSha1_80Cipher>, Box<dyn str0m_proto::crypto::Aes128CmSha1_80Cipher>),
    G1(Box<dyn str0m_proto::crypto::AeadAes128GcmCipher>, Box<dyn str0m_proto::crypto::AeadAes128GcmCipher>),
    G2(Box<dyn str0m_proto::crypto::AeadAes256GcmCipher>, Box<dyn str0m_proto::crypto::AeadAes256GcmCipher>),
}
impl Str0mCiphers {
    pub fn new(p: Profile, prov: str0m_proto::crypto::CryptoProvider) -> Self {
        let s = prov.srtp_provider;
        let k = key(p);
        let c = match p {
            Profile::CmSha1 => {
                let f = s.aes_128_cm_sha1_80();
                let k: [u8; 16] = k.try_into().unwrap();
                C::Cm(f.create_cipher(k, true), f.create_cipher(k, false))
            }
            Profile::Gcm128 => {
                let f = s.aead_aes_128_gcm();
                let k: [u8; 16] = k.try_into().unwrap();
                C::G1(f.create_cipher(k, true), f.create_cipher(k, false))
            }
            Profile::Gcm256 => {
                let f = s.aead_aes_256_gcm();
                let k: [u8; 32] = k.try_into().unwrap();
                C::G2(f.create_cipher(k, true), f.create_cipher(k, false))
            }
        };
        Str0mCiphers { p, hmac_key: [9; 20], prov, c, scratch: Vec::with_capacity(2048) }
    }
    fn iv12(&self, seq: u16) -> [u8; 12] {
        use str0m_proto::crypto::AeadAes128Gcm;
        AeadAes128Gcm::rtp_iv([3; 12], SSRC, 0, seq)
    }
}
impl Srtp for Str0mCiphers {
    fn protect(&mut self, pkt: &[u8], out: &mut Vec<u8>) {
        use str0m_proto::crypto::Aes128CmSha1_80 as Cm;
        let s = seq(pkt);
        let iv12 = self.iv12(s);
        let n = pkt.len();
        match &mut self.c {
            C::Cm(enc, _) => {
                let iv = Cm::rtp_iv([5; 14], SSRC, s as u64);
                let mut o = vec![0u8; n + 15];
                enc.encrypt(&iv, &pkt[HDR..], &mut o[HDR..]).unwrap();
                o[..HDR].copy_from_slice(&pkt[..HDR]);
                let h = self.prov.sha1_hmac_provider;
                Cm::rtp_hmac(|k, b| h.sha1_hmac(k, b), &self.hmac_key, &mut o, s as u64, n);
                o.truncate(n + 10);
                *out = o;
            }
            C::G1(enc, _) => {
                let mut o = vec![0u8; n + 16];
                enc.encrypt(&iv12, &pkt[..HDR], &pkt[HDR..], &mut o[HDR..]).unwrap();
                o[..HDR].copy_from_slice(&pkt[..HDR]);
                *out = o;
            }
            C::G2(enc, _) => {
                let mut o = vec![0u8; n + 16];
                enc.encrypt(&iv12, &pkt[..HDR], &pkt[HDR..], &mut o[HDR..]).unwrap();
                o[..HDR].copy_from_slice(&pkt[..HDR]);
                *out = o;
            }
        }
    }
    fn unprotect(&mut self, pkt: &mut [u8]) -> usize {
        use str0m_proto::crypto::Aes128CmSha1_80 as Cm;
        let s = seq(pkt);
        let iv12 = self.iv12(s);
        let n = pkt.len() - self.p.tag_len();
        match &mut self.c {
            C::Cm(_, dec) => {
                let h = self.prov.sha1_hmac_provider;
                assert!(Cm::rtp_verify(|k, b| h.sha1_hmac(k, b), &self.hmac_key, &pkt[..n], s as u64, &pkt[n..]));
                let iv = Cm::rtp_iv([5; 14], SSRC, s as u64);
                self.scratch.resize(n - HDR + 15, 0);
                dec.decrypt(&iv, &pkt[HDR..n], &mut self.scratch).unwrap();
            }
            C::G1(_, dec) => {
                self.scratch.resize(n - HDR, 0);
                dec.decrypt(&iv12, &[&pkt[..HDR]], &pkt[HDR..], &mut self.scratch).unwrap();
            }
            C::G2(_, dec) => {
                self.scratch.resize(n - HDR, 0);
                dec.decrypt(&iv12, &[&pkt[..HDR]], &pkt[HDR..], &mut self.scratch).unwrap();
            }
        }
        n - HDR
    }
}

/// Every SRTP peer.
pub fn peers(p: Profile) -> Vec<(&'static str, Box<dyn Srtp>)> {
    let ring = std::sync::Arc::new(rtc_crypto::providers::RingProvider::default());
    let aws = std::sync::Arc::new(rtc_crypto::providers::AwsLcRsProvider::default());
    vec![
        ("pollrtc/rust-crypto", Box::new(Pollrtc::new(p, &pollrtc::crypto::rust_crypto::PROVIDER))),
        ("pollrtc/aws-lc-rs", Box::new(Pollrtc::new(p, &pollrtc::crypto::aws_lc_rs::PROVIDER))),
        ("str0m-ciphers/aws-lc-rs", Box::new(Str0mCiphers::new(p, str0m_aws_lc_rs::default_provider()))),
        ("rtc-srtp/ring", Box::new(RtcSrtp::new(p, ring))),
        ("rtc-srtp/aws-lc-rs", Box::new(RtcSrtp::new(p, aws))),
    ]
}
