"""What all commands do that change login files: show the plan, refuse it or not, and make it."""

import re
import sys
from dataclasses import dataclass

import click

from doorward.commands.options import Decorator
from doorward.errors import RefusedError
from doorward.protection.applying import Applied, apply, check_none_on_trial, store
from doorward.protection.plan import Plan
from doorward.protection.presentation import as_json as plan_as_json
from doorward.protection.presentation import show_plan, show_reasons
from doorward.protection.reasons import Reasons
from doorward.protection.standing import on_trial
from doorward.table import show_line
from doorward.terminal import say, say_json

CONFIRM_WITHIN = 300
"""Seconds in which a change has to be confirmed, unless something else is said."""

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
_SHORTEST, _LONGEST = 10, 24 * 3600


@dataclass(frozen=True)
class How:
    """How a change is to be made.

    `confirm_within` is in seconds, None where it stays as it is. `undoes` is the transaction that
    it takes back.
    """

    dry_run: bool
    i_know: bool
    confirm_within: int | None = None
    as_json: bool = False
    undoes: str | None = None


def _duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,6})([smh]?)", value)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise click.BadParameter(f"{value!r} is no time such as 90s, 5m or 1h.")
    return seconds


dry_run_option: Decorator = click.option(
    "--dry-run", is_flag=True, help="Show what would change, and end."
)
i_know_option: Decorator = click.option(
    "--i-know", is_flag=True, help="Do it all the same, where it would be refused."
)
confirm_within_option: Decorator = click.option(
    "--confirm-within",
    metavar="TIME",
    callback=_duration,
    help="Take it back unless it is confirmed by then.  [default: 5m in a terminal]",
)
no_confirm_option: Decorator = click.option(
    "--no-confirm", is_flag=True, help="Leave it as it is, without trying it first."
)


def confirm_within(seconds: int | None, *, no_confirm: bool, root: str) -> int | None:
    """Return how many seconds there are to confirm a change, None where it needs no confirming.

    It needs it in a terminal, unless something else is said, and never in an image.
    """
    if seconds and no_confirm:
        raise click.UsageError("--confirm-within and --no-confirm exclude each other.")
    if root != "/":
        if seconds:
            raise click.UsageError("nobody can log in to an image, to confirm it.")
        return None
    is_terminal = bool(sys.stdin) and sys.stdin.isatty()
    return seconds or (CONFIRM_WITHIN if is_terminal and not no_confirm else None)


def make(plan: Plan, how: How) -> None:
    """Show a plan, and make the change; RefusedError where it is refused."""
    if not plan.changes:
        _show_nothing_to_do(plan, as_json=how.as_json)
        return
    if not how.dry_run:
        check_none_on_trial(plan.tree.root)
    reasons = Reasons(plan)
    refused = bool(reasons.refusals) and not how.i_know
    planned = _shown(plan, reasons, how)  # first: it says how things are now
    applied = None
    if not how.dry_run and not refused:
        applied = apply(plan, _command_line(), how.confirm_within, how.undoes)
    if how.as_json:
        say_json({**planned, **_applied_as_json(applied)})
    elif applied:
        _show_applied(applied)
    if refused:
        raise RefusedError(
            "nothing was changed: " + ("see 'refusals'" if how.as_json else "see above"),
            hint="Mend that first. --i-know changes it all the same.",
        )


def _show_nothing_to_do(plan: Plan, *, as_json: bool) -> None:
    if as_json:
        say_json(_applied_as_json(None))
        return
    say("All is so already: nothing to do.")
    if trial := on_trial(store(plan.tree.root).pending()):
        show_line(trial)


def _shown(plan: Plan, reasons: Reasons, how: How) -> dict[str, object]:
    """Show a plan to people; return it for programs, which hear what came of it as well."""
    if how.as_json:
        return plan_as_json(plan, reasons)
    show_plan(plan)
    show_reasons(reasons, in_spite=how.i_know)
    return {}


def _command_line() -> str:
    """Return the command as it was typed, for the record; none of its options is a secret."""
    return " ".join(["doorward", *sys.argv[1:]])


def _applied_as_json(applied: Applied | None) -> dict[str, object]:
    if applied is None:
        return {"changed": False}
    return {"changed": True, "transaction": applied.id, "confirm_within": applied.seconds}


def _show_applied(applied: Applied) -> None:
    say()
    if applied.seconds is None:
        show_line(f"Done, as transaction {applied.id}. 'doorward pam undo' takes it back.", "bold")
        return
    within = spoken(applied.seconds)
    show_line(f"On trial for {within}: unless it is confirmed, all is as before then.", "bold")
    if not applied.is_guarded_at_boot:
        show_line("Note: a reboot before that would not take it back: there is no systemd here,")
        show_line("or the folder with the way back is on a disk that may be mounted late.")
    services = " and ".join(applied.services)
    show_line(f"Keep this session open, and log in anew by {services}. If that is right:")
    show_line("  sudo doorward pam confirm")
    show_line("'sudo doorward pam undo' takes it back at once.")


def spoken(seconds: int) -> str:
    """Return a time as one says it: "5 minutes"."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds % length == 0:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
