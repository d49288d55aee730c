"""Showing people the place in a file that something is about."""

from collections import Counter
from collections.abc import Iterable

import click

from pamconf.errors import excerpt
from pamconf.lines import printable
from pamconf.problem import Severity

_CLIPPED = 40  # characters that are shown on each side of a place, and of it


def counted(severities: Iterable[Severity]) -> str:
    """Return how many there are of each kind: "2 errors, 1 note"; nothing where there is none."""
    count = Counter(severities)
    return ", ".join(
        f"{count[kind]} {kind}{'s' * (count[kind] > 1)}" for kind in Severity if count[kind]
    )


def say_place(text: str, column: int, width: int) -> None:
    """Print a line, as far as it fits, with carets under `width` characters from `column` on.

    Tabs are shown as one blank each.
    """
    text = text.replace("\t", " ")
    start, end = column - 1, column - 1 + min(width, _CLIPPED)
    before = printable(text[max(0, start - _CLIPPED) : start])
    place = printable(text[start:end])
    behind = printable(text[end : end + _CLIPPED]) if width <= _CLIPPED else "…"
    click.echo(excerpt(before + place + behind, len(before) + 1, len(place)))
