//! Somebody at a terminal: a run over the real WebSocket, and what its screen shows.
//!
//! Tasks: one for each console, which reads all the time as a browser does, so that the runner's pings are answered
//! whatever the test waits for. It ends with the console or with the socket.

use std::time::Duration;

use iteratione_client::{Event, Terminal};
use iteratione_common::{
    diagnostic::Diagnostic,
    lab::SourceFile,
    terminal::{ClientMessage, Encoding, Exit, Phase, Resume, Run, ServerMessage, Size},
};
use reqwest::Method;
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::{Client, stack::Stack};

/// Every wait ends after this: a machine with other work now and then stands still for seconds.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// A window.
pub const SIZE: Size = Size { cols: 80, rows: 24 };

/// Said to the runner, and told when it is on its way.
enum Word {
    Message(ClientMessage),
    Keys(Vec<u8>),
}
type Order = (Word, oneshot::Sender<()>);

/// A terminal and all that came out of it.
pub struct Console {
    /// A single one is under way: whoever gives it waits for it.
    orders: mpsc::Sender<Order>,
    /// Without a bound, because a browser keeps what it shows as well; the runner bounds what a program prints.
    events: mpsc::UnboundedReceiver<Event>,
    _reader: JoinSet<()>,
    /// Output since the last `run`.
    pub output: Vec<u8>,
    /// Up to here the output was looked at by [`Console::expect`].
    seen: usize,
    /// Messages that are no output.
    pub messages: Vec<ServerMessage>,
    /// How the socket was closed.
    pub closed: Option<Option<u16>>,
}

/// A socket's address with a fresh ticket of the client's account, through the API or straight to a runner (its URL).
pub async fn address(client: &Client, base: &str) -> String {
    let answer = client.call(Method::POST, "/run-tickets", Some(&json!({}))).await.expect("an answer");
    let ticket = answer.expect(&[201]).expect("a ticket");
    let path = ticket["url"].as_str().expect("a path").to_owned();
    format!("{}{path}", base.replacen("http", "ws", 1))
}

/// A program to run.
pub fn program(language: &str, files: &[(&str, &str)]) -> Run {
    Run {
        language: language.to_owned(),
        files: files.iter().map(|&(name, content)| file(name, content)).collect(),
        main: None,
        args: Vec::new(),
        size: SIZE,
        encoding: Encoding::Binary,
        acks: false,
    }
}

fn file(name: &str, content: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), content: content.to_owned() }
}

impl Console {
    /// A socket of the client's account, through the API.
    pub async fn open(stack: &Stack, client: &Client) -> Self {
        Self::at(&address(client, &stack.url).await).await
    }

    /// A socket at an address.
    pub async fn at(address: &str) -> Self {
        let terminal = within("connecting", Terminal::connect(address)).await.expect("a socket");
        let (orders, ordered) = mpsc::channel(1);
        let (seen, events) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        reader.spawn(attend(terminal, ordered, seen));
        Self { orders, events, _reader: reader, output: Vec::new(), seen: 0, messages: Vec::new(), closed: None }
    }

    /// A socket and a program on it.
    pub async fn run(stack: &Stack, client: &Client, run: Run) -> Self {
        let mut console = Self::open(stack, client).await;
        console.start(run).await;
        console
    }

    /// Runs a program.
    pub async fn start(&mut self, run: Run) {
        (self.output, self.seen, self.messages) = (Vec::new(), 0, Vec::new());
        self.send(&ClientMessage::Run(Box::new(run))).await;
    }

    /// Says something. Of a socket that is closed meanwhile, what comes out of it tells.
    pub async fn send(&mut self, message: &ClientMessage) {
        self.order(Word::Message(message.clone())).await;
    }

    /// Types.
    pub async fn type_in(&mut self, keys: &str) {
        self.order(Word::Keys(keys.as_bytes().to_vec())).await;
    }

    async fn order(&mut self, word: Word) {
        let (done, on_its_way) = oneshot::channel();
        let saying = async {
            if self.orders.send((word, done)).await.is_ok() {
                // An error: the socket is at its end.
                let _ = on_its_way.await;
            }
        };
        within("sending", saying).await;
    }

    /// Takes one thing that comes. `false`: the socket is closed.
    pub async fn take(&mut self) -> bool {
        if self.closed.is_some() {
            return false;
        }
        let event = tokio::time::timeout(PATIENCE, self.events.recv()).await;
        match event.unwrap_or_else(|_| panic!("nothing came any more:\n{}", self.transcript())) {
            Some(Event::Output(bytes)) => self.output.extend_from_slice(&bytes),
            Some(Event::Message(message)) => self.messages.push(message),
            Some(Event::Closed { code, .. }) => self.closed = Some(code),
            None => self.closed = Some(None),
        }
        self.closed.is_none()
    }

    /// Waits until something comes after all that was expected before.
    pub async fn expect(&mut self, text: &str) {
        loop {
            let rest = &self.output[self.seen..];
            if let Some(at) = rest.windows(text.len()).position(|w| w == text.as_bytes()) {
                self.seen += at + text.len();
                return;
            }
            assert!(self.exit_seen().is_none(), "it ended before {text:?} came:\n{}", self.transcript());
            assert!(self.take().await, "the socket was closed before {text:?} came:\n{}", self.transcript());
        }
    }

