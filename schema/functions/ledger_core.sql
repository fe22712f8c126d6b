-- The heart of the ledger. Every change of a balance goes through ledger_append, under the lock of
-- the one account row it concerns. These functions run as bursar_ledger, the only role that may
-- write accounts, entries and holds; row-level security holds for that role as for any other, so
-- each call names its tenant and sets it for its own transaction: one call, one round trip.
--
-- Relations are written with their schema because the functions are SECURITY DEFINER: otherwise a
-- temporary table of the caller could stand in for one of ours.
--
-- Plans are kept as long as a connection lives. One that was made while a table was almost empty
-- would go on reading it whole when it is full, so the operations plan without that way of reading,
-- and no index beside the right one fits their look-ups.

-- What every operation answers. `code` is 'ok' or the code of a refusal; a refusal changed nothing.
-- Amounts have four decimals as their columns do; said here again, each would be converted anew.
drop type if exists ledger_answer cascade;
create type ledger_answer as (
  code text,
  replayed boolean,
  budget_id uuid,
  account_id uuid,
  ref_type text,
  ref_id text,
  state text,
  amount numeric,
  charged numeric,
  released numeric,
  refunded numeric,
  remaining numeric,
  expires_at timestamptz,
  currency text,
  authorized numeric,
  reserved numeric,
  committed numeric,
  spent numeric,
  available numeric,
  utilization_percent numeric,
  soft_cap_exceeded boolean,
  hard_cap_approaching boolean,
  entry_seq bigint
);

-- Words and amounts that are written as they stand here. A statement makes the check of a domain
-- ready each time it runs, even for a constant; these are checked once, when the statement is planned.
create or replace function known_kind(p_word text) returns ledger_kind
language plpgsql immutable parallel safe as $$ begin return p_word; end $$;

create or replace function known_bucket(p_word text) returns ledger_bucket
language plpgsql immutable parallel safe as $$ begin return p_word; end $$;

create or replace function known_stage(p_word text) returns hold_stage
language plpgsql immutable parallel safe as $$ begin return p_word; end $$;

create or replace function known_state(p_word text) returns hold_state
language plpgsql immutable parallel safe as $$ begin return p_word; end $$;

create or replace function known_held(p_amount numeric) returns money_held
language plpgsql immutable parallel safe as $$ begin return p_amount; end $$;

-- What follows from the counters. Functions of the row and not generated columns, whose text
-- PostgreSQL reads anew for each statement; `a.used` calls them too.
create or replace function used(p_account budget_account) returns numeric
language sql immutable parallel safe as $$
  select p_account.reserved + p_account.committed + p_account.spent
$$;

create or replace function available(p_account budget_account) returns numeric
language sql immutable parallel safe as $$
  select p_account.authorized - p_account.reserved - p_account.committed - p_account.spent
         - p_account.rolled_up
$$;

create or replace function remaining(p_hold hold) returns numeric
language sql immutable parallel safe as $$
  select p_hold.amount - p_hold.charged - p_hold.released
$$;

-- The chain: each entry's hash covers its content and the hash before it. Few calls do it, because
-- looking each of them up costs more than what it does; and it is only stable, so that a bulk
-- import can have it inlined.
create or replace function ledger_entry_hash(
  p_previous bytea, p_tenant uuid, p_account uuid, p_seq bigint, p_kind text,
  p_from text, p_to text, p_amount numeric, p_ref_type text, p_ref_id text, p_import uuid,
  p_actor text, p_reason text, p_effective timestamptz, p_recorded timestamptz
) returns bytea language sql stable parallel safe as $$
  select sha256(coalesce(p_previous, ''::bytea) || convert_to(
    concat_ws(chr(31), p_tenant, p_account, p_seq, p_kind, p_from, p_to, p_amount::numeric(20, 4),
              coalesce(p_ref_type, ''), coalesce(p_ref_id, ''), coalesce(p_import::text, ''),
              p_actor, coalesce(p_reason, ''), extract(epoch from p_effective),
              extract(epoch from p_recorded)),
    getdatabaseencoding()))
