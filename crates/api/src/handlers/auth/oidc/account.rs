//! Which account somebody has whom the provider names.

use iteratione_common::{
    ids::UserId,
    store::{
        AccountRole, PgTransaction,
        account::{self, AccountRow, EMAIL_CONSTRAINT, NewAccount},
        audit::{self, Action, Entry},
        identity::{self, IDENTITY_CONSTRAINT},
    },
};
use serde_json::json;

use crate::{
    auth::secret,
    check,
    config::OidcConfig,
    error::{ApiError, OnConstraint as _},
    oidc::{Claims, NotSignedIn},
    state::AppState,
};

/// The account of whom these claims name: the one tied to them, else the one of their verified address, else a new one.
pub(super) async fn of(
    tx: &mut PgTransaction<'_>,
    state: &AppState,
    settings: &OidcConfig,
    claims: &Claims,
    mut actor: audit::Actor,
) -> Result<UserId, ApiError> {
    let known = identity::account(&mut **tx, &settings.issuer, &claims.subject).await?;
    let account = match known {
        Some(account) => account,
        None => first(tx, state, settings, claims, &mut actor).await?,
    };
    actor.account = Some(account.account_id);
    map_role(tx, settings, claims, &account, &actor).await?;
    Ok(account.account_id)
}

async fn first(
    tx: &mut PgTransaction<'_>,
    state: &AppState,
    settings: &OidcConfig,
    claims: &Claims,
    actor: &mut audit::Actor,
) -> Result<AccountRow, ApiError> {
    let email = address(settings, claims)?;
    // Nobody knows it: this account is signed in to by the provider alone.
    let password_hash = state.passwords.hash(secret::session_token()).await?;
    let existing = account::by_email(&mut **tx, &email).await?;
    let (account, action) = match existing {
        Some(account) if account.role == AccountRole::Admin => {
            let detail = "Administrators sign in with their password.";
            return Err(NotSignedIn::new("admin_account", detail).into());
        }
        Some(account) if identity::is_tied(&mut **tx, &settings.issuer, account.account_id).await? => {
            // Providers give addresses of people who have left to others.
            let detail = "Your address belongs to an account of somebody else whom the provider knows. Ask the staff.";
            return Err(NotSignedIn::new("account_tied", detail).into());
        }
        Some(account) => {
            // Whoever registered with this address never proved that it was theirs.
            identity::take_over(tx, account.account_id, &password_hash).await?;
            (account, Action::AccountLink)
        }
        None if settings.create_accounts => {
            let new = NewAccount {
                id: UserId::new(),
                email: &email,
                name: &name(claims, &email),
                password_hash: &password_hash,
                role: AccountRole::Student,
            };
            let account = account::insert(&mut **tx, &new).await.on_constraint(EMAIL_CONSTRAINT, again)?;
            (account, Action::AccountCreate)
        }
        None => {
            let detail = "There is no account for your address here, and none is made. Ask your instructor.";
            return Err(NotSignedIn::new("no_account", detail).into());
        }
    };
    let id = account.account_id;
    identity::insert(&mut **tx, &settings.issuer, &claims.subject, id)
        .await
        .on_constraint(IDENTITY_CONSTRAINT, again)?;
    actor.account = Some(id);
    let entry = Entry::new(action).subject(id).after(json!({"issuer": settings.issuer, "email": email}));
    audit::record(tx, actor, entry).await?;
    Ok(account)
}

fn again() -> ApiError {
    ApiError::conflict("sign_in_again", "You are signing in for the first time twice at once: begin again.")
}

/// The address that the provider has verified, if it may sign in here.
fn address(settings: &OidcConfig, claims: &Claims) -> Result<String, NotSignedIn> {
    let told = claims.email().and_then(|(text, verified)| Some((check::normal_email(text)?, verified)));
    let Some((email, verified)) = told else {
        let detail = "The provider tells no e-mail address of you that can be used here.";
        return Err(NotSignedIn::new("email_missing", detail));
    };
    if !verified {
        let detail = "The provider has not verified your e-mail address: verify it there first.";
        return Err(NotSignedIn::new("email_unverified", detail));
    }
    let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !settings.domains.is_empty() && !settings.domains.iter().any(|d| d.eq_ignore_ascii_case(domain)) {
        return Err(NotSignedIn::new("email_domain", "Addresses of this domain cannot sign in here."));
    }
    Ok(email)
}

/// For people, as names are everywhere: one line of 1 to 100 characters.
fn name(claims: &Claims, email: &str) -> String {
    let told: String = claims.name().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect();
    let told = told.trim();
    if told.is_empty() { email.chars().take(100).collect() } else { told.to_owned() }
}

/// Makes an instructor or a student of whom the provider says so. Admins stay what they are.
async fn map_role(
    tx: &mut PgTransaction<'_>,
    settings: &OidcConfig,
    claims: &Claims,
    account: &AccountRow,
    actor: &audit::Actor,
) -> Result<(), ApiError> {
    if settings.role_claim.is_empty() || account.role == AccountRole::Admin {
        return Ok(());
    }
    let teaches = claims.holds(&settings.role_claim, &settings.instructor_values);
    let role = if teaches { AccountRole::Instructor } else { AccountRole::Student };
    if role != account.role {
        identity::set_role(&mut **tx, account.account_id, role).await?;
        let entry = Entry::new(Action::AccountRole).subject(account.account_id);
        let entry = entry.before(json!({"role": account.role})).after(json!({"role": role}));
        audit::record(tx, actor, entry).await?;
    }
    Ok(())
}
