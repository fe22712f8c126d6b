"""Where the database and the broker are: the embedded ones, or those of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bursar.config import Settings
from ops.stack import postgres, valkey
from ops.stack.home import Home

DATABASE = "bursar"


@dataclass(frozen=True, slots=True)
class StackUrls:
    """URLs with their passwords. `owner_database_url` is for migrations only, and may be empty."""

    database_url: str
    owner_database_url: str
    broker_url: str
    redis_url: str


def stack_urls(home: Home, settings: Settings | None = None) -> StackUrls:
    """The URLs of this home; what the settings name outside replaces the embedded server."""
    chosen = settings or Settings()
    broker = chosen.broker_url or _broker_url(home)
    if chosen.database_url:
        database, owner = chosen.database_url, chosen.owner_database_url
    else:
        database = database_url(home, "bursar_app", home.secret("app_password"))
        owner = database_url(home, "bursar_owner", home.secret("owner_password"))
    return StackUrls(database, owner, broker, chosen.redis_url or _redis_url(home, chosen))


def embeds_postgres(settings: Settings) -> bool:
    """Whether the stack has to run a PostgreSQL of its own."""
    return not settings.database_url


def embeds_valkey(settings: Settings) -> bool:
    """Whether the stack has to run a Valkey of its own, as broker or only for rate limits."""
    return not settings.broker_url or not (settings.redis_url or _is_redis(settings.broker_url))


def database_url(home: Home, role: str, password: str, database: str = DATABASE) -> str:
    """The URL of a role in a database of the embedded server."""
    host = quote(str(home.run), safe="")
    return f"postgresql://{role}:{password}@/{database}?host={host}&port={postgres.PORT}"


def _broker_url(home: Home) -> str:
    socket = home.run / valkey.SOCKET
    return f"redis+socket://:{home.secret('valkey_password')}@{socket}?virtual_host=0"


def _redis_url(home: Home, settings: Settings) -> str:
    if settings.broker_url and _is_redis(settings.broker_url):
        return settings.broker_url
    socket = home.run / valkey.SOCKET
    return f"unix://:{home.secret('valkey_password')}@{socket}?db=0"


def _is_redis(url: str) -> bool:
    return url.startswith(("redis://", "rediss://", "unix://"))
