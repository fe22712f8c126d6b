-- What tables need before they can exist. Runs before the migrations, every time, and changes
-- nothing on a second run.

-- Time-ordered ids keep inserts at the right edge of every index. PostgreSQL 18 has a function of
-- its own; this one serves 15 and later.
do $$
begin
  if to_regprocedure('pg_catalog.uuidv7()') is not null then
    execute 'create or replace function uuid_v7() returns uuid language sql volatile parallel safe
             as ''select pg_catalog.uuidv7()''';
  else
    execute $f$
      create or replace function uuid_v7() returns uuid language sql volatile parallel safe as $b$
        select encode(
          set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
              placing substring(
                int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
              from 1 for 6),
            52, 1), 53, 1), 'hex')::uuid
      $b$
    $f$;
  end if;
end $$;
