"""What can go wrong with a change; nothing has been changed then, unless it says so."""

import contextlib
import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pamconf.errors import FileError, PamconfError


class TransactionError(PamconfError):
    """A change cannot be made, confirmed or undone now."""


class PendingError(TransactionError):
    """Another change waits to be confirmed, or to be taken back."""


class LockedError(TransactionError):
    """Another process changes files at this moment."""


class RecordError(TransactionError):
    """There is no such transaction, or it cannot be read."""


class StateError(TransactionError):
    """The transaction has been confirmed, taken back or undone already, or not yet applied."""


class ChangedError(TransactionError):
    """A file is not what it was when it was read."""


class UntrustedError(FileError):
    """Somebody other than root could change which file a path leads to."""


@dataclass(frozen=True)
class Conflict:
    """A file that somebody changed after the transaction did; None where it was not there."""

    path: str
    before: bytes | None
    after: bytes | None
    now: bytes | None

    def view(self) -> str:
        """Return the three as two unified diffs: what was changed since, and what undo would do."""
        since = _diff(self.after, self.now, f"{self.path} as changed", f"{self.path} now")
        undo = _diff(self.after, self.before, f"{self.path} as changed", f"{self.path} before")
        return f"Changed since:\n{since}\nUndoing would do:\n{undo}"


class ConflictError(TransactionError):
    """Files were changed by somebody since, and undoing would lose that."""

    def __init__(self, message: str, conflicts: Sequence[Conflict], *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.conflicts = tuple(conflicts)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn an OSError into a FileError."""
    try:
        yield
    except OSError as error:
        path = None if error.filename is None else os.fspath(error.filename)
        raise FileError(f"{error.strerror or error}", path=path) from error


def _diff(old: bytes | None, new: bytes | None, old_name: str, new_name: str) -> str:
    lines = difflib.unified_diff(_lines(old), _lines(new), old_name, new_name)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8", "backslashreplace")
    return text.splitlines(keepends=True)
