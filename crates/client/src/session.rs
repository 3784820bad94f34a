//! One run, on as many connections as it takes.
//!
//! No task and no channel: whoever owns the session awaits [`Session::next`], which sends what is queued, reads what
//! comes, acknowledges it, and makes a new connection when the old one breaks.

use std::{collections::VecDeque, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use iteratione_common::{
    diagnostic::Diagnostic,
    terminal::{ClientMessage, Encoding, Exit, Phase, Resume, Run, ServerMessage, Size, close},
};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{Auth, ClientError, Event, Terminal, terminal::Frame, ticket};

/// Output is acknowledged in steps of so many bytes: well below the runner's window, so that a program never waits for an
/// acknowledgement while output is shown as fast as it comes.
const ACK_BYTES: u64 = 32 << 10;
/// A runner pings every 20 s. One that has said nothing for longer than this is not there any more.
const SILENCE: Duration = Duration::from_secs(50);
/// Pauses before the tries to connect again; the last one repeats.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
/// The runner keeps a program for 20 s after its socket broke, and may take a while to notice that it did.
const GIVING_UP: Duration = Duration::from_secs(60);
/// Keys that are kept while there is no connection; nobody types more blindly.
const KEYS_KEPT: usize = 64 << 10;
/// The code of an `error` after which the runner wants to be called again.
const RESTARTING: &str = "restarting";

/// Makes connections: a fresh ticket each, because each is good for one.
#[derive(Clone)]
pub struct Connector {
    /// The HTTP client, with the cookie of a session if that is the way.
    pub http: reqwest::Client,
    /// The API, `http://host:port`.
    pub api: String,
    /// Whose tickets.
    pub auth: Auth,
}

impl Connector {
    /// A new connection.
    pub async fn connect(&self) -> Result<Terminal, ClientError> {
        let ticket = ticket::fetch(&self.http, &self.api, &self.auth).await?;
        Terminal::connect(&ticket.url).await
    }
}

/// What happens to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// How far it is, and its place in the line while it waits.
    Status {
        /// Where it is.
        phase: Phase,
        /// From 1.
        position: Option<u32>,
    },
    /// What the compiler says.
    Diagnostics(Vec<Diagnostic>),
    /// Output, cut anywhere.
    Output(Bytes),
    /// What had been held up by a slow network is sent: see [`Session::is_behind`].
    CaughtUp,
    /// Something to know.
    Notice {
        /// Stable.
        code: String,
        /// For people.
        message: String,
    },
    /// The connection broke; a new one is being made.
    Reconnecting,
    /// The run goes on.
    Resumed {
        /// Bytes of output that are lost, because the runner keeps only so much.
        missed: u64,
    },
    /// The runner did not like something that was said; the run goes on.
    Complaint {
        /// Stable.
        code: String,
        /// For people.
        message: String,
    },
    /// It is over, and nothing follows.
    Exit(Exit),
}

type Connecting = Pin<Box<dyn Future<Output = Result<Terminal, ClientError>> + Send>>;

enum Link {
    Up(Box<Terminal>),
    Down(Connecting),
}

/// One run.
pub struct Session {
    connector: Connector,
    link: Link,
    run: Run,
    /// What to name when resuming, once the runner has told.
    secret: Option<String>,
    /// It was seen compiling or running…
    began: bool,
    /// …and running: before that nobody takes keys.
    running: bool,
    /// Bytes of output received, of these shown, and of these acknowledged.
    received: u64,
    shown: u64,
    acked: u64,
    /// The owner tells what was shown; otherwise it is what was received.
    told: bool,
    /// Output is in order again only after the runner has said where it goes on.
    resuming: bool,
    /// What was typed while nobody took it.
    keys: VecDeque<u8>,
    kill: bool,
    /// What the runner said before it hung up.
    complaint: Option<ClientError>,
    /// Tries since the connection broke, and when to give up; none while all is well.
    outage: Option<(usize, Instant)>,
    heard: Instant,
    over: bool,
}

impl Session {
    /// Connects and asks for the run. Its output comes as bytes, whatever the run says about that.
    pub async fn start(connector: Connector, run: Run) -> Result<Self, ClientError> {
        let terminal = connector.connect().await?;
        Self::on(terminal, connector, run)
    }

    /// As [`Self::start`], on a connection that is there already and has no run.
    pub fn on(terminal: Terminal, connector: Connector, mut run: Run) -> Result<Self, ClientError> {
        (run.acks, run.encoding) = (true, Encoding::Binary);
        let mut session = Self {
            connector,
            link: Link::Up(Box::new(terminal)),
            run,
            secret: None,
            began: false,
            running: false,
            received: 0,
            shown: 0,
            acked: 0,
            told: false,
            resuming: false,
            keys: VecDeque::new(),
            kill: false,
            complaint: None,
            outage: None,
            heard: Instant::now(),
            over: false,
        };
        session.greet()?;
        Ok(session)
    }

