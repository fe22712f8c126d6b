"""Confirmed mappings are remembered, versioned, and replayed before they are changed."""

from typing import Any

import pytest

from tests.api_client import Api, code_of
from tests.web.api.conftest import Imports

# `Bereich X` means nothing to anybody but this tenant, and `Topf` is no department elsewhere.
HEAD = "Topf,Zweck,Fiscal Year,Plan 2025\n"
ROWS = "".join(f"T{n},Line {n},FY2025,{n}00.00\n" for n in range(1, 9))
MAPPING = '{"Topf": "department", "Zweck": "sub_category"}'


def confirm(imports: Imports, head: str = HEAD, **form: str) -> dict[str, Any]:
    return imports.send((head + ROWS).encode(), "first.csv", mapping=MAPPING, **form)


def only_template(api: Api) -> dict[str, Any]:
    (found,) = api.get("/mapping-templates").get_json()["data"]
    template: dict[str, Any] = found
    return template


def test_a_confirmed_mapping_is_remembered_and_used_for_the_next_file(
    imports: Imports, api: Api
) -> None:
    first = confirm(imports)
    assert first["state"] == "completed"
    template = only_template(api)
    assert template["version"] == 1
    assert {"header": "Topf", "target": "department"} in template["columns"]

    content = (HEAD.replace("2025", "2026") + ROWS.replace("2025", "2026")).encode()
    found = api.upload("/imports/analyze", content, "next.csv").get_json()
    assert found["template_id"] == template["id"]
    assert found["can_proceed"]
    assert found["columns"][0]["target"] == "department"
    assert found["columns"][0]["confidence"] == 1.0
    assert "version 1" in found["columns"][0]["reason"]

    second = imports.send(content, "next.csv")
    assert (second["state"], second["counts"]["created"]) == ("completed", 8)
    assert second["template_id"] == template["id"]


def test_another_tenant_remembers_nothing_of_it(imports: Imports, make_api: Any) -> None:
    from bursar.database import database as opened
    from bursar.tenants import create_tenant

    confirm(imports)
    other = make_api(tenant=create_tenant(opened(), "Other"))
    assert other.get("/mapping-templates").get_json()["data"] == []
    found = other.upload("/imports/analyze", (HEAD + ROWS).encode()).get_json()
    assert found["template_id"] is None


def test_files_of_another_shape_are_not_touched(imports: Imports, api: Api) -> None:
    confirm(imports)
    other = HEAD.replace("Zweck", "Anlass")
    found = api.upload("/imports/analyze", (other + ROWS).encode()).get_json()
    assert found["template_id"] is None


def test_a_proposal_that_nobody_changed_is_not_kept(imports: Imports, api: Api) -> None:
    imports.send(b"Department,Fiscal Year,Budget\nOps,FY2025,1\n")
    assert api.get("/mapping-templates").get_json()["data"] == []


def test_a_change_is_replayed_on_the_last_files_first(imports: Imports, api: Api) -> None:
    confirm(imports)
    template = only_template(api)
    place = f"/mapping-templates/{template['id']}"
    change = {"mapping": {"Zweck": "program"}}

    seen = api.patch(place, {**change, "preview": True}, 1).get_json()
    assert seen["version"] == 1
    assert seen["replay"]["files"] == 1
    assert seen["replay"]["changed_rows"] == 8
    example = seen["replay"]["changes"][0]["examples"][0]
    assert example["before"][0]["sub_category"] == "Line 1"
    assert example["after"][0]["program"] == "Line 1"

    refused = api.patch(place, change, 1)
    assert code_of(refused) == (409, "replay_differs")
    assert refused.get_json()["replay"]["changed_rows"] == 8
    assert only_template(api)["version"] == 1

    saved = api.patch(place, {**change, "accept_changes": True}, 1)
    assert (saved.status_code, saved.get_json()["version"]) == (200, 2)
    assert saved.headers["ETag"] == '"2"'
    versions = api.get(f"{place}/versions").get_json()["data"]
    assert [v["version"] for v in versions] == [2, 1]
    assert versions[0]["replay"]["changed_rows"] == 8


