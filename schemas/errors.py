"""Every error that earwitness raises on purpose.

::

    EarwitnessError
    ├── RequestError        the request cannot be met               exit code 3
    │   ├── SessionNotFound
    │   ├── AmbiguousSession
    │   └── OutputExists
    ├── PeerError           the other side of a socket               exit code 4
    │   ├── UpstreamUnreachable
    │   ├── UpstreamRefused
    │   ├── ListenFailed
    │   └── ClientDiverged
    ├── StoreError          the journal                              exit code 5
    │   ├── StoreNotFound
    │   ├── StoreBusy
    │   ├── StoreNewer
    │   ├── StoreOutdated
    │   ├── StoreCorrupt
    │   └── StoreWriteFailed
    └── FileError           a file to be read or written             exit code 6
        ├── NotRecognised
        ├── DamagedFile
        └── CannotWrite

The message says what is wrong, ``hint`` what to do next; ``str(error)`` is both. ``data`` holds the facts by name, for
programs. The command prints the error in one paragraph and exits with ``exit_code``. Exit code 1 is not an error but
the answer "no" (``verify`` found damage, ``diff`` found a difference); 2 is a wrong command line.
"""

from __future__ import annotations

__all__ = [
    "AmbiguousSession",
    "CannotWrite",
    "ClientDiverged",
    "DamagedFile",
    "EarwitnessError",
    "FileError",
    "ListenFailed",
    "NotRecognised",
    "OutputExists",
    "PeerError",
    "RequestError",
    "SessionNotFound",
    "StoreBusy",
    "StoreCorrupt",
    "StoreError",
    "StoreNewer",
    "StoreNotFound",
    "StoreOutdated",
    "StoreWriteFailed",
    "UpstreamRefused",
    "UpstreamUnreachable",
]


class EarwitnessError(Exception):
    """Base of all errors raised on purpose.

    Args:
        message: what is wrong, naming the file, session and seq if known.
        hint: what to do next, as one sentence; empty if there is nothing to say.
        data: the facts by name.
    """

    exit_code: int = 70

    def __init__(self, message: str, *, hint: str = "", **data: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data = data

    def __str__(self) -> str:
        if not self.hint:
            return self.message
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{stop} {self.hint}"


class RequestError(EarwitnessError):
    """The request cannot be met: an unknown session, an impossible position, a bad value."""

    exit_code = 3


class SessionNotFound(RequestError):
    """No session has that id, prefix or path."""


class AmbiguousSession(RequestError):
    """Several sessions begin with that prefix."""


class OutputExists(RequestError):
    """The target exists, and nobody asked to overwrite it."""


class PeerError(EarwitnessError):
    """The other side of a socket failed."""

    exit_code = 4


class UpstreamUnreachable(PeerError):
    """The upstream server cannot be reached."""


class UpstreamRefused(PeerError):
    """The upstream server answered the handshake with a status other than 101."""


class ListenFailed(PeerError):
    """The listening address cannot be bound."""


class ClientDiverged(PeerError):
    """A client under test behaved differently from the recording."""


class StoreError(EarwitnessError):
    """The journal cannot be used."""

    exit_code = 5


class StoreNotFound(StoreError):
    """There is no journal in that place."""


class StoreBusy(StoreError):
    """Another recorder holds the journal."""


class StoreNewer(StoreError):
    """The journal's schema is newer than this program."""


class StoreOutdated(StoreError):
    """The journal's schema is older than this program and must be upgraded first."""


class StoreCorrupt(StoreError):
    """The journal's content is not what the format allows."""


class StoreWriteFailed(StoreError):
    """The journal refused a write: disk full, locked, read-only."""


class FileError(EarwitnessError):
    """A file cannot be read or written."""

    exit_code = 6


class NotRecognised(FileError):
    """earwitness does not read this kind of file."""


class DamagedFile(FileError):
    """The file is of a known kind, but part of it cannot be read."""


class CannotWrite(FileError):
    """The target cannot be written."""
