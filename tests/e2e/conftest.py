"""What the end-to-end tests share: one OpenSSH server, the log, and people with accounts."""

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from demo.person import Person
from demo.server import Server, Syslog

AccessFile = Callable[[str], str]
AccountLike = Callable[[Person, str], None]

_numbers = itertools.count(1)


# In which file what stands for what: a refusal does not wait for two seconds, and a container
# whose root may not change the audit id (loginuid) still has sessions.
CHANGES = {
    Path("/etc/pam.d/common-auth"): ("pam_unix.so nullok", "pam_unix.so nullok nodelay"),
    Path("/etc/pam.d/sshd"): ("required     pam_loginuid.so", "optional pam_loginuid.so"),
}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server. A test calls its `protect` first."""
    before = {path: path.read_text() for path in CHANGES}
    for path, (debians, ours) in CHANGES.items():
        assert debians in before[path]
        path.write_text(before[path].replace(debians, ours))
    with closing(Server()) as running:
        yield running
    for path, text in before.items():
        path.write_text(text)


@pytest.fixture
def syslog() -> Iterator[Syslog]:
    """What is logged from here to the end of the test."""
    with closing(Syslog()) as log:
        yield log


@pytest.fixture
def person() -> Iterator[Person]:
    """Somebody with an account that no other test has, not enrolled."""
    number = next(_numbers)
    yield Person(f"person{number}", f"pass word {number}")
    shutil.rmtree("/var/lib/doorward", ignore_errors=True)


@pytest.fixture
def enrolled(person: Person) -> Person:
    """Somebody with an account, enrolled by the command line."""
    person.enrol()
    return person


@pytest.fixture
def account_like() -> Iterator[AccountLike]:
    """Makes an account with somebody's password and any name, even one that useradd refuses."""
    passwd, shadow = Path("/etc/passwd"), Path("/etc/shadow")
    before = {path: path.read_text() for path in (passwd, shadow)}

    def make(person: Person, name: str) -> None:
        (hashed,) = re.findall(rf"^{person.name}:(.*)$", shadow.read_text(), re.MULTILINE)
        for path, rest in ((passwd, "x:1999:1999::/tmp:/bin/sh"), (shadow, hashed)):
            with path.open("a") as file:
                file.write(f"{name}:{rest}\n")

    yield make
    for path, text in before.items():
        path.write_text(text)


@pytest.fixture
def access_file() -> Iterator[AccessFile]:
    """Writes an access file with this text; returns the module's option for it."""
    path = Path("/etc/security/doorward-access.conf")

    def write(text: str) -> str:
        path.write_text(text)
        return f"accessfile={path}"

    yield write
    path.unlink(missing_ok=True)