$$;

-- The most that may be used: the authorized money with its tolerance, under the hard cap.
create or replace function ledger_limit(p_account budget_account) returns numeric
language sql immutable parallel safe as $$
  select least(p_account.authorized * (1 + p_account.tolerance_pct / 100),
               p_account.hard_cap_amount)
$$;

create or replace function ledger_utilization(p_used numeric, p_authorized numeric) returns numeric
language sql immutable parallel safe as $$
  select case when p_authorized > 0 then round(p_used * 100 / p_authorized, 4) end
$$;

-- What a move adds to what is used: a release is negative.
create or replace function ledger_delta_used(p_from text, p_to text, p_amount numeric)
returns numeric language sql immutable parallel safe as $$
  select p_amount * ((p_to in ('reserved', 'committed', 'spent'))::int
                     - (p_from in ('reserved', 'committed', 'spent'))::int)
$$;

-- All accounts that a budget has had, one a period.
drop function if exists budget_accounts;
create function budget_accounts(p_tenant uuid, p_budget uuid) returns setof uuid
language sql stable parallel safe as $$
  select a.id from public.budget_account a
   where a.tenant_id = p_tenant and a.budget_id = p_budget and a.line_key is null
     and a.closed_at is null
  union all
  select p.account_id from public.past_account p
   where p.tenant_id = p_tenant and p.budget_id = p_budget
$$;

-- Why a frozen account takes no postings: a person's word, or the end of its period.
create or replace function ledger_frozen(p_account budget_account) returns text
language sql immutable parallel safe as $$
  select case when p_account.period_state is not null then 'period_closed' else 'budget_frozen' end
$$;

-- Lock an account, and before it those that control it, from the root down: the one order in which
-- accounts are locked. Null when it is not there for this tenant.
create or replace function ledger_lock_account(p_tenant uuid, p_account uuid)
returns budget_account language plpgsql as $$
declare
  above uuid[];
  account public.budget_account;
begin
  loop
    select a.controllers into above from public.budget_account a
     where a.tenant_id = p_tenant and a.id = p_account;
    if above <> '{}' then
      perform public.ledger_lock_above(p_tenant, above);
    end if;
    select a.* into account from public.budget_account a
     where a.tenant_id = p_tenant and a.id = p_account for no key update;
    -- Where it was put under another budget in between, the order of the locks would not hold.
    exit when account.controllers is not distinct from above;
  end loop;
  return account;
end $$;

-- Lock the open account of a budget.
create or replace function ledger_lock(p_tenant uuid, p_budget uuid) returns budget_account
language plpgsql as $$
declare
  wanted uuid;
  account public.budget_account;
begin
  loop
    select a.id into wanted from public.budget_account a
     where a.tenant_id = p_tenant and a.budget_id = p_budget
       and a.line_key is null and a.closed_at is null;
    exit when wanted is null;
    account := public.ledger_lock_account(p_tenant, wanted);
    exit when account.closed_at is null;  -- else its period ended while this waited
  end loop;
  return account;
end $$;

-- Lock accounts in the order given, which is from the root down.
create or replace function ledger_lock_above(p_tenant uuid, p_accounts uuid[]) returns void
language plpgsql as $$
declare one uuid;
begin
  foreach one in array p_accounts loop
    perform 1 from public.budget_account a
      where a.tenant_id = p_tenant and a.id = one for no key update;
  end loop;
end $$;

-- Budgets above count what those below use. Their locks are held.
create or replace function ledger_roll_up(p_tenant uuid, p_accounts uuid[], p_used numeric)
returns void language plpgsql as $$
begin
  update public.budget_account a set rolled_up = a.rolled_up + p_used
   where a.tenant_id = p_tenant and a.id = any (p_accounts);
end $$;

