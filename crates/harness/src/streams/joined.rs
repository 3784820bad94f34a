//! Standard input and output that are FIFOs: at their other ends is a process of another jail. Nothing of what the two say
//! to each other passes through the harness.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use iteratione_harness::protocol;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, FileType, Mode, OFlags, fstat, openat},
};

use super::{Ends, OUTPUTS, Streams, pipes::output_pipe};

/// Waits for nobody at the other end.
const OPEN: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What the harness keeps of a joined process' streams.
pub struct Joined {
    /// Only to see whether it has ended. It keeps the FIFO readable, and goes with the process.
    input: Option<OwnedFd>,
    /// Its output, if that shall end with it and not before.
    output: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

impl Joined {
    /// Opens both FIFOs, for a process of this uid. Who opens one for writing must find a reader, so the host holds them
    /// open meanwhile.
    pub fn open(uid: u32, joined: &protocol::Joined) -> Result<(Self, Ends), String> {
        let stdin = fifo(&joined.input, OFlags::RDONLY)?;
        let stdout = fifo(&joined.output, OFlags::WRONLY)?;
        let (stderr, their_err) = output_pipe(uid)?;
        let also = |end| rustix::io::fcntl_dupfd_cloexec(end, 3).map_err(|e| format!("cannot keep a FIFO: {e}"));
        let input = also(&stdin)?;
        let output = joined.to_the_end.then(|| also(&stdout)).transpose()?;
        Ok((Self { input: Some(input), output, stderr: Some(stderr) }, Ends { stdin, stdout, stderr: their_err }))
    }
}

fn fifo(path: &str, direction: OFlags) -> Result<OwnedFd, String> {
    let why = |e: rustix::io::Errno| format!("cannot open the FIFO {path}: {e}");
    let end = openat(CWD, path, direction | OPEN, Mode::empty()).map_err(why)?;
    if FileType::from_raw_mode(fstat(&end).map_err(why)?.st_mode) != FileType::Fifo {
        return Err(format!("{path} is no FIFO"));
    }
    // For the process, reading and writing wait.
    rustix::io::ioctl_fionbio(&end, false).map_err(why)?;
    Ok(end)
}

impl Streams for Joined {
    fn has_room(&self) -> bool {
        true
    }

    fn take(&mut self, _bytes: &[u8]) -> Result<(), String> {
        Err("standard input for a process that has its own".to_owned())
    }

    fn end_input(&mut self) {}

    fn hungry(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn feed(&mut self) {}

    fn drop_input(&mut self) {
        self.input = None;
        self.output = None;
    }

    fn input_ended(&self) -> bool {
        let Some(input) = &self.input else { return false };
        // A hang-up is told unasked, also while there is something left to read.
        let mut fds = [PollFd::from_borrowed_fd(input.as_fd(), PollFlags::empty())];
        let asked = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        asked.is_ok() && fds.iter().any(|fd| fd.revents().contains(PollFlags::HUP))
    }

    fn outputs(&self) -> [Option<BorrowedFd<'_>>; OUTPUTS] {
        [None, self.stderr.as_ref().map(AsFd::as_fd)]
    }

    fn read(&mut self, _which: usize, piece: &mut [u8]) -> rustix::io::Result<usize> {
        self.stderr.as_ref().map_or(Ok(0), |pipe| rustix::io::read(pipe, piece))
    }

    fn close(&mut self, which: usize) {
        if which == 1 {
            self.stderr = None;
        }
    }
}
