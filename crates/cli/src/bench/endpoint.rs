//! Where a request goes: an address, and what the head of a request says.

use core::net::SocketAddr;

use http::Uri;
use tokio::net::lookup_host;

use super::Fault;

/// A URL whose host name was looked up.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) authority: String,
    pub(crate) target: String,
}

impl Endpoint {
    /// Looks up the host of an `http` or `ws` URL.
    pub(crate) async fn resolve(url: &str) -> Result<Self, Fault> {
        let refuse = |why| Fault::Url {
            url: url.to_owned(),
            why,
        };
        let uri: Uri = url.parse().map_err(|_| refuse("it is out of form"))?;
        let port = match uri.scheme_str() {
            Some("http" | "ws") => uri.port_u16().unwrap_or(80),
            Some("https" | "wss") => return Err(refuse("the load goes over plain TCP only")),
            _ => return Err(refuse("it does not begin with http:// or ws://")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("it names no host"))?;
        let host = authority.host().trim_matches(['[', ']']);
        let address = lookup_host((host, port))
            .await
            .ok()
            .and_then(|mut found| found.next())
            .ok_or_else(|| refuse("its host is not known"))?;
        let target = uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        Ok(Self {
            address,
            authority: authority.as_str().to_owned(),
            target,
        })
    }

    /// The target with a parameter more in its query.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let join = if self.target.contains('?') { '&' } else { '?' };
        format!("{}{join}{name}={value}", self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_names_an_address_and_a_target() {
        let rows = [
            ("ws://127.0.0.1:9/a?b=1", "127.0.0.1:9", "/a?b=1"),
            ("http://[::1]:8080", "[::1]:8080", "/"),
            ("http://127.0.0.1/x", "127.0.0.1:80", "/x"),
        ];
        for (url, address, target) in rows {
            let endpoint = Endpoint::resolve(url).await.unwrap();
            assert_eq!(endpoint.address.to_string(), address);
            assert_eq!(endpoint.target, target);
        }
        let endpoint = Endpoint::resolve("ws://127.0.0.1:9/a?b=1").await.unwrap();
        assert_eq!(endpoint.with("after", "e.1"), "/a?b=1&after=e.1");
        for url in [
            "https://127.0.0.1/",
            "127.0.0.1:80",
            "ftp://127.0.0.1/",
            "http:///x",
        ] {
            assert!(Endpoint::resolve(url).await.is_err(), "{url}");
        }
    }
}
