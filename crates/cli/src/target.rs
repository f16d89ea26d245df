//! What publish and subscribe have in common: the channel that is meant, and whom to trust.

use std::path::{Path, PathBuf};

use clap::Args;
use tidings_client::Url;

/// The channel, by its name on a server or by its URL.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The name of a channel, or the full URL of one.
    #[arg(value_name = "CHANNEL|URL")]
    target: String,
    /// The server of a channel that is given by its name.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
}

impl Target {
    pub(crate) fn url(&self) -> Result<Url, tidings_client::Error> {
        url(&self.target, &self.server)
    }
}

/// The URL that a channel's name on a server, or a URL, means.
pub(crate) fn url(target: &str, server: &str) -> Result<Url, tidings_client::Error> {
    if target.contains("://") {
        target.parse()
    } else {
        Url::channel(server, target)
    }
}

/// Whom to trust besides the certificates of the system.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    /// A file with root certificates, in PEM, to trust beside those of the system.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// The file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("cannot read the certificates in {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot trust {}", path.display())]
    Use {
        path: PathBuf,
        source: tidings_client::Error,
    },
}

impl Trust {
    /// Hands the file's octets to `add`, where there is a file.
    pub(crate) fn add_to<T>(
        &self,
        to: T,
        add: impl FnOnce(T, &[u8]) -> Result<T, tidings_client::Error>,
    ) -> Result<T, TrustError> {
        let Some(path) = self.ca.as_deref() else {
            return Ok(to);
        };
        let path_buf = || Path::to_owned(path);
        let pem = std::fs::read(path).map_err(|source| TrustError::Read {
            path: path_buf(),
            source,
        })?;
        add(to, &pem).map_err(|source| TrustError::Use {
            path: path_buf(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_channel_of_the_server_and_a_url_is_itself() {
        let rows = [
            ("news", "http://h:1", "http://h:1/channels/news"),
            ("a/b c", "http://h:1/", "http://h:1/channels/a%2Fb%20c"),
            ("ws://g/feed?x=1", "http://h:1", "ws://g/feed?x=1"),
        ];
        for (target, server, want) in rows {
            let target = Target {
                target: target.into(),
                server: server.into(),
            };
            assert_eq!(target.url().unwrap().to_string(), want);
        }
        let target = Target {
            target: "ftp://g/".into(),
            server: String::new(),
        };
        assert!(target.url().is_err());
    }
}
