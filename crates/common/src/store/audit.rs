//! The audit log: who changed what decides grades. Lines are added in the transaction of the act and never change;
//! the database refuses it.

use serde_json::Value;

use super::{PgExecutor, PgTransaction, Time};
use crate::ids::{AuditId, CourseId, LabId, TokenId, UserId};

/// The most bytes of `before` and of `after`: they are for people who look something up, not a backup.
const STATE_MOST: usize = 8 << 10;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema)]
#[sqlx(type_name = "audit_action")]
pub enum Action {
    /// A course was made.
    #[serde(rename = "course.create")]
    #[sqlx(rename = "course.create")]
    CourseCreate,
    /// Its title, time zone or join code was changed.
    #[serde(rename = "course.change")]
    #[sqlx(rename = "course.change")]
    CourseChange,
    /// Somebody came in by the join code.
    #[serde(rename = "course.join")]
    #[sqlx(rename = "course.join")]
    CourseJoin,
    /// Somebody was made a member.
    #[serde(rename = "member.add")]
    #[sqlx(rename = "member.add")]
    MemberAdd,
    /// A member got another role.
    #[serde(rename = "member.change")]
    #[sqlx(rename = "member.change")]
    MemberChange,
    /// A member was removed.
    #[serde(rename = "member.remove")]
    #[sqlx(rename = "member.remove")]
    MemberRemove,
    /// A lab got a new revision.
    #[serde(rename = "lab.put")]
    #[sqlx(rename = "lab.put")]
    LabPut,
    /// Publishing was begun.
    #[serde(rename = "lab.publish")]
    #[sqlx(rename = "lab.publish")]
    LabPublish,
    /// A lab was deleted.
    #[serde(rename = "lab.delete")]
    #[sqlx(rename = "lab.delete")]
    LabDelete,
    /// A student got terms of their own.
    #[serde(rename = "extension.put")]
    #[sqlx(rename = "extension.put")]
    ExtensionPut,
    /// A student lost them.
    #[serde(rename = "extension.delete")]
    #[sqlx(rename = "extension.delete")]
    ExtensionDelete,
    /// Submissions are graded anew, for a look.
    #[serde(rename = "rejudge.create")]
    #[sqlx(rename = "rejudge.create")]
    RejudgeCreate,
    /// The new grades were taken over.
    #[serde(rename = "rejudge.apply")]
    #[sqlx(rename = "rejudge.apply")]
    RejudgeApply,
    /// They were dropped.
    #[serde(rename = "rejudge.cancel")]
    #[sqlx(rename = "rejudge.cancel")]
    RejudgeCancel,
    /// A grade was changed by hand.
    #[serde(rename = "grade.change")]
    #[sqlx(rename = "grade.change")]
    GradeChange,
    /// A token was made.
    #[serde(rename = "token.create")]
    #[sqlx(rename = "token.create")]
    TokenCreate,
    /// A token was ended.
    #[serde(rename = "token.delete")]
    #[sqlx(rename = "token.delete")]
    TokenDelete,
    /// Single sign-on made an account.
    #[serde(rename = "account.create")]
    #[sqlx(rename = "account.create")]
    AccountCreate,
    /// Single sign-on took over an account that was there.
    #[serde(rename = "account.link")]
    #[sqlx(rename = "account.link")]
    AccountLink,
    /// An account may do more or less than before.
    #[serde(rename = "account.role")]
    #[sqlx(rename = "account.role")]
    AccountRole,
    /// A webhook was made.
    #[serde(rename = "webhook.create")]
    #[sqlx(rename = "webhook.create")]
    WebhookCreate,
    /// A webhook was changed.
    #[serde(rename = "webhook.change")]
    #[sqlx(rename = "webhook.change")]
    WebhookChange,
    /// A webhook was deleted.
    #[serde(rename = "webhook.delete")]
    #[sqlx(rename = "webhook.delete")]
    WebhookDelete,
}

/// Who acts, and whence.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    /// The account; none for what the judge does by itself.
    pub account: Option<UserId>,
    /// The token, if it was not a browser.
    pub token: Option<TokenId>,
    /// Names the request in the log.
    pub request_id: Option<String>,
    /// The client's address.
    pub remote: Option<String>,
}

/// A line to be added: what was done to what.
#[derive(Debug, Clone)]
#[must_use = "a line is there once it is recorded"]
pub struct Entry {
    action: Action,
    course: Option<CourseId>,
    lab: Option<LabId>,
    subject: Option<UserId>,
    object: Option<uuid::Uuid>,
    before: Option<Value>,
    after: Option<Value>,
}

impl Entry {
    /// Something was done.
    pub fn new(action: Action) -> Self {
        Self { action, course: None, lab: None, subject: None, object: None, before: None, after: None }
    }