    /// Queues keystrokes, which [`Self::next`] sends. Before the program runs, and without a connection, the first
    /// [`KEYS_KEPT`] are kept for later; gives back how many were accepted.
    pub fn type_in(&mut self, bytes: &[u8]) -> usize {
        if let (Link::Up(terminal), true, false) = (&mut self.link, self.running, self.resuming) {
            // A broken connection shows when reading.
            let _ = terminal.queue_keys(Bytes::copy_from_slice(bytes));
            return bytes.len();
        }
        let accepted = bytes.len().min(KEYS_KEPT.saturating_sub(self.keys.len()));
        self.keys.extend(&bytes[..accepted]);
        accepted
    }

    /// Whether the network is behind with what was typed: a source that never tires waits for the next update then.
    pub fn is_behind(&self) -> bool {
        match &self.link {
            Link::Up(terminal) => terminal.is_held_up() || self.resuming || !self.running,
            Link::Down(_) => true,
        }
    }

    /// From now on [`Self::shown`] says what may be acknowledged.
    pub fn acknowledge_by_hand(&mut self) {
        self.told = true;
    }

    /// So many bytes more were shown.
    pub fn shown(&mut self, bytes: u64) {
        if self.told {
            self.advance(bytes);
        }
    }

    fn advance(&mut self, bytes: u64) {
        self.shown = (self.shown + bytes).min(self.received);
        if self.shown.saturating_sub(self.acked) >= ACK_BYTES {
            self.acked = self.shown;
            self.say(&ClientMessage::Ack { seq: self.acked });
        }
    }

    /// Tells the program of another window.
    pub fn resize(&mut self, size: Size) {
        self.run.size = size;
        self.say(&ClientMessage::Resize(size));
    }

    /// Ends the program; its `Exit` follows.
    pub fn kill(&mut self) {
        self.kill = true;
        self.say(&ClientMessage::Kill);
    }

    /// What happens next. Cancel-safe. After an `Exit` or an error there is nothing more.
    pub async fn next(&mut self) -> Result<Update, ClientError> {
        loop {
            if self.over {
                return Err(ClientError::Closed);
            }
            let update = match &mut self.link {
                Link::Up(terminal) => {
                    let frame = tokio::select! {
                        biased; // What lies there already was heard, however late it is read.
                        frame = terminal.frame() => frame,
                        () = sleep_until(self.heard + SILENCE) => Err(ClientError::Lost("it fell silent".to_owned())),
                    };
                    self.heard = Instant::now();
                    self.took(frame)?
                }
                Link::Down(connecting) => {
                    let connected = connecting.as_mut().await;
                    self.reconnected(connected)?;
                    None
                }
            };
            if let Some(update) = update {
                return Ok(update);
            }
        }
    }

    fn took(&mut self, frame: Result<Frame, ClientError>) -> Result<Option<Update>, ClientError> {
        match frame {
            Ok(Frame::Beat) => Ok(None),
            Ok(Frame::Sent) => Ok(Some(Update::CaughtUp)),
            Ok(Frame::Event(Event::Output(bytes))) => {
                let came = bytes.len() as u64;
                self.received += came;
                if !self.told {
                    self.advance(came);
                }
                Ok(Some(Update::Output(bytes)))
            }
            Ok(Frame::Event(Event::Message(message))) => self.heard_of(message),
            Ok(Frame::Event(Event::Closed { code, reason })) => self.broke(code, &reason),
            Err(error @ ClientError::Garbled(_)) => Err(error),
            Err(error) => self.broke(None, &error.to_string()),
        }
    }

