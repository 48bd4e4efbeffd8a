use alloc::vec;
use alloc::vec::Vec;

use proptest::collection::vec as list_of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use super::cipher::{Cipher, Clear, Identity};
use super::header::ElementCipher;
use super::kdf::{Derivation, Label};
use super::*;
use crate::crypto::rust_crypto::PROVIDER;
use crate::crypto::{AeadId, CryptoError, fake};
use crate::cursor::{Reader, Writer};
use crate::seq::{Serial16, Serial32};
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::list::List;
use crate::wire::rtp::extension::Form;
use crate::wire::rtp::{Header, PayloadType, Ssrc};

const PROFILES: [SrtpProfile; 4] = [
    SrtpProfile::Aes128CmSha1_80,
    SrtpProfile::Aes128CmSha1_32,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
];

macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../tests/vectors/srtp/", $name)))
            .expect("vectors are JSON")
    };
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a string")).expect("hex")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// A context that seals and one that opens what it sealed.
fn pair(config: Config) -> (SrtpContext, SrtpContext) {
    let (key, salt) = (config.profile.key_len(), config.profile.salt_len());
    let [a, b] = [[3; 32], [5; 32]];
    let (a, b) = (
        Master::new(&a[..key], &a[..salt]),
        Master::new(&b[..key], &b[..salt]),
    );
    let context = |local, remote| SrtpContext::new(&PROVIDER, config, local, remote);
    (context(a, b).expect("keys"), context(b, a).expect("keys"))
}

fn packet(ssrc: u32, number: u16, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        marker: false,
        payload_type: PayloadType::from_low_bits(96),
        sequence_number: Serial16(number),
        timestamp: Serial32(7),
        ssrc: Ssrc(ssrc),
        csrcs: List::EMPTY,
        extensions: None,
    };
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 2000);
    header.emit(&mut w);
    w.bytes(payload);
    buf
}

fn seal(context: &mut SrtpContext, packet: &[u8]) -> Option<Vec<u8>> {
    let mut buf = Vec::new();
    let sealed = context.seal_rtp(&mut Writer::new(&mut buf, 2000), |w| {
        w.bytes(packet);
        true
    });
    assert_eq!(sealed, !buf.is_empty(), "a refusal leaves nothing");
    sealed.then_some(buf)
}

fn seal_rtcp(context: &mut SrtpContext, packet: &[u8]) -> Option<Vec<u8>> {
    let mut buf = Vec::new();
    let sealed = context.seal_rtcp(&mut Writer::new(&mut buf, 2000), |w| {
        w.bytes(packet);
        true
    });
    assert_eq!(sealed, !buf.is_empty(), "a refusal leaves nothing");
    sealed.then_some(buf)
}

const REPORT: &[u8] = b"\x81\xce\x00\x02\0\0\0\x01\0\0\0\x02";

#[test]
fn rfc_3711_and_rfc_6188_keys_are_derived() {
    let vectors = vectors!("srtp_rfc3711.json");
    let (known, ours) = (&vectors["key_derivation"], &vectors["derived_by_us"]);
    let (key, salt) = (bytes(&known["master_key"]), bytes(&known["master_salt"]));
    let profile = SrtpProfile::Aes128CmSha1_80;
    let derivation =
        Derivation::new(&PROVIDER, profile, Master::new(&key, &salt)).expect("a master key");
    let derives = |label, expected: &Value| {
        let expected = bytes(expected);
        let mut key = vec![0xee; expected.len()];
        derivation.derive(label, &mut key);
        assert_eq!(key, expected, "{label:?}");
    };
    derives(Label::RtpKey, &known["cipher_key_label0"]);
    derives(Label::RtpMac, &known["auth_key_label1_94"]);
    derives(Label::RtpSalt, &known["salt_label2"]);
    derives(Label::RtcpKey, &ours["srtcp_key_label3"]);
    derives(Label::RtcpMac, &ours["srtcp_auth_label4_20"]);
    derives(Label::RtcpSalt, &ours["srtcp_salt_label5"]);
    let known = &vectors!("srtp_rfc6904.json")["key_derivation"];
    derives(Label::HeaderKey, &known["header_key_label6"]);
    derives(Label::HeaderSalt, &known["header_salt_label7"]);

    let vectors = vectors!("srtp_rfc6188.json");
    let known = &vectors["key_derivation"][0];
    let (key, salt) = (bytes(&known["master_key"]), bytes(&known["master_salt"]));
    // The profile with such a key has a salt of 12 bytes, the vector one of 14.
    let profile = SrtpProfile::AeadAes256Gcm;
    let master = Master::new(&key, &salt[..12]);
    let derivation = Derivation::new(&PROVIDER, profile, master).expect("a master key");
    let derivation = derivation.with_salt(salt.try_into().expect("14 bytes"));
    for (label, field) in [
        (Label::RtpKey, "cipher_key"),
        (Label::RtpMac, "auth_key"),
        (Label::RtpSalt, "cipher_salt"),
    ] {
        let expected = bytes(&known[field]);
        let mut key = vec![0; expected.len()];
        derivation.derive(label, &mut key);
        assert_eq!(key, expected, "{field}");
    }
}

