"""Tables for people, and times as they read them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import click
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pamconf.lines import printable

_UNFOLDED = 1000  # columns for a table that goes to a program or a file


class Cell(NamedTuple):
    """What stands in a table, and a style of Rich's for it, seen where there is a terminal."""

    text: str
    style: str = ""


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str | Cell]]) -> None:
    """Print a table; nothing of it is cut off, however narrow the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = (cell if isinstance(cell, Cell) else Cell(cell) for cell in row)
        table.add_row(*(_indented(cell.text, cell.style) for cell in cells))
    _show(table)


def show_line(text: str, style: str = "") -> None:
    """Print a line, broken between words where the terminal is narrower."""
    _show(_indented(text, style))


def show_item(mark: Cell, text: str, indent: int = 0, style: str = "") -> None:
    """Print a line behind a mark; further lines, where it needs them, begin where its text does."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(Text(mark.text, mark.style), _indented(text, style))
    _show(Padding(grid, (0, 0, 0, indent), expand=False))


def _indented(text: str, style: str) -> RenderableType:
    """Return a text whose further lines, where it needs them, begin where its first does."""
    words = text.lstrip(" ")
    return Padding(Text(printable(words), style), (0, 0, 0, len(text) - len(words)), expand=False)


def _show(what: RenderableType) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    with console.capture() as capture:
        console.print(what)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def local_time(time: int) -> str:
    """Return a Unix time as the day and minute that it is here."""
    return f"{datetime.fromtimestamp(time, UTC).astimezone():%Y-%m-%d %H:%M}"


def iso_time(time: int | None) -> str | None:
    """Return a Unix time as ISO 8601 has it, in UTC."""
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat()
