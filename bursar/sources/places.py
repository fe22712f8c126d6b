"""What a source of each type says about its place, and the secret that signs in there."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from bursar.errors import Fault, InvalidInput
from schema.tables.sources import AFTER_ACTIONS


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)

    @field_validator("*", mode="after")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("it holds a NUL character")
        return value


class SftpPlace(_Strict):
    """A folder of an SFTP server."""

    host: str = Field(min_length=1, max_length=253)
    port: int = Field(22, ge=1, le=65535)
    username: str = Field(min_length=1, max_length=200)
    path: str = Field(".", max_length=1_000)
    pattern: str = Field("", max_length=500)
    host_key: str = Field("", max_length=4_000)


class SftpSecret(_Strict):
    """A password, or a private key."""

    password: str | None = Field(None, max_length=1_000)
    private_key: str | None = Field(None, max_length=20_000)
    passphrase: str | None = Field(None, max_length=1_000)

    @model_validator(mode="after")
    def _one(self) -> SftpSecret:
        if bool(self.password) == bool(self.private_key):
            raise ValueError("give either a password or a private_key")
        return self


class S3Place(_Strict):
    """A bucket and a prefix in it."""

    bucket: str = Field(min_length=1, max_length=255)
    prefix: str = Field("", max_length=1_000)
    pattern: str = Field("", max_length=500)
    endpoint_url: str | None = Field(None, max_length=500, pattern=r"^https?://[^@\s]+$")
    region: str | None = Field(None, max_length=50)


class S3Secret(_Strict):
    """An access key; without one the machine's own role, where the operator lends it."""

    access_key_id: str | None = Field(None, max_length=200)
    secret_access_key: str | None = Field(None, max_length=1_000)
    session_token: str | None = Field(None, max_length=5_000)


class SheetsPlace(_Strict):
    """A tab or a range of a Google Sheet."""

    spreadsheet_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,200}$")
    range: str = Field("", max_length=300)


class SheetsSecret(_Strict):
    """A service account, as Google gives it."""

    service_account: dict[str, Any]


class FolderPlace(_Strict):
    """A folder of this machine, below the root that its operator opens."""

    path: str = Field("", max_length=1_000)
    pattern: str = Field("", max_length=500)

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        if ".." in value.split("/"):
            raise ValueError("it leads upwards")
        return value


class NoSecret(_Strict):
    """Nothing signs in there."""


_KINDS: dict[str, tuple[type[_Strict], type[_Strict], tuple[str, ...]]] = {
    "sftp": (SftpPlace, SftpSecret, ("leave", "move")),
    "s3": (S3Place, S3Secret, AFTER_ACTIONS),
    "sheets": (SheetsPlace, SheetsSecret, ("leave",)),
    "folder": (FolderPlace, NoSecret, ("leave", "move")),
}


def require_place(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """The config with its defaults. Raises InvalidInput that names each wrong field."""
    return _checked(_KINDS[kind][0], config, "/config")


def require_secret(kind: str, secret: dict[str, Any]) -> dict[str, Any]:
    """The secret as it will be sealed. Raises InvalidInput that names fields, never values."""
    return _checked(_KINDS[kind][1], secret, "/secret")


def actions_of(kind: str) -> tuple[str, ...]:
    """What can happen at a source of this type to a file that was loaded."""
    return _KINDS[kind][2]


def require_action(kind: str, action: str) -> str:
    """An action that this type of source can do after loading. Raises InvalidInput."""
    able = _KINDS[kind][2]
    if action not in able:
        raise InvalidInput(
            f"A source of type {kind} cannot {action} files.",
            faults=[Fault("/after_action", "unknown_value", f"Use one of: {', '.join(able)}.")],
        )
    return action


def _checked(model: type[_Strict], given: dict[str, Any], pointer: str) -> dict[str, Any]:
    try:
        return model.model_validate(given).model_dump(exclude_none=True)
    except ValidationError as error:
        faults = [
            Fault(
                "/".join([pointer, *map(str, one["loc"])]),
                str(one["type"]),
                str(one["msg"]).removeprefix("Value error, "),
            )
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidInput(
            f"{pointer.removeprefix('/')} does not fit: {faults[0].pointer}: {faults[0].detail}.",
            faults=faults,
        ) from None
