-- Many reservations in one call. Those of one budget are worked out one after the other in memory,
-- under its lock, and written together: this is what makes a hot budget fast.

-- The plain reservations of one account: the answers of the items at `p_places`, in that order. Null
-- where it is no longer plain: closed with its period, or put under a budget that controls it.
create or replace function ledger_reserve_for_account(
  p_tenant uuid, p_account uuid, p_places int[], p_amounts numeric[], p_currencies text[],
  p_ref_types text[], p_ref_ids text[], p_expiries timestamptz[], p_actors text[]
) returns ledger_answer[] language plpgsql as $$
declare
  answers public.ledger_answer[] := '{}';
  r public.ledger_answer;
  plain public.ledger_answer;
  account public.budget_account;
  used numeric;
  available numeric;
  most numeric;
  soft numeric;
  approach numeric;
  amount numeric;
  known jsonb;
  twins boolean := cardinality(p_places) <> (
    select count(*) from (select p_ref_types[i], p_ref_ids[i] from unnest(p_places) i
                           group by 1, 2) u);
  held public.hold;
  refusal text;
  moment timestamptz;
  place int;
  posted int[] := '{}';
  seqs bigint[] := '{}';
  hashes bytea[] := '{}';
  more numeric := 0;
begin
  account := public.ledger_lock_account(p_tenant, p_account);
  if account.closed_at is not null or account.controllers <> '{}' then
    return null;
  end if;
  used := public.used(account) + account.rolled_up;
  available := public.available(account);
  most := public.ledger_limit(account);
  soft := account.authorized * account.soft_cap_pct / 100;
  approach := account.authorized * account.approach_pct / 100;
  plain := public.ledger_answer_of('ok', account, null);
  plain.state := 'reserved';
  plain.charged := 0;
  plain.released := 0;
  plain.refunded := 0;
  moment := greatest(clock_timestamp(), account.updated_at);
  -- Looked up under the lock: whoever used one of these references before has written it.
  select coalesce(jsonb_object_agg(h.ref_type || chr(31) || h.ref_id, to_jsonb(h)), '{}')
    into known
    from (select p_ref_types[i] as ref_type, p_ref_ids[i] as ref_id from unnest(p_places) i) u
    cross join lateral (
      select * from public.hold x
       where x.tenant_id = p_tenant and x.ref_type = u.ref_type and x.ref_id = u.ref_id
      offset 0
    ) h;
  foreach place in array p_places loop
    if known <> '{}' and known ? (p_ref_types[place] || chr(31) || p_ref_ids[place]) then
      held := jsonb_populate_record(
        null::public.hold, known -> (p_ref_types[place] || chr(31) || p_ref_ids[place]));
      r := public.ledger_answer_of(
        case when held.budget_id = account.budget_id and held.amount = p_amounts[place]
                  and account.currency = p_currencies[place]
             then 'ok' else 'reference_reused' end, account, held);
      r.replayed := r.code = 'ok';
      answers := answers || r;
      continue;
    end if;
    amount := p_amounts[place];
    -- Asked here and not of ledger_refusal, because handing the whole row over costs more.
    if p_currencies[place] is distinct from account.currency or amount <= 0
       or amount <> round(amount, account.decimals) or account.frozen
       or account.control_mode = 'absolute' and used + amount > most then
      refusal := public.ledger_refusal(account, amount, p_currencies[place], false);
      if refusal = 'insufficient_funds' then
        perform public.ledger_tell_refusal(account, amount);
      end if;
      answers := answers || public.ledger_answer_of(refusal, account, null);
      continue;
    end if;
    used := used + amount;
    more := more + amount;
    account.reserved := account.reserved + amount;
    available := available - amount;
    account.entry_seq := account.entry_seq + 1;
    account.head_hash := public.ledger_entry_hash(
      account.head_hash, p_tenant, account.id, account.entry_seq, 'reserve', 'available',
      'reserved', amount, p_ref_types[place], p_ref_ids[place], null, p_actors[place],
      null, moment, moment);
    posted := posted || place;
    seqs := seqs || account.entry_seq;
    hashes := hashes || account.head_hash;
    r := plain;
    r.ref_type := p_ref_types[place];
    r.ref_id := p_ref_ids[place];
    r.amount := amount;
    r.remaining := amount;
    r.expires_at := p_expiries[place];
    r.reserved := account.reserved;
    r.available := available;
    r.utilization_percent := public.ledger_utilization(used, account.authorized);
    r.soft_cap_exceeded := used >= soft;
    r.hard_cap_approaching := used >= approach;
    r.entry_seq := account.entry_seq;
    answers := answers || r;
    if twins then
      held.budget_id := account.budget_id;
      held.ref_type := p_ref_types[place];
      held.ref_id := p_ref_ids[place];
      held.stage := 'reserved';
      held.state := 'open';
      held.amount := amount;
      held.charged := 0;
      held.released := 0;
      held.refunded := 0;
      held.expires_at := p_expiries[place];
      known := known || jsonb_build_object(
        p_ref_types[place] || chr(31) || p_ref_ids[place], to_jsonb(held));
    end if;
  end loop;
  if posted <> '{}' then
    update public.budget_account a set
      reserved = account.reserved, entry_seq = account.entry_seq, head_hash = account.head_hash,
      updated_at = moment
     where a.tenant_id = p_tenant and a.id = account.id;
    insert into public.ledger_entry
      (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
       actor, effective_at, recorded_at, hash)
    select p_tenant, account.id, u.seq, 'reserve', 'available', 'reserved', p_amounts[u.place],
           p_ref_types[u.place], p_ref_ids[u.place], p_actors[u.place], moment, moment, u.hash
      from unnest(posted, seqs, hashes) u (place, seq, hash);
    insert into public.hold
      (tenant_id, account_id, budget_id, ref_type, ref_id, stage, state, amount, charged,
       released, refunded, expires_at, created_at, updated_at)
    select p_tenant, account.id, account.budget_id, p_ref_types[i], p_ref_ids[i], 'reserved',
           'open', p_amounts[i], 0, 0, 0, p_expiries[i], now(), now()
      from unnest(posted) i;
    perform public.ledger_tell_crossing(account, 0, more, 0);
  end if;
  return answers;
