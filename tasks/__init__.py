"""The jobs: each takes ids and calls one function of `bursar/`. Knows no web."""
