//! What a token may do: a closed set of scopes, and for each operation of the API the scopes that let a token do it.
//!
//! A scope never gives a right that the account lacks; it takes away. A token without scopes may do all that its
//! account may. [`OPERATIONS`] is the one place where an operation's scopes are said: requests are checked by it, and
//! the OpenAPI document is written from it. An operation that has no line there is refused to every token with scopes,
//! unless it only reads and the scope is `read`.

use axum::http::Method;
use utoipa::openapi::security::SecurityRequirement;

use Scope::{Admin, CoursesWrite, GradesRead, GradesWrite, LabsWrite, Read, Submit, Write};

/// A scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at everything, change nothing.
    Read,
    /// Everything that the account may do, as without any scope.
    Write,
    /// Take part: join courses, see labs, hand in, save drafts, run programs, see what became of it.
    Submit,
    /// See, put, publish and delete labs.
    LabsWrite,
    /// See submissions, gradebooks and statistics.
    GradesRead,
    /// Change grades: rejudge, extend deadlines; and see what `grades:read` sees.
    GradesWrite,
    /// Make and change courses, members and webhooks.
    CoursesWrite,
    /// What only admins may do.
    Admin,
}

/// All scopes.
pub const ALL: [Scope; 8] = [Read, Write, Submit, LabsWrite, GradesRead, GradesWrite, CoursesWrite, Admin];

