"""The private host, made ready: accounts, secret files, modules and services, on one disk."""

import contextlib
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pyotp

from bench.rows import ALL, OATH, Peer, Row
from demo.process import output_of
from demo.server import Syslog

CHECKOUT = Path(__file__).resolve().parent.parent
USERS = tuple(f"bench{number}" for number in range(16))
STEPS = 5000  # how many of them the clock that the modules see may go through

PLACE = Path("/srv/doorward-bench")  # where every user can reach it, also if not the checkout
SERVICES = PLACE / "services"
PERMIT = "permit"  # a service that lets everybody in

_HOMES = PLACE / "homes"
_PRIVATE_HOST = Path("/run/doorward-private-host")
_PASSWD = Path("/etc/passwd")
_FIRST_UID = 4200
_FIRST_STEP = 1_750_000_000 // 30
_SKEW_REACH = 1500  # steps that a phone's clock may be off by
_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 - 160 bits that guard nothing
_OTP = pyotp.TOTP(_SECRET)


@contextlib.contextmanager
def prepared() -> Iterator[None]:
    """Prepare this private host, with a log that is read, and leave it as it was."""
    if not _PRIVATE_HOST.exists():
        raise RuntimeError("this changes accounts: run it in a private host (python -m lab run …)")
    accounts_before = _PASSWD.read_text()
    with contextlib.ExitStack() as undo:
        undo.enter_context(contextlib.closing(Syslog()))
        # The checkout is on a disk; all else in a private host is in memory.
        disk = undo.enter_context(TemporaryDirectory(prefix="bench-", dir=CHECKOUT / "build"))
        Path(disk).chmod(0o755)
        PLACE.mkdir()
        undo.callback(PLACE.rmdir)
        output_of("mount", "--bind", disk, str(PLACE))
        undo.callback(output_of, "umount", str(PLACE))
        for folder in (SERVICES, _HOMES):
            folder.mkdir()
        undo.callback(_PASSWD.write_text, accounts_before)
        accounts = accounts_before
        for uid, user in enumerate(USERS, _FIRST_UID):
            accounts += f"{user}:x:{uid}:{uid}::{_HOMES / user}:/bin/sh\n"
            (_HOMES / user).mkdir()
            os.chown(_HOMES / user, uid, uid)
        _PASSWD.write_text(accounts)
        for peer in ALL:
            output_of("strip", "-o", str(stripped(peer)), str(_installed(peer)))
        os.sync()  # a page that is not on disk yet would count as written to by a process
        (SERVICES / "other").touch()  # libpam complains where it is missing
        (SERVICES / PERMIT).write_text("auth required pam_permit.so\n")
        yield


def stripped(peer: Peer) -> Path:
    """Return the copy of a module that is measured."""
    return PLACE / peer.module


def _installed(peer: Peer) -> Path:
    (module,) = Path("/usr/lib").glob(f"*/security/{peer.module}")
    return module


def lay_out(peer: Peer, row: Row, user: str) -> Path:
    """Put a user's secret file, as it is before a row's first login, and the peer's service.

    The service has the peer's name. Returns the file's path, also where there is none.
    """
    file = _HOMES / user / ".google_authenticator"
    options = row.option
    file.unlink(missing_ok=True)
    if peer is OATH:  # root's, and one for all users
        file = PLACE / "users.oath"
        options = f"usersfile={file} window=1"
        file.write_text(f"HOTP/T30/6 {user} - {_OTP.byte_secret().hex()}\n")
    elif row.keys is not None:
        file.write_text("\n".join([_SECRET, *(f'" {key}' for key in row.keys), ""]))
        uid = _FIRST_UID + USERS.index(user)
        os.chown(file, uid, uid)
    if file.exists():
        file.chmod(0o600)
    (SERVICES / peer.name).write_text(f"auth required {stripped(peer)} {options}\n")
    return file


def time_of(step: int) -> int:
    """Return when a step begins, in Unix seconds; step 0 is no special one."""
    return (_FIRST_STEP + step) * 30


def right_code(step: int) -> str:
    """Return the code of a step."""
    return _OTP.at(time_of(step))


@cache
def wrong_code() -> str:
    """Return six digits that are no code, at no step, however far the phone's clock may be off."""
    codes = {right_code(step) for step in range(-_SKEW_REACH, STEPS + _SKEW_REACH)}
    return next(code for code in map("{:06}".format, range(10**6)) if code not in codes)


def machine() -> str:
    """Return what the numbers depend on: kernel, processors, file system, versions."""
    model = re.search("^model name\\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    kind = output_of("findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(PLACE))
    packages = ["libpam0g", *(peer.package for peer in ALL if peer.package)]
    versions = output_of(
        "dpkg-query", "--show", "--showformat", ", ${Package} ${Version}", *packages
    )
    return (
        f"{os.cpu_count()} CPUs ({model[1] if model else os.uname().machine}), "
        f"Linux {os.uname().release}, {kind.strip()}, "
        f"{output_of('doorward', '--version').strip()}{versions}"
    )
