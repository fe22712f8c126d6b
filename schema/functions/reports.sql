-- What budgets had and used over a span of time, read back from the counters of today: entries that
-- came after the span, or that were not known yet, are taken off again. So a report reads the
-- entries since the start of its span, and not the whole history before it. It rests on two rules
-- of the ledger: counters follow from entries, and nothing is effective later than it is recorded.

-- Entries since the start of a span, added up by account and move: of one budget, or of the tenant.
-- `inside` is what happened in the span as far as it was known before `p_known`; the rest came
-- later, or was known later.
drop function if exists report_moves;
create function report_moves(
  p_tenant uuid, p_from timestamptz, p_to timestamptz, p_known timestamptz, p_budget uuid
) returns table (
  account_id uuid, inside boolean, kind text, from_bucket text, to_bucket text, entries bigint,
  amount numeric
) language sql stable parallel safe as $$
  select e.account_id, e.effective_at < p_to and e.recorded_at < p_known,
         e.kind, e.from_bucket, e.to_bucket, count(*), sum(e.amount)
    from ledger_entry e
   where p_budget is null and e.tenant_id = p_tenant and e.recorded_at >= least(p_from, p_known)
     and (e.effective_at >= p_from or e.recorded_at >= p_known)
   group by 1, 2, 3, 4, 5
  union all
  select a.id, e.effective_at < p_to and e.recorded_at < p_known,
         e.kind, e.from_bucket, e.to_bucket, count(*), sum(e.amount)
    from budget_accounts(p_tenant, p_budget) a (id)
    cross join lateral (
      -- OFFSET 0 keeps the look-up by account, whatever is estimated for the tenant.
      select * from ledger_entry x
       where x.tenant_id = p_tenant and x.account_id = a.id
         and x.recorded_at >= least(p_from, p_known)
         and (x.effective_at >= p_from or x.recorded_at >= p_known)
      offset 0
    ) e
   group by 1, 2, 3, 4, 5
$$;

