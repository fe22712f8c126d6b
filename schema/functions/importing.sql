-- Planning and applying an import, set-based. The rows of a file come by COPY into a temporary
-- table (COPY into a table under row-level security is refused by PostgreSQL), the plan is one
-- INSERT … SELECT, and applying it is one merge a table, a portion of the plan at a time.

-- The finer dimensions as the budget table folds them into its key. CASE and not COALESCE: behind
-- row-level security the planner trusts only the former in the condition of an index.
create or replace function budget_dimensions_key(
  p_kind text, p_account_code text, p_program text, p_project text, p_fund text
) returns text language sql immutable parallel safe as $$
  select lower(p_kind || chr(31) || case when p_account_code is null then '' else p_account_code end
    || chr(31) || case when p_program is null then '' else p_program end
    || chr(31) || case when p_project is null then '' else p_project end
    || chr(31) || case when p_fund is null then '' else p_fund end)
$$;

-- Where COPY puts the cleaned rows; `errors` marks a rejected one and `cells` keeps it as it came.
-- The natural key is folded here, while COPY waits for the next rows anyway, into one text whose
-- order is that of the unique index: each part ends before any letter does.
create or replace function import_open_staging() returns void language plpgsql as $$
begin
  create temporary table if not exists import_staging (
    row_no int, part smallint, department text, sub_category text, fiscal_period text,
    currency text, account_code text, program text, project text, fund text, owner text,
    notes text, external_ref text, amount numeric(20, 4), committed numeric(20, 4),
    actual numeric(20, 4), errors jsonb, cells jsonb,
    natural_key text generated always as (
      lower(btrim(department)) || chr(31) || lower(btrim(coalesce(sub_category, ''))) || chr(31)
      || fiscal_period || chr(31) || currency || chr(31)
      || budget_dimensions_key('department', account_code, program, project, fund)) stored
  ) on commit drop;
end $$;

-- What a row says beyond its key and amount, null where that is nothing.
create or replace function import_details(
  p_account_code text, p_program text, p_project text, p_fund text, p_owner text, p_notes text,
  p_external_ref text, p_committed numeric, p_actual numeric
) returns jsonb language sql stable as $$
  select case when num_nonnulls(p_account_code, p_program, p_project, p_fund, p_owner, p_notes,
                                p_external_ref, p_committed, p_actual) > 0
              then jsonb_strip_nulls(jsonb_build_object(
                'account_code', p_account_code, 'program', p_program, 'project', p_project,
                'fund', p_fund, 'owner', p_owner, 'notes', p_notes,
                'external_ref', p_external_ref, 'committed_amount', p_committed::text,
                'actual_amount', p_actual::text)) end
$$;

-- Tell the client that so many rows more are done while a long statement runs: always true, and
-- nearly free for the rows between.
create or replace function import_say(p_rows int) returns boolean language plpgsql as $$
begin
  raise notice using message = 'import_rows', detail = p_rows::text;
  return true;
end $$;
create or replace function import_tell(p_row int) returns boolean language sql volatile as $$
  select p_row % 20000 <> 0 or import_say(20000)
$$;

-- A note on LATERAL with OFFSET 0 in this file: it makes a look-up by key out of a join. The planner
-- expects next to no rows of a tenant that it has not seen yet, and for that it would pick plans
-- that compare every row of the file with every budget of the tenant.

-- Decide what each staged row will do. Rows of one natural key add up to one budget; every row
-- keeps its own line in import_row, so each number leads back to its rows. Returns what is planned,
-- with the money before and after of each budget counted once.
drop function if exists import_plan;
create function import_plan(p_tenant uuid, p_import uuid)
returns table (action text, currency text, row_count bigint, before numeric, after numeric)
language plpgsql
set work_mem = '96MB' set enable_memoize = off  -- keys hardly ever come twice
as $$
#variable_conflict use_column
declare
  -- Whether there is anything to look up. Asked for in the order of an index, because the planner
  -- would scan the whole table for a tenant that it takes for a two-hundredth of it.
  known boolean := (select id from budget where tenant_id = p_tenant
                     order by created_at desc, id desc limit 1) is not null;
  -- New budgets share a random start and count up in the order of the natural key, so that every
  -- index of what will be written grows at its end; a number drawn for each would cost more than
  -- sorting does.
  id_start text := left(uuid_v7()::text, 28);
  closed text[] := (select array_agg(code) from fiscal_period
                     where tenant_id = p_tenant and state <> 'open');
