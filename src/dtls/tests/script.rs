//! Peers that say what they like: with cryptography that anybody can forge,
//! only the state machine stands between them and a connection.

use alloc::format;

use super::*;
use crate::crypto::fake;
use crate::wire::dtls::extension::{
    Extension, Extensions, SrtpProfile, SupportedVersions, UseSrtp,
};
use crate::wire::dtls::handshake::{
    Certificate as CertificateMessage, CertificateRequest, CertificateVerify, Chain, ClientHello,
    ClientKeyExchange, DigitallySigned, Finished, HelloVerifyRequest, ServerHello,
    ServerKeyExchange,
};
use crate::wire::dtls::{
    Alert, AlertDescription, CHANGE_CIPHER_SPEC, CipherSuite, Codes, ContentType, Fragment,
    HandshakeType, Message, ProtocolVersion, RecordHeader,
};

const POINT: [u8; 65] = [4; 65];
const SIGNED: DigitallySigned<'_> = DigitallySigned {
    scheme: 0x0403,
    signature: fake::SIGNATURE,
};
const VERIFY_DATA: [u8; 12] = [fake::MAC_BYTE; 12];

/// Somebody who talks with one end, saying whatever the test makes it say.
struct Script {
    end: End,
    now: Instant,
    sequence: u64,
    message: u16,
    /// What the end has sent, as traces.
    heard: Vec<String>,
}

impl Script {
    fn with(config: DtlsConfig, role: Role) -> Self {
        let config = DtlsConfig {
            provider: &fake::PROVIDER,
            ..config
        };
        let mut script = Self {
            end: End::new(config, role, 1),
            now: Instant::ZERO,
            sequence: 0,
            message: 0,
            heard: Vec::new(),
        };
        script.listen();
        script
    }

    fn new(role: Role) -> Self {
        Self::with(config(), role)
    }

    fn listen(&mut self) {
        for datagram in self.end.outputs(self.now, MTU) {
            let trace = crate::wire::dtls::Datagram(&datagram);
            self.heard.push(format!("{trace}"));
        }
    }

    fn record(&mut self, content_type: ContentType, epoch: u16, content: &[u8]) {
        let mut content = content.to_vec();
        if epoch > 0 {
            content
                .iter_mut()
                .for_each(|byte| *byte ^= fake::KEY_STREAM_BYTE);
            content.splice(..0, [0; 8]);
            content.extend(fake::TAG);
        }
        let header = RecordHeader {
            content_type,
            version: ProtocolVersion::DTLS_1_2,
            epoch,
            sequence: self.sequence,
            length: u16::try_from(content.len()).expect("short"),
        };
        self.sequence += 1;
        let mut datagram = header.to_bytes().to_vec();
        datagram.extend(content);
        self.end.input(self.now, datagram);
        self.listen();
    }

    fn fragment(&mut self, epoch: u16, fragment: &Fragment<'_>) {
        let mut content = Vec::new();
        fragment.emit(&mut Writer::new(&mut content, 1 << 16));
        self.record(ContentType::Handshake, epoch, &content);
    }

    fn raw(&mut self, epoch: u16, kind: HandshakeType, body: &[u8]) {
        let fragment = Fragment {
            kind,
            length: u32::try_from(body.len()).expect("short"),
            sequence: self.message,
            offset: 0,
            bytes: body,
        };
        self.message += 1;
        self.fragment(epoch, &fragment);
    }

    fn say(&mut self, message: &Message<'_>) {
        let mut body = Vec::new();
        message.emit(&mut Writer::new(&mut body, 1 << 16));
        let epoch = u16::from(message.kind() == HandshakeType::Finished);
        self.raw(epoch, message.kind(), &body);
    }

    fn change_cipher_spec(&mut self) {
        self.record(ContentType::ChangeCipherSpec, 0, &CHANGE_CIPHER_SPEC);
    }

    fn alert(&mut self, epoch: u16, alert: Alert) {
        let mut content = Vec::new();
        alert.emit(&mut Writer::new(&mut content, 2));
        self.record(ContentType::Alert, epoch, &content);
    }

