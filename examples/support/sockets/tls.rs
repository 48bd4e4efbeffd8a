//! TLS towards servers, by rustls.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Whom to trust; read when it is first needed.
#[derive(Default)]
pub(crate) struct Tls(Option<Arc<ClientConfig>>);

impl Tls {
    /// The client of a new stream to the server of that name or address.
    pub(crate) fn begin(
        &mut self,
        name: Option<&str>,
        address: IpAddr,
    ) -> anyhow::Result<ClientConnection> {
        let config = match &self.0 {
            Some(config) => Arc::clone(config),
            None => Arc::clone(self.0.insert(Arc::new(config()?))),
        };
        let name = match name {
            Some(name) => ServerName::try_from(name)?.to_owned(),
            None => address.into(),
        };
        Ok(ClientConnection::new(config, name)?)
    }
}

fn config() -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots()?)
        .with_no_client_auth())
}

/// The certificates of SSL_CERT_FILE, or those that the system trusts.
fn roots() -> anyhow::Result<RootCertStore> {
    let file = std::env::var_os("SSL_CERT_FILE").unwrap_or_else(|| SYSTEM.into());
    let file = PathBuf::from(file);
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(&file)
        .with_context(|| format!("no certificates in {}", file.display()))?;
    for certificate in certificates {
        // One that cannot be used is no reason to do without the others.
        let _ = roots.add(certificate?);
    }
    Ok(roots)
}

/// Where Debian and its relatives keep them.
const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";
