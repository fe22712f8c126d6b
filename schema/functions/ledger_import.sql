-- Posting an import: its plan is laid out once, in the order of the natural key, and then posted a
-- portion at a time: accounts and entries of twenty thousand budgets while their pages are at hand.

-- Lay the plan out as one row a budget (several rows of the file may add up to it), and lock the
-- accounts that it changes. Returns how many pages the layout has. Raises BU001 when a budget is no
-- longer as it was planned.
drop function if exists ledger_open_import;
create function ledger_open_import(p_tenant uuid, p_import uuid) returns bigint
language plpgsql security definer
set work_mem = '96MB'
as $$
declare locked bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  -- Made here and nowhere else: a table of this name that a caller brought along, with triggers of
  -- its own, would run them as the ledger's role, so it is an error instead.
  create temporary table import_target (
    import_id uuid, budget_id uuid, is_new boolean, department text, sub_category text,
    fiscal_period text, currency text, details jsonb, before numeric(20, 4), target numeric(20, 4)
  ) on commit drop;
  grant select on pg_temp.import_target to bursar_app;
  insert into pg_temp.import_target
  select p_import, r.*
    from (select distinct on (x.budget_id) x.budget_id, x.action = 'create', x.department,
                 x.sub_category, x.fiscal_period, x.currency, x.details, x.before_amount,
                 x.after_amount
            from public.import_row x
           where x.tenant_id = p_tenant and x.import_id = p_import
             and x.action in ('create', 'update')
           order by x.budget_id, x.row_no, x.part) r;

  -- Budgets that were there: their accounts change under their locks, taken in one order.
  select count(*) into locked
    from (select t.budget_id from pg_temp.import_target t where not t.is_new
           order by t.budget_id) u
    cross join lateral (
      select 1 from public.budget_account y
       where y.tenant_id = p_tenant and y.budget_id = u.budget_id
         and y.line_key is null and y.closed_at is null
       for no key update
    ) l;
  -- Where a budget started anew meanwhile, the account that took over is not locked.
  if locked <> (select count(*) from pg_temp.import_target t where not t.is_new) or exists (select from pg_temp.import_target t
               left join lateral (
                 select y.authorized, y.frozen from public.budget_account y
                  where y.tenant_id = p_tenant and y.budget_id = t.budget_id
                    and y.line_key is null and y.closed_at is null
                 offset 0
               ) a on true
              where not t.is_new and (a.authorized is distinct from t.before or a.frozen)) then
    raise exception 'a budget has changed since the plan was made' using errcode = 'BU001';
  end if;
  return pg_catalog.pg_relation_size('pg_temp.import_target')
         / pg_catalog.current_setting('block_size')::bigint;
end $$;

-- Post the rows of the layout from place `p_first` to before `p_past`; returns how many accounts it
-- opened or changed.
drop function if exists ledger_post_import;
create function ledger_post_import(
  p_tenant uuid, p_import uuid, p_actor text, p_first tid, p_past tid
) returns bigint language plpgsql security definer as $$
declare
  moment timestamptz := clock_timestamp();  -- after the locks, so that seq and time agree
  opened bigint;
  changed bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  if (select c.relowner from pg_catalog.pg_class c
       where c.oid = 'pg_temp.import_target'::regclass) <> current_user::regrole then
    raise exception 'the layout of the import is not the ledger''s' using errcode = '42501';
  end if;

  -- Budgets that this import has created: their chains begin here. A budget's first account has the
  -- budget's own id, which spares a hundred thousand random numbers.
  with posted as materialized (
    select t.budget_id as id, t.currency, c.decimals, t.target, (t.target <> 0)::int as seq,
           e.kind, e.source, e.goal,
           case when t.target <> 0 then public.ledger_entry_hash(
             null, p_tenant, t.budget_id, 1, e.kind, e.source, e.goal, abs(t.target), 'import',
             p_import::text, p_import, p_actor, null, moment, moment) end as hash
      from pg_temp.import_target t
      join public.currency c on c.code = t.currency
      cross join lateral (
        select case when t.target > 0 then 'fund' else 'adjust' end as kind,
               case when t.target > 0 then 'external' else 'available' end as source,
               case when t.target > 0 then 'available' else 'external' end as goal
      ) e
     where t.ctid >= p_first and t.ctid < p_past and t.import_id = p_import and t.is_new
  ), accounts as (
    insert into public.budget_account
      (tenant_id, id, budget_id, currency, decimals, authorized, entry_seq, head_hash)
    select p_tenant, p.id, p.id, p.currency, p.decimals, p.target, p.seq, p.hash from posted p
    returning 1
  ), entries as (
    insert into public.ledger_entry
      (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
       import_id, actor, effective_at, recorded_at, hash)
    select p_tenant, p.id, p.seq, p.kind, p.source, p.goal, abs(p.target), 'import',
           p_import::text, p_import, p_actor, moment, moment, p.hash
      from posted p where p.seq = 1
  )
  select count(*) into opened from accounts;

  with posted as materialized (
    select a.place, a.id, a.entry_seq + 1 as seq, t.target, abs(t.target - a.authorized) as amount,
           e.source, e.goal,
           public.ledger_entry_hash(
             a.head_hash, p_tenant, a.id, a.entry_seq + 1, 'adjust', e.source, e.goal,
             abs(t.target - a.authorized), 'import', p_import::text, p_import, p_actor, null,
             moment, moment) as hash
      from pg_temp.import_target t
      cross join lateral (
        select y.*, y.ctid as place from public.budget_account y
         where y.tenant_id = p_tenant and y.budget_id = t.budget_id
           and y.line_key is null and y.closed_at is null
        offset 0
      ) a
      cross join lateral (
        select case when t.target > a.authorized then 'external' else 'available' end as source,
               case when t.target > a.authorized then 'available' else 'external' end as goal
      ) e
     where t.ctid >= p_first and t.ctid < p_past and t.import_id = p_import and not t.is_new
       and a.authorized <> t.target
  ), accounts as (
    update public.budget_account a set
      authorized = p.target, entry_seq = p.seq, head_hash = p.hash, updated_at = moment
      from posted p
     where a.ctid = p.place and a.tenant_id = p_tenant  -- locked, so they stay in their place
    returning 1
  ), entries as (
    insert into public.ledger_entry
      (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
       import_id, actor, effective_at, recorded_at, hash)
    select p_tenant, p.id, p.seq, 'adjust', p.source, p.goal, p.amount, 'import',
           p_import::text, p_import, p_actor, moment, moment, p.hash
      from posted p
  )
  select count(*) into changed from accounts;
  return opened + changed;
end $$;
