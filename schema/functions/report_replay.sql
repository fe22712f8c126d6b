-- Decisions given again, with what is known now. A posting that came late, dated back to before a
-- check, was not known to it; so a decision changes only by entries that are effective before it and
-- were recorded after it. Everything else stands in its trace: balance, rule, caps.
--
-- An import says nothing of when its numbers should have counted. With `p_import` its entries are
-- taken as effective from `p_effective` on: which decisions would have been others, had the file
-- come in time?
drop function if exists report_replay;
create function report_replay(
  p_tenant uuid, p_from timestamptz, p_to timestamptz, p_import uuid default null,
  p_effective timestamptz default null
) returns table (
  decision_id uuid, budget_id uuid, currency text, amount numeric, decided_at timestamptz,
  actor text, decision text, reason text, available numeric,
  decision_now text, reason_now text, available_now numeric, late_entries bigint
) language sql stable parallel safe as $$
  with late as (
    select e.account_id, e.seq, e.effective_at, e.recorded_at, e.from_bucket, e.to_bucket, e.amount
      from ledger_entry e
     where e.tenant_id = p_tenant and e.recorded_at >= p_from and e.effective_at < e.recorded_at
       and e.effective_at < p_to and p_import is null
    union all
    select e.account_id, e.seq, p_effective, e.recorded_at, e.from_bucket, e.to_bucket, e.amount
      from (select distinct r.budget_id from import_row r
             where r.tenant_id = p_tenant and r.import_id = p_import) r
      cross join lateral budget_accounts(p_tenant, r.budget_id) a (id)
      cross join lateral (
        select * from ledger_entry x
         where x.tenant_id = p_tenant and x.account_id = a.id and x.import_id = p_import
        offset 0
      ) e
     where p_import is not null
  ), changed as (
    select d.id, count(*) as entries, min(x.currency) as currency,
           sum(l.amount * ((l.from_bucket = 'external')::int
                           - (l.to_bucket = 'external')::int)) as authorized,
           sum(ledger_delta_used(l.from_bucket, l.to_bucket, l.amount)) as used
      from late l
      cross join lateral (
        select a.budget_id, a.currency::text, a.opened_at, a.closed_at from budget_account a
         where a.tenant_id = p_tenant and a.id = l.account_id
        offset 0
      ) x
      cross join lateral (
        select c.id from check_decision c
         where c.tenant_id = p_tenant and c.budget_id = x.budget_id
           and c.decided_at >= greatest(l.effective_at, p_from)
           and c.decided_at < least(l.recorded_at, p_to) and c.account_seq < l.seq
           -- Another period's balance is not the one that was seen.
           and c.decided_at >= coalesce(x.opened_at, '-infinity')
           and c.decided_at < coalesce(x.closed_at, 'infinity')
        offset 0
      ) d
     group by d.id
  ), then_and_now as (
    select d.*, c.entries, c.currency, b.*,
           b.had_authorized + c.authorized as has_authorized, b.had_used + c.used as has_used
      from changed c
      cross join lateral (
        select * from check_decision x where x.tenant_id = p_tenant and x.id = c.id offset 0) d
      cross join lateral (
        select (k ->> 'authorized')::numeric as had_authorized,
               (k ->> 'reserved')::numeric + (k ->> 'committed')::numeric
               + (k ->> 'spent')::numeric + (k ->> 'rolled_up')::numeric as had_used,
               k ->> 'control_mode' as mode,
               (k ->> 'tolerance_percent')::numeric as tolerance,
               (k ->> 'hard_cap_amount')::numeric as cap,
               (k ->> 'frozen')::boolean as frozen,
               (d.trace ->> 'auto_approve_up_to')::numeric as threshold,
               d.trace #>> '{late_source,policy}' as late_policy
          from (select d.trace -> 'balance') t (k)
      ) b
     where d.trace ? 'balance'
  ), decided as (
    select t.*,
           not t.frozen and not t.trace ? 'refused_above'
           and (t.mode <> 'absolute'
                or t.has_used + t.amount
                   <= least(t.has_authorized * (1 + t.tolerance / 100), t.cap)) as fits
      from then_and_now t
  ), answered as (
    select t.*,
           case when not t.fits then 'rejected'
                when t.amount > t.threshold then 'pending'
                when t.late_policy = 'manual' then 'pending'
                when t.late_policy = 'refuse' then 'rejected'
                else 'approved' end as now_decision,
           case when t.frozen then 'budget_frozen'
                when not t.fits then 'insufficient_funds'
                when t.amount > t.threshold then 'above_auto_approval_threshold'
                when t.late_policy in ('manual', 'refuse') then 'stale_source'
                else 'within_auto_approval_threshold' end as now_reason
      from decided t
  )
  select t.id, t.budget_id, t.currency, t.amount, t.decided_at, t.actor, t.decision, t.reason,
         t.available, t.now_decision, t.now_reason, t.has_authorized - t.has_used, t.entries
    from answered t
   where t.now_decision <> t.decision
   order by t.decided_at, t.id
$$;
