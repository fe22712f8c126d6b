"""The application with everything that its first visitors would otherwise wait for."""

from __future__ import annotations

from functools import cache

from flask_openapi3 import OpenAPI

from bursar import passwords
from web.app import create_app


@cache
def prepared() -> OpenAPI:
    """The application, its templates translated and its API described; opens no connection.

    Made once, before the web server forks, so that its processes share it. Raises Misconfigured.
    """
    app = create_app()
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)
    app.extensions["bursar_openapi"]()
    passwords.matches(None, "")  # whom nobody knows waits no longer than others, also the first
    return app
