-- What becomes of a hold: committed, charged, given back, refunded; each once, under the lock of its
-- account.

-- Why a hold may not take a step, or null when it may.
create or replace function ledger_hold_refusal(
  p_account budget_account, p_hold hold, p_kind text, p_amount numeric
) returns text language plpgsql immutable as $$
begin
  return case
    when p_hold.ref_id is null then 'not_found'
    when p_kind = 'refund' and p_hold.charged = 0 then 'not_charged'
    when p_kind = 'refund' and p_hold.refunded = p_hold.charged then 'already_refunded'
    when p_kind <> 'refund' and p_hold.state = 'charged' then 'already_charged'
    when p_kind <> 'refund' and p_hold.state in ('released', 'expired') then 'already_released'
    when p_kind = 'commit' and p_hold.stage = 'committed' then 'already_committed'
    -- A frozen budget lets go of what is overdue: that only gives money back. One whose period is
    -- being closed lets what was begun end.
    when p_account.frozen and p_kind <> 'expire'
         and (p_account.period_state is distinct from 'soft_closed'
              or p_account.frozen_for is not null)
      then public.ledger_frozen(p_account)
    when p_amount is not null
         and (p_amount <= 0 or p_amount <> round(p_amount, p_account.decimals))
      then 'invalid_amount'
    when p_kind = 'refund' and p_amount > p_hold.charged - p_hold.refunded
      then 'amount_exceeds_charged'
    when p_kind <> 'refund' and p_amount > public.remaining(p_hold) then 'amount_exceeds_reservation'
    end;
end $$;

-- The account at the end of the line that follows one; itself where none does.
create or replace function ledger_last_of(p_tenant uuid, p_account uuid) returns uuid
language plpgsql stable as $$
declare
  place uuid := p_account;
  next uuid;
begin
  loop
    select a.id into next from public.budget_account a
     where a.tenant_id = p_tenant and a.follows = place;
    exit when next is null;
    place := next;
  end loop;
  return place;
end $$;

-- A hold of a period that was closed for good comes along to the budget that carries on, with what
-- it holds, and is answered for there; the money for it goes along above as well. The account it is in now, which is the old one where nothing
-- carries on.
create or replace function ledger_bring_along(
  p_account budget_account, p_hold hold, p_actor text
) returns budget_account language plpgsql as $$
declare
  above uuid;
  place uuid;
  target public.budget_account;
begin
  loop
    target := public.ledger_lock_account(
      p_account.tenant_id, public.ledger_last_of(p_account.tenant_id, p_account.id));
    exit when target.closed_at is null;  -- else its period ended while this waited
  end loop;
  if target.id = p_account.id or target.frozen then
    return p_account;
  end if;
  perform public.ledger_carry_hold(p_hold, target, p_actor, 'Its period was closed.');
  foreach above in array p_account.controllers loop
    place := public.ledger_last_of(p_account.tenant_id, above);
    if place <> above and place = any (target.controllers) then
      perform public.ledger_carry(
        p_account.tenant_id, above, place, 'available', public.remaining(p_hold), p_hold.ref_type,
        p_hold.ref_id, p_actor, 'For what is held below.');
    end if;
  end loop;
  select a.* into target from public.budget_account a
   where a.tenant_id = target.tenant_id and a.id = target.id;
  return target;
end $$;

