//! Where sockets come in: `/ws/run?ticket=…`.
//!
//! Tasks: one per socket, tracked ([`session::serve`]). It ends with its socket, or when it has handed it over to the task
//! of the run that it wants to go on with, or when the service stops and its run has ended.

use std::time::Duration;

use axum::{
    Router,
    extract::{Extension, Query, State, ws::WebSocketUpgrade},
    response::Response,
    routing::get,
};
use iteratione_common::{ids::UserId, terminal::close};
use iteratione_serving::Place;
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    Services, session,
    socket::{self, Socket},
};

/// A used ticket is remembered for longer than it is valid, should the clocks of two runners differ.
const REMEMBERED_BEYOND: Duration = Duration::from_secs(60);

/// `/ws/run`.
pub fn router(services: Services) -> Router {
    Router::new().route("/ws/run", get(open)).with_state(services)
}

#[derive(Deserialize)]
struct Opening {
    #[serde(default)]
    ticket: String,
}

/// Upgrades first and looks at the ticket then: a browser sees why only as a message.
async fn open(
    State(services): State<Services>,
    Query(opening): Query<Opening>,
    place: Option<Extension<Place>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let upgrade = socket::bounded(upgrade, services.sandbox.languages());
    upgrade.on_upgrade(async move |stream| {
        let socket = Socket::new(stream, place.map(|Extension(place)| place));
        let lifecycle = services.lifecycle.clone();
        lifecycle.spawn(async move {
            match redeem(&services, &opening.ticket).await {
                Ok(account) => session::serve(&services, socket, account).await,
                Err(no) => socket.refuse(no.code, no.message.to_owned(), no.again, no.close).await,
            }
        });
    })
}

struct Refused {
    code: &'static str,
    message: &'static str,
    again: Option<Duration>,
    close: u16,
}

/// Whose ticket it is, if it is one that was not used yet.
async fn redeem(services: &Services, text: &str) -> Result<UserId, Refused> {
    let no = |message| Refused { code: "unauthenticated", message, again: None, close: close::UNAUTHENTICATED };
    #[expect(clippy::disallowed_methods, reason = "tests make tickets that end when they want")]
    let now = Timestamp::now();
    let ticket = services.key.verify(text, now).map_err(|error| {
        tracing::info!(%error, "a ticket is not honoured");
        no("The ticket is not valid, or too old: get a new one.")
    })?;
    let left = Duration::try_from(ticket.expires_at.duration_since(now)).unwrap_or_default();
    match services.runs.redeem(ticket.id, left + REMEMBERED_BEYOND).await {
        Ok(true) => Ok(ticket.account),
        Ok(false) => {
            tracing::info!(user.id = %ticket.account, "a ticket was used already");
            Err(no("The ticket was used already: get a new one for each terminal."))
        }
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "no ticket can be redeemed without Redis");
            Err(Refused {
                code: "unavailable",
                message: "No terminal can be opened just now: try again in a few seconds.",
                again: Some(Duration::from_secs(5)),
                close: close::BUSY,
            })
        }
    }
}
