"""The `doorward` command: finds the command that was asked for, and is the end of every error."""

import os
import sys
from collections.abc import Sequence

import click

from doorward.errors import (
    DoorwardError,
    InterruptedByUserError,
    OutputError,
    as_doorward_error,
)
from doorward.lazy import LazyGroup
from doorward.terminal import report

_COMMANDS = {
    "enroll": "Enrol a user: a new secret, for the app on their phone.",
    "status": "Say who is enrolled, and what would keep them out.",
    "show": "Show the QR code again, for a second phone.",
    "devices": "List a user's devices.",
    "recovery-codes": "Make new recovery codes; the old ones are gone.",
    "unenroll": "Remove a user's secret.",
    "move": "Move secrets out of their users' reach, or back.",
    "doctor": "Look over the machine: what is not well, and what mends it.",
    "pam": "Change which logins ask for a code, and check what PAM goes by.",
    "completion": "Print the completion script for a shell.",
}
_USAGE_ERROR = 2  # of the table in doorward.errors; click's own


@click.group(
    cls=LazyGroup,
    prefix="doorward.commands.",
    listed=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with 'doorward enroll'. 'doorward COMMAND --help' has examples.",
)
@click.version_option(package_name="doorward", message="doorward %(version)s")
def group() -> None:
    """Ask for a one-time code at the logins of this machine."""
    from doorward import process  # noqa: PLC0415 - not for --help: it is half the time to an answer

    if sys.stdout is None:
        raise OutputError("the standard output is closed; nothing was done")
    process.guard_secrets()
    process.hear_of_children()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; every error is printed here."""
    _open_standard_streams()
    try:
        return _run(arguments)
    finally:
        try:
            if sys.stdout:
                sys.stdout.flush()
        except OSError:  # said already; now Python need not say it again at its exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return group.main(arguments, "doorward", standalone_mode=False) or 0
    except click.Abort:
        error: DoorwardError = InterruptedByUserError("interrupted; nothing was changed")
    except click.UsageError as usage:
        return _report_usage(usage)
    except Exception as failure:
        if sys.flags.dev_mode:
            raise
        error = as_doorward_error(failure)
    report(error)
    return error.exit_code


def _report_usage(error: click.UsageError) -> int:
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # click 8.2
        click.echo(error.format_message(), err=True)
    else:
        how = error.ctx.command_path if error.ctx else "doorward"
        hint = f"'{how} --help' shows how it is used."
        report(DoorwardError(error.format_message().rstrip("."), hint=hint))
    return _USAGE_ERROR


def _open_standard_streams() -> None:
    """Have all three open, so that no other file gets their numbers, and strict about no byte."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