impl Scope {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Submit => "submit",
            Self::LabsWrite => "labs:write",
            Self::GradesRead => "grades:read",
            Self::GradesWrite => "grades:write",
            Self::CoursesWrite => "courses:write",
            Self::Admin => "admin",
        }
    }

    /// The scope of this name.
    pub fn parse(text: &str) -> Option<Self> {
        ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody: it does not ask who.
    Nobody,
    /// Any token.
    AnyToken,
    /// A token with one of these scopes. `write` always does, and `read` for what only reads.
    One(&'static [Scope]),
    /// A browser's session; no token.
    Session,
}

const MEMBER: Needs = Needs::One(&[Submit, LabsWrite, GradesRead, GradesWrite, CoursesWrite]);
const SEE_LABS: Needs = Needs::One(&[Submit, LabsWrite, GradesRead, GradesWrite]);
const SEE_SUBMISSIONS: Needs = Needs::One(&[Submit, GradesRead, GradesWrite]);
const TAKE_PART: Needs = Needs::One(&[Submit]);
const LABS: Needs = Needs::One(&[LabsWrite]);
const COURSES: Needs = Needs::One(&[CoursesWrite]);
/// `read` and `write` alone.
const ACCOUNT: Needs = Needs::One(&[]);
const ADMIN: Needs = Needs::One(&[Admin]);
const SEE_GRADES: Needs = Needs::One(&[GradesRead, GradesWrite]);
/// What changes grades.
const GRADES: Needs = Needs::One(&[GradesWrite]);

/// One line per operation of the OpenAPI document.
#[rustfmt::skip]
pub const OPERATIONS: &[(&str, &str, Needs)] = &[
    // Accounts.
    ("POST", "/auth/login", Needs::Nobody),
    ("POST", "/auth/logout", Needs::Nobody),
    ("POST", "/auth/register", Needs::Nobody),
    ("GET", "/me", Needs::AnyToken),
    ("GET", "/me/tokens", ACCOUNT),
    ("POST", "/me/tokens", Needs::Session),
    ("DELETE", "/me/tokens/{id}", ACCOUNT),
    ("GET", "/auth/methods", Needs::Nobody),
    ("GET", "/auth/oidc/login", Needs::Nobody),
    ("GET", "/auth/oidc/callback", Needs::Nobody),
    ("GET", "/languages", Needs::Nobody),
    ("POST", "/run-tickets", TAKE_PART),
    // Courses.
    ("GET", "/courses", MEMBER),
    ("POST", "/courses", COURSES),
    ("POST", "/courses/join", TAKE_PART),
    ("GET", "/courses/{course}", MEMBER),
    ("PATCH", "/courses/{course}", COURSES),
    ("GET", "/courses/{course}/members", Needs::One(&[CoursesWrite, GradesRead, GradesWrite])),
    ("POST", "/courses/{course}/members", COURSES),
    ("DELETE", "/courses/{course}/members", COURSES),
    ("DELETE", "/courses/{course}/members/{user}", COURSES),
    // Labs and submissions.
    ("GET", "/courses/{course}/labs", SEE_LABS),
    ("PUT", "/courses/{course}/labs/{slug}", LABS),
    ("GET", "/labs/{lab}", SEE_LABS),
    ("DELETE", "/labs/{lab}", LABS),
    ("POST", "/labs/{lab}/publish", LABS),
    ("GET", "/labs/{lab}/submissions", SEE_SUBMISSIONS),
    ("POST", "/labs/{lab}/submissions", TAKE_PART),
    ("GET", "/submissions/{submission}", SEE_SUBMISSIONS),
    ("GET", "/submissions/{submission}/files", SEE_SUBMISSIONS),
    ("GET", "/submissions/{submission}/events", SEE_SUBMISSIONS),
    ("GET", "/submissions/{submission}/history", SEE_SUBMISSIONS),
    ("GET", "/submissions/{submission}/results.json", SEE_SUBMISSIONS),
    ("GET", "/submissions/{submission}/junit.xml", SEE_SUBMISSIONS),
    ("GET", "/labs/{lab}/validation", LABS),
    ("GET", "/labs/{lab}/package", LABS),
    ("GET", "/labs/{lab}/extensions", SEE_GRADES),
    ("GET", "/labs/{lab}/extensions/{user}", SEE_GRADES),
    ("PUT", "/labs/{lab}/extensions/{user}", GRADES),
    ("DELETE", "/labs/{lab}/extensions/{user}", GRADES),
    // Grades.
    ("POST", "/labs/{lab}/rejudge", GRADES),
    ("GET", "/labs/{lab}/rejudges", SEE_GRADES),
    ("POST", "/submissions/{submission}/rejudge", GRADES),
    ("GET", "/rejudges/{rejudge}", SEE_GRADES),
    ("POST", "/rejudges/{rejudge}/apply", GRADES),
    ("POST", "/rejudges/{rejudge}/cancel", GRADES),
    ("GET", "/courses/{course}/gradebook", SEE_GRADES),
    ("GET", "/courses/{course}/grades/me", SEE_SUBMISSIONS),
    ("GET", "/labs/{lab}/statistics", SEE_GRADES),
    ("GET", "/courses/{course}/invitations", COURSES),
    ("DELETE", "/courses/{course}/invitations", COURSES),
    // Audit and webhooks.
    ("GET", "/audit", ADMIN),
    ("GET", "/courses/{course}/audit", SEE_GRADES),
    ("GET", "/courses/{course}/webhooks", COURSES),
    ("POST", "/courses/{course}/webhooks", COURSES),
    ("GET", "/courses/{course}/webhooks/{webhook}", COURSES),
    ("PATCH", "/courses/{course}/webhooks/{webhook}", COURSES),
    ("DELETE", "/courses/{course}/webhooks/{webhook}", COURSES),
    ("POST", "/courses/{course}/webhooks/{webhook}/ping", COURSES),
    ("GET", "/courses/{course}/webhooks/{webhook}/deliveries", COURSES),
    ("POST", "/courses/{course}/webhooks/{webhook}/deliveries/{delivery}/redeliver", COURSES),
];

/// Path prefix of all operations.
const BASE: &str = "/api/v1";

/// What an operation needs, by the route's template below the base; `None`: it has no line.
pub fn of(method: &str, path: &str) -> Option<Needs> {
    OPERATIONS.iter().find(|(m, p, _)| *m == method && *p == path).map(|(_, _, needs)| *needs)
}

/// Why a token may not do something.
#[derive(Debug, PartialEq, Eq)]
pub enum Lacks {
    /// One of these scopes would do, separated by blanks.
    Scope(String),
    /// It is not for tokens.
    Session,
}

/// Checks a token's scopes for the route that a request has met.
pub fn check(scopes: &[String], method: &Method, route: &str) -> Result<(), Lacks> {
    // HEAD is answered by the handlers of GET.
    let name = if method == Method::HEAD { "GET" } else { method.as_str() };
    let path = route.strip_prefix(BASE).unwrap_or(route);
    let needs = of(name, path).unwrap_or(ACCOUNT);
    if needs == Needs::Session {
        return Err(Lacks::Session);
    }
    let sufficient = sufficient(needs, method.is_safe());
    let Some(sufficient) = sufficient else { return Ok(()) };
    if scopes.is_empty() || sufficient.iter().any(|s| scopes.iter().any(|have| have == s.as_str())) {
        return Ok(());
    }
    let names: Vec<_> = sufficient.iter().map(|s| s.as_str()).collect();
    Err(Lacks::Scope(names.join(" ")))
}

/// The scopes each of which suffices, the narrowest first; `None`: none is asked for.
fn sufficient(needs: Needs, safe: bool) -> Option<Vec<Scope>> {
    let Needs::One(own) = needs else { return None };
    let mut scopes = own.to_vec();
    scopes.extend(safe.then_some(Read));
    scopes.push(Write);
    Some(scopes)
}

/// How the OpenAPI document says what an operation needs: any one of these.
pub fn requirements(method: &str, path: &str) -> Vec<SecurityRequirement> {
    let needs = of(method, path).unwrap_or(ACCOUNT);
    let session = SecurityRequirement::new("session", [""; 0]);
    match needs {
        Needs::Nobody => vec![SecurityRequirement::default()],
        Needs::Session => vec![session],
        Needs::AnyToken => vec![session, SecurityRequirement::new("token", [""; 0])],
        Needs::One(_) => {
            let scopes = sufficient(needs, method == "GET").unwrap_or_default();
            let by_token = scopes.iter().map(|s| SecurityRequirement::new("token", [s.as_str()]));
            std::iter::once(session).chain(by_token).collect()
        }
    }
}
