-- The wall between tenants: every table with a tenant_id, present and future, gets row-level
-- security that even its owner obeys. The setting is an empty string after a transaction that set
-- it locally, so `nullif` turns "no tenant" into no rows instead of an error.

create or replace function raise_tenant_wall(p_table regclass) returns void
language plpgsql as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format('drop policy if exists tenant_wall on %s', p_table);
  execute format(
    'create policy tenant_wall on %s
       using (tenant_id = nullif(current_setting(''bursar.tenant'', true), '''')::uuid)
       with check (tenant_id::text = current_setting(''bursar.tenant'', true))',
    p_table);
  -- Without statistics of its own, any tenant is taken for a two-hundredth of the table. With them,
  -- a tenant that came after the last ANALYZE is taken for one row, every index that leads with the
  -- tenant looks as good as the right one, and look-ups by key read the whole tenant.
  execute format('alter table %s alter column tenant_id set statistics 0', p_table);
end $$;

do $$
declare t regclass;
begin
  for t in
    select c.oid::regclass from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  loop
    perform raise_tenant_wall(t);
  end loop;
end $$;

-- The tenant itself is walled by its own id.
alter table tenant enable row level security;
alter table tenant force row level security;
drop policy if exists tenant_wall on tenant;
create policy tenant_wall on tenant
  using (id = nullif(current_setting('bursar.tenant', true), '')::uuid)
  with check (id = nullif(current_setting('bursar.tenant', true), '')::uuid);

-- People are known before their tenant is: nobody reads this table but the log-in functions.
alter table app_user enable row level security;
alter table app_user force row level security;

do $$
declare t text;
begin
  foreach t in array array['app_user', 'membership', 'tenant', 'job', 'hold', 'outbox', 'source',
                            'source_file', 'import_run', 'webhook_delivery', 'alert',
                            'budget_recurrence', 'budget', 'fiscal_period', 'ledger_watch'] loop
    execute format('drop policy if exists system_scan on %I', t);
    execute format('create policy system_scan on %I to bursar_system using (true)
                    with check (true)', t);
  end loop;
end $$;

-- The trail takes the tenant from the changed row itself, so it is whole also when an administrator
-- changes rows without naming a tenant first.
drop policy if exists trail_writes on audit_log;
create policy trail_writes on audit_log for insert to bursar_audit with check (true);
