//! Messages out of turn: whatever other implementations were fooled with.

use super::script::*;
use super::*;

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
