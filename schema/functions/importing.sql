-- Planning and applying an import, set-based. The rows of a file come by COPY into a temporary
-- table (COPY into a table under row-level security is refused by PostgreSQL), the plan is one
-- INSERT … SELECT, and applying it is one merge a table.

-- Where COPY puts the cleaned rows; `errors` marks a rejected one and `cells` keeps it as it came.
create or replace function import_open_staging() returns void language plpgsql as $$
begin
  create temporary table if not exists import_staging (
    row_no int, part smallint, department text, sub_category text, fiscal_period text,
    currency text, account_code text, program text, project text, fund text, owner text,
    notes text, external_ref text, amount numeric(20, 4), committed numeric(20, 4),
    actual numeric(20, 4), errors jsonb, cells jsonb
  ) on commit drop;
end $$;

-- The finer dimensions as the budget table folds them into its key.
create or replace function budget_dimensions_key(
  p_kind text, p_account_code text, p_program text, p_project text, p_fund text
) returns text language sql immutable parallel safe as $$
  select lower(p_kind || chr(31) || coalesce(p_account_code, '') || chr(31)
    || coalesce(p_program, '') || chr(31) || coalesce(p_project, '') || chr(31)
    || coalesce(p_fund, ''))
$$;

-- A note on LATERAL with OFFSET 0 in this file: it makes a look-up by key out of a join. The planner
-- expects next to no rows of a tenant that it has not seen yet, and for that it would pick plans
-- that compare every row of the file with every budget of the tenant.

-- Decide what each staged row will do. Rows of one natural key add up to one budget; every row
-- keeps its own line in import_row, so each number leads back to its rows.
drop function if exists import_plan;
create function import_plan(p_tenant uuid, p_import uuid) returns void language plpgsql as $$
begin
  analyze import_staging;
  delete from import_row where tenant_id = p_tenant and import_id = p_import;
  insert into import_row
    (tenant_id, import_id, row_no, part, action, budget_id, department, sub_category,
     fiscal_period, currency, amount, before_amount, after_amount, details, errors)
  select p_tenant, p_import, k.row_no, k.part,
         case when b.id is null then 'create'
              when a.authorized = k.target then 'unchanged'
              when a.frozen then 'rejected'
              else 'update' end,
         coalesce(b.id, k.new_id), k.department, k.sub_category, k.fiscal_period, k.currency,
         k.amount, a.authorized, k.target, k.details,
         case when a.frozen and a.authorized <> k.target then jsonb_build_array(jsonb_build_object(
           'sheet', null, 'column', null, 'value', k.department, 'code', 'budget_frozen',
           'detail', 'The budget is frozen or closed; open it before changing its amount.')) end
    from (
      select s.row_no, s.part, s.department, s.sub_category, s.fiscal_period, s.currency,
             s.amount, d.*,
             sum(s.amount) over same_key as target,
             first_value(s.new_id) over same_key as new_id,
             case when num_nonnulls(s.account_code, s.program, s.project, s.fund, s.owner, s.notes,
                                    s.external_ref, s.committed, s.actual) > 0
                  then jsonb_strip_nulls(jsonb_build_object(
                    'account_code', s.account_code, 'program', s.program, 'project', s.project,
                    'fund', s.fund, 'owner', s.owner, 'notes', s.notes,
                    'external_ref', s.external_ref, 'committed_amount', s.committed::text,
                    'actual_amount', s.actual::text)) end as details
        -- An id a row, drawn before the window looks at it: a window function would draw anew for
        -- every row of a key, and rows of one key must agree on their budget.
        from (select i.*, uuid_v7() as new_id from import_staging i where i.errors is null) s
        cross join lateral (
          select lower(btrim(s.department)) as department_key,
                 lower(btrim(coalesce(s.sub_category, ''))) as sub_category_key,
                 budget_dimensions_key('department', s.account_code, s.program, s.project, s.fund)
                   as dimensions_key
        ) d
      window same_key as (partition by d.department_key, d.sub_category_key, s.fiscal_period,
                                       s.currency, d.dimensions_key)
    ) k
    left join lateral (
      select x.id from budget x
       where x.tenant_id = p_tenant and x.department_key = k.department_key
         and x.sub_category_key = k.sub_category_key and x.fiscal_period = k.fiscal_period
         and x.currency = k.currency and x.dimensions_key = k.dimensions_key
         and x.deleted_at is null
      offset 0
    ) b on true
    left join lateral (
      select x.authorized, x.frozen from budget_account x
       where x.tenant_id = p_tenant and x.budget_id = b.id
         and x.line_key is null and x.closed_at is null
      offset 0
    ) a on true;
  insert into import_row (tenant_id, import_id, row_no, part, action, details, errors)
  select p_tenant, p_import, row_no, part, 'rejected', jsonb_build_object('cells', cells), errors
    from import_staging where errors is not null;
