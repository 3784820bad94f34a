//! Where the runners are, and whose terminals are where.
//!
//! A run lives in one runner, and whoever resumes it must come to the same. So each account has its own order of the
//! runners, by hashes (rendezvous): the first that can be reached gets its terminals, now and when it comes back; an API
//! process needs to remember nothing, and another runner more moves no more accounts than it takes over.

use anyhow::{Context as _, ensure};
use axum::http::{HeaderValue, Uri};
use iteratione_common::ids::UserId;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// One runner, `http://host:port`. Plain HTTP: it is on the private network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) authority: HeaderValue,
}

/// All runners, with commas in between.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RunnerUrls(Vec<RunnerUrl>);

impl RunnerUrls {
    /// In the order in which they are tried for an account.
    pub(super) fn of(&self, account: Option<UserId>) -> Vec<&RunnerUrl> {
        let mut runners: Vec<_> = self.0.iter().collect();
        if let Some(account) = account {
            runners.sort_by_cached_key(|runner| {
                let hash = Sha256::new().chain_update(account.uuid()).chain_update(runner.authority.as_bytes());
                <[u8; 32]>::from(hash.finalize())
            });
        }
        runners
    }
}

impl TryFrom<String> for RunnerUrls {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        text.split(',').map(|one| one.trim().parse()).collect::<anyhow::Result<_>>().map(Self)
    }
}

impl std::str::FromStr for RunnerUrl {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        const SHAPE: &str = "runner_url must be http://host:port, or several with commas in between";
        let uri: Uri = text.parse().context(SHAPE)?;
        ensure!(uri.scheme_str() == Some("http") && uri.path() == "/" && uri.query().is_none(), SHAPE);
        let authority = uri.authority().filter(|a| !a.as_str().contains('@') && !a.host().is_empty()).context(SHAPE)?;
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runners(text: &str) -> RunnerUrls {
        RunnerUrls::try_from(text.to_owned()).expect(text)
    }

    #[test]
    fn a_runner_is_named_by_host_and_port_alone() {
        for (text, host, port) in [
            ("http://127.0.0.1:8081", "127.0.0.1", 8081),
            ("http://runner:8081/", "runner", 8081),
            ("http://runner", "runner", 80),
            ("http://[::1]:8081", "::1", 8081),
        ] {
            let url: RunnerUrl = text.parse().expect(text);
            assert_eq!((url.host.as_str(), url.port), (host, port));
        }
        for text in [
            "",
            "runner",
            "runner:8081",
            "https://r",
            "http://u:p@r",
            "http://r/ws",
            "http://r/?a",
            "http://",
            "http://r,",
            "http://r,s",
        ] {
            assert!(RunnerUrls::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn each_account_has_its_runner_and_keeps_it_unless_a_new_one_takes_it_over() {
        let (two, three) = (runners("http://a:1, http://b:1"), runners("http://c:1,http://b:1,http://a:1"));
        let mut used = std::collections::BTreeSet::new();
        for _ in 0..300 {
            let account = Some(UserId::new());
            let (before, after) = (two.of(account), three.of(account));
            assert_eq!((before.len(), after.len()), (2, 3));
            assert_eq!(two.of(account), before);
            // The old ones stay in their order; the new one stands somewhere between them.
            assert_eq!(after.iter().copied().filter(|url| url.host != "c").collect::<Vec<_>>(), before);
            used.insert(after[0].host.clone());
        }
        assert_eq!(used.len(), 3, "all of them are used: {used:?}");
        assert_eq!(two.of(None)[0].host, "a");
    }
}
