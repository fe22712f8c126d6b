"""The form of a source: its fields by type, and what was typed into it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from flask import request

from bursar.config import settings
from bursar.errors import Fault, InvalidInput
from bursar.sources.editing import NewSource
from schema.tables import Source

TYPES = {
    "sftp": "SFTP server",
    "s3": "S3 bucket",
    "sheets": "Google Sheet",
    "folder": "Folder of this machine",
}
ACTIONS = {"leave": "Leave them", "move": "Move to imported/", "tag": "Tag them"}


@dataclass(frozen=True, slots=True)
class Field:
    """One input: its name in config or secret, its label, and a hint."""

    name: str
    label: str
    hint: str = ""
    required: bool = False
    long: bool = False


CONFIG = {
    "sftp": (
        Field("host", "Host", required=True),
        Field("port", "Port", "22 unless its operator says otherwise."),
        Field("username", "User", required=True),
        Field("path", "Folder", "Such as /outgoing; empty: where the user lands."),
        Field("pattern", "Files", "Such as budget_*.csv, *.xlsx; empty: all."),
        Field(
            "host_key", "Host key", "Leave empty: the test shows it, to be agreed to.", long=True
        ),
    ),
    "s3": (
        Field("bucket", "Bucket", required=True),
        Field("prefix", "Prefix", "Such as budgets/; empty: the whole bucket."),
        Field("pattern", "Files", "Such as *.csv; empty: all."),
        Field("endpoint_url", "Endpoint", "Empty for Amazon; else such as https://s3.example.com."),
        Field("region", "Region"),
    ),
    "sheets": (
        Field("spreadsheet_id", "Spreadsheet id", "Between /d/ and /edit in its address.", True),
        Field("range", "Tab or range", "Such as Budget or Budget!A1:F; empty: the first tab."),
    ),
    "folder": (
        Field("path", "Folder", "Below the one that the operator has opened, such as incoming."),
        Field("pattern", "Files", "Such as budget_*.csv, *.xlsx; empty: all."),
    ),
}
SECRET = {
    "sftp": (
        Field("password", "Password"),
        Field("private_key", "Or private key", "OpenSSH or PEM form.", long=True),
        Field("passphrase", "Passphrase of the key"),
    ),
    "s3": (Field("access_key_id", "Access key id"), Field("secret_access_key", "Secret key")),
    "sheets": (
        Field("service_account", "Service account", "The JSON that Google gives.", long=True),
    ),
    "folder": (),
}


def offered() -> dict[str, str]:
    """The types that a new source can have here."""
    return {
        kind: words for kind, words in TYPES.items() if kind != "folder" or settings().folder_root
    }


def new_source(kind: str) -> NewSource:
    """A source as the form describes it. Raises InvalidInput."""
    _require_plain()
    return NewSource(
        name=request.form.get("name", "").strip() or _missing("name", "Give the source a name."),
        type=kind,
        config=_filled(CONFIG[kind]),
        secret=_secret(kind),
        **_schedule(),
    )


def changes(source: Source) -> dict[str, Any]:
    """What the form changes about a source. Raises InvalidInput."""
    _require_plain()
    secret = _secret(source.type)
    given = {"name": request.form.get("name", "").strip() or source.name, **_schedule()}
    given["config"] = {field.name: "" for field in CONFIG[source.type]} | _filled(
        CONFIG[source.type]
    )
    optional = ("port", "endpoint_url", "region")
    for name in optional:
        if given["config"].get(name) == "":
            del given["config"][name]
    return given | ({"secret": secret} if secret else {})


def typed(source: Source | None) -> dict[str, str]:
    """What each input shows: what was typed, else what is kept; a secret never."""
    if request.method == "POST":
        hidden = {field.name for fields in SECRET.values() for field in fields}
        return {name: text for name, text in request.form.items() if name not in hidden}
    if source is None:
        return {"drift_policy": "ask", "mode": "all_or_nothing", "after_action": "leave"}
    plain = ("name", "schedule", "expected_by", "time_zone", "drift_policy", "mode", "after_action",
             "stale_policy")  # fmt: skip
    kept = {name: getattr(source, name) for name in plain} | source.config | source.defaults
    return {name: str(value) for name, value in kept.items() if value is not None}


def _schedule() -> dict[str, Any]:
    form = request.form
    defaults = ("department", "fiscal_period", "currency")
    return {
        "schedule": form.get("schedule", "").strip() or None,
        "expected_by": form.get("expected_by", "").strip() or None,
        **({"time_zone": form["time_zone"].strip()} if form.get("time_zone", "").strip() else {}),
        "drift_policy": _one_of("drift_policy", ("ask", "evolve", "freeze")),
        "mode": _one_of("mode", ("all_or_nothing", "skip_errors")),
        "after_action": _one_of("after_action", ("leave", "move", "tag")),
        "stale_policy": _one_of("stale_policy", ("manual", "ignore", "refuse")),
        "defaults": {name: form[name].strip() for name in defaults if form.get(name, "").strip()},
    }


def _require_plain() -> None:
    for name, text in request.form.items():
        if "\0" in text:
            _missing(name, "It holds a NUL character; type it again.")


def _one_of(name: str, words: tuple[str, ...]) -> str:
    text = request.form.get(name, words[0])
    return text if text in words else words[0]


def _filled(fields: tuple[Field, ...]) -> dict[str, Any]:
    form = request.form
    return {f.name: form[f.name].strip() for f in fields if form.get(f.name, "").strip()}


def _secret(kind: str) -> dict[str, Any]:
    given = _filled(SECRET[kind])
    if "service_account" in given:
        try:
            given["service_account"] = json.loads(given["service_account"])
        except ValueError:
            given["service_account"] = None
        if not isinstance(given["service_account"], dict):
            _missing("service_account", "Paste the whole JSON file that Google gave you.")
    return given


def _missing(name: str, words: str) -> str:
    raise InvalidInput(words, faults=[Fault(f"/{name}", "missing", words)])
