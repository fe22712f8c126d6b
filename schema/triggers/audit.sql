-- The audit trail. Statement triggers with transition tables, so that no code path can skip them
-- and a bulk import pays for one summary instead of a hundred thousand rows: what each of its rows
-- changed is kept in import_row and in the ledger.

create or replace function audit_inserts() returns trigger language plpgsql security definer as $$
declare
  bulk_rows bigint;
begin
  select count(*) into bulk_rows from (select 1 from new_rows limit 1001) r;
  if bulk_rows > 1000 then
    insert into public.audit_log (tenant_id, actor, action, object_type, metadata, request_id)
    select tenant_id, public.current_actor(), 'bulk_insert', tg_table_name,
           jsonb_build_object('rows', count(*)), current_setting('bursar.request', true)
      from new_rows group by tenant_id;
  else
    insert into public.audit_log
      (tenant_id, actor, action, object_type, object_id, to_state, diff, request_id)
    select n.tenant_id, public.current_actor(), 'insert', tg_table_name, n.id,
           to_jsonb(n) ->> 'status',
           jsonb_strip_nulls(to_jsonb(n) - public.audit_hidden()),
           current_setting('bursar.request', true)
      from new_rows n;
  end if;
  return null;
end $$;

create or replace function audit_updates() returns trigger language plpgsql security definer as $$
declare
  bulk_rows bigint;
begin
  select count(*) into bulk_rows from (select 1 from new_rows limit 1001) r;
  if bulk_rows > 1000 then
    insert into public.audit_log (tenant_id, actor, action, object_type, metadata, request_id)
    select tenant_id, public.current_actor(), 'bulk_update', tg_table_name,
           jsonb_build_object('rows', count(*)), current_setting('bursar.request', true)
      from new_rows group by tenant_id;
  else
    insert into public.audit_log
      (tenant_id, actor, action, object_type, object_id, from_state, to_state, diff, request_id)
    select n.tenant_id, public.current_actor(), 'update', tg_table_name, n.id,
           to_jsonb(o) ->> 'status', to_jsonb(n) ->> 'status',
           (select jsonb_object_agg(c.key, jsonb_build_array(to_jsonb(o) -> c.key, c.value))
              from jsonb_each(to_jsonb(n) - public.audit_hidden()) c
             where c.value is distinct from to_jsonb(o) -> c.key),
           current_setting('bursar.request', true)
      from new_rows n join old_rows o on o.tenant_id = n.tenant_id and o.id = n.id
     where to_jsonb(n) - public.audit_hidden() is distinct from to_jsonb(o) - public.audit_hidden();
  end if;
  return null;
end $$;

-- Secrets never reach the trail; times and versions would only repeat it.
create or replace function audit_hidden() returns text[] language sql immutable parallel safe as $$
  select array['key_hash', 'password_hash', 'ciphertext', 'updated_at', 'row_version', 'created_at',
               'last_used_at', 'next_due_at', 'last_sync_at', 'last_success_at', 'last_file_at', 'failures',
               'next_expected_at', 'held_until', 'tenant_id', 'department_key', 'sub_category_key', 'dimensions_key']
$$;

do $$
declare t text;
begin
  foreach t in array array['membership', 'api_key', 'fiscal_period', 'budget', 'alert',
                            'mapping_template', 'source', 'source_secret',
                            'webhook_endpoint', 'approval_rule', 'budget_recurrence',
                            'ledger_repair', 'transfer_request'] loop
    execute format('drop trigger if exists audit_inserts on %I', t);
    execute format('create trigger audit_inserts after insert on %I
      referencing new table as new_rows for each statement execute function audit_inserts()', t);
    execute format('drop trigger if exists audit_updates on %I', t);
    execute format('create trigger audit_updates after update on %I
      referencing old table as old_rows new table as new_rows
      for each statement execute function audit_updates()', t);
  end loop;
end $$;

-- Who changed how a budget is controlled. By rows and columns, because the counters of an account
-- change with every posting, and its entries tell of those.
create or replace function audit_control() returns trigger language plpgsql security definer as $$
begin
  insert into public.audit_log
    (tenant_id, actor, action, object_type, object_id, diff, request_id)
  select new.tenant_id, public.current_actor(), 'control', 'budget', new.budget_id,
         jsonb_object_agg(n.key, jsonb_build_array(to_jsonb(old) -> n.key, n.value)),
         current_setting('bursar.request', true)
    from jsonb_each(to_jsonb(new)) n
   where n.key in ('control_mode', 'soft_cap_pct', 'approach_pct', 'tolerance_pct',
                   'hard_cap_amount', 'frozen', 'frozen_for')
     and n.value is distinct from to_jsonb(old) -> n.key
  having count(*) > 0;
  return null;
end $$;
drop trigger if exists audit_control on budget_account;
create trigger audit_control after update of control_mode, soft_cap_pct, approach_pct,
  tolerance_pct, hard_cap_amount, frozen, frozen_for on budget_account
  for each row execute function audit_control();

-- Who tried a job again or cancelled it. Only these changes, which people make: what workers do
-- stands in the attempts of the job.
create or replace function audit_job() returns trigger language plpgsql security definer as $$
begin
  insert into public.audit_log
    (tenant_id, actor, action, object_type, object_id, from_state, to_state, request_id)
  values (new.tenant_id, public.current_actor(),
          case when new.state = 'queued' then 'retry' else 'cancel' end, 'job', new.id,
          old.state, new.state, current_setting('bursar.request', true));
  return null;
end $$;
drop trigger if exists audit_job on job;
create trigger audit_job after update of state, cancel_requested on job for each row
  when (old.state in ('failed', 'dead', 'cancelled') and new.state = 'queued'
        or old.state in ('queued', 'retrying') and new.state = 'cancelled'
        or old.state = 'running' and new.state = 'running'
           and new.cancel_requested and not old.cancel_requested)
  execute function audit_job();

-- A tenant has no tenant_id: it stands in the trail under its own id.
create or replace function audit_tenant() returns trigger language plpgsql security definer as $$
begin
  insert into public.audit_log
    (tenant_id, actor, action, object_type, object_id, diff, request_id)
  select new.id, public.current_actor(), 'update', 'tenant', new.id,
         jsonb_object_agg(n.key, jsonb_build_array(to_jsonb(old) -> n.key, n.value)),
         current_setting('bursar.request', true)
    from jsonb_each(to_jsonb(new) - public.audit_hidden()) n
   where n.value is distinct from to_jsonb(old) -> n.key
  having count(*) > 0;
  return null;
end $$;
drop trigger if exists audit_tenant on tenant;
create trigger audit_tenant after update on tenant for each row execute function audit_tenant();

-- The trail is written by its own role alone, so nobody can forge an entry in it.
alter function audit_inserts() owner to bursar_audit;
alter function audit_updates() owner to bursar_audit;
alter function audit_control() owner to bursar_audit;
alter function audit_job() owner to bursar_audit;
alter function audit_tenant() owner to bursar_audit;
grant usage on schema public to bursar_audit;
grant insert on audit_log to bursar_audit;
