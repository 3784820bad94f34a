//! The whole service but its sockets, for tests: requests go through the router.

use std::{path::Path, sync::Arc};

use argon2::Params;
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use iteratione_common::{
    events::EventBus,
    ids::{TokenId, UserId},
    language::Languages,
    lifecycle::Lifecycle,
    queue::{Dispatcher, Queue},
    store::{
        AccountRole, PgPool,
        account::{self, NewAccount},
        token::{self, NewToken},
    },
};
use serde_json::Value;
use tokio_rustls::rustls::RootCertStore;
use tower::ServiceExt as _;

use crate::{
    app,
    auth::{Limits, Passwords, secret},
    clock::Clock,
    config::Config,
    forward::Tunnels,
    live::Followers,
    oidc::Provider,
    outbound::{Client, Resolver},
    state::AppState,
};

/// Port 9 of the loopback: nobody listens there, so Redis is away.
const NO_REDIS: &str = "redis://127.0.0.1:9/";

/// The service on a database of its own.
pub(crate) struct TestApp {
    pub(crate) state: AppState,
    pub(crate) router: Router,
}

/// An account with a token.
#[derive(Debug, Clone)]
pub(crate) struct TestUser {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) token: String,
}

impl TestApp {
    /// With default settings in dev.
    pub(crate) fn new(pg: PgPool) -> Self {
        Self::with(pg, &[])
    }

    /// With some settings as the environment would give them.
    pub(crate) fn with(pg: PgPool, settings: &[(&str, &str)]) -> Self {
        Self::adjusted(pg, settings, |_| {})
    }

    /// With some settings and some parts replaced.
    pub(crate) fn adjusted(pg: PgPool, settings: &[(&str, &str)], adjust: impl FnOnce(&mut AppState)) -> Self {
        let defaults = [
            ("ITERATIONE_ENV", "dev"),
            ("DATABASE_URL", "postgres://not-used/"),
            ("REDIS_URL", NO_REDIS),
            ("ITERATIONE_TICKET_KEY", "a key of the tests, as long as it must be"),
            ("ITERATIONE_API__LIMITS__PASSWORD_HASHES", "2"),
        ];
        let environment = defaults.iter().chain(settings).map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = Config::load(&environment).expect("settings");
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../images");
        let queue = Queue::connect(&config.redis_url, "test").expect("URL");
        // Nothing runs beside a test: a lifecycle that has ended before it began.
        let ended = Lifecycle::new();
        ended.soft.cancel();
        ended.hard.cancel();
        let weak = Params::new(8, 1, 1, None).expect("parameters");
        let outbound = Client::trusting(Resolver::system(), RootCertStore::empty()).expect("TLS");
        let mut state = AppState {
            dispatch: Dispatcher::spawn(pg.clone(), queue.clone(), &ended),
            events: EventBus::connect(&config.redis_url, "test", &ended).expect("URL"),
            languages: Languages::read(&images).expect("languages"),
            passwords: Passwords::with_params(2, weak).expect("parameters"),
            limits: Limits::new(&config.api.limits),
            followers: Followers::default(),
            tickets: config.ticket_key().expect("key"),
            tunnels: Tunnels::new(&config.api),
            oidc: Provider::of(&config, outbound.clone()).expect("provider"),
            outbound,
            clock: Clock::system(),
            lifecycle: Lifecycle::new(),
            config: Arc::new(config),
            queue,
            pg,
        };
        adjust(&mut state);
        let (router, _) = app::router(state.clone()).expect("router");
        Self { state, router }
    }

    /// An account `<name>@test.test` with a token that may do everything.
    pub(crate) async fn account(&self, name: &str, role: AccountRole) -> TestUser {
        let (id, email, token) = (UserId::new(), format!("{name}@test.test"), secret::api_token());
        let new = NewAccount { id, email: &email, name, password_hash: "none", role };
        account::insert(&self.state.pg, &new).await.expect("account");
        let hash = secret::hash(&token);
        let new =
            NewToken { id: TokenId::new(), account: id, name: "test", hash: &hash, scopes: &[], expires_at: None };
        token::insert(&self.state.pg, &new).await.expect("token");
        TestUser { id, email, token }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 16 << 20).await.expect("body");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// `GET /api/v1{path}`.
    pub(crate) async fn get(&self, user: &TestUser, path: &str) -> Answer {
        self.call(user, Method::GET, path, None).await
    }

    /// `POST /api/v1{path}` with JSON.
    pub(crate) async fn post(&self, user: &TestUser, path: &str, body: &Value) -> Answer {
        self.call(user, Method::POST, path, Some(body)).await
    }

    /// Any method, with the user's token.
    pub(crate) async fn call(&self, user: &TestUser, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = request(method, path).header(header::AUTHORIZATION, format!("Bearer {}", user.token));
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        self.send(request.body(body).expect("request")).await
    }
}

/// A request to `/api/v1{path}` to be completed.
pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::HOST, "judge.test")
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem document of an answer with this status and code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(body["request_id"], self.headers["x-request-id"].to_str().expect("ASCII"));
        body
    }

    /// A header as text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().expect("ASCII"))
    }
}