-- One row a budget: its counters when the span began and when it ended, and its moves in between as
-- lines of kind, from, to, entries and amount. One budget, or all that are not deleted. The account
-- of a period counts while it is open; what it holds when it is closed leaves the budget by a line
-- of its own, period_end, so that opening and moves make up the closing. Put together by grouping:
-- with no statistics by tenant, a join might be planned to read one side anew for each row of the
-- other.
drop function if exists report_budgets;
create function report_budgets(
  p_tenant uuid, p_from timestamptz, p_to timestamptz, p_known timestamptz default 'infinity',
  p_budget uuid default null
) returns table (
  budget_id uuid, name text, department text, sub_category text, fiscal_period text,
  currency text, status text,
  opening_authorized numeric, opening_reserved numeric, opening_committed numeric,
  opening_spent numeric,
  closing_authorized numeric, closing_reserved numeric, closing_committed numeric,
  closing_spent numeric,
  utilization_percent numeric, entries bigint, moves text[]
) language sql stable parallel safe as $$
  with parts as (
    -- How often each part counts in the opening and in the closing: the counters of today once, what
    -- came after the span in neither, what happened in it not in the opening.
    select a.id as account_id, a.budget_id, 1 as opening, 1 as closing,
           a.authorized, a.reserved, a.committed, a.spent, 0::bigint as entries, null::text as move
      from budget_account a
     where a.tenant_id = p_tenant and a.line_key is null and a.closed_at is null
       and (p_budget is null or a.budget_id = p_budget)
    union all
    select a.id, a.budget_id, 1, 1, a.authorized, a.reserved, a.committed, a.spent, 0, null
      from past_account p
      cross join lateral (
        select * from budget_account x
         where x.tenant_id = p_tenant and x.id = p.account_id
        offset 0
      ) a
     where p.tenant_id = p_tenant and p.closed_at > least(p_from, p_known)
       and (p_budget is null or p.budget_id = p_budget)
    union all
    select m.account_id, null, -1, case when m.inside then 0 else -1 end,
           m.amount * ((m.from_bucket = 'external')::int - (m.to_bucket = 'external')::int),
           m.amount * ((m.to_bucket = 'reserved')::int - (m.from_bucket = 'reserved')::int),
           m.amount * ((m.to_bucket = 'committed')::int - (m.from_bucket = 'committed')::int),
           m.amount * ((m.to_bucket = 'spent')::int - (m.from_bucket = 'spent')::int),
           case when m.inside then m.entries else 0 end,
           case when m.inside then m.kind || ' ' || m.from_bucket || ' ' || m.to_bucket || ' '
                                   || m.entries || ' ' || m.amount end
      from report_moves(p_tenant, p_from, p_to, p_known, p_budget) m
  ), folded as (
    select p.account_id, min(p.budget_id::text)::uuid as budget_id,
           sum(p.opening * p.authorized) as opening_authorized,
           sum(p.opening * p.reserved) as opening_reserved,
           sum(p.opening * p.committed) as opening_committed,
           sum(p.opening * p.spent) as opening_spent,
           sum(p.closing * p.authorized) as closing_authorized,
           sum(p.closing * p.reserved) as closing_reserved,
           sum(p.closing * p.committed) as closing_committed,
           sum(p.closing * p.spent) as closing_spent,
           sum(p.entries)::bigint as entries,
           array_to_string(array_agg(p.move) filter (where p.move is not null), ',') as moves
      from parts p group by p.account_id
  ), placed as (
    -- Where an account was closed before the span, only what came late for it is here.
    select f.*, a.budget_id as of_budget,
           (coalesce(a.closed_at <= p_from and a.closed_at < p_known, false))::int as before,
           (coalesce(a.closed_at < p_to and a.closed_at < p_known, false))::int as ended
      from folded f
      cross join lateral (
        select x.budget_id, x.closed_at from budget_account x
         where x.tenant_id = p_tenant and x.id = f.account_id
        offset 0
      ) a
  ), summed as (
    select x.of_budget as budget_id,
           sum(x.opening_authorized * (1 - x.before)) as opening_authorized,
           sum(x.opening_reserved * (1 - x.before)) as opening_reserved,
           sum(x.opening_committed * (1 - x.before)) as opening_committed,
           sum(x.opening_spent * (1 - x.before)) as opening_spent,
           sum(x.closing_authorized * (1 - x.ended)) as closing_authorized,
           sum(x.closing_reserved * (1 - x.ended)) as closing_reserved,
           sum(x.closing_committed * (1 - x.ended)) as closing_committed,
           sum(x.closing_spent * (1 - x.ended)) as closing_spent,
           sum(x.entries)::bigint as entries,
           string_agg(x.moves, ',') as moves,
           -- What leaves with accounts that are closed: all they hold, or what came late for them.
           sum(x.ended * x.closing_authorized - x.before * x.opening_authorized) as left_authorized,
           sum(x.ended * (x.closing_reserved + x.closing_committed + x.closing_spent)
               - x.before * (x.opening_reserved + x.opening_committed + x.opening_spent))
             as left_used
      from placed x group by x.of_budget
  )
  select b.id, b.name, b.department, b.sub_category, b.fiscal_period, b.currency::text, b.status,
         f.opening_authorized, f.opening_reserved, f.opening_committed, f.opening_spent,
         f.closing_authorized, f.closing_reserved, f.closing_committed, f.closing_spent,
         ledger_utilization(f.closing_reserved + f.closing_committed + f.closing_spent,
                            f.closing_authorized),
         f.entries,
         coalesce(string_to_array(f.moves, ','), '{}')
         || case when f.left_authorized <> f.left_used then
              array['period_end available external 0 ' || f.left_authorized - f.left_used]
            else '{}' end
         || case when f.left_used <> 0 then
              array['period_end spent external 0 ' || f.left_used] else '{}' end
    from summed f
    cross join lateral (
      select x.* from budget x where x.tenant_id = p_tenant and x.id = f.budget_id offset 0
    ) b
   where b.deleted_at is null
   order by b.department_key, b.sub_category_key, b.fiscal_period, b.currency, b.id
$$;

-- Entries that are effective in a span, added up by day of a time zone, currency and kind.
drop function if exists report_daily;
create function report_daily(
  p_tenant uuid, p_from timestamptz, p_to timestamptz, p_zone text, p_budget uuid default null
) returns table (
  day date, currency text, kind text, entries bigint, amount numeric, delta_used numeric
) language sql stable parallel safe as $$
  select s.day, a.currency::text, s.kind, sum(s.entries)::bigint, sum(s.amount), sum(s.used)
    from (
      select e.account_id, (e.effective_at at time zone p_zone)::date as day, e.kind::text as kind,
             count(*) as entries, sum(e.amount) as amount,
             sum(ledger_delta_used(e.from_bucket, e.to_bucket, e.amount)) as used
        from (
          -- Two ways, of which a call goes one: all entries of the span, or those of few accounts.
          select * from ledger_entry x
           where p_budget is null and x.tenant_id = p_tenant and x.recorded_at >= p_from
          union all
          select x.* from budget_accounts(p_tenant, p_budget) a (id)
            cross join lateral (
              select * from ledger_entry y
               where y.tenant_id = p_tenant and y.account_id = a.id and y.recorded_at >= p_from
              offset 0
            ) x
        ) e
       where e.effective_at >= p_from and e.effective_at < p_to
       group by 1, 2, 3
    ) s
    cross join lateral (
      select x.currency from budget_account x
       where x.tenant_id = p_tenant and x.id = s.account_id offset 0
    ) a
   group by 1, 2, 3
   order by 1, 2, 3
