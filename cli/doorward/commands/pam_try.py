"""`doorward pam try`: a login that is tried, through the real libpam."""

import os
import pwd
import re
from collections.abc import Iterator
from dataclasses import dataclass

import click

import pamconf
from doorward.attempt import REPLY_SIZE, RHOST, TTY, Attempt, Message, Style, Verdict, attempt
from doorward.commands.values import checked_host
from doorward.errors import (
    AccountError,
    InterruptedByUserError,
    LoginRefusedError,
    NonsenseError,
    NotPermittedError,
)
from doorward.terminal import say_json, typed
from pamconf.lines import printable
from pamconf.nearest import meant

_SSHD_S_TTY = "ssh"
_NEW_PASSWORD = "new_authtok_reqd"  # noqa: S105 - what PAM calls it
_COUNTS = "A real attempt: rate limits and fail2ban count it, and a right code is used up."


@click.command(
    epilog="""\b
Examples:
  sudo doorward pam try sshd --user alice
  sudo doorward pam try sshd --user alice --from 10.0.0.5
  printf '%s\\n' "$PASSWORD" "$CODE" | sudo doorward pam try sshd --user alice --json
"""
)
@click.argument("service")
@click.option("--user", metavar="NAME", required=True, help="Who logs in.")
@click.option(
    "--from",
    "rhost",
    metavar="HOST",
    callback=checked_host,
    help="From which host.  [default: this machine itself]",
)
@click.option(
    "--tty",
    metavar="NAME",
    help="At which terminal.  [default: ssh for sshd, otherwise this one]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; prompts go to standard error.")
def command(*, service: str, user: str, rhost: str | None, tty: str | None, as_json: bool) -> None:
    """Try whether NAME would get in at SERVICE, without logging in.

    The real libpam asks what the service's rules have it ask. Replies are typed at the terminal or,
    where the standard input is none, read from it, one a line. What is asked is authenticate and
    then acct_mgmt: no credentials are set and there is no session. What the program decides beside
    PAM (sshd by keys and AllowUsers, say) is not tried: 'doorward pam explain' knows of that.

    It is a real attempt: it counts in rate limits, pam_faillock and fail2ban, and a right code is
    used up. Ends with 0 where they would get in, with 15 where they are refused.
    """
    login = _login(service, user, rhost, tty)
    person = _AtTheTerminal(err=as_json)
    person.tell(f"Trying {login.service} as {login.user}{f' from {rhost}' if rhost else ''}.")
    notes = list(_notes(login))
    for line in (_COUNTS, *notes):
        person.tell(line)
    try:
        came_of_it = attempt(login.service, login.user, login.items, person)
    except KeyboardInterrupt as error:
        raise InterruptedByUserError("interrupted; the attempt may count all the same") from error
    if as_json:
        say_json(_as_json(login, notes, came_of_it))
    else:
        _tell(person, came_of_it)
    _raise_if_refused(login, came_of_it)
    if not as_json:
        person.tell(f"{login.user} would get in.")


@dataclass(frozen=True)
class _Login:
    service: str
    user: str
    rhost: str | None
    tty: str | None

    @property
    def items(self) -> dict[int, str]:
        """What PAM is told of it."""
        return {
            item: value
            for item, value in ((RHOST, self.rhost), (TTY, self.tty))
            if value is not None
        }


def _login(service: str, user: str, rhost: str | None, tty: str | None) -> _Login:
    """Check what was asked for."""
    if os.geteuid() != 0:
        raise NotPermittedError("only root may try a login", hint="Run this with sudo.")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", service):
        raise NonsenseError(
            f"no name of a service: {service!r}",
            hint="It is a file's in /etc/pam.d, without the folder: sshd, say.",
        )
    try:
        pwd.getpwnam(user)
    except KeyError as error:
        raise AccountError(
            f"there is no user '{user}'", hint="'getent passwd' lists whom the machine knows."
        ) from error
    service = service.lower()  # as libpam does
    return _Login(service, user, rhost, tty or (_SSHD_S_TTY if service == "sshd" else _own_tty()))


def _own_tty() -> str | None:
    return os.ttyname(0).removeprefix("/dev/") if os.isatty(0) else None


def _notes(login: _Login) -> Iterator[str]:
    """Yield what makes this attempt another one than somebody may think."""
    found = pamconf.load(login.service)
    if found.path is None:
        near = meant(login.service, pamconf.services())
        missing = f"There is no service '{login.service}': libpam goes by the rules of 'other'."
        yield f"{missing} {near}" if near else missing
    for rule in found.rules("auth"):
        if rule.name == "pam_rootok":
            yield f"{rule.place}: {rule.name} lets root pass, who runs this; others are asked more."


class _AtTheTerminal:
    """Who types the replies, or a script."""

    def __init__(self, *, err: bool) -> None:
        self._err = err

    def tell(self, text: str) -> None:
        """Print a text, whatever is in it."""
        for line in text.splitlines():
            click.echo(printable(line), err=self._err)

    def show(self, message: Message) -> None:
        """Print what a module has to say."""
        self.tell(message.text)

    def reply(self, prompt: Message) -> bytearray | None:
        """Ask."""
        echo = prompt.style is Style.PROMPT_ECHO_ON
        return typed(prompt.text, REPLY_SIZE, echo=echo, err=self._err)


def _tell(person: _AtTheTerminal, found: Attempt) -> None:
    person.tell(f"authenticate: {found.authenticate.words}")
    if found.acct_mgmt:
        person.tell(f"acct_mgmt: {found.acct_mgmt.words}")


def _as_json(login: _Login, notes: list[str], found: Attempt) -> dict[str, object]:
    return {
        "service": login.service,
        "user": login.user,
        "rhost": login.rhost,
        "tty": login.tty,
        "notes": notes,
        "messages": [{"style": one.style.name.lower(), "text": one.text} for one in found.messages],
        "authenticate": _verdict_as_json(found.authenticate),
        "acct_mgmt": found.acct_mgmt and _verdict_as_json(found.acct_mgmt),
        "gets_in": found.deciding.accepted,
    }


def _verdict_as_json(verdict: Verdict) -> dict[str, str]:
    return {"returned": verdict.returned, "words": verdict.words}


def _raise_if_refused(login: _Login, found: Attempt) -> None:
    if found.deciding.accepted:
        return
    if found.deciding.returned == _NEW_PASSWORD:
        hint = "The program would ask for a new password now: 'passwd' sets one."
    else:
        hint = (
            f"'journalctl _PID={os.getpid()}', or /var/log/auth.log, has what each module said; "
            f"'doorward pam explain {login.service} --user {login.user}', what they ask for."
        )
    message = f"{login.service} refuses {login.user}: {found.deciding.words}"
    raise LoginRefusedError(message, hint=hint)
