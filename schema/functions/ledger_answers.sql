-- What the operations of the ledger answer, tell others, and keep under idempotency keys.

-- Fill an answer from the account and, where there is one, its hold.
create or replace function ledger_answer_of(
  p_code text, p_account budget_account, p_hold hold
) returns ledger_answer language plpgsql immutable as $$
declare
  r public.ledger_answer;
  used numeric := public.used(p_account) + p_account.rolled_up;
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
  r.available := public.available(p_account);
  r.entry_seq := p_account.entry_seq;
  r.utilization_percent := public.ledger_utilization(used, p_account.authorized);
  r.soft_cap_exceeded := used >= p_account.authorized * p_account.soft_cap_pct / 100 and used > 0;
  r.hard_cap_approaching := used >= p_account.authorized * p_account.approach_pct / 100
                            and used > 0;
  r.ref_type := p_hold.ref_type;
  r.ref_id := p_hold.ref_id;
  r.state := case when p_hold.state = 'open' then p_hold.stage else p_hold.state end;
  r.amount := p_hold.amount;
  r.charged := p_hold.charged;
  r.released := p_hold.released;
  r.refunded := p_hold.refunded;
  r.remaining := public.remaining(p_hold);
  r.expires_at := p_hold.expires_at;
  return r;
end $$;

-- How far a budget has gone: 1 past its soft cap, 2 close to its limit, 3 spent beyond its funds.
create or replace function ledger_level(
  p_account budget_account, p_authorized numeric, p_used numeric, p_spent numeric
) returns int language sql immutable parallel safe as $$
  select case when p_spent > p_authorized then 3
              when p_used >= p_authorized * p_account.approach_pct / 100 then 2
              when p_used >= p_authorized * p_account.soft_cap_pct / 100 then 1 else 0 end
$$;

-- Crossing a cap upwards writes one event; who must hear of it is decided off the hot path. The
-- amounts are what was added to what is authorized, used and spent.
create or replace function ledger_tell_crossing(
  p_after budget_account, p_authorized numeric, p_used numeric, p_spent numeric
) returns void language plpgsql as $$
declare
  used numeric := public.used(p_after) + p_after.rolled_up;
  level int := public.ledger_level(p_after, p_after.authorized, used, p_after.spent);
begin
  if level > public.ledger_level(p_after, p_after.authorized - p_authorized, used - p_used,
                                 p_after.spent - p_spent) then
    insert into public.outbox (tenant_id, topic, payload)
    select p_after.tenant_id, 'ledger.' || kind, jsonb_build_object(
             'budget_id', p_after.budget_id, 'type', kind, 'used', used::text,
             'authorized', p_after.authorized::text, 'currency', p_after.currency)
      from (select (array['threshold_warning', 'threshold_exceeded', 'over_budget'])[level]) k (kind);
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
