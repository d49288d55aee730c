"""What the end-to-end tests share: one OpenSSH server, the log, and people with accounts."""

import itertools
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from demo.person import Person
from demo.server import Server, Syslog

AccessFile = Callable[[str], str]
Write = Callable[[Path, str | bytes], None]
AccountLike = Callable[[Person, str], None]

_numbers = itertools.count(1)


# In which file what stands for what: a refusal does not wait for seconds, and a container whose
# root may not change the audit id (loginuid) still has sessions.
CHANGES = [
    ("common-auth", "pam_unix.so nullok", "pam_unix.so nullok nodelay"),
    ("lightdm", "required        pam_loginuid.so", "optional pam_loginuid.so"),
    ("login", "pam_faildelay.so  delay=3000000", "pam_faildelay.so delay=0"),
    ("login", "required     pam_loginuid.so", "optional pam_loginuid.so"),
    ("sshd", "required     pam_loginuid.so", "optional pam_loginuid.so"),
]


@pytest.fixture(scope="session")
def eased() -> Iterator[None]:
    """Services that are as in Debian, but for CHANGES."""
    paths = [Path("/etc/pam.d", name) for name, *_ in CHANGES]
    before = {path: path.read_text() for path in paths}
    for path, (_, debians, ours) in zip(paths, CHANGES, strict=True):
        text = path.read_text()
        assert debians in text
        path.write_text(text.replace(debians, ours))
    yield
    for path, text in before.items():
        path.write_text(text)


@pytest.fixture(scope="session")
def server(eased: None) -> Iterator[Server]:  # noqa: ARG001 - it has done its work
    """The server. A test calls its `protect` first."""
    with closing(Server()) as running:
        yield running


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


@pytest.fixture
def write() -> Iterator[Write]:
    """Write files, which are as before at the end of the test."""
    with ExitStack() as undo:

        def written(path: Path, content: str | bytes) -> None:
            before = path.read_bytes() if path.exists() else None
            undo.callback(
                path.unlink if before is None else lambda: path.write_bytes(before or b"")
            )
            path.write_bytes(content.encode() if isinstance(content, str) else content)

        yield written


@pytest.fixture(scope="module")
def sshd_answers() -> Iterator[None]:
    """Have what sshd needs to say what counts, as on a machine where it runs."""
    run = Path("/run/sshd")
    is_there = run.exists()
    run.mkdir(mode=0o755, exist_ok=True)
    subprocess.run(["ssh-keygen", "-A"], check=True, capture_output=True)
    yield
    if not is_there:
        run.rmdir()
