-- The operations. Each is one call: tenant, lock, check, entry, counters, stored answer.

-- Set money aside. Refused when it would pass the limit of an account under absolute control.
drop function if exists ledger_reserve;
create function ledger_reserve(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text,
  p_ref_type text, p_ref_id text, p_expires_at timestamptz, p_actor text,
  p_key text default null, p_request bytea default null
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  before public.budget_account;
  account public.budget_account;
  held public.hold;
  refusal text;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  r := public.ledger_replay(p_tenant, p_key, p_request);
  if r.code is not null then
    return r;
  end if;
  before := public.ledger_lock(p_tenant, p_budget);
  -- Looked up under the account's lock: a second request with the same reference has waited there.
  select * into held from public.hold
   where tenant_id = p_tenant and ref_type = p_ref_type and ref_id = p_ref_id;
  if found then
    r := public.ledger_answer_of(
      case when held.budget_id = p_budget and held.amount = p_amount
                and before.currency = p_currency
           then 'ok' else 'reference_reused' end, before, held);
    r.replayed := r.code = 'ok';
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  refusal := case
    when before.id is null then 'not_found'
    when before.currency <> p_currency then 'currency_mismatch'
    when p_amount <= 0 or p_amount <> round(p_amount, before.decimals) then 'invalid_amount'
    when before.frozen then 'budget_frozen'
    when before.control_mode = 'absolute'
         and before.used + p_amount > public.ledger_limit(before) then 'insufficient_funds'
    end;
  if refusal is not null then
    if refusal = 'insufficient_funds' then
      perform public.ledger_tell_refusal(before, p_amount);
    end if;
    r := public.ledger_answer_of(refusal, before, null);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  account := public.ledger_append(
    before, 'reserve', 'available', 'reserved', p_amount, p_ref_type, p_ref_id, p_actor, null);
  insert into public.hold
    (tenant_id, account_id, budget_id, ref_type, ref_id, amount, expires_at)
  values (p_tenant, account.id, p_budget, p_ref_type, p_ref_id, p_amount, p_expires_at)
  returning * into held;
  perform public.ledger_tell_crossing(before, account);
  return public.ledger_remember(
    p_tenant, p_key, p_request, public.ledger_answer_of('ok', account, held));
end $$;

-- A refusal for want of funds raises one alert until somebody resolves it, however many follow.
create or replace function ledger_tell_refusal(p_account budget_account, p_amount numeric)
returns void language sql volatile as $$
  insert into public.alert (tenant_id, type, severity, budget_id, utilization_percent, message,
                            details, dedup_key)
  select p_account.tenant_id, 'hard_cap_reached', 'critical', p_account.budget_id,
         public.ledger_utilization(p_account.used, p_account.authorized),
         'A reservation was refused because the budget does not have enough available.',
         jsonb_build_object('attempted_amount', p_amount::text,
                            'available', p_account.available::text,
                            'currency', p_account.currency),
         'hard_cap_reached:' || p_account.budget_id
   where not exists (select 1 from public.alert
                      where tenant_id = p_account.tenant_id and state <> 'resolved'
                        and dedup_key = 'hard_cap_reached:' || p_account.budget_id)
  on conflict do nothing
$$;

-- Lock the account of a hold. Its row is read again only after this, so that of two callers the
-- second sees what the first has done. Null when there is no such reference.
create or replace function ledger_lock_for_hold(p_tenant uuid, p_ref_type text, p_ref_id text)
returns budget_account language sql volatile as $$
  select a from public.budget_account a
   where a.tenant_id = p_tenant
     and a.id = (select h.account_id from public.hold h
                  where h.tenant_id = p_tenant and h.ref_type = p_ref_type
                    and h.ref_id = p_ref_id)
     for no key update of a
$$;

create or replace function ledger_hold_refusal(
  p_account budget_account, p_hold hold, p_amount numeric
) returns text language sql immutable as $$
  select case
    when p_hold.id is null then 'not_found'
    when p_hold.state = 'charged' then 'already_charged'
    when p_hold.state in ('released', 'expired') then 'already_released'
    when p_account.frozen then 'budget_frozen'
    when p_amount is not null
         and (p_amount <= 0 or p_amount <> round(p_amount, p_account.decimals))
      then 'invalid_amount'
    when p_amount > p_hold.remaining then 'amount_exceeds_reservation'
    end
$$;

-- Spend what was set aside, wholly or in part.
drop function if exists ledger_charge;
create function ledger_charge(
  p_tenant uuid, p_ref_type text, p_ref_id text, p_amount numeric, p_actor text,
  p_key text default null, p_request bytea default null
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  account public.budget_account;
  held public.hold;
  refusal text;
  charged_now numeric;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  r := public.ledger_replay(p_tenant, p_key, p_request);
  if r.code is not null then
    return r;
  end if;
  account := public.ledger_lock_for_hold(p_tenant, p_ref_type, p_ref_id);
  select * into held from public.hold
   where tenant_id = p_tenant and ref_type = p_ref_type and ref_id = p_ref_id;
  refusal := public.ledger_hold_refusal(account, held, p_amount);
  if refusal is not null then
    r := public.ledger_answer_of(refusal, account, held);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  charged_now := coalesce(p_amount, held.remaining);
  account := public.ledger_append(
    account, 'charge', held.stage, 'spent', charged_now, p_ref_type, p_ref_id, p_actor, null);
  update public.hold h set
    charged = h.charged + charged_now,
    state = case when h.remaining = charged_now then 'charged' else h.state end,
    updated_at = account.updated_at
   where h.tenant_id = p_tenant and h.id = held.id
  returning h.* into held;
  return public.ledger_remember(
    p_tenant, p_key, p_request, public.ledger_answer_of('ok', account, held));
end $$;

-- Give back what was set aside, wholly or in part. `p_kind` is 'release' or 'expire'.
drop function if exists ledger_release;
create function ledger_release(
  p_tenant uuid, p_ref_type text, p_ref_id text, p_amount numeric, p_actor text,
  p_key text default null, p_request bytea default null, p_kind text default 'release'
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  account public.budget_account;
  held public.hold;
  refusal text;
  released_now numeric;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  r := public.ledger_replay(p_tenant, p_key, p_request);
  if r.code is not null then
    return r;
  end if;
  account := public.ledger_lock_for_hold(p_tenant, p_ref_type, p_ref_id);
  select * into held from public.hold
   where tenant_id = p_tenant and ref_type = p_ref_type and ref_id = p_ref_id;
  refusal := public.ledger_hold_refusal(account, held, p_amount);
  if p_kind = 'expire' and refusal = 'budget_frozen' then
    refusal := null;  -- a frozen budget lets go of what is overdue: that only gives money back
  end if;
  if refusal is not null then
    r := public.ledger_answer_of(refusal, account, held);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  released_now := coalesce(p_amount, held.remaining);
  account := public.ledger_append(
    account, p_kind, held.stage, 'available', released_now, p_ref_type, p_ref_id, p_actor, null);
  update public.hold h set
    released = h.released + released_now,
    -- A hold that was charged in part and gave back its rest has been charged.
    state = case when h.remaining <> released_now then h.state
                 when h.charged > 0 then 'charged'
                 when p_kind = 'expire' then 'expired'
                 else 'released' end,
    updated_at = account.updated_at
   where h.tenant_id = p_tenant and h.id = held.id
  returning h.* into held;
  return public.ledger_remember(
    p_tenant, p_key, p_request, public.ledger_answer_of('ok', account, held));
end $$;

-- Add money to a budget.
drop function if exists ledger_fund;
create function ledger_fund(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text, p_reason text, p_actor text,
  p_key text default null, p_request bytea default null
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  account public.budget_account;
  refusal text;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  r := public.ledger_replay(p_tenant, p_key, p_request);
  if r.code is not null then
    return r;
  end if;
  account := public.ledger_lock(p_tenant, p_budget);
  refusal := case
    when account.id is null then 'not_found'
    when account.currency <> p_currency then 'currency_mismatch'
    when p_amount <= 0 or p_amount <> round(p_amount, account.decimals) then 'invalid_amount'
    when account.authorized + p_amount >= 1e16 then 'invalid_amount'  -- more than a counter holds
    when account.frozen then 'budget_frozen'
    end;
  if refusal is not null then
    r := public.ledger_answer_of(refusal, account, null);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  account := public.ledger_append(
    account, 'fund', 'external', 'available', p_amount, null, null, p_actor, p_reason);
  r := public.ledger_answer_of('ok', account, null);
  r.amount := p_amount;
  return public.ledger_remember(p_tenant, p_key, p_request, r);
end $$;

-- Set the authorized amount of a budget to a new figure; the difference is posted, nothing is
-- rewritten. A new budget gets its account here.
drop function if exists ledger_authorize;
create function ledger_authorize(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_reason text, p_actor text
) returns ledger_answer language plpgsql security definer as $$
declare
  account public.budget_account;
  change numeric;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  account := public.ledger_lock(p_tenant, p_budget);
  if account.id is null then
    insert into public.budget_account (tenant_id, id, budget_id, currency, decimals)
    select p_tenant, b.id, b.id, b.currency, c.decimals
      from public.budget b join public.currency c on c.code = b.currency
     where b.tenant_id = p_tenant and b.id = p_budget
    returning * into account;
    if not found then
      return public.ledger_answer_of('not_found', null, null);
    end if;
  end if;
  if p_amount <> round(p_amount, account.decimals) then
    return public.ledger_answer_of('invalid_amount', account, null);
  elsif account.frozen then
    return public.ledger_answer_of('budget_frozen', account, null);
  end if;
  change := p_amount - account.authorized;
  if change > 0 then
    account := public.ledger_append(account, case when account.entry_seq = 0 then 'fund'
      else 'adjust' end, 'external', 'available', change, null, null, p_actor, p_reason);
  elsif change < 0 then
    account := public.ledger_append(
      account, 'adjust', 'available', 'external', -change, null, null, p_actor, p_reason);
  end if;
  return public.ledger_answer_of('ok', account, null);
end $$;

-- Release the holds of a tenant that have passed their expiry. Returns how many.
drop function if exists ledger_expire_holds;
create function ledger_expire_holds(p_tenant uuid, p_limit int) returns int
language plpgsql security definer as $$
declare
  due record;
  answer public.ledger_answer;
  expired int := 0;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  for due in
    select ref_type, ref_id from public.hold
     where tenant_id = p_tenant and state = 'open' and expires_at <= now()
     order by account_id limit p_limit  -- accounts in one order, so that two workers never deadlock
  loop
    answer := public.ledger_release(p_tenant, due.ref_type, due.ref_id, null, 'expiry',
                                    null, null, 'expire');
    expired := expired + (answer.code = 'ok')::int;
  end loop;
  return expired;
end $$;
