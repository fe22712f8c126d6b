-- "Can we spend this?": one read of the live balance, one kept decision with its reasons, one round
-- trip.
--
-- The exact budget (department, sub-category, period) is meant; without one, the department's own
-- budget without sub-category. Where finer dimensions leave several, the one with most available
-- answers, because the money has to fit into one of them. Of the tenant's rules the one that says
-- most decides up to which amount nobody is asked: department and currency, department, currency.

drop function if exists budget_check;
create function budget_check(
  p_tenant uuid, p_department text, p_sub_category text, p_period text, p_amount numeric,
  p_currency text, p_actor text
) returns table (
  fits boolean, decision text, reason text, decision_id uuid, matched text, threshold numeric,
  budget_id uuid, currency text, authorized numeric, committed numeric, reserved numeric,
  spent numeric, available numeric, utilization_percent numeric, trace jsonb
) language plpgsql as $$
declare
  found_budget record;
  rule record;
  late_id uuid;
  late_name text;
  late_policy text;
  above uuid;
  wanted_key text := lower(btrim(coalesce(p_sub_category, '')));
  seq_seen bigint;
begin
  -- The decision moves no money: it need not wait for the disk.
  perform set_config('bursar.tenant', p_tenant::text, true),
          set_config('enable_seqscan', 'off', true),
          set_config('synchronous_commit', 'off', true);
  select b.id, b.sub_category_key as sub_key, b.currency as code, b.source, b.import_id, a.*
    into found_budget
    from budget b
    cross join lateral (
      -- OFFSET 0 keeps the look-up by budget even while statistics are stale after a bulk load.
      select x.*, x.used, x.available from budget_account x
       where x.tenant_id = b.tenant_id and x.budget_id = b.id
         and x.line_key is null and x.closed_at is null
      offset 0
    ) a
   where b.tenant_id = p_tenant and b.department_key = lower(btrim(p_department))
     and b.sub_category_key in (wanted_key, '') and b.fiscal_period = p_period
     and b.deleted_at is null
   order by (b.sub_category_key = wanted_key) desc,
            (b.currency = p_currency) desc nulls last, a.available desc
   limit 1;
  budget_id := found_budget.budget_id;
  currency := found_budget.code;
  authorized := found_budget.authorized;
  committed := found_budget.committed;
  reserved := found_budget.reserved;
  spent := found_budget.spent;
  available := found_budget.available;
  seq_seen := found_budget.entry_seq;
  select x.id, x.name, x.auto_approve_up_to into rule
    from approval_rule x
   where x.tenant_id = p_tenant and x.is_active and x.covers = 'checks'
     and (x.department_key is null or x.department_key = lower(btrim(p_department)))
     and (x.currency is null or x.currency = coalesce(found_budget.code, p_currency))
   order by (x.department_key is not null) desc, (x.currency is not null) desc
   limit 1;
  threshold := coalesce(
    rule.auto_approve_up_to,
    (select (t.settings ->> 'auto_approve_threshold')::numeric from tenant t where t.id = p_tenant),
    5000);
  if budget_id is null then
    fits := false;
    decision := 'rejected';
    reason := 'no_budget';
  else
    utilization_percent := ledger_utilization(
      found_budget.used + found_budget.rolled_up, found_budget.authorized);
    matched := case when found_budget.sub_key = wanted_key then 'exact' else 'department' end;
    if p_currency is not null and p_currency <> currency then
      reason := 'currency_mismatch';
    elsif p_amount <> round(p_amount, found_budget.decimals) then
      reason := 'invalid_amount';
    end if;
    if reason is not null then
      return next;
      return;
    end if;
    select c.budget_id into above from budget_account c
     where c.tenant_id = p_tenant and c.id = any (found_budget.controllers)
       and c.used + c.rolled_up + p_amount > ledger_limit(c)
     limit 1;
    fits := not found_budget.frozen and above is null
            and (found_budget.control_mode <> 'absolute'
                 or found_budget.used + found_budget.rolled_up + p_amount <= least(
                      found_budget.authorized * (1 + found_budget.tolerance_pct / 100),
                      found_budget.hard_cap_amount));
    reason := case when found_budget.frozen then 'budget_frozen'
                   when not fits then 'insufficient_funds'
                   when p_amount <= threshold then 'within_auto_approval_threshold'
                   else 'above_auto_approval_threshold' end;
    decision := case when not fits then 'rejected'
                     when p_amount <= threshold then 'approved' else 'pending' end;
    if found_budget.import_id is not null then
      -- Where the source of these numbers is late, they may be out of date. Mended rows come by a
      -- run of their own, which continues the one of the source's file.
      select s.id, s.name, s.stale_policy into late_id, late_name, late_policy
        from (select f.source_id from source_file f
               where f.tenant_id = p_tenant
                 and f.import_id = (select coalesce(r.continues_id, r.id) from import_run r
                                     where r.tenant_id = p_tenant and r.id = found_budget.import_id)
               limit 1) brought
        join source s on s.tenant_id = p_tenant and s.id = brought.source_id and s.is_stale
         and s.deleted_at is null;
      if late_id is not null and decision = 'approved' and late_policy <> 'ignore' then
        decision := case late_policy when 'manual' then 'pending' else 'rejected' end;
        reason := 'stale_source';
      end if;
    end if;
  end if;
  trace := jsonb_strip_nulls(jsonb_build_object(
    'asked', jsonb_build_object(
      'department', p_department, 'sub_category', p_sub_category, 'fiscal_period', p_period,
      'amount', p_amount::text, 'currency', p_currency),
    'matched', matched,
    'balance', case when budget_id is not null then jsonb_build_object(
      'authorized', authorized::text, 'reserved', reserved::text, 'committed', committed::text,
      'spent', spent::text, 'rolled_up', found_budget.rolled_up::text, 'entry', seq_seen,
      'control_mode', found_budget.control_mode,
      'tolerance_percent', found_budget.tolerance_pct::text,
      'hard_cap_amount', found_budget.hard_cap_amount::text,
      'frozen', found_budget.frozen) end,
    'refused_above', above,
    'rule', case when rule.id is not null
                 then jsonb_build_object('id', rule.id, 'name', rule.name) end,
    'auto_approve_up_to', threshold::text,
    'late_source', case when late_id is not null then jsonb_build_object(
      'id', late_id, 'name', late_name, 'policy', late_policy) end));
  decision_id := uuid_v7();
  insert into check_decision
    (tenant_id, id, budget_id, amount, decision, reason, available, account_seq, actor, trace)
  values (p_tenant, decision_id, budget_id, p_amount, decision, reason, available, seq_seen,
          p_actor, trace);
  return next;
end $$;
