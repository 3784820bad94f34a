//! A terminal of the jail's own kernel, in which the program is at home: its standard streams and its `/dev/tty`.
//!
//! The harness keeps both ends. The program's end is never read, but it is held open: so the terminal outlives whoever
//! closes it and opens it again, nothing written to it is lost with the last process, and an empty terminal without
//! processes is the end of the output, not an error.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use iteratione_harness::protocol::{TERMINAL_INPUT_MOST, WindowSize};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{
        InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, Winsize, tcflush, tcgetattr,
        tcsetattr, tcsetwinsize,
    },
};

use super::{OUTPUTS, Streams};
use crate::{identity::as_owner, sys, wire::Queue};

/// The keys that the line discipline turns into signals.
const SIGNALS: [(SpecialCodeIndex, libc::c_int); 3] = [
    (SpecialCodeIndex::VINTR, libc::SIGINT),
    (SpecialCodeIndex::VQUIT, libc::SIGQUIT),
    (SpecialCodeIndex::VSUSP, libc::SIGTSTP),
];

/// Both ends of a terminal.
pub struct Terminal {
    ours: OwnedFd,
    theirs: OwnedFd,
    /// Keystrokes that the kernel does not take yet: it holds some thousand bytes for a program that does not read.
    queue: Queue,
    /// Bytes that the host has sent and was not told of, those of the queue among them.
    under_way: u64,
    /// Nobody is left to type for.
    deaf: bool,
    /// Nothing more will be read.
    closed: bool,
}

/// A key that means a signal.
struct Interrupt {
    at: usize,
    key: u8,
    signal: libc::c_int,
}

impl Terminal {
    /// A new one that belongs to a uid.
    pub fn open(uid: u32, size: WindowSize) -> Result<Self, String> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let opened = as_owner(uid, || {
            let ours = openpt(flags)?;
            unlockpt(&ours)?;
            let theirs = ioctl_tiocgptpeer(&ours, flags)?;
            Ok::<_, Errno>((ours, theirs))
        });
        let opened = opened.map_err(|e| format!("cannot act as uid {uid}: {e}"))?;
        let (ours, theirs) = opened.map_err(|e| format!("cannot open a terminal: {e}"))?;
        let terminal = Self { ours, theirs, queue: Queue::default(), under_way: 0, deaf: false, closed: false };
        terminal.set_up(size).map_err(|e| format!("cannot set up the terminal: {e}"))?;
        Ok(terminal)
    }

    fn set_up(&self, size: WindowSize) -> rustix::io::Result<()> {
        rustix::io::ioctl_fionbio(&self.ours, true)?;
        let mut modes = tcgetattr(&self.theirs)?;
        // The rest is what the kernel gives every terminal: lines, echo, signals.
        modes.input_modes |= InputModes::IUTF8;
        tcsetattr(&self.theirs, OptionalActions::Now, &modes)?;
        tcsetwinsize(&self.theirs, winsize(size))
    }

    /// The program's end.
    pub fn theirs(&self) -> BorrowedFd<'_> {
        self.theirs.as_fd()
    }

    /// Whether there is input that the program has not read. If there is none, the line discipline has seen all that was
    /// written: asking waits for that.
    fn has_unread(&self) -> bool {
        let mut theirs = [PollFd::new(&self.theirs, PollFlags::IN)];
        let asked = poll(&mut theirs, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        asked.is_ok() && theirs.iter().any(|fd| fd.revents().contains(PollFlags::IN))
    }

    /// A key that means a signal must not wait behind input that nobody reads. The line discipline would throw that input
    /// away, but it does not come to see the key while it is full; so this is done for it.
    fn interrupt(&mut self, key: &Interrupt, modes: &Termios) {
        if self.queue.len() > 0 || self.has_unread() {
            if modes.local_modes.contains(LocalModes::NOFLSH) {
                // The input stays, and the key is not part of it.
                let _ = sys::signal_foreground(&self.ours, key.signal);
                return;
            }
            self.queue = Queue::default();
            let _ = tcflush(&self.theirs, QueueSelector::IFlush);
        }
        self.queue.push(&[key.key]);
        self.feed();
    }
}

/// The last of each kind, in their order. Of several, one behind the other, a program may see one only.
fn interrupts(bytes: &[u8], modes: &Termios) -> Vec<Interrupt> {
    let signals = modes.local_modes & (LocalModes::ISIG | LocalModes::EXTPROC);
    if signals != LocalModes::ISIG {
        return Vec::new();
    }
    let last = |(code, signal)| {
        // 0 is the key that there is none.
        let key = Some(modes.special_codes[code]).filter(|&key| key != 0)?;
        Some(Interrupt { at: bytes.iter().rposition(|&byte| byte == key)?, key, signal })
    };
    let mut found: Vec<_> = SIGNALS.into_iter().filter_map(last).collect();
    found.sort_by_key(|interrupt| interrupt.at);
    found.dedup_by_key(|interrupt| interrupt.at);
    found
}

fn winsize(size: WindowSize) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.cols, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Streams for Terminal {
    /// Always: what may be under way is bounded, and what comes behind it must not wait.
    fn has_room(&self) -> bool {
        true
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.under_way = self.under_way.saturating_add(bytes.len() as u64);
        if self.under_way > TERMINAL_INPUT_MOST {
            return Err(format!("more than {TERMINAL_INPUT_MOST} bytes of input for a terminal that were not taken"));
        }
        if self.deaf {
            return Ok(());
        }
        let mut start = 0;
        if let Ok(modes) = tcgetattr(&self.theirs) {
            for key in interrupts(bytes, &modes) {
                self.queue.push(bytes.get(start..key.at).unwrap_or_default());
                self.feed();
                self.interrupt(&key, &modes);
                start = key.at + 1;
            }
        }
        self.queue.push(bytes.get(start..).unwrap_or_default());
        self.feed();
        Ok(())
    }

    /// The end of what the host has to say is none for the program: that is a key, as every other.
    fn end_input(&mut self) {}

    fn hungry(&self) -> Option<BorrowedFd<'_>> {
        (self.queue.len() > 0).then(|| self.ours.as_fd())
    }

    fn feed(&mut self) {
        if self.queue.write_to(&self.ours).is_err() {
            self.drop_input();
        }
    }

    fn drop_input(&mut self) {
        self.deaf = true;
        self.queue = Queue::default();
    }

    fn settled(&mut self) -> u64 {
        let waiting = self.queue.len() as u64;
        let settled = self.under_way.saturating_sub(waiting);
        self.under_way = waiting;
        settled
    }

    fn resize(&mut self, size: WindowSize) {
        let _ = tcsetwinsize(&self.ours, winsize(size));
    }

    fn outputs(&self) -> [Option<BorrowedFd<'_>>; OUTPUTS] {
        [(!self.closed).then(|| self.ours.as_fd()), None]
    }

    /// The kernel gives at most 4 KiB at once: as much as there is, up to the piece.
    fn read(&mut self, which: usize, piece: &mut [u8]) -> rustix::io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty() && which == 0 && !self.closed) {
            match rustix::io::read(&self.ours, rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(Errno::INTR) => {}
                Err(error) if filled == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(filled)
    }

    fn close(&mut self, which: usize) {
        self.closed |= which == 0;
    }
}
