-- "Can we spend this?": one read of the live balance, one kept decision, one round trip.
--
-- The exact budget (department, sub-category, period) is meant; without one, the department's own
-- budget without sub-category. Where finer dimensions leave several, the one with most available
-- answers, because the money has to fit into one of them.

drop function if exists budget_check;
create function budget_check(
  p_tenant uuid, p_department text, p_sub_category text, p_period text, p_amount numeric,
  p_currency text, p_actor text
) returns table (
  fits boolean, decision text, reason text, decision_id uuid, matched text, threshold numeric,
  budget_id uuid, currency text, authorized numeric, committed numeric, reserved numeric,
  spent numeric, available numeric, utilization_percent numeric
) language plpgsql as $$
declare
  found_budget record;
  wanted_key text := lower(btrim(coalesce(p_sub_category, '')));
  seq_seen bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  -- The decision moves no money: it need not wait for the disk.
  perform set_config('synchronous_commit', 'off', true);
  select b.id, b.sub_category_key as sub_key, b.status, b.currency as code, b.source,
         b.import_id, a.*,
         (select coalesce((t.settings ->> 'auto_approve_threshold')::numeric, 5000)
            from tenant t where t.id = p_tenant) as auto_threshold
    into found_budget
    from budget b
    cross join lateral (
      -- OFFSET 0 keeps the look-up by budget even while statistics are stale after a bulk load.
      select * from budget_account x
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
  if not found then
    fits := false;
    decision := 'rejected';
    reason := 'no_budget';
    threshold := coalesce((select (t.settings ->> 'auto_approve_threshold')::numeric
                             from tenant t where t.id = p_tenant), 5000);
  else
    budget_id := found_budget.budget_id;
    currency := found_budget.code;
    authorized := found_budget.authorized;
    committed := found_budget.committed;
    reserved := found_budget.reserved;
    spent := found_budget.spent;
    available := found_budget.available;
    seq_seen := found_budget.entry_seq;
    utilization_percent := ledger_utilization(found_budget.used, found_budget.authorized);
    matched := case when found_budget.sub_key = wanted_key then 'exact'
                    else 'department' end;
    threshold := found_budget.auto_threshold;
    if p_currency is not null and p_currency <> currency then
      reason := 'currency_mismatch';
    elsif p_amount <> round(p_amount, found_budget.decimals) then
      reason := 'invalid_amount';
    end if;
    if reason is not null then
      return next;
      return;
    end if;
    fits := not found_budget.frozen
            and (found_budget.control_mode <> 'absolute'
                 or found_budget.used + p_amount <= least(
                      found_budget.authorized * (1 + found_budget.tolerance_pct / 100),
                      found_budget.hard_cap_amount));
    reason := case when found_budget.frozen then 'budget_frozen'
                   when not fits then 'insufficient_funds'
                   when p_amount <= threshold then 'within_auto_approval_threshold'
                   else 'above_auto_approval_threshold' end;
    decision := case when not fits then 'rejected'
                     when p_amount <= threshold then 'approved' else 'pending' end;
    if decision = 'approved' and found_budget.source in ('sftp', 's3', 'sheets', 'folder') then
      -- Where the source of these numbers is late, they may be out of date. Mended rows come by a
      -- run of their own, which continues the one of the source's file.
      select case s.stale_policy when 'manual' then 'pending' when 'refuse' then 'rejected'
                                 else decision end,
             case s.stale_policy when 'ignore' then reason else 'stale_source' end
        into decision, reason
        from (select f.source_id from source_file f
               where f.tenant_id = p_tenant
                 and f.import_id = (select coalesce(r.continues_id, r.id) from import_run r
                                     where r.tenant_id = p_tenant and r.id = found_budget.import_id)
               limit 1) brought
        join source s on s.tenant_id = p_tenant and s.id = brought.source_id and s.is_stale
         and s.deleted_at is null;
      if not found then
        decision := 'approved';
        reason := 'within_auto_approval_threshold';
      end if;
    end if;
  end if;
  decision_id := uuid_v7();
  insert into check_decision
    (tenant_id, id, budget_id, amount, decision, reason, available, account_seq, actor)
  values (p_tenant, decision_id, budget_id, p_amount, decision, reason, available, seq_seen,
          p_actor);
  return next;
end $$;
