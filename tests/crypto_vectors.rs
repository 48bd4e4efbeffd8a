//! Do the backends agree with Wycheproof, and the default one with certificates in the wild?
#![cfg(any(feature = "rust-crypto", feature = "aws-lc-rs"))]
#![expect(clippy::unwrap_used, reason = "what a vector has wrong fails its test")]

use core::convert::Infallible;
use std::fs;
use std::path::Path;

use pollrtc::crypto::certificate::{Fingerprint, PeerKey};
use pollrtc::crypto::{
    AeadId, CryptoError, CryptoProvider, HashId, KeyType, NamedGroup, SignatureScheme,
};
use rand_core::{TryCryptoRng, TryRng};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// All of this crate, as far as they are built.
const BACKENDS: &[&CryptoProvider] = &[
    #[cfg(feature = "rust-crypto")]
    &pollrtc::crypto::rust_crypto::PROVIDER,
    #[cfg(feature = "aws-lc-rs")]
    &pollrtc::crypto::aws_lc_rs::PROVIDER,
];

/// Bytes as hexadecimal digits.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Hex(Vec<u8>);

impl TryFrom<String> for Hex {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        hex::decode(text).map(Self)
    }
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Invalid,
    /// Both answers are right. Ours is to refuse.
    Acceptable,
}

fn load<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("the files are as the cases here")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AeadCase {
    tc_id: u32,
    comment: String,
    key: Hex,
    iv: Hex,
    aad: Hex,
    msg: Hex,
    ct: Hex,
    tag: Hex,
    result: Verdict,
}

#[test]
fn wycheproof_aes_gcm() {
    BACKENDS.iter().for_each(|backend| check_aes_gcm(backend));
}