#[test]
fn rfc_7714_packets_are_sealed_and_opened() {
    for vector in list(&vectors!("srtp_rfc7714.json")["vectors"]) {
        let (key, salt) = (bytes(&vector["key"]), bytes(&vector["salt"]));
        let id = if key.len() == 16 {
            AeadId::Aes128Gcm
        } else {
            AeadId::Aes256Gcm
        };
        let mut cipher = Cipher::gcm(&PROVIDER, id, &key, &salt).expect("a key");
        let is_encrypted = vector["encrypted"].as_bool() == Some(true);
        if vector["srtp"].is_string() {
            let (plain, sealed) = (bytes(&vector["rtp"]), bytes(&vector["srtp"]));
            let header = Header::parse(&mut Reader::new(&plain)).expect("RTP");
            let id = Identity {
                ssrc: header.ssrc,
                index: header.sequence_number.0.into(),
            };
            let len = if is_encrypted {
                header.encoded_len()
            } else {
                plain.len()
            };
            let mut packet = plain.clone();
            let mut tag = [0; 16];
            cipher.seal_rtp(id, Clear::first(len), &mut packet, &mut tag);
            assert_eq!([&packet[..], &tag].concat(), sealed);
            assert!(
                cipher
                    .open_rtp(id, Clear::first(len), &mut packet, &tag)
                    .is_ok()
            );
            assert_eq!(packet, plain);
        } else {
            let (plain, sealed) = (bytes(&vector["rtcp"]), bytes(&vector["srtcp"]));
            let (mut packet, behind) = (sealed[..plain.len()].to_vec(), &sealed[plain.len()..]);
            let (tag, trailer) = behind.split_at(16);
            let trailer: [u8; 4] = trailer.try_into().expect("an index");
            let id = Identity {
                ssrc: Ssrc(u32::from_be_bytes(plain[4..8].try_into().expect("an SSRC"))),
                index: u64::from(u32::from_be_bytes(trailer) & 0x7fff_ffff),
            };
            assert_eq!(Some(id.index), vector["index"].as_u64());
            assert!(cipher.open_rtcp(id, &mut packet, trailer, tag).is_ok());
            assert_eq!(packet, plain);
            if is_encrypted {
                let mut tag = [0; 16];
                cipher.seal_rtcp(id, &mut packet, trailer, &mut tag);
                assert_eq!([&packet[..], &tag, &trailer].concat(), sealed);
            }
        }
    }
}