$$;

-- Entries recorded in a span with the budgets that they belong to, oldest first.
drop function if exists report_entries;
create function report_entries(
  p_tenant uuid, p_from timestamptz, p_to timestamptz, p_budget uuid default null
) returns table (
  budget_id uuid, department text, sub_category text, fiscal_period text, currency text,
  seq bigint, kind text, from_bucket text, to_bucket text, amount numeric, ref_type text,
  ref_id text, import_id uuid, actor text, reason text, effective_at timestamptz,
  recorded_at timestamptz, hash bytea
) language sql stable parallel safe as $$
  select b.id, b.department, b.sub_category, b.fiscal_period, b.currency::text, e.seq,
         e.kind::text, e.from_bucket::text, e.to_bucket::text, e.amount, e.ref_type, e.ref_id,
         e.import_id, e.actor, e.reason, e.effective_at, e.recorded_at, e.hash
    from (
      select * from ledger_entry x
       where p_budget is null and x.tenant_id = p_tenant
         and x.recorded_at >= p_from and x.recorded_at < p_to
      union all
      select x.* from budget_accounts(p_tenant, p_budget) a (id)
        cross join lateral (
          select * from ledger_entry y
           where y.tenant_id = p_tenant and y.account_id = a.id
             and y.recorded_at >= p_from and y.recorded_at < p_to
          offset 0
        ) x
       order by recorded_at, account_id, seq
    ) e
    cross join lateral (
      select y.* from budget_account a
        cross join lateral (
          select * from budget z where z.tenant_id = p_tenant and z.id = a.budget_id offset 0) y
       where a.tenant_id = p_tenant and a.id = e.account_id
      offset 0
    ) b
   order by e.recorded_at, e.account_id, e.seq
$$;

-- The number of the last entry of an account that was recorded before a moment, 0 where there is
-- none. Numbers and times rise together, so it is found by halving, a look at one entry at a time.
create or replace function ledger_seq_before(p_account uuid, p_moment timestamptz) returns bigint
language plpgsql stable as $$
declare
  low bigint := 0;  -- recorded before, as far as it is known
  high bigint;      -- and this one not
  middle bigint;
  recorded timestamptz;
begin
  select a.entry_seq + 1 into high from budget_account a
   where a.tenant_id = current_tenant() and a.id = p_account;
  while high - low > 1 loop
    middle := (low + high) / 2;
    select e.recorded_at into recorded from ledger_entry e
     where e.tenant_id = current_tenant() and e.account_id = p_account and e.seq = middle;
    if recorded < p_moment then
      low := middle;
    else
      high := middle;
    end if;
  end loop;
  return low;
end $$;

-- What each live budget that was used since a moment has used day by day, all its periods counted,
-- beside what it has left and the day on which its present period ends.
drop function if exists report_burning;
create function report_burning(p_tenant uuid, p_from timestamptz, p_zone text)
returns table (
  budget_id uuid, name text, currency text, available numeric, ends_on date, days date[],
  used numeric[]
) language sql stable parallel safe as $$
  with daily as (
    select e.account_id, (e.effective_at at time zone p_zone)::date as day,
           sum(ledger_delta_used(e.from_bucket, e.to_bucket, e.amount)) as used
      from ledger_entry e
     where e.tenant_id = p_tenant and e.recorded_at >= p_from and e.effective_at >= p_from
       and e.kind not in ('carry_in', 'carry_out')  -- used before, and told then
     group by 1, 2
  ), by_budget as (
    select x.budget_id, s.day, sum(s.used) as used
      from daily s
      cross join lateral (
        select a.budget_id from budget_account a
         where a.tenant_id = p_tenant and a.id = s.account_id
        offset 0
      ) x
     group by 1, 2
    having sum(s.used) <> 0
  ), listed as (
    select d.budget_id, array_agg(d.day order by d.day) as days,
           array_agg(d.used order by d.day) as used
      from by_budget d group by d.budget_id
  )
  select l.budget_id, b.name, b.currency::text, a.available, b.ends_on, l.days, l.used
    from listed l
    cross join lateral (
      select x.name, x.currency, coalesce(r.next_on - 1, p.ends_on) as ends_on
        from budget x
        join fiscal_period p on p.tenant_id = x.tenant_id and p.id = x.period_id
        left join budget_recurrence r on r.tenant_id = x.tenant_id and r.id = x.id
       where x.tenant_id = p_tenant and x.id = l.budget_id and x.deleted_at is null
         and x.status = 'active'
      offset 0
    ) b
    cross join lateral (
      select y.available from budget_account y
       where y.tenant_id = p_tenant and y.budget_id = l.budget_id
         and y.line_key is null and y.closed_at is null
      offset 0
    ) a
$$;
