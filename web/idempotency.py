"""Mutations happen once a key: the answer is stored in the transaction of its effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, jsonify, make_response, request
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bursar.errors import (
    BursarError,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidInput,
    RequestInProgress,
)
from bursar.ledger.answers import Answer as LedgerAnswer
from bursar.ledger.answers import Retry
from web.auth import principal, transaction
from web.problems import problem_of, status_of

LONGEST_KEY = 255


@dataclass
class Answer:
    """What a mutation answers; `after_commit` runs when its effect is true.

    `kept` is what a repeated request gets instead, where the answer shows a secret just once.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    after_commit: Callable[[], object] | None = None
    kept: dict[str, Any] | None = None


def required_key() -> str:
    """The Idempotency-Key of this request. Raises IdempotencyKeyRequired, InvalidInput."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        raise IdempotencyKeyRequired
    if len(key) > LONGEST_KEY:
        raise InvalidInput(f"An Idempotency-Key has at most {LONGEST_KEY} characters.")
    return key


def retry_of(*parts: object) -> Retry:
    """This request's key, bound to its route and content, for the functions of the ledger."""
    return Retry.of(required_key(), request.method, request.path, *parts)


def replayed(response: Response) -> Response:
    """Mark an answer as one that was given before."""
    response.headers["Idempotency-Replayed"] = "true"
    return response


def reply(answer: LedgerAnswer, body: dict[str, Any], status: int) -> Response:
    """An answer of the ledger, marked when its function replayed it."""
    response = make_response(jsonify(body), status)
    return replayed(response) if answer.replayed else response


def once(work: Callable[[Session], Answer], content: object) -> Response:
    """Run `work` in a transaction and store its answer there; the same key replays the answer.

    `content` is what makes two requests the same. Refusals are stored too, failures are not.
    Raises IdempotencyKeyRequired, IdempotencyKeyReused, RequestInProgress.
    """
    key = required_key()
    digest = _digest(content)
    try:
        with transaction() as session:
            kept = _stored(session, key, digest)
            if kept is not None:
                return kept
            try:
                with session.begin_nested():
                    answer = work(session)
            except BursarError as refusal:
                if status_of(refusal) >= 500:
                    raise
                response = problem_of(refusal)
                _store(session, key, digest, response)
                return response
            response = make_response(jsonify(answer.body), answer.status)
            response.headers.update(answer.headers)
            again = response if answer.kept is None else _again(answer, answer.kept)
            _store(session, key, digest, again)
    except IntegrityError as error:
        if "action_idempotency" in str(error.orig):
            raise RequestInProgress from None
        raise
    if answer.after_commit is not None:
        answer.after_commit()
    return response


def comes_first(session: Session, retry: Retry) -> bool:
    """Whether this is the first request with its key; the same one waits here for its transaction.

    Raises IdempotencyKeyReused where the key came with another content.
    """
    named = {"tenant": principal().tenant_id, "key": retry.key, "hash": retry.request_hash}
    kept = session.execute(
        text(
            "insert into action_idempotency (tenant_id, key, request_hash)"
            " values (:tenant, :key, :hash) on conflict do nothing returning key"
        ),
        named,
    ).first()
    if kept is not None:
        return True
    before = session.execute(
        text(
            "select request_hash from action_idempotency where tenant_id = :tenant and key = :key"
        ),
        named,
    ).scalar_one()
    if before != retry.request_hash:
        raise IdempotencyKeyReused
    return False


def _again(answer: Answer, body: dict[str, Any]) -> Response:
    response = make_response(jsonify(body), answer.status)
    response.headers.update(answer.headers)
    return response


def _digest(content: object) -> bytes:
    parts = [request.method, request.path, content]
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).digest()


def _stored(session: Session, key: str, digest: bytes) -> Response | None:
    tenant_id = principal().tenant_id
    free = session.execute(
        text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"{tenant_id}:{key}"},
    ).scalar_one()
    if not free:
        raise RequestInProgress
    row = session.execute(
        text(
            "select request_hash, status, headers, body from action_idempotency"
            " where tenant_id = :tenant and key = :key"
        ),
        {"tenant": tenant_id, "key": key},
    ).first()
    if row is None:
        return None
    if row.request_hash != digest or row.body is None:
        raise IdempotencyKeyReused
    response = make_response(row.body, row.status)
    response.headers.update(row.headers)
    return replayed(response)


def _store(session: Session, key: str, digest: bytes, response: Response) -> None:
    kept = {
        name: response.headers[name]
        for name in ("Content-Type", "Location", "ETag")
        if name in response.headers
    }
    session.execute(
        text(
            "insert into action_idempotency (tenant_id, key, request_hash, status, headers, body)"
            " values (:tenant, :key, :hash, :status, cast(:headers as jsonb), :body)"
        ),
        {
            "tenant": principal().tenant_id,
            "key": key,
            "hash": digest,
            "status": response.status_code,
            "headers": json.dumps(kept),
            "body": response.get_data(as_text=True),
        },
    )
