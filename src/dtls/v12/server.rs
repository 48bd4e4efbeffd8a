//! The handshake of the side that answers (RFC 6347 §4.2, RFC 5246 §7.3).

use alloc::boxed::Box;
use alloc::vec::Vec;

use arrayvec::ArrayVec;

use super::client::signed_parameters;
use super::keys::{Randoms, Secrets, Suite};
use super::{
    NO_COMPRESSION, Terms, UNCOMPRESSED, connect, derive, on_certificate, on_finished,
    send_certificate, send_finished, signature_codes, verify,
};
use crate::crypto::certificate::PeerKey;
use crate::crypto::{ActiveKeyExchange, KeyExchangeGroup};
use crate::dtls::association::Association;
use crate::dtls::close::CloseReason;
use crate::dtls::reassembly::Received;
use crate::dtls::record::{Epoch, SealKeys};
use crate::wire::dtls::extension::{SrtpProfile, UseSrtp};
use crate::wire::dtls::handshake::{
    CertificateRequest, CertificateVerify, ClientHello, ClientKeyExchange, DigitallySigned,
    ServerHello, ServerKeyExchange,
};
use crate::wire::dtls::{Codes, Extension, Extensions, Message, ProtocolVersion};

/// Where the server is, with what it has learned so far.
pub(in crate::dtls) enum State {
    /// Nothing has come yet.
    AwaitClientHello,
    /// Our flight is sent.
    AwaitCertificate(Terms, Exchange),
    /// The client has said who it is.
    AwaitClientKeyExchange(Terms, Exchange, PeerKey),
    /// The keys are known.
    AwaitCertificateVerify(Keyed, PeerKey),
    /// The client has proved who it is.
    AwaitFinished(Keyed),
    /// The client's flight is whole; the owner has not said yet whether to go on.
    AwaitAcceptance(Keyed),
    /// The handshake is over.
    Finished,
}

/// Our half of the key agreement.
type Exchange = Box<dyn ActiveKeyExchange>;

/// The keys are known; ours are not in use yet.
pub(in crate::dtls) struct Keyed {
    terms: Terms,
    secrets: Secrets,
    write: SealKeys,
}

impl State {
    /// Takes the next message of the client.
    pub(in crate::dtls) fn on_message(
        self,
        association: &mut Association,
        received: &Received,
    ) -> Result<Self, CloseReason> {
        association.transcript.push_received(received);
        let message = Message::parse(received.kind, &received.body)?;
        match (self, message) {
            (Self::AwaitClientHello, Message::ClientHello(message)) => {
                on_client_hello(association, &message)
            }
            (Self::AwaitCertificate(terms, exchange), Message::Certificate(message)) => {
                let key = on_certificate(association, &message)?;
                Ok(Self::AwaitClientKeyExchange(terms, exchange, key))
            }
            (
                Self::AwaitClientKeyExchange(terms, exchange, key),
                Message::ClientKeyExchange(message),
            ) => {
                let keyed = on_client_key_exchange(association, terms, exchange, &message)?;
                Ok(Self::AwaitCertificateVerify(keyed, key))
            }
            (Self::AwaitCertificateVerify(keyed, key), Message::CertificateVerify(message)) => {
                on_certificate_verify(association, &key, &message)?;
                Ok(Self::AwaitFinished(keyed))
            }
            (Self::AwaitFinished(keyed), Message::Finished(message)) => {
                on_finished(association, &keyed.terms, &keyed.secrets, &message)?;
                association.flight.settle();
                Self::AwaitAcceptance(keyed).on_acceptance(association)
            }
            (_, message) => Err(CloseReason::Unexpected(message.kind())),
        }
    }

    /// Goes on, if the client's flight is whole and the owner has accepted it.
    pub(in crate::dtls) fn on_acceptance(
        self,
        association: &mut Association,
    ) -> Result<Self, CloseReason> {
        match self {
            Self::AwaitAcceptance(keyed) if association.is_peer_accepted => {
                keyed.answer(association)
            }
            other => Ok(other),
        }
    }
}