    /// Ends the association on the wire, and says why it ended.
    fn reason(&mut self) -> Option<CloseReason> {
        self.listen();
        self.end.closed()
    }

    fn expect_alert(&mut self, description: AlertDescription) {
        self.listen();
        assert!(self.end.closed().is_some(), "{:?}", self.heard);
        let last = self.heard.last().expect("an alert");
        assert_eq!(*last, format!("DTLS Alert fatal {description}"));
        assert_eq!(self.end.dtls.state(), DtlsState::Failed);
    }
}

fn certificate_message(der: &[u8], then: impl FnOnce(&Message<'_>)) {
    let chain = [der];
    then(&Message::Certificate(CertificateMessage {
        chain: Chain::new(&chain),
    }));
}

impl Script {
    fn certificate(&mut self) {
        let certificate = certificate(3);
        certificate_message(certificate.der(), |message| self.say(message));
    }
}

/// The extensions of a modern client, and of a server that takes all up.
const OFFER: [Extension<'_>; 5] = [
    Extension::ExtendedMasterSecret,
    Extension::RenegotiationInfo(&[]),
    Extension::SupportedGroups(Codes::new(&[0x001d, 0x0017])),
    Extension::EcPointFormats(&[0]),
    Extension::SignatureAlgorithms(Codes::new(&[0x0403])),
];

fn client_hello<'a>(extensions: &'a [Extension<'a>]) -> ClientHello<'a> {
    ClientHello {
        version: ProtocolVersion::DTLS_1_2,
        random: [1; 32],
        session_id: &[],
        cookie: &[],
        cipher_suites: Codes::new(&[0x1301, 0xc02b]),
        compression_methods: &[0],
        extensions: Extensions::new(extensions),
    }
}

fn server_hello<'a>(extensions: &'a [Extension<'a>]) -> ServerHello<'a> {
    ServerHello {
        version: ProtocolVersion::DTLS_1_2,
        random: [2; 32],
        session_id: &[],
        cipher_suite: CipherSuite::ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        compression_method: 0,
        extensions: Extensions::new(extensions),
    }
}

fn key_exchange() -> Message<'static> {
    Message::ServerKeyExchange(ServerKeyExchange {
        group: 0x0017,
        public_key: &POINT,
        signature: SIGNED,
    })
}

fn request() -> Message<'static> {
    Message::CertificateRequest(CertificateRequest {
        certificate_types: &[64],
        signature_algorithms: Codes::new(&[0x0403]),
        authorities: &[],
    })
}

const CLIENT_KEY: Message<'_> =
    Message::ClientKeyExchange(ClientKeyExchange { public_key: &POINT });
const VERIFY: Message<'_> = Message::CertificateVerify(CertificateVerify { signature: SIGNED });
const FINISHED: Message<'_> = Message::Finished(Finished {
    verify_data: &VERIFY_DATA,
});

/// A server that has heard a good hello.
fn greeted_server() -> Script {
    let mut script = Script::new(Role::Server);
    script.say(&Message::ClientHello(client_hello(&OFFER)));
    script
}

/// A client that has heard a good hello.
fn greeted_client() -> Script {
    let mut script = Script::new(Role::Client);
    script.say(&Message::ServerHello(server_hello(&OFFER[..1])));
    script
}

fn connected_server() -> Script {
    let mut script = greeted_server();
    script.certificate();
    script.say(&CLIENT_KEY);
    script.say(&VERIFY);
    script.change_cipher_spec();
    script.say(&FINISHED);
    assert!(script.end.is_connected());
    script
}

fn connected_client() -> Script {
    let mut script = greeted_client();
    script.certificate();
    script.say(&key_exchange());
    script.say(&request());
    script.say(&Message::ServerHelloDone);
    script.change_cipher_spec();
    script.say(&FINISHED);
    assert!(script.end.is_connected());
    script
}

/// The good scripts work: what is refused below is refused for its fault.
#[test]
fn scripts_connect() {
    let mut server = connected_server();
    server.record(ContentType::ApplicationData, 1, b"data");
    assert_eq!(server.end.data, [b"data".to_vec()]);
    let mut client = connected_client();
    client.record(ContentType::ApplicationData, 1, b"data");
    assert_eq!(client.end.data, [b"data".to_vec()]);
    assert!(!client.heard[1].contains("malformed"));
}

