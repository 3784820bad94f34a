//! A run over several connections.

use iteratione_client::{ClientError, Session, Update};
use iteratione_common::{
    lab::SourceFile,
    terminal::{ClientMessage, Encoding, Exit, Phase, Reason, Run, ServerMessage, Size, close},
};
use tokio::time::timeout;

use crate::peer::{DEADLINE, Peer, Said};

fn program() -> Run {
    Run {
        language: "python".to_owned(),
        files: vec![SourceFile { name: "main.py".to_owned(), content: "print(1)\n".to_owned() }],
        main: None,
        args: Vec::new(),
        size: Size { cols: 80, rows: 24 },
        encoding: Encoding::Binary,
        acks: false,
    }
}

fn exit(reason: Reason) -> ServerMessage {
    let code = (reason == Reason::Exited).then_some(0);
    ServerMessage::Exit(Exit { code, signal: None, reason, wall_ms: 1, cpu_ms: 1, memory_kb: 1, message: None })
}

fn refusal(code: &str) -> ServerMessage {
    ServerMessage::Error { code: code.to_owned(), message: format!("It says {code}."), retry_after: None }
}

async fn started(peer: &Peer) -> Session {
    timeout(DEADLINE, Session::start(peer.connector(), program())).await.expect("in time").expect("a session")
}

async fn next(session: &mut Session) -> Result<Update, ClientError> {
    timeout(DEADLINE, session.next()).await.expect("an update in time")
}

/// The output until something else happens, and that.
async fn output(session: &mut Session) -> (Vec<u8>, Update) {
    let mut output = Vec::new();
    loop {
        match next(session).await.expect("an update") {
            Update::Output(bytes) => output.extend_from_slice(&bytes),
            Update::Status { .. } | Update::CaughtUp => {}
            other => return (output, other),
        }
    }
}

#[tokio::test]
async fn a_run_goes_on_after_its_connection_broke_and_nothing_is_lost_or_doubled() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    let (mut first, run) = peer.accept_run("secret").await;
    assert!(run.acks && run.files.len() == 1, "{run:?}");
    first.show(&[b'a'; 1000]).await;
    first.show(&[b'b'; 234]).await;
    drop(first);
    let (before, broken) = output(&mut session).await;
    assert_eq!((before.len(), broken), (1234, Update::Reconnecting));
    session.type_in(b"typed while away\n");
    session.resize(Size { cols: 100, rows: 40 });

    let ((after, end), mut second) = tokio::join!(
        async {
            let (nothing, resumed) = output(&mut session).await;
            assert_eq!((nothing.len(), resumed), (0, Update::Resumed { missed: 0 }));
            output(&mut session).await
        },
        async {
            let mut socket = peer.accept().await;
            let resume = socket.resume().await;
            assert_eq!((resume.session.as_str(), resume.seq, resume.acks), ("secret", 1234, true));
            assert_eq!(resume.size, Some(Size { cols: 100, rows: 40 }));
            socket.say(ServerMessage::Resumed { session: resume.session, seq: 1234, missed: 0 }).await;
            assert_eq!(socket.keys(17).await, b"typed while away\n");
            socket.show(b"the rest").await;
            socket.say(exit(Reason::Exited)).await;
            socket
        }
    );
    assert_eq!(after, b"the rest");
    assert!(matches!(end, Update::Exit(Exit { code: Some(0), .. })), "{end:?}");
    assert!(matches!(next(&mut session).await, Err(ClientError::Closed)));
    drop(session);
    assert_eq!(second.0.recv().await.and_then(Result::ok), None);
}

#[tokio::test]
async fn output_is_acknowledged_as_it_comes_and_what_the_runner_lost_counts_as_shown() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    let (mut socket, _) = peer.accept_run("secret").await;
    for _ in 0..10 {
        socket.show(&[b'x'; 10 << 10]).await;
    }
    socket.say(refusal("odd")).await;
    let (shown, complaint) = output(&mut session).await;
    assert_eq!(shown.len(), 100 << 10);
    assert!(matches!(complaint, Update::Complaint { ref code, .. } if code == "odd"), "{complaint:?}");
    // In steps of 32 KiB at least, after whole pieces.
    let ack = |seq| Said::Message(ClientMessage::Ack { seq });
    assert_eq!(socket.said().await, ack(40 << 10));
    assert_eq!(socket.said().await, ack(80 << 10));

    drop(socket);
    assert_eq!(output(&mut session).await.1, Update::Reconnecting);
    let resume = async {
        let mut socket = peer.accept().await;
        assert_eq!(socket.resume().await.seq, 100 << 10);
        socket.say(ServerMessage::Resumed { session: "secret".to_owned(), seq: 150 << 10, missed: 50 << 10 }).await;
        socket.show(&vec![b'y'; 32 << 10]).await;
        socket
    };
    let (mut socket, update) = tokio::join!(resume, next(&mut session));
    assert_eq!(update.expect("an update"), Update::Resumed { missed: 50 << 10 });
    assert_eq!(next(&mut session).await.expect("output"), Update::Output(vec![b'y'; 32 << 10].into()));
    assert_eq!(socket.said().await, ack(182 << 10));
}

