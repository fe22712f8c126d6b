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

  -- One target amount a budget: several rows of the file may add up to it.
  create temporary table if not exists import_target (
    budget_id uuid, account_id uuid, change numeric(20, 4), target numeric(20, 4), is_new boolean
  ) on commit drop;
  truncate pg_temp.import_target;
  insert into pg_temp.import_target (budget_id, account_id, change, target, is_new)
  select t.budget_id, coalesce(a.id, public.uuid_v7()),
         t.target - coalesce(a.authorized, 0), t.target, a.id is null
    from (select r.budget_id, min(r.after_amount) as target
            from public.import_row r
           where r.tenant_id = p_tenant and r.import_id = p_import
             and r.action in ('create', 'update')
           group by r.budget_id) t
    left join public.budget_account a
      on a.tenant_id = p_tenant and a.budget_id = t.budget_id
         and a.line_key is null and a.closed_at is null;

  -- Existing accounts change under their locks, taken in one order.
  perform 1 from public.budget_account a
    join pg_temp.import_target t on t.account_id = a.id and not t.is_new
   where a.tenant_id = p_tenant
   order by a.id for no key update of a;
  update public.budget_account a set
    authorized = a.authorized + t.change,
    entry_seq = a.entry_seq + 1,
    head_hash = public.ledger_entry_hash(
      a.head_hash, p_tenant, a.id, a.entry_seq + 1, 'adjust',
      case when t.change > 0 then 'external' else 'available' end,
      case when t.change > 0 then 'available' else 'external' end,
      abs(t.change), 'import', p_import::text, p_import, p_actor, null, moment, moment),
    updated_at = moment
    from pg_temp.import_target t
   where a.tenant_id = p_tenant and a.id = t.account_id and not t.is_new and t.change <> 0;

  insert into public.budget_account
    (tenant_id, id, budget_id, currency, decimals, authorized, entry_seq, head_hash)
  select p_tenant, t.account_id, t.budget_id, b.currency, c.decimals, t.target,
         (t.change <> 0)::int,
         case when t.change <> 0 then public.ledger_entry_hash(
           null, p_tenant, t.account_id, 1,
           case when t.change > 0 then 'fund' else 'adjust' end,
           case when t.change > 0 then 'external' else 'available' end,
           case when t.change > 0 then 'available' else 'external' end,
           abs(t.change), 'import', p_import::text, p_import, p_actor, null, moment, moment) end
    from pg_temp.import_target t
    join public.budget b on b.tenant_id = p_tenant and b.id = t.budget_id
    join public.currency c on c.code = b.currency
   where t.is_new;
  get diagnostics accounts_opened = row_count;

  insert into public.ledger_entry
    (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
     import_id, actor, effective_at, recorded_at, hash)
  select p_tenant, a.id, a.entry_seq,
         case when t.is_new and t.change > 0 then 'fund' else 'adjust' end,
         case when t.change > 0 then 'external' else 'available' end,
         case when t.change > 0 then 'available' else 'external' end,
         abs(t.change), 'import', p_import::text, p_import, p_actor, moment, moment, a.head_hash
    from pg_temp.import_target t
    join public.budget_account a on a.tenant_id = p_tenant and a.id = t.account_id
   where t.change <> 0;
  get diagnostics entries_posted = row_count;
  return next;
end $$;