/// DTLS-001 to DTLS-005: shortest message orders with which other
/// implementations were fooled. Where no ChangeCipherSpec stands before
/// Finished, both epochs are tried.
#[test]
fn dtls_001_to_005_witnesses_of_other_implementations_never_connect() {
    let file = include_str!("../../../tests/vectors/dtls/state_machine_witnesses.json");
    let file: serde_json::Value = serde_json::from_str(file).expect("a vector file");
    for finding in file["findings"].as_array().expect("list") {
        for epoch in [0, 1] {
            let inputs = finding["inputs"].as_array().expect("list");
            let names = inputs.iter().map(|name| name.as_str().expect("text"));
            let is_client = finding["finding"]
                .as_str()
                .expect("text")
                .starts_with("client");
            let mut script = Script::new(if is_client {
                Role::Client
            } else {
                Role::Server
            });
            names.for_each(|name| say_by_name(&mut script, name, epoch));
            assert!(!script.end.is_connected(), "{finding}");
            assert!(script.end.data.is_empty(), "{finding}");
        }
    }
}

fn say_by_name(script: &mut Script, name: &str, epoch: u16) {
    match name {
        "ECDH_CLIENT_HELLO" => script.say(&Message::ClientHello(client_hello(&OFFER))),
        "PSK_CLIENT_HELLO" => script.say(&Message::ClientHello(ClientHello {
            cipher_suites: Codes::new(&[0x00a8]),
            ..client_hello(&OFFER)
        })),
        "ECDH_SERVER_HELLO" => script.say(&Message::ServerHello(server_hello(&OFFER[..1]))),
        "PSK_SERVER_HELLO" => script.say(&Message::ServerHello(ServerHello {
            cipher_suite: CipherSuite(0x00a8),
            ..server_hello(&OFFER[..1])
        })),
        "CERTIFICATE" => script.certificate(),
        "ECDH_SERVER_KEY_EXCHANGE" => script.say(&key_exchange()),
        "SERVER_HELLO_DONE" => script.say(&Message::ServerHelloDone),
        "ECDH_CLIENT_KEY_EXCHANGE" => script.say(&CLIENT_KEY),
        "PSK_CLIENT_KEY_EXCHANGE" => script.raw(0, HandshakeType::ClientKeyExchange, &[0, 0]),
        "CERTIFICATE_VERIFY" => script.say(&VERIFY),
        "CHANGE_CIPHER_SPEC" => script.change_cipher_spec(),
        "FINISHED" => script.raw(epoch, HandshakeType::Finished, &VERIFY_DATA),
        "APPLICATION" => script.record(ContentType::ApplicationData, epoch, b"data"),
        other => panic!("unknown input {other}"),
    }
}

/// DTLS-001, ATK-007: no certificate.
#[test]
fn dtls_001_a_client_without_certificate_is_refused() {
    let mut script = greeted_server();
    script.say(&CLIENT_KEY);
    script.expect_alert(AlertDescription::UnexpectedMessage);

    let mut script = greeted_server();
    let chain = Chain::new(&[]);
    script.say(&Message::Certificate(CertificateMessage { chain }));
    assert_eq!(script.reason(), Some(CloseReason::NoCertificate));
    script.expect_alert(AlertDescription::HandshakeFailure);
}

