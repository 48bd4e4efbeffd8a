//! Known answers: the PRF, handshakes of OpenSSL, a hello of Chromium.

use alloc::string::ToString;

use serde_json::Value;
use zeroize::Zeroizing;

use super::*;
use crate::crypto::HashId;
use crate::cursor::Reader;
use crate::dtls::association::Transcript;
use crate::dtls::reassembly::Reassembly;
use crate::dtls::record::{Epochs, OpenKeys};
use crate::dtls::v12::keys::{Binding, Randoms, Secrets, Suite, prf};
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::dtls::{CipherSuite, ContentType, Datagram, Fragment, Message, RecordHeader};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("a vector file")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key)).expect("hex")
}

fn array<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    bytes(value, key).try_into().expect("length")
}

fn suite(id: CipherSuite) -> &'static Suite {
    Suite::offered(&PROVIDER)
        .find(|suite| suite.id == id)
        .expect("offered")
}

fn gcm_128() -> &'static Suite {
    suite(CipherSuite::ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
}

#[test]
fn prf_gives_the_known_answers() {
    let vectors = json(include_str!("../../../tests/vectors/dtls/prf.json"));
    let mut checked = 0;
    for vector in vectors["vectors"].as_array().expect("list") {
        let hash = match text(vector, "hash") {
            "sha256" => HashId::Sha256,
            "sha384" => HashId::Sha384,
            _ => continue,
        };
        let expected = bytes(vector, "output");
        let mut out = vec![0; expected.len()];
        let hmac = PROVIDER.hmac(hash).expect("offered");
        let label = text(vector, "label").as_bytes();
        prf(
            hmac,
            &bytes(vector, "secret"),
            label,
            &[&bytes(vector, "seed")],
            &mut out,
        );
        assert_eq!(out, expected);
        checked += 1;
    }
    assert_eq!(checked, 2);
}

#[test]
fn key_schedule_gives_the_known_answers() {
    let vectors = json(include_str!("../../../tests/vectors/dtls/prf.json"));
    let [.., schedule, exporter, extended] = &vectors["vectors"].as_array().expect("list")[..]
    else {
        panic!("three rows");
    };
    let randoms = Randoms {
        client: array(schedule, "client_random"),
        server: array(schedule, "server_random"),
    };
    let shared = bytes(schedule, "pre_master_secret");
    let derive = |binding| {
        Secrets::derive(&PROVIDER, gcm_128(), randoms, &shared, &binding).expect("offered")
    };
    let secrets = derive(Binding::Randoms);
    assert_eq!(secrets.master[..], bytes(schedule, "master_secret"));
    let hash = bytes(extended, "session_hash");
    assert_eq!(
        derive(Binding::Session(&hash)).master[..],
        bytes(extended, "master_secret")
    );

    for (name, profile) in [
        ("AES128_CM_SHA1_80", SrtpProfile::Aes128CmSha1_80),
        ("AEAD_AES_128_GCM", SrtpProfile::AeadAes128Gcm),
        ("AEAD_AES_256_GCM", SrtpProfile::AeadAes256Gcm),
    ] {
        let keys = SrtpKeys::derive(&secrets, profile, Role::Client);
        let material = [
            keys.local.key(),
            keys.remote.key(),
            keys.local.salt(),
            keys.remote.salt(),
        ];
        assert_eq!(material.concat(), bytes(&exporter[name], "keying_material"));
    }
}

/// What an onlooker with the key log sees of a handshake.
struct Onlooker {
    secrets: Secrets,
    suite: &'static Suite,
    transcript: Transcript,
    /// Of the client, of the server.
    reassembly: [Reassembly; 2],
    open: [Epochs; 2],
    opened: Vec<(usize, u8, Vec<u8>)>,
    finished: usize,
}

impl Onlooker {
    fn new(capture: &Value) -> Self {
        let suite = if text(capture, "cipher").contains("AES256") {
            suite(CipherSuite::ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)
        } else {
            gcm_128()
        };
        let randoms = Randoms {
            client: array(capture, "client_random"),
            server: array(capture, "server_random"),
        };
        let master = Zeroizing::new(array(capture, "master_secret"));
        let secrets = Secrets::from_master(&PROVIDER, suite, randoms, master).expect("offered");
        let open = [Role::Server, Role::Client].map(|role| {
            let (_, read): (_, OpenKeys) = secrets.keys(role).expect("offered");
            let mut epochs = Epochs::default();
            epochs.prepare(read);
            assert!(epochs.change_read());
            epochs
        });
        Self {
            secrets,
            suite,
            transcript: Transcript::default(),
            reassembly: [(); 2].map(|()| Reassembly::new(Limits::DEFAULT)),
            open,
            opened: Vec::new(),
            finished: 0,
        }
    }

    fn datagram(&mut self, side: usize, mut datagram: Vec<u8>) {
        assert!(!Datagram(&datagram).to_string().contains("malformed"));
        let mut rest = &mut datagram[..];
        while !rest.is_empty() {
            let (header, content) = RecordHeader::split_first(&mut rest).expect("whole records");
            let content = if header.epoch == 0 {
                &*content
            } else {
                let content = self.open[side].open(&header, content).expect("right keys");
                self.opened
                    .push((side, header.content_type.code(), content.to_vec()));
                content
            };
            if header.content_type == ContentType::Handshake {
                self.handshake(side, content);
            }
        }
    }

