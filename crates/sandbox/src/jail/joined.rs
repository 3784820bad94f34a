//! Two programs that talk to each other, each in a jail of its own: what one writes is what the other reads.
//!
//! Between them are two FIFOs, made in the source folder of one jail and linked into the other's: a read-only mount does not
//! keep anybody from writing into a FIFO. No byte passes through us while both are there. What is written to one that has
//! ended is thrown away, so that nobody dies of a broken pipe for a last word that the other did not wait for.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{CWD, Mode, OFlags};
use tokio::{net::unix::pipe::Receiver, sync::oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Execution, Jail, conversation::unexpected, limited};
use crate::{
    SandboxError,
    protocol::{ExecRequest, ExecResult, FromHarness, Joined, SOURCE_DIR, ToHarness},
};

/// Thrown away at once.
const WASTE: usize = 16 * 1024;

/// One of the two: a process, and where it is to run. Of the request, standard input and output are replaced.
#[derive(Debug)]
pub struct Side<'a> {
    /// Its jail.
    pub jail: &'a mut Jail,
    /// Its process.
    pub request: ExecRequest,
}

/// How it ended for either of the two. Neither has an output: the other one had it.
#[derive(Debug)]
pub struct Met {
    /// The first side.
    pub first: Result<Execution, SandboxError>,
    /// The second side.
    pub second: Result<Execution, SandboxError>,
}

/// Whether `one` ended before `other`, by what was seen of their ends.
///
/// Each harness looks at the other side's end of its process' input when it sees its process end. A side that still had the
/// other one then was first. The output of the first side ends when its end was seen, and not before: if that is what the
/// second one ended of, it is found out whatever the machine is busy with. If both had lost each other by the time that
/// somebody looked, they ended within the time that looking takes, and the clock that they share decides.
pub fn ended_first(one: &ExecResult, other: &ExecResult) -> bool {
    match (one.input_ended, other.input_ended) {
        (false, true) => true,
        (true, false) => false,
        _ => one.ended_us < other.ended_us,
    }
}

/// Runs both to their ends. When the second has ended and `enough` says so, the first is killed; if one is lost, the other
/// is.
pub async fn join(
    first: Side<'_>,
    second: Side<'_>,
    enough: impl FnOnce(&ExecResult) -> bool,
) -> Result<Met, SandboxError> {
    let unusable = |e: io::Error| SandboxError::workspace("cannot join two jails", &e);
    let folders = [&first.jail.folder.src, &second.jail.folder.src].map(PathBuf::as_path);
    let (to_first, to_second) = (Fifo::make(folders).map_err(unusable)?, Fifo::make(folders).map_err(unusable)?);
    let (names, others) = (to_first.joined(&to_second, true), to_second.joined(&to_first, false));
    let (over, end) = ([(); 2].map(|()| CancellationToken::new()), [(); 2].map(|()| CancellationToken::new()));
    let [(told_first, first_started), (told_second, second_started)] = [(); 2].map(|()| oneshot::channel());

    let run_first = async {
        let done = talk(first, names, told_first, &end[0]).await;
        over[0].cancel();
        if done.is_err() {
            end[1].cancel();
        }
        done
    };
    let run_second = async {
        let done = talk(second, others, told_second, &end[1]).await;
        over[1].cancel();
        if done.as_ref().map_or(true, |done| enough(&done.result)) {
            end[0].cancel();
        }
        done
    };
    let [mut to_first, mut to_second] = [to_first, to_second];
    let writers = (to_first.writer.take(), to_second.writer.take());
    let release = async {
        // One that does not start drops its end, and then nothing is held open for it either.
        let _ = (first_started.await, second_started.await);
        drop(writers);
    };
    let waste = async {
        tokio::join!(throw_away(&to_first.reader, &over[0]), throw_away(&to_second.reader, &over[1]));
        std::future::pending::<std::convert::Infallible>().await
    };
    tokio::select! {
        (first, second, ()) = async { tokio::join!(run_first, run_second, release) } => Ok(Met { first, second }),
        never = waste => match never {},
    }
}

