"""The pages of sources and webhooks, without a browser."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bursar import schedules
from bursar.config import settings
from bursar.database import Database
from schema.tables import SourceFile
from tests.api_client import Api
from tests.web.pages.conftest import MakeVisitor, Visitor

FORM = {"name": "Nightly", "host": "127.0.0.1", "username": "bursar", "password": "canary-pw"}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "secrets_key", SecretStr(Fernet.generate_key().decode()))


def made(visitor: Visitor, **more: str) -> str:
    answer = visitor.send("/sources/new/sftp", seen="/sources/new/sftp", **(FORM | more))
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_a_source_is_added_tested_edited_and_deleted(visitor: Visitor, api: Api) -> None:
    assert "No sources yet" in visitor.get("/sources").text
    assert "Where do the files lie?" in visitor.get("/sources/new").text
    page = made(visitor, schedule="02:00", department="Parks")
    shown = visitor.get(page).text
    assert "0 2 * * *" in shown
    assert "Not agreed to yet" in shown
    tested = visitor.send(f"{page}/test", seen=page).text
    assert "BURSAR_ALLOW_PRIVATE_HOSTS" in tested
    form = visitor.get(f"{page}/edit").text
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version is not None
    edited = FORM | {"name": "Weekly", "schedule": "0 3 * * 1", "password": ""}
    edited["version"] = version[1]
    assert visitor.send(f"{page}/edit", seen=f"{page}/edit", **edited).status_code == 303
    stale = visitor.send(f"{page}/edit", seen=f"{page}/edit", **edited)
    assert stale.status_code == 422
    assert "has changed since" in stale.text
    (source,) = api.get("/sources").get_json()["data"]
    assert (source["name"], source["schedule"]) == ("Weekly", "0 3 * * 1")
    assert source["has_secret"]
    assert source["defaults"] == {}
    visitor.send(f"{page}/pause", seen=page)
    assert "Resting" in visitor.get(page).text
    visitor.send(f"{page}/resume", seen=page)
    visitor.send(f"{page}/run", seen=page)
    assert "Waiting for a worker" in visitor.get(page).text
    visitor.send(f"{page}/delete", seen=page)
    assert "No sources yet" in visitor.get("/sources").text


def test_bad_input_is_named_and_a_secret_is_never_shown_again(visitor: Visitor) -> None:
    answer = visitor.send("/sources/new/sftp", seen="/sources/new/sftp",
                          **(FORM | {"schedule": "whenever", "time_zone": "Mars"}))  # fmt: skip
    assert answer.status_code == 422
    assert "There is no time zone" in answer.text
    assert "Nothing was changed" in answer.text
    assert "canary-pw" not in answer.text
    odd = visitor.send("/sources/new/sftp", seen="/sources/new/sftp", **(FORM | {"name": "a\0b"}))
    assert (odd.status_code, "NUL character" in odd.text) == (422, True)
    page = made(visitor)
    for path in (page, f"{page}/edit", "/sources"):
        assert "canary-pw" not in visitor.get(path).text
    twice = visitor.send("/sources/new/sftp", seen="/sources/new/sftp", **FORM)
    assert (twice.status_code, "named" in twice.text) == (422, True)
    sheet = visitor.send("/sources/new/sheets", seen="/sources/new/sheets",
                         name="S", spreadsheet_id="x", service_account="{broken")  # fmt: skip
    assert "Paste the whole JSON file" in sheet.text
    assert visitor.get("/sources/new/ftp").status_code == 404


def test_who_may_only_read_sees_no_buttons(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    page = made(visitor)
    reader = make_visitor("auditor")
    assert "Test the connection" not in reader.get(page).text
    assert reader.send(f"{page}/run").status_code == 403
    assert reader.get("/webhooks").status_code == 403


def test_a_webhook_shows_its_secret_once(visitor: Visitor) -> None:
    answer = visitor.send("/webhooks", seen="/webhooks", url="https://example.invalid/h",
                          events="alert.raised")  # fmt: skip
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    page = re.search(r'action="(/webhooks/[0-9a-f-]{36})/rotate"', answer.text)
    assert page is not None
    assert secret not in visitor.get(page[1]).text
    rotated = visitor.send(f"{page[1]}/rotate", seen=page[1]).text
    assert "whsec_" in rotated
    assert secret not in rotated
    visitor.send(f"{page[1]}/off", seen=page[1])
    assert "Resting" in visitor.get(page[1]).text
    visitor.send(f"{page[1]}/delete", seen=page[1])
    assert "example.invalid" not in visitor.get("/webhooks").text
    refused = visitor.send("/webhooks", seen="/webhooks", url="http://127.0.0.1/")
    assert (refused.status_code, "not a public address" in refused.text) == (422, True)


def test_all_sources_rest_and_the_page_says_on_whose_word(
    visitor: Visitor, make_visitor: MakeVisitor, database: Database
) -> None:
    assert "Pause all sources" not in visitor.get("/sources").text
    page = made(visitor, schedule="02:00")
    visitor.send("/sources/pause", seen="/sources")
    for shown in ("/sources", page):
        assert "All sources are paused</strong> by Mia Member" in visitor.get(shown).text
    auditor = make_visitor("auditor").get("/sources").text
    assert "by Mia Member" in auditor
    assert "Let all go on" not in auditor
    visitor.send("/sources/resume", seen="/sources")
    assert "are paused" not in visitor.get("/sources").text
    schedules.pause(database, "start_sources")
    try:
        assert "Paused by the operator" in visitor.get("/sources").text
    finally:
        schedules.resume(database, "start_sources")
    assert "Paused by the operator" not in visitor.get("/sources").text


def test_a_folder_is_offered_where_the_operator_has_opened_one(
    visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"name": "Drop", "path": "in", "after_action": "move"}
    assert "Folder of this machine" not in visitor.get("/sources/new").text
    refused = visitor.send("/sources/new/folder", seen="/sources/new/folder", **form)
    assert (refused.status_code, "BURSAR_FOLDER_ROOT" in refused.text) == (422, True)
    monkeypatch.setattr(settings(), "folder_root", f"{tmp_path}/{{tenant}}")
    assert "Folder of this machine" in visitor.get("/sources/new").text
    shown = visitor.get("/sources/new/folder").text
    assert "Secret" not in shown
    assert ('value="move"' in shown, 'value="tag"' in shown) == (True, False)
    page = str(visitor.send("/sources/new/folder", seen="/sources/new/folder", **form).location)
    assert "moved to imported/" in visitor.get(page).text
    assert "There is no file or folder" in visitor.send(f"{page}/test", seen=page).text
    assert visitor.get(f"{page}/edit").status_code == 200


def test_a_test_event_is_sent_from_the_page(visitor: Visitor) -> None:
    visitor.send("/webhooks", seen="/webhooks", url="https://example.invalid/hook")
    found = re.search(r'href="(/webhooks/[0-9a-f-]{36})"', visitor.get("/webhooks").text)
    assert found is not None
    page = found[1]
    assert visitor.send(f"{page}/test", seen=page).location == page
    assert "webhook.test" in visitor.get(page).text
    visitor.send(f"{page}/off", seen=page)
    assert "Send a test event" not in visitor.get(page).text


def test_a_failed_file_has_a_button_to_take_it_again(
    visitor: Visitor, make_visitor: MakeVisitor, database: Database, tenant_id: UUID
) -> None:
    page = made(visitor)
    source_id = UUID(page.rpartition("/")[2])
    with database.transaction(tenant_id, "test") as session:
        for name, state in (("bad.csv", "failed"), ("good.csv", "imported")):
            session.add(
                SourceFile(
                    tenant_id=tenant_id, source_id=source_id, path=name, revision="1", state=state
                )
            )
    shown = visitor.get(page).text
    buttons = re.findall(r'action="([^"]+/retake)"', shown)
    assert len(buttons) == 1
    assert "/retake" not in make_visitor("auditor").get(page).text
    answer = visitor.send(buttons[0], seen=page)
    assert answer.location == page
    assert "The next run takes it" in visitor.get(page).text
    again = visitor.send(buttons[0], seen=page)
    assert (again.status_code, "can be taken again" in again.text) == (409, True)
