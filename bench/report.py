"""The tables, in Markdown that can be read on a terminal, too."""

import datetime as dt
import statistics
from collections.abc import Sequence

from bench.measure import Line, Table
from bench.rows import ALL, DOORWARD, GOOGLE

_HEAD = """\
# doorward beside google-authenticator and oath

Written by `make bench` on {date}: {machine}.

The modules take turns, with the same secret, clock and disk, after a warm-up. Of each login it is
checked what pam_authenticate returned, how often it asked, and whether the file was rewritten.
Numbers are medians; "ours/theirs" is doorward's to google-authenticator's, and "rounds" where the
middle half of the rounds had it.
"""


def markdown(machine: str, tables: Sequence[Table]) -> str:
    """Return the whole report."""
    date = dt.datetime.now(dt.UTC).date()
    return "\n".join([_HEAD.format(date=date, machine=machine), *map(_section, tables)])


def _section(table: Table) -> str:
    head = ("", *(peer.name for peer in ALL), "ours/theirs", "rounds", "to reach", "met")
    rows = [head, *map(_cells, table.lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) + " |"
        for row in rows
    ]
    rule = f"|{'-' * (widths[0] + 2)}|" + "|".join(f"{'-' * (width + 1)}:" for width in widths[1:])
    lines.insert(1, f"{rule}|")
    parts = [f"## {table.title}", "\n".join(lines), table.notes.strip()]
    return "\n\n".join(filter(None, parts)) + "\n"


def _cells(line: Line) -> tuple[str, ...]:
    ratios = [
        ours / theirs
        for ours, theirs in zip(line.rounds[DOORWARD], line.rounds[GOOGLE], strict=True)
    ]
    ratio = statistics.median(ratios)
    limit, met = "", ""
    if line.limit is not None:
        limit = f"{'≥' if line.more_is_better else '≤'} {line.limit:.2f}"
        met = "no" if (ratio < line.limit if line.more_is_better else ratio > line.limit) else "yes"
    return (
        line.name,
        *(_number(line.rounds[peer]) if peer in line.rounds else "" for peer in ALL),
        f"{ratio:.2f}",
        _middle_half(ratios),
        limit,
        met,
    )


def _number(rounds: Sequence[float]) -> str:
    value = statistics.median(rounds)
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004 - three digits


def _middle_half(ratios: Sequence[float]) -> str:
    if len(ratios) < 2:  # noqa: PLR2004 - there is no half of one
        return ""
    low, _, high = statistics.quantiles(ratios, method="inclusive")
    return f"{low:.2f} to {high:.2f}"
