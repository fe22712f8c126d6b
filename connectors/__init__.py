"""Where files come from: one module a kind of source, one protocol, one registry.

Importing this loads no vendor's library; `connector_class` loads the one that is needed.
"""

from importlib import import_module

from connectors.protocol import Arrival, Connector
from connectors.upload import Upload

# Every kind of source, by the word that imports and settings use for it.
CONNECTORS = {
    "upload": "connectors.upload:Upload",
    "sftp": "connectors.sftp:Sftp",
    "s3": "connectors.s3:S3",
    "sheets": "connectors.sheets:Sheets",
    "folder": "connectors.folder:Folder",
}


def connector_class(kind: str) -> type[Connector]:
    """The connector of this kind; KeyError where there is none."""
    module, _, name = CONNECTORS[kind].partition(":")
    found: type[Connector] = getattr(import_module(module), name)
    return found


__all__ = ["CONNECTORS", "Arrival", "Connector", "Upload", "connector_class"]
