"""A strict reading of an access file, beside pam_access's: that of a module with `accessfile=`.

It skips the code for whom a `+` line matches first, and asks everybody where anything is amiss. It
is the module's own: whoever wants it here hands in a `StrictReader`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pamconf.access import AccessFile, render
from pamconf.lines import bytes_of, text_of
from pamconf.problem import Problem, Severity

InGroup = Callable[[str], bool | None]
"""Says whether the user is in a group; None where there is no such group."""


class StrictVerdict(Protocol):
    """What came of one reading: who skips the code, and the first thing that is amiss."""

    @property
    def skips(self) -> bool:
        """Whether the login goes without a code."""

    @property
    def problem(self) -> tuple[int, str] | None:
        """The line (from 1) and what is wrong there, or None."""


class StrictReader(Protocol):
    """Reads a file, of bytes, for a login of a user from a host; of no host it is empty."""

    def __call__(self, text: bytes, user: str, host: str, in_group: InGroup, /) -> StrictVerdict:
        """Return the verdict."""


@dataclass(frozen=True)
class StrictDecision:
    """Whether a login skips the code, and by which line (from 1).

    `line` is None where no line matches; with a `problem` it is the line that has it.
    """

    skips: bool
    line: int | None
    problem: str | None = None


def decide(
    file: AccessFile, reader: StrictReader, user: str, host: str, in_group: InGroup
) -> StrictDecision:
    """Return the strict reader's decision on a login."""
    text = bytes_of(render(file))
    verdict = reader(text, user, host, in_group)
    if verdict.problem:
        return StrictDecision(verdict.skips, *verdict.problem)
    for number, line in enumerate(text.split(b"\n"), 1):
        # The first line that would let them skip, were each `-` a `+`, is the one that matches.
        if line[:1] in (b"+", b"-") and reader(b"+" + line[1:], user, host, in_group).skips:
            return StrictDecision(verdict.skips, number)
    return StrictDecision(verdict.skips, None)


def check(file: AccessFile, reader: StrictReader) -> list[Problem]:
    """Return what the strict reader objects to, in each line by itself."""
    found = []
    for number, line in enumerate(bytes_of(render(file)).split(b"\n"), 1):
        verdict = reader(line, "root", "", lambda _: False)
        if verdict.problem:
            _, what = verdict.problem
            hint = "With one such line in the file, everybody is asked for a code."
            width = max(1, len(text_of(line)))
            found.append(Problem(number, 1, width, what, Severity.ERROR, hint))
    return found
