-- Budgets that control those below them. An account names the accounts above that limit it too, from
-- the root down, and those count what it uses; so a posting needs no walk up the tree.

-- The open accounts of all budgets below one.
create or replace function ledger_accounts_below(p_tenant uuid, p_budget uuid)
returns setof budget_account language plpgsql stable as $$
begin
  return query
  with recursive below as (
    select b.id from public.budget b where b.tenant_id = p_tenant and b.parent_id = p_budget
    union all
    select b.id from below x
      join public.budget b on b.tenant_id = p_tenant and b.parent_id = x.id
  )
  select a.* from below x
    join public.budget_account a
      on a.tenant_id = p_tenant and a.budget_id = x.id and a.line_key is null
         and a.closed_at is null;
end $$;

-- What the budgets below one use, all together: what its account must have rolled up when it
-- controls them.
create or replace function ledger_used_below(p_tenant uuid, p_budget uuid) returns numeric
language plpgsql stable as $$
begin
  return coalesce((select sum(public.used(a))
                     from public.ledger_accounts_below(p_tenant, p_budget) a), 0);
end $$;

-- The open accounts of a budget and of all below it: who controls them, and who should by the tree.
create or replace function ledger_linked(p_tenant uuid, p_budget uuid)
returns table (account_id uuid, before uuid[], after uuid[], currency text)
language sql stable as $$
  with recursive above as (
    -- The budgets over this one, from the nearest up.
    select b.id, b.parent_id, 0 as height from public.budget b
     where b.tenant_id = p_tenant and b.id = p_budget
    union all
    select b.id, b.parent_id, a.height + 1 from above a
      join public.budget b on b.tenant_id = p_tenant and b.id = a.parent_id
  ), start as (
    select coalesce(array_agg(x.id order by a.height desc), '{}') as controllers
      from above a
      join public.budget_account x
        on x.tenant_id = p_tenant and x.budget_id = a.id and x.line_key is null
           and x.closed_at is null and x.control_mode = 'absolute'
     where a.height > 0
  ), below as (
    select x.id as account_id, b.id as budget_id, x.controllers as before,
           s.controllers as after, x.control_mode, x.currency
      from start s, public.budget b
      join public.budget_account x
        on x.tenant_id = p_tenant and x.budget_id = b.id and x.line_key is null
           and x.closed_at is null
     where b.tenant_id = p_tenant and b.id = p_budget
    union all
    select x.id, b.id, x.controllers,
           case p.control_mode when 'absolute' then p.after || p.account_id else p.after end,
           x.control_mode, x.currency
      from below p
      join public.budget b on b.tenant_id = p_tenant and b.parent_id = p.budget_id
      join public.budget_account x
        on x.tenant_id = p_tenant and x.budget_id = b.id and x.line_key is null
           and x.closed_at is null
  )
  select account_id, before, after, currency from below
$$;

-- Work out anew who controls a budget and all below it, after it was put elsewhere or its own level
-- of control has changed. Returns 'ok', or why it cannot be: 'circle' or 'currency_mismatch'; the
-- caller then rolls back.
drop function if exists ledger_relink;
create function ledger_relink(p_tenant uuid, p_budget uuid) returns text
language plpgsql security definer as $$
declare
  touched uuid[];
  wanted uuid[];
  locked uuid[] := '{}';
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  if exists (
    with recursive above as (
      select b.parent_id as id, array[b.id] as path from public.budget b
       where b.tenant_id = p_tenant and b.id = p_budget
      union all
      select b.parent_id, a.path || b.id from above a
        join public.budget b on b.tenant_id = p_tenant and b.id = a.id
       where not b.id = any (a.path)
    )
    select from above where id = p_budget
  ) then
    return 'circle';
  end if;
  create temporary table if not exists ledger_links (
    account_id uuid, before uuid[], after uuid[], currency text
  ) on commit drop;
  loop
    truncate pg_temp.ledger_links;
    insert into pg_temp.ledger_links select * from public.ledger_linked(p_tenant, p_budget);
    if exists (select from pg_temp.ledger_links l
                 join public.budget_account a
                   on a.tenant_id = p_tenant and a.id = any (l.after)
                where a.currency <> l.currency) then
      return 'currency_mismatch';
    end if;
    select array_agg(distinct u) into touched
      from pg_temp.ledger_links l, unnest(l.before || l.after) u;
    wanted := coalesce(touched, '{}') || array(select l.account_id from pg_temp.ledger_links l);
    -- Looked at again under the locks: one below may have started anew, or been put elsewhere.
    exit when wanted <@ locked;
    -- In the one order of all locks, from the root down; then the counts cannot move any more.
    perform 1 from (
      select a.id from public.budget_account a
       where a.tenant_id = p_tenant and a.id = any (wanted)
       order by cardinality(a.controllers), a.id
         for no key update) l;
    locked := locked || wanted;
  end loop;
  update public.budget_account a set controllers = l.after
    from pg_temp.ledger_links l
   where a.tenant_id = p_tenant and a.id = l.account_id and a.controllers <> l.after;
  -- One that controls no more counts nothing of those below.
  update public.budget_account a set rolled_up = case a.control_mode
           when 'absolute' then public.ledger_used_below(p_tenant, a.budget_id) else 0 end
   where a.tenant_id = p_tenant and a.closed_at is null
     and (a.id = any (coalesce(touched, '{}')) or a.budget_id = p_budget);
  return 'ok';
end $$;
