//! What publish and subscribe have in common: the channel that is meant.

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
        if self.target.contains("://") {
            self.target.parse()
        } else {
            Url::channel(&self.server, &self.target)
        }
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
            target: "https://g/".into(),
            server: String::new(),
        };
        assert!(target.url().is_err());
    }
}