begin
  delete from import_row where tenant_id = p_tenant and import_id = p_import;
  return query
  with planned as (
    insert into import_row
      (tenant_id, import_id, row_no, part, action, budget_id, department, sub_category,
       fiscal_period, currency, amount, before_amount, after_amount, details, errors)
    select p_tenant, p_import, k.row_no, k.part,
           case when b.id is null and k.fiscal_period = any (closed) then 'rejected'
                when b.id is null then 'create'
                when a.authorized = k.target then 'unchanged'
                when a.frozen then 'rejected'
                else 'update' end,
           case when b.id is null then (id_start || lpad(to_hex(k.place), 8, '0'))::uuid
                else b.id end,
           k.department, k.sub_category, k.fiscal_period, k.currency, k.amount, a.authorized,
           k.target,
           import_details(k.account_code, k.program, k.project, k.fund, k.owner, k.notes,
                          k.external_ref, k.committed, k.actual),
           case when b.id is null and k.fiscal_period = any (closed) then jsonb_build_array(
             jsonb_build_object(
               'sheet', null, 'column', null, 'value', k.fiscal_period, 'code', 'period_closed',
               'detail', 'The period is closed and takes no new budgets.'))
           when a.frozen and a.authorized <> k.target then jsonb_build_array(
             jsonb_build_object(
               'sheet', null, 'column', null, 'value', k.department, 'code', 'budget_frozen',
               'detail', 'The budget is frozen or closed; open it before changing its amount.'))
           end
      from (
        select i.*, sum(i.amount) over same_key as target,
               dense_rank() over (order by i.natural_key) as place
          from import_staging i
         where i.errors is null
        window same_key as (partition by i.natural_key)
      ) k
      left join lateral (
        select x.id from budget x
         where known and x.tenant_id = p_tenant and x.department_key = lower(btrim(k.department))
           and x.sub_category_key
               = case when k.sub_category is null then '' else lower(btrim(k.sub_category)) end
           and x.fiscal_period = k.fiscal_period and x.currency = k.currency::char(3)
           and x.dimensions_key = budget_dimensions_key(
             'department', k.account_code, k.program, k.project, k.fund)
           and x.deleted_at is null
        offset 0
      ) b on true
      left join lateral (
        select x.authorized, x.frozen from budget_account x
         where known and x.tenant_id = p_tenant and x.budget_id = b.id
           and x.line_key is null and x.closed_at is null
        offset 0
      ) a on true
     where import_tell(k.row_no)
    returning action, budget_id, currency, amount, before_amount
  ), rejected as (
    insert into import_row (tenant_id, import_id, row_no, part, action, details, errors)
    select p_tenant, p_import, row_no, part, 'rejected', jsonb_build_object('cells', cells), errors
      from import_staging where errors is not null
    returning action
  )
  -- Rows of one budget were written one after the other.
  select p.action, p.currency::text, count(*),
         sum(p.before_amount) filter (where p.budget_id is distinct from p.previous_id),
         sum(p.amount)
    from (select *, lag(budget_id) over () as previous_id from planned) p
   group by p.action, p.currency
  union all
  select r.action, null, count(*), null, null from rejected r group by r.action;
end $$;

-- Which planned rows no longer fit the budgets: changed since, removed since and, where p_creates
-- asks for it, created since (which the natural key would refuse anyway).
drop function if exists import_stale_rows;
create function import_stale_rows(
  p_tenant uuid, p_import uuid, p_creates boolean, p_limit int
) returns table (row_no int, part smallint) language sql stable
set work_mem = '96MB'
as $$
  select r.row_no, r.part
    from (select i.row_no, i.part, i.budget_id, i.before_amount from import_row i
           where i.tenant_id = p_tenant and i.import_id = p_import
             and i.action in ('update', 'unchanged')
           order by i.budget_id offset 0) r  -- as budgets lie on their pages
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
   where (b.deleted_at is not null or a.authorized is distinct from r.before_amount)
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

-- Carry out a portion of the plan, which ledger_open_import has laid out in the order of the natural
-- key: budgets first, then accounts and entries by the ledger, while the pages of the budgets are
-- still at hand. The caller has checked under lock that nothing is stale; a budget created in
-- between still fails on its key. `p_periods` has the id of each period by its code.
drop function if exists import_apply;
create function import_apply(
  p_tenant uuid, p_import uuid, p_source text, p_actor text, p_periods jsonb, p_first tid,
  p_past tid
) returns bigint language plpgsql as $$
begin
  insert into budget
    (tenant_id, id, name, department, sub_category, account_code, program, project, fund,
     fiscal_period, period_id, currency, owner, notes, external_ref, source, import_id)
  select p_tenant, t.budget_id, t.department || coalesce(' / ' || t.sub_category, ''),
         t.department, t.sub_category, t.details ->> 'account_code', t.details ->> 'program',
         t.details ->> 'project', t.details ->> 'fund', t.fiscal_period,
         (p_periods ->> t.fiscal_period)::uuid, t.currency,
         t.details ->> 'owner', t.details ->> 'notes', t.details ->> 'external_ref',
         p_source, p_import
    from pg_temp.import_target t
   where t.ctid >= p_first and t.ctid < p_past and t.is_new;
  -- By the places of the rows, found by key: see the note on LATERAL above.
  with found as materialized (
    select x.place
      from pg_temp.import_target t
      cross join lateral (
        select y.ctid as place from budget y
         where y.tenant_id = p_tenant and y.id = t.budget_id
        offset 0
      ) x
     where t.ctid >= p_first and t.ctid < p_past and not t.is_new
  )
  update budget b set import_id = p_import, source = p_source
    from found where b.ctid = found.place and b.tenant_id = p_tenant;
  return ledger_post_import(p_tenant, p_import, p_actor, p_first, p_past);
end $$;
