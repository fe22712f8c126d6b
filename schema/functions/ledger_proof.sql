-- Reading the ledger back: utilization, and whether counters and entries agree.

create or replace function ledger_account(p_tenant uuid, p_budget uuid) returns ledger_answer
language plpgsql stable as $$
declare account budget_account;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  select a.* into account from budget_account a
    join budget b on b.tenant_id = a.tenant_id and b.id = a.budget_id and b.deleted_at is null
   where a.tenant_id = p_tenant and a.budget_id = p_budget
     and a.line_key is null and a.closed_at is null;
  return ledger_answer_of(case when found then 'ok' else 'not_found' end, account, null);
end $$;

create or replace function ledger_hold(p_tenant uuid, p_ref_type text, p_ref_id text)
returns ledger_answer language plpgsql stable as $$
declare
  account budget_account;
  held hold;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  select * into held from hold
   where tenant_id = p_tenant and ref_type = p_ref_type and ref_id = p_ref_id;
  select * into account from budget_account
   where tenant_id = p_tenant and id = held.account_id;
  return ledger_answer_of(case when held.ref_id is null then 'not_found' else 'ok' end, account, held);
end $$;

-- What moves add to each counter, added up: entries grouped by account and move are few rows, so each
-- entry is added once and not once a counter.
create or replace function ledger_folded(p_tenant uuid, p_accounts uuid[])
returns table (
  account_id uuid, authorized numeric, reserved numeric, committed numeric, spent numeric,
  entries bigint
) language sql stable as $$
  select m.account_id,
         coalesce(sum(m.amount) filter (where m.from_bucket = 'external'), 0)
           - coalesce(sum(m.amount) filter (where m.to_bucket = 'external'), 0),
         coalesce(sum(m.amount) filter (where m.to_bucket = 'reserved'), 0)
           - coalesce(sum(m.amount) filter (where m.from_bucket = 'reserved'), 0),
         coalesce(sum(m.amount) filter (where m.to_bucket = 'committed'), 0)
           - coalesce(sum(m.amount) filter (where m.from_bucket = 'committed'), 0),
         coalesce(sum(m.amount) filter (where m.to_bucket = 'spent'), 0)
           - coalesce(sum(m.amount) filter (where m.from_bucket = 'spent'), 0),
         sum(m.entries)::bigint
    from (select e.account_id, e.from_bucket::text, e.to_bucket::text, sum(e.amount) as amount,
                 count(*) as entries
            from ledger_entry e
           where e.tenant_id = p_tenant
             and (p_accounts is null or e.account_id = any (p_accounts))
           group by e.account_id, e.from_bucket::text, e.to_bucket::text) m
   group by m.account_id
$$;

-- What the open accounts that each one controls have used. An account that was closed with its
-- period counts nowhere any more, and what it had rolled up is history.
create or replace function ledger_below(p_tenant uuid)
returns table (account_id uuid, used numeric) language sql stable as $$
  select c.id, sum(x.used)
    from budget b
    cross join lateral (
      select a.used, a.controllers from budget_account a
       where a.tenant_id = p_tenant and a.budget_id = b.id and a.line_key is null
         and a.closed_at is null
      offset 0
    ) x
    cross join lateral unnest(x.controllers) c (id)
   where b.tenant_id = p_tenant and b.parent_id is not null
   group by c.id
$$;

drop function if exists ledger_reconcile;
create function ledger_reconcile(p_tenant uuid, p_budget uuid default null)
returns table (
  budget_id uuid, account_id uuid, currency text,
  stored_authorized numeric, derived_authorized numeric,
  stored_reserved numeric, derived_reserved numeric,
  stored_committed numeric, derived_committed numeric,
  stored_spent numeric, derived_spent numeric,
  stored_rolled_up numeric, derived_rolled_up numeric,
  discrepancy numeric, entries bigint
) language plpgsql stable
set plan_cache_mode = force_custom_plan  -- one budget and all of a tenant are read by other ways
as $$
declare
  accounts uuid[];
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  if p_budget is not null then
    accounts := array(select budget_accounts(p_tenant, p_budget));
  end if;
  return query
  select a.budget_id, a.id, a.currency::text,
         a.authorized, coalesce(f.authorized, 0), a.reserved::numeric, coalesce(f.reserved, 0),
         a.committed::numeric, coalesce(f.committed, 0), a.spent, coalesce(f.spent, 0),
         a.rolled_up, d.rolled_up,
         abs(a.authorized - coalesce(f.authorized, 0)) + abs(a.reserved - coalesce(f.reserved, 0))
         + abs(a.committed - coalesce(f.committed, 0)) + abs(a.spent - coalesce(f.spent, 0))
         + abs(a.rolled_up - d.rolled_up),
         coalesce(f.entries, 0)
    from budget_account a
    left join ledger_folded(p_tenant, accounts) f on f.account_id = a.id
    left join ledger_below(p_tenant) b on b.account_id = a.id
    cross join lateral (
      select case when a.closed_at is null then coalesce(b.used, 0) else a.rolled_up end
    ) d (rolled_up)
   where a.tenant_id = p_tenant and (p_budget is null or a.id = any (accounts))
   order by a.budget_id, a.closed_at desc nulls first;