/// DTLS-002, DTLS-008: a certificate without proof of its key.
#[test]
fn dtls_008_a_certificate_needs_a_proof() {
    let mut script = greeted_server();
    script.certificate();
    script.say(&CLIENT_KEY);
    script.change_cipher_spec();
    script.raw(1, HandshakeType::Finished, &VERIFY_DATA);
    assert!(!script.end.is_connected());

    let mut script = greeted_server();
    script.certificate();
    script.say(&CLIENT_KEY);
    let signature = DigitallySigned {
        signature: b"forged",
        ..SIGNED
    };
    script.say(&Message::CertificateVerify(CertificateVerify { signature }));
    assert_eq!(script.reason(), Some(CloseReason::BadSignature));
    script.expect_alert(AlertDescription::DecryptError);

    let mut script = greeted_server();
    script.certificate();
    script.say(&CLIENT_KEY);
    let signature = DigitallySigned {
        scheme: 0x0804,
        ..SIGNED
    };
    script.say(&Message::CertificateVerify(CertificateVerify { signature }));
    script.expect_alert(AlertDescription::IllegalParameter);

    let mut script = greeted_client();
    script.certificate();
    let signature = DigitallySigned {
        signature: b"forged",
        ..SIGNED
    };
    let public_key = &POINT;
    let message = ServerKeyExchange {
        group: 0x0017,
        public_key,
        signature,
    };
    script.say(&Message::ServerKeyExchange(message));
    script.expect_alert(AlertDescription::DecryptError);
}

/// DTLS-006, DTLS-007, ATK-006: application data in plaintext, whenever.
#[test]
fn dtls_006_plaintext_application_data_is_dropped() {
    for mut script in [
        greeted_server(),
        greeted_client(),
        connected_server(),
        connected_client(),
    ] {
        let before = script.end.dtls.stats().wrong_epoch;
        script.record(ContentType::ApplicationData, 0, b"data");
        assert!(script.end.data.is_empty());
        assert_eq!(script.end.dtls.stats().wrong_epoch, before + 1);
    }
}

/// DTLS-014: every cut of a message is an answer, never a panic.
#[test]
fn dtls_014_a_truncated_message_is_a_decode_error() {
    let mut body = Vec::new();
    key_exchange().emit(&mut Writer::new(&mut body, 1000));
    for cut in 0..body.len() {
        let mut script = greeted_client();
        script.certificate();
        script.raw(0, HandshakeType::ServerKeyExchange, &body[..cut]);
        script.expect_alert(AlertDescription::DecodeError);
    }
}

/// DTLS-022: a message twice under new numbers.
#[test]
fn dtls_022_a_second_certificate_request_is_unexpected() {
    let mut script = greeted_client();
    script.certificate();
    script.say(&key_exchange());
    script.say(&request());
    script.say(&request());
    script.expect_alert(AlertDescription::UnexpectedMessage);
}

/// DTLS-024: a second hello is a repetition, or nothing.
#[test]
fn dtls_024_a_second_hello_changes_nothing() {
    let mut script = greeted_server();
    let before = script.end.dtls.stats();
    script.say(&Message::ClientHello(ClientHello {
        random: [9; 32],
        ..client_hello(&OFFER)
    }));
    assert_eq!(script.end.dtls.stats().unexpected, before.unexpected + 1);
    script.message = 1;
    script.certificate();
    script.say(&CLIENT_KEY);
    assert_eq!(script.reason(), None);
}

/// DTLS-025: parts of the server's flight are missing or late.
#[test]
fn dtls_025_the_flight_of_a_server_has_one_order() {
    let mut script = greeted_client();
    script.certificate();
    script.say(&Message::ServerHelloDone);
    script.expect_alert(AlertDescription::UnexpectedMessage);

    let mut script = greeted_client();
    script.certificate();
    script.say(&key_exchange());
    script.say(&Message::ServerHelloDone);
    script.say(&request());
    let reason = CloseReason::Unexpected(HandshakeType::CertificateRequest);
    assert_eq!(script.reason(), Some(reason));

    let mut script = greeted_client();
    script.say(&key_exchange());
    script.expect_alert(AlertDescription::UnexpectedMessage);
}

/// DTLS-023, DTLS-026: cookies, at most twice and only at first.
#[test]
fn dtls_026_cookies_are_echoed_twice_at_most() {
    let verify = |cookie| {
        let version = ProtocolVersion::DTLS_1_0;
        Message::HelloVerifyRequest(HelloVerifyRequest { version, cookie })
    };
    let mut script = Script::new(Role::Client);
    script.say(&verify(b"one"));
    script.say(&verify(b"two"));
    assert!(script.heard[2].starts_with("DTLS ClientHello 1.2 cookie ["));
    script.say(&verify(b"three"));
    script.expect_alert(AlertDescription::UnexpectedMessage);

    let mut script = greeted_client();
    script.say(&verify(b"late"));
    script.expect_alert(AlertDescription::UnexpectedMessage);
}