#[test]
fn rfc_9335_packets_are_sealed_and_opened() {
    let vectors = vectors!("srtp_rfc9335_cryptex.json");
    for vector in list(&vectors["vectors"]) {
        let suite = vector["suite"].as_str().expect("a suite");
        let profile = match suite {
            "AEAD_AES_128_GCM" => SrtpProfile::AeadAes128Gcm,
            _ => SrtpProfile::Aes128CmSha1_80,
        };
        let common = &vectors["common"][suite];
        let (key, salt) = (bytes(&common["master_key"]), bytes(&common["master_salt"]));
        let config = Config {
            header: HeaderProtection::Cryptex,
            ..Config::new(profile)
        };
        let master = Master::new(&key, &salt);
        let mut context = SrtpContext::new(&PROVIDER, config, master, master).expect("keys");
        let (plain, expected) = (bytes(&vector["rtp"]), bytes(&vector["srtp"]));
        let mut sealed = seal(&mut context, &plain).expect("a packet");
        assert_eq!(sealed, expected, "{}", vector["title"]);
        assert_eq!(context.open_rtp(&mut sealed), Some(&mut plain.clone()[..]));
    }
}

#[test]
fn rfc_9335_csrcs_without_an_extension_get_an_empty_one() {
    for profile in PROFILES {
        let header = HeaderProtection::Cryptex;
        let (mut a, mut b) = pair(Config {
            header,
            ..Config::new(profile)
        });
        let csrcs = List::encode([Ssrc(1), Ssrc(2)]);
        let mut plain = packet(9, 1, b"");
        plain[0] |= 2;
        plain.extend(&csrcs);
        plain.extend(b"payload");
        let mut sealed = seal(&mut a, &plain).expect("a packet");
        assert!(!sealed.windows(csrcs.len()).any(|window| window == csrcs));
        let opened = b.open_rtp(&mut sealed).expect("it is right").to_vec();
        assert_eq!(opened[12..20], csrcs);
        assert_eq!(opened[20..], *b"\xbe\xde\0\0payload");
        // A packet with nothing to hide goes as ever, and one from a peer without too.
        let plain = packet(9, 2, b"payload");
        let mut sealed = seal(&mut a, &plain).expect("a packet");
        assert_eq!(b.open_rtp(&mut sealed).as_deref(), Some(&plain[..]));
        let (mut without, _) = pair(Config::new(profile));
        let plain = packet(9, 3, b"payload");
        let mut sealed = seal(&mut without, &plain).expect("a packet");
        assert_eq!(b.open_rtp(&mut sealed).as_deref(), Some(&plain[..]));
    }
}

#[test]
fn rfc_6904_extensions_are_hidden_one_by_one() {
    let vectors = vectors!("srtp_rfc6904.json");
    let known = &vectors["header_encryption"];
    let (key, salt) = (bytes(&known["session_key"]), bytes(&known["session_salt"]));
    let ids = ExtensionSet::EMPTY.with(1).with(3).with(4);
    assert!(ids.contains(3) && !ids.contains(2) && !ids.contains(255));
    let salt = salt.try_into().expect("14 bytes");
    let cipher = ElementCipher::new(&PROVIDER, ids, &key, salt).expect("a key");
    let id = Identity {
        ssrc: Ssrc(0xcafe_babe),
        index: 4660,
    };
    let body = bytes(&known["extension_body"]);
    let mut packet = packet(0xcafe_babe, 4660, b"");
    packet[0] |= 0x10;
    packet.extend([0xbe, 0xde, 0, 6]);
    packet.extend(&body);
    cipher.apply(id, &mut packet);
    assert_eq!(packet[16..], bytes(&known["ciphertext"]));

    for profile in PROFILES {
        let header = HeaderProtection::Extensions(ids);
        let (mut a, mut b) = pair(Config {
            header,
            ..Config::new(profile)
        });
        packet[16..].copy_from_slice(&body);
        let mut sealed = seal(&mut a, &packet).expect("a packet");
        // The second element is seen by everybody, the others are not.
        assert_eq!(sealed[25..29], body[9..13]);
        assert_ne!(sealed[17..24], body[1..8]);
        assert_eq!(b.open_rtp(&mut sealed).as_deref(), Some(&packet[..]));
    }
}