fn check_aes_gcm(backend: &CryptoProvider) {
    for case in load::<AeadCase>("wycheproof/aes_gcm.json") {
        let name = format!("{} {} {}", backend.name, case.tc_id, case.comment);
        let id = match case.key.0.len() {
            16 => AeadId::Aes128Gcm,
            _ => AeadId::Aes256Gcm,
        };
        let mut aead = backend.aead(id).unwrap().key(&case.key.0).unwrap();
        let nonce = case.iv.0.as_slice().try_into().unwrap();
        let tag = case.tag.0.as_slice().try_into().unwrap();
        let valid = case.result == Verdict::Valid;

        let mut data = case.ct.0.clone();
        let opened = aead.open(nonce, &case.aad.0, &mut data, tag);
        assert_eq!(opened.is_ok(), valid, "{name}");
        if valid {
            assert_eq!(data, case.msg.0, "{name}");
            let mut made = [0; 16];
            aead.seal(nonce, &case.aad.0, &mut data, &mut made);
            assert_eq!((&data, &made), (&case.ct.0, tag), "{name}");
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MacCase {
    tc_id: u32,
    comment: String,
    key: Hex,
    msg: Hex,
    tag: Hex,
    result: Verdict,
}

#[test]
fn wycheproof_hmac() {
    BACKENDS.iter().for_each(|backend| check_hmac(backend));
}

fn check_hmac(backend: &CryptoProvider) {
    for (hash, file) in [(HashId::Sha1, "sha1"), (HashId::Sha256, "sha256")] {
        for case in load::<MacCase>(&format!("wycheproof/hmac_{file}.json")) {
            let mac = backend.hmac(hash).unwrap().key(&case.key.0);
            let (head, tail) = case.msg.0.split_at(case.msg.0.len() / 3);
            let made = mac.sign(&[head, tail]);
            assert_eq!(made.len(), hash.output_len());
            assert_eq!(
                made[..case.tag.0.len()] == case.tag.0,
                case.result == Verdict::Valid,
                "{file} {} {}",
                case.tc_id,
                case.comment
            );
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureCase {
    tc_id: u32,
    comment: String,
    key: Hex,
    msg: Hex,
    sig: Hex,
    result: Verdict,
}

#[test]
fn wycheproof_ecdsa_p256() {
    BACKENDS
        .iter()
        .for_each(|backend| check_ecdsa_p256(backend));
}

fn check_ecdsa_p256(backend: &CryptoProvider) {
    let verifier = backend
        .verifier(SignatureScheme::EcdsaSecp256r1Sha256)
        .unwrap();
    for case in load::<SignatureCase>("wycheproof/ecdsa_p256_sha256.json") {
        let expected = match case.result {
            Verdict::Valid => Ok(()),
            Verdict::Invalid | Verdict::Acceptable => Err(CryptoError::BadSignature),
        };
        let verified = verifier.verify(&case.key.0, &case.msg.0, &case.sig.0);
        assert_eq!(verified, expected, "{} {}", case.tc_id, case.comment);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgreementCase {
    tc_id: u32,
    comment: String,
    public: Hex,
    private: Hex,
    shared: Hex,
    result: Verdict,
}

/// A generator that draws one private key: the backend takes the first 32
/// bytes that are a scalar.
struct Fixed([u8; 32]);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("a key is drawn as bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("a key is drawn as bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

#[test]
fn wycheproof_ecdh_p256() {
    BACKENDS.iter().for_each(|backend| check_ecdh_p256(backend));
}

fn check_ecdh_p256(backend: &CryptoProvider) {
    let group = backend.group(NamedGroup::Secp256r1).unwrap();
    for case in load::<AgreementCase>("wycheproof/ecdh_p256.json") {
        // The private keys are integers with a sign: a zero in front, or shorter.
        let mut private = [0; 32];
        for (to, from) in private.iter_mut().rev().zip(case.private.0.iter().rev()) {
            *to = *from;
        }
        let shared = group.start(&mut Fixed(private)).finish(&case.public.0);
        let expected = match case.result {
            Verdict::Valid => Ok(case.shared.0),
            Verdict::Invalid | Verdict::Acceptable => Err(CryptoError::InvalidKey),
        };
        let shared = shared.map(|secret| secret.to_vec());
        assert_eq!(shared, expected, "{} {}", case.tc_id, case.comment);
    }
}

#[derive(Deserialize)]
struct CertificateCase {
    source: String,
    key: String,
    der: Hex,
    spki: Hex,
    sha1: String,
    sha256: String,
    sha384: String,
    sha512: String,
}

#[test]
fn certificates_in_the_wild() {
    for case in load::<CertificateCase>("x509/certificates.json") {
        let key = PeerKey::from_der(&case.der.0);
        let spki = &case.spki.0;
        if !case.der.0.windows(spki.len()).any(|window| window == spki) {
            // The key says RSASSA-PSS, which OpenSSL generalised: a kind of its own.
            assert_eq!(key, Err(CryptoError::Unsupported), "{}", case.source);
            continue;
        }
        let key = key.unwrap_or_else(|e| panic!("{}: {e}", case.source));
        let kind = case.key.split(' ').take(2).collect::<Vec<_>>();
        let expected = match kind.as_slice() {
            ["RSAPublicKey", _] => KeyType::Rsa,
            ["ECPublicKey", "secp256r1"] => KeyType::EcdsaP256,
            ["ECPublicKey", "secp384r1"] => KeyType::EcdsaP384,
            other => panic!("{}: {other:?}", case.source),
        };
        assert_eq!(key.key_type, expected, "{}", case.source);
        assert!(spki.ends_with(&key.public_key), "{}", case.source);
        for (name, digest) in [
            ("sha-1", &case.sha1),
            ("sha-256", &case.sha256),
            ("sha-384", &case.sha384),
            ("sha-512", &case.sha512),
        ] {
            let signalled = format!("{name} {digest}");
            let fingerprint = Fingerprint::parse(&signalled).unwrap();
            assert_eq!(fingerprint.to_string(), signalled);
            for backend in BACKENDS {
                let matches = fingerprint.matches(backend, &case.der.0);
                assert!(matches, "{} {}", backend.name, case.source);
            }
        }
    }
}
