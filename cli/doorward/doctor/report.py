"""What the doctor found, as people and as programs read it."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

import click

from doorward.doctor.finding import Examined, Finding, Status
from doorward.doctor.since import Change, Kind, Look
from doorward.table import Cell, iso_time, local_time, show_item, show_line
from doorward.terminal import say

_MARKS = {
    Status.WELL: Cell("✓", "green"),
    Status.NOTE: Cell("·", "dim"),
    Status.UNSEEN: Cell("?", "cyan"),
    Status.WARNING: Cell("!", "yellow"),
    Status.PROBLEM: Cell("✗", "bold red"),
}
_WIDTH = max(map(len, Status))
_COMMAND = "Run: "
"""What a mend begins with that is a command."""

_KINDS = max(map(len, Kind))
_KIND_STYLES = {Kind.WORSE: "bold red", Kind.MENDED: "green", Kind.CHANGED: "yellow"}
_MENDED = (Status.UNSEEN, Status.WARNING, Status.PROBLEM)
"""Where a mend is shown: what is only worth a note need not be mended."""


def show(examined: Iterable[Examined]) -> None:
    """Print a checklist; what is the same of several is one line of it."""
    for area in examined:
        show_line(area.area, "bold")
        for group in grouped(area.findings):
            show_group(group)
        say()


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Return findings of which the same is to be said together, in the order of the first."""
    groups: dict[tuple[Status, str], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.status, one.what), []).append(one)
    return list(groups.values())


def show_group(group: Sequence[Finding]) -> None:
    """Print a line about those of a group, and what mends it."""
    who = ", ".join(dict.fromkeys(one.who for one in group if one.who))
    mark = _mark(group[0].status)
    show_item(mark, f"{who}: {group[0].what}" if who else group[0].what, indent=2)
    if group[0].status in _MENDED:
        for mend in dict.fromkeys(one.mend for one in group if one.mend):
            _show_mend(mend, len(mark.text) + 3)


def _show_mend(mend: str, indent: int) -> None:
    """Print what mends it; a command is not broken, so that it can be copied."""
    show = say if mend.startswith(_COMMAND) else show_line
    show(f"{' ' * indent}{mend}")


def _mark(status: Status) -> Cell:
    """Return a mark, or where that could not be seen, a word of the same width for all."""
    mark = _MARKS[status]
    is_seen = sys.stdout.isatty() and sys.stdout.encoding.lower() == "utf-8"
    return mark if is_seen else Cell(f"{status:{_WIDTH}}")


def show_count(examined: Iterable[Examined]) -> None:
    """Print how much is not well."""
    click.echo(f"{counted(examined) or 'All is well'}.")


def counted(examined: Iterable[Examined]) -> str:
    """Return how much is not well, nothing where all is: "1 problem, 2 warnings, 1 unseen"."""
    found = [one.status for area in examined for one in area.findings]
    return ", ".join(
        f"{found.count(status)} {status}{'s' * (found.count(status) > 1 and ends)}"
        for status, ends in ((Status.PROBLEM, 1), (Status.WARNING, 1), (Status.UNSEEN, 0))
        if status in found
    )


def as_json(examined: Iterable[Examined], root: str, now: int) -> dict[str, object]:
    """Return all of it for programs."""
    return {
        "root": root,
        "time": iso_time(now),
        "areas": [
            {"area": one.area, "findings": [finding_as_json(found) for found in one.findings]}
            for one in examined
        ],
    }


def show_changes(found: Sequence[Change], last: Look | None, examined: Iterable[Examined]) -> None:
    """Print what has changed, and how much is not well now."""
    if last is None:
        show_line("This is the first look", "bold")
    elif found:
        show_line(f"Since {local_time(last.time)}", "bold")
    else:
        show_line(f"Nothing has changed since {local_time(last.time)}", "bold")
    groups: dict[Change, list[str]] = {}
    for one in found:
        groups.setdefault(replace(one, who=""), []).append(one.who)
    for one, whose in groups.items():
        _show_change(one, ", ".join(dict.fromkeys(filter(None, whose))))
    told = counted(examined)
    click.echo(f"{told} now; 'doorward doctor' has all of them." if told else "All is well now.")


def _show_change(one: Change, who: str) -> None:
    before = f" (before: {one.before})" if one.before not in {None, one.now} else ""
    what = f"{one.now}{before}" if one.now is not None else f"no more: {one.before}"
    mark = Cell(f"{one.kind:{_KINDS}}", _KIND_STYLES.get(one.kind, ""))
    show_item(mark, ": ".join(filter(None, (one.area, who, what))), indent=2)
    if one.mend:
        _show_mend(one.mend, _KINDS + 3)


def changes_as_json(
    found: Iterable[Change], last: Look | None, root: str, now: int
) -> dict[str, object]:
    """Return what has changed, for programs."""
    return {
        "root": root,
        "time": iso_time(now),
        "since": iso_time(last.time) if last else None,
        "changes": [
            {
                "kind": one.kind,
                "area": one.area,
                "who": one.who or None,
                "what": one.now,
                "before": one.before,
                "mend": one.mend,
            }
            for one in found
        ],
    }


def finding_as_json(one: Finding) -> dict[str, object]:
    """Return a finding for programs."""
    return {"status": one.status, "who": one.who or None, "what": one.what, "mend": one.mend}
