-- From one period to the next. Nothing is rewritten: the account of the period that ended is closed
-- and keeps its figures, another is opened that follows it, and what goes along is posted as pairs
-- of carry_out and carry_in that sum to zero.

drop type if exists ledger_ending cascade;
create type ledger_ending as (
  code text,
  budget_id uuid,
  from_account uuid,
  to_account uuid,
  currency text,
  period_code text,
  authorized numeric(20, 4),
  reserved numeric(20, 4),
  committed numeric(20, 4),
  spent numeric(20, 4),
  available numeric(20, 4),
  unspent numeric(20, 4),
  commitments numeric(20, 4),
  backing numeric(20, 4),
  deficit numeric(20, 4),
  lapsed numeric(20, 4),
  allowance numeric(20, 4),
  holds bigint
);

-- What the budgets below one hold that goes along with them: all of it, or only where their own
-- recurrence says so.
create or replace function ledger_held_below(p_tenant uuid, p_budget uuid, p_recurring boolean)
returns numeric language plpgsql stable as $$
begin
  return coalesce((
    select sum(a.reserved + a.committed)
      from public.ledger_accounts_below(p_tenant, p_budget) a
     where not p_recurring
        or exists (select from public.budget_recurrence r
                    where r.tenant_id = p_tenant and r.id = a.budget_id
                      and r.rollover in ('carry_commitments', 'carry_all'))), 0);
end $$;

-- What an account takes along by a rule: of what is left at most the cap, of open holds all that
-- they still hold, of a deficit all of it. Where it controls others, `backing` is the money for what
-- goes along with them.
create or replace function ledger_ending_of(
  p_account budget_account, p_rollover text, p_cap numeric, p_recurring boolean
) returns ledger_ending language plpgsql stable as $$
declare r public.ledger_ending;
begin
  r.budget_id := p_account.budget_id;
  r.from_account := p_account.id;
  r.currency := p_account.currency;
  r.period_code := p_account.period_code;
  r.authorized := p_account.authorized;
  r.reserved := p_account.reserved;
  r.committed := p_account.committed;
  r.spent := p_account.spent;
  r.available := public.available(p_account);
  r.unspent := case when p_rollover in ('carry_unspent', 'carry_all')
                    then least(greatest(r.available, 0), trunc(p_cap, p_account.decimals))
                    else 0 end;
  r.deficit := case when p_rollover in ('carry_deficit', 'carry_all')
                    then greatest(-r.available, 0) else 0 end;
  select coalesce(sum(public.remaining(h)), 0), count(*) into r.commitments, r.holds
    from public.hold h
   where h.tenant_id = p_account.tenant_id and h.account_id = p_account.id and h.state = 'open'
     and p_rollover in ('carry_commitments', 'carry_all');
  r.backing := case when p_rollover in ('carry_commitments', 'carry_all')
                         and p_account.rolled_up <> 0
                    then public.ledger_held_below(p_account.tenant_id, p_account.budget_id,
                                                  p_recurring) else 0 end;
  r.lapsed := r.available - r.unspent + r.deficit;
  return r;
end $$;

-- What was planned for the period of an account: its first funds and later adjustments. Top-ups,
-- transfers, and what it had taken along itself came once.
create or replace function ledger_planned(p_account budget_account) returns numeric
language plpgsql stable as $$
begin
  return coalesce((
    select sum(case e.from_bucket when 'external' then e.amount else -e.amount end)
      from public.ledger_entry e
      left join public.ledger_entry o  -- what a reversal took back
        on e.kind = 'reverse' and o.tenant_id = e.tenant_id and o.account_id = e.account_id
           and e.ref_id = o.account_id || '/' || o.seq
     where e.tenant_id = p_account.tenant_id and e.account_id = p_account.id
       and 'external' in (e.from_bucket, e.to_bucket)
       and (coalesce(o.kind, e.kind) = 'adjust'
            or coalesce(o.kind, e.kind) = 'fund' and coalesce(o.seq, e.seq) = 1
               and (p_account.period_code is null or coalesce(o.ref_type, e.ref_type) = 'period'))
  ), 0);