def test_a_change_without_effect_is_saved_at_once(imports: Imports, api: Api) -> None:
    confirm(imports)
    place = f"/mapping-templates/{only_template(api)['id']}"
    saved = api.patch(place, {"name": "Plans of the pots"}, 1).get_json()
    assert (saved["name"], saved["version"]) == ("Plans of the pots", 2)
    assert saved["replay"] == {
        "files": 1, "changed_files": 0, "changed_rows": 0, "limited": False, "changes": [],
    }  # fmt: skip


def test_a_stale_change_is_refused(imports: Imports, api: Api) -> None:
    confirm(imports)
    place = f"/mapping-templates/{only_template(api)['id']}"
    assert code_of(api.patch(place, {"name": "x"}, None)) == (428, "version_required")
    assert api.patch(place, {"name": "x"}, 1).status_code == 200
    stale = api.patch(place, {"name": "y"}, 1)
    assert code_of(stale) == (412, "version_stale")
    assert stale.get_json()["current_version"] == 2


def test_a_template_is_made_from_a_file_or_from_headers(api: Api) -> None:
    file_id = api.upload("/imports/analyze", (HEAD + ROWS).encode()).get_json()["file_id"]
    made = api.post(
        "/mapping-templates",
        {"file_id": file_id, "mapping": {"Topf": "department"}, "defaults": {"currency": "USD"}},
    )
    assert made.status_code == 201
    assert made.get_json()["defaults"] == {"currency": "USD"}
    again = api.post("/mapping-templates", {"file_id": file_id})
    assert code_of(again) == (409, "duplicate_template")
    by_headers = api.post(
        "/mapping-templates",
        {"headers": ["A", "B"], "mapping": {"A": "department", "B": "budgeted_amount"}},
    )
    assert by_headers.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"headers": ["A"], "mapping": {"B": "department"}},
        {"headers": ["A"], "mapping": {"A": "colour"}},
        {"headers": ["A", "B"], "mapping": {"A": "department", "B": "department"}},
        {"mapping": {}},
        {"headers": []},
    ],
)
def test_a_template_that_fits_no_file_is_refused(api: Api, body: dict[str, Any]) -> None:
    assert code_of(api.post("/mapping-templates", body)) == (422, "invalid_input")


def test_a_forgotten_template_is_used_no_more(imports: Imports, api: Api) -> None:
    confirm(imports)
    place = f"/mapping-templates/{only_template(api)['id']}"
    assert api.call("DELETE", place).status_code == 204
    assert code_of(api.get(place)) == (404, "not_found")
    found = api.upload("/imports/analyze", (HEAD + ROWS).encode()).get_json()
    assert found["template_id"] is None


def test_a_remembered_budget_needs_no_force_again(imports: Imports) -> None:
    head = "Topf,Zweck,Fiscal Year,Gehalt\n"
    form = {"mapping": MAPPING[:-1] + ', "Gehalt": "budgeted_amount"}', "force_kind": "true"}
    first = imports.send((head + ROWS).encode(), "a.csv", **form)
    assert first["state"] == "completed", first
    again = imports.send((head + ROWS.replace("00.00", "50.00")).encode(), "b.csv")
    assert again["state"] == "completed", again


def test_the_tenant_s_own_words_flip_the_label_after_a_look_at_the_last_files(api: Api) -> None:
    content = b"Zorbel,Quant\nA,1\nB,2\n"
    before = api.upload("/imports/analyze", content, "zorbelliste.csv").get_json()
    assert before["detection"]["kind"] != "payroll"
    words = {"keywords": {"payroll": ["Zorbel"]}}
    refused = api.call("PUT", "/settings/kind-keywords", json=words)
    assert code_of(refused) == (409, "replay_differs")
    saved = api.call("PUT", "/settings/kind-keywords", json={**words, "accept_changes": True})
    assert saved.status_code == 200, saved.text
    assert api.get("/settings/kind-keywords").get_json()["keywords"] == {"payroll": ["Zorbel"]}
    after = api.upload("/imports/analyze", content, "zorbelliste.csv").get_json()
    assert after["detection"]["kind"] == "payroll"


@pytest.mark.parametrize("keywords", [{"poem": ["rhyme"]}, {"payroll": ["--"]}])
def test_words_that_mean_nothing_are_refused(api: Api, keywords: dict[str, list[str]]) -> None:
    refused = api.call("PUT", "/settings/kind-keywords", json={"keywords": keywords})
    assert code_of(refused) == (422, "invalid_input")


