//! What handlers share. Each takes the part that it needs: `State<PgPool>`, `State<Languages>`, …

use std::sync::Arc;

use axum::extract::FromRef;
use iteratione_common::{
    events::EventBus,
    language::Languages,
    lifecycle::Lifecycle,
    queue::{DispatchHandle, Queue},
    store::PgPool,
    terminal::ticket::TicketKey,
};

use crate::{
    auth::{Limits, Passwords},
    clock::Clock,
    config::Config,
    forward::Tunnels,
    live::Followers,
    oidc::Provider,
    outbound::Client,
};

/// What handlers share.
#[derive(Clone, FromRef)]
pub struct AppState {
    /// The truth.
    pub pg: PgPool,
    /// Redis' end of the queue; handlers only ask whether it answers.
    pub queue: Queue,
    /// Told when there is something to grade.
    pub dispatch: DispatchHandle,
    /// Live events of submissions.
    pub events: EventBus,
    /// Who follows submissions.
    pub followers: Followers,
    /// What programs may be written in.
    pub languages: Languages,
    /// Settings.
    pub config: Arc<Config>,
    /// Start and end of the service.
    pub lifecycle: Lifecycle,
    /// The time.
    pub clock: Clock,
    /// Hashes passwords, a few at once.
    pub passwords: Passwords,
    /// Bounds on guessing.
    pub limits: Limits,
    /// Signs tickets for terminals.
    pub tickets: TicketKey,
    /// The terminals that are forwarded.
    pub tunnels: Tunnels,
    /// Asks other machines: webhooks, single sign-on.
    pub outbound: Client,
    /// Single sign-on, if there is any.
    pub oidc: Option<Provider>,
}