end $$;

-- Which planned rows no longer fit the budgets: changed since, removed since and, where p_creates
-- asks for it, created since (which the natural key would refuse anyway).
drop function if exists import_stale_rows;
create function import_stale_rows(
  p_tenant uuid, p_import uuid, p_creates boolean, p_limit int
) returns table (row_no int, part smallint) language sql stable as $$
  select r.row_no, r.part
    from import_row r
    left join lateral (
      select x.deleted_at from budget x
       where x.tenant_id = p_tenant and x.id = r.budget_id
      offset 0
    ) b on true
    left join lateral (
      select x.authorized from budget_account x
       where x.tenant_id = p_tenant and x.budget_id = r.budget_id
         and x.line_key is null and x.closed_at is null
      offset 0
    ) a on true
   where r.tenant_id = p_tenant and r.import_id = p_import
     and r.action in ('update', 'unchanged')
     and (b.deleted_at is not null or a.authorized is distinct from r.before_amount)
  union all
  select r.row_no, r.part
    from import_row r
    cross join lateral (
      select 1 from budget x
       where x.tenant_id = p_tenant and x.department_key = lower(btrim(r.department))
         and x.sub_category_key = lower(btrim(coalesce(r.sub_category, '')))
         and x.fiscal_period = r.fiscal_period and x.currency = r.currency
         and x.dimensions_key = budget_dimensions_key(
           'department', r.details ->> 'account_code', r.details ->> 'program',
           r.details ->> 'project', r.details ->> 'fund')
         and x.deleted_at is null
      offset 0
    ) b
   where p_creates and r.tenant_id = p_tenant and r.import_id = p_import
     and r.action = 'create'
   limit p_limit
$$;

-- Let the planner know of many new budgets at once. Until autovacuum has come by it believes that
-- the tables are as small as before, and lists and sums of tens of thousands take minutes.
drop function if exists import_refresh_statistics;
create function import_refresh_statistics(p_created int) returns void
language plpgsql security definer
set default_statistics_target = 20  -- a rough sample at once; autovacuum takes a finer one later
as $$
begin
  if p_created >= 200 and p_created >= 0.1 * (
    select c.reltuples from pg_catalog.pg_class c where c.oid = 'public.budget'::regclass)
  then
    analyze public.budget, public.budget_account;
  end if;
end $$;
revoke all on function import_refresh_statistics(int) from public;
grant execute on function import_refresh_statistics(int) to bursar_app;

-- Carry out the plan: budgets first, then accounts and entries by the ledger. The caller has
-- checked under lock that nothing is stale; a budget created in between still fails on its key.
drop function if exists import_apply;
create function import_apply(p_tenant uuid, p_import uuid, p_source text, p_actor text)
returns void language plpgsql as $$
begin
  insert into budget
    (tenant_id, id, name, department, sub_category, account_code, program, project, fund,
     fiscal_period, period_id, currency, owner, notes, external_ref, source, import_id)
  select p_tenant, r.budget_id,
         r.department || coalesce(' / ' || r.sub_category, ''),
         r.department, r.sub_category, r.details ->> 'account_code', r.details ->> 'program',
         r.details ->> 'project', r.details ->> 'fund', r.fiscal_period, p.id, r.currency,
         r.details ->> 'owner', r.details ->> 'notes', r.details ->> 'external_ref',
         p_source, p_import
    from (select distinct on (d.budget_id) d.* from import_row d
           where d.tenant_id = p_tenant and d.import_id = p_import and d.action = 'create'
           order by d.budget_id, d.row_no, d.part) r
    join fiscal_period p on p.tenant_id = p_tenant and p.code = r.fiscal_period
   order by r.budget_id;  -- which the plan gave out in the order of the natural key
  -- By the places of the rows, found by key: see the note on LATERAL above.
  with found as materialized (
    select x.place
      from (select distinct r.budget_id from import_row r
             where r.tenant_id = p_tenant and r.import_id = p_import and r.action = 'update') u
      cross join lateral (
        select y.ctid as place from budget y
         where y.tenant_id = p_tenant and y.id = u.budget_id
        offset 0
      ) x
  )
  update budget b set import_id = p_import, source = p_source
    from found where b.ctid = found.place and b.tenant_id = p_tenant;
  perform ledger_post_import(p_tenant, p_import, p_actor);
end $$;