end $$;

-- Whether the counters of an account follow from its entries: a wrong number is not carried on.
create or replace function ledger_follows(p_account budget_account) returns boolean
language plpgsql stable as $$
begin
  return (
    select coalesce(sum(e.amount * ((e.from_bucket = 'external')::int
                                    - (e.to_bucket = 'external')::int)), 0) = p_account.authorized
       and coalesce(sum(e.amount * ((e.to_bucket = 'reserved')::int
                                    - (e.from_bucket = 'reserved')::int)), 0) = p_account.reserved
       and coalesce(sum(e.amount * ((e.to_bucket = 'committed')::int
                                    - (e.from_bucket = 'committed')::int)), 0) = p_account.committed
       and coalesce(sum(e.amount * ((e.to_bucket = 'spent')::int
                                    - (e.from_bucket = 'spent')::int)), 0) = p_account.spent
       and count(*) = p_account.entry_seq
      from public.ledger_entry e
     where e.tenant_id = p_account.tenant_id and e.account_id = p_account.id);
end $$;

-- One pair: out of a bucket of one account, into the same bucket of the other. A negative amount
-- goes the other way round: a deficit.
create or replace function ledger_carry(
  p_tenant uuid, p_from uuid, p_to uuid, p_bucket text, p_amount numeric,
  p_ref_type text, p_ref_id text, p_actor text, p_reason text
) returns void language plpgsql as $$
declare
  one public.budget_account;
  other public.budget_account;
begin
  select a.* into one from public.budget_account a where a.tenant_id = p_tenant and a.id = p_from;
  select a.* into other from public.budget_account a where a.tenant_id = p_tenant and a.id = p_to;
  if p_amount > 0 then
    perform public.ledger_append(one, 'carry_out', p_bucket, 'external', p_amount, p_ref_type,
                                 p_ref_id, p_actor, p_reason);
    perform public.ledger_append(other, 'carry_in', 'external', p_bucket, p_amount, p_ref_type,
                                 p_ref_id, p_actor, p_reason);
  elsif p_amount < 0 then
    perform public.ledger_append(other, 'carry_out', p_bucket, 'external', -p_amount, p_ref_type,
                                 p_ref_id, p_actor, p_reason);
    perform public.ledger_append(one, 'carry_in', 'external', p_bucket, -p_amount, p_ref_type,
                                 p_ref_id, p_actor, p_reason);
  end if;
end $$;

-- Move an open hold with the money that it holds. What was charged of it stays where it was.
create or replace function ledger_carry_hold(
  p_hold hold, p_to budget_account, p_actor text, p_reason text
) returns void language plpgsql as $$
begin
  perform public.ledger_carry(p_hold.tenant_id, p_hold.account_id, p_to.id, p_hold.stage,
                              public.remaining(p_hold), p_hold.ref_type, p_hold.ref_id, p_actor, p_reason);
  update public.hold h set account_id = p_to.id, budget_id = p_to.budget_id, updated_at = now()
   where h.tenant_id = p_hold.tenant_id and h.ref_type = p_hold.ref_type
     and h.ref_id = p_hold.ref_id;
end $$;

-- Everything that goes along, between two locked accounts.
create or replace function ledger_carry_all(
  p_ending ledger_ending, p_to budget_account, p_actor text, p_reason text
) returns void language plpgsql as $$
declare
  name text := p_ending.from_account || '/' || p_to.id;
  held public.hold;
begin
  perform public.ledger_carry(p_to.tenant_id, p_ending.from_account, p_to.id, 'available',
                              p_ending.unspent - p_ending.deficit + p_ending.backing, 'period',
                              name, p_actor, p_reason);
  if p_ending.holds > 0 then
    for held in
      select h.* from public.hold h
       where h.tenant_id = p_to.tenant_id and h.account_id = p_ending.from_account
         and h.state = 'open'
       order by h.ref_type, h.ref_id
    loop
      perform public.ledger_carry_hold(held, p_to, p_actor, p_reason);
    end loop;
  end if;
