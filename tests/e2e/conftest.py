"""Accounts to enrol, made for a test and gone after it."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.person import Person


def _person(name: str) -> Iterator[Person]:
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)  # noqa: S603, S607 - a table of ours
    person = Person(name)
    person.home.chmod(0o700)
    yield person
    person.leave()
    subprocess.run(["userdel", "--force", name], check=True)  # noqa: S603, S607 - the same
    shutil.rmtree(person.home, ignore_errors=True)


@pytest.fixture
def alice() -> Iterator[Person]:
    """Yield somebody with a home and a login shell."""
    yield from _person("alice")


@pytest.fixture
def bob() -> Iterator[Person]:
    """Yield somebody else."""
    yield from _person("bob")


@pytest.fixture
def system_secrets() -> Iterator[str]:
    """Yield the --secret-file of root's own folder, which is not there before and after."""
    yield "/var/lib/doorward/secrets/${USER}"
    shutil.rmtree("/var/lib/doorward", ignore_errors=True)
