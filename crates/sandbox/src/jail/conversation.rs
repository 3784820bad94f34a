//! What is said in one exchange with the harness.

use std::{pin::pin, time::Duration};

use super::{
    Execution, Fetched,
    link::{FrameReader, FrameWriter, Link},
};
use crate::{
    SandboxError,
    paths::check_path,
    protocol::{
        Answered, AskRequest, ExecRequest, FetchRequest, FileHeader, FromHarness, Hello, PROTOCOL_VERSION,
        ServeRequest, Served, ToHarness,
    },
};

/// Payload of one `Stdin` or `PutData` frame.
const CHUNK: usize = 64 * 1024;
/// After a failed write, the time to find out why from what can still be read.
const CAUSE: Duration = Duration::from_secs(1);

/// The first word.
pub(super) async fn hello(link: &mut Link) -> Result<(), SandboxError> {
    match link.reader.next().await? {
        FromHarness::Hello(hello) => accept(&hello),
        other => Err(unexpected("Hello", &other)),
    }
}

/// Whether a harness can be worked with. One without the cgroup's counters cannot see an OOM kill or an orphan's CPU
/// time: verdicts from it could not be trusted.
fn accept(hello: &Hello) -> Result<(), SandboxError> {
    if hello.version != PROTOCOL_VERSION {
        return Err(SandboxError::Protocol(format!("it speaks version {}, not {PROTOCOL_VERSION}", hello.version)));
    }
    if hello.cgroup == 0 {
        let why = "it finds no cgroup counters below /sys/fs/cgroup, which measuring needs: check the daemon's cgroup \
                   driver and sandbox.runtime";
        return Err(SandboxError::Protocol(why.to_owned()));
    }
    Ok(())
}

/// Ping, Pong.
pub(super) async fn ping(link: &mut Link) -> Result<(), SandboxError> {
    link.send(&ToHarness::Ping).await?;
    match link.reader.next().await? {
        FromHarness::Pong => Ok(()),
        other => Err(unexpected("Pong", &other)),
    }
}

/// Writes while it reads, so that neither side waits for the other, until what is read is complete.
async fn both<T>(
    write: impl Future<Output = Result<(), SandboxError>>,
    read: impl Future<Output = Result<T, SandboxError>>,
) -> Result<T, SandboxError> {
    let (mut write, mut read) = (pin!(write), pin!(read));
    let mut written = false;
    loop {
        tokio::select! {
            complete = &mut read => {
                let complete = complete?;
                // It was over before it had taken everything: the harness throws the rest away.
                if !written {
                    write.await?;
                }
                return Ok(complete);
            }
            done = &mut write, if !written => match done {
                Ok(()) => written = true,
                Err(e) => return match tokio::time::timeout(CAUSE, read).await {
                    Ok(Err(cause)) => Err(cause),
                    _ => Err(e),
                },
            },
        }
    }
}

/// Runs a process; gives also what it reported, if it was asked to.
pub(super) async fn exec(
    link: &mut Link,
    request: ExecRequest,
    stdin: &[u8],
) -> Result<(Execution, Vec<u8>), SandboxError> {
    let caps = (request.limits.output_bytes, request.report.unwrap_or(0));
    let Link { reader, writer } = link;
    both(feed(writer, request, stdin), collect(reader, caps)).await
}

async fn feed(writer: &mut FrameWriter, request: ExecRequest, stdin: &[u8]) -> Result<(), SandboxError> {
    writer.push(&ToHarness::Exec(request)).await?;
    for chunk in stdin.chunks(CHUNK) {
        writer.push(&ToHarness::Stdin(chunk.to_vec())).await?;
    }
    writer.push(&ToHarness::StdinEnd).await?;
    writer.flush().await
}

