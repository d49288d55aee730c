"""A disk that cannot be written to, and logins from there: for two files of tests."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.pam.conftest import NOW, owned
from tests.pam.login import Setting, log_in, shell

RUN = Path("/run/doorward")
ALLOWED = Setting(args=["allow_readonly"])
LATER = replace(ALLOWED, time=NOW + 30)
IN, OUT = "PAM_SUCCESS", "PAM_AUTH_ERR"


@dataclass
class Disk:
    """A small disk with galuser's home, open for writing until it is shut."""

    home: Path
    shutting: str
    opening: str

    def shut(self) -> None:
        """Lets nothing be written from here on."""
        shell(self.shutting.format(self.home))

    def open(self) -> None:
        """Lets it be written to again."""
        shell(self.opening.format(self.home))


@pytest.fixture(
    params=[
        ("mount -o remount,ro {}", "mount -o remount,rw {}"),
        ("cat /dev/zero > {}/filling 2> /dev/null || true", "rm {}/filling"),
    ],
    ids=["read-only", "full"],
)
def disk(home: Path, request: pytest.FixtureRequest) -> Iterator[Disk]:
    """A disk for galuser's home, of either kind that cannot be written to."""
    shell(f"mount -t tmpfs -o size=16k none {home}")
    owned(home, "galuser", 0o755)
    yield Disk(home, *request.param)
    shell(f"umount {home}")


@pytest.fixture(autouse=True)
def run() -> Iterator[Path]:
    """The folder for state, which is not there yet."""
    forget()
    yield RUN
    forget()


def forget() -> None:
    """Does away with the state, as a start of the machine does."""
    shell(f"rm -rf {RUN}")


def results(confdir: Path, *logins: tuple[Setting, str]) -> list[str]:
    """What comes of these logins, one after the other."""
    return [log_in(confdir, setting, [f"={code}"]).module for setting, code in logins]
