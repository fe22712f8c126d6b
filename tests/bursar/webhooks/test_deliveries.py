"""Events reach whoever wants them: signed, once each, again until they are taken."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select, text, update

from bursar import alerts
from bursar.config import settings
from bursar.database import Database
from bursar.errors import HostNotAllowed, InvalidInput, SecretUnreadable
from bursar.jobs.sweep import tenants_with_due
from bursar.resealing import reseal
from bursar.secrets import newest_key_id
from bursar.telling import tell_noted
from bursar.webhooks import deliveries, endpoints
from schema.tables import Alert, WebhookDelivery, WebhookEndpoint
from tests.bursar.webhooks.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "allow_private_hosts", "127.0.0.1")
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(Fernet.generate_key().decode()))


class Events:
    """A tenant's events, and the endpoint that hears of them."""

    def __init__(self, database: Database, tenant_id: UUID) -> None:
        self.database, self.tenant_id = database, tenant_id

    def listen(self, receiver: Receiver, *events: str) -> UUID:
        with self.database.transaction(self.tenant_id, "test") as session:
            made, secret = endpoints.create_endpoint(
                session, self.tenant_id, receiver.url, list(events), "", "test"
            )
            receiver.secrets.append(secret)
            return made.id

    def happen(self, kind: str = "source_late") -> None:
        with self.database.transaction(self.tenant_id, "test") as session:
            alerts.raise_alert(session, self.tenant_id, kind, "warning", "It is late.", {}, kind)

    def send(self) -> list[str]:
        """Tell what was noted and send what is due; the states of what was sent."""
        with self.database.transaction(self.tenant_id, "test") as session:
            tell_noted(session, self.tenant_id)
        with self.database.transaction(self.tenant_id, "test") as session:
            due = deliveries.due_deliveries(session)
        return [deliveries.deliver(self.database, self.tenant_id, one) for one in due]

    def later(self) -> None:
        """Time passes until every next attempt is due."""
        with self.database.transaction(self.tenant_id, "test") as session:
            session.execute(
                update(WebhookDelivery)
                .where(WebhookDelivery.state == "pending")
                .values(next_attempt_at=text("now()"))
            )

    def all(self) -> list[WebhookDelivery]:
        with self.database.transaction(self.tenant_id) as session:
            return list(session.execute(select(WebhookDelivery)).scalars())


@pytest.fixture
def events(database: Database, tenant_id: UUID) -> Events:
    return Events(database, tenant_id)


def test_an_event_is_sent_once_and_verifies(events: Events, receiver: Receiver) -> None:
    events.listen(receiver)
    events.happen()
    assert events.send() == ["delivered"]
    events.later()
    assert events.send() == []
    ((event_id, content),) = receiver.received
    (delivery,) = events.all()
    assert event_id == str(delivery.event_id)
    assert content["event"] == "alert.raised"
    assert content["customerId"] == str(events.tenant_id)
    assert (delivery.attempts, delivery.last_status) == (1, 200)


def test_only_wanted_events_are_sent(events: Events, receiver: Receiver) -> None:
    events.listen(receiver, "budget.import.completed")
    events.happen()
    assert events.send() == []


def test_a_refused_event_comes_again_with_its_id_until_it_is_taken(
    events: Events, receiver: Receiver
) -> None:
    events.listen(receiver)
    events.happen()
    receiver.statuses = [500, 500]
    waits = []
    for _ in range(3):
        events.send()
        (delivery,) = events.all()
        waits.append((delivery.next_attempt_at - delivery.updated_at).total_seconds())
        events.later()
    assert [round(wait) for wait in waits[:2]] == [5, 300]
    assert (delivery.state, delivery.attempts) == ("delivered", 3)
    assert {event_id for event_id, _ in receiver.received} == {str(delivery.event_id)}
    assert len(receiver.received) == 3