async fn collect(
    reader: &mut FrameReader,
    (cap, report_cap): (u64, u64),
) -> Result<(Execution, Vec<u8>), SandboxError> {
    let (mut stdout, mut stderr, mut report) = (Vec::new(), Vec::new(), Vec::new());
    let (mut left, mut report_left) = (cap, report_cap);
    loop {
        let (into, left, bytes) = match reader.next().await? {
            FromHarness::Stdout(bytes) => (&mut stdout, &mut left, bytes),
            FromHarness::Stderr(bytes) => (&mut stderr, &mut left, bytes),
            FromHarness::Report(bytes) => (&mut report, &mut report_left, bytes),
            FromHarness::Exit(result) => return Ok((Execution { result, stdout, stderr }, report)),
            other => return Err(unexpected("output or Exit", &other)),
        };
        *left = u64::try_from(bytes.len()).ok().and_then(|n| left.checked_sub(n)).ok_or_else(|| {
            SandboxError::Protocol("it passed on more bytes of output or of a report than were asked for".to_owned())
        })?;
        into.extend_from_slice(&bytes);
    }
}

/// Puts a file into the scratch folder; a `Ping` behind it shows that it arrived.
pub(super) async fn put(link: &mut Link, path: &str, content: &[u8]) -> Result<(), SandboxError> {
    let len = u64::try_from(content.len()).unwrap_or(u64::MAX);
    link.writer.push(&ToHarness::Put(FileHeader { path: path.to_owned(), len })).await?;
    for chunk in content.chunks(CHUNK) {
        link.writer.push(&ToHarness::PutData(chunk.to_vec())).await?;
    }
    ping(link).await
}

/// Puts files into the build folder; a `Ping` behind them shows that they arrived.
pub(super) async fn put_build(link: &mut Link, files: &[(String, Vec<u8>)]) -> Result<(), SandboxError> {
    for (path, content) in files {
        let len = u64::try_from(content.len()).unwrap_or(u64::MAX);
        link.writer.push(&ToHarness::PutBuild(FileHeader { path: path.clone(), len })).await?;
        for chunk in content.chunks(CHUNK) {
            link.writer.push(&ToHarness::PutData(chunk.to_vec())).await?;
        }
    }
    ping(link).await
}

/// Starts a resident and waits until it is ready.
pub(super) async fn serve(link: &mut Link, request: ServeRequest) -> Result<Served, SandboxError> {
    link.send(&ToHarness::Serve(request)).await?;
    match link.reader.next().await? {
        FromHarness::Served(Served { error: Some(why), .. }) => {
            Err(SandboxError::JailLost(format!("its resident is not ready: {why}")))
        }
        FromHarness::Served(served) => Ok(served),
        other => Err(unexpected("Served", &other)),
    }
}

/// Asks the resident: the request is written while the answer is read.
pub(super) async fn ask(
    link: &mut Link,
    request: AskRequest,
    content: &[u8],
) -> Result<(Vec<u8>, Answered), SandboxError> {
    let Link { reader, writer } = link;
    let write = async {
        writer.push(&ToHarness::Ask(request)).await?;
        for chunk in content.chunks(CHUNK) {
            writer.push(&ToHarness::AskData(chunk.to_vec())).await?;
        }
        writer.flush().await
    };
    both(write, answer(reader, request.answer_bytes)).await
}

async fn answer(reader: &mut FrameReader, most: u64) -> Result<(Vec<u8>, Answered), SandboxError> {
    let mut answer = Vec::new();
    let mut left = most;
    loop {
        match reader.next().await? {
            FromHarness::Answer(bytes) => {
                left = u64::try_from(bytes.len()).ok().and_then(|n| left.checked_sub(n)).ok_or_else(|| {
                    SandboxError::Protocol(format!("it passed on more than the {most} bytes of an answer asked for"))
                })?;
                answer.extend_from_slice(&bytes);
            }
            FromHarness::Answered(end) => return Ok((answer, end)),
            other => return Err(unexpected("Answer or Answered", &other)),
        }
    }
}

