"""`doorward move`: secrets from their users' homes to root's own folder, and back."""

import click

from doorward import process
from doorward.commands import options
from doorward.enrolment.account import account_find
from doorward.enrolment.move import secret_move
from doorward.enrolment.places import HOME, SYSTEM, pam_line
from doorward.enrolment.store import store_open
from doorward.errors import DoorwardError, NotPermittedError, RefusedError
from doorward.protection.people import listed
from doorward.protection.standing import readers
from doorward.terminal import after, report, say
from pamconf.tree import Tree


@click.command(
    epilog="""\b
Examples:
  sudo doorward move alice bob --system
  sudo doorward move alice --home
"""
)
@options.users_argument
@click.option("--system", is_flag=True, help=f"To root's own folder: {SYSTEM}.")
@click.option("--home", is_flag=True, help=f"To the user's home: {HOME}.")
@click.option("--i-know", is_flag=True, help="Do it also where services read the old place.")
@click.pass_context
def command(
    ctx: click.Context, *, users: tuple[str, ...], system: bool, home: bool, i_know: bool
) -> None:
    """Move the secret of each USER, as it is: what their phones have goes on working.

    Only root can. The new file is on disk before the old one goes, so that whatever ends this early
    leaves a secret where it was, or at both places; then run it again. A file that is there already
    and says something else is not overwritten.

    A rule of a service reads one place. Where one reads the old place, this is refused: its logins
    would be refused until `pam enable` has it read the new one, or go without a code by nullok. Say
    --i-know if that comes next, and keep a session of root's open until then.

    Who cannot be moved is no reason to leave out others. Ends with 0 where all are, otherwise as
    the first error does.
    """
    if not users:
        raise click.UsageError("Missing argument 'USER'.")
    if system == home:
        raise click.UsageError("Say where to: either --system or --home.")
    account = account_find(None)
    if account.uid != 0:
        raise NotPermittedError("only root can move secrets", hint="Run this with sudo.")
    source, target = (HOME, SYSTEM) if system else (SYSTEM, HOME)
    if not i_know:
        _check_not_read(source)
    failures = []
    with process.to_the_end(), after("what could be moved is moved"):
        for user in users:
            try:
                _move(user, source, target)
            except DoorwardError as error:
                report(error)
                failures.append(error)
        if len(failures) < len(users):
            say(f"The line in /etc/pam.d that reads it there: {pam_line(target)}")
    if failures:
        ctx.exit(failures[0].exit_code)


def _check_not_read(template: str) -> None:
    """Raise RefusedError where services look for secrets in the place that they are to leave."""
    found = readers(template, Tree())
    if found:
        raise RefusedError(
            f"secrets in the old place are read by {listed(found)}: who is moved would be refused "
            "there, or let in without a code",
            hint="With --i-know it is done all the same: let 'doorward pam enable' follow at once, "
            "so that they read the new place.",
        )


def _move(user: str, source: str, target: str) -> None:
    account = account_find(user)
    old, new = store_open(account, source), store_open(account, target)
    if secret_move(old, new):
        say(f"{user}: moved to {new.file.path}")
    else:
        say(f"{user}: is there already, {new.file.path}")
