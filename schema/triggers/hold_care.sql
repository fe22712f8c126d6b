-- No more is charged and given back of a hold than it held, and no more refunded than was charged.
-- Each column is a domain of its own, and a hold begins with nothing used up; this watches over what
-- compares them. A trigger and not a check, which PostgreSQL would read anew for each reservation.
create or replace function refuse_overdrawn() returns trigger language plpgsql as $$
begin
  raise exception 'a hold of % cannot have % charged, % released and % refunded',
    new.amount, new.charged, new.released, new.refunded using errcode = 'check_violation';
end $$;

drop trigger if exists used_up on hold;
create trigger used_up before update of amount, charged, released, refunded on hold
  for each row when (new.charged + new.released > new.amount or new.refunded > new.charged)
  execute function refuse_overdrawn();
