-- Closing budgets of a fiscal period, many in one call: each carries on in the budget that stands in
-- its place in the next period, which is made where there is none and something goes along.

-- The live budget of another period with the same department, sub-category, currency and dimensions.
create or replace function budget_in_place_of(p_budget budget, p_period text) returns uuid
language plpgsql stable as $$
begin
  return (
    select x.id from budget x
     where x.tenant_id = p_budget.tenant_id and x.department_key = p_budget.department_key
       and x.sub_category_key = p_budget.sub_category_key and x.fiscal_period = p_period
       and x.currency = p_budget.currency and x.dimensions_key = p_budget.dimensions_key
       and x.deleted_at is null);
end $$;

-- Make the budget that stands in the place of another: as it is and controlled as it is, with
-- nothing authorized, under the one that stands in the place of the one above.
create or replace function budget_carry_on(
  p_budget budget, p_period text, p_period_id uuid, p_actor text
) returns uuid language plpgsql as $$
declare
  made uuid;
  above budget;
begin
  select x.* into above from budget x
   where x.tenant_id = p_budget.tenant_id and x.id = p_budget.parent_id;
  insert into budget
    (tenant_id, department, sub_category, name, kind, account_code, program, project, fund, owner,
     notes, external_ref, currency, fiscal_period, period_id, parent_id)
  values
    (p_budget.tenant_id, p_budget.department, p_budget.sub_category, p_budget.name, p_budget.kind,
     p_budget.account_code, p_budget.program, p_budget.project, p_budget.fund, p_budget.owner,
     p_budget.notes, p_budget.external_ref, p_budget.currency, p_period, p_period_id,
     budget_in_place_of(above, p_period))
  returning id into made;
  perform ledger_authorize(p_budget.tenant_id, made, 0, 'created', p_actor);
  update budget_account a set
    control_mode = o.control_mode, soft_cap_pct = o.soft_cap_pct, approach_pct = o.approach_pct,
    tolerance_pct = o.tolerance_pct, hard_cap_amount = o.hard_cap_amount
    from budget_account o
   where a.tenant_id = p_budget.tenant_id and a.budget_id = made
     and o.tenant_id = p_budget.tenant_id and o.budget_id = p_budget.id
     and o.line_key is null and o.closed_at is null;
  if above.id is not null then
    perform ledger_relink(p_budget.tenant_id, made);
  end if;
  return made;
end $$;

-- Close budgets one after the other. One answer each, in their order; a refusal has moved nothing.
drop function if exists close_budgets;
create function close_budgets(
  p_tenant uuid, p_budgets uuid[], p_next text, p_rollover text, p_cap numeric, p_actor text,
  p_reason text, p_dry_run boolean
) returns setof ledger_ending language plpgsql as $$
declare
  one budget;
  target uuid;
  r ledger_ending;
  next_id uuid := (select p.id from fiscal_period p
                    where p.tenant_id = p_tenant and p.code = p_next and p.state = 'open'
                      for share);
begin
  for one in
    select b.* from unnest(p_budgets) with ordinality u (id, place)
      join budget b on b.tenant_id = p_tenant and b.id = u.id
     order by u.place
  loop
    target := budget_in_place_of(one, p_next);
    if target is null and not p_dry_run then
      r := ledger_close(p_tenant, one.id, null, p_rollover, p_cap, p_actor, p_reason, true);
      if r.code = 'ok' and r.unspent + r.commitments + r.backing + r.deficit <> 0 then
        if next_id is null then
          r.code := 'period_closed';
        else
          target := budget_carry_on(one, p_next, next_id, p_actor);
        end if;
      end if;
      if r.code <> 'ok' then
        return next r;
        continue;
      end if;
    end if;
    r := ledger_close(p_tenant, one.id, target, p_rollover, p_cap, p_actor, p_reason, p_dry_run);
    return next r;
  end loop;
end $$;
