"""What can go wrong, and with which exit code.

An error is one line that says what is the matter and a hint that says what to try. It is printed by
`doorward.main.main` alone, or by a command that goes on after it. Exit codes, the same for every
command:

====  =========================================================================
   0  done
   1  a problem that has no code of its own (found, by `status`, `doctor`, `pam lint`,
      `pam access check`)
   2  the command line was wrong
   3  the user is enrolled already
   4  the user is not enrolled
   5  not permitted to this user (`doctor`: no problem, but something could not be seen)
   6  no code fitted, or none was given
   7  a login would refuse the secret file (`doorward.native.CredentialError`)
   8  a file could not be read or written
   9  the secret file stayed locked by somebody else
  10  there is no such user, or none that can be enrolled
  11  the PAM module could not be installed
  12  it was done, but the result could not be shown
  13  a change of logins was refused, since it would do harm; nothing was changed
  14  a change is not confirmed, since no login has proven it
  15  a login that was tried is refused (`pam try`)
  70  a defect in doorward
 130  interrupted with Ctrl-C
====  =========================================================================
"""

import json
from collections.abc import Iterator

from pamconf import errors as pamconf_errors


class DoorwardError(Exception):
    """An error that a user can understand.

    `message` is one line without a full stop at its end, `hint` a sentence or two on what to try.
    """

    exit_code: int = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NonsenseError(DoorwardError):
    """What was asked for makes no sense: a name that is none."""

    exit_code = 2


class AlreadyEnrolledError(DoorwardError):
    """There is a secret file already, and nobody said that it may go."""

    exit_code = 3


class NotEnrolledError(DoorwardError):
    """There is no secret file."""

    exit_code = 4


class NotPermittedError(DoorwardError):
    """Only root may do this, or only the user whose file it is."""

    exit_code = 5


class ConfirmationError(DoorwardError):
    """No code fitted, or the input ended before there was one."""

    exit_code = 6


class FileError(DoorwardError):
    """A file could not be read or written."""

    exit_code = 8


class LockedError(DoorwardError):
    """Somebody else held the lock for too long."""

    exit_code = 9


class AccountError(DoorwardError):
    """No such user, or one that cannot be enrolled."""

    exit_code = 10


class ModuleError(DoorwardError):
    """The PAM module, or the place for it, is not as it must be."""

    exit_code = 11


class OutputError(DoorwardError):
    """The work was done, but its result could not be shown."""

    exit_code = 12


class RefusedError(DoorwardError):
    """A change of logins would lock somebody out, or open a door."""

    exit_code = 13


class UnprovenError(DoorwardError):
    """No login has proven that a change of logins is right."""

    exit_code = 14


class LoginRefusedError(DoorwardError):
    """A login that was tried would not get in."""

    exit_code = 15


class InternalError(DoorwardError):
    """A defect in doorward itself."""

    exit_code = 70


class InterruptedByUserError(DoorwardError):
    """Ctrl-C, at a moment when nothing had been changed."""

    exit_code = 130


def as_doorward_error(error: Exception) -> DoorwardError:
    """Turn whatever was raised into something that can be shown to a user."""
    if isinstance(error, DoorwardError):
        return error
    if isinstance(error, pamconf_errors.FileError):
        return FileError(str(error), hint=error.hint)
    if isinstance(error, pamconf_errors.UsageError):
        return NonsenseError(str(error), hint=error.hint)
    if isinstance(error, pamconf_errors.PamconfError):
        return DoorwardError(str(error), hint=error.hint)
    if isinstance(error, OSError):
        place = f"{error.filename!s}: " if error.filename else ""
        return FileError(f"{place}{error.strerror or error}")
    return InternalError(
        f"this should not have happened: {type(error).__name__}: {error}",
        hint="Please report it, with what 'python3 -X dev -m doorward …' prints.",
    )


def error_to_json(error: DoorwardError) -> bytes:
    """Write an error down for `error_from_json` in another process of the same program."""
    return json.dumps([type(error).__name__, error.message, error.hint]).encode()


def error_from_json(text: bytes) -> DoorwardError:
    """Return the error that `error_to_json` wrote, of the same class."""
    name, message, hint = json.loads(text)
    kind = {kind.__name__: kind for kind in _kinds(DoorwardError)}[name]
    error = kind.__new__(kind)
    DoorwardError.__init__(error, message, hint=hint)
    return error


def _kinds(kind: type[DoorwardError]) -> Iterator[type[DoorwardError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
