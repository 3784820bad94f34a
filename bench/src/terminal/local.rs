//! A program on a pty of this machine: what everything else is compared with.

use std::{
    io,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use rustix::{
    fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};
use tokio::io::unix::AsyncFd;

/// The terminal's end of a pty, and the program at its other end.
pub struct Local {
    pty: AsyncFd<OwnedFd>,
    program: Child,
}

impl Local {
    /// Starts a program on a new pty, with the line discipline as the kernel sets it up.
    pub fn start(argv: &[&str]) -> anyhow::Result<Self> {
        let pty = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).context("no pty")?;
        grantpt(&pty)?;
        unlockpt(&pty)?;
        let name = ptsname(&pty, Vec::new())?;
        let end = || -> anyhow::Result<Stdio> {
            Ok(Stdio::from(open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?))
        };
        let (program, arguments) = argv.split_first().context("no program")?;
        let program = Command::new(program)
            .args(arguments)
            .stdin(end()?)
            .stdout(end()?)
            .stderr(end()?)
            .spawn()
            .with_context(|| format!("{program} does not start"))?;
        fcntl_setfl(&pty, fcntl_getfl(&pty)? | OFlags::NONBLOCK)?;
        #[expect(deprecated, reason = "what replaces it is unsafe; this descriptor is owned and nobody else's")]
        let pty = AsyncFd::new(pty)?;
        Ok(Self { pty, program })
    }

    /// Types.
    pub fn write(&self, keys: &[u8]) -> anyhow::Result<()> {
        let written = rustix::io::write(self.pty.get_ref(), keys)?;
        if written < keys.len() {
            bail!("the pty took {written} of {} bytes", keys.len());
        }
        Ok(())
    }

    /// What comes next. Cancel-safe.
    pub async fn read(&self) -> anyhow::Result<Bytes> {
        let mut buffer = vec![0; 4096];
        loop {
            let mut ready = self.pty.readable().await?;
            match ready.try_io(|pty| rustix::io::read(pty.get_ref(), buffer.as_mut_slice()).map_err(io::Error::from)) {
                Ok(n) => {
                    buffer.truncate(n?);
                    return Ok(buffer.into());
                }
                Err(_would_block) => {}
            }
        }
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
