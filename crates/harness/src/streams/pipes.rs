//! Three pipes, as a program in the middle of a shell's line has them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::pipe::{PipeFlags, pipe_with};

use super::{OUTPUTS, Streams};
use crate::{identity::as_user, wire::Queue};

/// Standard input waiting for the program, above which the host's frames are left where they are.
const ROOM: usize = 1024 * 1024;

/// One end of each.
#[derive(Debug)]
pub struct Ends {
    /// Standard input.
    pub stdin: OwnedFd,
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error.
    pub stderr: OwnedFd,
}

/// Our ends, which do not block, and those for a process of this uid.
pub fn pipes(uid: u32) -> Result<(Ends, Ends), String> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC);
    // Made as the role's uid, for a pipe belongs to its maker and programs do open "/dev/stdin" by name.
    let made = as_user(uid, || Ok::<_, rustix::io::Errno>((pipe()?, pipe()?, pipe()?)));
    let made = made.map_err(|e| format!("cannot act as uid {uid}: {e}"))?;
    let ((their_in, stdin), (stdout, their_out), (stderr, their_err)) =
        made.map_err(|e| format!("cannot make pipes: {e}"))?;
    for ours in [&stdin, &stdout, &stderr] {
        rustix::io::ioctl_fionbio(ours, true).map_err(|e| format!("cannot set up pipes: {e}"))?;
    }
    Ok((Ends { stdin, stdout, stderr }, Ends { stdin: their_in, stdout: their_out, stderr: their_err }))
}

/// Both ends of a pipe for one output of a process of this uid; ours does not block.
pub fn output_pipe(uid: u32) -> Result<(OwnedFd, OwnedFd), String> {
    let made = as_user(uid, || pipe_with(PipeFlags::CLOEXEC)).map_err(|e| format!("cannot act as uid {uid}: {e}"))?;
    let (ours, theirs) = made.map_err(|e| format!("cannot make pipes: {e}"))?;
    rustix::io::ioctl_fionbio(&ours, true).map_err(|e| format!("cannot set up pipes: {e}"))?;
    Ok((ours, theirs))
}

/// The pipes of a program.
pub struct Pipes {
    stdin: Option<OwnedFd>,
    queue: Queue,
    ended: bool,
    outputs: [Option<OwnedFd>; OUTPUTS],
}

impl Pipes {
    /// Of our ends.
    pub fn new(ours: Ends) -> Self {
        let outputs = [Some(ours.stdout), Some(ours.stderr)];
        Self { stdin: Some(ours.stdin), queue: Queue::default(), ended: false, outputs }
    }
}

impl Streams for Pipes {
    fn has_room(&self) -> bool {
        self.queue.len() < ROOM
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.stdin.is_some() {
            self.queue.push(bytes);
            self.feed();
        }
        Ok(())
    }

    fn end_input(&mut self) {
        self.ended = true;
        self.feed();
    }

    fn hungry(&self) -> Option<BorrowedFd<'_>> {
        self.stdin.as_ref().filter(|_| self.queue.len() > 0).map(AsFd::as_fd)
    }

    fn feed(&mut self) {
        let Some(stdin) = &self.stdin else { return };
        let written = self.queue.write_to(stdin);
        if written.is_err() || (self.ended && self.queue.len() == 0) {
            // End-of-file for the program; or it has closed its end, and nobody will read the rest.
            self.stdin = None;
            self.queue = Queue::default();
        }
    }

    fn outputs(&self) -> [Option<BorrowedFd<'_>>; OUTPUTS] {
        self.outputs.each_ref().map(|pipe| pipe.as_ref().map(AsFd::as_fd))
    }

    fn read(&mut self, which: usize, piece: &mut [u8]) -> rustix::io::Result<usize> {
        match self.outputs.get(which) {
            Some(Some(pipe)) => rustix::io::read(pipe, piece),
            _ => Ok(0),
        }
    }

    fn close(&mut self, which: usize) {
        if let Some(pipe) = self.outputs.get_mut(which) {
            *pipe = None;
        }
    }
}