    /// Types a key that means a signal, again and again until something comes of it: who is interrupted just before it
    /// begins to wait, as Python between its prompt and its `read`, does not notice before it has read.
    pub async fn interrupt(&mut self, key: &str, text: &str) {
        for _ in 0..20 {
            self.type_in(key).await;
            if tokio::time::timeout(Duration::from_secs(5), self.expect(text)).await.is_ok() {
                return;
            }
        }
        panic!("{text:?} never came:\n{}", self.transcript());
    }

    /// Waits for the end of the run.
    pub async fn exit(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.exit_seen() {
                return exit;
            }
            assert!(self.take().await, "the socket was closed before the end:\n{}", self.transcript());
        }
    }

    /// Waits for the end of the socket; gives back its code.
    pub async fn closed(&mut self) -> Option<u16> {
        while self.take().await {}
        self.closed.flatten()
    }

    /// Waits for a message.
    pub async fn message<T>(&mut self, what: &str, found: impl Fn(&ServerMessage) -> Option<T>) -> T {
        loop {
            if let Some(found) = self.messages.iter().find_map(&found) {
                return found;
            }
            assert!(self.take().await, "the socket was closed before {what}:\n{}", self.transcript());
        }
    }

    /// Waits until it runs; gives back what names it.
    pub async fn running(&mut self) -> String {
        self.message("it ran", |message| match message {
            ServerMessage::Status { phase: Phase::Running, session: Some(session), .. } => Some(session.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a refusal; gives back its code.
    pub async fn refused(&mut self) -> String {
        self.message("a refusal", |message| match message {
            ServerMessage::Error { code, .. } => Some(code.clone()),
            _ => None,
        })
        .await
    }

    /// What the compiler said.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let items = self.messages.iter().filter_map(|m| match m {
            ServerMessage::Diagnostics { items } => Some(items.clone()),
            _ => None,
        });
        items.flatten().collect()
    }

    /// Goes on with a run on this fresh socket, after so many bytes of its output.
    pub async fn resume(&mut self, session: &str, seq: usize) {
        self.resume_with(session, seq, false).await;
    }

    /// The same; `acks`: whether what is shown will be acknowledged.
    pub async fn resume_with(&mut self, session: &str, seq: usize, acks: bool) {
        let seq = u64::try_from(seq).expect("small");
        let session = session.to_owned();
        let resume = Resume { session, seq, size: None, encoding: Encoding::Binary, acks };
        self.send(&ClientMessage::Resume(resume)).await;
    }

    /// Waits for the answer to a `resume`: the next byte's place, and how many are missing before it.
    pub async fn resumed(&mut self) -> (u64, u64) {
        self.message("it was resumed", |message| match message {
            ServerMessage::Resumed { seq, missed, .. } => Some((*seq, *missed)),
            _ => None,
        })
        .await
    }

    /// The output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// What the screen shows, line by line, without blanks at the ends.
    pub fn screen(&self, size: Size) -> Vec<String> {
        self.emulated(size).screen().rows(0, size.cols).map(|row| row.trim_end().to_owned()).collect()
    }

    /// A terminal that has shown all the output.
    pub fn emulated(&self, size: Size) -> vt100::Parser {
        let [rows, cols] = [size.rows, size.cols].map(|n| n.try_into().expect("a window has a size"));
        let mut parser = vt100::Parser::new(rows, cols, 0);
        parser.process(&self.output);
        parser
    }

    /// Whether the run is over, or was refused.
    pub fn is_over(&self) -> bool {
        self.messages.iter().any(|m| matches!(m, ServerMessage::Exit(_) | ServerMessage::Error { .. }))
    }

    fn exit_seen(&self) -> Option<Exit> {
        self.messages.iter().find_map(|m| if let ServerMessage::Exit(exit) = m { Some(exit.clone()) } else { None })
    }

    fn transcript(&self) -> String {
        let text = self.text();
        let tail: String = text.chars().skip(text.chars().count().saturating_sub(2000)).collect();
        format!("{tail:?}\nmessages: {:?}\nclosed: {:?}", self.messages, self.closed)
    }
}

async fn attend(mut terminal: Terminal, mut orders: mpsc::Receiver<Order>, events: mpsc::UnboundedSender<Event>) {
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some((word, done)) = order else { return };
                // An error shows again when reading, which may still find why.
                let _ = match word {
                    Word::Message(message) => terminal.send(&message).await,
                    Word::Keys(keys) => terminal.type_in(&keys).await,
                };
                let _ = done.send(());
            }
            event = terminal.next() => {
                let event = event.unwrap_or_else(|e| Event::Closed { code: None, reason: e.to_string() });
                let end = matches!(event, Event::Closed { .. });
                if events.send(event).is_err() || end {
                    return;
                }
            }
        }
    }
}

async fn within<T>(what: &str, act: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, act)
        .await
        .unwrap_or_else(|_| panic!("{what} took more than {} s", PATIENCE.as_secs()))
}
