//! Typed ids. All are UUIDv7, so that they sort by creation; on the wire and in the database they are plain UUIDs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later than all that this process made before.
            #[allow(clippy::new_without_default, reason = "a default id would be a new id each time: surprising")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
            /// The bare UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                s.parse().map(Self)
            }
        }
    };
}

id!(/// Somebody with an account.
    UserId);
id!(/// A browser session.
    SessionId);
id!(/// An API token.
    TokenId);
id!(/// A line of the audit log.
    AuditId);
id!(/// A webhook of a course.
    WebhookId);
id!(/// One message to one webhook.
    DeliveryId);
id!(/// A course.
    CourseId);
id!(/// A lab: one assignment of a course.
    LabId);
id!(/// An immutable revision of a lab.
    RevisionId);
id!(/// One hand-in.
    SubmissionId);
id!(/// A rejudge set: submissions graded again, to be applied or dropped as one.
    RejudgeId);
id!(/// One run of a grader: a new one each time it starts.
    WorkerId);
