-- A budget with its money, as readers want it.
drop view if exists budget_balance;
create view budget_balance with (security_invoker = true) as
select b.tenant_id, b.id, b.kind, b.name, b.department, b.sub_category, b.account_code, b.program,
       b.project, b.fund, b.fiscal_period, b.currency, b.status, b.owner, b.notes, b.external_ref,
       b.source, b.import_id, b.row_version, b.created_at, b.updated_at, b.deleted_at,
       b.department_key, b.sub_category_key, b.dimensions_key,
       a.id as account_id, a.authorized, a.reserved, a.committed, a.spent, a.used, a.available,
       a.control_mode, a.soft_cap_pct, a.approach_pct, a.tolerance_pct, a.hard_cap_amount,
       a.frozen, a.entry_seq, a.rolled_up, b.parent_id,
       ledger_utilization(a.used + a.rolled_up, a.authorized) as utilization_percent
  from budget b
  cross join lateral (
    -- OFFSET 0 keeps the look-up by budget even while statistics are stale after a bulk load.
    select x.*, x.used, x.available from budget_account x
     where x.tenant_id = b.tenant_id and x.budget_id = b.id
       and x.line_key is null and x.closed_at is null
    offset 0
  ) a;
