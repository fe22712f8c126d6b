"""Promise 35: webhooks follow the standard.

A thousand events go to a receiver that verifies each message with the standard's own library and
refuses half of them at random, and to one that never takes any. Every event must reach the first
one with one id over all attempts; at the second everything must end dead with one alarm, and be
delivered when it is sent again.

usage: python -m bench.trials.webhooks [--events 1000] [--seed N]
"""

from __future__ import annotations

import argparse
import os
import random
from collections import Counter
from uuid import UUID

import psycopg
from cryptography.fernet import Fernet

from bench.stack import BenchStack, database_only
from bench.trials.verdict import Verdict, now_seed, quietly
from bursar import alerts
from bursar.telling import tell_noted
from bursar.webhooks import deliveries, endpoints
from tests.bursar.webhooks.receiver import Receiver


class Fickle(Receiver):
    """Verifies every message and takes about half of them."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def take(self, headers: dict[str, str], body: bytes) -> None:
        super().take(headers, body)
        self.statuses = [self._chance.choice((200, 200, 500, 503))]


class Deaf(Receiver):
    """Takes nothing until it is told to listen."""

    listens = False

    def take(self, headers: dict[str, str], body: bytes) -> None:
        super().take(headers, body)
        self.statuses = [] if self.listens else [500]


def send_all(stack: BenchStack, tenant_id: UUID, watch: psycopg.Connection) -> int:
    """Send whatever is due, then let all pauses pass; how many attempts there were."""
    with stack.database.transaction(tenant_id, "trial") as session:
        while tell_noted(session, tenant_id):
            pass
        due = deliveries.due_deliveries(session, 1_000_000)
    for delivery in due:
        deliveries.deliver(stack.database, tenant_id, delivery)
    watch.execute(
        "update webhook_delivery set next_attempt_at = now() - interval '1 second'"
        " where tenant_id = %s and state = 'pending'",
        (tenant_id,),
    )
    return len(due)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=now_seed())
    options = parser.parse_args()
    os.environ["BURSAR_ALLOW_PRIVATE_HOSTS"] = "127.0.0.1"
    os.environ["BURSAR_SECRETS_KEY"] = Fernet.generate_key().decode()
    quietly()
    verdict = Verdict("35 webhooks follow the standard", options.seed)
    fickle, deaf = Fickle(random.Random(options.seed)), Deaf()
    with database_only() as stack, psycopg.connect(stack.admin, autocommit=True) as watch:
        tenant_id, _ = stack.tenant()
        with stack.database.transaction(tenant_id, "trial") as session:
            for receiver in (fickle, deaf):
                _, secret = endpoints.create_endpoint(
                    session, tenant_id, receiver.url, [], "", "trial"
                )
                receiver.secrets.append(secret)
        with stack.database.transaction(tenant_id, "trial") as session:
            for n in range(options.events):
                alerts.raise_alert(session, tenant_id, "trial", "info", f"{n}", {}, f"trial:{n}")
        while attempts := send_all(stack, tenant_id, watch):
            verdict.counts["attempts"] += attempts
        ids = Counter(event for event, _ in fickle.received)
        heard = {content["message"] for _, content in fickle.received}
        verdict.require(len(ids) == options.events, f"{len(ids)} ids for the events")
        verdict.require(len(heard) == options.events, f"{len(heard)} events were heard of")
        verdict.require(fickle.unverified + deaf.unverified == 0, "a signature did not verify")
        verdict.counts["verified"] = len(fickle.received) + len(deaf.received)
        states = Counter(
            (url == deaf.url, state)
            for url, state in watch.execute(
                "select e.url, d.state from webhook_delivery d join webhook_endpoint e"
                " on e.tenant_id = d.tenant_id and e.id = d.endpoint_id where d.tenant_id = %s",
                (tenant_id,),
            )
        )
        expected = Counter({(True, "dead"): options.events, (False, "delivered"): options.events})
        verdict.require(states == expected, f"the deliveries ended as {dict(states)}")
        alarms = watch.execute(
            "select count(*) from alert where tenant_id = %s and type = 'webhook_failing'",
            (tenant_id,),
        ).fetchone()
        verdict.require(alarms == (1,), f"{alarms} alarms about the deaf endpoint")
        deaf.listens = True
        with stack.database.transaction(tenant_id, "trial") as session:
            dead = watch.execute(
                "select id from webhook_delivery where tenant_id = %s and state = 'dead'",
                (tenant_id,),
            ).fetchall()
            for (delivery,) in dead:
                deliveries.redeliver(session, delivery)
        send_all(stack, tenant_id, watch)
        left = watch.execute(
            "select count(*) from webhook_delivery where tenant_id = %s and state <> 'delivered'",
            (tenant_id,),
        ).fetchone()
        verdict.require(left == (0,), f"{left} are not delivered after they were sent again")
    fickle.stop()
    deaf.stop()
    verdict.close(redelivered=len(dead))


if __name__ == "__main__":
    main()
