//! TLS under a connection, by rustls with ring: `https` and `wss`.
//!
//! Trusted are the roots of the system, and those that a caller adds. ALPN offers `http/1.1`
//! alone, so that a server that speaks HTTP/2 too does not choose it (RFC 7301 §3.2).

use core::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Error;
use crate::io::{Dialing, Stream};

/// Whom to trust; what rustls makes of it is made at the first connection and shared.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    added: Vec<CertificateDer<'static>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Tls {
    /// Trusts the certificates of a PEM file too.
    pub(crate) fn add(&mut self, pem: &[u8]) -> Result<(), Error> {
        let refuse = |what, source| Error::Certificate { what, source };
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| refuse("the root certificate is not PEM", Some(error.into())))?;
        if certificates.is_empty() {
            return Err(refuse("there is no certificate in the PEM", None));
        }
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|error| {
                refuse("the root certificate cannot be used", Some(error.into()))
            })?;
        }
        self.added.extend(certificates);
        self.config = Arc::default();
        Ok(())
    }

    /// Speaks TLS over what is dialed.
    pub(crate) fn wrap(self, dialing: Dialing, host: &str) -> Dialing {
        let name = ServerName::try_from(host.to_owned());
        Box::pin(async move {
            let name = name.map_err(io::Error::other)?;
            let stream = dialing.await?;
            let connector = TlsConnector::from(self.config()?);
            let stream = connector.connect(name, stream).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })
    }

    fn config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make()?);
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }

    fn make(&self) -> io::Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "a root certificate of the system cannot be read");
        }
        // A system may hold certificates that are out of form; the others count.
        roots.add_parsable_certificates(system.certs);
        roots.add_parsable_certificates(self.added.iter().cloned());
        if roots.is_empty() {
            return Err(io::Error::other(
                "the system has no root certificates to trust, and none was added",
            ));
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("added", &self.added.len())
            .finish_non_exhaustive()
    }
}
