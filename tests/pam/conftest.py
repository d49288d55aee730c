"""What the tests of the module share: programs to log in with, accounts, and empty folders."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyotp
import pytest

from demo.server import Syslog
from tests.pam.login import copy_programs

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # 160 bits
NOW = 300_000
RECOVERY_CODE = "12345678"
SYSTEM_ARGS = ("secret=/var/lib/doorward/secrets/${USER}", "user=root")

ACCOUNTS = {
    "galuser": (4101, "/home/galuser"),
    "galother": (4102, "/home/galother"),
    "galnohome": (4103, "/home/galnohome"),
    "galrelhome": (4104, "rel"),
}


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """What logs in."""
    copy_programs()


@pytest.fixture(scope="package", autouse=True)
def accounts() -> Iterator[None]:
    """The accounts of ACCOUNTS (name: uid and gid, home), in this private host's /etc/passwd.

    They are gone before the tests of other folders look at who logs in here.
    """
    passwd = Path("/etc/passwd")
    before = passwd.read_text()
    lines = [f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n" for name, (uid, home) in ACCOUNTS.items()]
    passwd.write_text(before + "".join(lines))
    yield
    passwd.write_text(before)


@pytest.fixture
def confdir() -> Iterator[Path]:
    """A folder for service files that every user can read."""
    folder = Path("/srv/doorward-confdir")
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    """Galuser's home, empty, mode 0755."""
    folder = Path(ACCOUNTS["galuser"][1])
    folder.mkdir(mode=0o755)
    owned(folder, "galuser", 0o755)
    yield folder
    shutil.rmtree(folder)


def code_at(when: int = NOW) -> str:
    """The code of SECRET at a time."""
    return pyotp.TOTP(SECRET).at(when)


def owned(path: Path, name: str, mode: int) -> None:
    """Gives a file or folder to an account."""
    uid = 0 if name == "root" else ACCOUNTS[name][0]
    os.chown(path, uid, uid, follow_symlinks=False)
    if not path.is_symlink():
        path.chmod(mode)


def secret_file(*lines: str) -> str:
    """The text of a time-based secret file with these further lines."""
    return "".join(f"{line}\n" for line in [SECRET, '" TOTP_AUTH', *lines])


def enrol(home: Path, *lines: str, name: str = "galuser") -> Path:
    """Writes a secret file with these further lines into a home; returns its path."""
    path = home / ".google_authenticator"
    path.write_text(secret_file(*lines))
    owned(path, name, 0o600)
    return path


@pytest.fixture
def syslog() -> Iterator[Syslog]:
    """What is logged from here to the end of the test."""
    with closing(Syslog()) as log:
        yield log


def logged(syslog: Syslog) -> list[str]:
    """What the module itself logged, without the time and its name."""
    return [line.split("): ", 1)[1] for line in syslog.lines() if "(doorward-test:auth): " in line]


@pytest.fixture
def system_secrets() -> Iterator[Path]:
    """The folder of root's secrets, empty."""
    folder = Path("/var/lib/doorward/secrets")
    folder.parent.mkdir(mode=0o700)
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder.parent)
