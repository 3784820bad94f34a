//! `iteratione-api seed-demo`: the accounts of the demo. Everything else of it goes in over REST.

use anyhow::ensure;
use iteratione_common::{
    ids::UserId,
    store::{
        self, AccountRole, MigrateFailure,
        account::{self, NewAccount},
    },
};

use crate::{auth::Passwords, config::Config};

/// Known to everybody: that is why they exist in dev only.
const PASSWORD: &str = "iteratione-demo";
const ACCOUNTS: [(&str, &str, AccountRole); 3] = [
    ("admin@demo.test", "Demo Admin", AccountRole::Admin),
    ("instructor@demo.test", "Demo Instructor", AccountRole::Instructor),
    ("student@demo.test", "Demo Student", AccountRole::Student),
];

/// Makes the accounts, or gives existing ones their roles and password back.
pub(super) async fn seed(config: Config) -> anyhow::Result<()> {
    ensure!(config.is_dev(), "the demo's accounts have a known password: only with ITERATIONE_ENV=dev");
    let pg = store::connect(&config.database_url, 1)?;
    store::migrate(&pg).await.map_err(|e| match e {
        MigrateFailure::Away(e) | MigrateFailure::Broken(e) => e,
    })?;
    let passwords = Passwords::new(1)?;
    for (email, name, role) in ACCOUNTS {
        let known = account::credentials(&pg, email).await?;
        let hash = match known {
            Some(c) if is_right(&passwords, &c.password_hash).await? => c.password_hash,
            _ => passwords.hash(PASSWORD.to_owned()).await.map_err(|e| anyhow::anyhow!("{e}"))?,
        };
        let new = NewAccount { id: UserId::new(), email, name, password_hash: &hash, role };
        account::upsert(&pg, &new).await?;
    }
    pg.close().await;
    Ok(())
}

async fn is_right(passwords: &Passwords, hash: &str) -> anyhow::Result<bool> {
    passwords.verify(PASSWORD.to_owned(), Some(hash.to_owned())).await.map_err(|e| anyhow::anyhow!("{e}"))
}
