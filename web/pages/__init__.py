"""The pages people use, drawn by the server. They call the same functions as the API."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, g, make_response, redirect, render_template, request, url_for

from bursar import config
from web.auth import allows
from web.pages import (
    account,
    alerts,
    budget_control,
    budget_edit,
    budget_list,
    budget_records,
    budgets,
    check,
    components,
    dashboard,
    docs,
    drawing,
    figures,
    first_steps,
    flower,
    import_repairs,
    imports,
    jobs,
    login,
    mapping,
    operations,
    quick_import,
    remembered,
    reports,
    samples,
    sources,
    spending,
    stylesheet,
    transfers,
    views,
    webhooks,
)
from web.pages import settings as setting_pages

_PAGES = (
    stylesheet,
    login,
    account,
    dashboard,
    first_steps,
    samples,
    budget_list,
    budget_edit,
    budget_control,
    budget_records,
    spending,
    transfers,
    views,
    budgets,
    check,
    reports,
    quick_import,
    mapping,
    imports,
    import_repairs,
    remembered,
    sources,
    webhooks,
    operations,
    jobs,
    alerts,
    *setting_pages.PAGES,
    docs,
    components,
)

# What to do next, by status.
ADVICE = {
    401: "Log in, then do it again.",
    400: "Go back, reload the page and send the form again.",
    403: "Ask an administrator of your organisation for a role that may, or go back.",
    404: "Check the address, or look for it from the dashboard.",
    405: "Go back and use the buttons of the page.",
    409: "Go back and reload: the page shows how things stand now.",
    413: "Split the file into smaller ones, or ask the operator to raise the limit.",
    422: "Go back, mend what is named above, and try again.",
    429: "Wait a minute, then try again.",
    503: "Wait a moment, then reload the page.",
}
_ELSE = "Try again. If it happens again, tell your operator the number below."


def install(app: Flask) -> None:
    """Register the pages, and the page that says what went wrong."""
    drawing.install(app)
    for page in _PAGES:
        app.register_blueprint(page.blueprint)
    flower.install(app)
    app.context_processor(_shared)
    app.extensions["bursar_error_page"] = error_page


def error_page(answer: Response, detail: str) -> Any:
    """The page for an error; who is not logged in goes to log in and comes back."""
    if answer.status_code == 401 and request.method == "GET":
        target = url_for("login.form", next=request.full_path.rstrip("?"))
        if request.headers.get("HX-Request") == "true":
            # A fragment cannot take the place of the page, so the page itself has to go.
            return make_response("", 401, {"HX-Redirect": url_for("login.form")})
        if request.path.startswith(flower.PREFIX):
            # What asks here is also programs of others, which must see that it was refused.
            return make_response(login.page(request.full_path.rstrip("?")), 401)
        return redirect(target)
    status = answer.status_code
    if status == 413:
        size = figures.file_size(config.settings().upload_limit_bytes)
        detail = f"The upload is larger than the {size} allowed."
    body = render_template(
        "error.html",
        status=status,
        title=answer.status.split(" ", 1)[-1].capitalize(),
        detail=detail,
        advice=ADVICE.get(status, _ELSE),
        request_id=g.get("request_id", ""),
    )
    page = make_response(body, status)
    for name in ("Retry-After", "Allow"):
        if name in answer.headers:
            page.headers[name] = answer.headers[name]
    return page


def _shared() -> dict[str, Any]:
    who = g.get("principal")

    def may(permission: str) -> bool:
        return who is not None and allows(who.role, permission)

    # Templates that extend `layout` draw the part alone that a page asks for when it is there.
    layout = "part.html" if "HX-Request" in request.headers else "base.html"
    return {"who": who, "may": may, "layout": layout, "flower_shown": flower.shown}


__all__ = ["account", "install", "login"]
