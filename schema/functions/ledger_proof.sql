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
) language plpgsql stable as $$
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  return query
  with folded as (
    select e.account_id as id, count(*) as entries,
           sum(case when e.from_bucket = 'external' then e.amount
                    when e.to_bucket = 'external' then -e.amount else 0 end) as authorized,
           sum(case when e.to_bucket = 'reserved' then e.amount
                    when e.from_bucket = 'reserved' then -e.amount else 0 end) as reserved,
           sum(case when e.to_bucket = 'committed' then e.amount
                    when e.from_bucket = 'committed' then -e.amount else 0 end) as committed,
           sum(case when e.to_bucket = 'spent' then e.amount
                    when e.from_bucket = 'spent' then -e.amount else 0 end) as spent
      from ledger_entry e
      join budget_account x on x.tenant_id = e.tenant_id and x.id = e.account_id
     where e.tenant_id = p_tenant and (p_budget is null or x.budget_id = p_budget)
     group by e.account_id
  ), below as (
    -- What the accounts that each one controls have used.
    select c.id, sum(x.used) as used
      from budget_account x, unnest(x.controllers) c (id)
     where x.tenant_id = p_tenant and x.controllers <> '{}'
     group by c.id
  )
  select a.budget_id, a.id, a.currency::text,
         a.authorized, coalesce(f.authorized, 0), a.reserved::numeric, coalesce(f.reserved, 0),
         a.committed::numeric, coalesce(f.committed, 0), a.spent, coalesce(f.spent, 0),
         a.rolled_up, coalesce(b.used, 0),
         abs(a.authorized - coalesce(f.authorized, 0)) + abs(a.reserved - coalesce(f.reserved, 0))
         + abs(a.committed - coalesce(f.committed, 0)) + abs(a.spent - coalesce(f.spent, 0))
         + abs(a.rolled_up - coalesce(b.used, 0)),
         coalesce(f.entries, 0)
    from budget_account a
    left join folded f on f.id = a.id
    left join below b on b.id = a.id
   where a.tenant_id = p_tenant and (p_budget is null or a.budget_id = p_budget);
end $$;

-- The first entry of each account whose hash does not follow from its content and the one before,
-- whose number leaves a gap, or after which the stored head disagrees. No rows: the chain is whole.
drop function if exists ledger_verify;
create function ledger_verify(p_tenant uuid, p_budget uuid default null)
returns table (budget_id uuid, account_id uuid, first_bad_seq bigint)
language plpgsql stable as $$
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  return query
  with linked as (
    select a.budget_id, e.account_id, e.seq, e.hash,
           row_number() over w as nth,
           ledger_entry_hash(
             lag(e.hash) over w, e.tenant_id, e.account_id, e.seq, e.kind, e.from_bucket,
             e.to_bucket, e.amount, e.ref_type, e.ref_id, e.import_id, e.actor, e.reason,
             e.effective_at, e.recorded_at) as expected
      from ledger_entry e
      join budget_account a on a.tenant_id = e.tenant_id and a.id = e.account_id
     where e.tenant_id = p_tenant and (p_budget is null or a.budget_id = p_budget)
    window w as (partition by e.account_id order by e.seq)
  ), broken as (
    select l.budget_id, l.account_id, min(l.seq) as seq from linked l
     where l.hash <> l.expected or l.seq <> l.nth
     group by l.budget_id, l.account_id
  ), heads as (
    select a.budget_id, a.id as account_id, a.entry_seq as seq from budget_account a
      left join ledger_entry e
        on e.tenant_id = a.tenant_id and e.account_id = a.id and e.seq = a.entry_seq
     where a.tenant_id = p_tenant and (p_budget is null or a.budget_id = p_budget)
       and a.entry_seq > 0 and (e.hash is null or e.hash <> a.head_hash)
  )
  select x.budget_id, x.account_id, min(x.seq) from (
    select * from broken union all select * from heads) x
   group by x.budget_id, x.account_id;
end $$;
