//! Settings: `config.toml` beside `Cargo.toml` explains each of them.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use iteratione_common::{
    config::{self, Environment},
    lab::validate::Ceilings,
    language,
    telemetry::LogConfig,
    terminal::ticket::TicketKey,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{forward::RunnerUrls, outbound::Cidr};

/// The commented defaults.
pub const DEFAULTS: &str = include_str!("../config.toml");

/// All settings of the service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How strict to be.
    pub environment: Environment,
    /// Prefix of the keys in Redis.
    pub instance: String,
    /// PostgreSQL.
    pub database_url: String,
    /// Redis.
    pub redis_url: String,
    /// One folder per language.
    pub languages_dir: PathBuf,
    /// Which of them are offered.
    pub languages: language::Choice,
    /// What tickets for terminals are signed with; see [`Config::ticket_key`].
    ticket_key: SecretString,
    /// What is this service's alone.
    pub api: ApiConfig,
    /// Logs.
    pub log: LogConfig,
}

/// Section `[api]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiConfig {
    /// Where clients come in.
    pub listen: SocketAddr,
    /// Where Prometheus comes in.
    pub metrics_listen: SocketAddr,
    /// The one origin that browsers use; empty for the host of each request.
    pub public_url: String,
    /// How many entries of `X-Forwarded-For` are believed.
    pub trusted_proxies: usize,
    /// Who may register.
    pub registration: Registration,
    /// Of whom, for [`Registration::Domains`].
    pub registration_domains: Vec<String>,
    /// Where the runners are.
    pub runner_url: RunnerUrls,
    /// Milliseconds that the runner may take to answer.
    pub runner_timeout_ms: u64,
    /// Days that a session lasts after its last use.
    pub session_days: i32,
    /// Connections to PostgreSQL.
    pub database_connections: u32,
    /// Clients at one time.
    pub connections: usize,
    /// Milliseconds that a request's head may take.
    pub head_timeout_ms: u64,
    /// Milliseconds until a request is given up.
    pub request_timeout_ms: u64,
    /// Milliseconds from the first signal to the end.
    pub shutdown_grace_ms: u64,
    /// Bounds.
    pub limits: LimitsConfig,
    /// The most that a lab may ask for.
    pub ceilings: Ceilings,
    /// Where webhooks may lead.
    pub webhooks: WebhooksConfig,
    /// Single sign-on.
    pub oidc: OidcConfig,
}

/// Section `[api.limits]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Bytes of a body where the endpoint needs no more.
    pub body_bytes: usize,
    /// Bytes of a roster.
    pub roster_bytes: usize,
    /// Wrong passwords per account and address in a burst.
    pub login_burst: u32,
    /// … and in each hour after it.
    pub login_per_hour: u32,
    /// Wrong passwords per address in a burst.
    pub login_address_burst: u32,
    /// … and in each hour after it.
    pub login_address_per_hour: u32,
    /// New accounts per address in a burst.
    pub register_burst: u32,
    /// … and in each hour after it.
    pub register_per_hour: u32,
    /// Wrong join codes per account in a burst.
    pub join_burst: u32,
    /// … and in each hour after it.
    pub join_per_hour: u32,
    /// API tokens per account.
    pub tokens_per_account: i64,
    /// Submissions of one account that are not graded yet.
    pub submissions_under_way: i64,
    /// Streams of live events that one account holds open.
    pub followers_per_account: usize,
    /// Tickets for terminals per account in a burst.
    pub run_ticket_burst: u32,
    /// … and in each hour after it.
    pub run_tickets_per_hour: u32,
    /// Terminals forwarded at one time.
    pub terminals: usize,
    /// … and of one account.
    pub terminals_per_account: usize,
    /// Passwords hashed at once; 0 for one per core.
    pub password_hashes: usize,
}

/// Section `[api.webhooks]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksConfig {
    /// Messages may go without TLS.
    pub allow_http: bool,
    /// Networks that webhooks may lead to though they are not public.
    allow_private: Vec<String>,
    /// Ports that webhooks may lead to; empty: any.
    allow_ports: Vec<String>,
}

