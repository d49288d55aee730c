"""Talking to the person at the terminal."""

import contextlib
import json
import os
import shutil
import sys
import termios
import textwrap
from collections.abc import Iterator

import click

from doorward.errors import ConfirmationError, DoorwardError, NonsenseError, OutputError
from pamconf.lines import printable

_STDIN = 0
_LOCAL_MODES = 3  # where tcgetattr has them


def report(error: DoorwardError) -> None:
    """Print an error, as each is printed."""
    with contextlib.suppress(OSError):  # there is nobody left to tell
        click.echo(f"doorward: error: {printable(error.message)}", err=True)
        if error.hint:
            click.echo(_wrapped(f"hint: {printable(error.hint)}"), err=True)


def _wrapped(text: str) -> str:
    """Break a line for the standard error between words, where that is a terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        return text
    width = shutil.get_terminal_size().columns
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


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


def typed(prompt: str, size: int, *, echo: bool, err: bool = False) -> bytearray | None:
    """Show a prompt, and read a line of the standard input, without its end, that may be a secret.

    It comes in `size` bytes, filled up with zeros, of which the last is one. Nothing else of it is
    in this process, so the caller can wipe it. At a terminal it is seen only where `echo` is true.
    None where the input has ended. Raises NonsenseError where the line is too long. With `err` the
    prompt goes to the standard error.
    """
    seen = echo and os.isatty(_STDIN)
    with contextlib.nullcontext() if seen else _unseen():
        click.echo(printable(prompt), nl=False, err=err)
        line = _read_line(size)
    if not seen:
        click.echo(err=err)
    return line


def _read_line(size: int) -> bytearray | None:
    line = bytearray(size)
    view = memoryview(line)
    for at in range(size):
        # One byte at a time: what comes behind the line is for whoever reads next.
        if not os.readv(_STDIN, [view[at : at + 1]]):
            return line if at else None
        if line[at] == ord("\n"):
            line[at] = 0
            return line
    line[:] = bytes(size)
    raise NonsenseError(f"a reply is at most {size - 1} bytes long")


@contextlib.contextmanager
def _unseen() -> Iterator[None]:
    """Have the terminal not show what is typed, if the standard input is one."""
    if not os.isatty(_STDIN):
        yield
        return
    before, silent = termios.tcgetattr(_STDIN), termios.tcgetattr(_STDIN)
    silent[_LOCAL_MODES] &= ~termios.ECHO
    termios.tcsetattr(_STDIN, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(_STDIN, termios.TCSADRAIN, before)
