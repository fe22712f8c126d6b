"""Reports on pages: the same figures as the API's, days that make no sense, who changed what."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tests.api_client import Api
from tests.conftest import MakeBudget
from tests.web.pages.conftest import MakeVisitor, Visitor
from tests.web.pages.test_dashboard import plain


def spend(api: Api, budget: object, amount: str, reference: str) -> None:
    body = {"amount": amount, "currency": "USD", "ref_id": reference}
    assert api.post(f"/budgets/{budget}/reservations", body).status_code == 201
    assert api.post(f"/reservations/{reference}/charge", {}).status_code == 200


def test_the_report_of_a_budget_says_what_the_api_says(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("1000")
    spend(api, budget, "250.5", "PO-1")
    text = plain(visitor.get(f"/budgets/{budget}/report", range="month").text)
    told = api.get(f"/budgets/{budget}/report", range="month").get_json()
    assert told["closing"]["spent"] == "250.50"
    assert re.search(r"Closing 1,000.00 USD 0.00 USD 0.00 USD 250.50 USD 749.50 USD", text)
    assert re.search(r"Charge 1 250.50 USD no change no change", text)
    assert re.search(r"Reserve 1 250.50 USD no change \+ 250.50 USD", text)


def test_the_report_of_all_budgets_adds_up(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    for amount, department in (("1000", "Legal"), ("500", "Sales")):
        spend(api, make_budget(amount, department=department), "100", f"PO-{department}")
    make_budget("70", "ZWG", department="Legal")
    assert (
        "/reports/budgets/figures?range=year" in visitor.get("/reports/budgets", range="year").text
    )
    text = plain(visitor.get("/reports/budgets/figures", range="year").text)
    assert "USD 2 budgets, 6 entries" in text
    assert "Closing 1,500.00 USD 0.00 USD 0.00 USD 200.00 USD 1,300.00 USD" in text
    assert "Closing 70.00 ZWG" in text
    days = plain(visitor.get("/reports/days/figures").text)
    today = datetime.now(UTC).date().isoformat()
    assert f"{today} Charge 2 200.00 USD" in days


def test_a_page_keeps_the_days_in_all_that_it_offers(visitor: Visitor) -> None:
    html = visitor.get("/reports", **{"range": "custom", "from": "2026-01-05", "to": "2026-02-03"})
    assert html.status_code == 200
    links = re.findall(r'href="(/reports[^"]*\?[^"]+)"', html.text)
    assert len(links) == 6
    for link in links:
        assert "from=2026-01-05&amp;to=2026-02-03" in link
        assert visitor.client.get(link.replace("&amp;", "&")).status_code == 200, link


@pytest.mark.parametrize("page", ["/reports", "/reports/budgets", "/reports/days", "budget"])
@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"}, {"from": "2026-02-30"}, {"from": "2026-02-02", "to": "2026-02-01"},
        {"to": "2026-02-01"}, {"from": "0001-01-01"},
    ],
)  # fmt: skip
def test_days_that_make_no_sense_are_refused_with_a_form(
    visitor: Visitor, make_budget: MakeBudget, page: str, asked: dict[str, str]
) -> None:
    path = f"/budgets/{make_budget('1')}/report" if page == "budget" else page
    refused = visitor.get(path, **asked)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert 'name="from"' in refused.text


def test_an_empty_tenant_and_a_stranger(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    assert "No budgets yet" in visitor.get("/reports/budgets/figures").text
    assert "Nothing was posted" in visitor.get("/reports/days/figures").text
    assert make_visitor("partner").get("/reports").status_code == 403


def test_who_changed_what_about_a_budget(
    visitor: Visitor, api: Api, make_visitor: MakeVisitor, make_budget: MakeBudget
) -> None:
    budget = make_budget("100", notes="<b>first</b>")
    api.patch(f"/budgets/{budget}", {"owner": "Ann", "status": "frozen"}, 1)
    page = visitor.get(f"/budgets/{budget}/changes")
    text = plain(page.text)
    assert "An API key Owner:" in text
    assert "Owner: nothing → Ann" in text
    assert "Status: Active → Frozen" in text
    assert text.index("Owner:") < text.index("Made it")
    part = visitor.client.get(f"/budgets/{budget}/changes", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert "Owner: nothing →" in part
    version = api.get(f"/budgets/{budget}").headers["ETag"].strip('"')
    sent = api.patch(f"/budgets/{budget}", {"notes": "<script>alert(1)</script>"}, version)
    assert sent.status_code == 200
    again = visitor.get(f"/budgets/{budget}/changes").text
    assert "&lt;script&gt;" in again
    assert "<script>alert" not in again


def test_amounts_of_the_trail_keep_their_digits(
    visitor: Visitor, api: Api, make_budget: MakeBudget
) -> None:
    budget = make_budget("100")
    for version, cap in enumerate(("1234567890123456.78", "80"), start=1):
        assert api.patch(f"/budgets/{budget}/control", {"hard_cap_amount": cap}, version).json
    shown = plain(visitor.get(f"/budgets/{budget}/changes").text)
    assert "Hard cap amount: nothing → 1234567890123456.78" in shown
    assert "Hard cap amount: 1234567890123456.78 → 80 " in shown
