"""Who a key belongs to."""

from __future__ import annotations

from uuid import UUID

from tests.conftest import MakeApi


def test_a_key_tells_whose_it_is_and_what_it_may(make_api: MakeApi, tenant_id: UUID) -> None:
    me = make_api("member").get("/me").get_json()
    assert (me["tenant_id"], me["role"]) == (str(tenant_id), "member")
    assert me["permissions"] == ["check", "read", "spend"]
    assert me["actor"]