#[test]
fn rtp_020_and_atk_021_numbers_wrap_with_loss_and_reordering() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config::new(profile));
        let numbers = [0x7fff, 0xfffe, 0xffff, 1, 0, 0x7000, 0xf000, 0x10, 3];
        for number in numbers {
            let plain = packet(1, number, b"x");
            let mut sealed = seal(&mut a, &plain).expect("a new number");
            assert_eq!(
                b.open_rtp(&mut sealed).as_deref(),
                Some(&plain[..]),
                "{number}"
            );
        }
        // What comes late is still understood.
        let mut late = seal(&mut a, &packet(1, 4, b"late")).expect("a new number");
        for number in 20..120 {
            let mut sealed = seal(&mut a, &packet(1, number, b"x")).expect("a new number");
            assert!(b.open_rtp(&mut sealed).is_some());
        }
        assert!(b.open_rtp(&mut late).is_some());
    }
}

#[test]
fn rtp_021_and_atk_020_nothing_is_taken_twice() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config::new(profile));
        let sealed: Vec<_> = (0..400_u16)
            .map(|n| seal(&mut a, &packet(1, n.wrapping_add(0xff38), b"x")).expect("new"))
            .collect();
        let open = |b: &mut SrtpContext, n: usize| b.open_rtp(&mut sealed[n].clone()).is_some();
        assert!(open(&mut b, 199));
        for n in [200, 300] {
            assert!(open(&mut b, n) && !open(&mut b, n));
        }
        // The edges of the window: 128 numbers from the newest down.
        assert!(open(&mut b, 300 - 127) && !open(&mut b, 300 - 127));
        assert!(!open(&mut b, 300 - 128));
        assert!(open(&mut b, 299) && !open(&mut b, 200));
        assert_eq!((b.stats().opened, b.stats().replayed), (5, 5));

        let reports: Vec<_> = (0..300)
            .map(|_| seal_rtcp(&mut a, REPORT).expect("new"))
            .collect();
        let open = |b: &mut SrtpContext, n: usize| b.open_rtcp(&mut reports[n].clone()).is_some();
        assert!(open(&mut b, 0) && !open(&mut b, 0) && open(&mut b, 299) && !open(&mut b, 171));
        assert!(open(&mut b, 172) && !open(&mut b, 172));
    }
}

#[test]
fn atk_017_every_bit_of_a_packet_counts() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config::new(profile));
        let sealed = seal(&mut a, &packet(1, 1, b"payload")).expect("a packet");
        let report = seal_rtcp(&mut a, REPORT).expect("a report");
        for bit in 0..sealed.len() * 8 {
            let mut forged = sealed.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(b.open_rtp(&mut forged), None, "{profile} {bit}");
        }
        for bit in 0..report.len() * 8 {
            let mut forged = report.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(b.open_rtcp(&mut forged), None, "{profile} {bit}");
        }
        assert!(b.open_rtp(&mut sealed.clone()).is_some());
        assert!(b.open_rtcp(&mut report.clone()).is_some());
        // Another profile, another direction, RTP as RTCP.
        for other in PROFILES.into_iter().filter(|&other| other != profile) {
            let (_, mut other) = pair(Config::new(other));
            assert!(other.open_rtp(&mut sealed.clone()).is_none());
        }
        assert!(a.open_rtp(&mut sealed.clone()).is_none());
        assert!(b.open_rtcp(&mut sealed.clone()).is_none());
    }
}

#[test]
fn atk_019_a_forged_number_moves_nothing() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config::new(profile));
        let first = seal(&mut a, &packet(1, 10, b"x")).expect("a packet");
        let second = seal(&mut a, &packet(1, 11, b"x")).expect("a packet");
        assert!(b.open_rtp(&mut first.clone()).is_some());
        let mut forged = second.clone();
        forged[2..4].copy_from_slice(&30_010_u16.to_be_bytes());
        assert!(b.open_rtp(&mut forged).is_none());
        let mut forged = second.clone();
        forged[8..12].copy_from_slice(&7_u32.to_be_bytes());
        assert!(b.open_rtp(&mut forged).is_none());
        assert!(b.open_rtp(&mut second.clone()).is_some());
        assert_eq!(b.stats().bad_tag, 2);
    }
}

