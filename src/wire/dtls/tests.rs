use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::extension::{SupportedVersions, UseSrtp};
use super::handshake::{
    Certificate, CertificateRequest, CertificateVerify, Chain, ClientHello, ClientKeyExchange,
    DigitallySigned, Finished, HelloVerifyRequest, ServerHello, ServerKeyExchange,
};
use super::*;
use crate::cursor::{Malformed, Reader, Writer};

fn emitted(len: usize, emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1 << 20);
    emit(&mut w);
    assert!(!w.is_overflowed());
    assert_eq!(buf.len(), len, "encoded_len is what emit writes");
    buf
}

/// Whatever is written is read back, and every cut is noticed or harmless.
fn round_trip(message: Message<'_>) {
    let bytes = emitted(message.encoded_len(), |w| message.emit(w));
    assert_eq!(Message::parse(message.kind(), &bytes), Ok(message));
    let _ = message.to_string();
    for cut in 0..bytes.len() {
        assert_ne!(Message::parse(message.kind(), &bytes[..cut]), Ok(message));
    }
}

fn blob(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..max)
}

proptest! {
    #[test]
    fn hellos_round_trip(
        random in any::<[u8; 32]>(),
        session_id in vec(any::<u8>(), 0..=32),
        cookie in vec(any::<u8>(), 0..40),
        suites in vec(any::<u16>(), 1..20),
        groups in vec(any::<u16>(), 1..5),
        mki in vec(any::<u8>(), 0..5),
        unknown in blob(20),
    ) {
        let groups = Codes::new(&groups);
        let versions = SupportedVersions::Offered(groups);
        let selected = SupportedVersions::Selected(ProtocolVersion::DTLS_1_3);
        let extensions = [
            Extension::SupportedGroups(groups),
            Extension::SignatureAlgorithms(groups),
            Extension::EcPointFormats(&unknown),
            Extension::UseSrtp(UseSrtp { profiles: groups, mki: &mki }),
            Extension::ExtendedMasterSecret,
            Extension::RenegotiationInfo(&mki),
            Extension::SupportedVersions(versions),
            Extension::SupportedVersions(selected),
            Extension::Unknown { kind: 0x3a3a, bytes: &unknown },
        ];
        for extensions in [Extensions::new(&[]), Extensions::new(&extensions)] {
            round_trip(Message::ClientHello(ClientHello {
                version: ProtocolVersion::DTLS_1_2,
                random,
                session_id: &session_id,
                cookie: &cookie,
                cipher_suites: Codes::new(&suites),
                compression_methods: &[0],
                extensions,
            }));
            round_trip(Message::ServerHello(ServerHello {
                version: ProtocolVersion::DTLS_1_2,
                random,
                session_id: &session_id,
                cipher_suite: CipherSuite(suites[0]),
                compression_method: 0,
                extensions,
            }));
        }
        let version = ProtocolVersion::DTLS_1_0;
        round_trip(Message::HelloVerifyRequest(HelloVerifyRequest { version, cookie: &cookie }));
    }

    #[test]
    fn other_messages_round_trip(a in blob(200), b in blob(80), codes in vec(any::<u16>(), 1..9)) {
        let signature = DigitallySigned { scheme: codes[0], signature: &b };
        let names = emitted(2 + b.len(), |w| w.prefixed_u16(|w| w.bytes(&b)));
        round_trip(Message::Certificate(Certificate { chain: Chain::new(&[&a, &b]) }));
        round_trip(Message::Certificate(Certificate { chain: Chain::new(&[]) }));
        round_trip(Message::ServerKeyExchange(ServerKeyExchange {
            group: codes[0],
            public_key: &a,
            signature,
        }));
        round_trip(Message::CertificateRequest(CertificateRequest {
            certificate_types: &a,
            signature_algorithms: Codes::new(&codes),
            authorities: &names,
        }));
        round_trip(Message::CertificateVerify(CertificateVerify { signature }));
        round_trip(Message::ClientKeyExchange(ClientKeyExchange { public_key: &a }));
        round_trip(Message::Finished(Finished { verify_data: &[7; 12] }));
        round_trip(Message::ServerHelloDone);
        round_trip(Message::HelloRequest);
    }

    #[test]
    fn records_and_fragments_round_trip(
        content in vec(any::<u8>(), 0..300),
        epoch in any::<u16>(),
        sequence in 0..=MAX_SEQUENCE,
        code in any::<u8>(),
        (before, after) in (0_u32..5000, 0_u32..5000),
    ) {
        let length = u16::try_from(content.len()).expect("short");
        let header = RecordHeader {
            content_type: ContentType::from_code(code),
            version: ProtocolVersion::DTLS_1_2,
            epoch,
            sequence,
            length,
        };
        let record = Record { header, content: &content };
        let bytes = emitted(record.encoded_len(), |w| record.emit(w));
        prop_assert_eq!(Record::parse(&mut Reader::new(&bytes)), Ok(record));
        let mut copy = bytes.clone();
        let split = RecordHeader::split_first(&mut &mut copy[..]).map(|(header, content)| (header, content.to_vec()));
        prop_assert_eq!(split, Ok((header, content.clone())));

        let fragment = Fragment {
            kind: HandshakeType::from_code(code),
            length: before + u32::from(length) + after,
            sequence: epoch,
            offset: before,
            bytes: &content,
        };
        let bytes = emitted(fragment.encoded_len(), |w| fragment.emit(w));
        prop_assert_eq!(Fragment::parse(&mut Reader::new(&bytes)), Ok(fragment));
        for cut in 0..bytes.len() {
            prop_assert!(Fragment::parse(&mut Reader::new(&bytes[..cut])).is_err());
        }
    }

    #[test]
    fn any_bytes_parse_or_not_but_never_panic(code in any::<u8>(), bytes in vec(any::<u8>(), 0..400)) {
        if let Ok(message) = Message::parse(HandshakeType::from_code(code), &bytes) {
            let again = emitted(message.encoded_len(), |w| message.emit(w));
            prop_assert_eq!(Message::parse(message.kind(), &again), Ok(message));
        }
        let _ = Datagram(&bytes).to_string();
        let _ = Alert::parse(&mut Reader::new(&bytes));
        let _ = RecordHeader::split_first(&mut &mut bytes.clone()[..]);
    }
}

