"""Who gets in, and where to."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.web.pages.conftest import PASSWORD, Visitor


def test_the_right_password_opens_the_dashboard(
    app: Flask, make_member: Callable[..., str]
) -> None:
    visitor = Visitor(app)
    asked = visitor.get("/", q="fuel")
    assert (asked.status_code, asked.location) == (302, "/login?next=/?q%3Dfuel")
    answer = visitor.log_in(make_member(), target="/?q=fuel")
    assert (answer.status_code, answer.location) == (303, "/?q=fuel")
    assert "Mia Member" in visitor.get("/").text


def test_a_wrong_password_says_no_more_than_an_unknown_address(
    app: Flask, make_member: Callable[..., str]
) -> None:
    visitor, email = Visitor(app), make_member()
    answers = [visitor.log_in(email, "wrong password"), visitor.log_in("x@y.example", PASSWORD)]
    for answer in answers:
        assert answer.status_code == 401
        assert "The e-mail address or the password is wrong." in answer.text
    assert visitor.get("/").status_code == 302


def test_logging_out_closes_the_door(visitor: Visitor) -> None:
    assert visitor.send("/logout", seen="/").status_code == 303
    assert visitor.get("/").location.startswith("/login")


def test_a_form_without_its_token_is_refused(visitor: Visitor) -> None:
    for path in ("/login", "/logout", "/imports/new"):
        answer = visitor.client.post(path, data={"email": "a@b.example", "password": "x"})
        assert answer.status_code == 400
        assert "reload the page and send the form again" in answer.text
    assert visitor.get("/").status_code == 200


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil",
     "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "http:evil.example", ""],
)  # fmt: skip
def test_logging_in_never_leads_to_another_site(
    app: Flask, make_member: Callable[..., str], target: str
) -> None:
    assert Visitor(app).log_in(make_member(), target=target).location == "/"
    assert 'name="next" value="/"' in Visitor(app).get("/login", next=target).text


def test_a_fragment_sends_the_whole_page_to_log_in(app: Flask) -> None:
    path = "/imports/00000000-0000-0000-0000-000000000000/progress"
    answer = app.test_client().get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")
