-- Taking an import back, except for what was built on it since.

-- What undoing the runs of one import (oldest first) would do to each budget that they touched.
-- `kept` says why a budget stays as it is; null means that it goes back. Hand edits are known by
-- what the row says now, other work by entries that do not belong to these runs, or to an import
-- that was itself taken back.
drop function if exists import_undo_effects;
create function import_undo_effects(p_tenant uuid, p_imports uuid[])
returns table (
  budget_id uuid, department text, sub_category text, fiscal_period text, currency text,
  created boolean, amount_now numeric, amount_before numeric, kept text
) language sql stable as $$
  select t.budget_id, b.department, b.sub_category, b.fiscal_period, b.currency::text, t.created,
         a.authorized, coalesce(t.before, 0),
         case
           when b.deleted_at is not null then 'deleted'
           when a.id is null or a.opened_at is not null and not w.ours then 'period_reset'
           when a.period_state is not null then 'period_closed'
           when a.frozen_for is not null then 'frozen'
           when w.spends then 'spent'
           when w.imports then 'imported'
           when w.any_entry or a.authorized <> t.after then 'amount_edited'
           when t.created and (
             b.status <> 'active'
             or b.name <> b.department || coalesce(' / ' || b.sub_category, '')
             or (b.owner, b.notes, b.external_ref) is distinct from
                (t.details ->> 'owner', t.details ->> 'notes', t.details ->> 'external_ref')
           ) then 'edited'
         end
    from (
      select r.budget_id, bool_or(r.action = 'create') as created,
             (array_agg(r.before_amount order by array_position(p_imports, r.import_id),
                        r.row_no, r.part))[1] as before,
             (array_agg(r.after_amount order by array_position(p_imports, r.import_id) desc))[1]
               as after,
             (array_agg(r.details order by array_position(p_imports, r.import_id),
                        r.row_no, r.part))[1] as details
        from import_row r
       where r.tenant_id = p_tenant and r.import_id = any (p_imports)
         and r.action in ('create', 'update')
       group by r.budget_id
    ) t
    cross join lateral (
      select x.* from budget x where x.tenant_id = p_tenant and x.id = t.budget_id offset 0
    ) b
    left join lateral (
      select x.id, x.authorized, x.opened_at, x.frozen_for, x.period_state from budget_account x
       where x.tenant_id = p_tenant and x.budget_id = t.budget_id
         and x.line_key is null and x.closed_at is null
      offset 0
    ) a on true
    cross join lateral (
      select coalesce(bool_or(true), false) as any_entry,
             coalesce(bool_or(e.kind not in ('fund', 'adjust')), false) as spends,
             coalesce(bool_or(e.import_id is not null), false) as imports,
             exists (
               select from ledger_entry m
                where m.tenant_id = p_tenant and m.account_id = a.id
                  and m.import_id = any (p_imports)) as ours
        from ledger_entry e
       where e.tenant_id = p_tenant and e.account_id = a.id
         and e.seq > coalesce((
           select min(m.seq) from ledger_entry m
            where m.tenant_id = p_tenant and m.account_id = a.id
              and m.import_id = any (p_imports)), 0)
         and (e.import_id is null or e.import_id <> all (p_imports))
         and not exists (
           select from import_run u
            where u.tenant_id = p_tenant and u.id = e.import_id and u.state = 'undone')
      offset 0
    ) w
$$;

-- The effects in the temporary table import_undo_effect, until the transaction ends.
create or replace function import_look_at_undo(p_tenant uuid, p_imports uuid[]) returns void
language plpgsql as $$
begin
  create temporary table import_undo_effect on commit drop as
    select e.* from import_undo_effects(p_tenant, p_imports) e;
end $$;

-- Take the runs of one import back: amounts go back to what they were, budgets that the import had
-- made are deleted. What was done stands in import_undo_effect. The caller has locked the import.
drop function if exists import_undo;
create function import_undo(p_tenant uuid, p_imports uuid[], p_actor text)
returns void language plpgsql as $$
begin
  -- The locks come first and in one order, as everywhere: budgets, then their accounts.
  perform 1
    from (select distinct r.budget_id from import_row r
           where r.tenant_id = p_tenant and r.import_id = any (p_imports)
             and r.action in ('create', 'update')
           order by r.budget_id) u
    cross join lateral (
      select 1 from budget x where x.tenant_id = p_tenant and x.id = u.budget_id
      for no key update
    ) locked_budget
    cross join lateral (
      select 1 from budget_account y
       where y.tenant_id = p_tenant and y.budget_id = u.budget_id and y.closed_at is null
      for no key update
    ) locked_account;
  perform import_look_at_undo(p_tenant, p_imports);
  perform ledger_adjust_many(
    p_tenant, array_agg(e.budget_id order by e.budget_id),
    array_agg(case when e.created then 0 else e.amount_before end order by e.budget_id),
    'import_undo', p_imports[1]::text, p_imports[1], 'The import was undone.', p_actor)
    from import_undo_effect e where e.kept is null having count(*) > 0;
  update budget b set deleted_at = now()
    from import_undo_effect e
   where b.tenant_id = p_tenant and b.id = e.budget_id and e.created and e.kept is null;
  update budget_account a set frozen = true
    from import_undo_effect e
   where a.tenant_id = p_tenant and a.budget_id = e.budget_id and e.created and e.kept is null
     and a.closed_at is null;
  -- A number that stood before came from somewhere: from the import before, or from a hand.
  update budget b
     set import_id = p.import_id, source = coalesce(p.source_type, 'manual')
    from import_undo_effect e
    left join lateral (
      select l.import_id, r.source_type
        from budget_account y
        join ledger_entry l on l.tenant_id = p_tenant and l.account_id = y.id
        join import_run r on r.tenant_id = p_tenant and r.id = l.import_id
       where y.tenant_id = p_tenant and y.budget_id = e.budget_id and y.closed_at is null
         and l.import_id <> all (p_imports) and r.state <> 'undone'
       order by l.seq desc limit 1
    ) p on true
   where b.tenant_id = p_tenant and b.id = e.budget_id and not e.created and e.kept is null;
end $$;
