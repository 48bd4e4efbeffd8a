//! What is refused, and with which alert.

use super::script::*;
use super::*;

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
            length: 17_000,
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