def test_what_is_never_taken_is_dead_and_an_alarm(events: Events, receiver: Receiver) -> None:
    events.listen(receiver)
    events.happen()
    receiver.statuses = [503] * 50
    for _ in range(len(deliveries.PAUSES) + 3):
        events.send()
        events.later()
    (delivery,) = events.all()
    assert (delivery.state, delivery.attempts) == ("dead", len(deliveries.PAUSES) + 1)
    with events.database.transaction(events.tenant_id) as session:
        kinds = session.execute(select(Alert.type)).scalars().all()
    assert sorted(kinds) == ["source_late", "webhook_failing"]
    receiver.statuses = []
    with events.database.transaction(events.tenant_id, "test") as session:
        deliveries.redeliver(session, delivery.id)
    assert events.send() == ["delivered"]
    assert receiver.received[-1][0] == str(delivery.event_id)


@pytest.mark.parametrize("status", [302, 404, 500])
def test_other_answers_are_no_success(events: Events, receiver: Receiver, status: int) -> None:
    events.listen(receiver)
    events.happen()
    receiver.statuses = [status]
    assert events.send() == ["pending"]
    assert len(receiver.received) == 1, "no redirect is followed"
    assert str(status) in (events.all()[0].last_error or "")


def test_an_endpoint_that_is_gone_is_switched_off(events: Events, receiver: Receiver) -> None:
    endpoint = events.listen(receiver)
    events.happen()
    receiver.statuses = [410]
    assert events.send() == ["dead"]
    with events.database.transaction(events.tenant_id) as session:
        found = session.get_one(WebhookEndpoint, (events.tenant_id, endpoint))
        assert not found.is_active


def test_a_private_address_is_refused_when_made_and_when_sent(
    events: Events, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    events.listen(receiver)
    events.happen()
    monkeypatch.setattr(settings(), "allow_private_hosts", "")
    with pytest.raises(HostNotAllowed):
        events.listen(receiver)
    assert events.send() == ["pending"]
    assert receiver.received == []
    assert "not a public address" in (events.all()[0].last_error or "")


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "https://", "https://user:pw@example.com/", "https://a b/", "x",
            "https://example.com:99999/", "http://[::1", "http://[127.0.0.1]/", "http://[v1]x/"],
)  # fmt: skip
def test_what_is_no_address_is_refused(events: Events, url: str) -> None:
    with (
        pytest.raises((InvalidInput, HostNotAllowed)),
        events.database.transaction(events.tenant_id, "test") as session,
    ):
        endpoints.create_endpoint(session, events.tenant_id, url, [], "", "test")


def test_after_a_rotation_both_secrets_verify(events: Events, receiver: Receiver) -> None:
    endpoint = events.listen(receiver)
    (old,) = receiver.secrets
    with events.database.transaction(events.tenant_id, "test") as session:
        found = endpoints.get_endpoint(session, endpoint, lock=True)
        new = endpoints.rotate_secret(session, found)
    for n, secret in enumerate((old, new)):
        receiver.secrets = [secret]
        events.happen(f"kind_{n}")
        assert events.send() == ["delivered"]
    assert (len(receiver.received), receiver.unverified) == (2, 0)


def test_a_new_key_seals_what_the_old_one_had(
    events: Events, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = events.listen(receiver)
    old = settings().secrets_key.get_secret_value()
    new = Fernet.generate_key().decode()
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(f"{new},{old}"))
    with events.database.transaction(events.tenant_id, "test") as session:
        assert reseal(session, newest_key_id()) == 1
        assert reseal(session, newest_key_id()) == 0
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(new))
    with events.database.transaction(events.tenant_id) as session:
        found = endpoints.get_endpoint(session, endpoint)
        assert endpoints.read_secrets(found) == receiver.secrets
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(old))
    with pytest.raises(SecretUnreadable):
        endpoints.read_secrets(found)


def test_what_waits_is_found_by_the_tick(events: Events, receiver: Receiver) -> None:
    events.listen(receiver)
    events.happen()
    with events.database.transaction(events.tenant_id, "test") as session:
        tell_noted(session, events.tenant_id)
    assert events.tenant_id in tenants_with_due(events.database, "webhooks")
    events.send()
    assert events.tenant_id not in tenants_with_due(events.database, "webhooks")