    fn heard_of(&mut self, message: ServerMessage) -> Result<Option<Update>, ClientError> {
        Ok(Some(match message {
            ServerMessage::Status { phase, position, session } => {
                self.secret = session.or(self.secret.take());
                self.began |= phase != Phase::Queued;
                self.running = phase == Phase::Running;
                self.outage = None;
                if self.running {
                    self.catch_up();
                }
                Update::Status { phase, position }
            }
            ServerMessage::Diagnostics { items } => Update::Diagnostics(items),
            // Not asked for; nothing is lost by showing it all the same.
            ServerMessage::Stdout { data, seq } => {
                self.received = seq;
                self.shown = seq;
                Update::Output(data.into())
            }
            ServerMessage::Resumed { seq, missed, .. } => {
                // What is lost need not be shown, and what was received counts as acknowledged by the `resume`.
                self.shown += seq.saturating_sub(self.received);
                (self.received, self.acked, self.resuming) = (seq, seq, false);
                self.outage = None;
                self.catch_up();
                Update::Resumed { missed }
            }
            ServerMessage::Exit(exit) => {
                self.over = true;
                Update::Exit(exit)
            }
            ServerMessage::Notice { code, message } => Update::Notice { code, message },
            ServerMessage::Error { code, message, retry_after } => {
                let complaint = ClientError::Runner {
                    code: code.clone(),
                    message: message.clone(),
                    retry_after: retry_after.map(Duration::from_secs),
                };
                if self.began && !self.resuming {
                    return Ok(Some(Update::Complaint { code, message }));
                }
                // There is no run yet. A runner that restarts hangs up now, and means us to come back; so does one that
                // still believes in the connection before this one. Everything else is a no.
                if code != RESTARTING && !self.resuming {
                    self.over = true;
                    return Err(complaint);
                }
                self.complaint = Some(complaint);
                return Ok(None);
            }
        }))
    }

    /// The connection is gone: a new one, unless that is hopeless.
    fn broke(&mut self, code: Option<u16>, reason: &str) -> Result<Option<Update>, ClientError> {
        let complaint = self.complaint.take();
        // What did not begin can begin again, as if nothing had been asked for.
        let afresh = !self.began && matches!(code, Some(close::RESTARTING | close::NO_SESSION));
        if afresh {
            self.secret = None;
        }
        let hopeless = match code {
            None | Some(close::RESTARTING) => false,
            Some(close::PROTOCOL | close::NORMAL) => true,
            Some(close::NO_SESSION) => !afresh,
            // A ticket may have expired on a slow way, and the other socket that holds the run may be this one's dead half.
            Some(_) => self.secret.is_none(),
        };
        let (tries, until) = self.outage.unwrap_or_else(|| (0, Instant::now() + GIVING_UP));
        if hopeless || Instant::now() >= until {
            self.over = true;
            let why = if reason.is_empty() { "it was closed" } else { reason };
            return Err(complaint.unwrap_or_else(|| ClientError::Lost(why.to_owned())));
        }
        self.connect_again(tries, until, complaint.and_then(|complaint| complaint.retry_after()));
        Ok((tries == 0).then_some(Update::Reconnecting))
    }

    fn connect_again(&mut self, tries: usize, until: Instant, asked: Option<Duration>) {
        let pause = asked.unwrap_or(PAUSES[tries.min(PAUSES.len() - 1)]);
        let connector = self.connector.clone();
        self.outage = Some((tries + 1, until));
        self.link = Link::Down(Box::pin(async move {
            sleep(pause).await;
            connector.connect().await
        }));
    }

    fn reconnected(&mut self, connected: Result<Terminal, ClientError>) -> Result<(), ClientError> {
        let (tries, until) = self.outage.unwrap_or_else(|| (0, Instant::now() + GIVING_UP));
        match connected {
            Ok(terminal) => {
                self.link = Link::Up(Box::new(terminal));
                self.heard = Instant::now();
                self.greet()
            }
            Err(error) if error.is_passing() && Instant::now() < until => {
                self.connect_again(tries, until, error.retry_after());
                Ok(())
            }
            Err(error) => {
                self.over = true;
                Err(ClientError::Lost(error.to_string()))
            }
        }
    }

    /// The first message of a connection.
    fn greet(&mut self) -> Result<(), ClientError> {
        let Link::Up(terminal) = &mut self.link else {
            return Err(ClientError::Closed);
        };
        self.resuming = self.secret.is_some();
        if let Some(session) = &self.secret {
            let (session, size) = (session.clone(), Some(self.run.size));
            let resume = Resume { session, seq: self.received, size, encoding: Encoding::Binary, acks: true };
            return terminal.queue(&ClientMessage::Resume(resume));
        }
        (self.received, self.shown, self.acked) = (0, 0, 0);
        terminal.queue(&ClientMessage::Run(Box::new(self.run.clone())))?;
        if self.kill {
            self.say(&ClientMessage::Kill);
        }
        Ok(())
    }

    /// What was typed and asked for while nobody took it.
    fn catch_up(&mut self) {
        let keys: Vec<u8> = self.keys.drain(..).collect();
        if !keys.is_empty() {
            self.type_in(&keys);
        }
        if self.kill {
            self.say(&ClientMessage::Kill);
        }
    }

    fn say(&mut self, message: &ClientMessage) {
        if let (Link::Up(terminal), false) = (&mut self.link, self.resuming) {
            // A broken connection shows when reading.
            let _ = terminal.queue(message);
        }
    }
}
