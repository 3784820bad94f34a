//! Who sees what of a lab and of a submission. Every answer and every live event about them passes here, so that this
//! is the one place to look at when the question is what a student can learn.
//!
//! Staff of the course see everything. A student sees of a submission of her own: her sources, what the compiler said
//! of them, each test's name, verdict and points, and of sample and visible tests the rest too. Of hidden tests not
//! even times, memory, exit code or signal: a program could carry an input out by them. Nobody else sees anything.

mod lab;
mod submission;
#[cfg(test)]
mod tests;

pub use lab::{GroupView, LabView, OwnAttempts, TestOutlineView, lab_for_staff, lab_for_student};
pub use submission::{Cut, SubmissionLine, SubmissionView, late};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Assistants and instructors of the course, and admins.
    Staff,
    /// The student whose submission it is.
    Owner,
}
