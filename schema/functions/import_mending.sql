-- Rows that an import rejected and that come back mended.

-- The rejected rows of an import that none of its attempts has loaded, each as the last attempt at
-- it saw it. `p_rejecting` and `p_applied` are runs of one import, oldest first.
drop function if exists import_waiting_rows;
create function import_waiting_rows(
  p_tenant uuid, p_rejecting uuid[], p_applied uuid[], p_row int, p_part int, p_limit int
) returns setof import_row language sql stable as $$
  select distinct on (r.row_no, r.part) r.*
    from import_row r
   where r.tenant_id = p_tenant and r.import_id = any (p_rejecting) and r.action = 'rejected'
     and (p_row is null or (r.row_no, r.part) > (p_row, p_part))
     and not exists (
       select from import_row y
        where y.tenant_id = p_tenant and y.import_id = any (p_applied) and y.row_no = r.row_no
          and y.part = r.part and y.action <> 'rejected'
       offset 0)  -- a look-up by key for each row; a join may compare every row with every other
   order by r.row_no, r.part, array_position(p_rejecting, r.import_id) desc
   limit p_limit
$$;

-- Rows of a planned attempt that another attempt has loaded meanwhile.
drop function if exists import_loaded_rows;
create function import_loaded_rows(p_tenant uuid, p_import uuid, p_applied uuid[], p_limit int)
returns table (row_no int) language sql stable as $$
  select distinct r.row_no from import_row r
   where r.tenant_id = p_tenant and r.import_id = p_import and r.action <> 'rejected'
     and exists (
       select from import_row y
        where y.tenant_id = p_tenant and y.import_id = any (p_applied) and y.row_no = r.row_no
          and y.part = r.part and y.action <> 'rejected'
       offset 0)
   order by r.row_no limit p_limit
$$;

-- Sums of all budgets that the runs of one import (oldest first) touched: before the first of them
-- and after the last, by currency.
drop function if exists import_sums;
create function import_sums(p_tenant uuid, p_imports uuid[])
returns table (currency text, before numeric, after numeric) language sql stable as $$
  select b.currency::text, sum(coalesce(b.before, 0)), sum(b.after)
    from (
      select r.currency,
             (array_agg(r.before_amount order by array_position(p_imports, r.import_id)))[1]
               as before,
             (array_agg(r.after_amount order by array_position(p_imports, r.import_id) desc))[1]
               as after
        from import_row r
       where r.tenant_id = p_tenant and r.import_id = any (p_imports) and r.action <> 'rejected'
       group by r.budget_id, r.currency
    ) b group by b.currency order by b.currency
$$;

-- Rows of one natural key add up to one budget, also when some of them come later: a mended row is
-- added to what the budget holds now, if the rows before it went into that budget.
drop function if exists import_add_to_earlier;
create function import_add_to_earlier(p_tenant uuid, p_import uuid, p_applied uuid[])
returns void language plpgsql as $$
begin
  create temporary table import_earlier on commit drop as
    select distinct r.budget_id from import_row r
     where r.tenant_id = p_tenant and r.import_id = any (p_applied) and r.action <> 'rejected';
  analyze import_earlier;
  update import_row r
     set after_amount = r.before_amount + r.after_amount,
         action = case when r.after_amount = 0 then 'unchanged' else 'update' end
   where r.tenant_id = p_tenant and r.import_id = p_import
     and r.action in ('update', 'unchanged')
     and r.budget_id in (select e.budget_id from import_earlier e);
  update import_row r
     set action = 'rejected', errors = jsonb_build_array(jsonb_build_object(
           'sheet', null, 'column', null, 'value', r.department, 'code', 'budget_frozen',
           'detail', 'The budget is frozen or closed; open it before changing its amount.'))
   where r.tenant_id = p_tenant and r.import_id = p_import and r.action = 'update'
     and exists (
       select from budget_account a
        where a.tenant_id = p_tenant and a.budget_id = r.budget_id and a.frozen
          and a.line_key is null and a.closed_at is null
       offset 0);
end $$;
