//! A pair of DTLS transports with certificates of their own.

use std::sync::Arc;

use pollrtc::crypto::CryptoProvider;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::dtls::{DtlsConfig, DtlsTransport, Role};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::Direct;

/// A transport on a path, with a certificate of its own.
pub fn end(
    provider: &'static CryptoProvider,
    role: Role,
    path: Path,
    rng: &mut Rng,
) -> Direct<DtlsTransport> {
    let options = CertificateOptions {
        common_name: "pollrtc".into(),
        not_before: 1_700_000_000,
        not_after: 1_900_000_000,
    };
    let certificate =
        Certificate::generate(provider, rng, &options).expect("every provider has P-256");
    let mut config = DtlsConfig::new(provider, Arc::new(certificate));
    config.key_log = true;
    Direct::new(DtlsTransport::new(config, role, rng), path)
}