#[test]
fn alerts_keep_unknown_descriptions() {
    for code in 0..=u8::MAX {
        let alert = Alert::fatal(AlertDescription::from_code(code));
        let bytes = emitted(Alert::LEN, |w| alert.emit(w));
        assert_eq!(bytes, [2, code]);
        assert_eq!(Alert::parse(&mut Reader::new(&bytes)), Ok(alert));
    }
    assert_eq!(
        Alert::parse(&mut Reader::new(&[3, 0])),
        Err(Malformed("alert level"))
    );
}

/// DTLS-039: what is no record of ours is told apart before anything else.
#[test]
fn dtls_039_records_of_other_versions_or_impossible_length_are_malformed() {
    let header = |bytes: &[u8]| RecordHeader::parse(&mut Reader::new(bytes));
    let good = [
        22, 0xfe, 0xfd, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,
    ];
    let parsed = header(&good).expect("well-formed");
    assert_eq!((parsed.epoch, parsed.sequence), (1, MAX_SEQUENCE));
    assert_eq!(parsed.to_bytes(), good);
    let mut version = good;
    version[1..3].fill(0);
    assert_eq!(header(&version), Err(Malformed("record version")));
    let mut length = good;
    length[11..].copy_from_slice(&0x4101_u16.to_be_bytes());
    assert_eq!(header(&length), Err(Malformed("record length")));
}

/// DTLS-038: a fragment outside its message is malformed before anything is stored.
#[test]
fn dtls_038_a_fragment_lies_inside_its_message() {
    let bytes = [1, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0, 2, 9, 9];
    assert_eq!(
        Fragment::parse(&mut Reader::new(&bytes)),
        Err(Malformed("fragment offset"))
    );
}

/// DTLS-030: too many extensions are refused, doubled ones are seen.
#[test]
fn dtls_030_extensions_are_bounded_and_doubles_are_seen() {
    let many = [Extension::ExtendedMasterSecret; Extensions::MAX + 1];
    for (count, expected) in [
        (1, Ok(false)),
        (Extensions::MAX, Ok(true)),
        (many.len(), Err(())),
    ] {
        let extensions = Extensions::new(&many[..count]);
        let bytes = emitted(extensions.encoded_len(), |w| extensions.emit(w));
        let parsed = Extensions::parse(&mut Reader::new(&bytes));
        assert_eq!(parsed.map(|e| e.has_duplicate()).map_err(|_| ()), expected);
    }
}

#[test]
fn traces_show_one_line_for_a_datagram() {
    let cases: [(&[u8], &str); 5] = [
        (
            &[
                20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 5, 0, 1, 1, 23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0,
                0, 3, 0, 1, 9,
            ],
            "DTLS ChangeCipherSpec + ApplicationData epoch=1 seq=3 len=1",
        ),
        (
            &[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 5, 0, 2, 2, 40],
            "DTLS Alert fatal handshake_failure",
        ),
        (
            &[
                22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 5, 0, 13, 11, 0, 1, 0, 0, 2, 0, 0, 8, 0, 0, 1,
                9,
            ],
            "DTLS Certificate 8..9/256",
        ),
        (&[0x2c, 0, 1, 2], "DTLS 1.3 record len=4"),
        (&[22, 0xfe], "DTLS malformed record version"),
    ];
    for (bytes, line) in cases {
        assert_eq!(Datagram(bytes).to_string(), line);
    }
}
