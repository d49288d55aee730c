"""A plan as people read it, and as programs do."""

import difflib
from collections.abc import Iterator, Sequence

import click

from doorward.protection.people import listed
from doorward.protection.plan import Plan
from doorward.protection.reasons import Reason, Reasons
from doorward.table import Cell, show_item, show_line
from doorward.terminal import say
from pamconf.lines import printable

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def show_plan(plan: Plan) -> None:
    """Print what a plan changes, and for whom."""
    for line in plan.diff():
        _show_changed(line)
    for name, now, then in plan.table():
        say()
        show_line(f"{name}, now (-) and then (+)", "bold")
        for mark, sentence in _compared(now, then):
            style = _STYLES.get(mark, "")
            show_item(Cell(mark, style), sentence.removeprefix(" "), style=style)
    say()
    for name, kind, names in plan.people():
        show_line(f"{name}: {listed(names)}: {kind}")


def show_reasons(reasons: Reasons, *, in_spite: bool) -> None:
    """Print what to know of a plan, and why it is refused, or would be if it were not made so."""
    for one in reasons.warnings:
        _show_reason("warning", one, "yellow")
    for one in reasons.refusals:
        _show_reason("in spite of" if in_spite else "refused", one, "red")


def _show_reason(word: str, one: Reason, style: str) -> None:
    show_line(f"{word}: {one.message}", style)
    show_line(f"  {one.mend}")


def _show_changed(line: str) -> None:
    style = "" if line.startswith(("+++", "---")) else _STYLES.get(line[:1], "")
    click.echo(click.style(printable(line), fg=style or None))


def _compared(now: Sequence[str], then: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield sentences as they are and as they would be, those that stay between them.

    Before each stands its mark: "-", "+", or a blank where it stays.
    """
    matcher = difflib.SequenceMatcher(None, now, then, autojunk=False)
    for tag, first, last, first_then, last_then in matcher.get_opcodes():
        if tag == "equal":
            yield from ((" ", line) for line in now[first:last])
            continue
        yield from (("-", line) for line in now[first:last])
        yield from (("+", line) for line in then[first_then:last_then])


def as_json(plan: Plan, reasons: Reasons) -> dict[str, object]:
    """Return a plan for programs, with what speaks against it."""
    return {
        "services": plan.services,
        "diff": [*plan.diff()],
        "files": {
            path: None if text is None else text.decode("utf-8", "backslashreplace")
            for path, text in plan.changes.items()
        },
        "logins": {name: {"now": now, "then": then} for name, now, then in plan.table()},
        "people": [
            {
                "user": one.person.name,
                "service": one.service,
                "enrolment": one.enrolment and one.enrolment.value,
                "then": one.fate.value,
                "loses": ["anywhere" if place == "" else place for place in one.lost],
            }
            for one in plan.effects
        ],
        **{
            name: [{"message": one.message, "mend": one.mend} for one in found]
            for name, found in (("refusals", reasons.refusals), ("warnings", reasons.warnings))
        },
    }
