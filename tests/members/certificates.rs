//! Certificates: made, kept, and how long.

use std::sync::Arc;
use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions, Fingerprint};
use pollrtc::crypto::{CryptoError, CryptoProvider, HashId, KeyType};
use pollrtc::peer::{ChannelConfig, Config};
use pollrtc::rng::Rng;

use super::configuration::certificate;

fn generate(
    provider: &CryptoProvider,
    options: &CertificateOptions,
) -> Result<Certificate, CryptoError> {
    Certificate::generate(provider, &mut Rng::from_number(1), options)
}

fn options(not_after: u64) -> CertificateOptions {
    CertificateOptions {
        common_name: "WebRTC".into(),
        not_before: 1_600_000_000,
        not_after,
    }
}

/// P-256 is what everybody has (RFC 8827 §6.5).
#[test]
fn wpt_038_a_certificate_ends_when_it_was_told_to() {
    let provider = Config::new().provider;
    // Also behind 2049, from where on years have four digits.
    for end in [1_700_000_000, 2_524_607_999, 2_524_608_000, 9_999_999_999] {
        let made = generate(provider, &options(end)).unwrap();
        assert_eq!(made.expires(), Some(Duration::from_secs(end)));
    }
    assert!(provider.generator(KeyType::EcdsaP256).is_some());
    // Our own, made by default, outlive every connection.
    let mut pc = PeerConnection::new(Config::new(), &mut Rng::from_number(1)).unwrap();
    pc.create_data_channel("x", ChannelConfig::default())
        .unwrap();
    assert!(
        pc.create_offer()
            .unwrap()
            .sdp
            .contains("a=fingerprint:sha-256 ")
    );
}

#[test]
fn wpt_038_a_lifetime_is_counted_from_now_and_a_year_at_most() {
    let provider = Config::new().provider;
    let now = Duration::from_secs(1_800_000_000);
    let day = Duration::from_secs(86_400);
    for (lifetime, lasts) in [
        (day * 30, day * 30),
        (Duration::ZERO, Duration::ZERO),
        (day * 9_999, day * 365),
    ] {
        let made = generate(provider, &CertificateOptions::lasting(now, lifetime)).unwrap();
        assert_eq!(made.expires(), Some(now + lasts));
        let config = Config {
            certificate: Some(Arc::new(made)),
            unix_time: Some(now),
            ..Config::new()
        };
        let used = PeerConnection::new(config, &mut Rng::from_number(1));
        assert_eq!(used.is_ok(), lasts > Duration::ZERO, "at once expired");
    }
}

#[test]
fn wpt_038_what_cannot_be_made_is_refused() {
    let provider = Config::new().provider;
    // No such year.
    let late = generate(provider, &options(u64::MAX)).unwrap_err();
    assert_eq!(late, CryptoError::InvalidCertificate);
    for name in ["", &"a".repeat(65)] {
        let unnamed = CertificateOptions {
            common_name: name.into(),
            ..options(2_000_000_000)
        };
        let refused = generate(provider, &unnamed).unwrap_err();
        assert_eq!(refused, CryptoError::InvalidCertificate);
    }
    // A backend without the curve: W3C `NotSupportedError`.
    let poor = CryptoProvider {
        generators: &[],
        ..*provider
    };
    let refused = generate(&poor, &options(2_000_000_000)).unwrap_err();
    assert_eq!(refused, CryptoError::Unsupported);
}

#[test]
fn wpt_109_an_offer_says_the_hash_of_the_certificate() {
    let provider = Config::new().provider;
    let ours = certificate(3, 4_000_000_000);
    let config = Config {
        certificate: Some(Arc::clone(&ours)),
        ..Config::new()
    };
    let mut pc = PeerConnection::new(config, &mut Rng::from_number(1)).unwrap();
    pc.create_data_channel("x", ChannelConfig::default())
        .unwrap();
    let offer = pc.create_offer().unwrap().sdp;
    let hash = Fingerprint::of(provider, HashId::Sha256, ours.der()).unwrap();
    assert!(offer.contains(&format!("a=fingerprint:{hash}")));
    assert_eq!(*pc.fingerprint(), hash);
}