end $$;

-- Reserve many, each for itself ('each') or all or none ('all'); one answer an item, in order. Where
-- none is posted because another was refused, the others answer 'batch_refused'. Each item may have
-- an idempotency key of its own; where all are of one request, one that was used for another request
-- refuses them all.
drop function if exists ledger_reserve_many;
create function ledger_reserve_many(
  p_tenant uuid, p_mode text, p_budgets uuid[], p_amounts numeric[], p_currencies text[],
  p_ref_types text[], p_ref_ids text[], p_expiries timestamptz[], p_actors text[],
  p_keys text[] default null, p_requests bytea[] default null, p_one_request boolean default false
) returns setof ledger_answer language plpgsql security definer as $$
declare
  answers public.ledger_answer[] := array_fill(
    null::public.ledger_answer, array[cardinality(p_budgets)]);
  made public.ledger_answer[];
  part record;
  r public.ledger_answer;
  places int[];
  place int;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  select array_agg(i) into places from generate_subscripts(p_budgets, 1) i;
  if p_keys is not null then
    foreach place in array places loop
      answers[place] := public.ledger_replay(p_tenant, p_keys[place], p_requests[place]);
    end loop;
    if p_one_request and exists (select from unnest(answers) u
                                  where u.code = 'idempotency_key_reused') then
      r.code := 'idempotency_key_reused';
      return query select x.* from unnest(array_fill(r, array[cardinality(p_budgets)])) x;
      return;
    end if;
    select array_agg(i order by i) into places
      from unnest(places) i where (answers[i]).code is null;
  end if;
  begin
    -- All locks before the first reference is written: whoever waits for a reference of ours, because
    -- it was used for another budget at the same time, then holds nothing that we still want.
    if exists (select from unnest(places) i where p_budgets[i] <> p_budgets[places[1]]) then
      perform public.ledger_lock_account(p_tenant, o.id)
        from (select a.id
                from (select distinct p_budgets[i] as budget_id from unnest(places) i) u
                join public.budget_account a
                  on a.tenant_id = p_tenant and a.budget_id = u.budget_id
                     and a.line_key is null and a.closed_at is null
               order by cardinality(a.controllers), a.id
              offset 0) o;
    end if;
    for part in
      -- Those nearer the root first, as everywhere, so that two batches never wait for each other.
      select a.id, u.budget_id, coalesce(a.controllers, '{}') as above, u.places
        from (select p_budgets[i] as budget_id, array_agg(i order by i) as places
                from unnest(places) i group by 1) u
        left join public.budget_account a
          on a.tenant_id = p_tenant and a.budget_id = u.budget_id
             and a.line_key is null and a.closed_at is null
       order by cardinality(a.controllers), a.id
    loop
      made := null;
      if part.id is not null and part.above = '{}' then
        made := public.ledger_reserve_for_account(
          p_tenant, part.id, part.places, p_amounts, p_currencies, p_ref_types, p_ref_ids,
          p_expiries, p_actors);
      end if;
      if made is not null then
        for i in 1 .. cardinality(made) loop
          answers[part.places[i]] := made[i];
        end loop;
      else
        foreach place in array part.places loop
          answers[place] := public.ledger_reserve_carefully(
            p_tenant, part.budget_id, p_amounts[place], p_currencies[place], p_ref_types[place],
            p_ref_ids[place], p_expiries[place], p_actors[place], null, null, 'reserved', null,
            null);
        end loop;
      end if;
    end loop;
    if p_mode = 'all' and exists (select from unnest(answers) u where u.code <> 'ok') then
      raise exception 'refused' using errcode = 'BU002';
    end if;
  exception when sqlstate 'BU002' then
    for i in 1 .. cardinality(answers) loop
      r := answers[i];
      if r.code = 'ok' and not r.replayed then
        r := null;
        r.code := 'batch_refused';
        r.budget_id := p_budgets[i];
        answers[i] := r;
      end if;
    end loop;
  end;
  if p_keys is not null then
    foreach place in array coalesce(places, '{}') loop
      r := answers[place];
      if r.code <> 'not_found' then
        perform public.ledger_remember(p_tenant, p_keys[place], p_requests[place], r);
      end if;
    end loop;
  end if;
  return query select * from unnest(answers);
end $$;
