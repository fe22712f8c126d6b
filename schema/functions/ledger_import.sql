-- Posting an import: accounts and entries for every budget it touches, in two statements.
-- Reads the plan (import_row) and the budgets that the merge has already written.

drop function if exists ledger_post_import;
create function ledger_post_import(p_tenant uuid, p_import uuid, p_actor text)
returns table (accounts_opened bigint, entries_posted bigint)
language plpgsql security definer as $$
declare
  moment timestamptz := clock_timestamp();
begin
  perform set_config('bursar.tenant', p_tenant::text, true);

  -- What is posted, one row a budget: several rows of the file may add up to it.
  -- Made here and nowhere else: a table of this name that a caller brought along, with triggers of
  -- its own, would run them as the ledger's role, so it is an error instead.
  create temporary table import_target (
    budget_id uuid, account_id uuid, currency text, decimals smallint, target numeric(20, 4),
    change numeric(20, 4), seq bigint, hash bytea, is_new boolean, place tid
  ) on commit drop;

  -- Budgets that this import has created: their chains begin here. A budget's first account has the
  -- budget's own id, which spares a hundred thousand random numbers.
  insert into pg_temp.import_target
  select t.budget_id, t.account_id, t.currency, c.decimals, t.target, t.target,
         (t.target <> 0)::int,
         case when t.target <> 0 then public.ledger_entry_hash(
           null, p_tenant, t.account_id, 1, case when t.target > 0 then 'fund' else 'adjust' end,
           case when t.target > 0 then 'external' else 'available' end,
           case when t.target > 0 then 'available' else 'external' end,
           abs(t.target), 'import', p_import::text, p_import, p_actor, null, moment, moment) end,
         true, null
    from (select distinct on (x.budget_id) x.budget_id, x.budget_id as account_id, x.currency,
                 x.after_amount as target
            from public.import_row x
           where x.tenant_id = p_tenant and x.import_id = p_import and x.action = 'create'
           order by x.budget_id) t
    join public.currency c on c.code = t.currency;

  -- Budgets that were there: their accounts change under their locks, taken in one order.
  perform 1
    from (select distinct x.budget_id from public.import_row x
           where x.tenant_id = p_tenant and x.import_id = p_import and x.action = 'update'
           order by x.budget_id) u
    cross join lateral (
      select 1 from public.budget_account y
       where y.tenant_id = p_tenant and y.budget_id = u.budget_id
         and y.line_key is null and y.closed_at is null
       for no key update
    ) locked;
  if exists (select from public.import_row x
               cross join lateral (
                 select y.authorized, y.frozen from public.budget_account y
                  where y.tenant_id = p_tenant and y.budget_id = x.budget_id
                    and y.line_key is null and y.closed_at is null
                 offset 0
               ) a
              where x.tenant_id = p_tenant and x.import_id = p_import and x.action = 'update'
                and (a.authorized <> x.before_amount or a.frozen)) then
    raise exception 'a budget has changed since the plan was made' using errcode = 'BU001';
  end if;
  insert into pg_temp.import_target
  select a.budget_id, a.id, a.currency, a.decimals, r.target, r.target - a.authorized,
         a.entry_seq + 1,
         public.ledger_entry_hash(
           a.head_hash, p_tenant, a.id, a.entry_seq + 1, 'adjust',
           case when r.target > a.authorized then 'external' else 'available' end,
           case when r.target > a.authorized then 'available' else 'external' end,
           abs(r.target - a.authorized), 'import', p_import::text, p_import, p_actor, null,
           moment, moment),
         false, a.place
    from (select distinct on (x.budget_id) x.budget_id, x.after_amount as target
            from public.import_row x
           where x.tenant_id = p_tenant and x.import_id = p_import and x.action = 'update'
           order by x.budget_id) r
    cross join lateral (
      select y.*, y.ctid as place from public.budget_account y
       where y.tenant_id = p_tenant and y.budget_id = r.budget_id
         and y.line_key is null and y.closed_at is null
      offset 0
    ) a
   where a.authorized <> r.target;
  update public.budget_account a set
    authorized = t.target, entry_seq = t.seq, head_hash = t.hash, updated_at = moment
    from pg_temp.import_target t
   where a.ctid = t.place and a.tenant_id = p_tenant;  -- locked above, so they stay in their place

  insert into public.budget_account
    (tenant_id, id, budget_id, currency, decimals, authorized, entry_seq, head_hash)
  select p_tenant, t.account_id, t.budget_id, t.currency, t.decimals, t.target, t.seq, t.hash
    from pg_temp.import_target t
   where t.is_new;
  get diagnostics accounts_opened = row_count;

  insert into public.ledger_entry
    (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
     import_id, actor, effective_at, recorded_at, hash)
  select p_tenant, t.account_id, t.seq,
         case when t.is_new and t.change > 0 then 'fund' else 'adjust' end,
         case when t.change > 0 then 'external' else 'available' end,
         case when t.change > 0 then 'available' else 'external' end,
         abs(t.change), 'import', p_import::text, p_import, p_actor, moment, moment, t.hash
    from pg_temp.import_target t
   where t.change <> 0;
  get diagnostics entries_posted = row_count;
  return next;
end $$;
