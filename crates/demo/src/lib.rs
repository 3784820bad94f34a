//! The demo: a course with three labs, programs that show every verdict, and programs that are typed into. It knows the
//! judge only from outside;
//! [`client`] and [`sse`] are what any script would need, and serve the tests too.

pub mod cases;
pub mod client;
pub mod course;
pub mod files;
pub mod run;
pub mod sse;
pub mod table;
pub mod talk;

/// Password of the demo's accounts, which `iteratione-api seed-demo` makes.
pub const PASSWORD: &str = "iteratione-demo";
/// The demo's instructor.
pub const INSTRUCTOR: &str = "instructor@demo.test";
/// The demo's student.
pub const STUDENT: &str = "student@demo.test";
/// The demo's admin.
pub const ADMIN: &str = "admin@demo.test";
