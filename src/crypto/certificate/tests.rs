#![cfg(feature = "rust-crypto")]

use alloc::string::{String, ToString};

use super::*;
use crate::crypto::rust_crypto::PROVIDER;
use crate::rng::Rng;

fn options() -> CertificateOptions {
    CertificateOptions {
        common_name: String::from("WebRTC"),
        not_before: 1_700_000_000,
        not_after: 1_702_592_000,
    }
}

fn generate(number: u64) -> Certificate {
    Certificate::generate(&PROVIDER, &mut Rng::from_number(number), &options()).unwrap()
}

#[test]
fn a_generated_certificate_holds_its_key_and_its_signature() {
    use der::Decode;
    let certificate = generate(1);
    let key = PeerKey::from_der(certificate.der()).unwrap();
    assert_eq!(key.key_type, KeyType::EcdsaP256);
    assert_eq!(key.public_key, certificate.key().public_key());

    let parsed = x509_cert::Certificate::from_der(certificate.der()).unwrap();
    let tbs = parsed.tbs_certificate();
    assert_eq!(tbs.version(), Version::V3);
    assert_eq!(tbs.issuer(), tbs.subject());
    assert_eq!(tbs.subject().to_string(), "CN=WebRTC");
    assert_eq!(tbs.serial_number().as_bytes().len(), 16);
    let validity = tbs.validity();
    assert_eq!(
        validity.not_before.to_unix_duration().as_secs(),
        1_700_000_000
    );
    assert_eq!(
        validity.not_after.to_unix_duration().as_secs(),
        1_702_592_000
    );
    PROVIDER
        .verifier(certificate.key().scheme())
        .unwrap()
        .verify(
            &key.public_key,
            &tbs.to_der().unwrap(),
            parsed.signature().raw_bytes(),
        )
        .unwrap();
}

#[test]
fn the_same_seed_makes_the_same_certificate_and_another_seed_another_one() {
    assert_eq!(generate(1).der(), generate(1).der());
    assert_ne!(generate(1).der(), generate(2).der());
}

#[test]
fn names_and_dates_that_cannot_be_encoded_are_refused() {
    let generate = |options: &CertificateOptions| {
        Certificate::generate(&PROVIDER, &mut Rng::from_number(1), options).map(|_| ())
    };
    let name = |common_name| CertificateOptions {
        common_name,
        ..options()
    };
    let until = |not_after| CertificateOptions {
        not_after,
        ..options()
    };
    let refused = Err(CryptoError::InvalidCertificate);
    assert_eq!(generate(&name(String::new())), refused);
    assert_eq!(generate(&name("é".repeat(64))), Ok(()));
    assert_eq!(generate(&name("é".repeat(65))), refused);
    assert_eq!(generate(&until(2_524_608_000)), Ok(())); // 2050: four digits
    assert_eq!(generate(&until(253_402_300_799)), Ok(())); // the end of 9999
    assert_eq!(generate(&until(253_402_300_800)), refused);
    assert_eq!(generate(&until(u64::MAX)), refused);
}

#[test]
fn a_certificate_is_imported_with_its_own_key_only() {
    let (one, two) = (generate(1), generate(2));
    let import = |der: &[u8], key: &[u8]| Certificate::import(&PROVIDER, der, key);
    let same = import(one.der(), &one.key().to_pkcs8()).unwrap();
    assert_eq!(same.der(), one.der());
    assert_eq!(same.key().public_key(), one.key().public_key());
    let refusal = |der: &[u8], key: &[u8]| import(der, key).map(|_| ()).unwrap_err();
    assert_eq!(
        refusal(one.der(), &two.key().to_pkcs8()),
        CryptoError::InvalidKey
    );
    assert_eq!(refusal(one.der(), b"no key"), CryptoError::InvalidKey);
    assert_eq!(
        refusal(b"", &one.key().to_pkcs8()),
        CryptoError::InvalidCertificate
    );
}

