//! The modes of this terminal: raw while a program runs, and as it was again in every case.

use std::{
    io::{stderr, stdin, stdout},
    os::fd::{AsFd, OwnedFd},
    sync::{Mutex, Once, PoisonError},
};

use iteratione_common::terminal::Size;
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// What to put back, and where. A static, because a panic and an early end must find it too.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

/// While it lives the terminal has other modes.
pub struct Mode(());

impl Mode {
    /// Every key is given on as it is, and nothing is changed on its way to the screen.
    pub fn raw(terminal: impl AsFd) -> rustix::io::Result<Self> {
        Self::changed(terminal, Termios::make_raw)
    }

    /// What is typed is not shown.
    pub fn hidden(terminal: impl AsFd) -> rustix::io::Result<Self> {
        Self::changed(terminal, |modes| modes.local_modes.remove(LocalModes::ECHO))
    }

    fn changed(terminal: impl AsFd, change: impl FnOnce(&mut Termios)) -> rustix::io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        change(&mut modes);
        let kept = rustix::io::fcntl_dupfd_cloexec(&terminal, 3)?;
        restore_when_panicking();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((kept, before));
        let mode = Self(());
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        Ok(mode)
    }
}

impl Drop for Mode {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal's modes back, if they were changed.
pub fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, modes)) = before {
        // Not `Drain`: a terminal that is held would hold this process too. If it is gone, nothing needs to be put back.
        let _ = tcsetattr(terminal, OptionalActions::Now, &modes);
    }
}

/// Before the message of a panic, which would be written in steps across a raw screen.
fn restore_when_panicking() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            usual(panic);
        }));
    });
}

/// The size of this terminal's window, or of one as there always was.
pub fn window() -> Size {
    let found = [stdin().as_fd(), stdout().as_fd(), stderr().as_fd()]
        .into_iter()
        .filter(|fd| isatty(fd))
        .find_map(|fd| tcgetwinsize(fd).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0));
    found.map_or(Size { cols: 80, rows: 24 }, |size| Size { cols: size.ws_col, rows: size.ws_row }).clamped()
}
