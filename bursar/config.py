"""Settings, all from the environment with the prefix `BURSAR_`; every one has a safe default.

`docs/reference/settings.md` lists them; a test fails when one is missing there.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="BURSAR_",
        extra="ignore",
        # Docker and Kubernetes mount secrets as files: /run/secrets/bursar_database_url …
        secrets_dir=os.environ.get("BURSAR_SECRETS_DIR"),
        str_strip_whitespace=True,
    )

    home: Path = Field(
        Path("~/.bursar"), description="Folder with all that the embedded stack keeps."
    )
    database_url: str = Field(
        "", description="PostgreSQL URL of the application role (bursar_app). Empty: embedded."
    )
    owner_database_url: str = Field(
        "", description="PostgreSQL URL of the owning role (bursar_owner), for migrations only."
    )
    broker_url: str = Field("", description="Redis or RabbitMQ URL for Celery. Empty: embedded.")
    redis_url: str = Field(
        "", description="Redis URL for rate limits. Empty: the broker when it is Redis."
    )
    file_store: Path | None = Field(
        None, description="Folder of the file store. Empty: `files` under the home."
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs session cookies. Required in production."
    )
    secrets_key: SecretStr = Field(
        SecretStr(""),
        description="Encrypts stored secrets: Fernet keys, the newest first, separated by commas.",
    )
    allow_private_hosts: str = Field(
        "",
        description="Names, addresses and networks that sources and webhooks may reach besides"
        " public ones, separated by commas.",
    )
    sheets_base_url: str = Field(
        "", description="Server that answers for Google Sheets, in tests. Empty: Google."
    )
    s3_instance_credentials: bool = Field(
        False, description="Whether S3 sources without a secret may use this machine's own role."
    )
    folder_root: str = Field(
        "",
        description="Folder of this machine below which sources of type folder may read; `{tenant}`"
        " in it stands for the tenant's id. Empty: none may.",
    )
    source_file_limit_bytes: int = Field(
        4 * 1024**3, ge=1, description="Largest file taken from a source, in bytes."
    )
    source_listing_limit: int = Field(
        100_000, ge=1, description="Most files of one source that are looked at."
    )
    source_timeout_seconds: int = Field(
        60, ge=1, description="Longest that a source may stay silent, in seconds."
    )
    environment: str = Field("development", description="`development` or `production`.")
    port: int = Field(8750, ge=0, le=65535, description="Port of the web server.")
    flower_port: int = Field(8755, ge=0, le=65535, description="Port of Flower.")
    flower_url: str = Field(
        "",
        description="Where the web server finds Flower, with user and password, for `/flower/`."
        " Empty: the embedded one.",
    )
    operator_tenants: str = Field(
        "",
        description="Ids of the tenants whose administrators may open Flower, and whose operators"
        " may pause schedules, separated by commas. Empty: those of every tenant.",
    )
    bind: str = Field("127.0.0.1", description="Address the web server binds to.")
    web_processes: int = Field(2, ge=1, le=64, description="Web server processes.")
    web_threads: int = Field(8, ge=1, le=128, description="Threads of each web process.")
    worker_processes: int = Field(2, ge=1, le=256, description="Worker processes on this host.")
    pool_size: int = Field(8, ge=1, le=200, description="Database connections of each process.")
    prepared_statements: bool = Field(
        True,
        description="Whether statements are prepared; not through a PgBouncer before 1.21 in"
        " transaction mode.",
    )
    upload_limit_bytes: int = Field(
        10 * 1024 * 1024,
        ge=1,
        description="Largest upload by page or API, in bytes; a tenant may have its own.",
    )
    inflated_limit_bytes: int = Field(
        512 * 1024 * 1024, ge=1, description="Largest inflated size of a workbook, in bytes."
    )
    row_limit: int = Field(2_000_000, ge=1, description="Most rows of one file.")
    column_limit: int = Field(1_000, ge=1, description="Most columns of one file.")
    import_timeout_seconds: int = Field(
        3600, ge=1, description="Longest that one statement of an import may take, in seconds."
    )
    mapping_adviser: str = Field(
        "", description="`package.module:name` of a second opinion on columns. Empty: none."
    )
    large_topup_percent: int = Field(
        100,
        ge=0,
        description="From how many percent of what a budget had a top-up raises an alert. 0: none.",
    )
    job_lease_seconds: int = Field(
        15, ge=2, description="How long a worker holds a job without a heartbeat."
    )
    job_attempts: int = Field(3, ge=1, description="Attempts before a job is dead.")
    tick_seconds: int = Field(10, ge=1, description="How often beat asks what is due.")
    wait_seconds: float = Field(
        30, ge=0, le=300, description="How long the one-step import routes wait for a worker."
    )
    rate_limit: str = Field(
        "6000 per minute", description="Calls allowed to one key, in flask-limiter's words."
    )
    topup_rate_limit: str = Field(
        "10 per minute", description="Top-ups allowed to one key, in flask-limiter's words."
    )
    login_rate_limit: str = Field("10 per minute", description="Log-ins allowed to one address.")
    api_url: str = Field(
        "", description="Server that the command line talks to. Empty: the stack of this machine."
    )
    api_key: SecretStr = Field(
        SecretStr(""), description="Key that the command line sends to the server."
    )
    log_level: str = Field("INFO", description="Least severe level that is logged.")
    trusted_proxies: int = Field(
        0, ge=0, description="Proxies in front whose X-Forwarded-* headers are believed."
    )

    def redis(self) -> str:
        """URL of the Redis for rate limits and health: its own, else the broker when it is one."""
        if self.redis_url or not self.broker_url.startswith(("redis://", "rediss://")):
            return self.redis_url
        return self.broker_url


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