    /// In a course: its instructors see the line.
    pub fn course(mut self, course: CourseId) -> Self {
        self.course = Some(course);
        self
    }

    /// To a lab.
    pub fn lab(mut self, lab: LabId) -> Self {
        self.lab = Some(lab);
        self
    }

    /// To somebody's rights or grades.
    pub fn subject(mut self, account: UserId) -> Self {
        self.subject = Some(account);
        self
    }

    /// To any other thing: a submission, a token, a set of submissions.
    pub fn object(mut self, id: impl Into<uuid::Uuid>) -> Self {
        self.object = Some(id.into());
        self
    }

    /// How it was. Small: what is larger than 8 KiB is left out. No secrets, no code.
    pub fn before(mut self, state: Value) -> Self {
        self.before = Some(bounded(state));
        self
    }

    /// How it is now; as [`Entry::before`].
    pub fn after(mut self, state: Value) -> Self {
        self.after = Some(bounded(state));
        self
    }
}

fn bounded(state: Value) -> Value {
    let bytes = state.to_string().len();
    if bytes <= STATE_MOST { state } else { serde_json::json!({"left_out_bytes": bytes}) }
}

/// Adds a line, in the transaction of the act: neither is there without the other.
pub async fn record(tx: &mut PgTransaction<'_>, actor: &Actor, entry: Entry) -> sqlx::Result<()> {
    record_all(tx, actor, vec![entry]).await
}

/// Adds many lines, as [`record`] does.
pub async fn record_all(tx: &mut PgTransaction<'_>, actor: &Actor, entries: Vec<Entry>) -> sqlx::Result<()> {
    let ids: Vec<uuid::Uuid> = entries.iter().map(|_| AuditId::new().uuid()).collect();
    let actions: Vec<Action> = entries.iter().map(|e| e.action).collect();
    let courses: Vec<_> = entries.iter().map(|e| e.course.map(CourseId::uuid)).collect();
    let labs: Vec<_> = entries.iter().map(|e| e.lab.map(LabId::uuid)).collect();
    let subjects: Vec<_> = entries.iter().map(|e| e.subject.map(UserId::uuid)).collect();
    let objects: Vec<_> = entries.iter().map(|e| e.object).collect();
    let (befores, afters): (Vec<_>, Vec<_>) = entries.into_iter().map(|e| (e.before, e.after)).unzip();
    sqlx::query!(
        "insert into audit (audit_id, action, course_id, lab_id, subject_id, object_id, before, after,
                            account_id, token_id, request_id, remote)
         select *, $9, $10, $11, $12
         from unnest($1::uuid[], $2::audit_action[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::jsonb[],
                     $8::jsonb[])",
        &ids,
        &actions as &[Action],
        &courses as &[Option<uuid::Uuid>],
        &labs as &[Option<uuid::Uuid>],
        &subjects as &[Option<uuid::Uuid>],
        &objects as &[Option<uuid::Uuid>],
        &befores as &[Option<Value>],
        &afters as &[Option<Value>],
        actor.account as Option<UserId>,
        actor.token as Option<TokenId>,
        actor.request_id,
        actor.remote
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A line.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Id; later lines have larger ones.
    pub audit_id: AuditId,
    /// When.
    pub at: Time,
    /// What.
    pub action: Action,
    /// Who.
    pub account_id: Option<UserId>,
    /// Their address, while the account is there.
    pub email: Option<String>,
    /// With which token.
    pub token_id: Option<TokenId>,
    /// In which course.
    pub course_id: Option<CourseId>,
    /// To which lab.
    pub lab_id: Option<LabId>,
    /// To whose rights or grades.
    pub subject_id: Option<UserId>,
    /// To what else.
    pub object_id: Option<uuid::Uuid>,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// Names the request in the log.
    pub request_id: Option<String>,
    /// The client's address.
    pub remote: Option<String>,
}

/// A course's lines, or all, newest first, from before `after` on.
pub async fn page(
    db: impl PgExecutor<'_>,
    course: Option<CourseId>,
    after: Option<AuditId>,
    limit: i64,
) -> sqlx::Result<Vec<AuditRow>> {
    sqlx::query_as!(
        AuditRow,
        r#"select l.audit_id, l.at, l.action, l.account_id, a.email as "email?", l.token_id, l.course_id, l.lab_id,
                  l.subject_id, l.object_id, l.before, l.after, l.request_id, l.remote
           from audit l left join account a on a.account_id = l.account_id
           where ($1::uuid is null or l.course_id = $1) and ($2::uuid is null or l.audit_id < $2)
           order by l.audit_id desc limit $3"#,
        course as Option<CourseId>,
        after as Option<AuditId>,
        limit
    )
    .fetch_all(db)
    .await
}
