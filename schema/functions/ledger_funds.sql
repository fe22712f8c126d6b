-- What a budget may use: funds, authorizations, transfers, and the reversal of an entry.

-- Add money to a budget.
drop function if exists ledger_fund;
create function ledger_fund(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text, p_reason text, p_actor text,
  p_key text default null, p_request bytea default null, p_dated timestamptz default null
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  account public.budget_account;
  refusal text;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
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
    when account.frozen then public.ledger_frozen(account)
    end;
  if refusal is not null then
    r := public.ledger_answer_of(refusal, account, null);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  account := public.ledger_append(
    account, 'fund', 'external', 'available', p_amount, null, null, p_actor, p_reason, p_dated);
  -- Whether it is so large that somebody should hear of it is decided off this path.
  insert into public.outbox (tenant_id, topic, payload)
  values (p_tenant, 'ledger.topup', jsonb_build_object(
    'budget_id', p_budget, 'amount', p_amount::text, 'authorized', account.authorized::text,
    'currency', p_currency, 'actor', p_actor, 'reason', p_reason, 'entry_seq', account.entry_seq));
  r := public.ledger_answer_of('ok', account, null);
  r.amount := p_amount;
  return public.ledger_remember(p_tenant, p_key, p_request, r);
end $$;

-- Set the authorized amount of a budget to a new figure; the difference is posted, nothing is
-- rewritten. A new budget gets its account here. Under absolute control not below what is used,
-- unless there is a reason for it; the caller has made sure of the right to.
drop function if exists ledger_authorize;
create function ledger_authorize(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_reason text, p_actor text,
  p_override text default null
) returns ledger_answer language plpgsql security definer as $$
declare
  account public.budget_account;
  change numeric;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
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
    return public.ledger_answer_of(public.ledger_frozen(account), account, null);
  elsif p_amount < account.authorized and p_override is null
        and account.control_mode = 'absolute'
        and public.used(account) + account.rolled_up > greatest(p_amount, 0) then
    return public.ledger_answer_of('below_used', account, null);
  end if;
  change := p_amount - account.authorized;
  if change > 0 then
    account := public.ledger_append(account, case when account.entry_seq = 0 then 'fund'
      else 'adjust' end, 'external', 'available', change, null, null, p_actor, p_reason);
  elsif change < 0 then
    account := public.ledger_append(
      account, 'adjust', 'available', 'external', -change, null, null, p_actor, p_reason);
    perform public.ledger_tell_crossing(account, change, 0, 0);
  end if;
  return public.ledger_answer_of('ok', account, null);
end $$;

-- Spend without a reservation. Kept as a hold that was charged at once, so that the same reference
-- again gives the same answer, and so that it can be refunded.
drop function if exists ledger_spend;
create function ledger_spend(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text,
  p_ref_type text, p_ref_id text, p_reason text, p_actor text,
  p_key text default null, p_request bytea default null, p_override text default null,
  p_dated timestamptz default null
) returns ledger_answer language plpgsql security definer as $$
declare r public.ledger_answer;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  r := public.ledger_replay(p_tenant, p_key, p_request);
  if r.code is not null then
    return r;
  end if;
  return public.ledger_reserve_carefully(
    p_tenant, p_budget, p_amount, p_currency, p_ref_type, p_ref_id, null, p_actor, p_key, p_request,
    'spent', p_override, p_reason, p_dated);
end $$;

-- Move authorized money from one budget to another: two entries that sum to zero, under both locks.
-- Answers the two accounts, the giving one first; a refusal is one row.
drop function if exists ledger_transfer;
create function ledger_transfer(
  p_tenant uuid, p_from uuid, p_to uuid, p_amount numeric, p_currency text, p_reason text,
  p_actor text, p_key text default null, p_request bytea default null
) returns setof ledger_answer language plpgsql security definer as $$
declare
  kept record;
  place record;
  locked uuid[];
  giving public.budget_account;
  taking public.budget_account;
  refusal text;
  name text := public.uuid_v7()::text;
  answers public.ledger_answer[];
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  select request_hash, result into kept from public.action_idempotency
   where tenant_id = p_tenant and key = p_key;
  if found then
    if kept.request_hash <> p_request or kept.result is null
       or jsonb_typeof(kept.result) <> 'array' then
      answers[1].code := 'idempotency_key_reused';
      return next answers[1];
      return;
    end if;
    return query
      select (jsonb_populate_record(x, '{"replayed": true}')).*
        from jsonb_array_elements(kept.result) e (item),
             jsonb_populate_record(null::public.ledger_answer, e.item) x;
    return;
  end if;
  loop
    -- Those nearer the root first, as everywhere; a transfer changes nothing above them.
    locked := '{}';
    for place in
      select a.id from public.budget_account a
       where a.tenant_id = p_tenant and a.budget_id in (p_from, p_to)
         and a.line_key is null and a.closed_at is null
       order by cardinality(a.controllers), a.id
    loop
      perform 1 from public.budget_account a
        where a.tenant_id = p_tenant and a.id = place.id for no key update;
      locked := locked || place.id;
    end loop;
    select a.* into giving from public.budget_account a
     where a.tenant_id = p_tenant and a.budget_id = p_from
       and a.line_key is null and a.closed_at is null;
    select a.* into taking from public.budget_account a
     where a.tenant_id = p_tenant and a.budget_id = p_to
       and a.line_key is null and a.closed_at is null;
    -- Else a period ended while this waited, and the account that took over is not locked.
    exit when array_remove(array[giving.id, taking.id], null) <@ locked;
  end loop;
  refusal := case
    when giving.id is null or taking.id is null then 'not_found'
    when p_from = p_to then 'same_budget'
    when giving.currency <> p_currency or taking.currency <> p_currency then 'currency_mismatch'
    when p_amount <= 0 or p_amount <> round(p_amount, giving.decimals)
         or taking.authorized + p_amount >= 1e16 then 'invalid_amount'
    when giving.frozen then public.ledger_frozen(giving)
    when taking.frozen then public.ledger_frozen(taking)
    when p_amount > public.available(giving) then 'insufficient_funds'
    end;
  if refusal is not null then
    answers := array[public.ledger_answer_of(refusal, giving, null)];
  else
    giving := public.ledger_append(giving, 'transfer_out', 'available', 'external', p_amount,
                                   'transfer', name, p_actor, p_reason);
    taking := public.ledger_append(taking, 'transfer_in', 'external', 'available', p_amount,
                                   'transfer', name, p_actor, p_reason);
    perform public.ledger_tell_crossing(giving, -p_amount, 0, 0);
    answers := array[public.ledger_answer_of('ok', giving, null),
                     public.ledger_answer_of('ok', taking, null)];
    for i in 1 .. 2 loop
      answers[i].amount := p_amount;
      answers[i].ref_type := 'transfer';
      answers[i].ref_id := name;
    end loop;
  end if;
  if p_key is not null and refusal is distinct from 'not_found' then
    insert into public.action_idempotency (tenant_id, key, request_hash, result)
    values (p_tenant, p_key, p_request, to_jsonb(answers));
  end if;
  return query select * from unnest(answers);
end $$;

-- Post the inverse of an entry of a budget's open account, once. What belongs to a hold takes its
-- hold back with it; transfers and what was carried over have two sides and are not reversed.
drop function if exists ledger_reverse;
create function ledger_reverse(
  p_tenant uuid, p_budget uuid, p_seq bigint, p_reason text, p_actor text,
  p_key text default null, p_request bytea default null
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  account public.budget_account;
  entry public.ledger_entry;
  held public.hold;
  refusal text;
  more numeric;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  r := public.ledger_replay(p_tenant, p_key, p_request);
  if r.code is not null then
    return r;
  end if;
  account := public.ledger_lock(p_tenant, p_budget);
  select e.* into entry from public.ledger_entry e
   where e.tenant_id = p_tenant and e.account_id = account.id and e.seq = p_seq;
  select h.* into held from public.hold h
   where h.tenant_id = p_tenant and h.ref_type = entry.ref_type and h.ref_id = entry.ref_id
     and h.account_id = account.id;
  more := public.ledger_delta_used(entry.to_bucket, entry.from_bucket, entry.amount);
  refusal := case
    when entry.seq is null then 'not_found'
    when entry.kind in ('reverse', 'transfer_in', 'transfer_out', 'carry_in', 'carry_out')
      then 'not_reversible'
    when exists (select from public.ledger_entry e
                  where e.tenant_id = p_tenant and e.ref_type = 'entry'
                    and e.ref_id = account.id || '/' || p_seq) then 'already_reversed'
    when account.frozen then public.ledger_frozen(account)
    when entry.to_bucket = 'available' and entry.from_bucket = 'external'
         and account.control_mode = 'absolute' and entry.amount > public.available(account)
      then 'insufficient_funds'
    when more > 0 and not public.ledger_fits(account, more) then 'insufficient_funds'
    when entry.kind in ('reserve', 'commit') and public.remaining(held) < entry.amount
      then case when held.charged > 0 then 'already_charged' else 'already_released' end
    when entry.kind = 'commit' and entry.from_bucket = 'reserved'
         and public.remaining(held) <> entry.amount then 'already_charged'
    when entry.kind = 'charge' and held.charged - held.refunded < entry.amount
      then 'already_refunded'
    when entry.kind = 'refund' and held.refunded < entry.amount then 'already_refunded'
    end;
  if refusal is not null then
    r := public.ledger_answer_of(refusal, account, held);
    if refusal = 'not_found' then
      return r;
    end if;
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  account := public.ledger_append(
    account, 'reverse', entry.to_bucket, entry.from_bucket, entry.amount, 'entry',
    account.id || '/' || p_seq, p_actor, p_reason);
  update public.hold h set
    stage = case when entry.kind = 'commit' and entry.from_bucket = 'reserved' then 'reserved'
                 else h.stage end,
    charged = h.charged - case when entry.kind = 'charge' and entry.from_bucket <> 'available'
                               then entry.amount else 0 end,
    refunded = h.refunded + case when entry.kind = 'charge' and entry.from_bucket = 'available'
                                 then entry.amount
                                 when entry.kind = 'refund' then -entry.amount else 0 end,
    released = h.released + case when entry.kind in ('release', 'expire') then -entry.amount
                                 when entry.from_bucket = 'available' and entry.kind <> 'charge'
                                 then entry.amount else 0 end,
    updated_at = account.updated_at
   where h.tenant_id = p_tenant and h.ref_type = held.ref_type and h.ref_id = held.ref_id;
  update public.hold h set
    state = case when public.remaining(h) > 0 then 'open' when h.charged > 0 then 'charged'
                 else 'released' end
   where h.tenant_id = p_tenant and h.ref_type = held.ref_type and h.ref_id = held.ref_id
  returning h.* into held;
  perform public.ledger_tell_crossing(
    account,
    case when entry.from_bucket = 'external' then -entry.amount
         when entry.to_bucket = 'external' then entry.amount else 0 end,
    more,
    case when entry.from_bucket = 'spent' then entry.amount
         when entry.to_bucket = 'spent' then -entry.amount else 0 end);
  r := public.ledger_answer_of('ok', account, held);
  return public.ledger_remember(p_tenant, p_key, p_request, r);
end $$;
