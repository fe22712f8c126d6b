"""The pages of the settings, without a browser: who may, what is kept, what is shown once."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from bursar import members
from bursar.config import settings
from bursar.database import Database
from bursar.errors import Unauthenticated
from bursar.tenants import create_tenant, find_key, get_tenant, log_in, set_upload_limit
from schema.tables import ApprovalRule, AuditLog
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor

PAGES = ("", "/members", "/keys", "/rules", "/periods", "/words", "/organisation")


@pytest.fixture
def own(database: Database) -> UUID:
    """A tenant of the test's own."""
    return create_tenant(database, "Settled")


@pytest.fixture
def mia(make_visitor: MakeVisitor, own: UUID) -> Visitor:
    return make_visitor("admin", own)


def post(visitor: Visitor, path: str, **fields: Any) -> Any:
    return visitor.send(path, seen="/settings/members", **fields)


def test_only_administrators_see_and_change_settings(
    mia: Visitor, make_visitor: MakeVisitor, own: UUID, app: Any
) -> None:
    for path in PAGES:
        assert mia.get(f"/settings{path}").status_code == 200, path
    assert 'href="/settings"' in mia.get("/").text
    analyst = make_visitor("fpa", own)
    assert 'href="/settings"' not in analyst.get("/").text
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/settings"):
            path = re.sub(r"<[^>]+>", str(uuid4()), rule.rule)
            for method in set(rule.methods or ()) - {"HEAD", "OPTIONS"}:
                answer = analyst.get(path) if method == "GET" else analyst.send(path)
                assert answer.status_code == 403, (method, path)


def test_links_to_the_api_s_description_lead_somewhere(mia: Visitor) -> None:
    text = "".join(mia.get(f"/settings{path}").text for path in PAGES)
    links = set(re.findall(r'href="(/api/docs/[^"#]+)#([^"]+)"', text))
    assert len(links) == 5
    for address, anchor in links:
        assert f'id="{anchor}"' in mia.get(address).text, (address, anchor)


# Members ------------------------------------------------------------------------------------------


def add(visitor: Visitor, role: str = "fpa") -> tuple[str, str, str]:
    """Address, first password and page of a new member."""
    email = f"{uuid4().hex}@settings.example"
    answer = post(visitor, "/settings/members", email=email, name="Ana", role=role)
    assert answer.status_code == 200, answer.text
    password = re.search(r'id="password-once" value="([^"]+)"', answer.text)
    page = re.search(r'action="(/settings/members/[0-9a-f-]{36})/role"', answer.text)
    assert password is not None
    assert page is not None
    return email, password[1], page[1]


def test_a_member_comes_changes_leaves_and_comes_back(
    mia: Visitor, own: UUID, database: Database
) -> None:
    email, password, page = add(mia)
    assert log_in(database, email, password).role == "fpa"
    for path in (page, "/settings/members"):
        assert email in mia.get(path).text
        assert password not in mia.get(path).text
    done = post(mia, f"{page}/role", role="approver", version="1")
    assert done.location == page
    stale = post(mia, f"{page}/role", role="admin", version="1")
    assert (stale.status_code, "Somebody else has changed" in stale.text) == (412, True)
    assert 'value="admin" checked' in stale.text
    assert post(mia, f"{page}/deactivate").location == "/settings/members"
    with pytest.raises(Unauthenticated):
        log_in(database, email, password)
    assert email not in mia.get("/settings/members").text
    assert email in mia.get("/settings/members", gone="yes").text
    assert "Give access again" in mia.get(page).text
    post(mia, f"{page}/back")
    assert log_in(database, email, password).role == "approver"
    with database.transaction(own, "test") as session:
        found = members.find_by_email(session, email)
        query = select(AuditLog.actor).where(AuditLog.object_id == found.id)
        actors = set(session.execute(query).scalars())
    assert len(actors) == 1
    assert actors.pop().startswith("user:")


def test_what_was_typed_stays_and_what_is_wrong_stands_beside_it(mia: Visitor) -> None:
    email, *_ = add(mia)
    for typed, status, words in (
        ({"email": "nobody", "name": "Nora"}, 422, "This is no e-mail address"),
        ({"email": email, "name": "Nora"}, 409, "is a member already"),
        ({"email": "n@example.com", "name": "Nora\0"}, 422, "NUL character"),
        ({"email": "n@example.com", "name": "Nora", "role": "king"}, 422, "There is no role"),
    ):
        answer = post(mia, "/settings/members", **{"role": "auditor"} | typed)
        assert (answer.status_code, words in answer.text) == (status, True), typed
        assert 'value="Nora' in answer.text
        assert f'value="{typed["email"]}"' in answer.text
    wrong = post(mia, "/settings/members", email="nobody", role="auditor").text
    assert 'aria-invalid="true" aria-describedby="email-wrong"' in wrong
    assert '<option value="auditor" selected>' in wrong


