//! The standard streams of a process tree, as the harness holds them: pipes, FIFOs that lead to another jail, or a
//! terminal.

use std::os::fd::BorrowedFd;

use iteratione_harness::protocol::WindowSize;

mod joined;
mod pipes;
mod terminal;

pub use joined::Joined;
pub use pipes::{Ends, Pipes, pipes};
pub use terminal::Terminal;

/// Output comes on so many: standard output is 0, standard error is 1.
pub const OUTPUTS: usize = 2;

/// Our ends. None of them blocks.
pub trait Streams {
    // --- input

    /// Whether more may be taken from the host.
    fn has_room(&self) -> bool;

    /// Input from the host. What the program cannot get any more is dropped. An error is the host's mistake.
    fn take(&mut self, bytes: &[u8]) -> Result<(), String>;

    /// No more will come from the host.
    fn end_input(&mut self);

    /// Where to wait, while there is something to write.
    fn hungry(&self) -> Option<BorrowedFd<'_>>;

    /// Writes what the program takes now.
    fn feed(&mut self);

    /// The process is no more: nobody will read, and what was kept open for it is closed.
    fn drop_input(&mut self) {}

    /// Whether nobody is left who could write to the input, where that is not the host.
    fn input_ended(&self) -> bool {
        false
    }

    /// Bytes of the input that are settled, one way or the other, and that the host is to be told of.
    fn settled(&self) -> u64 {
        0
    }

    /// The host was told of all that are settled.
    fn told(&mut self) {}

    /// The terminal has another size.
    fn resize(&mut self, _size: WindowSize) {}

    // --- output

    /// What may have something to read.
    fn outputs(&self) -> [Option<BorrowedFd<'_>>; OUTPUTS];

    /// Reads one piece; 0 is the end.
    fn read(&mut self, which: usize, piece: &mut [u8]) -> rustix::io::Result<usize>;

    /// Nothing more will be read from it.
    fn close(&mut self, which: usize);
}
