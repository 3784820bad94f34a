//! A database that lives as long as a test, and the record of every ending that is written into it.

use std::{str::FromStr as _, time::Duration};

use sqlx::{
    ConnectOptions as _, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use crate::proxy::Proxy;

/// A throw-away database.
#[derive(Debug)]
pub struct Database {
    /// How services reach it.
    pub url: String,
    /// What services go through, for tests that cut it.
    pub proxy: Option<Proxy>,
    /// Connections of the test itself.
    pub pg: PgPool,
    name: String,
    server: PgConnectOptions,
}

impl Database {
    /// Makes one on a server. Services may have to go through a proxy, the test itself never does.
    pub async fn create(server_url: &str, through_proxy: bool) -> Self {
        let server = PgConnectOptions::from_str(server_url).expect("a PostgreSQL URL").disable_statement_logging();
        let name = format!("iteratione_test_{}", Uuid::new_v4().simple());
        statement(&server, &format!("create database {name}")).await;
        let options = server.clone().database(&name);
        let pg = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(20))
            .connect_lazy_with(options.clone());
        let proxy = through_proxy.then(|| Proxy::start(format!("{}:{}", server.get_host(), server.get_port())));
        let services = match &proxy {
            Some(proxy) => options.host("127.0.0.1").port(proxy.address.port()),
            None => options,
        };
        Self { url: services.to_url_lossy().to_string(), proxy, pg, name, server }
    }

    /// From now on every write that ends a submission leaves a row in `recorded`: a submission whose grade is written
    /// twice has two. An applied rejudge ends nothing: it replaces a grade, and leaves the end's time as it was.
    pub async fn record_endings(&self) {
        sqlx::raw_sql(
            "create table recorded (submission_id uuid not null, verdict text, at timestamptz not null default clock_timestamp());
             create function record_ending() returns trigger language plpgsql as
               $$ begin insert into recorded (submission_id, verdict) values (new.submission_id, new.verdict::text); return new; end $$;
             create trigger record_ending after update on submission
               for each row when (new.status = 'done' and new.finished_at is distinct from old.finished_at) execute function record_ending();",
        )
        .execute(&self.pg)
        .await
        .expect("the schema is there");
    }

    /// From now on each submission's first claim by a grader leaves a row in `begun`.
    pub async fn record_beginnings(&self) {
        sqlx::raw_sql(
            "create table begun (submission_id uuid primary key, at timestamptz not null default clock_timestamp());
             create function record_beginning() returns trigger language plpgsql as
               $$ begin insert into begun (submission_id) values (new.submission_id) on conflict do nothing; return new; end $$;
             create trigger record_beginning after update on submission
               for each row when (new.status = 'running') execute function record_beginning();",
        )
        .execute(&self.pg)
        .await
        .expect("the schema is there");
    }

    /// How long a submission waited for a grader, by the database's clock.
    pub async fn waited(&self, submission: &str) -> Duration {
        let seconds: f64 = sqlx::query_scalar(
            "select extract(epoch from b.at - s.created_at)::float8 from begun b join submission s using (submission_id)
              where submission_id = $1::uuid",
        )
        .bind(submission)
        .fetch_one(&self.pg)
        .await
        .expect("it was claimed");
        Duration::from_secs_f64(seconds.max(0.0))
    }

    /// Submissions whose ending was not recorded exactly once, with the number of times that it was.
    pub async fn not_recorded_once(&self) -> Vec<(Uuid, i64)> {
        sqlx::query_as(
            "select s.submission_id, count(r.submission_id) from submission s left join recorded r using (submission_id)
              group by 1 having count(r.submission_id) <> 1 order by 1",
        )
        .fetch_all(&self.pg)
        .await
        .expect("the database answers")
    }

    /// Adds copies of a graded submission, for tests that need more than there is time to grade.
    pub async fn copy(&self, submission: &str, copies: usize) {
        sqlx::query(
            "with copy as (
               insert into submission (submission_id, lab_id, revision_id, account_id, language, files, main, ordinal, status,
                                       verdict, score, max_score, grade, finished_at)
               select gen_random_uuid(), lab_id, revision_id, account_id, language, files, main, ordinal + n, 'done',
                      verdict, score, max_score, grade, finished_at
                 from submission, generate_series(1, $2) n where submission_id = $1::uuid
               returning submission_id, account_id),
             job as (insert into grading_job (submission_id, account_id, state) select submission_id, account_id, 'done' from copy)
             insert into recorded (submission_id, verdict) select submission_id, 'copy' from copy",
        )
        .bind(submission)
        .bind(i32::try_from(copies).expect("not that many"))
        .execute(&self.pg)
        .await
        .expect("the copies");
    }

    /// Jobs that have not ended, and how they stand.
    pub async fn unfinished_jobs(&self) -> Vec<(Uuid, String)> {
        sqlx::query_as(
            "select submission_id, state::text from grading_job where state not in ('done', 'dead') order by 1",
        )
        .fetch_all(&self.pg)
        .await
        .expect("the database answers")
    }

    /// Removes it, whoever is still connected.
    pub async fn drop(&self) {
        self.pg.close().await;
        statement(&self.server, &format!("drop database if exists {} with (force)", self.name)).await;
    }
}

async fn statement(server: &PgConnectOptions, sql: &str) {
    let doing = async {
        let mut connection = server.connect().await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await
    };
    tokio::time::timeout(Duration::from_secs(30), doing)
        .await
        .unwrap_or_else(|_| panic!("{sql}: the server does not answer"))
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
}
