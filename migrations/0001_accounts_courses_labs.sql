-- Accounts, courses, labs and their immutable revisions.

create type account_role as enum ('student', 'instructor', 'admin');
create type course_role as enum ('student', 'assistant', 'instructor');
create type lab_status as enum ('draft', 'validating', 'published', 'rejected');

create table account (
  account_id    uuid primary key,
  email         text not null,
  name          text not null,
  -- argon2id in PHC string form
  password_hash text not null,
  -- what one may do outside courses: instructors create courses, admins everything
  role          account_role not null default 'student',
  created_at    timestamptz not null default now()
);
create unique index account_email on account (lower(email));

create table session (
  session_id uuid primary key,
  account_id uuid not null references account on delete cascade,
  -- SHA-256 of the cookie's 256-bit token
  token_hash bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create unique index session_token on session (token_hash);
create index session_account on session (account_id);

create table api_token (
  token_id     uuid primary key,
  account_id   uuid not null references account on delete cascade,
  name         text not null,
  -- SHA-256 of the token, which is shown once and never stored
  token_hash   bytea not null,
  -- empty: all that the account may do; `read`: safe methods only
  scopes       text[] not null default '{}',
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  last_used_at timestamptz
);
create unique index api_token_hash on api_token (token_hash);
create index api_token_account on api_token (account_id);

create table course (
  course_id  uuid primary key,
  slug       text not null,
  title      text not null,
  join_code  text not null,
  -- IANA zone in which people see this course's times
  time_zone  text not null default 'UTC',
  created_by uuid not null references account,
  created_at timestamptz not null default now(),
  constraint course_slug unique (slug),
  constraint course_join_code unique (join_code)
);

create table course_member (
  course_id  uuid not null references course on delete cascade,
  account_id uuid not null references account on delete cascade,
  role       course_role not null,
  joined_at  timestamptz not null default now(),
  primary key (course_id, account_id)
);
create index course_member_account on course_member (account_id);

create table lab (
  lab_id                uuid primary key,
  course_id             uuid not null references course on delete cascade,
  slug                  text not null,
  -- of the newest revision; students go by published_revision_id
  status                lab_status not null default 'draft',
  published_revision_id uuid,
  -- what publishing found out: one entry per reference solution
  validation            jsonb,
  created_at            timestamptz not null default now(),
  updated_at            timestamptz not null default now(),
  -- kept for the grades that hang on it, hidden from everybody
  deleted_at            timestamptz
);
create unique index lab_slug on lab (course_id, slug) where deleted_at is null;

create table lab_revision (
  revision_id   uuid primary key,
  lab_id        uuid not null references lab on delete cascade,
  -- 1, 2, 3 … within the lab
  number        int not null,
  document      jsonb not null,
  -- SHA-256 of the document's canonical JSON: the same PUT twice is one revision
  document_hash bytea not null,
  created_by    uuid not null references account,
  created_at    timestamptz not null default now(),
  constraint lab_revision_number unique (lab_id, number)
);
alter table lab add foreign key (published_revision_id) references lab_revision;

create table idempotency_key (
  account_id    uuid not null references account on delete cascade,
  key           text not null,
  -- method, path and body: the same key with another request is a mistake of the client
  request_hash  bytea not null,
  status        smallint not null,
  location      text,
  body          jsonb not null,
  created_at    timestamptz not null default now(),
  primary key (account_id, key)
);
create index idempotency_key_age on idempotency_key (created_at);
