"""Showing people the place in a file that something is about."""

import click

from pamconf.errors import excerpt
from pamconf.lines import printable

_CLIPPED = 40  # characters that are shown on each side of a place, and of it


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
