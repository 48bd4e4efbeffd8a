//! The handshake of the side that speaks first (RFC 6347 §4.2, RFC 5246 §7.3).

use alloc::vec::Vec;

use arrayvec::ArrayVec;

use super::keys::{Randoms, Secrets, Suite};
use super::{
    NO_COMPRESSION, Terms, UNCOMPRESSED, connect, derive, group_codes, on_certificate, on_finished,
    send_certificate, send_finished, signature_codes, verify,
};
use crate::crypto::NamedGroup;
use crate::crypto::certificate::PeerKey;
use crate::cursor::Writer;
use crate::dtls::association::Association;
use crate::dtls::close::CloseReason;
use crate::dtls::reassembly::Received;
use crate::dtls::record::Epoch;
use crate::wire::dtls::extension::{SrtpProfile, UseSrtp};
use crate::wire::dtls::handshake::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DigitallySigned,
    Finished, HelloVerifyRequest, ServerHello, ServerKeyExchange,
};
use crate::wire::dtls::{Codes, Extension, Extensions, HandshakeType, Message, ProtocolVersion};

/// Where the client is, with what it has learned so far.
pub(in crate::dtls) enum State {
    /// Nothing was sent yet.
    Start,
    /// The hello is sent.
    AwaitServerHello(Offer),
    /// The terms are settled.
    AwaitCertificate(Terms),
    /// The server has said who it is.
    AwaitServerKeyExchange(Terms, PeerKey),
    /// The server has proved it, and sent its half of the agreement.
    AwaitServerHelloDone(Agreement),
    /// The server's flight is whole; the owner has not said yet whether to go on.
    AwaitAcceptance(Agreement),
    /// Our last flight is sent.
    AwaitFinished(Keyed),
    /// The handshake is over.
    Finished,
}

/// What was offered.
pub(in crate::dtls) struct Offer {
    random: [u8; 32],
    /// How many cookies the server has given.
    cookies: u8,
}

/// The server's half of the key agreement.
pub(in crate::dtls) struct Agreement {
    terms: Terms,
    group: NamedGroup,
    server_key: Vec<u8>,
    /// Whether the server wants to see our certificate.
    is_certificate_requested: bool,
}

/// The keys are known, the server's proof of them is not.
pub(in crate::dtls) struct Keyed {
    terms: Terms,
    secrets: Secrets,
}

impl State {
    /// Sends the first hello.
    pub(in crate::dtls) fn start(association: &mut Association) -> Self {
        let offer = Offer {
            random: association.rng.array(),
            cookies: 0,
        };
        offer.send_hello(association, &[]);
        Self::AwaitServerHello(offer)
    }

    /// Takes the next message of the server.
    pub(in crate::dtls) fn on_message(
        self,
        association: &mut Association,
        received: &Received,
    ) -> Result<Self, CloseReason> {
        if received.kind == HandshakeType::HelloRequest {
            // RFC 5246 §7.4.1.1: of no meaning during a handshake, nor in its hashes.
            return Ok(self);
        }
        association.transcript.push_received(received);
        let message = Message::parse(received.kind, &received.body)?;
        match (self, message) {
            (Self::AwaitServerHello(offer), Message::HelloVerifyRequest(message)) => {
                offer.on_hello_verify_request(association, &message)
            }
            (Self::AwaitServerHello(offer), Message::ServerHello(message)) => {
                let terms = offer.on_server_hello(association, &message)?;
                Ok(Self::AwaitCertificate(terms))
            }
            (Self::AwaitCertificate(terms), Message::Certificate(message)) => {
                let key = on_certificate(association, &message)?;
                Ok(Self::AwaitServerKeyExchange(terms, key))
            }
            (Self::AwaitServerKeyExchange(terms, key), Message::ServerKeyExchange(message)) => {
                let agreement = on_server_key_exchange(association, terms, &key, &message)?;
                Ok(Self::AwaitServerHelloDone(agreement))
            }
            (
                Self::AwaitServerHelloDone(
                    agreement @ Agreement {
                        is_certificate_requested: false,
                        ..
                    },
                ),
                Message::CertificateRequest(message),
            ) => {
                let agreement = agreement.on_certificate_request(association, &message)?;
                Ok(Self::AwaitServerHelloDone(agreement))
            }
            (Self::AwaitServerHelloDone(agreement), Message::ServerHelloDone) => {
                association.flight.settle();
                Self::AwaitAcceptance(agreement).on_acceptance(association)
            }
            (Self::AwaitFinished(keyed), Message::Finished(message)) => {
                keyed.on_finished(association, &message)
            }
            (_, message) => Err(CloseReason::Unexpected(message.kind())),
        }
    }

