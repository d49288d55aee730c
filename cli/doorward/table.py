"""Tables for people, and times as they read them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from doorward.terminal import printable

_UNFOLDED = 1000  # columns for a table that goes to a program or a file


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; nothing of it is cut off, however narrow the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    console.print(table)


def local_time(time: int) -> str:
    """Return a Unix time as the day and minute that it is here."""
    return f"{datetime.fromtimestamp(time, UTC).astimezone():%Y-%m-%d %H:%M}"


def iso_time(time: int | None) -> str | None:
    """Return a Unix time as ISO 8601 has it, in UTC."""
    return None if time is None else datetime.fromtimestamp(time, UTC).isoformat()
