//! A socket that has no run: it waits for the first message, and for the next run after each.

use std::{sync::Arc, time::Duration};

use iteratione_common::{
    ids::UserId,
    language::Language,
    terminal::{ClientMessage, Resume, Run, close},
};
use tokio::{sync::mpsc::error::TrySendError, time::Instant};

use super::{End, Session, request};
use crate::{
    Services,
    admission::Refusal,
    metrics::{self, Resumed},
    registry::Newcomer,
    ring::Ring,
    socket::{Socket, SocketEvent},
};

/// Until the first message.
const FIRST: Duration = Duration::from_secs(10);

/// What somebody wants who had nothing.
enum Wish {
    Run(Box<Run>, Arc<Language>),
    Resume(Resume),
    /// Nothing: the socket is closed with a code.
    Nothing(u16, &'static str),
    Gone,
}

/// Serves a socket to its end, or until the task of another session has it.
pub async fn serve(services: &Services, mut socket: Socket, account: UserId) {
    let mut patience = FIRST;
    loop {
        let mut wish = wish(services, &mut socket, patience).await;
        loop {
            match wish {
                Wish::Run(run, language) => match Session::new(services, account, socket, *run, language).run().await {
                    End::Gone => return,
                    End::Idle(idle) => {
                        socket = *idle;
                        break;
                    }
                    End::Again(again, run) => {
                        socket = *again;
                        match checked(services, &mut socket, run) {
                            Some(next) => wish = next,
                            None => break,
                        }
                    }
                },
                Wish::Resume(resume) => return hand_over(services, account, socket, resume).await,
                Wish::Nothing(code, reason) => return socket.farewell(&Ring::new(0), code, reason).await,
                Wish::Gone => return socket.farewell(&Ring::new(0), close::NORMAL, "").await,
            }
        }
        patience = services.config.socket_idle();
    }
}

async fn wish(services: &Services, socket: &mut Socket, patience: Duration) -> Wish {
    let nothing = Ring::new(0);
    let until = Instant::now() + patience;
    loop {
        let event = tokio::select! {
            event = socket.event(&nothing) => event,
            () = tokio::time::sleep_until(until) => {
                socket.complain("idle", "No program was started for too long: connect again when you want one.", None);
                return Wish::Nothing(close::IDLE, "idle");
            }
            () = services.lifecycle.soft.cancelled() => {
                let Refusal { code, message, retry_after, .. } = Refusal::restarting();
                socket.complain(code, message, retry_after);
                return Wish::Nothing(close::RESTARTING, "restarting");
            }
        };
        match event {
            SocketEvent::Said(ClientMessage::Run(run)) => {
                if let Some(wish) = checked(services, socket, run) {
                    return wish;
                }
            }
            SocketEvent::Said(ClientMessage::Resume(resume)) => return Wish::Resume(resume),
            SocketEvent::Nonsense(why) => {
                socket.complain("bad_message", why, None);
                return Wish::Nothing(close::PROTOCOL, "bad_message");
            }
            SocketEvent::Gone(Some(close::IDLE)) => return Wish::Nothing(close::IDLE, "no answer to pings"),
            SocketEvent::Gone(_) => return Wish::Gone,
            // Keys and sizes may still be on their way when a program ends.
            SocketEvent::Said(_) | SocketEvent::Typed(_) | SocketEvent::Written(_) | SocketEvent::Answered => {}
        }
        tokio::task::coop::consume_budget().await;
    }
}

/// A run, unless something is wrong with it: then the client knows.
fn checked(services: &Services, socket: &mut Socket, run: Box<Run>) -> Option<Wish> {
    let language = request::check(&services.sandbox, &run);
    language
        .map(Arc::clone)
        .map(|language| Wish::Run(run, language))
        .map_err(|why| {
            metrics::refused("invalid_run");
            socket.complain("invalid_run", why, None);
        })
        .ok()
}

/// Gives the socket to the task of the run that is named, if it is the account's.
async fn hand_over(services: &Services, account: UserId, socket: Socket, resume: Resume) {
    let Some(door) = services.registry.door(&resume.session, account) else {
        return no_session(socket).await;
    };
    match door.try_send(Newcomer { socket, resume }) {
        Ok(()) => {}
        Err(TrySendError::Closed(newcomer)) => no_session(newcomer.socket).await,
        Err(TrySendError::Full(newcomer)) => in_use(newcomer.socket).await,
    }
}

/// There is no such run, or it is not this account's, which is nobody's business.
pub async fn no_session(socket: Socket) {
    metrics::resumed(Resumed::NoSession);
    let message = "There is no such program any more: start it again.".to_owned();
    socket.refuse("no_session", message, None, close::NO_SESSION).await;
}

/// Another socket has the run, and somebody is there.
pub async fn in_use(socket: Socket) {
    metrics::resumed(Resumed::InUse);
    let message = "This program is open at another terminal: close it there first.".to_owned();
    socket.refuse("in_use", message, Some(Duration::from_secs(2)), close::CONFLICT).await;
}
