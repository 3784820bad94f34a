-- Submissions and the work of grading them. PostgreSQL decides; Redis only wakes.

create type verdict as enum ('AC', 'PA', 'WA', 'TLE', 'MLE', 'OLE', 'RTE', 'CE', 'SK', 'IE');
create type submission_status as enum ('queued', 'running', 'done');
create type submission_kind as enum ('student', 'validation');
create type job_state as enum ('queued', 'dispatched', 'running', 'done', 'dead');

create table submission (
  submission_id uuid primary key,
  lab_id        uuid not null references lab on delete cascade,
  revision_id   uuid not null references lab_revision,
  account_id    uuid not null references account on delete cascade,
  kind          submission_kind not null default 'student',
  -- of a validation: which reference solution of the revision this is
  solution      int,
  language      text not null,
  -- [{"name", "content"}]; json, not jsonb: a NUL that a student typed or printed is kept
  files         json not null,
  main          text,
  -- the account's n-th submission to this lab, from 1
  ordinal       int not null,
  status        submission_status not null default 'queued',
  verdict       verdict,
  -- points before the late factor
  score         double precision,
  max_score     double precision,
  late_factor   double precision not null default 1,
  -- common::submission::Grade, whole and uncut
  grade         json,
  created_at    timestamptz not null default now(),
  finished_at   timestamptz,
  constraint submission_ordinal unique (lab_id, account_id, kind, ordinal),
  constraint submission_done check ((status = 'done') = (finished_at is not null and verdict is not null))
);
create index submission_lab on submission (lab_id, submission_id);
create index submission_account on submission (account_id, submission_id);
create index submission_revision on submission (revision_id) where kind = 'validation';

create table grading_job (
  submission_id uuid primary key references submission on delete cascade,
  -- whose turn it uses up
  account_id    uuid not null,
  -- 0 interactive, 1 submission, 2 rejudge and validation
  class         smallint not null default 1,
  state         job_state not null default 'queued',
  -- how often it was claimed; every write of a worker carries it (fencing)
  attempt       int not null default 0,
  -- how many of those attempts were given back unspent by a worker that was told to stop
  handed_back   int not null default 0,
  run_after     timestamptz not null default now(),
  lease_until   timestamptz,
  worker        uuid,
  dispatched_at timestamptz,
  last_error    text,
  created_at    timestamptz not null default now()
);
create index grading_job_ready on grading_job (class, run_after) where state = 'queued';
create index grading_job_running on grading_job (lease_until) where state = 'running';
create index grading_job_live on grading_job (account_id) where state in ('dispatched', 'running');
create index grading_job_dispatched on grading_job (dispatched_at) where state = 'dispatched';
-- what is counted again and again, among ever more that is done
create index grading_job_open on grading_job (class, created_at) where state <> 'done';
create index grading_job_dead on grading_job (created_at) where state = 'dead';

create table worker (
  worker_id  uuid primary key,
  host       text not null,
  -- jobs it runs at once
  slots      int not null,
  -- its settings, which every dispatcher goes by: live jobs that any account may have at least, tries of a job
  per_account  int not null,
  max_attempts int not null,
  started_at timestamptz not null default now(),
  seen_at    timestamptz not null default now()
);
