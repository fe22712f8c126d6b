-- What became of an import is kept as it went, and is not rewritten once it is done.

create or replace function keep_import_history() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.history := jsonb_build_array(jsonb_build_object('state', new.state, 'at', now()));
    return new;
  end if;
  if old.state in ('completed', 'completed_with_errors', 'undone') and (
    (new.file_id, new.sheet, new.header_row, new.mapping, new.defaults, new.answers, new.analysis,
     new.mode, new.created_by, new.started_at, new.completed_at, new.total_rows, new.created_rows,
     new.updated_rows, new.unchanged_rows, new.rejected_rows, new.amounts, new.warnings)
    is distinct from
    (old.file_id, old.sheet, old.header_row, old.mapping, old.defaults, old.answers, old.analysis,
     old.mode, old.created_by, old.started_at, old.completed_at, old.total_rows, old.created_rows,
     old.updated_rows, old.unchanged_rows, old.rejected_rows, old.amounts, old.warnings)
    or new.state not in (old.state, 'undone')
  ) then
    raise exception 'an import that is done is history' using errcode = 'check_violation';
  end if;
  if new.state <> old.state then
    new.history := old.history
      || jsonb_build_object('state', new.state, 'at', clock_timestamp());
  else
    new.history := old.history;
  end if;
  return new;
end $$;

drop trigger if exists keep_import_history on import_run;
create trigger keep_import_history before insert or update on import_run
  for each row execute function keep_import_history();
