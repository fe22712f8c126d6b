-- Small duties of every row: its version and time move when it changes, its tenant never does.

create or replace function touch_row() returns trigger language plpgsql as $$
begin
  if new.tenant_id is distinct from old.tenant_id then
    raise exception 'a row never changes its tenant' using errcode = 'check_violation';
  end if;
  new.updated_at := now();
  new.row_version := old.row_version + 1;
  return new;
end $$;

do $$
declare t text;
begin
  for t in
    select c.relname from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'row_version'
      join pg_attribute b on b.attrelid = c.oid and b.attname = 'tenant_id'
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
  loop
    execute format('drop trigger if exists touch_row on %I', t);
    -- Jobs beat many times a second and sources are looked at around the clock: their versions
    -- count decisions, which the code counts itself.
    if t not in ('job', 'source') then
      execute format('create trigger touch_row before update on %I
                      for each row execute function touch_row()', t);
    end if;
  end loop;
end $$;
