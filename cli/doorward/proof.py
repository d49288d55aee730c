r"""Proof that logins get through a service that was changed: what the module leaves meanwhile.

For each service of a change that waits to be confirmed there is a file in FOLDER, empty at first.
The module appends lines to it (pam_module/pam/proof.h):

    line    = ( auth / cred ) LF
    auth    = "auth" SP seconds SP user SP rhost SP reason   ; the module let the login pass
    cred    = "cred" SP seconds SP user SP rhost             ; the program accepted it
    seconds = 1*DIGIT "." 3DIGIT                             ; CLOCK_BOOTTIME
    user    = 1*( ALPHA / DIGIT / "." / "_" / "@" / "-" / "\x" 2HEXDIG )      ; "-": nobody
    rhost   = 1*( what may be in user / ":" / "%" )                           ; "-": none
    reason  = 1*( lower-case letter / "-" )                  ; as in the module's log

What is no such line proves nothing, nor does one without its end.
"""

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from doorward import files
from doorward.errors import FileError, NonsenseError
from doorward.files import MissingError, Place, place_of_root

FOLDER = "/run/doorward/pending"

NO_PROOF = "DOORWARD_NO_PROOF"
"""A variable of PAM's own environment (pam_putenv): with it the module leaves no line."""

_SERVICE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ESCAPED = r"\\x[0-9a-f]{2}"
_USER, _RHOST = rf"((?:[A-Za-z0-9._@-]|{_ESCAPED})+)", rf"((?:[A-Za-z0-9._@:%-]|{_ESCAPED})+)"
_COMMON = rf"([0-9]+\.[0-9]{{3}}) {_USER} {_RHOST}"
_AUTH = re.compile(f"auth {_COMMON} ([a-z-]+)")
_CRED = re.compile(f"cred {_COMMON}")
_SIZE_MAX = 1024 * 1024  # bytes: behind 64 KiB no login begins a line, but many may at once


@dataclass(frozen=True)
class Proof:
    r"""A login that got through: who was asked, from where ("" for nowhere), and the log's reason.

    Names are as the log has them, with ``\xHH`` for what is unusual in one. `seconds` is when the
    module let them pass, by CLOCK_BOOTTIME.
    """

    user: str
    rhost: str
    reason: str
    seconds: float


def expect(services: Iterable[str]) -> None:
    """Have the module leave its lines for these services from now on, as root.

    What was expected before is forgotten. Raises NonsenseError, with nothing done, where a
    service's name is none that the module takes; FileError.
    """
    names = list(services)
    for name in names:
        _check(name)
    forget()
    for name in names:
        with place_of_root(f"{FOLDER}/{name}", make_folders=True) as at:
            files.create(at, b"")


def forget() -> None:
    """Remove the folder and all in it; fine where there is none. Raises FileError."""
    with contextlib.suppress(MissingError), place_of_root(f"{FOLDER}/.") as inside:
        for name in os.listdir(inside.folder):  # noqa: PTH208 - a descriptor, no path
            files.remove(Place(inside.folder, name, f"{FOLDER}/{name}"))
        with place_of_root(FOLDER) as at:
            os.rmdir(at.name, dir_fd=at.folder)


def proven(service: str, *, needs_cred: bool = True) -> Proof | None:
    """Return the first login that got through the service since it is expected, if there is one.

    That is one that the module let pass and the program then accepted: an ``auth`` line and, behind
    it, a ``cred`` line of the same user and host. Without `needs_cred` the first line is enough:
    for programs that never call pam_setcred(3), such as polkit's.

    Raises NonsenseError for a name that is none, FileError where somebody else than root can have
    written the lines.
    """
    _check(service)
    try:
        with place_of_root(f"{FOLDER}/{service}") as at, files.opened(at) as file:
            _check_root_alone(at, file)
            text = files.read(at, file, size_max=_SIZE_MAX)
    except MissingError:
        return None
    return proof_in(text, needs_cred=needs_cred)


def proof_in(text: bytes, *, needs_cred: bool = True) -> Proof | None:
    """Return the first proof in the lines of a file, as `proven` does."""
    passed: dict[tuple[str, str], Proof] = {}
    for line in _lines(text):
        if found := _AUTH.fullmatch(line):
            seconds, user, rhost, reason = found.groups()
            proof = Proof(user, "" if rhost == "-" else rhost, reason, float(seconds))
            if not needs_cred:
                return proof
            passed.setdefault((user, rhost), proof)
        elif found := _CRED.fullmatch(line):
            _, user, rhost = found.groups()
            if (user, rhost) in passed:
                return passed[user, rhost]
    return None


def _lines(text: bytes) -> Iterator[str]:
    """Yield the lines that have an end, without it."""
    *lines, _unfinished = text.split(b"\n")
    yield from (line.decode("ascii", "replace") for line in lines)


def _check(service: str) -> None:
    if not _SERVICE.fullmatch(service):
        raise NonsenseError(
            f"no login can prove a service named {service!r}",
            hint="A name has at most 64 small letters, digits, dots, dashes and underscores.",
        )


def _check_root_alone(at: Place, file: int) -> None:
    facts = os.fstat(file)
    if facts.st_uid != 0 or facts.st_nlink != 1 or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise FileError(
            f"{at.path}: others than root may have written it",
            hint="'doorward pam undo' takes the change back; find out who made it so.",
        )
