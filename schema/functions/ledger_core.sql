-- The heart of the ledger. Every change of a balance goes through ledger_append, under the lock of
-- the one account row it concerns. These functions run as bursar_ledger, the only role that may
-- write accounts, entries and holds; row-level security holds for that role as for any other, so
-- each call names its tenant and sets it for its own transaction: one call, one round trip.
--
-- Relations are written with their schema because the functions are SECURITY DEFINER: otherwise a
-- temporary table of the caller could stand in for one of ours.

-- What every operation answers. `code` is 'ok' or the code of a refusal; a refusal changed nothing.
drop type if exists ledger_answer cascade;
create type ledger_answer as (
  code text,
  replayed boolean,
  budget_id uuid,
  account_id uuid,
  ref_type text,
  ref_id text,
  state text,
  amount numeric(20, 4),
  charged numeric(20, 4),
  released numeric(20, 4),
  remaining numeric(20, 4),
  expires_at timestamptz,
  currency text,
  authorized numeric(20, 4),
  reserved numeric(20, 4),
  committed numeric(20, 4),
  spent numeric(20, 4),
  available numeric(20, 4),
  utilization_percent numeric(12, 4),
  soft_cap_exceeded boolean,
  hard_cap_approaching boolean,
  entry_seq bigint
);

-- The chain: each entry's hash covers its content and the hash before it. The text becomes bytes by
-- a cast, with backslashes doubled for it, because convert_to is only stable: a function over it
-- could not be inlined, and a bulk import would take three times as long to chain.
create or replace function ledger_entry_hash(
  p_previous bytea, p_tenant uuid, p_account uuid, p_seq bigint, p_kind text,
  p_from text, p_to text, p_amount numeric, p_ref_type text, p_ref_id text, p_import uuid,
  p_actor text, p_reason text, p_effective timestamptz, p_recorded timestamptz
) returns bytea language sql immutable parallel safe as $$
  select sha256(coalesce(p_previous, ''::bytea) || replace(
    p_tenant::text || chr(31) || p_account::text || chr(31) || p_seq::text || chr(31) || p_kind
    || chr(31) || p_from || chr(31) || p_to || chr(31) || p_amount::numeric(20, 4)::text || chr(31)
    || coalesce(p_ref_type, '') || chr(31) || coalesce(p_ref_id, '') || chr(31)
    || coalesce(p_import::text, '') || chr(31) || p_actor || chr(31) || coalesce(p_reason, '')
    || chr(31) || extract(epoch from p_effective - timestamptz '1970-01-01 00:00:00+00')::text
    || chr(31) || extract(epoch from p_recorded - timestamptz '1970-01-01 00:00:00+00')::text,
    '\', '\\')::bytea)
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

-- Lock the open account of a budget. Null when the budget is not there for this tenant.
create or replace function ledger_lock(p_tenant uuid, p_budget uuid) returns budget_account
language sql volatile as $$
  select a from public.budget_account a
   where a.tenant_id = p_tenant and a.budget_id = p_budget
     and a.line_key is null and a.closed_at is null
     for no key update
$$;

-- Move money between two buckets of a locked account and write the entry. The only place where a
-- counter changes one at a time.
create or replace function ledger_append(
  p_account budget_account, p_kind text, p_from text, p_to text, p_amount numeric,
  p_ref_type text, p_ref_id text, p_actor text, p_reason text
) returns budget_account language plpgsql as $$
declare
  moment timestamptz := clock_timestamp();  -- after the lock, so that seq and time agree
  account public.budget_account;
begin
  update public.budget_account a set
    authorized = a.authorized + case when p_from = 'external' then p_amount
                                     when p_to = 'external' then -p_amount else 0 end,
    reserved = a.reserved + case when p_to = 'reserved' then p_amount
                                 when p_from = 'reserved' then -p_amount else 0 end,
    committed = a.committed + case when p_to = 'committed' then p_amount
                                   when p_from = 'committed' then -p_amount else 0 end,
    spent = a.spent + case when p_to = 'spent' then p_amount
                           when p_from = 'spent' then -p_amount else 0 end,
    entry_seq = p_account.entry_seq + 1,
    head_hash = public.ledger_entry_hash(
      p_account.head_hash, p_account.tenant_id, p_account.id, p_account.entry_seq + 1, p_kind,
      p_from, p_to, p_amount, p_ref_type, p_ref_id, null, p_actor, p_reason, moment, moment),
    updated_at = moment
   where a.tenant_id = p_account.tenant_id and a.id = p_account.id
  returning a.* into account;
  insert into public.ledger_entry
    (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
     actor, reason, effective_at, recorded_at, hash)
  values
    (account.tenant_id, account.id, account.entry_seq, p_kind, p_from, p_to, p_amount,
     p_ref_type, p_ref_id, p_actor, p_reason, moment, moment, account.head_hash);
  return account;
end $$;

-- Fill an answer from the account and, where there is one, its hold.
create or replace function ledger_answer_of(
  p_code text, p_account budget_account, p_hold hold
) returns ledger_answer language plpgsql immutable as $$
declare r public.ledger_answer;
begin
  r.code := p_code;
  r.replayed := false;
  r.budget_id := p_account.budget_id;
  r.account_id := p_account.id;
  r.currency := p_account.currency;
  r.authorized := p_account.authorized;
  r.reserved := p_account.reserved;
  r.committed := p_account.committed;
  r.spent := p_account.spent;
  r.available := p_account.available;
  r.entry_seq := p_account.entry_seq;
  r.utilization_percent := public.ledger_utilization(p_account.used, p_account.authorized);
  r.soft_cap_exceeded := p_account.used >= p_account.authorized * p_account.soft_cap_pct / 100
                         and p_account.used > 0;
  r.hard_cap_approaching := p_account.used >= p_account.authorized * p_account.approach_pct / 100
                            and p_account.used > 0;
  r.ref_type := p_hold.ref_type;
  r.ref_id := p_hold.ref_id;
  r.state := case when p_hold.state = 'open' then p_hold.stage else p_hold.state end;
  r.amount := p_hold.amount;
  r.charged := p_hold.charged;
  r.released := p_hold.released;
  r.remaining := p_hold.remaining;
  r.expires_at := p_hold.expires_at;
  return r;
end $$;

-- Crossing a cap upwards writes one event; who must hear of it is decided off the hot path.
create or replace function ledger_tell_crossing(
  p_before budget_account, p_after budget_account
) returns void language plpgsql as $$
declare
  crossed text := case
    when p_after.used >= p_after.authorized * p_after.approach_pct / 100
         and p_before.used < p_before.authorized * p_before.approach_pct / 100
      then 'threshold_exceeded'
    when p_after.used >= p_after.authorized * p_after.soft_cap_pct / 100
         and p_before.used < p_before.authorized * p_before.soft_cap_pct / 100
      then 'threshold_warning'
    end;
begin
  if crossed is not null then
    insert into public.outbox (tenant_id, topic, payload)
    values (p_after.tenant_id, 'ledger.' || crossed, jsonb_build_object(
      'budget_id', p_after.budget_id, 'type', crossed,
      'used', p_after.used::text, 'authorized', p_after.authorized::text,
      'currency', p_after.currency));
  end if;
end $$;

-- Idempotency in the same call: the stored answer of this key, or null when the key is new.
create or replace function ledger_replay(p_tenant uuid, p_key text, p_request bytea)
returns ledger_answer language plpgsql as $$
declare
  kept record;
  r public.ledger_answer;
begin
  if p_key is null then
    return null;
  end if;
  select request_hash, result into kept from public.action_idempotency
   where tenant_id = p_tenant and key = p_key;
  if not found then
    return null;
  end if;
  if kept.request_hash <> p_request or kept.result is null then
    r.code := 'idempotency_key_reused';
    return r;
  end if;
  r := jsonb_populate_record(null::public.ledger_answer, kept.result);
  r.replayed := true;
  return r;
end $$;

-- Two requests with one key at once: the slower violates the primary key here, rolls back whole,
-- is tried again by the caller and then replays.
create or replace function ledger_remember(
  p_tenant uuid, p_key text, p_request bytea, p_answer ledger_answer
) returns ledger_answer language plpgsql as $$
begin
  if p_key is not null then
    insert into public.action_idempotency (tenant_id, key, request_hash, result)
    values (p_tenant, p_key, p_request, to_jsonb(p_answer));
  end if;
  return p_answer;
end $$;