/// What a hello offers that we can take up.
struct Choice {
    terms: Terms,
    group: &'static dyn KeyExchangeGroup,
    answers_point_formats: bool,
    answers_renegotiation: bool,
}

fn on_client_hello(
    association: &mut Association,
    hello: &ClientHello<'_>,
) -> Result<State, CloseReason> {
    let choice = choose(association, hello)?;
    association.flight.begin();
    send_server_hello(association, &choice);
    send_certificate(association);
    let exchange = choice.group.start(&mut association.rng);
    send_server_key_exchange(association, &choice, exchange.public_key());
    let codes = signature_codes(association.config.provider);
    let request = CertificateRequest {
        certificate_types: &[CertificateRequest::ECDSA_SIGN],
        signature_algorithms: Codes::new(&codes),
        authorities: &[],
    };
    association.send(Epoch::Plain, &Message::CertificateRequest(request));
    association.send(Epoch::Plain, &Message::ServerHelloDone);
    Ok(State::AwaitCertificate(choice.terms, exchange))
}

fn choose(association: &mut Association, hello: &ClientHello<'_>) -> Result<Choice, CloseReason> {
    let config = &association.config;
    if hello.extensions.has_duplicate() {
        return Err(CloseReason::IllegalParameter("duplicate extension"));
    }
    if !hello.offers(ProtocolVersion::DTLS_1_2) {
        return Err(CloseReason::Version);
    }
    if !hello.compression_methods.contains(&NO_COMPRESSION) {
        return Err(CloseReason::Incompatible("compression method"));
    }
    let suite = Suite::offered(config.provider)
        .find(|suite| hello.cipher_suites.contains(suite.id.0))
        .ok_or(CloseReason::Incompatible("cipher suite"))?;
    let randoms = Randoms {
        client: hello.random,
        server: association.rng.array(),
    };
    let mut choice = Choice {
        terms: Terms {
            randoms,
            suite,
            extended_master_secret: false,
            srtp: None,
        },
        // RFC 8422 §5.1: without the extension the server may take any.
        group: config
            .provider
            .groups
            .first()
            .copied()
            .ok_or(CloseReason::Provider)?,
        answers_point_formats: false,
        answers_renegotiation: hello.cipher_suites.contains(RENEGOTIATION_SCSV),
    };
    let mut signs = false;
    for extension in hello.extensions.iter() {
        match extension {
            Extension::SignatureAlgorithms(codes) => {
                signs = codes.contains(config.certificate.key().scheme() as u16);
            }
            other => choice.on_extension(association, &other)?,
        }
    }
    // RFC 5246 §7.4.1.4.1: without the extension the client wants SHA-1, which we do not do.
    if !signs {
        return Err(CloseReason::Incompatible("signature algorithm"));
    }
    if association.config.require_extended_master_secret && !choice.terms.extended_master_secret {
        return Err(CloseReason::Incompatible("extended master secret"));
    }
    Ok(choice)
}

impl Choice {
    fn on_extension(
        &mut self,
        association: &Association,
        extension: &Extension<'_>,
    ) -> Result<(), CloseReason> {
        let config = &association.config;
        match extension {
            Extension::SupportedGroups(codes) => {
                let mut groups = config.provider.groups.iter().copied();
                self.group = groups
                    .find(|group| codes.contains(group.group() as u16))
                    .ok_or(CloseReason::Incompatible("group"))?;
            }
            Extension::EcPointFormats(formats) => {
                // RFC 8422 §5.1.2: every client has the uncompressed format.
                if !formats.contains(&UNCOMPRESSED) {
                    return Err(CloseReason::IllegalParameter("point formats"));
                }
                self.answers_point_formats = true;
            }
            Extension::ExtendedMasterSecret => self.terms.extended_master_secret = true,
            Extension::RenegotiationInfo([]) => self.answers_renegotiation = true,
            // RFC 5746 §3.6: nothing was negotiated before.
            Extension::RenegotiationInfo(_) => {
                return Err(CloseReason::Incompatible("renegotiation"));
            }
            Extension::UseSrtp(offer) => {
                let mut accepted = config.srtp_profiles.iter().copied();
                self.terms.srtp = accepted.find(|profile| offer.profiles.contains(profile.code()));
            }
            // Everything else is of another version, or nothing we need.
            _ => {}
        }
        Ok(())
    }
}

