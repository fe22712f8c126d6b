-- What applying a plan would do beyond the amounts themselves.

-- Budgets that the plan leaves with less than is already reserved, committed and spent on them.
drop function if exists import_short_budgets;
create function import_short_budgets(p_tenant uuid, p_import uuid)
returns table (
  budget_id uuid, account_id uuid, department text, sub_category text, fiscal_period text,
  currency text, before numeric, after numeric, used numeric, control_mode text
) language sql stable as $$
  select u.budget_id, a.id, u.department, u.sub_category, u.fiscal_period, u.currency::text,
         u.before_amount, u.after_amount, a.used, a.control_mode
    from (select distinct on (r.budget_id) r.* from import_row r
           where r.tenant_id = p_tenant and r.import_id = p_import and r.action = 'update'
             and r.after_amount < r.before_amount
           order by r.budget_id, r.row_no) u
    cross join lateral (
      select x.id, x.used, x.control_mode from budget_account x
       where x.tenant_id = p_tenant and x.budget_id = u.budget_id
         and x.line_key is null and x.closed_at is null
      offset 0
    ) a
   where u.after_amount < a.used and a.used > 0  -- a credit may grow: nothing of it is used
$$;

-- Budgets that the plan brings over one of their caps: the alerts that would fire.
drop function if exists import_crossed_caps;
create function import_crossed_caps(p_tenant uuid, p_import uuid)
returns table (
  budget_id uuid, department text, sub_category text, fiscal_period text, currency text,
  before numeric, after numeric, used numeric, alert_type text
) language sql stable as $$
  select u.budget_id, u.department, u.sub_category, u.fiscal_period, u.currency::text,
         u.before_amount, u.after_amount, a.used, c.alert_type
    from (select distinct on (r.budget_id) r.* from import_row r
           where r.tenant_id = p_tenant and r.import_id = p_import and r.action = 'update'
             and r.after_amount < r.before_amount
           order by r.budget_id, r.row_no) u
    cross join lateral (
      select x.used, x.soft_cap_pct, x.approach_pct from budget_account x
       where x.tenant_id = p_tenant and x.budget_id = u.budget_id
         and x.line_key is null and x.closed_at is null and x.used > 0
      offset 0
    ) a
    cross join lateral (
      select case
        when a.used >= u.after_amount * a.approach_pct / 100
             and a.used < u.before_amount * a.approach_pct / 100 then 'threshold_exceeded'
        when a.used >= u.after_amount * a.soft_cap_pct / 100
             and a.used < u.before_amount * a.soft_cap_pct / 100 then 'threshold_warning'
      end as alert_type
    ) c
   where c.alert_type is not null
$$;

-- Tell of the caps that an applied plan has crossed, as the ledger does for a single posting.
drop function if exists import_tell_crossings;
create function import_tell_crossings(p_tenant uuid, p_import uuid) returns void language sql as $$
  insert into outbox (tenant_id, topic, payload)
  select p_tenant, 'ledger.' || c.alert_type, jsonb_build_object(
           'budget_id', c.budget_id, 'type', c.alert_type, 'used', c.used::text,
           'authorized', c.after::text, 'currency', c.currency, 'import_id', p_import)
    from import_crossed_caps(p_tenant, p_import) c
$$;
