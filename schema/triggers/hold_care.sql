-- No more is charged and given back of a hold than it held, and no more refunded than was charged.
-- A hold begins with nothing given back; this watches over what changes it. A trigger and not checks
-- or domains, which PostgreSQL would make ready anew for each reservation.
create or replace function refuse_overdrawn() returns trigger language plpgsql as $$
begin
  raise exception 'a hold of % cannot have % charged, % released and % refunded',
    new.amount, new.charged, new.released, new.refunded using errcode = 'check_violation';
end $$;

drop trigger if exists used_up on hold;
create trigger used_up before update of amount, charged, released, refunded on hold
  for each row when (new.charged + new.released > new.amount or new.refunded > new.charged
                     or least(new.released, new.refunded) < 0)
  execute function refuse_overdrawn();