def test_a_remembered_mark_gives_way_to_what_the_file_shows(imports: Imports) -> None:
    open_ = "".join(f"T{n},Line {n},FY2025,{n}.000\n" for n in range(1, 9))
    first = imports.send((HEAD + open_).encode(), "a.csv", mapping=MAPPING,
                         decimal_marks='{"Plan 2025": ","}')  # fmt: skip
    assert first["amounts"]["after"] == "36000.00"
    again = open_.replace("2025", "2026").replace(".000", ".001")
    same = imports.send((HEAD.replace("2025", "2026") + again).encode(), "b.csv")
    assert same["amounts"]["after"] == "36008.00"
    shown = 'T1,x,FY2027,12.50\nT2,x,FY2027,100.75\nT3,x,FY2027,"3,500"\nT4,x,FY2027,7.25\n'
    other = imports.send((HEAD.replace("2025", "2027") + shown).encode(), "c.csv")
    assert other["amounts"]["after"] == "3620.50"


def test_a_unit_is_asked_for_again_each_time(imports: Imports) -> None:
    title = "Plan in thousands,,,\n"
    first = imports.send((title + HEAD + ROWS).encode(), "a.csv", mapping=MAPPING, unit="1000")
    assert first["state"] == "completed", first
    plain = imports.send((HEAD + ROWS).replace("2025", "2026").encode(), "b.csv")
    assert plain["amounts"]["after"] == "3600.00"
    again = imports.send((title + HEAD + ROWS).replace("2025", "2027").encode(), "c.csv")
    assert again["state"] == "awaiting_mapping"


def test_years_the_other_way_round_are_another_shape(api: Api) -> None:
    def known(*headers: str) -> str | None:
        rows = "".join(f"D{n},{n}1,{n}2\n" for n in range(4))
        content = ",".join(headers) + "\n" + rows
        found = api.upload("/imports/analyze", content.encode()).get_json()
        template: str | None = found["template_id"]
        return template

    body = {
        "headers": ["Department", "2025 Budget", "2024 Budget"],
        "mapping": {"Department": "department", "2025 Budget": "budgeted_amount"},
    }
    made = api.post("/mapping-templates", body).get_json()
    assert known("Department", "2026 Budget", "2025 Budget") == made["id"]
    assert known("Department", "2025 Budget", "2026 Budget") is None


@pytest.mark.parametrize(
    "more",
    [{"defaults": {"fiscal_period": "rubbish"}}, {"defaults": {"currency": "ZZZ"}},
     {"decimal_marks": {"nowhere": ","}}],
)  # fmt: skip
def test_what_no_file_could_be_read_by_is_not_remembered(api: Api, more: dict[str, Any]) -> None:
    body = {"headers": ["A", "B"], "mapping": {"A": "department", "B": "budgeted_amount"}, **more}
    assert code_of(api.post("/mapping-templates", body)) == (422, "invalid_input")


def test_units_of_columns_and_sums_of_rows_are_answered_each_time(imports: Imports) -> None:
    rows = "1,Parks,300,1\n1.1,Trees,100,1\n1.2,Grass,200,1\n2,Roads,70,1\n2.1,Salt,20,1\n"
    content = f"Code,Department,Budget 2025 (k$),Spent 2025\n{rows}2.2,Signs,30,1\n"
    open_ = imports.send(content.encode(), "a.csv")
    assert open_["state"] == "awaiting_mapping"
    assert "in thousands" in open_["error"]["detail"]
    assert "sums are to be left out" in open_["error"]["detail"]
    given = {"units": '{"Budget 2025 (k$)": 1000}', "parents": "leave_out"}
    done = imports.send(content.encode(), "a.csv", **given)
    assert (done["state"], done["amounts"]["after"]) == ("completed", "420000.00")


def test_which_of_two_columns_is_meant_is_answered_by_a_mapping(imports: Imports) -> None:
    content = b"Department,Fiscal Year,Budget,Budget\nParks,FY2025,100,7\nRoads,FY2025,50,8\n"
    assert imports.send(content, "a.csv")["state"] == "awaiting_mapping"
    told = imports.send(content, "a.csv", mapping='{"Budget": "budgeted_amount"}')
    assert (told["state"], told["amounts"]["after"]) == ("completed", "150.00")