/// Has one side run to its end.
async fn talk(
    side: Side<'_>,
    joined: Joined,
    started: oneshot::Sender<()>,
    end: &CancellationToken,
) -> Result<Execution, SandboxError> {
    let Side { jail, mut request } = side;
    jail.fit(&mut request);
    request.joined = Some(joined);
    let within = Duration::from_millis(request.limits.wall_ms).saturating_add(jail.limits.answer_grace);
    jail.begin()?;
    let done = limited(within, "end a joined process in time", converse(jail, request, started, end)).await;
    jail.end(done)
}

async fn converse(
    jail: &mut Jail,
    request: ExecRequest,
    started: oneshot::Sender<()>,
    end: &CancellationToken,
) -> Result<Execution, SandboxError> {
    let mut left = request.limits.output_bytes;
    let link = &mut jail.link;
    link.writer.push(&ToHarness::Exec(request)).await?;
    link.send(&ToHarness::StdinEnd).await?;
    let (mut stderr, mut started, mut killed) = (Vec::new(), Some(started), false);
    loop {
        let message = tokio::select! {
            message = link.reader.next() => message?,
            () = end.cancelled(), if !killed => {
                killed = true;
                link.send(&ToHarness::Kill).await?;
                continue;
            }
        };
        match message {
            FromHarness::Started => {
                // Whoever waits for it is told once.
                if let Some(started) = started.take() {
                    let _ = started.send(());
                }
            }
            FromHarness::Stderr(bytes) => {
                left = u64::try_from(bytes.len()).ok().and_then(|n| left.checked_sub(n)).ok_or_else(|| {
                    SandboxError::Protocol("it passed on more bytes of output than were asked for".to_owned())
                })?;
                stderr.extend_from_slice(&bytes);
            }
            FromHarness::Exit(result) => return Ok(Execution { result, stdout: Vec::new(), stderr }),
            other => return Err(unexpected("Started, Stderr or Exit", &other)),
        }
    }
}

/// When its reader is over, reads a FIFO in its place.
async fn throw_away(fifo: &Receiver, over: &CancellationToken) {
    over.cancelled().await;
    let mut waste = vec![0; WASTE];
    while fifo.readable().await.is_ok() {
        match fifo.try_read(&mut waste) {
            Ok(0) => return,
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => tokio::task::coop::consume_budget().await,
        }
    }
}

/// One direction. Both ends are held open until its two processes have them, and a reading one to the end.
struct Fifo {
    reader: Receiver,
    writer: Option<rustix::fd::OwnedFd>,
    name: String,
    _paths: Paths,
}

impl Fifo {
    fn make([here, there]: [&Path; 2]) -> io::Result<Self> {
        let name = format!(".fifo-{}", Uuid::new_v4().simple());
        let path = here.join(&name);
        rustix::fs::mkfifoat(CWD, &path, Mode::from_raw_mode(0o600))?;
        let mut made = Paths(vec![path.clone()]);
        // Whoever may be in these two jails may use it, whatever uid that is on this host: there is nobody else.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))?;
        fs::hard_link(&path, there.join(&name))?;
        made.0.push(there.join(&name));
        let open = |direction| {
            let flags = direction | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            rustix::fs::openat(CWD, &path, flags, Mode::empty())
        };
        let reader = Receiver::from_owned_fd(open(OFlags::RDONLY)?)?;
        Ok(Self { reader, writer: Some(open(OFlags::WRONLY)?), name, _paths: made })
    }

    fn path_inside(&self) -> String {
        format!("{SOURCE_DIR}/{}", self.name)
    }

    /// As who reads it, and writes to the other one, has it.
    fn joined(&self, other: &Self, to_the_end: bool) -> Joined {
        Joined { input: self.path_inside(), output: other.path_inside(), to_the_end }
    }
}

/// Files that are removed with it. Those that are left, because a disk fails, go with the folders of their jails.
struct Paths(Vec<PathBuf>);

impl Drop for Paths {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}
