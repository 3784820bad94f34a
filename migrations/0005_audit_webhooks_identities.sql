-- Who did what to grades; who is told of grades; who signs in elsewhere.

create type audit_action as enum (
  'course.create', 'course.change', 'course.join',
  'member.add', 'member.change', 'member.remove',
  'lab.put', 'lab.publish', 'lab.delete',
  'extension.put', 'extension.delete',
  'rejudge.create', 'rejudge.apply', 'rejudge.cancel',
  'grade.change',
  'token.create', 'token.delete',
  'account.create', 'account.link', 'account.role',
  'webhook.create', 'webhook.change', 'webhook.delete'
);

-- Lines are only ever added. Nothing here refers to other tables, so that nothing goes when they do.
create table audit (
  audit_id   uuid primary key,
  at         timestamptz not null default clock_timestamp(),
  action     audit_action not null,
  -- who: the account, and the token if it was not a browser; none for what the judge does by itself
  account_id uuid,
  token_id   uuid,
  -- what it was done to
  course_id  uuid,
  lab_id     uuid,
  -- whose rights or grades change
  subject_id uuid,
  -- any other thing that the action is about
  object_id  uuid,
  before     jsonb,
  after      jsonb,
  -- names the request in the log
  request_id text,
  -- the client's address, as far as the proxies before the service are believed
  remote     text
);
create index audit_course on audit (course_id, audit_id) where course_id is not null;

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function audit_is_append_only();

create type webhook_event as enum ('submission.graded', 'ping');
create type delivery_state as enum ('pending', 'delivered', 'dead');

create table webhook (
  webhook_id      uuid primary key,
  course_id       uuid not null references course on delete cascade,
  url             text not null,
  -- signing needs it as it is
  secret          bytea not null,
  events          webhook_event[] not null,
  active          boolean not null default true,
  -- why the judge has switched it off
  disabled_reason text,
  -- since when no delivery has succeeded
  failing_since   timestamptz,
  created_by      uuid not null references account,
  created_at      timestamptz not null default now()
);
create index webhook_course on webhook (course_id);

-- The outbox: written in the transaction that records a grade, sent by the API.
create table webhook_delivery (
  delivery_id     uuid primary key,
  webhook_id      uuid not null references webhook on delete cascade,
  -- what receivers tell repetitions by
  message_id      uuid not null,
  event           webhook_event not null,
  -- the very bytes that are signed
  payload         text not null,
  state           delivery_state not null default 'pending',
  -- how often it was tried; every note of a sender carries it
  attempt         int not null default 0,
  next_attempt_at timestamptz not null default now(),
  -- of the last attempt
  status          smallint,
  error           text,
  response        text,
  created_at      timestamptz not null default now(),
  ended_at        timestamptz
);
create index webhook_delivery_due on webhook_delivery (webhook_id, next_attempt_at) where state = 'pending';
create index webhook_delivery_page on webhook_delivery (webhook_id, delivery_id);

-- Accounts as a provider of single sign-on knows them.
create table identity (
  issuer     text not null,
  subject    text not null,
  account_id uuid not null references account on delete cascade,
  created_at timestamptz not null default now(),
  primary key (issuer, subject)
);
create index identity_account on identity (account_id);

-- SHA-256 of the state of every sign-in that came back: each comes back once.
create table sign_in_state (
  state_hash bytea primary key,
  used_at    timestamptz not null default now()
);
