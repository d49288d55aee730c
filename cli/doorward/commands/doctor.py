"""`doorward doctor`: is all of it well, and what to do where it is not."""

import sys
from collections.abc import Sequence

import click

from doorward.commands import options
from doorward.doctor import report, since
from doorward.doctor.areas import AREAS
from doorward.doctor.finding import Examined, Status, examine
from doorward.doctor.host import Host
from doorward.doctor.since import Kind
from doorward.errors import NotPermittedError
from doorward.terminal import say_json

_PROBLEMS = 1  # the exit code
_CODES = {Status.PROBLEM: _PROBLEMS, Status.UNSEEN: 5}
"""The exit codes, where they are not 0; the first that applies."""


@click.command(
    epilog="""\b
Examples:
  sudo doorward doctor
  sudo doorward doctor --json
  sudo doorward doctor --since-last
  doorward doctor --root /mnt/image
"""
)
@click.option(
    "--since-last",
    is_flag=True,
    help=f"Only what has changed since the last time, which is kept in {since.STATE}.",
)
@click.option(
    "--accept",
    is_flag=True,
    help="As --since-last, and what is no longer well, but may be meant so, is meant so.",
)
@options.root_option
@options.json_option
@click.pass_context
def command(
    ctx: click.Context, *, since_last: bool, accept: bool, root: str, as_json: bool
) -> None:
    """Look over the machine: is a second factor asked for, can everybody log in, what is amiss.

    The module, services, users, sshd, access files, the clock, pam-auth-update and all rules are
    looked at; under what is not well stands what mends it. Nothing is changed. Root sees all of it.

    Ends with 1 where there is a problem, with 5 where there is none but something could not be
    seen, else with 0, warnings or not. With --since-last also with 1 where something is worse.
    """
    host = Host(root)
    if since_last or accept:
        ctx.exit(_since_last(host, accept=accept, as_json=as_json))
    found = examine(host, AREAS)
    if as_json:
        say_json(report.as_json(found, root, host.now))
    else:
        report.show(found)
        report.show_count(found)
    ctx.exit(exit_code(found))


def _since_last(host: Host, *, accept: bool, as_json: bool) -> int:
    """Tell what has changed, and keep what was found once that is said."""
    if not host.is_this:
        raise click.UsageError("What has changed is known of this machine alone: leave --root out.")
    if not host.is_root:
        raise NotPermittedError("only root can keep what was found", hint="Run this with sudo.")
    last = since.load()
    found = examine(host, AREAS)
    changes = since.changes(last, found)
    if as_json:
        say_json(report.changes_as_json(changes, last, host.root, host.now))
    else:
        report.show_changes(changes, last, found)
    sys.stdout.flush()
    since.save(since.look(found, host.now, last, accept=accept))
    if not accept and any(one.kind is Kind.WORSE for one in changes):
        return _PROBLEMS
    return exit_code(found)


def exit_code(found: Sequence[Examined]) -> int:
    """Return the exit code for what was found."""
    statuses = {one.status for area in found for one in area.findings}
    return next((code for status, code in _CODES.items() if status in statuses), 0)