    /// Goes on, if the server's flight is whole and the owner has accepted it.
    pub(in crate::dtls) fn on_acceptance(
        self,
        association: &mut Association,
    ) -> Result<Self, CloseReason> {
        match self {
            Self::AwaitAcceptance(agreement) if association.is_peer_accepted => {
                agreement.answer(association)
            }
            other => Ok(other),
        }
    }
}

impl Offer {
    fn send_hello(&self, association: &mut Association, cookie: &[u8]) {
        let provider = association.config.provider;
        let suites: ArrayVec<u16, 8> = Suite::offered(provider).map(|suite| suite.id.0).collect();
        let (groups, signatures) = (group_codes(provider), signature_codes(provider));
        let profiles: Vec<u16> = srtp_codes(association).collect();
        let mut extensions: ArrayVec<Extension<'_>, 6> = ArrayVec::new();
        extensions.push(Extension::ExtendedMasterSecret);
        extensions.push(Extension::RenegotiationInfo(&[]));
        extensions.push(Extension::SupportedGroups(Codes::new(&groups)));
        extensions.push(Extension::EcPointFormats(&[UNCOMPRESSED]));
        extensions.push(Extension::SignatureAlgorithms(Codes::new(&signatures)));
        if !profiles.is_empty() {
            let profiles = Codes::new(&profiles);
            extensions.push(Extension::UseSrtp(UseSrtp { profiles, mki: &[] }));
        }
        let hello = ClientHello {
            version: ProtocolVersion::DTLS_1_2,
            random: self.random,
            session_id: &[],
            cookie,
            cipher_suites: Codes::new(&suites),
            compression_methods: &[NO_COMPRESSION],
            extensions: Extensions::new(&extensions),
        };
        association.flight.begin();
        association.send(Epoch::Plain, &Message::ClientHello(hello));
    }

    fn on_hello_verify_request(
        mut self,
        association: &mut Association,
        message: &HelloVerifyRequest<'_>,
    ) -> Result<State, CloseReason> {
        self.cookies += 1;
        if self.cookies > MAX_COOKIES {
            return Err(CloseReason::Unexpected(HandshakeType::HelloVerifyRequest));
        }
        // RFC 6347 §4.2.1: the hello without cookie and this answer do not
        // count for the hashes; all parameters stay as they were.
        association.transcript.clear();
        self.send_hello(association, message.cookie);
        Ok(State::AwaitServerHello(self))
    }

    fn on_server_hello(
        &self,
        association: &Association,
        message: &ServerHello<'_>,
    ) -> Result<Terms, CloseReason> {
        if message.version != ProtocolVersion::DTLS_1_2 {
            return Err(CloseReason::Version);
        }
        if message.extensions.has_duplicate() {
            return Err(CloseReason::IllegalParameter("duplicate extension"));
        }
        if message.compression_method != NO_COMPRESSION {
            return Err(CloseReason::IllegalParameter("compression method"));
        }
        let suite = Suite::offered(association.config.provider)
            .find(|suite| suite.id == message.cipher_suite)
            .ok_or(CloseReason::IllegalParameter("cipher suite"))?;
        let mut terms = Terms {
            randoms: Randoms {
                client: self.random,
                server: message.random,
            },
            suite,
            extended_master_secret: false,
            srtp: None,
        };
        for extension in message.extensions.iter() {
            on_extension(association, &mut terms, &extension)?;
        }
        if association.config.require_extended_master_secret && !terms.extended_master_secret {
            return Err(CloseReason::Incompatible("extended master secret"));
        }
        Ok(terms)
    }
}

/// Takes one answer to what was offered.
fn on_extension(
    association: &Association,
    terms: &mut Terms,
    extension: &Extension<'_>,
) -> Result<(), CloseReason> {
    match extension {
        Extension::ExtendedMasterSecret => terms.extended_master_secret = true,
        // RFC 5746 §3.4: nothing was negotiated before.
        Extension::RenegotiationInfo([]) => {}
        Extension::RenegotiationInfo(_) => {
            return Err(CloseReason::Incompatible("renegotiation"));
        }
        Extension::EcPointFormats(formats) if !formats.contains(&UNCOMPRESSED) => {
            return Err(CloseReason::IllegalParameter("point formats"));
        }
        Extension::UseSrtp(answer) if srtp_codes(association).next().is_some() => {
            terms.srtp = Some(chosen_profile(association, answer)?);
        }
        // Answers without a meaning to things that were offered.
        Extension::EcPointFormats(_)
        | Extension::SupportedGroups(_)
        | Extension::SignatureAlgorithms(_) => {}
        // RFC 5246 §7.4.1.4: a server answers only what was offered.
        Extension::UseSrtp(_) | Extension::SupportedVersions(_) | Extension::Unknown { .. } => {
            return Err(CloseReason::UnsolicitedExtension);
        }
    }
    Ok(())
}

