"""The documents' own routes: thin adapters in camelCase over the same functions as `web/api`.

Amounts are JSON numbers here, written from the Decimal; `customerId` and `userId` must agree with
the key.
"""

from flask import Flask
from flask_wtf import CSRFProtect

from web.compat import budgets, imports, ledger

_ROUTES = (imports, budgets, ledger)


def install(app: Flask, csrf: CSRFProtect) -> None:
    """Register the routes. They take keys, not cookies, so no other site's form reaches them."""
    for module in _ROUTES:
        csrf.exempt(module.blueprint)
        app.register_blueprint(module.blueprint)
