"""Where files come from: one module a source, one protocol, one registry."""

from connectors.protocol import Arrival, Connector
from connectors.upload import Upload

# Every kind of source, by the word that imports and settings use for it.
CONNECTORS = {Upload.type: Upload}

__all__ = ["CONNECTORS", "Arrival", "Connector", "Upload"]
