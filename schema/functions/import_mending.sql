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
          and y.part = r.part and y.action <> 'rejected')
   order by r.row_no, r.part, array_position(p_rejecting, r.import_id) desc
   limit p_limit
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
end $$;
