"""What is wrong in a file, and where."""

import enum
from dataclasses import dataclass


class Severity(enum.StrEnum):
    """How bad it is: the door stands otherwise than meant, may do so, or is only worth a word."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Kind(enum.StrEnum):
    """What a line of an access file does otherwise than it seems to say."""

    UNMATCHED = "unmatched"
    """Whoever no line matches is let in."""
    PASSED_OVER = "passed-over"
    """The line is not read."""
    UNREACHABLE = "unreachable"
    """A line above matches everybody."""
    MISREAD = "misread"
    """Something in it means something else."""


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file, at `width` characters from a line and a column (both from 1).

    `message` is one line, without a full stop, on what happens in practice; `hint` says how to mend
    it.
    """

    line: int
    column: int
    width: int
    message: str
    severity: Severity
    hint: str
    kind: Kind = Kind.MISREAD
