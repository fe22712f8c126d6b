"""The folder of this machine that its operator opens to sources, and whose it is."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from bursar.config import settings
from bursar.errors import FolderNotAllowed

# What the operator writes where each tenant has a folder of its own.
TENANT = "{tenant}"


def root_of(tenant: str) -> str:
    """The folder below which sources of a tenant may read. Raises FolderNotAllowed."""
    root = settings().folder_root
    if not root.startswith("/"):
        raise FolderNotAllowed(
            "Folders of this machine are not open to sources. Its operator can open one with"
            " BURSAR_FOLDER_ROOT."
        )
    return root.replace(TENANT, tenant)


def require_root(session: Session, tenant: str) -> None:
    """Refuse folders where one tenant could name another one's files. Raises FolderNotAllowed."""
    root = root_of(tenant)
    several = session.execute(text("select count(*) from tenant_names()")).scalar_one() > 1
    if several and tenant not in root:
        raise FolderNotAllowed(
            "There are several organisations here, so the operator has to give each a folder of its"
            f" own, with {TENANT} in BURSAR_FOLDER_ROOT."
        )
