//! Peers that say what they like: with cryptography that anybody can forge,
//! only the state machine stands between them and a connection.

use super::*;
pub(super) use crate::crypto::fake;
pub(super) use crate::wire::dtls::extension::{
    Extension, Extensions, SrtpProfile, SupportedVersions, UseSrtp,
};
pub(super) use crate::wire::dtls::handshake::{
    Certificate as CertificateMessage, CertificateRequest, CertificateVerify, Chain, ClientHello,
    ClientKeyExchange, DigitallySigned, Finished, HelloVerifyRequest, ServerHello,
    ServerKeyExchange,
};
pub(super) use crate::wire::dtls::{
    Alert, AlertDescription, CHANGE_CIPHER_SPEC, CipherSuite, Codes, ContentType, Fragment,
    HandshakeType, Message, ProtocolVersion, RecordHeader,
};

pub(super) const POINT: [u8; 65] = [4; 65];
pub(super) const SIGNED: DigitallySigned<'_> = DigitallySigned {
    scheme: 0x0403,
    signature: fake::SIGNATURE,
};
pub(super) const VERIFY_DATA: [u8; 12] = [fake::MAC_BYTE; 12];

/// Somebody who talks with one end, saying whatever the test makes it say.
pub(super) struct Script {
    pub(super) end: End,
    pub(super) now: Instant,
    pub(super) sequence: u64,
    pub(super) message: u16,
    /// What the end has sent, as traces.
    pub(super) heard: Vec<String>,
}

impl Script {
    pub(super) fn with(config: DtlsConfig, role: Role) -> Self {
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

    pub(super) fn new(role: Role) -> Self {
        Self::with(config(), role)
    }

    pub(super) fn listen(&mut self) {
        for datagram in self.end.outputs(self.now, MTU) {
            let trace = Datagram(&datagram);
            self.heard.push(format!("{trace}"));
        }
    }

    pub(super) fn record(&mut self, content_type: ContentType, epoch: u16, content: &[u8]) {
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

    pub(super) fn fragment(&mut self, epoch: u16, fragment: &Fragment<'_>) {
        let mut content = Vec::new();
        fragment.emit(&mut Writer::new(&mut content, 1 << 16));
        self.record(ContentType::Handshake, epoch, &content);
    }

    pub(super) fn raw(&mut self, epoch: u16, kind: HandshakeType, body: &[u8]) {
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

    pub(super) fn say(&mut self, message: &Message<'_>) {
        let mut body = Vec::new();
        message.emit(&mut Writer::new(&mut body, 1 << 16));
        let epoch = u16::from(message.kind() == HandshakeType::Finished);
        self.raw(epoch, message.kind(), &body);
    }

    pub(super) fn change_cipher_spec(&mut self) {
        self.record(ContentType::ChangeCipherSpec, 0, &CHANGE_CIPHER_SPEC);
    }

    pub(super) fn alert(&mut self, epoch: u16, alert: Alert) {
        let mut content = Vec::new();
        alert.emit(&mut Writer::new(&mut content, 2));
        self.record(ContentType::Alert, epoch, &content);
    }

    /// Ends the association on the wire, and says why it ended.
    pub(super) fn reason(&mut self) -> Option<CloseReason> {
        self.listen();
        self.end.closed()
    }

    pub(super) fn expect_alert(&mut self, description: AlertDescription) {
        self.listen();
        assert!(self.end.closed().is_some(), "{:?}", self.heard);
        let last = self.heard.last().expect("an alert");
        assert_eq!(*last, format!("DTLS Alert fatal {description}"));
        assert_eq!(self.end.dtls.state(), DtlsState::Failed);
    }
}

pub(super) fn certificate_message(der: &[u8], then: impl FnOnce(&Message<'_>)) {
    let chain = [der];
    then(&Message::Certificate(CertificateMessage {
        chain: Chain::new(&chain),
    }));
}

impl Script {
    pub(super) fn certificate(&mut self) {
        let certificate = certificate(3);
        certificate_message(certificate.der(), |message| self.say(message));
    }
}

/// The extensions of a modern client, and of a server that takes all up.
pub(super) const OFFER: [Extension<'_>; 5] = [
    Extension::ExtendedMasterSecret,
    Extension::RenegotiationInfo(&[]),
    Extension::SupportedGroups(Codes::new(&[0x001d, 0x0017])),
    Extension::EcPointFormats(&[0]),
    Extension::SignatureAlgorithms(Codes::new(&[0x0403])),
];

pub(super) const fn client_hello<'a>(extensions: &'a [Extension<'a>]) -> ClientHello<'a> {
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

pub(super) const fn server_hello<'a>(extensions: &'a [Extension<'a>]) -> ServerHello<'a> {
    ServerHello {
        version: ProtocolVersion::DTLS_1_2,
        random: [2; 32],
        session_id: &[],
        cipher_suite: CipherSuite::ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        compression_method: 0,
        extensions: Extensions::new(extensions),
    }
}

pub(super) fn key_exchange() -> Message<'static> {
    Message::ServerKeyExchange(ServerKeyExchange {
        group: 0x0017,
        public_key: &POINT,
        signature: SIGNED,
    })
}

pub(super) fn request() -> Message<'static> {
    Message::CertificateRequest(CertificateRequest {
        certificate_types: &[64],
        signature_algorithms: Codes::new(&[0x0403]),
        authorities: &[],
    })
}

pub(super) const CLIENT_KEY: Message<'_> =
    Message::ClientKeyExchange(ClientKeyExchange { public_key: &POINT });
pub(super) const VERIFY: Message<'_> =
    Message::CertificateVerify(CertificateVerify { signature: SIGNED });
pub(super) const FINISHED: Message<'_> = Message::Finished(Finished {
    verify_data: &VERIFY_DATA,
});

/// A server that has heard a good hello.
pub(super) fn greeted_server() -> Script {
    let mut script = Script::new(Role::Server);
    script.say(&Message::ClientHello(client_hello(&OFFER)));
    script
}

/// A client that has heard a good hello.
pub(super) fn greeted_client() -> Script {
    let mut script = Script::new(Role::Client);
    script.say(&Message::ServerHello(server_hello(&OFFER[..1])));
    script
}

pub(super) fn connected_server() -> Script {
    let mut script = greeted_server();
    script.certificate();
    script.say(&CLIENT_KEY);
    script.say(&VERIFY);
    script.change_cipher_spec();
    script.say(&FINISHED);
    assert!(script.end.is_connected());
    script
}

pub(super) fn connected_client() -> Script {
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
