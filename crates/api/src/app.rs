//! The service put together.
//!
//! Tasks: the dispatcher and the listener of live events (in `common`), `sweep` (once an hour), the sender of
//! webhooks, `upkeep` of the metrics, the metrics' server. All end with the soft stop but the last, which ends with the service.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{Router, routing::get};
use iteratione_common::{
    events::EventBus,
    language::Languages,
    lifecycle::Lifecycle,
    queue::{Dispatcher, Queue},
    store::{self, PgPool, idempotency, identity, session, webhook},
    telemetry,
};
use iteratione_serving::{self as serving, Bounds};
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    auth::{Limits, Passwords},
    clock::Clock,
    config::Config,
    error::ApiError,
    forward::{self, Tunnels},
    handlers, layers,
    live::Followers,
    oidc::Provider,
    openapi,
    outbound::{Client, Resolver},
    state::AppState,
    webhooks,
};

const SWEEP_EVERY: Duration = Duration::from_hours(1);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// The service, listening but not yet answering.
pub struct App {
    state: AppState,
    router: Router,
    metrics: Router,
    listener: TcpListener,
    metrics_listener: TcpListener,
}

impl App {
    /// Connects, migrates the database (waiting until it is up) and listens.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let lifecycle = Lifecycle::new();
        lifecycle.listen_for_signals(Duration::from_millis(config.api.shutdown_grace_ms))?;
        if !config.is_dev() && config.api.public_url.starts_with("http://") {
            tracing::warn!("api.public_url is not HTTPS: browsers will not keep the session's cookie");
        }
        let languages = Languages::chosen(&config.languages_dir, &config.languages)?;
        let pg = store::connect(&config.database_url, config.api.database_connections)?;
        migrate(&pg, &lifecycle).await?;
        let queue = Queue::connect(&config.redis_url, &config.instance)?;
        let events = EventBus::connect(&config.redis_url, &config.instance, &lifecycle)?;
        let outbound = Client::new(Resolver::system())?;
        let state = AppState {
            dispatch: Dispatcher::spawn(pg.clone(), queue.clone(), &lifecycle),
            passwords: Passwords::new(config.api.limits.password_hashes)?,
            limits: Limits::new(&config.api.limits),
            followers: Followers::default(),
            tickets: config.ticket_key()?,
            tunnels: Tunnels::new(&config.api),
            oidc: Provider::of(&config, outbound.clone())?,
            outbound,
            clock: Clock::system(),
            config: Arc::new(config),
            pg,
            queue,
            events,
            languages,
            lifecycle,
        };
        let (router, _) = router(state.clone())?;
        let metrics = metrics(&state)?;
        let api = &state.config.api;
        let listener = bind(api.listen).await?;
        let metrics_listener = bind(api.metrics_listen).await?;
        Ok(Self { state, router, metrics, listener, metrics_listener })
    }

    /// Where clients come in.
    pub fn addr(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until it is told to stop, then finishes what is under way.
    pub async fn run(self) -> anyhow::Result<()> {
        let Self { state, router, metrics, listener, metrics_listener } = self;
        tracing::info!(listen = %listener.local_addr()?, metrics = %metrics_listener.local_addr()?, "serving");
        let lifecycle = state.lifecycle.clone();
        spawn_sweep(&state);
        webhooks::spawn(&state);
        let hard = lifecycle.hard.clone();
        lifecycle.spawn(async move {
            let served = axum::serve(metrics_listener, metrics).with_graceful_shutdown(hard.cancelled_owned()).await;
            if let Err(e) = served {
                tracing::error!(error = %e, "metrics are not served any more");
            }
        });
        let api = &state.config.api;
        let head = Duration::from_millis(api.head_timeout_ms);
        let bounds = Bounds { connections: api.connections, head, send_buffer: None };
        serving::serve(listener, router, bounds, &lifecycle).await;
        lifecycle.hard.cancel();
        if !lifecycle.finished(Duration::from_secs(5)).await {
            tracing::warn!("some tasks did not end in time");
        }
        state.pg.close().await;
        Ok(())
    }
}

/// All routes with their layers, and their OpenAPI document.
pub fn router(state: AppState) -> anyhow::Result<(Router, utoipa::openapi::OpenApi)> {
    let (api, document) = described().split_for_parts();
    let document = openapi::finish(document);
    let all = api
        .merge(handlers::health::routes())
        .merge(openapi::routes(&document)?)
        .merge(forward::routes())
        .fallback(|| async { ApiError::NoSuchRoute })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed });
    Ok((layers::around(all, &state).with_state(state), document))
}

/// The OpenAPI document alone.
pub fn document() -> utoipa::openapi::OpenApi {
    openapi::finish(described().into_openapi())
}

fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base()).nest("/api/v1", handlers::routes())
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// The private port.
fn metrics(state: &AppState) -> anyhow::Result<Router> {
    let recorder = telemetry::init_metrics()?;
    let upkeep = recorder.clone();
    let soft = state.lifecycle.soft.clone();
    state.lifecycle.spawn(async move {
        while tokio::time::timeout(UPKEEP_EVERY, soft.cancelled()).await.is_err() {
            upkeep.run_upkeep();
        }
    });
    let render = move || {
        let text = recorder.render();
        async move { text }
    };
    Ok(handlers::health::routes().with_state(state.clone()).route("/metrics", get(render)))
}

/// Brings the schema up to date. sqlx takes an advisory lock, so several services may start at once.
async fn migrate(pg: &PgPool, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    let mut waiting = false;
    loop {
        match store::migrate(pg).await {
            Ok(()) => return Ok(()),
            Err(store::MigrateFailure::Away(e)) => {
                if !waiting {
                    tracing::warn!(error = %e, "waiting for the database");
                }
                waiting = true;
            }
            Err(store::MigrateFailure::Broken(e)) => return Err(e.context("cannot migrate the database")),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = lifecycle.soft.cancelled() => anyhow::bail!("stopped while waiting for the database"),
        }
    }
}

/// Forgets ended sessions, old idempotency keys, sign-ins and messages of webhooks.
fn spawn_sweep(state: &AppState) {
    let (pg, soft) = (state.pg.clone(), state.lifecycle.soft.clone());
    state.lifecycle.spawn(async move {
        while tokio::time::timeout(SWEEP_EVERY, soft.cancelled()).await.is_err() {
            match tokio::try_join!(
                session::sweep(&pg),
                idempotency::sweep(&pg),
                identity::sweep(&pg),
                webhook::sweep(&pg, webhooks::KEPT_DAYS)
            ) {
                Ok((sessions, keys, sign_ins, messages)) => {
                    tracing::info!(sessions, keys, sign_ins, messages, "swept");
                }
                Err(e) => tracing::warn!(error = %e, "could not sweep"),
            }
        }
    });
}
