//! The provider: what it says of itself, its keys, and the exchange of a code for a token.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::{sync::Mutex, time::Instant};
use url::{Url, form_urlencoded};

use super::{Claims, Expected, Keys, NotSignedIn, Pending, Unsigned};
use crate::{
    config::{Config, OidcConfig, origin_of},
    outbound::{Answer, Client, Guard, Question},
};

/// What a provider says of itself, and its keys, are asked for again after this time.
const FRESH: Duration = Duration::from_hours(1);
/// A provider that has just failed is left alone for this time.
const REST: Duration = Duration::from_secs(5);
const DEADLINE: Duration = Duration::from_secs(8);
const ANSWER_MOST: usize = 256 << 10;

/// The provider of the settings.
#[derive(Debug, Clone)]
pub struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: OidcConfig,
    /// Where it sends browsers back to.
    redirect_uri: String,
    /// Addresses without TLS are taken.
    http: bool,
    client: Client,
    about: Mutex<Remembered<About>>,
    keys: Mutex<Remembered<Keys>>,
}

#[derive(Debug)]
struct Remembered<T> {
    known: Option<(Instant, Arc<T>)>,
    failed: Option<Instant>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { known: None, failed: None }
    }
}

impl<T> Remembered<T> {
    fn fresh(&self) -> Option<Arc<T>> {
        self.known.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, known)| known.clone())
    }

    fn may_ask(&self) -> anyhow::Result<()> {
        ensure!(self.failed.is_none_or(|at| at.elapsed() >= REST), "the provider has just failed");
        Ok(())
    }

    fn note(&mut self, found: anyhow::Result<T>) -> anyhow::Result<Arc<T>> {
        match found {
            Ok(found) => {
                let found = Arc::new(found);
                *self = Self { known: Some((Instant::now(), found.clone())), failed: None };
                Ok(found)
            }
            Err(e) => {
                self.failed = Some(Instant::now());
                Err(e)
            }
        }
    }
}

/// What a provider says of itself.
#[derive(Debug, Deserialize)]
struct About {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

impl Provider {
    /// The one of the settings; none without.
    pub fn of(config: &Config, client: Client) -> anyhow::Result<Option<Self>> {
        let settings = config.api.oidc.clone();
        if !settings.is_on() {
            return Ok(None);
        }
        let redirect_uri = format!("{}/api/v1/auth/oidc/callback", origin_of(&config.api.public_url)?);
        let (about, keys) = (Mutex::default(), Mutex::default());
        let inner = Inner { settings, redirect_uri, http: config.is_dev(), client, about, keys };
        Ok(Some(Self(Arc::new(inner))))
    }

    /// Its settings.
    pub fn settings(&self) -> &OidcConfig {
        &self.0.settings
    }

    /// Where a browser goes to sign in.
    pub async fn sign_in_at(&self, pending: &Pending) -> anyhow::Result<String> {
        let about = self.about().await?;
        let mut url = Url::parse(&about.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.settings.client_id)
            .append_pair("redirect_uri", &self.0.redirect_uri)
            .append_pair("scope", &self.0.settings.scopes.join(" "))
            .append_pair("state", &pending.state)
            .append_pair("nonce", &pending.nonce)
            .append_pair("code_challenge", &pending.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Who has signed in, for the code that the browser brought. The outer error is the provider's absence.
    pub async fn claims(
        &self,
        code: &str,
        pending: &Pending,
        now: jiff::Timestamp,
    ) -> anyhow::Result<Result<Claims, NotSignedIn>> {
        let about = self.about().await?;
        let answer = self.exchange(&about, code, &pending.verifier).await?;
        if answer.status.is_client_error() {
            return Ok(Err(NotSignedIn::new(
                "sign_in_refused",
                "The provider does not accept this sign-in: begin again.",
            )));
        }
        ensure!(answer.status.is_success() && !answer.cut, "the token endpoint answered {}", answer.status);
        let Ok(tokens) = serde_json::from_slice::<Tokens>(&answer.body) else {
            return Ok(Err(NotSignedIn::new("id_token_refused", "The provider's answer holds no ID token.")));
        };
        let payload = match self.payload(&about, &tokens.id_token).await? {
            Ok(payload) => payload,
            Err(why) => {
                return Ok(Err(NotSignedIn::new("id_token_refused", format!("The ID token is not believed: {why}."))));
            }
        };
        let settings = &self.0.settings;
        let (issuer, client, nonce) = (settings.issuer.as_str(), settings.client_id.as_str(), pending.nonce.as_str());
        let mut claims = match Claims::read(&payload, &Expected { issuer, client, nonce, now }) {
            Ok(claims) => claims,
            Err(e) => return Ok(Err(e)),
        };
        // In this flow a provider may tell of addresses and roles only when asked.
        let wants_more = !claims.has("email") || (!settings.role_claim.is_empty() && !claims.has(&settings.role_claim));
        if let (true, Some(url), Some(token)) = (wants_more, &about.userinfo_endpoint, &tokens.access_token)
            && let Err(e) = claims.complete(self.user_info(url, token).await?)
        {
            return Ok(Err(e));
        }
        Ok(Ok(claims))
    }

    async fn exchange(&self, about: &About, code: &str, verifier: &str) -> anyhow::Result<Answer> {
        let (headers, form) = self.exchange_request(about, code, verifier)?;
        self.ask(&about.token_endpoint, Method::POST, headers, form.into()).await
    }

    fn exchange_request(&self, about: &About, code: &str, verifier: &str) -> anyhow::Result<(HeaderMap, String)> {
        let settings = &self.0.settings;
        let secret = settings.client_secret.expose_secret();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.0.redirect_uri)
            .append_pair("code_verifier", verifier);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let methods = about.token_endpoint_auth_methods_supported.as_deref();
        let basic = methods.is_none_or(|methods| methods.iter().any(|m| m == "client_secret_basic"));
        if secret.is_empty() || !basic {
            form.append_pair("client_id", &settings.client_id);
        }
        if !secret.is_empty() && basic {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let both = format!("{}:{}", encoded(&settings.client_id), encoded(secret));
            let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(both)))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        } else if !secret.is_empty() {
            form.append_pair("client_secret", secret);
        }
        Ok((headers, form.finish()))
    }