fn send_server_hello(association: &mut Association, choice: &Choice) {
    let Terms {
        randoms,
        suite,
        extended_master_secret,
        srtp,
    } = choice.terms;
    let profile: ArrayVec<u16, 1> = srtp.map(SrtpProfile::code).into_iter().collect();
    let mut extensions: ArrayVec<Extension<'_>, 4> = ArrayVec::new();
    if extended_master_secret {
        extensions.push(Extension::ExtendedMasterSecret);
    }
    if choice.answers_renegotiation {
        extensions.push(Extension::RenegotiationInfo(&[]));
    }
    if choice.answers_point_formats {
        extensions.push(Extension::EcPointFormats(&[UNCOMPRESSED]));
    }
    if srtp.is_some() {
        let profiles = Codes::new(&profile);
        // RFC 5764 §4.1.3: without MKIs of our own, none is answered.
        extensions.push(Extension::UseSrtp(UseSrtp { profiles, mki: &[] }));
    }
    let hello = ServerHello {
        version: ProtocolVersion::DTLS_1_2,
        random: randoms.server,
        session_id: &[],
        cipher_suite: suite.id,
        compression_method: NO_COMPRESSION,
        extensions: Extensions::new(&extensions),
    };
    association.send(Epoch::Plain, &Message::ServerHello(hello));
}

fn send_server_key_exchange(association: &mut Association, choice: &Choice, public_key: &[u8]) {
    let group = choice.group.group() as u16;
    let signed: Vec<u8> = signed_parameters(&choice.terms.randoms, group, public_key);
    let Association { config, rng, .. } = association;
    let key = config.certificate.key();
    let scheme = key.scheme() as u16;
    let signature = &key.sign(rng, &signed);
    let message = ServerKeyExchange {
        group,
        public_key,
        signature: DigitallySigned { scheme, signature },
    };
    association.send(Epoch::Plain, &Message::ServerKeyExchange(message));
}

fn on_client_key_exchange(
    association: &mut Association,
    terms: Terms,
    exchange: Exchange,
    message: &ClientKeyExchange<'_>,
) -> Result<Keyed, CloseReason> {
    let shared = exchange
        .finish(message.public_key)
        .map_err(|_| CloseReason::IllegalParameter("public key"))?;
    let secrets = derive(association, &terms, &shared)?;
    let (write, read) = secrets
        .keys(association.role)
        .map_err(|_| CloseReason::Provider)?;
    association.epochs.prepare(read);
    Ok(Keyed {
        terms,
        secrets,
        write,
    })
}

/// RFC 5246 §7.4.8: the signature is over all messages before this one.
fn on_certificate_verify(
    association: &Association,
    key: &PeerKey,
    message: &CertificateVerify<'_>,
) -> Result<(), CloseReason> {
    let provider = association.config.provider;
    let signed = association.transcript.before_last();
    verify(provider, key, &message.signature, signed)
}

impl Keyed {
    /// Sends our last flight.
    fn answer(self, association: &mut Association) -> Result<State, CloseReason> {
        let Self {
            terms,
            secrets,
            write,
        } = self;
        association.flight.begin();
        association.change_cipher_spec(write);
        send_finished(association, &terms, &secrets)?;
        connect(association, terms, secrets);
        Ok(State::Finished)
    }
}

/// A cipher suite that is the renegotiation_info extension of old (RFC 5746 §3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;