#[test]
fn rtp_022_and_atk_022_lengths_that_lie_are_refused() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config::new(profile));
        let sealed = seal(&mut a, &packet(1, 1, b"")).expect("a packet");
        let report = seal_rtcp(&mut a, REPORT).expect("a report");
        for len in 0..sealed.len() {
            assert!(b.open_rtp(&mut sealed[..len].to_vec()).is_none());
        }
        for len in 0..report.len() {
            assert!(b.open_rtcp(&mut report[..len].to_vec()).is_none());
        }
        for head in [
            "8fe0000100000000000000010000",
            "90e000010000000000000001bedeffff",
        ] {
            let mut forged = hex::decode(head).expect("hex");
            forged.resize(60, 0);
            assert!(b.open_rtp(&mut forged).is_none());
        }
        assert_eq!(b.stats().opened, 0);
    }
}

#[test]
fn rtp_023_reports_in_the_clear_need_their_tag_too() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config::new(profile));
        let mut report = seal_rtcp(&mut a, REPORT).expect("a report");
        // Take the word that it is encrypted off.
        let at = match profile {
            SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32 => REPORT.len(),
            _ => REPORT.len() + 16,
        };
        assert_eq!(report[at], 0x80);
        report[at] = 0;
        assert!(b.open_rtcp(&mut report).is_none());
        assert_eq!(b.stats().bad_tag, 1);
    }
}

#[test]
fn rtp_023_and_atk_023_no_number_is_sealed_twice() {
    for profile in PROFILES {
        let config = Config {
            rtp_lifetime: 5,
            rtcp_lifetime: 3,
            ..Config::new(profile)
        };
        let (mut a, _) = pair(config);
        assert!(seal(&mut a, &packet(1, 1, b"one")).is_some());
        assert!(seal(&mut a, &packet(1, 1, b"other")).is_none());
        assert!(seal(&mut a, &packet(1, 0, b"late")).is_some());
        assert!(seal(&mut a, &packet(1, 1000, b"x")).is_some());
        assert!(seal(&mut a, &packet(1, 872, b"too late")).is_none());
        assert_eq!(a.stats().reused, 2);
        assert!(seal(&mut a, &packet(2, 1, b"x")).is_some());
        assert!(seal(&mut a, &packet(2, 2, b"x")).is_some());
        assert!(seal(&mut a, &packet(2, 3, b"x")).is_none());
        for n in 0..5 {
            assert_eq!(seal_rtcp(&mut a, REPORT).is_some(), n < 3);
        }
        assert_eq!((a.stats().exhausted, a.stats().sealed), (3, 8));

        let (mut a, mut b) = pair(Config {
            repeats: true,
            ..Config::new(profile)
        });
        let first = seal(&mut a, &packet(1, 1, b"x")).expect("a packet");
        let mut again = seal(&mut a, &packet(1, 1, b"x")).expect("the same again");
        assert_eq!(first, again);
        assert!(b.open_rtp(&mut again).is_some());
    }
}