-- One step of a hold: 'commit', 'charge', 'release', 'expire' or 'refund', of an amount or, where it
-- is null, of all that is left.
drop function if exists ledger_step;
create function ledger_step(
  p_tenant uuid, p_kind text, p_ref_type text, p_ref_id text, p_amount numeric, p_actor text,
  p_reason text, p_key text, p_request bytea, p_dated timestamptz default null
) returns ledger_answer language plpgsql as $$
declare
  r public.ledger_answer;
  before public.budget_account;
  account public.budget_account;
  held public.hold;
  refusal text;
  moved numeric;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  if p_key is not null then
    r := public.ledger_replay(p_tenant, p_key, p_request);
    if r.code is not null then
      return r;
    end if;
  end if;
  select h.account_id into held.account_id from public.hold h
   where h.tenant_id = p_tenant and h.ref_type = p_ref_type and h.ref_id = p_ref_id;
  if found then
    account := public.ledger_lock_account(p_tenant, held.account_id);
    -- Read only now: of two callers the second sees what the first has done.
    select h.* into held from public.hold h
     where h.tenant_id = p_tenant and h.ref_type = p_ref_type and h.ref_id = p_ref_id;
    if held.account_id <> account.id then  -- it went along to the next period in between
      account := public.ledger_lock_account(p_tenant, held.account_id);
    end if;
    if account.period_state = 'closed' then
      before := account;
      before.frozen := false;
      refusal := public.ledger_hold_refusal(before, held, p_kind, p_amount);
      if refusal is null then
        account := public.ledger_bring_along(account, held, p_actor);
        held.account_id := account.id;
      end if;
    end if;
  end if;
  refusal := coalesce(refusal, public.ledger_hold_refusal(account, held, p_kind, p_amount));
  if refusal is not null then
    r := public.ledger_answer_of(refusal, account, held);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  moved := coalesce(p_amount, case p_kind when 'refund' then held.charged - held.refunded
                                          else public.remaining(held) end);
  account := public.ledger_append(
    account, p_kind,
    case p_kind when 'refund' then 'spent' else held.stage end,
    case p_kind when 'charge' then 'spent' when 'commit' then 'committed' else 'available' end,
    moved, p_ref_type, p_ref_id, p_actor, p_reason, p_dated);
  if p_kind = 'charge' then
    perform public.ledger_tell_crossing(account, 0, 0, moved);
  end if;
  update public.hold h set
    stage = case p_kind when 'commit' then 'committed' else h.stage end,
    charged = h.charged + case p_kind when 'charge' then moved else 0 end,
    released = h.released + case when p_kind in ('release', 'expire') then moved else 0 end,
    refunded = h.refunded + case p_kind when 'refund' then moved else 0 end,
    state = case when p_kind in ('commit', 'refund') or public.remaining(h) <> moved then h.state
                 -- A hold that was charged in part and gave back its rest has been charged.
                 when p_kind = 'charge' or h.charged > 0 then 'charged'
                 when p_kind = 'expire' then 'expired'
                 else 'released' end,
    updated_at = account.updated_at
   where h.tenant_id = p_tenant and h.ref_type = p_ref_type and h.ref_id = p_ref_id
  returning h.* into held;
  return public.ledger_remember(
    p_tenant, p_key, p_request, public.ledger_answer_of('ok', account, held));
end $$;

-- Spend what was set aside, wholly or in part.
drop function if exists ledger_charge;
create function ledger_charge(
  p_tenant uuid, p_ref_type text, p_ref_id text, p_amount numeric, p_actor text,
  p_key text default null, p_request bytea default null, p_dated timestamptz default null
) returns ledger_answer language plpgsql security definer as $$
begin
  return public.ledger_step(
    p_tenant, 'charge', p_ref_type, p_ref_id, p_amount, p_actor, null, p_key, p_request, p_dated);
end $$;

-- Give back what was set aside, wholly or in part.
drop function if exists ledger_release;
create function ledger_release(
  p_tenant uuid, p_ref_type text, p_ref_id text, p_amount numeric, p_actor text,
  p_key text default null, p_request bytea default null
) returns ledger_answer language plpgsql security definer as $$
begin
  return public.ledger_step(
    p_tenant, 'release', p_ref_type, p_ref_id, p_amount, p_actor, null, p_key, p_request);
end $$;

-- Turn all that is reserved into an obligation.
drop function if exists ledger_commit;
create function ledger_commit(
  p_tenant uuid, p_ref_type text, p_ref_id text, p_actor text,
  p_key text default null, p_request bytea default null
) returns ledger_answer language plpgsql security definer as $$
begin
  return public.ledger_step(
    p_tenant, 'commit', p_ref_type, p_ref_id, null, p_actor, null, p_key, p_request);
end $$;

-- Give back what was spent, wholly or in part.
drop function if exists ledger_refund;
create function ledger_refund(
  p_tenant uuid, p_ref_type text, p_ref_id text, p_amount numeric, p_reason text, p_actor text,
  p_key text default null, p_request bytea default null, p_dated timestamptz default null
) returns ledger_answer language plpgsql security definer as $$
begin
  return public.ledger_step(
    p_tenant, 'refund', p_ref_type, p_ref_id, p_amount, p_actor, p_reason, p_key, p_request,
    p_dated);
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
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  for due in
    select ref_type, ref_id from public.hold
     where tenant_id = p_tenant and state = 'open' and expires_at <= now()
     order by account_id limit p_limit  -- accounts in one order, so that two workers never deadlock
  loop
    answer := public.ledger_step(
      p_tenant, 'expire', due.ref_type, due.ref_id, null, 'expiry', null, null, null);
    expired := expired + (answer.code = 'ok')::int;
  end loop;
  return expired;
end $$;