/// DTLS-027: no renegotiation, said once.
#[test]
fn dtls_027_renegotiation_is_refused_once() {
    let mut client = connected_client();
    let sent = client.heard.len();
    for _ in 0..3 {
        client.raw(1, HandshakeType::HelloRequest, &[]);
    }
    assert_eq!(client.heard.len(), sent + 1);
    assert!(client.heard[sent].starts_with("DTLS Alert epoch=1"));
    assert!(client.end.is_connected());

    let mut server = connected_server();
    let sent = server.heard.len();
    let mut body = Vec::new();
    client_hello(&OFFER).emit(&mut Writer::new(&mut body, 1000));
    for _ in 0..3 {
        server.raw(1, HandshakeType::ClientHello, &body);
    }
    assert_eq!(server.heard.len(), sent + 1);
    assert!(server.end.is_connected());
}

/// DTLS-028: signals of new keys that come early, twice or in a flood.
#[test]
fn dtls_028_the_epoch_moves_once() {
    let mut script = greeted_server();
    for _ in 0..100 {
        script.change_cipher_spec();
    }
    script.certificate();
    script.change_cipher_spec();
    script.say(&CLIENT_KEY);
    script.change_cipher_spec();
    assert_eq!(script.end.dtls.stats().unexpected, 102);
    script.say(&VERIFY);
    script.change_cipher_spec();
    script.change_cipher_spec();
    script.say(&FINISHED);
    assert!(script.end.is_connected());
    assert_eq!(script.end.dtls.stats().unexpected, 103);
}

/// DTLS-003: Finished before the signal waits for it; DTLS-029: and once is enough.
#[test]
fn dtls_003_finished_waits_for_change_cipher_spec() {
    let mut script = greeted_server();
    script.certificate();
    script.say(&CLIENT_KEY);
    script.say(&VERIFY);
    script.say(&FINISHED);
    assert!(!script.end.is_connected());
    script.change_cipher_spec();
    assert!(script.end.is_connected());
    script.message -= 1;
    script.say(&FINISHED);
    assert!(script.end.is_connected());
}

/// DTLS-029: a Finished that is wrong, or of the wrong length.
#[test]
fn dtls_029_a_wrong_finished_ends_the_handshake() {
    for verify_data in [&[0; 12][..], &[fake::MAC_BYTE; 13]] {
        let mut script = greeted_server();
        script.certificate();
        script.say(&CLIENT_KEY);
        script.say(&VERIFY);
        script.change_cipher_spec();
        script.say(&Message::Finished(Finished { verify_data }));
        assert_eq!(script.reason(), Some(CloseReason::BadFinished));
        script.expect_alert(AlertDescription::DecryptError);
    }
}

/// DTLS-030, DTLS-031, DTLS-035, ATK-015: hellos that a server refuses.
#[test]
fn dtls_031_hellos_without_anything_in_common_are_refused() {
    let hello = client_hello(&OFFER);
    let doubled = [&OFFER[..], &[Extension::ExtendedMasterSecret]].concat();
    let renegotiating = [OFFER[0], Extension::RenegotiationInfo(&[1; 12]), OFFER[4]];
    let other_group = [
        OFFER[0],
        Extension::SupportedGroups(Codes::new(&[0x001d])),
        OFFER[4],
    ];
    let compressed_points = [OFFER[0], Extension::EcPointFormats(&[1, 2]), OFFER[4]];
    let other_signature = [
        OFFER[0],
        Extension::SignatureAlgorithms(Codes::new(&[0x0804])),
    ];
    let only_1_3 = SupportedVersions::Offered(Codes::new(&[0xfefc, 0x7a7a]));
    let only_1_3 = [OFFER[0], OFFER[4], Extension::SupportedVersions(only_1_3)];
    let cases = [
        (
            ClientHello {
                version: ProtocolVersion::DTLS_1_0,
                ..hello
            },
            AlertDescription::ProtocolVersion,
        ),
        (client_hello(&only_1_3), AlertDescription::ProtocolVersion),
        (
            ClientHello {
                cipher_suites: Codes::new(&[0x002f, 0xc009]),
                ..hello
            },
            AlertDescription::HandshakeFailure,
        ),
        (
            ClientHello {
                compression_methods: &[1],
                ..hello
            },
            AlertDescription::HandshakeFailure,
        ),
        (client_hello(&doubled), AlertDescription::IllegalParameter),
        (
            client_hello(&renegotiating),
            AlertDescription::HandshakeFailure,
        ),
        (
            client_hello(&other_group),
            AlertDescription::HandshakeFailure,
        ),
        (
            client_hello(&compressed_points),
            AlertDescription::IllegalParameter,
        ),
        (
            client_hello(&other_signature),
            AlertDescription::HandshakeFailure,
        ),
        (
            client_hello(&OFFER[..4]),
            AlertDescription::HandshakeFailure,
        ),
        // DTLS-035: without the extended master secret.
        (
            client_hello(&OFFER[1..]),
            AlertDescription::HandshakeFailure,
        ),
    ];
    for (hello, alert) in cases {
        let mut script = Script::new(Role::Server);
        script.say(&Message::ClientHello(hello));
        script.expect_alert(alert);
    }
}

