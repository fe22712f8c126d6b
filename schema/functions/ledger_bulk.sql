-- Many budgets set to new amounts at once: one entry an account, under the accounts' locks.

drop function if exists ledger_adjust_many;
create function ledger_adjust_many(
  p_tenant uuid, p_budgets uuid[], p_targets numeric[], p_ref_type text, p_ref_id text,
  p_import uuid, p_reason text, p_actor text
) returns bigint language plpgsql security definer as $$
declare
  moment timestamptz;
  locked bigint;
  posted bigint;
begin
  perform set_config('bursar.tenant', p_tenant::text, true);
  loop
    select count(*) into locked
      from (select u.budget_id from unnest(p_budgets) u (budget_id) order by 1) u
      cross join lateral (
        select 1 from public.budget_account y
         where y.tenant_id = p_tenant and y.budget_id = u.budget_id
           and y.line_key is null and y.closed_at is null
         for no key update
      ) l;
    -- Else a budget started anew while this waited, and what took over is not locked.
    exit when locked >= (
      select count(*) from unnest(p_budgets) u (budget_id)
       where exists (select from public.budget_account y
                      where y.tenant_id = p_tenant and y.budget_id = u.budget_id
                        and y.line_key is null and y.closed_at is null));
  end loop;
  moment := clock_timestamp();  -- after the locks, so that seq and time agree
  with change as materialized (
    select a.*, u.target, a.entry_seq + 1 as seq,
           case when u.target > a.authorized then 'external' else 'available' end as from_bucket,
           case when u.target > a.authorized then 'available' else 'external' end as to_bucket,
           abs(u.target - a.authorized) as amount
      from unnest(p_budgets, p_targets) u (budget_id, target)
      cross join lateral (
        select y.id, y.head_hash, y.entry_seq, y.authorized, y.ctid as place
          from public.budget_account y
         where y.tenant_id = p_tenant and y.budget_id = u.budget_id
           and y.line_key is null and y.closed_at is null
        offset 0
      ) a
     where a.authorized <> u.target
  ), hashed as materialized (
    select c.*, public.ledger_entry_hash(
             c.head_hash, p_tenant, c.id, c.seq, 'adjust', c.from_bucket, c.to_bucket, c.amount,
             p_ref_type, p_ref_id, p_import, p_actor, p_reason, moment, moment) as hash
      from change c
  ), counted as (
    update public.budget_account a
       set authorized = h.target, entry_seq = h.seq, head_hash = h.hash, updated_at = moment
      from hashed h
     where a.ctid = h.place and a.tenant_id = p_tenant  -- locked, so they stay in their place
    returning a.id
  )
  insert into public.ledger_entry
    (tenant_id, account_id, seq, kind, from_bucket, to_bucket, amount, ref_type, ref_id,
     import_id, actor, reason, effective_at, recorded_at, hash)
  select p_tenant, h.id, h.seq, 'adjust', h.from_bucket, h.to_bucket, h.amount, p_ref_type,
         p_ref_id, p_import, p_actor, p_reason, moment, moment, h.hash
    from hashed h join counted c on c.id = h.id;
  get diagnostics posted = row_count;
  return posted;
end $$;