/// RFC 5764 §4.1.1: one of the offered profiles, and the MKI that was offered, which is none.
fn chosen_profile(
    association: &Association,
    answer: &UseSrtp<'_>,
) -> Result<SrtpProfile, CloseReason> {
    let mut codes = answer.profiles.iter();
    let (Some(code), None, []) = (codes.next(), codes.next(), answer.mki) else {
        return Err(CloseReason::IllegalParameter("use_srtp"));
    };
    let mut offered = association.config.srtp_profiles.iter().copied();
    offered
        .find(|profile| profile.code() == code)
        .ok_or(CloseReason::IllegalParameter("use_srtp"))
}

fn srtp_codes(association: &Association) -> impl Iterator<Item = u16> {
    let profiles = association.config.srtp_profiles.iter();
    profiles.map(|profile| profile.code())
}

fn on_server_key_exchange(
    association: &Association,
    terms: Terms,
    key: &PeerKey,
    message: &ServerKeyExchange<'_>,
) -> Result<Agreement, CloseReason> {
    let provider = association.config.provider;
    let group = NamedGroup::from_code(message.group)
        .filter(|&group| provider.group(group).is_some())
        .ok_or(CloseReason::IllegalParameter("group"))?;
    let signed = signed_parameters(&terms.randoms, message.group, message.public_key);
    verify(provider, key, &message.signature, &signed)?;
    Ok(Agreement {
        terms,
        group,
        server_key: message.public_key.to_vec(),
        is_certificate_requested: false,
    })
}

/// What the server signs (RFC 8422 §5.4): both randoms and its half of the agreement.
pub(super) fn signed_parameters(randoms: &Randoms, group: u16, public_key: &[u8]) -> Vec<u8> {
    let mut signed = Vec::new();
    let mut w = Writer::new(&mut signed, 512);
    w.bytes(&randoms.client);
    w.bytes(&randoms.server);
    ServerKeyExchange::emit_parameters(group, public_key, &mut w);
    signed
}

impl Agreement {
    fn on_certificate_request(
        self,
        association: &Association,
        message: &CertificateRequest<'_>,
    ) -> Result<Self, CloseReason> {
        let scheme = association.config.certificate.key().scheme();
        let accepts_key = message
            .certificate_types
            .contains(&CertificateRequest::ECDSA_SIGN);
        if !accepts_key || !message.signature_algorithms.contains(scheme as u16) {
            return Err(CloseReason::Incompatible("signature algorithm"));
        }
        Ok(Self {
            is_certificate_requested: true,
            ..self
        })
    }

    /// Sends our last flight.
    fn answer(self, association: &mut Association) -> Result<State, CloseReason> {
        let Self {
            terms,
            group,
            server_key,
            is_certificate_requested,
        } = self;
        let provider = association.config.provider;
        let group = provider.group(group).ok_or(CloseReason::Provider)?;
        let exchange = group.start(&mut association.rng);
        association.flight.begin();
        if is_certificate_requested {
            send_certificate(association);
        }
        let public_key = exchange.public_key();
        let message = Message::ClientKeyExchange(ClientKeyExchange { public_key });
        association.send(Epoch::Plain, &message);
        let shared = exchange
            .finish(&server_key)
            .map_err(|_| CloseReason::IllegalParameter("public key"))?;
        let secrets = derive(association, &terms, &shared)?;
        if is_certificate_requested {
            send_certificate_verify(association);
        }
        let (write, read) = secrets
            .keys(association.role)
            .map_err(|_| CloseReason::Provider)?;
        association.change_cipher_spec(write);
        association.epochs.prepare(read);
        send_finished(association, &terms, &secrets)?;
        Ok(State::AwaitFinished(Keyed { terms, secrets }))
    }
}

/// Proves that our certificate is ours, over all messages so far (RFC 5246 §7.4.8).
fn send_certificate_verify(association: &mut Association) {
    let Association {
        config,
        rng,
        transcript,
        ..
    } = association;
    let key = config.certificate.key();
    let scheme = key.scheme() as u16;
    let signature = &key.sign(rng, transcript.bytes());
    let signature = DigitallySigned { scheme, signature };
    let message = Message::CertificateVerify(CertificateVerify { signature });
    association.send(Epoch::Plain, &message);
}

impl Keyed {
    fn on_finished(
        self,
        association: &mut Association,
        message: &Finished<'_>,
    ) -> Result<State, CloseReason> {
        let Self { terms, secrets } = self;
        on_finished(association, &terms, &secrets, message)?;
        // The server's last flight is whole, so it has all of ours.
        association.flight.clear();
        connect(association, terms, secrets);
        Ok(State::Finished)
    }
}

/// A server needs one cookie, and a second if its secret has changed meanwhile.
const MAX_COOKIES: u8 = 2;