end $$;

-- Entries beside what their hashes should be: what follows from the content of each and from the
-- entry before it.
create or replace function ledger_links(p_tenant uuid, p_accounts uuid[])
returns table (
  account_id uuid, seq bigint, before_seq bigint, hash bytea, expected bytea,
  from_bucket text, to_bucket text, amount numeric
) language sql stable as $$
  select e.account_id, e.seq, coalesce(lag(e.seq) over w, 0), e.hash,
         ledger_entry_hash(
           lag(e.hash) over w, e.tenant_id, e.account_id, e.seq, e.kind, e.from_bucket,
           e.to_bucket, e.amount, e.ref_type, e.ref_id, e.import_id, e.actor, e.reason,
           e.effective_at, e.recorded_at),
         e.from_bucket::text, e.to_bucket::text, e.amount
    from ledger_entry e
   where e.tenant_id = p_tenant and (p_accounts is null or e.account_id = any (p_accounts))
  window w as (partition by e.account_id order by e.seq)
$$;

-- The newest sealed head of each account.
create or replace function ledger_sealed(p_tenant uuid, p_accounts uuid[])
returns table (account_id uuid, no bigint, seq bigint, hash bytea) language sql stable as $$
  select distinct on (h.account_id) h.account_id, h.no, h.seq, h.hash
    from ledger_seal_head h
   where h.tenant_id = p_tenant and (p_accounts is null or h.account_id = any (p_accounts))
   order by h.account_id, h.no desc
$$;