#[test]
fn a_certificate_that_is_cut_or_continued_is_refused_everywhere() {
    let mut der = generate(3).der().to_vec();
    for len in 0..der.len() {
        assert_eq!(
            PeerKey::from_der(&der[..len]),
            Err(CryptoError::InvalidCertificate)
        );
    }
    der.push(0);
    assert_eq!(
        PeerKey::from_der(&der),
        Err(CryptoError::InvalidCertificate)
    );
    der.resize(MAX_CERTIFICATE_LEN + 1, 0);
    assert_eq!(
        PeerKey::from_der(&der),
        Err(CryptoError::InvalidCertificate)
    );
}

#[test]
fn no_damage_to_a_certificate_makes_it_panic() {
    let der = generate(4).der().to_vec();
    for i in 0..der.len() {
        for value in [0, 1, 0x30, 0x7f, 0x80, 0x84, 0xa0, 0xff] {
            let mut damaged = der.clone();
            damaged[i] = value;
            let _ = PeerKey::from_der(&damaged);
        }
    }
}

#[test]
fn a_fingerprint_is_written_as_it_is_read() {
    let certificate = generate(5);
    for (hash, name) in NAMES {
        let fingerprint = certificate.fingerprint(&PROVIDER, hash).unwrap();
        let text = fingerprint.to_string();
        assert!(text.starts_with(name));
        assert_eq!(Fingerprint::parse(&text).unwrap(), fingerprint);
        assert_eq!(
            Fingerprint::parse(&text.to_lowercase()).unwrap(),
            fingerprint
        );
        assert_eq!(
            Fingerprint::parse(&text.to_uppercase()).unwrap(),
            fingerprint
        );
        assert!(fingerprint.matches(&PROVIDER, certificate.der()));
        assert!(!fingerprint.matches(&PROVIDER, generate(6).der()));
    }
}

#[test]
fn what_is_no_fingerprint_is_refused() {
    let malformed = Err(FingerprintError::Malformed);
    let unknown = Err(FingerprintError::UnknownHash);
    let of = |name: &str, len: usize| {
        let mut text = String::from(name);
        text.push_str(" AB");
        text.push_str(&":CD".repeat(len - 1));
        text
    };
    assert!(Fingerprint::parse(&of("sha-256", 32)).is_ok());
    assert_eq!(Fingerprint::parse(""), malformed);
    assert_eq!(Fingerprint::parse("sha-256"), malformed);
    assert_eq!(Fingerprint::parse("sha-256 "), malformed);
    for len in [1, 31, 33, 64, 65, 1000] {
        assert_eq!(Fingerprint::parse(&of("sha-256", len)), malformed);
    }
    for digits in ["AB:", ":AB", "A:BC", "ABC", "+A", " A", "G0", "é"] {
        let text = of("sha-256", 32).replacen("AB", digits, 1);
        assert_eq!(Fingerprint::parse(&text), malformed, "{text}");
    }
    for name in ["md5", "md2", "sha-224", "sha256", ""] {
        assert_eq!(Fingerprint::parse(&of(name, 16)), unknown, "{name}");
    }
}

/// RFC 8122 §5; requirement DTLS-049.
#[test]
fn dtls_049_the_strongest_fingerprint_decides() {
    let (ours, other) = (generate(7), generate(8));
    let print = |of: &Certificate, hash| of.fingerprint(&PROVIDER, hash).unwrap();
    let accepts = |promised: &[&Fingerprint]| {
        let promised: Vec<Fingerprint> = promised.iter().copied().cloned().collect();
        Fingerprint::any_matches(&promised, &PROVIDER, ours.der())
    };
    let [right, wrong] = [&ours, &other].map(|of| print(of, HashId::Sha256));
    assert!(accepts(&[&right]));
    assert!(accepts(&[&wrong, &right]));
    assert!(!accepts(&[&wrong]));
    assert!(!accepts(&[]));
    // A weak hash neither suffices nor helps, and a stronger one is not overruled.
    let weak = print(&ours, HashId::Sha1);
    assert!(!accepts(&[&weak]));
    assert!(!accepts(&[&wrong, &weak]));
    assert!(accepts(&[&right, &weak]));
    assert!(!accepts(&[&right, &print(&other, HashId::Sha512)]));
}
