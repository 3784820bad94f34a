-- Rejudge sets: submissions graded again beside their standing grades, to be compared and then applied or dropped as one.

-- A run of a rejudge set is a submission of its own, with a job of its own: fencing, retries, dead letters and "one final
-- state" hold for it as for any other, and graders know nothing of sets.
alter type submission_kind add value 'rejudge';

-- when an applied rejudge set last replaced this grade
alter table submission add column regraded_at timestamptz;
-- jobs of rejudge sets leave a slot to whoever hands in
alter table grading_job add column rejudge boolean not null default false;
-- which submission of a student counts: `best` or `last`; apart, because the document may be megabytes
alter table lab_revision add column counting text not null
  generated always as (coalesce(document ->> 'counting', 'best')) stored;

create type rejudge_state as enum ('open', 'applied', 'cancelled');
create type rejudge_outcome as enum ('applied', 'unfinished', 'failed', 'conflict');

create table rejudge_set (
  set_id      uuid primary key,
  lab_id      uuid not null references lab on delete cascade,
  -- what it grades by
  revision_id uuid not null references lab_revision,
  reason      text not null,
  -- what was asked for
  filter      jsonb not null,
  state       rejudge_state not null default 'open',
  -- scored anew from stored results of tests, without running
  rescored    int not null default 0,
  created_by  uuid not null references account,
  created_at  timestamptz not null default now(),
  closed_by   uuid references account,
  closed_at   timestamptz,
  constraint rejudge_set_closed check ((state = 'open') = (closed_at is null))
);
create index rejudge_set_lab on rejudge_set (lab_id, set_id);

create table rejudge_item (
  set_id          uuid not null references rejudge_set on delete cascade,
  submission_id   uuid not null references submission on delete cascade,
  -- the submission of kind `rejudge` by which it is graded again; null once dropped
  run_id          uuid unique references submission on delete set null,
  -- the grade that stood when the set was made
  old_revision_id uuid not null references lab_revision,
  old_verdict     verdict not null,
  old_score       double precision not null,
  old_max_score   double precision not null,
  old_late_factor double precision not null,
  old_regraded_at timestamptz,
  -- what applying did
  outcome         rejudge_outcome,
  primary key (set_id, submission_id)
);
create index rejudge_item_submission on rejudge_item (submission_id);

-- Grades that were replaced, whole.
create table submission_grade_history (
  submission_id uuid not null references submission on delete cascade,
  replaced_at   timestamptz not null,
  -- the set that replaced it
  set_id        uuid references rejudge_set on delete set null,
  revision_id   uuid not null references lab_revision,
  verdict       verdict not null,
  score         double precision not null,
  max_score     double precision not null,
  late_factor   double precision not null,
  grade         json,
  -- when it began to count
  graded_at     timestamptz not null,
  primary key (submission_id, replaced_at)
);

-- The one submission of each student that counts for each lab: the best score after the late factor, of equal ones the
-- earliest; or the last. Internal errors never count.
create view counting_submission as
  select distinct on (s.lab_id, s.account_id) s.lab_id, s.account_id, s.submission_id
    from submission s join lab l using (lab_id)
    left join lab_revision r on r.revision_id = l.published_revision_id
   where s.kind = 'student' and s.status = 'done' and s.verdict <> 'IE'
   order by s.lab_id, s.account_id,
            case when r.counting = 'last' then 0 else round((s.score * s.late_factor)::numeric, 6) end desc,
            case when r.counting = 'last' then s.created_at end desc,
            s.created_at, s.submission_id;

-- What a set found out about each of its submissions.
create view rejudge_result as
  select i.set_id, i.submission_id, i.run_id, i.outcome, s.lab_id, s.account_id, s.created_at, s.language,
         i.old_revision_id, i.old_verdict, i.old_score, i.old_max_score, i.old_late_factor, i.old_regraded_at,
         n.verdict as new_verdict, n.score as new_score, n.max_score as new_max_score, n.late_factor as new_late_factor,
         s.regraded_at is distinct from i.old_regraded_at as moved,
         case when n.submission_id is null then 'dropped'
              when n.status <> 'done' then 'pending'
              when n.verdict = 'IE' then 'failed'
              when round((n.score * n.late_factor)::numeric, 6) > round((i.old_score * i.old_late_factor)::numeric, 6) then 'better'
              when round((n.score * n.late_factor)::numeric, 6) < round((i.old_score * i.old_late_factor)::numeric, 6) then 'worse'
              else 'same' end as change
    from rejudge_item i
    join submission s on s.submission_id = i.submission_id
    left join submission n on n.submission_id = i.run_id;

-- Students who are on a roster and have no account yet: they are members from the moment that they have one.
create table course_invitation (
  course_id  uuid not null references course on delete cascade,
  -- normalised
  email      text not null,
  invited_by uuid not null references account,
  invited_at timestamptz not null default now(),
  primary key (course_id, email)
);
create index course_invitation_email on course_invitation (email);