end $$;

-- Start a budget anew with the period that starts on a day, once for that day. The account so far
-- is closed: its holds may still be charged or given back, unless they go along. A dry run says
-- what would come of it and changes nothing.
drop function if exists ledger_reset;
create function ledger_reset(
  p_tenant uuid, p_budget uuid, p_period text, p_starts_on date, p_rollover text, p_cap numeric,
  p_allowance numeric, p_actor text, p_reason text, p_dry_run boolean default false
) returns ledger_ending language plpgsql security definer as $$
declare
  account public.budget_account;
  opened public.budget_account;
  moment timestamptz;
  r public.ledger_ending;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  if p_dry_run then
    select a.* into account from public.budget_account a
     where a.tenant_id = p_tenant and a.budget_id = p_budget
       and a.line_key is null and a.closed_at is null;
  else
    account := public.ledger_lock(p_tenant, p_budget);
  end if;
  r := public.ledger_ending_of(account, p_rollover, p_cap, true);
  r.allowance := coalesce(p_allowance, public.ledger_planned(account));
  r.code := case when account.id is null then 'not_found'
                 when account.period_starts_on >= p_starts_on then 'already_reset'
                 when account.frozen then public.ledger_frozen(account)
                 when not public.ledger_follows(account) then 'counters_disagree'
                 -- More than a counter holds.
                 when r.allowance + r.unspent - r.deficit + r.commitments + r.backing >= 1e16
                   then 'invalid_amount'
                 else 'ok' end;
  if r.code <> 'ok' or p_dry_run then
    return r;
  end if;
  moment := greatest(clock_timestamp(), account.updated_at);
  update public.budget_account a set closed_at = moment, controllers = '{}'
   where a.tenant_id = p_tenant and a.id = account.id;
  insert into public.past_account (tenant_id, account_id, budget_id, closed_at)
  values (p_tenant, account.id, p_budget, moment);
  insert into public.budget_account
    (tenant_id, id, budget_id, currency, decimals, allotted, control_mode, soft_cap_pct,
     approach_pct, tolerance_pct, hard_cap_amount, period_code, period_starts_on, opened_at,
     follows, updated_at)
  values
    (p_tenant, public.uuid_v7(), p_budget, account.currency, account.decimals, account.allotted,
     account.control_mode, account.soft_cap_pct, account.approach_pct, account.tolerance_pct,
     account.hard_cap_amount, p_period, p_starts_on, moment, account.id, moment)
  returning * into opened;
  if r.allowance > 0 then
    opened := public.ledger_append(opened, 'fund', 'external', 'available', r.allowance, 'period',
                                   p_period, p_actor, p_reason);
  elsif r.allowance < 0 then
    opened := public.ledger_append(opened, 'adjust', 'available', 'external', -r.allowance,
                                   'period', p_period, p_actor, p_reason);
  end if;
  perform public.ledger_carry_all(r, opened, p_actor, p_reason);
  r.to_account := opened.id;
  if account.controllers <> '{}'
     or exists (select from public.budget b
                 where b.tenant_id = p_tenant and b.parent_id = p_budget) then
    perform public.ledger_relink(p_tenant, p_budget);
  end if;
  select a.* into opened from public.budget_account a
   where a.tenant_id = p_tenant and a.id = opened.id;
  perform public.ledger_tell_crossing(opened, 0, public.used(opened), 0);
  return r;
end $$;

-- No new use of the budgets of a period: what was begun may be ended. Returns how many accounts.
drop function if exists ledger_soft_close;
create function ledger_soft_close(p_tenant uuid, p_period uuid) returns bigint
language plpgsql security definer as $$
declare done bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  update public.budget_account a set frozen = true, period_state = 'soft_closed'
    from public.budget b
   where b.tenant_id = p_tenant and b.period_id = p_period
     and a.tenant_id = p_tenant and a.budget_id = b.id and a.closed_at is null
     and a.period_state is null;
  get diagnostics done = row_count;
  return done;