impl WebhooksConfig {
    /// Networks that are allowed though they are not public.
    pub fn networks(&self) -> Vec<Cidr> {
        self.allow_private.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Ports that are allowed; empty: any.
    pub fn ports(&self) -> Vec<u16> {
        self.allow_ports.iter().filter_map(|text| text.parse().ok()).collect()
    }

    fn check(&self) -> anyhow::Result<()> {
        for text in &self.allow_private {
            text.parse::<Cidr>().context("api.webhooks.allow_private")?;
        }
        for text in &self.allow_ports {
            text.parse::<u16>().with_context(|| format!("api.webhooks.allow_ports: {text:?} is not a port"))?;
        }
        Ok(())
    }
}

/// Section `[api.oidc]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The provider; empty: no single sign-on.
    pub issuer: String,
    /// What the provider calls this service.
    pub client_id: String,
    /// What it knows this service by; empty for a public client.
    pub client_secret: SecretString,
    /// What stands on the button.
    pub label: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Whose addresses may sign in; empty: all.
    pub domains: Vec<String>,
    /// Whether who signs in for the first time gets an account.
    pub create_accounts: bool,
    /// The claim that tells who is an instructor; empty: none does.
    pub role_claim: String,
    /// Its values that make an instructor.
    pub instructor_values: Vec<String>,
}

impl OidcConfig {
    /// Whether single sign-on is offered.
    pub fn is_on(&self) -> bool {
        !self.issuer.is_empty()
    }

    fn check(&self, dev: bool, public_url: &str) -> anyhow::Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        ensure!(!self.client_id.is_empty(), "api.oidc.client_id is not set");
        ensure!(!public_url.is_empty(), "api.oidc needs api.public_url: the provider sends browsers back there");
        ensure!(dev || self.issuer.starts_with("https://"), "api.oidc.issuer must begin with https://");
        ensure!(self.scopes.iter().any(|s| s == "openid"), "api.oidc.scopes must hold \"openid\"");
        ensure!(
            self.role_claim.is_empty() || !self.instructor_values.is_empty(),
            "api.oidc.role_claim is set, but api.oidc.instructor_values is empty"
        );
        Ok(())
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Nobody.
    Closed,
    /// Those with an address in one of the listed domains.
    Domains,
}

impl Config {
    /// Reads and checks the settings.
    pub fn load(environment: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let config: Self = config::load(DEFAULTS, environment, &config::SECTIONS)?;
        config.check()?;
        Ok(config)
    }

    /// Whether this is a developer's machine.
    pub fn is_dev(&self) -> bool {
        self.environment == Environment::Dev
    }

    /// After how long a request is given up.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.api.request_timeout_ms)
    }

    /// What tickets for terminals are signed with.
    pub fn ticket_key(&self) -> anyhow::Result<TicketKey> {
        TicketKey::from_setting(&self.ticket_key, self.environment)
    }

    /// What signs cookies that must come back unchanged: derived, so that it can be no ticket's signature.
    pub fn cookie_key(&self) -> [u8; 32] {
        let key = self.ticket_key.expose_secret().as_bytes();
        Sha256::new().chain_update(b"iteratione cookies, version 1\n").chain_update(key).finalize().into()
    }

    fn check(&self) -> anyhow::Result<()> {
        ensure!(!self.database_url.is_empty(), "database_url is not set: give DATABASE_URL");
        ensure!(self.api.session_days > 0, "api.session_days must be at least 1");
        self.ticket_key()?;
        ensure!(self.api.connections > 0, "api.connections must be at least 1");
        ensure!(self.api.database_connections > 0, "api.database_connections must be at least 1");
        ensure!(
            self.api.registration != Registration::Domains || !self.api.registration_domains.is_empty(),
            "api.registration is \"domains\", but api.registration_domains is empty"
        );
        if !self.api.public_url.is_empty() {
            origin_of(&self.api.public_url).context("api.public_url")?;
        }
        self.api.webhooks.check()?;
        self.api.oidc.check(self.is_dev(), &self.api.public_url)?;
        if self.is_dev() {
            return Ok(());
        }
        ensure!(
            !self.api.public_url.is_empty(),
            "api.public_url is not set: outside dev it must be the address that browsers use, e.g. https://judge.example.edu"
        );
        config::refuse_known_passwords(&[("database_url", &self.database_url), ("redis_url", &self.redis_url)])
    }
}

