-- The operations under the names and arguments that the reward platform's documents give them, for
-- callers in SQL. Thin: each is a call of the function beside it, in the tenant that is named or, where
-- none is, in that of the transaction (`set_config('bursar.tenant', …)`).

create or replace function check_budget_capacity(p_budget uuid, p_amount numeric) returns boolean
language plpgsql stable as $$
declare account budget_account;
begin
  select a.* into account from budget_account a
   where a.tenant_id = current_tenant() and a.budget_id = p_budget
     and a.line_key is null and a.closed_at is null;
  return coalesce(
    p_amount > 0 and not account.frozen and ledger_fits(account, p_amount), false);
end $$;

create or replace function reserve_budget(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text, p_ref text
) returns boolean language plpgsql as $$
begin
  return (ledger_reserve(
    p_tenant, p_budget, p_amount, p_currency, 'reservation', p_ref, null, current_actor())).code
    = 'ok';
end $$;

-- Whether a reference is one of this budget in this currency.
create or replace function ledger_is_of(
  p_tenant uuid, p_budget uuid, p_currency text, p_ref text
) returns boolean language plpgsql as $$
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  return exists (
    select from hold h
      join budget_account a on a.tenant_id = h.tenant_id and a.id = h.account_id
     where h.tenant_id = p_tenant and h.ref_type = 'reservation' and h.ref_id = p_ref
       and h.budget_id = p_budget and a.currency = p_currency);
end $$;

create or replace function charge_budget(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text, p_ref text
) returns boolean language plpgsql as $$
begin
  return ledger_is_of(p_tenant, p_budget, p_currency, p_ref)
         and (ledger_charge(p_tenant, 'reservation', p_ref, p_amount, current_actor())).code = 'ok';
end $$;

create or replace function release_budget(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text, p_ref text
) returns boolean language plpgsql as $$
begin
  return ledger_is_of(p_tenant, p_budget, p_currency, p_ref)
         and (ledger_release(p_tenant, 'reservation', p_ref, p_amount, current_actor())).code
             = 'ok';
end $$;

create or replace function fund_budget(
  p_tenant uuid, p_budget uuid, p_amount numeric, p_currency text
) returns boolean language plpgsql as $$
begin
  if p_amount is null or p_amount <= 0 then
    raise exception 'the amount must be greater than zero' using errcode = 'check_violation';
  end if;
  return (ledger_fund(
    p_tenant, p_budget, p_amount, p_currency, 'fund_budget', current_actor())).code = 'ok';
end $$;

create or replace function get_budget_utilization(p_budget uuid) returns numeric
language plpgsql stable as $$
begin
  -- Rounded once: what was rounded to four decimals before may round the other way.
  return (select case when a.authorized > 0
                      then round((a.used + a.rolled_up) * 100 / a.authorized, 2) end
            from budget_account a
           where a.tenant_id = current_tenant() and a.budget_id = p_budget
             and a.line_key is null and a.closed_at is null);
end $$;

-- Both balances are what is used in the present period: reserved, committed and spent. The
-- discrepancy is that of all periods.
drop function if exists reconcile_budget;
create function reconcile_budget(p_budget uuid)
returns table (
  budget_id uuid, current_balance numeric, calculated_balance numeric, discrepancy numeric
) language plpgsql as $$
begin
  return query
  select r.budget_id, r.stored_reserved + r.stored_committed + r.stored_spent,
         r.derived_reserved + r.derived_committed + r.derived_spent,
         sum(r.discrepancy) over ()
    from ledger_reconcile(current_tenant(), p_budget) with ordinality r
   order by r.ordinality limit 1;
end $$;