end $$;

-- Open the budgets of a period that was not closed for good. Those that a person froze or deleted
-- stay so.
drop function if exists ledger_reopen;
create function ledger_reopen(p_tenant uuid, p_period uuid) returns bigint
language plpgsql security definer as $$
declare done bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  update public.budget_account a
     set frozen = b.status <> 'active' or b.deleted_at is not null or a.frozen_for is not null,
         period_state = null
    from public.budget b
   where b.tenant_id = p_tenant and b.period_id = p_period
     and a.tenant_id = p_tenant and a.budget_id = b.id and a.closed_at is null
     and a.period_state = 'soft_closed';
  get diagnostics done = row_count;
  return done;
end $$;

-- Put an account before all that another one follows: from it on, one leads to the next until the
-- open one, however often that has started anew, and however many go on in it.
create or replace function ledger_follow(p_tenant uuid, p_account uuid, p_before uuid)
returns void language plpgsql as $$
declare
  first uuid := p_account;
  earlier uuid;
begin
  loop
    select a.follows into earlier from public.budget_account a
     where a.tenant_id = p_tenant and a.id = first;
    exit when earlier is null;
    first := earlier;
  end loop;
  -- Those that led here already have led through it since.
  update public.budget_account a set follows = p_before
   where a.tenant_id = p_tenant and a.id = first and first <> p_before;
end $$;

-- Close a budget for good, and carry on to the budget that stands in its place in the next period.
-- Holds that stay behind come along with their money when something is done with them.
drop function if exists ledger_close;
create function ledger_close(
  p_tenant uuid, p_budget uuid, p_next uuid, p_rollover text, p_cap numeric, p_actor text,
  p_reason text, p_dry_run boolean default false
) returns ledger_ending language plpgsql security definer as $$
declare
  account public.budget_account;
  target public.budget_account;
  r public.ledger_ending;
begin
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true);
  if p_dry_run then
    select a.* into account from public.budget_account a
     where a.tenant_id = p_tenant and a.budget_id = p_budget
       and a.line_key is null and a.closed_at is null;
  else
    -- The older before the one that carries on, as for a hold that comes late.
    account := public.ledger_lock(p_tenant, p_budget);
    perform public.ledger_lock(p_tenant, p_next);
  end if;
  select a.* into target from public.budget_account a
   where a.tenant_id = p_tenant and a.budget_id = p_next
     and a.line_key is null and a.closed_at is null;
  r := public.ledger_ending_of(account, p_rollover, p_cap, false);
  r.to_account := target.id;
  r.code := case
    when account.id is null then 'not_found'
    when account.period_state = 'closed' then 'already_closed'
    when account.frozen_for is not null or not public.ledger_follows(account)
      then 'counters_disagree'
    when r.unspent + r.deficit + r.commitments + r.backing = 0 then 'ok'
    when target.id is null then case when p_dry_run then 'ok' else 'not_found' end
    when target.currency <> account.currency then 'currency_mismatch'
    when target.frozen then public.ledger_frozen(target)
    when target.authorized + r.unspent - r.deficit + r.commitments + r.backing >= 1e16
      then 'invalid_amount'
    else 'ok' end;
  if r.code <> 'ok' or p_dry_run then
    return r;
  end if;
  if target.id is not null then
    perform public.ledger_carry_all(r, target, p_actor, p_reason);
    perform public.ledger_follow(p_tenant, target.id, account.id);
    perform public.ledger_tell_crossing(
      a, r.unspent - r.deficit + r.commitments + r.backing, r.commitments, 0)
      from public.budget_account a where a.tenant_id = p_tenant and a.id = target.id;
  end if;
  -- Those of the periods before as well: what was left behind in them comes late from now on.
  update public.budget_account a set frozen = true, period_state = 'closed'
   where a.tenant_id = p_tenant
     and a.id = any (array(select public.budget_accounts(p_tenant, p_budget)));
  return r;
end $$;