-- Accounts examined from their first entry on, in one pass and one snapshot: what the entries add up
-- to, and the first entry that does not fit: its hash, its number, the account's head, the state that
-- was proven last, or the newest seal. A break that was acknowledged is none, while it stays exactly
-- as it was. `linked`: the entries alone are a whole chain that reaches all of these.
drop function if exists ledger_examined;
create function ledger_examined(p_tenant uuid, p_accounts uuid[] default null)
returns table (
  account_id uuid, budget_id uuid, entries bigint, last_seq bigint,
  authorized numeric, reserved numeric, committed numeric, spent numeric, rolled_up numeric,
  differs numeric, linked boolean, bad_seq bigint, fault text
) language plpgsql stable
set plan_cache_mode = force_custom_plan  -- one account and all of a tenant are read by other ways
as $$
begin
  return query
  with walked as (
    select l.account_id, count(*) as entries, max(l.seq) as last_seq,
           min(l.before_seq + 1) filter (where l.seq > l.before_seq + 1 and k.id is null) as gap,
           min(l.seq) filter (where l.seq <= l.before_seq and k.id is null) as twin,
           min(l.seq) filter (where l.seq = l.before_seq + 1 and l.hash <> l.expected
                                    and k.id is null) as changed,
           bool_or(l.seq = a.entry_seq and l.hash = a.head_hash) as reaches_head,
           bool_or(l.seq = p.seq and l.hash = p.head_hash) as reaches_proof,
           bool_or(l.seq = s.seq and l.hash = s.hash) as reaches_seal,
           coalesce(sum(l.amount) filter (where l.from_bucket = 'external'), 0)
             - coalesce(sum(l.amount) filter (where l.to_bucket = 'external'), 0) as authorized,
           coalesce(sum(l.amount) filter (where l.to_bucket = 'reserved'), 0)
             - coalesce(sum(l.amount) filter (where l.from_bucket = 'reserved'), 0) as reserved,
           coalesce(sum(l.amount) filter (where l.to_bucket = 'committed'), 0)
             - coalesce(sum(l.amount) filter (where l.from_bucket = 'committed'), 0) as committed,
           coalesce(sum(l.amount) filter (where l.to_bucket = 'spent'), 0)
             - coalesce(sum(l.amount) filter (where l.from_bucket = 'spent'), 0) as spent
      from ledger_links(p_tenant, p_accounts) l
      join budget_account a on a.tenant_id = p_tenant and a.id = l.account_id
      left join ledger_proof p on p.tenant_id = p_tenant and p.account_id = l.account_id
      left join ledger_sealed(p_tenant, p_accounts) s on s.account_id = l.account_id
      left join ledger_acknowledgement k
        on k.tenant_id = p_tenant and k.account_id = l.account_id and k.seq = l.seq
           and k.before_seq = l.before_seq and k.hash = l.hash and k.expected = l.expected
     group by l.account_id
  ), judged as (
    select a.id, a.budget_id, coalesce(w.entries, 0) as entries, coalesce(w.last_seq, 0) as last_seq,
           a.entry_seq, least(w.gap, w.twin, w.changed) as broken,
           case least(w.gap, w.twin, w.changed)
             when w.gap then 'missing' when w.twin then 'added' else 'changed' end as how,
           coalesce(w.reaches_head, a.entry_seq = 0) as reaches_head,
           coalesce(p.seq, 0) as proof_seq, coalesce(w.reaches_proof, p.seq is null or p.seq = 0)
             as reaches_proof,
           coalesce(s.seq, 0) as seal_seq,
           s.seq is null or coalesce(w.reaches_seal, false) as reaches_seal,
           coalesce(w.authorized, 0) as authorized, coalesce(w.reserved, 0) as reserved,
           coalesce(w.committed, 0) as committed, coalesce(w.spent, 0) as spent,
           case when a.closed_at is null then coalesce(b.used, 0) else a.rolled_up end as rolled_up,
           a.authorized as a, a.reserved as r, a.committed as c, a.spent as x, a.rolled_up as u
      from budget_account a
      left join walked w on w.account_id = a.id
      left join ledger_proof p on p.tenant_id = p_tenant and p.account_id = a.id
      left join ledger_sealed(p_tenant, p_accounts) s
        on s.account_id = a.id and not exists (
          select from ledger_acknowledgement k
           where k.tenant_id = p_tenant and k.account_id = a.id and k.expected is null
             and k.seq = s.seq and k.hash = s.hash)
      left join ledger_below(p_tenant) b on b.account_id = a.id
     where a.tenant_id = p_tenant and (p_accounts is null or a.id = any (p_accounts))
  )
  select j.id, j.budget_id, j.entries, j.last_seq,
         j.authorized, j.reserved, j.committed, j.spent, j.rolled_up,
         abs(j.a - j.authorized) + abs(j.r - j.reserved) + abs(j.c - j.committed)
           + abs(j.x - j.spent) + abs(j.u - j.rolled_up),
         j.broken is null and j.reaches_proof and j.reaches_seal and j.last_seq >= j.entry_seq,
         case when j.broken is not null then j.broken
              when greatest(j.entry_seq, j.proof_seq, j.seal_seq) > j.last_seq then j.last_seq + 1
              when j.entry_seq < j.last_seq then j.entry_seq + 1
              when not j.reaches_head then j.entry_seq
              when not j.reaches_proof then j.proof_seq
              when not j.reaches_seal then j.seal_seq end,
         case when j.broken is not null then j.how
              when greatest(j.entry_seq, j.proof_seq, j.seal_seq) > j.last_seq then 'missing'
              when j.entry_seq < j.last_seq then 'added'
              when not (j.reaches_head and j.reaches_proof and j.reaches_seal) then 'changed' end
    from judged j;
end $$;

-- The first entry of each account that does not fit, and how: changed, missing or added. No rows: all
-- chains are whole.
drop function if exists ledger_verify;
create function ledger_verify(p_tenant uuid, p_budget uuid default null)
returns table (budget_id uuid, account_id uuid, first_bad_seq bigint, fault text)
language plpgsql stable as $$
declare
  accounts uuid[];
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  if p_budget is not null then
    accounts := array(select budget_accounts(p_tenant, p_budget));
  end if;
  return query
    select x.budget_id, x.account_id, x.bad_seq, x.fault
      from ledger_examined(p_tenant, accounts) x where x.fault is not null;
end $$;
