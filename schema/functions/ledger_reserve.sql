-- Setting money aside: the hottest path of all. One call is one round trip, and in it one statement
-- that locks, checks and counts, one that keeps the hold and one that writes the entry. Most of what
-- such a statement costs is making it ready, by the number of its operators and functions.

-- Why an amount may not be set aside in an account, or null when it may.
create or replace function ledger_refusal(
  p_account budget_account, p_amount numeric, p_currency text, p_override boolean
) returns text language plpgsql as $$
begin
  return case
    when p_account.id is null then 'not_found'
    when p_account.currency <> p_currency then 'currency_mismatch'
    when p_amount <= 0 or p_amount <> round(p_amount, p_account.decimals) then 'invalid_amount'
    when p_account.frozen then public.ledger_frozen(p_account)
    when not p_override and not public.ledger_fits(p_account, p_amount) then 'insufficient_funds'
    end;
end $$;

-- A refusal for want of funds raises one alert until somebody resolves it, however many follow.
create or replace function ledger_tell_refusal(p_account budget_account, p_amount numeric)
returns void language plpgsql as $$
begin
  insert into public.alert (tenant_id, type, severity, budget_id, utilization_percent, message,
                            details, dedup_key)
  select p_account.tenant_id, 'hard_cap_reached', 'critical', p_account.budget_id,
         public.ledger_utilization(public.used(p_account), p_account.authorized),
         'A reservation was refused because the budget does not have enough available.',
         jsonb_build_object('attempted_amount', p_amount::text,
                            'available', public.available(p_account)::text,
                            'currency', p_account.currency),
         'hard_cap_reached:' || p_account.budget_id
   where not exists (select 1 from public.alert
                      where tenant_id = p_account.tenant_id and state <> 'resolved'
                        and dedup_key = 'hard_cap_reached:' || p_account.budget_id)
  on conflict do nothing;
end $$;

-- Whatever is not plain, under the locks: references seen before, refusals, overrides, budgets under
-- others, and what is spent at once (stage 'spent'), kept as a hold that was charged in full.
drop function if exists ledger_reserve_carefully;
create function ledger_reserve_carefully(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text,
  p_ref_type text, p_ref_id text, p_expires_at timestamptz, p_actor text,
  p_key text, p_request bytea, p_stage text, p_override text, p_reason text,
  p_dated timestamptz default null
) returns ledger_answer language plpgsql as $$
declare
  at_once numeric := case p_stage when 'spent' then p_amount else 0 end;
  r public.ledger_answer;
  before public.budget_account;
  account public.budget_account;
  held public.hold;
  refusal text;
begin
  before := public.ledger_lock(p_tenant, p_budget);
  select * into held from public.hold
   where tenant_id = p_tenant and ref_type = p_ref_type and ref_id = p_ref_id;
  if found then
    r := public.ledger_answer_of(
      case when held.budget_id = p_budget and held.amount = p_amount
                and held.charged >= at_once and before.currency = p_currency
           then 'ok' else 'reference_reused' end, before, held);
    r.replayed := r.code = 'ok';
    return public.ledger_remember(p_tenant, p_key, p_request, r);
  end if;
  refusal := public.ledger_refusal(before, p_amount, p_currency, p_override is not null);
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
    before,
    case p_stage when 'reserved' then 'reserve' when 'committed' then 'commit' else 'charge' end,
    'available', p_stage, p_amount, p_ref_type, p_ref_id, p_actor,
    coalesce('override: ' || p_override, p_reason), p_dated);
  insert into public.hold
    (tenant_id, account_id, budget_id, ref_type, ref_id, stage, amount, charged, state, expires_at)
  values (p_tenant, account.id, p_budget, p_ref_type, p_ref_id,
          case p_stage when 'spent' then 'reserved' else p_stage end, p_amount, at_once,
          case p_stage when 'spent' then 'charged' else 'open' end, p_expires_at)
  returning * into held;
  perform public.ledger_tell_crossing(account, 0, p_amount, at_once);
  return public.ledger_remember(
    p_tenant, p_key, p_request, public.ledger_answer_of('ok', account, held));
end $$;

-- Take back what was counted in this transaction, before its entry was written: the account is again
-- as its last entry left it.
create or replace function ledger_uncount(p_tenant uuid, p_account uuid, p_amount numeric)
returns void language plpgsql as $$
begin
  update public.budget_account a set
    reserved = a.reserved - p_amount, entry_seq = a.entry_seq - 1,
    (head_hash, updated_at) = (
      select (array_agg(e.hash))[1], coalesce(max(e.recorded_at), a.updated_at) from public.ledger_entry e
       where e.tenant_id = p_tenant and e.account_id = p_account and e.seq = a.entry_seq - 1)
   where a.tenant_id = p_tenant and a.id = p_account;
end $$;