def test_nobody_is_locked_out(mia: Visitor, own: UUID, database: Database) -> None:
    with database.transaction(own, "test") as session:
        (me,) = members.list_members(session).rows
    page = f"/settings/members/{me.id}"
    assert "This is you" in mia.get(page).text
    refused = post(mia, f"{page}/role", role="fpa", version="1")
    assert (refused.status_code, "Nobody changes their own role" in refused.text) == (403, True)
    assert post(mia, f"{page}/deactivate").status_code == 403
    assert post(mia, f"/settings/members/{uuid4()}/deactivate").status_code == 404


# Keys ---------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_withdrawn(mia: Visitor, own: UUID, database: Database) -> None:
    assert "No keys yet" in mia.get("/settings/keys").text
    answer = post(mia, "/settings/keys", name="Till", role="service", expires_at="2999-12-31")
    key = re.search(r'id="key-once" value="([^"]+)"', answer.text)
    assert key is not None
    assert find_key(database, key[1]).tenant_id == own
    assert 'value="Till"' not in answer.text  # the form is for the next one
    shown = mia.get("/settings/keys").text
    assert key[1] not in shown
    assert all(words in shown for words in ("Till", "Program", "3000-01-01", key[1][-4:]))
    withdraw = re.search(r'action="(/settings/keys/[0-9a-f-]{36}/withdraw)"', shown)
    assert withdraw is not None
    assert post(mia, withdraw[1]).location == "/settings/keys"
    after = mia.get("/settings/keys").text
    assert "Withdrawn" in after
    assert "/withdraw" not in after
    with pytest.raises(Unauthenticated):
        find_key(database, key[1])


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("name", " ", "A name is needed"),
        ("name", "x" * 121, "at most 120 characters"),
        ("role", "king", "There is no role"),
        ("expires_at", "2020-01-01", "expired already"),
        ("expires_at", "9999-12-31", "Write a day"),
        ("expires_at", "soon", "Write a day"),
    ],
)
def test_a_key_is_refused_beside_its_field(mia: Visitor, field: str, text: str, words: str) -> None:
    typed = {"name": "Till 7", "role": "auditor", "expires_at": ""} | {field: text}
    answer = post(mia, "/settings/keys", **typed)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert f'id="{field}-wrong"' in answer.text
    assert "Nothing was changed" in answer.text
    assert "No keys yet" in mia.get("/settings/keys").text


# Rules --------------------------------------------------------------------------------------------


def test_a_rule_is_made_changed_and_switched_off(
    mia: Visitor, own: UUID, database: Database
) -> None:
    new = {"name": "Small things", "amount": "250", "currency": "USD", "covers": "checks"}
    assert post(mia, "/settings/rules", **new).status_code == 303
    shown = mia.get("/settings/rules").text
    page = re.search(r'href="(/settings/rules/[0-9a-f-]{36})"', shown)
    assert page is not None
    assert "250.00" in shown
    assert 'value="250"' in mia.get(page[1]).text
    twice = post(mia, "/settings/rules", **new)
    assert (twice.status_code, "change that one" in twice.text) == (409, True)
    assert 'value="Small things"' in twice.text
    bad = post(mia, page[1], name="Small", amount="1e", version="1", is_active="yes")
    assert (bad.status_code, "is not a decimal number" in bad.text) == (422, True)
    assert 'value="1e"' in bad.text
    done = post(mia, page[1], name="Smaller", amount="99.50", version="1")
    assert done.location == "/settings/rules"
    stale = post(mia, page[1], name="Other", amount="1", version="1")
    assert (stale.status_code, "Somebody else" in stale.text) == (412, True)
    with database.transaction(own, "test") as session:
        rule = session.execute(select(ApprovalRule)).scalar_one()
        assert (rule.name, str(rule.auto_approve_up_to), rule.is_active) == (
            "Smaller", "99.5000", False,
        )  # fmt: skip
    assert "Switched off" in mia.get("/settings/rules").text
    unknown = post(mia, "/settings/rules", **new | {"currency": "QQQ"})
    assert 'id="currency-wrong"' in unknown.text


# Periods ------------------------------------------------------------------------------------------


