"""Talking to the person at the terminal."""

import contextlib
import json
import sys
from collections.abc import Iterator

import click

from doorward.errors import ConfirmationError, DoorwardError, OutputError
from pamconf.lines import printable


def report(error: DoorwardError) -> None:
    """Print an error, as each is printed."""
    with contextlib.suppress(OSError):  # there is nobody left to tell
        click.echo(f"doorward: error: {printable(error.message)}", err=True)
        if error.hint:
            click.echo(f"hint: {printable(error.hint)}", err=True)


def say(text: str = "") -> None:
    """Print one line, whatever is in it."""
    click.echo(printable(text))


def say_json(value: object) -> None:
    """Print a value as JSON, for programs."""
    click.echo(json.dumps(value, indent=2))


def ask(question: str) -> str:
    """Ask, and return the line that was typed, without blanks around it.

    Raises ConfirmationError where the input has ended, or there is none.
    """
    click.echo(f"{printable(question)} ", nl=False)
    line = sys.stdin.readline() if sys.stdin else ""
    if not line:
        click.echo()
        raise ConfirmationError(
            "the input ended before there was an answer; nothing was changed",
            hint="Run this in a terminal, or see in its --help how to do without questions.",
        )
    return line.strip()


def agreed(question: str) -> bool:
    """Ask a yes-or-no question. Whatever does not begin with a `y` is a no."""
    return ask(f"{question} [y/N]").lower().startswith("y")


@contextlib.contextmanager
def after(what_was_done: str, hint: str | None = None) -> Iterator[None]:
    """Raise OutputError where what is said in here, of something done, cannot be said."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{what_was_done}, but the result could not be shown: {error.strerror}", hint=hint
        ) from error