/// `https://host:port/path` → `https://host:port`, in lower case, as browsers write it in `Origin`.
pub fn origin_of(url: &str) -> anyhow::Result<String> {
    let (scheme, rest) = url.split_once("://").context("must begin with https:// or http://")?;
    let scheme = scheme.to_ascii_lowercase();
    ensure!(scheme == "https" || scheme == "http", "must begin with https:// or http://");
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    ensure!(!host.is_empty() && !host.contains('@'), "must name a host");
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    Ok(format!("{scheme}://{}", host.strip_suffix(default_port).unwrap_or(&host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::load(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn dev_needs_only_a_database() {
        let config = load(&[("ITERATIONE_ENV", "dev"), ("DATABASE_URL", "postgres://iteratione:iteratione@h/d")]);
        assert!(config.expect("loads").is_dev());
    }

    #[test]
    fn settings_of_other_services_are_none_of_ours() {
        load(&[
            ("ITERATIONE_ENV", "dev"),
            ("DATABASE_URL", "postgres://h/d"),
            ("DOCKER_HOST", "unix:///x"),
            ("ITERATIONE_GRADER__SLOTS", "2"),
            ("ITERATIONE_SANDBOX__HARNESS", "/h"),
        ])
        .expect("loads");
    }

    #[test]
    fn production_refuses_what_is_missing_or_known_to_everybody() {
        let good = [
            ("DATABASE_URL", "postgres://u:n0t-known@h/d"),
            ("ITERATIONE_TICKET_KEY", "0123456789abcdef0123456789abcdef"),
            ("ITERATIONE_API__PUBLIC_URL", "https://judge.example.edu"),
        ];
        load(&good).expect("loads");
        for (name, value, says) in [
            ("DATABASE_URL", "", "DATABASE_URL"),
            ("DATABASE_URL", "postgres://iteratione:iteratione@h/d", "password"),
            ("REDIS_URL", "redis://:changeme@h/", "redis_url"),
            ("ITERATIONE_API__PUBLIC_URL", "", "public_url"),
            ("ITERATIONE_API__PUBLIC_URL", "judge.example.edu", "public_url"),
            ("ITERATIONE_API__REGISTRATION", "domains", "registration_domains"),
            ("ITERATIONE_API__SESSION_DAYS", "0", "session_days"),
            ("ITERATIONE_TICKET_KEY", "", "ticket_key"),
            ("ITERATIONE_TICKET_KEY", "too short", "ticket_key"),
            ("ITERATIONE_API__RUNNER_URL", "https://runner:8081", "runner_url"),
            ("ITERATIONE_API__WEBHOOKS__ALLOW_PRIVATE", "10.0.0.0/99", "allow_private"),
            ("ITERATIONE_API__WEBHOOKS__ALLOW_PORTS", "https", "allow_ports"),
            ("ITERATIONE_API__OIDC__ISSUER", "https://login.example.edu", "client_id"),
            ("ITERATIONE_API__LISTNE", "x", "listne"),
        ] {
            let mut pairs: BTreeMap<_, _> = good.into_iter().collect();
            pairs.insert(name, value);
            let error = load(&pairs.into_iter().collect::<Vec<_>>()).expect_err(name);
            assert!(format!("{error:#}").contains(says), "{name}={value}: {error:#}");
        }
    }

    #[test]
    fn the_ticket_key_is_never_printed() {
        let key = "0123456789abcdef0123456789abcdef";
        let env = [("ITERATIONE_ENV", "dev"), ("DATABASE_URL", "postgres://h/d"), ("ITERATIONE_TICKET_KEY", key)];
        assert!(!format!("{:?}", load(&env).expect("loads")).contains(key));
        let secret = ("ITERATIONE_API__OIDC__CLIENT_SECRET", "the-provider-knows-it");
        let env = env.iter().chain([&secret]).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let printed = config::effective(DEFAULTS, &env, &config::SECTIONS).expect("prints");
        assert!(printed.contains("ticket_key = \"***\"") && !printed.contains(key), "{printed}");
        assert!(!printed.contains(secret.1), "{printed}");
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (url, origin) in [
            ("https://Judge.example.edu/", "https://judge.example.edu"),
            ("https://judge.example.edu:443", "https://judge.example.edu"),
            ("http://127.0.0.1:8080/app", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(origin_of(url).expect(url), origin);
        }
        for url in ["", "judge", "ftp://x", "https://", "https://u@h"] {
            assert!(origin_of(url).is_err(), "{url}");
        }
    }
}