    fn handshake(&mut self, side: usize, content: &[u8]) {
        let r = &mut Reader::new(content);
        while !r.is_empty() {
            let fragment = Fragment::parse(r).expect("well-formed");
            if !self.reassembly[side].is_old(&fragment) {
                self.reassembly[side].push(&fragment).expect("in bounds");
            }
        }
        while let Some(received) = self.reassembly[side].pop() {
            self.transcript.push_received(&received);
            match Message::parse(received.kind, &received.body).expect("well-formed") {
                Message::HelloVerifyRequest(_) => self.transcript.clear(),
                Message::Finished(finished) => {
                    let mut hash = PROVIDER.hash(self.suite.hash).expect("offered").start();
                    hash.update(self.transcript.before_last());
                    let role = [Role::Client, Role::Server][side];
                    let expected = self.secrets.verify_data(role, &hash.current());
                    assert_eq!(finished.verify_data, expected);
                    self.finished += 1;
                }
                _ => {}
            }
        }
    }
}

/// Every message parses; with the master secret, every sealed record opens to
/// the known plaintext, both Finished messages verify, the exporter agrees.
#[test]
fn handshakes_of_openssl_are_understood() {
    let file = json(include_str!(
        "../../../tests/vectors/dtls/openssl_handshakes.json"
    ));
    let mut seen = 0;
    for capture in file["captures"].as_array().expect("list") {
        // One has a cipher of old, which is not ours.
        if capture["plaintext_epoch1"].is_null() {
            continue;
        }
        let mut onlooker = Onlooker::new(capture);
        for datagram in capture["datagrams"].as_array().expect("list") {
            let side = usize::from(text(datagram, "dir") == "server");
            onlooker.datagram(side, bytes(datagram, "datagram"));
        }
        let plaintexts = capture["plaintext_epoch1"].as_array().expect("list");
        for plaintext in plaintexts {
            let side = usize::from(text(plaintext, "dir") == "server");
            let code = u8::try_from(plaintext["type"].as_u64().expect("number")).expect("byte");
            let expected = (side, code, bytes(plaintext, "plaintext"));
            assert!(onlooker.opened.contains(&expected));
        }
        assert_eq!(onlooker.finished, 2, "{}", text(capture, "name"));
        let exported = bytes(capture, "exporter_srtp");
        let mut material = vec![0; exported.len()];
        onlooker
            .secrets
            .export(b"EXTRACTOR-dtls_srtp", None, &mut material);
        assert_eq!(material, exported, "{}", text(capture, "name"));
        seen += 1;
    }
    assert_eq!(seen, 8);
}

fn chromium_hello() -> Vec<Vec<u8>> {
    let file = json(include_str!(
        "../../../tests/vectors/dtls/chromium_156_client_hello.json"
    ));
    let datagrams = file["datagrams"].as_array().expect("list").iter();
    let texts = datagrams.map(|datagram| datagram.as_str().expect("text"));
    texts.map(|text| hex::decode(text).expect("hex")).collect()
}

#[test]
fn hello_of_chromium_is_traced() {
    let mut reassembly = Reassembly::new(Limits::DEFAULT);
    let datagrams = chromium_hello();
    let traces: Vec<_> = datagrams
        .iter()
        .map(|bytes| Datagram(bytes).to_string())
        .collect();
    assert_eq!(
        traces,
        [
            "DTLS ClientHello 0..1175/1413",
            "DTLS ClientHello 1175..1413/1413"
        ]
    );
    for mut datagram in datagrams {
        let (_, content) = RecordHeader::split_first(&mut &mut datagram[..]).expect("a record");
        let fragment = Fragment::parse(&mut Reader::new(content)).expect("a fragment");
        reassembly.push(&fragment).expect("in bounds");
    }
    let hello = reassembly.pop().expect("whole");
    let message = Message::parse(hello.kind, &hello.body).expect("well-formed");
    assert_eq!(
        message.to_string(),
        "ClientHello 1.3,1.2 [ems point_formats groups versions use_srtp psk_modes key_share \
         reneg signatures]"
    );
    let again = &mut Vec::new();
    message.emit(&mut Writer::new(again, hello.body.len()));
    assert_eq!(*again, hello.body);
}

/// A hello in two fragments that offers DTLS 1.3 first is answered with 1.2,
/// whichever fragment comes first.
#[test]
fn dtls_020_hello_of_chromium_is_answered_with_1_2() {
    let datagrams = chromium_hello();
    for order in [[0, 1], [1, 0]] {
        let profiles = vec![SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80];
        let config = DtlsConfig {
            srtp_profiles: profiles,
            ..config()
        };
        let mut server = End::new(config, Role::Server, 1);
        for index in order {
            assert_eq!(server.output(Instant::ZERO, MTU), None);
            server.input(Instant::ZERO, datagrams[index].clone());
        }
        let flight = server.output(Instant::ZERO, MTU).expect("an answer");
        let trace = Datagram(&flight).to_string();
        let hello = "DTLS ServerHello 1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ";
        assert_eq!(
            trace,
            format!(
                "{hello}[ems reneg point_formats use_srtp] + Certificate + ServerKeyExchange + \
                 CertificateRequest + ServerHelloDone"
            )
        );
        assert_eq!(server.dtls.state(), DtlsState::Connecting);
    }
}
