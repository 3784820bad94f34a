-- What a single student gets beyond the lab's own dates and attempts.

create table extension (
  lab_id         uuid not null references lab on delete cascade,
  account_id     uuid not null references account on delete cascade,
  -- instead of the lab's own; null: the lab's own holds
  available_from timestamptz,
  due_at         timestamptz,
  extra_attempts int not null default 0,
  -- for the staff
  note           text,
  granted_by     uuid not null references account,
  updated_at     timestamptz not null default now(),
  primary key (lab_id, account_id)
);
