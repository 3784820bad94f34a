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
        Self::new(ours, theirs, size).map_err(|e| format!("cannot set up the terminal: {e}"))
    }

    fn new(ours: OwnedFd, theirs: OwnedFd, size: WindowSize) -> rustix::io::Result<Self> {
        rustix::io::ioctl_fionbio(&ours, true)?;
        let mut modes = tcgetattr(&theirs)?;
        // The rest is what the kernel gives every terminal: lines, echo, signals.
        modes.input_modes |= InputModes::IUTF8;
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
        tcsetwinsize(&theirs, winsize(size))?;
        Ok(Self { ours, theirs, queue: Queue::default(), under_way: 0, deaf: false, closed: false })
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

    fn settled(&self) -> u64 {
        self.under_way.saturating_sub(self.queue.len() as u64)
    }

    fn told(&mut self) {
        self.under_way = self.queue.len() as u64;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Terminal {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).expect("a terminal");
        unlockpt(&ours).expect("ours");
        let theirs = ioctl_tiocgptpeer(&ours, flags).expect("its other end");
        Terminal::new(ours, theirs, WindowSize { cols: 80, rows: 24 }).expect("set up")
    }

    fn modes() -> Termios {
        tcgetattr(&terminal().theirs).expect("modes")
    }

    fn found(bytes: &[u8], modes: &Termios) -> Vec<(usize, libc::c_int)> {
        interrupts(bytes, modes).iter().map(|interrupt| (interrupt.at, interrupt.signal)).collect()
    }

    #[test]
    fn the_last_interrupt_of_each_kind_counts() {
        let modes = modes();
        assert_eq!(found(b"print 1\n\x04", &modes), []);
        assert_eq!(found(b"\x03a\x03b\x1a", &modes), [(2, libc::SIGINT), (4, libc::SIGTSTP)]);
        assert_eq!(found(b"\x1c\x1a\x03", &modes), [(0, libc::SIGQUIT), (1, libc::SIGTSTP), (2, libc::SIGINT)]);
    }

    #[test]
    fn what_interrupts_is_the_terminal_s_own_setting() {
        let all = b"\x00\x03\x1a\x1cq";
        let mut raw = modes();
        raw.make_raw();
        assert_eq!(found(all, &raw), []);
        let mut other = modes();
        other.special_codes[SpecialCodeIndex::VINTR] = b'q';
        other.special_codes[SpecialCodeIndex::VSUSP] = b'q';
        other.special_codes[SpecialCodeIndex::VQUIT] = 0;
        assert_eq!(found(all, &other), [(4, libc::SIGINT)], "one key is one signal, and 0 is no key");
    }

    #[test]
    fn what_nobody_reads_waits_within_its_bound_until_it_is_dropped() {
        let (mut terminal, most) = (terminal(), usize::try_from(TERMINAL_INPUT_MOST).expect("small"));
        terminal.take(&b"0123456\n".repeat(most / 8)).expect("as much as allowed");
        let settled = terminal.settled();
        assert!(settled > 0 && settled < TERMINAL_INPUT_MOST, "{settled}");
        assert!(terminal.hungry().is_some());
        assert!(terminal.take(b"x").is_err(), "the host does not know yet that some of it was taken");
        terminal.under_way -= 1;
        terminal.told();
        terminal.take(b"x").expect("now it does");
        terminal.drop_input();
        assert_eq!((terminal.settled(), terminal.hungry().is_none()), (TERMINAL_INPUT_MOST - settled + 1, true));
        terminal.told();
        terminal.take(b"nobody is there\n").expect("dropped");
        assert_eq!(terminal.settled(), 16);
    }

    #[test]
    fn an_interrupt_does_not_wait_behind_what_nobody_reads() {
        let mut terminal = terminal();
        terminal.take(&b"0123456\n".repeat(100_000)).expect("as much as allowed");
        terminal.take(b"more\n\x03line\n").expect("as much as allowed");
        assert_eq!((terminal.settled(), terminal.under_way), (800_011, 800_011), "nothing waits");
        let mut line = [0; 100];
        let read = rustix::io::read(&terminal.theirs, &mut line).expect("a line");
        assert_eq!(line.get(..read), Some(&b"line\n"[..]), "what was typed before is gone");
    }

    #[test]
    fn output_is_gathered_and_an_empty_terminal_is_not_its_end() {
        let mut terminal = terminal();
        let mut piece = vec![0; 20_000];
        assert_eq!(terminal.read(0, &mut piece), Err(Errno::AGAIN));
        rustix::io::write(&terminal.theirs, &[b'x'; 6000]).expect("it takes it");
        assert_eq!(terminal.read(0, &mut piece[..100]), Ok(100));
        assert_eq!(terminal.read(0, &mut piece), Ok(5900));
        assert_eq!(terminal.read(0, &mut piece), Err(Errno::AGAIN));
        terminal.close(0);
        assert_eq!((terminal.read(0, &mut piece), terminal.outputs()[0].is_none()), (Ok(0), true));
    }
}
