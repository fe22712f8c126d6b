-- Who the ledger's functions run as, and who may call them.
do $$
declare f regprocedure;
begin
  for f in
    select p.oid::regprocedure from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.proname like 'ledger\_%' and p.prosecdef
  loop
    execute format('alter function %s owner to bursar_ledger', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to bursar_app', f);
  end loop;
end $$;