-- Set money aside in a stage ('reserved', or 'committed' for an obligation without a reservation).
-- Refused when it would pass the limit of an account under absolute control, or of a budget above
-- that controls it; with a reason for an override it is not, and the entry keeps the reason. The
-- caller has made sure of the right to override.
drop function if exists ledger_reserve;
create function ledger_reserve(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text,
  p_ref_type text, p_ref_id text, p_expires_at timestamptz, p_actor text,
  p_key text default null, p_request bytea default null,
  p_stage text default 'reserved', p_override text default null
) returns ledger_answer language plpgsql security definer as $$
declare
  r public.ledger_answer;
  account public.budget_account;
  moment timestamptz;
  account_id uuid;
  currency text;
  authorized numeric;
  reserved numeric;
  committed numeric;
  spent numeric;
  used numeric;
  soft_pct numeric;
  approach_pct numeric;
  soft boolean;
  approaching boolean;
  seq bigint;
  hash bytea;
begin
  -- Asked as expressions, and as few: a statement of its own would cost several times as much. No
  -- setting is null, and without a key there is nothing to replay.
  if set_config('bursar.tenant', p_tenant::text, true) is null
     or set_config('enable_seqscan', 'off', true) is null or p_key is not null then
    r := public.ledger_replay(p_tenant, p_key, p_request);
    if r.code is not null then
      return r;
    end if;
  end if;
  -- A queue of its own for each budget: those who wait get their turn in order.
  if p_stage = 'reserved' and p_override is null and p_amount > 0
     and pg_advisory_xact_lock(uuid_hash_extended(p_budget, 0)) is not null then
    moment := clock_timestamp();
    update public.budget_account a set
      reserved = a.reserved + p_amount,
      entry_seq = a.entry_seq + 1,
      head_hash = public.ledger_entry_hash(
        a.head_hash, p_tenant, a.id, a.entry_seq + 1, 'reserve', 'available', 'reserved',
        p_amount, p_ref_type, p_ref_id, null, p_actor, null, moment, moment),
      updated_at = moment
     -- As the wall writes it: two ways to say the same would be one more thing to compare.
     where a.tenant_id = public.current_tenant() and a.budget_id = p_budget
       and a.line_key is null and a.closed_at is null
       and a.controllers = '{}' and not a.frozen and a.currency = p_currency::bpchar
       and min_scale(p_amount) <= a.decimals and a.authorized > 0 and a.tolerance_pct >= 0
       -- Within what is authorized; whether the tolerance allows for more is asked carefully.
       and (a.control_mode <> 'absolute'
            or a.reserved + a.committed + a.spent + a.rolled_up + p_amount
               <= least(a.authorized, a.hard_cap_amount))
       and a.updated_at <= moment  -- else somebody was faster whose queue is another
    returning a.id, a.currency::text, a.authorized, a.reserved::numeric, a.committed::numeric,
              a.spent, a.reserved + a.committed + a.spent + a.rolled_up, a.soft_cap_pct,
              a.approach_pct, a.entry_seq, a.head_hash
      into account_id, currency, authorized, reserved, committed, spent, used, soft_pct,
           approach_pct, seq, hash;
    if account_id is not null then
      insert into public.hold
        (tenant_id, account_id, budget_id, ref_type, ref_id, stage, state, amount, charged,
         released, refunded, expires_at, created_at, updated_at)
      values (p_tenant, account_id, p_budget, p_ref_type, p_ref_id, public.known_stage('reserved'),
              public.known_state('open'), p_amount, public.known_held(0), 0, 0, p_expires_at, moment,
              moment)
      on conflict do nothing;
      if found then
        insert into public.ledger_entry
          (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
           actor, effective_at, recorded_at, hash)
        values (p_tenant, account_id, seq, public.known_kind('reserve'),
                public.known_bucket('available'), public.known_bucket('reserved'), p_amount,
                p_ref_type, p_ref_id, p_actor, moment, moment, hash);
        if used * 100 >= authorized * least(soft_pct, approach_pct) then
          -- Most have not come as far.
          soft := used >= authorized * soft_pct / 100;
          approaching := used >= authorized * approach_pct / 100;
          select a.* into account from public.budget_account a
           where a.tenant_id = p_tenant and a.id = account_id;
          perform public.ledger_tell_crossing(account, 0, p_amount, 0);
        end if;
        if p_key is null then
          return row('ok', false, p_budget, account_id, p_ref_type, p_ref_id, 'reserved',
                     p_amount, 0.0000, 0.0000, 0.0000, p_amount, p_expires_at, currency, authorized,
                     reserved, committed, spent, authorized - used,
                     round(used * 100 / authorized, 4), coalesce(soft, false),
                     coalesce(approaching, false), seq)::public.ledger_answer;
        end if;
        return public.ledger_remember(
          p_tenant, p_key, p_request,
          row('ok', false, p_budget, account_id, p_ref_type, p_ref_id, 'reserved', p_amount,
              0.0000, 0.0000, 0.0000, p_amount, p_expires_at, currency, authorized, reserved,
              committed, spent, authorized - used, round(used * 100 / authorized, 4),
              coalesce(soft, false), coalesce(approaching, false), seq)::public.ledger_answer);
      end if;
      -- The reference is taken. Nobody has seen what was counted, so it is taken back as it was.
      perform public.ledger_uncount(p_tenant, account_id, p_amount);
    end if;
  end if;

  return public.ledger_reserve_carefully(
    p_tenant, p_budget, p_amount, p_currency, p_ref_type, p_ref_id, p_expires_at, p_actor,
    p_key, p_request, p_stage, p_override, null);
end $$;