#[test]
fn law_8_a_flood_of_sources_is_bounded() {
    for profile in PROFILES {
        let (mut a, mut b) = pair(Config {
            max_sources: 4,
            ..Config::new(profile)
        });
        let (mut many, _) = pair(Config::new(profile));
        for ssrc in 0..10 {
            let mut sealed = seal(&mut many, &packet(ssrc, 1, b"x")).expect("a packet");
            assert_eq!(b.open_rtp(&mut sealed).is_some(), ssrc < 4);
            assert_eq!(seal(&mut a, &packet(ssrc, 1, b"x")).is_some(), ssrc < 4);
        }
        assert_eq!(
            (a.stats().too_many_sources, b.stats().too_many_sources),
            (6, 6)
        );
        // Those that are known go on; forged ones take no place.
        let mut sealed = seal(&mut many, &packet(0, 2, b"x")).expect("a packet");
        assert!(b.open_rtp(&mut sealed).is_some());
        let (_, mut b) = pair(Config {
            max_sources: 4,
            ..Config::new(profile)
        });
        for ssrc in 0..10 {
            assert!(b.open_rtp(&mut packet(ssrc, 1, &[0; 40])).is_none());
        }
        assert!(
            b.open_rtp(&mut seal(&mut many, &packet(77, 1, b"x")).expect("new"))
                .is_some()
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (mut a, _) = pair(Config::new(SrtpProfile::AeadAes128Gcm));
    let mut buf = vec![1];
    let plain = packet(1, 1, b"payload");
    let mut w = Writer::new(&mut buf, plain.len() + a.rtp_overhead() - 1);
    assert!(!a.seal_rtp(&mut w, |w| {
        w.bytes(&plain);
        true
    }));
    assert!(!a.seal_rtp(&mut w, |_| false));
    assert!(!a.seal_rtp(&mut w, |w| {
        w.bytes(b"no RTP");
        true
    }));
    assert!(!a.seal_rtcp(&mut w, |w| {
        w.bytes(b"no RTCP");
        true
    }));
    assert_eq!((a.stats().unsealable, buf), (2, vec![1]));

    let short = Master::new(&[0; 15], &[0; 12]);
    let config = Config::new(SrtpProfile::AeadAes128Gcm);
    let context = SrtpContext::new(&PROVIDER, config, short, short);
    assert_eq!(context.err(), Some(CryptoError::InvalidKey));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sealed_is_opened(
        profile in select(&PROFILES[..]),
        cryptex in any::<bool>(),
        csrcs in list_of(any::<u32>(), 0..=15),
        elements in list_of((1_u8..=14, list_of(any::<u8>(), 1..=16)), 0..4),
        two_byte in any::<bool>(),
        payload in list_of(any::<u8>(), 0..1200),
        number in any::<u16>(),
    ) {
        let ids = ExtensionSet::EMPTY.with(1).with(7).with(14);
        let header = if cryptex {
            HeaderProtection::Cryptex
        } else {
            HeaderProtection::Extensions(ids)
        };
        let (mut a, mut b) = pair(Config { header, ..Config::new(profile) });
        let csrcs = List::encode(csrcs.into_iter().map(Ssrc));
        let mut plain = Vec::new();
        let mut w = Writer::new(&mut plain, 2000);
        let header = Header {
            marker: true,
            payload_type: PayloadType::from_low_bits(96),
            sequence_number: Serial16(number),
            timestamp: Serial32(1),
            ssrc: Ssrc(2),
            csrcs: List::new(&csrcs),
            extensions: None,
        };
        let form = if two_byte { Form::TwoByte } else { Form::OneByte };
        header.emit_with(&mut w, form, |block| {
            for (id, value) in &elements {
                block.put_bytes(*id, value);
            }
        });
        w.bytes(&payload);
        let mut sealed = seal(&mut a, &plain).expect("a packet");
        let opened = b.open_rtp(&mut sealed).expect("it is right").to_vec();
        let grown = cryptex && elements.is_empty() && !csrcs.is_empty();
        prop_assert_eq!(opened.len(), plain.len() + if grown { 4 } else { 0 });
        prop_assert!(opened.ends_with(&payload));
        if !grown {
            prop_assert_eq!(opened, plain);
        }
    }

    #[test]
    fn law_9_garbage_is_quiet(inputs in list_of(list_of(any::<u8>(), 0..80), 0..20)) {
        let config = Config { header: HeaderProtection::Cryptex, ..Config::new(PROFILES[2]) };
        let master = Master::new(&[0; 16], &[0; 12]);
        // The fake cipher takes tags that anybody can forge: what is behind them is reached.
        for provider in [&PROVIDER, &fake::PROVIDER] {
            let mut context = SrtpContext::new(provider, config, master, master).expect("keys");
            for input in &inputs {
                let mut input = input.clone();
                let len = input.len().saturating_sub(16);
                input[len..].fill(fake::TAG[0]);
                let _ = context.open_rtp(&mut input.clone());
                let _ = context.open_rtcp(&mut input);
            }
            let stats = context.stats();
            let counted = stats.opened + stats.malformed + stats.replayed + stats.bad_tag;
            prop_assert_eq!(counted, 2 * inputs.len() as u64);
        }
    }
}
