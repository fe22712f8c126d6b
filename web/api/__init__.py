"""The JSON API, `/api/v1`: one module a subject, each a blueprint."""
