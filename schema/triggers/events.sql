-- Events that others may hear of, noted by the very change that they tell of, whoever makes it. The
-- names of the keys are those of the documents.

create or replace function note_event(p_tenant uuid, p_payload jsonb) returns void
language sql as $$
  insert into outbox (tenant_id, topic, payload)
  values (p_tenant, 'webhook', p_payload || jsonb_build_object('timestamp', now()))
$$;

create or replace function note_import_end() returns trigger language plpgsql as $$
begin
  if new.state = 'failed' then
    perform note_event(new.tenant_id, jsonb_build_object(
      'event', 'budget.import.failed', 'customerId', new.tenant_id, 'importId', new.id,
      'error', new.error));
  else
    perform note_event(new.tenant_id, jsonb_build_object(
      'event', 'budget.import.completed', 'customerId', new.tenant_id, 'importId', new.id,
      'totalRows', new.total_rows, 'successRows', new.total_rows - new.rejected_rows,
      'errorRows', new.rejected_rows));
  end if;
  return null;
end $$;
drop trigger if exists note_import_end on import_run;
create trigger note_import_end after update of state on import_run for each row
  when (new.state is distinct from old.state
        and new.state in ('completed', 'completed_with_errors', 'failed'))
  execute function note_import_end();

create or replace function note_job_failure() returns trigger language plpgsql as $$
begin
  perform note_event(new.tenant_id, jsonb_build_object(
    'event', 'job.failed', 'customerId', new.tenant_id, 'jobId', new.id, 'kind', new.kind,
    'state', new.state, 'error', new.error));
  return null;
end $$;
drop trigger if exists note_job_failure on job;
create trigger note_job_failure after update of state on job for each row
  when (new.state is distinct from old.state and new.state in ('failed', 'dead'))
  execute function note_job_failure();
