"""The pages people use, drawn by the server. They call the same functions as the API."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request, url_for

from web.pages import login


def install(app: Flask) -> None:
    """Register the pages, and the page that says what went wrong."""
    app.register_blueprint(login.blueprint)

    def error_page(answer: Response, detail: str) -> Any:
        if answer.status_code == 401 and request.method == "GET":
            return redirect(url_for("login.form", next=request.full_path.rstrip("?")))
        body = render_template(
            "error.html", status=answer.status_code, title=answer.status, detail=detail
        )
        return make_response(body, answer.status_code)

    app.extensions["bursar_error_page"] = error_page


__all__ = ["install", "login"]