/// Reads files of the jail. Nothing of the answer is believed beyond what was asked for.
pub(super) async fn fetch(link: &mut Link, request: FetchRequest) -> Result<Fetched, SandboxError> {
    let (mut bytes_left, files_left) = (request.max_bytes, request.max_files);
    let suffix = request.suffix.clone();
    link.send(&ToHarness::Fetch(request)).await?;
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        match link.reader.next().await? {
            FromHarness::File(FileHeader { path, len }) => {
                check_path(&path).map_err(|e| SandboxError::Protocol(e.to_string()))?;
                bytes_left = bytes_left
                    .checked_sub(len)
                    .filter(|_| {
                        files.len() < usize::try_from(files_left).unwrap_or(usize::MAX) && path.ends_with(&suffix)
                    })
                    .ok_or_else(|| SandboxError::Protocol(format!("it sends {path}, which was not asked for")))?;
                let content = file_content(&mut link.reader, len).await?;
                files.push((path, content));
            }
            FromHarness::FetchEnd(end) if usize::try_from(end.files).ok() == Some(files.len()) => {
                return Ok(Fetched { files, truncated: end.truncated });
            }
            other => return Err(unexpected("File or FetchEnd", &other)),
        }
    }
}

async fn file_content(reader: &mut FrameReader, len: u64) -> Result<Vec<u8>, SandboxError> {
    let mut content = Vec::new();
    let mut left = len;
    while left > 0 {
        let FromHarness::FileData(bytes) = reader.next().await? else {
            return Err(SandboxError::Protocol("a file was not sent to its end".to_owned()));
        };
        left = u64::try_from(bytes.len())
            .ok()
            .and_then(|n| left.checked_sub(n))
            .ok_or_else(|| SandboxError::Protocol("a file is longer than was said".to_owned()))?;
        content.extend_from_slice(&bytes);
    }
    Ok(content)
}

/// Asks for a clean jail: `Err(detail)` inside if it could not be proven.
pub(super) async fn clean(link: &mut Link) -> Result<Result<(), String>, SandboxError> {
    link.send(&ToHarness::Clean).await?;
    match link.reader.next().await? {
        FromHarness::Cleaned(cleaned) if cleaned.clean => Ok(Ok(())),
        FromHarness::Cleaned(cleaned) => Ok(Err(cleaned.detail.unwrap_or_default())),
        other => Err(unexpected("Cleaned", &other)),
    }
}

pub(super) fn unexpected(expected: &str, got: &FromHarness) -> SandboxError {
    let got = match got {
        FromHarness::Hello(_) => "Hello",
        FromHarness::Started => "Started",
        FromHarness::Stdout(_) => "Stdout",
        FromHarness::Stderr(_) => "Stderr",
        FromHarness::Taken(_) => "Taken",
        FromHarness::Exit(_) => "Exit",
        FromHarness::File(_) => "File",
        FromHarness::FileData(_) => "FileData",
        FromHarness::FetchEnd(_) => "FetchEnd",
        FromHarness::Cleaned(_) => "Cleaned",
        FromHarness::Pong => "Pong",
        FromHarness::Served(_) => "Served",
        FromHarness::Answer(_) => "Answer",
        FromHarness::Answered(_) => "Answered",
        FromHarness::Fault(_) => "Fault",
        FromHarness::Report(_) => "Report",
    };
    SandboxError::Protocol(format!("{got} came where {expected} belongs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harness_of_another_version_or_without_counters_is_refused() {
        let hello = |version, cgroup| accept(&Hello { version, cgroup });
        assert!(hello(PROTOCOL_VERSION, 1).is_ok() && hello(PROTOCOL_VERSION, 2).is_ok());
        assert!(hello(PROTOCOL_VERSION + 1, 1).is_err());
        assert!(hello(PROTOCOL_VERSION, 0).is_err_and(|e| e.to_string().contains("cgroup")));
    }
}