    /// The payload of a token; keys that changed are fetched once more.
    async fn payload(&self, about: &About, token: &str) -> anyhow::Result<Result<Vec<u8>, Unsigned>> {
        match self.keys(about, false).await?.payload(token) {
            Err(Unsigned::UnknownKey) => Ok(self.keys(about, true).await?.payload(token)),
            known => Ok(known),
        }
    }

    async fn about(&self) -> anyhow::Result<Arc<About>> {
        let mut about = self.0.about.lock().await;
        if let Some(known) = about.fresh() {
            return Ok(known);
        }
        about.may_ask()?;
        let found = self.discover().await.context("discovery");
        about.note(found)
    }

    async fn discover(&self) -> anyhow::Result<About> {
        let issuer = &self.0.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let about: About = serde_json::from_slice(&self.get(&url, HeaderMap::new()).await?)?;
        ensure!(about.issuer == *issuer, "the provider calls itself {:?}, not {issuer:?}", about.issuer);
        let endpoints = [&about.authorization_endpoint, &about.token_endpoint, &about.jwks_uri];
        for url in endpoints.into_iter().chain(&about.userinfo_endpoint) {
            self.guard().parse(url).map_err(|e| anyhow::anyhow!("{url} {e}"))?;
        }
        Ok(about)
    }

    async fn keys(&self, about: &About, anew: bool) -> anyhow::Result<Arc<Keys>> {
        let mut keys = self.0.keys.lock().await;
        if let Some(known) = keys.fresh().filter(|_| !anew) {
            return Ok(known);
        }
        keys.may_ask()?;
        let found = async { anyhow::Ok(Keys::read(&self.get(&about.jwks_uri, HeaderMap::new()).await?)?) };
        let found = found.await.context("keys");
        keys.note(found)
    }

    async fn user_info(&self, url: &str, token: &str) -> anyhow::Result<Map<String, Value>> {
        let mut headers = HeaderMap::new();
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
        Ok(serde_json::from_slice(&self.get(url, headers).await.context("user info")?)?)
    }

    async fn get(&self, url: &str, headers: HeaderMap) -> anyhow::Result<Bytes> {
        let answer = self.ask(url, Method::GET, headers, Bytes::new()).await?;
        ensure!(answer.status.is_success(), "{url} answered {}", answer.status);
        ensure!(!answer.cut, "{url} answered too much");
        Ok(answer.body)
    }

    async fn ask(&self, url: &str, method: Method, headers: HeaderMap, body: Bytes) -> anyhow::Result<Answer> {
        let question = Question { method, headers, body, deadline: DEADLINE, answer_most: ANSWER_MOST };
        Ok(self.0.client.ask(url, &self.guard(), question).await?)
    }

    /// The operator has named the provider: it may be anywhere.
    fn guard(&self) -> Guard {
        Guard { http: self.0.http, open: true, ..Guard::default() }
    }
}