/// DTLS-032, DTLS-033, DTLS-036: answers to what was not offered.
#[test]
fn dtls_032_servers_choose_from_the_offer() {
    let ems = OFFER[0];
    let profiles = |codes| {
        Extension::UseSrtp(UseSrtp {
            profiles: Codes::new(codes),
            mki: &[],
        })
    };
    let with_mki = UseSrtp {
        profiles: Codes::new(&[7]),
        mki: &[1],
    };
    let version =
        Extension::SupportedVersions(SupportedVersions::Selected(ProtocolVersion::DTLS_1_3));
    let ticket = Extension::Unknown {
        kind: 35,
        bytes: &[],
    };
    let cases: [(&[Extension<'_>], AlertDescription); 10] = [
        (&[ems, ems], AlertDescription::IllegalParameter),
        (&[ems, profiles(&[1])], AlertDescription::IllegalParameter),
        (
            &[ems, profiles(&[7, 8])],
            AlertDescription::IllegalParameter,
        ),
        (
            &[ems, Extension::UseSrtp(with_mki)],
            AlertDescription::IllegalParameter,
        ),
        (&[ems, version], AlertDescription::UnsupportedExtension),
        (&[ems, ticket], AlertDescription::UnsupportedExtension),
        (
            &[ems, Extension::EcPointFormats(&[1])],
            AlertDescription::IllegalParameter,
        ),
        (
            &[ems, Extension::RenegotiationInfo(&[1])],
            AlertDescription::HandshakeFailure,
        ),
        (&[], AlertDescription::HandshakeFailure),
        (&[OFFER[3]], AlertDescription::HandshakeFailure),
    ];
    for (extensions, alert) in cases {
        let config = DtlsConfig {
            srtp_profiles: vec![SrtpProfile::AeadAes128Gcm],
            ..config()
        };
        let mut script = Script::with(config, Role::Client);
        script.say(&Message::ServerHello(server_hello(extensions)));
        script.expect_alert(alert);
    }
    let good = server_hello(&OFFER[..1]);
    let unsolicited = [ems, profiles(&[7])];
    let cases = [
        (
            ServerHello {
                version: ProtocolVersion::DTLS_1_0,
                ..good
            },
            AlertDescription::ProtocolVersion,
        ),
        (
            ServerHello {
                cipher_suite: CipherSuite(0xc009),
                ..good
            },
            AlertDescription::IllegalParameter,
        ),
        (
            ServerHello {
                compression_method: 1,
                ..good
            },
            AlertDescription::IllegalParameter,
        ),
        (
            server_hello(&unsolicited),
            AlertDescription::UnsupportedExtension,
        ),
    ];
    for (hello, alert) in cases {
        let mut script = Script::new(Role::Client);
        script.say(&Message::ServerHello(hello));
        script.expect_alert(alert);
    }
    let mut script = greeted_client();
    script.certificate();
    let message = ServerKeyExchange {
        group: 0x001d,
        public_key: &POINT,
        signature: SIGNED,
    };
    script.say(&Message::ServerKeyExchange(message));
    script.expect_alert(AlertDescription::IllegalParameter);
}

/// DTLS-035: with the policy switched off, a peer without the extension connects.
#[test]
fn dtls_035_the_extended_master_secret_can_be_waived() {
    let config = DtlsConfig {
        require_extended_master_secret: false,
        ..config()
    };
    let mut script = Script::with(config, Role::Server);
    script.say(&Message::ClientHello(client_hello(&OFFER[1..])));
    script.certificate();
    script.say(&CLIENT_KEY);
    script.say(&VERIFY);
    script.change_cipher_spec();
    script.say(&FINISHED);
    let negotiated = script.end.dtls.negotiated().expect("connected");
    assert!(!negotiated.extended_master_secret);
}

/// Certificates that cannot be read, or have a key that cannot be used.
#[test]
fn certificates_are_read_before_they_are_shown() {
    let garbage: &[u8] = &[0x30, 1, 2];
    for mut script in [greeted_server(), greeted_client()] {
        certificate_message(garbage, |message| script.say(message));
        assert_eq!(script.reason(), Some(CloseReason::BadCertificate));
        script.expect_alert(AlertDescription::BadCertificate);
        assert_eq!(script.end.events.len(), 1);
    }
}

/// DTLS-041: plaintext alerts count during the handshake, and never after it.
#[test]
fn dtls_041_plaintext_alerts_end_only_a_handshake() {
    let fatal = Alert::fatal(AlertDescription::HandshakeFailure);
    let close = Alert::warning(AlertDescription::CloseNotify);
    let warning = Alert::warning(AlertDescription::NoRenegotiation);
    for alert in [fatal, close, warning] {
        let mut script = Script::new(Role::Server);
        script.alert(0, alert);
        assert_eq!(script.reason(), None);
        for mut script in [connected_server(), connected_client()] {
            script.alert(0, alert);
            assert!(script.end.is_connected());
        }
    }
    for mut script in [greeted_server(), greeted_client()] {
        let before = script.heard.len();
        script.alert(0, warning);
        assert_eq!(script.reason(), None);
        script.alert(0, fatal);
        let reason = CloseReason::Alerted(AlertDescription::HandshakeFailure);
        assert_eq!(script.reason(), Some(reason));
        assert_eq!(script.heard.len(), before);
    }
}

/// DTLS-042: close_notify is answered once, and is the end.
#[test]
fn dtls_042_close_notify_is_answered_once() {
    for mut script in [connected_server(), connected_client()] {
        let before = script.heard.len();
        script.alert(1, Alert::warning(AlertDescription::CloseNotify));
        script.alert(1, Alert::warning(AlertDescription::CloseNotify));
        assert_eq!(script.reason(), Some(CloseReason::ByPeer));
        assert_eq!(script.heard.len(), before + 1);
        assert_eq!(script.end.dtls.state(), DtlsState::Closed);
        script.record(ContentType::ApplicationData, 1, b"late");
        assert!(script.end.data.is_empty());
        assert_eq!(script.end.seal(b"late"), None);
        assert_eq!(script.end.dtls.stats().after_close, 2);
        assert_eq!(script.end.dtls.poll_timeout(), None);
    }
}

/// DTLS-011, DTLS-012, DTLS-021, DTLS-038: fragments that contradict or reach too far.
#[test]
fn dtls_021_fragments_beyond_the_limits_are_dropped() {
    let kind = HandshakeType::Certificate;
    let bytes = &[0; 4];
    let good = Fragment {
        kind,
        length: 40,
        sequence: 1,
        offset: 0,
        bytes,
    };
    let bad = [
        Fragment {
            length: 41,
            offset: 8,
            ..good
        },
        Fragment {
            kind: HandshakeType::CertificateVerify,
            offset: 8,
            ..good
        },
        Fragment { bytes: &[], ..good },
        Fragment {
            sequence: 17,
            ..good
        },
        Fragment {
            sequence: 60_000,
            ..good
        },
        Fragment {
            sequence: 2,
            length: 0x00ff_ffff,
            ..good
        },
        Fragment {
            sequence: 2,
            length: 33_000,
            ..good
        },
    ];
    let mut script = greeted_server();
    script.fragment(0, &good);
    for fragment in bad {
        let before = script.end.dtls.stats().fragments_dropped;
        script.fragment(0, &fragment);
        assert_eq!(
            script.end.dtls.stats().fragments_dropped,
            before + 1,
            "{fragment:?}"
        );
    }
}

/// The handshake ends only when the owner says so, in both roles.
#[test]
fn d_2_nothing_happens_without_acceptance() {
    let mut pair = Pair::new(1);
    pair.client.accepts = false;
    pair.server.accepts = false;
    for _ in 0..6 {
        assert!(pair.step());
    }
    assert!(matches!(
        pair.client.events[..],
        [Event::PeerCertificate(_)]
    ));
    assert!(pair.server.events.is_empty());
    assert_eq!(pair.client.seal(b"data"), None);
    pair.client.dtls.accept_peer();
    for _ in 0..6 {
        assert!(pair.step());
    }
    assert!(matches!(
        pair.server.events[..],
        [Event::PeerCertificate(_)]
    ));
    assert!(!pair.client.is_connected() && !pair.server.is_connected());
    let mut out = [0; 4];
    let exported = pair.server.dtls.export_keying_material("x", None, &mut out);
    assert_eq!(exported, Err(ExportError::NotConnected));
    pair.server.dtls.accept_peer();
    pair.run();
    assert!(pair.client.is_connected() && pair.server.is_connected());
}

/// DTLS-016, DTLS-017, DTLS-018, D-2, D-3: a refused certificate is the end, in both roles.
#[test]
fn dtls_017_a_refused_certificate_ends_it_in_both_roles() {
    for role in [Role::Client, Role::Server] {
        let mut pair = Pair::new(1);
        let (refuser, other) = match role {
            Role::Client => (&mut pair.client, &mut pair.server),
            Role::Server => (&mut pair.server, &mut pair.client),
        };
        refuser.accepts = false;
        let mut now = Instant::ZERO;
        while refuser.events.is_empty() {
            refuser
                .outputs(now, MTU)
                .into_iter()
                .for_each(|datagram| other.input(now, datagram));
            other
                .outputs(now, MTU)
                .into_iter()
                .for_each(|datagram| refuser.input(now, datagram));
            now += Duration::from_millis(1);
        }
        assert!(matches!(refuser.events[..], [Event::PeerCertificate(_)]));
        refuser.dtls.close(CloseReason::BadFingerprint);
        refuser.dtls.accept_peer();
        assert_eq!(refuser.dtls.state(), DtlsState::Failed);
        let alert = refuser.output(now, MTU).expect("an alert");
        other.input(now, alert);
        let reason = CloseReason::Alerted(AlertDescription::BadCertificate);
        assert_eq!(refuser.closed(), Some(CloseReason::BadFingerprint));
        assert_eq!(other.closed(), Some(reason));
        assert!(refuser.srtp().is_none() && refuser.data.is_empty());
        assert_eq!(refuser.output(now, MTU), None);
    }
}

/// Closing before anything was said says nothing; closing later says close_notify.
#[test]
fn closes_in_every_state() {
    for role in [Role::Client, Role::Server] {
        let mut end = End::new(config(), role, 1);
        end.dtls.close(CloseReason::Requested);
        assert_eq!(end.output(Instant::ZERO, MTU), None);
        assert_eq!(end.closed(), Some(CloseReason::Requested));
        assert_eq!(end.dtls.state(), DtlsState::Closed);
    }
    let mut script = Script::new(Role::Client);
    script.end.dtls.close(CloseReason::Requested);
    script.listen();
    assert_eq!(
        script.heard.last().expect("an alert"),
        "DTLS Alert warning close_notify"
    );
    let mut pair = Pair::new(1).connected();
    pair.client.dtls.close(CloseReason::Requested);
    pair.drain();
    assert_eq!(pair.client.closed(), Some(CloseReason::Requested));
    assert_eq!(pair.server.closed(), Some(CloseReason::ByPeer));
}
