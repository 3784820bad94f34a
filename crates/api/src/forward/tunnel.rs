//! Two sockets spliced, with little in between.

use std::{
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustix::net::sockopt;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    time::timeout,
};

/// Bytes read at once in one direction: all that this process ever holds of it.
const PIECE: usize = 16 << 10;
/// Bytes that the kernel may hold of one socket in one direction; Linux allows itself twice as many. Less would let
/// loopback's large packets stall, more would let a program run ahead of who watches it.
const KERNEL: usize = 64 << 10;

/// One end: its socket, and what came right behind the HTTP head.
#[derive(Debug)]
pub(super) struct Side {
    stream: TcpStream,
    early: Bytes,
}

/// How long the ends may be stuck.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A piece that its receiver has not taken by then will not be taken: the runner gives a browser up sooner, after
    /// two unanswered pings.
    stuck: Duration,
    /// After one end has said its last, the other may be silent for this long.
    silent: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { stuck: Duration::from_mins(1), silent: Duration::from_secs(10) }
    }
}

impl Side {
    /// The socket below an upgraded connection.
    pub(super) fn of(upgraded: Upgraded) -> anyhow::Result<Self> {
        let parts = upgraded.downcast::<TokioIo<TcpStream>>().map_err(|_| anyhow::anyhow!("no TCP below"))?;
        Ok(Self { stream: parts.io.into_inner(), early: parts.read_buf })
    }
}

/// Makes a socket hold little and hold nothing back.
pub(super) fn bound(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_send_buffer_size(stream, KERNEL)?;
    sockopt::set_socket_recv_buffer_size(stream, KERNEL)?;
    Ok(())
}

/// Copies both ways until both ends have ended, or one is broken or stuck. Both sockets are closed then.
pub(super) async fn splice(mut browser: Side, mut runner: Side, patience: Patience) {
    if let Err(e) = bound(&browser.stream) {
        tracing::debug!(error = %e, "the browser's socket is gone");
        return;
    }
    let moved = [AtomicU64::new(0), AtomicU64::new(0)];
    {
        let (from_browser, to_browser) = browser.stream.split();
        let (from_runner, to_runner) = runner.stream.split();
        let mut up = pin!(copy(&browser.early, from_browser, to_runner, patience.stuck, &moved[0]));
        let mut down = pin!(copy(&runner.early, from_runner, to_browser, patience.stuck, &moved[1]));
        let first = tokio::select! {
            ended = &mut up => ended.map(|()| true),
            ended = &mut down => ended.map(|()| false),
        };
        let ended = match first {
            Ok(true) => rest(down, &moved[1], patience.silent).await,
            Ok(false) => rest(up, &moved[0], patience.silent).await,
            Err(e) => Err(e),
        };
        if let Err(e) = ended {
            tracing::debug!(error = %e, "terminal broken off");
        }
    }
    tracing::debug!(up_bytes = moved[0].load(Relaxed), down_bytes = moved[1].load(Relaxed), "terminal closed");
}

/// One direction to its end: what was early, then all that comes; then the receiver is told that there is no more.
async fn copy(
    early: &[u8],
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    stuck: Duration,
    moved: &AtomicU64,
) -> std::io::Result<()> {
    let mut send = async |piece: &[u8]| {
        timeout(stuck, to.write_all(piece)).await??;
        moved.fetch_add(u64::try_from(piece.len()).unwrap_or(u64::MAX), Relaxed);
        Ok::<_, std::io::Error>(())
    };
    send(early).await?;
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece).await? {
            0 => break,
            n => send(&piece[..n]).await?,
        }
    }
    to.shutdown().await
}

/// The direction that is left, for as long as something moves in it.
async fn rest(
    mut left: impl Future<Output = std::io::Result<()>> + Unpin,
    moved: &AtomicU64,
    silent: Duration,
) -> std::io::Result<()> {
    loop {
        let before = moved.load(Relaxed);
        match timeout(silent, &mut left).await {
            Ok(ended) => return ended,
            Err(silence) if moved.load(Relaxed) == before => return Err(silence.into()),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Both ends of a connection.
    async fn pair() -> (Side, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (here, there) = tokio::join!(TcpStream::connect(address), listener.accept());
        (Side { stream: here.expect("connects"), early: Bytes::new() }, there.expect("accepts").0)
    }

    /// Fails unless the tunnel ends, while what `play` gives back still lives.
    async fn ends<T>(patience: Patience, play: impl AsyncFnOnce(TcpStream, TcpStream) -> T) {
        let ((browser, at_browser), (runner, at_runner)) = (pair().await, pair().await);
        let both = async { tokio::join!(splice(browser, runner, patience), play(at_browser, at_runner)) };
        timeout(Duration::from_secs(60), both).await.expect("the tunnel ends");
    }

    const LONG: Duration = Duration::from_hours(1);
    const SHORT: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_browser_that_never_reads_is_given_up() {
        ends(Patience { stuck: SHORT, silent: LONG }, async |browser, mut runner| {
            let piece = vec![0; 64 << 10];
            while runner.write_all(&piece).await.is_ok() {}
            browser
        })
        .await;
    }

    #[tokio::test]
    async fn after_the_runners_end_a_browser_that_does_not_end_is_given_up() {
        ends(Patience { stuck: LONG, silent: SHORT }, async |mut browser, runner| {
            drop(runner);
            browser.read_to_end(&mut Vec::new()).await.expect("hears of it");
            browser
        })
        .await;
    }

    #[tokio::test]
    async fn one_end_may_be_silent_for_as_long_as_the_other_lives() {
        ends(Patience { stuck: SHORT, silent: SHORT }, async |mut browser, mut runner| {
            tokio::time::sleep(SHORT * 5).await;
            browser.write_all(b"x").await.expect("still open");
            assert_eq!(runner.read_u8().await.expect("still open"), b'x');
        })
        .await;
    }
}