-- Whether what is used may grow by an amount, here and in every budget that controls this one.
create or replace function ledger_fits(p_account budget_account, p_amount numeric) returns boolean
language plpgsql as $$
begin
  if p_account.control_mode = 'absolute'
     and public.used(p_account) + p_account.rolled_up + p_amount > public.ledger_limit(p_account) then
    return false;
  end if;
  return p_account.controllers = '{}' or not exists (
    select from public.budget_account a
     where a.tenant_id = p_account.tenant_id and a.id = any (p_account.controllers)
       and public.used(a) + a.rolled_up + p_amount > public.ledger_limit(a));
end $$;

-- When something dated back counts: then, but neither before the account's own period began nor in a
-- fiscal period that is closed; then on the first day that is open. Never later than it is recorded.
create or replace function ledger_effective(
  p_account budget_account, p_dated timestamptz, p_moment timestamptz
) returns timestamptz language plpgsql stable as $$
declare
  counts timestamptz := greatest(p_dated, p_account.opened_at);
  reopens timestamptz;
begin
  loop
    select max((p.ends_on + 1)::timestamp at time zone t.time_zone) into reopens
      from public.tenant t
      join public.fiscal_period p
        on p.tenant_id = t.id and p.state <> 'open' and p.calendar is null
           and (counts at time zone t.time_zone)::date between p.starts_on and p.ends_on
     where t.id = p_account.tenant_id;
    exit when reopens is null;
    counts := reopens;
  end loop;
  return least(counts, p_moment);
end $$;

-- Move money between two buckets of a locked account and write the entry, in one statement. The
-- moment is taken after the lock and never before that of the last entry, so that seq and time
-- agree. Budgets above that control this one count what it uses.
drop function if exists ledger_append;
create function ledger_append(
  p_account budget_account, p_kind text, p_from text, p_to text, p_amount numeric,
  p_ref_type text, p_ref_id text, p_actor text, p_reason text, p_dated timestamptz default null
) returns budget_account language plpgsql as $$
declare
  moment timestamptz := greatest(clock_timestamp(), p_account.updated_at);
  counts timestamptz := moment;
  used numeric := public.ledger_delta_used(p_from, p_to, p_amount);
  account public.budget_account;
begin
  if p_from = p_to then
    raise exception 'an entry moves money from one bucket to another'
      using errcode = 'check_violation';
  end if;
  if p_dated is not null then
    counts := public.ledger_effective(p_account, p_dated, moment);
  end if;
  with counted as (
    update public.budget_account a set
      authorized = a.authorized + case when p_from = 'external' then p_amount
                                       when p_to = 'external' then -p_amount else 0 end,
      reserved = a.reserved + case when p_to = 'reserved' then p_amount
                                   when p_from = 'reserved' then -p_amount else 0 end,
      committed = a.committed + case when p_to = 'committed' then p_amount
                                     when p_from = 'committed' then -p_amount else 0 end,
      spent = a.spent + case when p_to = 'spent' then p_amount
                             when p_from = 'spent' then -p_amount else 0 end,
      entry_seq = a.entry_seq + 1,
      head_hash = public.ledger_entry_hash(
        a.head_hash, a.tenant_id, a.id, a.entry_seq + 1, p_kind,
        p_from, p_to, p_amount, p_ref_type, p_ref_id, null, p_actor, p_reason, counts, moment),
      updated_at = moment
     where a.tenant_id = p_account.tenant_id and a.id = p_account.id
    returning a.*
  ), entered as (
    insert into public.ledger_entry
      (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
       actor, reason, effective_at, recorded_at, hash)
    select c.tenant_id, c.id, c.entry_seq, p_kind, p_from, p_to, p_amount,
           p_ref_type, p_ref_id, p_actor, p_reason, counts, moment, c.head_hash
      from counted c
  )
  select c.* into account from counted c;
  if used <> 0 and account.controllers <> '{}' then
    perform public.ledger_roll_up(account.tenant_id, account.controllers, used);
  end if;
  return account;
end $$;