#[tokio::test]
async fn who_acknowledges_by_hand_holds_the_program_up() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    session.acknowledge_by_hand();
    let (mut socket, _) = peer.accept_run("secret").await;
    socket.show(&vec![b'x'; 64 << 10]).await;
    socket.say(refusal("odd")).await;
    assert_eq!(output(&mut session).await.0.len(), 64 << 10);
    session.shown(10);
    session.type_in(b"k");
    assert_eq!(socket.said().await, Said::Keys(b"k".to_vec()), "nothing was acknowledged before");
    session.shown((32 << 10) - 10);
    assert_eq!(socket.said().await, Said::Message(ClientMessage::Ack { seq: 32 << 10 }));
}

#[tokio::test]
async fn a_run_that_waited_when_the_runner_restarted_is_asked_for_again() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    let mut first = peer.accept().await;
    first.run().await;
    let queued = ServerMessage::Status { phase: Phase::Queued, position: Some(3), session: Some("old".to_owned()) };
    first.say(queued).await;
    first.say(refusal("restarting")).await;
    first.hang_up(close::RESTARTING).await;
    let update = next(&mut session).await.expect("an update");
    assert_eq!(update, Update::Status { phase: Phase::Queued, position: Some(3) });
    assert_eq!(next(&mut session).await.expect("an update"), Update::Reconnecting);
    session.type_in(b"typed ahead");
    let (update, mut second) = tokio::join!(next(&mut session), async {
        let mut second = peer.accept().await;
        assert_eq!(second.run().await.language, "python");
        second.say(ServerMessage::Status { phase: Phase::Running, position: None, session: None }).await;
        second
    });
    assert_eq!(update.expect("an update"), Update::Status { phase: Phase::Running, position: None });
    assert_eq!(second.keys(11).await, b"typed ahead", "nobody takes keys before there is a program");
}

#[tokio::test]
async fn a_refused_run_is_an_error_in_the_runners_words() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    let mut socket = peer.accept().await;
    socket.run().await;
    socket.say(refusal("sources")).await;
    let error = next(&mut session).await.expect_err("refused");
    assert_eq!(error.to_string(), "It says sources.");

    let mut session = started(&peer).await;
    let mut socket = peer.accept().await;
    socket.run().await;
    socket.hang_up(close::UNAUTHENTICATED).await;
    assert!(matches!(next(&mut session).await, Err(ClientError::Lost(_))));
}

#[tokio::test]
async fn a_run_that_is_gone_is_not_started_again() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    let (first, _) = peer.accept_run("secret").await;
    drop(first);
    assert_eq!(output(&mut session).await.1, Update::Reconnecting);
    let (update, ()) = tokio::join!(next(&mut session), async {
        // Another socket has it still: that one is the dead half of the first connection, so it is tried again.
        let mut second = peer.accept().await;
        second.resume().await;
        second.say(refusal("in_use")).await;
        second.hang_up(close::CONFLICT).await;
        let mut third = peer.accept().await;
        third.resume().await;
        third.say(refusal("no_session")).await;
        third.hang_up(close::NO_SESSION).await;
    });
    assert_eq!(update.expect_err("gone").to_string(), "It says no_session.");
}

#[tokio::test]
async fn a_kill_that_was_asked_for_without_a_connection_is_delivered_by_the_next() {
    let mut peer = Peer::new().await;
    let mut session = started(&peer).await;
    let (first, _) = peer.accept_run("secret").await;
    drop(first);
    assert_eq!(output(&mut session).await.1, Update::Reconnecting);
    session.kill();
    let (end, ()) = tokio::join!(output(&mut session), async {
        let mut second = peer.accept().await;
        second.resume().await;
        second.say(ServerMessage::Resumed { session: "secret".to_owned(), seq: 0, missed: 0 }).await;
        assert_eq!(second.said().await, Said::Message(ClientMessage::Kill));
        second.say(exit(Reason::Killed)).await;
    });
    assert_eq!(end.1, Update::Resumed { missed: 0 });
    assert!(matches!(output(&mut session).await.1, Update::Exit(Exit { reason: Reason::Killed, .. })));
}

#[tokio::test]
async fn a_stranger_gets_no_ticket() {
    let peer = Peer::new().await;
    let mut connector = peer.connector();
    connector.auth = iteratione_client::Auth::Token("itr_bad".to_owned());
    let error = Session::start(connector, program()).await.err().expect("refused");
    assert!(matches!(error, ClientError::Refused { status: 401, .. }), "{error}");
    assert!(!error.is_passing());
}
