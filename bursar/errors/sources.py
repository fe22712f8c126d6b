"""What goes wrong with a source of files, named by its cause."""

from __future__ import annotations

from typing import ClassVar

from bursar.errors.families import Conflict, InvalidInput, Transient


class SourceFault(InvalidInput):
    """The source could not be read."""

    code = "source_fault"
    cause: ClassVar[str] = "other"


class NameUnknown(SourceFault, Transient):
    """The name of the host is not known to the DNS."""

    code = "source_name_unknown"
    cause = "dns"


class NoConnection(SourceFault, Transient):
    """The host refused the connection or broke it off."""

    code = "source_no_connection"
    cause = "connection"


class NoAnswer(NoConnection):
    """The host did not answer in time."""

    code = "source_no_answer"


class HostNotAllowed(SourceFault):
    """The address is private, local or reserved, and the operator has not allowed it."""

    code = "host_not_allowed"
    cause = "host_not_allowed"


class FolderNotAllowed(SourceFault):
    """The folder is not one of those that the operator has opened to sources."""

    code = "folder_not_allowed"
    cause = "folder_not_allowed"


class HostKeyUnknown(SourceFault):
    """Nobody has agreed to the host key of this server yet."""

    code = "host_key_unknown"
    cause = "host_key"


class HostKeyChanged(SourceFault):
    """The server shows another host key than the one that was agreed to."""

    code = "host_key_changed"
    cause = "host_key"


class SignInRefused(SourceFault):
    """The server does not accept this user, password, key or secret."""

    code = "sign_in_refused"
    cause = "auth"


class NotPermitted(SourceFault):
    """The server knows us but does not let us read, list or move this."""

    code = "source_not_permitted"
    cause = "permission"


class PathMissing(SourceFault):
    """The folder, bucket, spreadsheet or file does not exist there."""

    code = "source_path_missing"
    cause = "path"


class SourceBusy(SourceFault, Transient):
    """The source asks for a pause, or has trouble of its own."""

    code = "source_busy"
    cause = "busy"


class ChangedWhileRead(SourceFault, Transient):
    """The file changed, or ended early, while it was read; nothing of it was taken."""

    code = "changed_while_read"
    cause = "changed"


class SecretUnreadable(SourceFault):
    """The stored secret cannot be decrypted with the keys that are set."""

    code = "secret_unreadable"
    cause = "secret"


class SourceDrifted(SourceFault):
    """The columns are not those of the last good file of this source."""

    code = "source_drifted"
    cause = "drift"


class NotRetakable(Conflict):
    """Only a file that failed or was not taken can be taken again."""

    code = "source_file_not_retakable"


class DuplicateSource(Conflict):
    """A source of this name exists."""

    code = "duplicate_source"