def test_periods_are_added_soft_closed_opened_and_closed(mia: Visitor, own: UUID) -> None:
    new = {"code": "Harvest", "calendar": "Seasons", "starts_on": "2026-07-01",
           "ends_on": "2026-09-30"}  # fmt: skip
    assert post(mia, "/settings/periods", **new).status_code == 303
    over = post(mia, "/settings/periods", **new | {"code": "Late harvest"})
    assert (over.status_code, "Harvest has some of these days" in over.text) == (422, True)
    assert 'value="Late harvest"' in over.text
    wrong = post(mia, "/settings/periods", **new | {"starts_on": "1 May"})
    assert "Write a day as" in wrong.text
    shown = mia.get("/settings/periods").text
    close = re.search(r'action="(/settings/periods/[0-9a-f-]{36})/soft-close"', shown)
    assert close is not None
    post(mia, f"{close[1]}/soft-close")
    assert "Soft-closed" in mia.get("/settings/periods", state="soft_closed").text
    assert "No period is in this state" in mia.get("/settings/periods", state="open").text
    post(mia, f"{close[1]}/reopen")
    form = {"rollover": "carry_unspent", "cap": "10", "next": "", "reason": "year end"}
    page = f"{close[1]}/close"
    unclear = post(mia, page, do="try", **form)
    assert (unclear.status_code, "Say which period follows" in unclear.text) == (422, True)
    assert "year end" in unclear.text
    unsure = post(mia, page, do="close", **form | {"next": "FY2027"})
    assert (unsure.status_code, 'id="sure-wrong"' in unsure.text) == (422, True)
    bad = post(mia, page, do="try", **form | {"cap": "lots", "next": "FY2027"})
    assert (bad.status_code, "is not a decimal number" in bad.text) == (422, True)
    tried = post(mia, page, do="try", **form | {"next": "FY2027"})
    assert tried.status_code == 303
    waiting = mia.client.get(tried.location).text
    assert "What closing would do" in waiting
    assert "Waiting for a worker" in waiting
    assert '<option value="carry_unspent" selected>' in waiting
    again = post(mia, page, do="try", **form | {"next": "FY2027"})
    assert again.status_code == 409
    assert post(mia, f"/settings/periods/{uuid4()}/soft-close").status_code == 404


# Words and limits ---------------------------------------------------------------------------------


def test_words_are_kept_by_kind_and_the_trail_says_who(
    mia: Visitor, own: UUID, database: Database
) -> None:
    assert post(mia, "/settings/words", budget="Voranschlag\n\n Etat \n").status_code == 303
    assert "Voranschlag\nEtat</textarea>" in mia.get("/settings/words").text
    bad = post(mia, "/settings/words", payroll="Löhne\n!!!")
    assert (bad.status_code, 'id="payroll-wrong"' in bad.text) == (422, True)
    assert "Löhne\n!!!" in bad.text
    query = select(AuditLog).where(AuditLog.object_type == "tenant")
    with database.transaction(own, "test") as session:
        told = list(session.execute(query).scalars())
    assert len(told) == 1
    assert told[0].actor.startswith("user:")
    assert (told[0].diff or {})["settings"][1]["kind_keywords"]["budget"][1] == "Etat"


def test_words_that_change_what_files_are_need_a_tick(mia: Visitor) -> None:
    mia.upload(b"Zahlliste;\nName;Amount\nAna;5\nBen;7\n", "zahlliste.csv")
    asked = post(mia, "/settings/words", payroll="Zahlliste")
    assert (asked.status_code, "would be taken for something else" in asked.text) == (409, True)
    assert "Zahlliste</textarea>" in asked.text
    assert "Zahlliste" not in mia.get("/settings/words").text
    post(mia, "/settings/words", payroll="Zahlliste", accept="yes")
    assert "Zahlliste</textarea>" in mia.get("/settings/words").text


def test_the_upload_limit_goes_no_higher_than_the_operator_lets_it(
    mia: Visitor, own: UUID, database: Database
) -> None:
    usual = settings().upload_limit_bytes // 1024**2
    path = "/settings/organisation/upload-limit"

    def kept() -> Any:
        with database.transaction(own, "test") as session:
            return get_tenant(session).settings.get("upload_limit_bytes")

    for wrong in (str(usual + 1), "0", "-1", "²", "lots"):
        answer = post(mia, path, limit=wrong)
        assert (answer.status_code, "whole megabytes" in answer.text) == (422, True), wrong
        assert f'value="{wrong}"' in answer.text
    assert post(mia, path, limit="1").status_code == 303
    assert kept() == 1024**2
    with database.transaction(own, "shell") as session:
        set_upload_limit(session, (usual + 5) * 1024**2)
    assert "The operator has allowed you more" in mia.get("/settings/organisation").text
    post(mia, path, limit=str(usual + 5))
    assert kept() == (usual + 5) * 1024**2
    post(mia, path, limit="")
    assert kept() is None


def test_a_form_without_its_token_changes_nothing(mia: Visitor, make_budget: MakeBudget) -> None:
    for path in ("members", "keys", "rules", "periods", "words", "organisation/upload-limit"):
        answer = mia.client.post(f"/settings/{path}", data={"name": "x", "role": "admin"})
        assert answer.status_code == 400, path
    assert "No keys yet" in mia.get("/settings/keys").text
