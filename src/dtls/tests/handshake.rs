use super::*;
use crate::cursor::Reader;
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::dtls::{CipherSuite, ContentType, ProtocolVersion, Record, RecordHeader};

#[test]
fn connects_and_echoes() {
    let mut pair = Pair::new(1).connected();
    pair.echo();
    assert!(pair.client.srtp().is_none());
    assert_eq!(pair.client.dtls.poll_timeout(), None);
    assert_eq!(pair.sent, 4);
}

/// A whole handshake, data, and the end, as a trace shows them; and another one
/// over a path that loses datagrams.
#[test]
fn handshakes_are_traced() {
    let config = DtlsConfig {
        srtp_profiles: vec![SrtpProfile::AeadAes128Gcm],
        ..config()
    };
    let mut trace = String::new();
    for (loss, mtu) in [(0, MTU), (30, 300)] {
        let mut pair = Pair::with(config.clone(), config.clone(), 4);
        pair.net.loss = loss;
        pair.mtu = mtu;
        let mut pair = pair.connected();
        let sealed = pair.client.seal(b"hello").expect("connected");
        pair.send(false, sealed);
        pair.step();
        pair.client.dtls.close(CloseReason::Requested);
        pair.drain();
        trace += &format!("loss {loss} %, MTU {mtu}\n{}", pair.trace);
    }
    compare_golden("traces", &trace);
}

/// D-1: both ends have the same secrets, mirrored.
#[test]
fn d_1_both_ends_agree_on_keys() {
    for profile in [
        SrtpProfile::Aes128CmSha1_80,
        SrtpProfile::Aes128CmSha1_32,
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm,
    ] {
        let config = DtlsConfig {
            srtp_profiles: vec![profile],
            key_log: true,
            ..config()
        };
        let pair = Pair::with(config.clone(), config, 1).connected();
        let client = pair.client.srtp().expect("negotiated");
        let server = pair.server.srtp().expect("negotiated");
        assert_eq!(client.profile, profile);
        assert_eq!(client.local.key(), server.remote.key());
        assert_eq!(client.remote.salt(), server.local.salt());
        assert_ne!(client.local.key(), client.remote.key());
        assert_eq!(client.local.key().len(), profile.key_len());
        assert_eq!(client.local.salt().len(), profile.salt_len());
        assert_eq!(pair.client.dtls.negotiated(), pair.server.dtls.negotiated());
        let log = |end: &End| format!("{}", end.dtls.key_log().expect("allowed"));
        assert_eq!(log(&pair.client), log(&pair.server));
        let (mut a, mut b) = ([0; 60], [0; 60]);
        pair.client
            .dtls
            .export_keying_material("x", Some(b"c"), &mut a)
            .expect("connected");
        pair.server
            .dtls
            .export_keying_material("x", Some(b"c"), &mut b)
            .expect("connected");
        assert_eq!(a, b);
    }
}

/// DTLS-015, D-4: before the numbers of an epoch run out, the association ends.
#[test]
fn dtls_015_the_end_of_the_sequence_numbers_is_the_end() {
    let mut pair = Pair::new(1).connected();
    pair.client.dtls.skip_write_sequence_to((1 << 48) - 10);
    pair.echo();
    assert_eq!(pair.client.seal(b"one too many"), None);
    pair.drain();
    assert_eq!(pair.client.closed(), Some(CloseReason::KeysUsedUp));
    let alert = crate::wire::dtls::AlertDescription::InternalError;
    assert_eq!(pair.server.closed(), Some(CloseReason::Alerted(alert)));
}

/// The longer suite works as well, with its other hash.
#[test]
fn connects_with_aes_256() {
    static PROVIDER_256: CryptoProvider = CryptoProvider {
        aeads: PROVIDER.aeads.split_at(1).1,
        ..PROVIDER
    };
    let client = DtlsConfig {
        provider: &PROVIDER_256,
        ..config()
    };
    let mut pair = Pair::with(client, config(), 1).connected();
    let negotiated = pair.server.dtls.negotiated().expect("connected");
    let suite = CipherSuite::ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    assert_eq!(negotiated.cipher_suite, suite);
    pair.echo();
}

/// A peer may put all its messages into one record, old ones before new ones.
#[test]
fn messages_may_share_a_record() {
    let mut pair = Pair::new(1);
    let hello = pair.client.output(pair.now, MTU).expect("a hello");
    pair.server.input(pair.now, hello);
    let flight = pair.server.output(pair.now, MTU).expect("a flight");
    let mut fragments = Vec::new();
    let mut r = Reader::new(&flight);
    while !r.is_empty() {
        let record = Record::parse(&mut r).expect("a record");
        fragments.push(record.content);
    }
    let record = |content: Vec<u8>| {
        let header = RecordHeader {
            content_type: ContentType::Handshake,
            version: ProtocolVersion::DTLS_1_2,
            epoch: 0,
            sequence: 7,
            length: u16::try_from(content.len()).expect("short"),
        };
        [&header.to_bytes()[..], &content].concat()
    };
    pair.client.input(pair.now, record(fragments[..2].concat()));
    assert_eq!(pair.client.output(pair.now, MTU), None);
    pair.client.input(pair.now, record(fragments.concat()));
    let answer = pair.client.output(pair.now, MTU).expect("the answer");
    pair.server.input(pair.now, answer);
    pair.connected().echo();
}

/// What a transport takes: its own size, which an idle peer pays for.
#[test]
fn a_transport_is_small() {
    assert!(
        size_of::<DtlsTransport>() <= 2048,
        "{}",
        size_of::<DtlsTransport>()
    );
}
