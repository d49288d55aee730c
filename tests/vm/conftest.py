"""What the tests with restarts share: one virtual machine, since each start takes a while."""

from collections.abc import Iterator

import pytest

from lab import disk, vm


@pytest.fixture(scope="session")
def guest() -> Iterator[vm.Guest]:
    """A Debian with systemd, sshd and doorward that has started."""
    with vm.boot(disk.disk()) as running:
        yield running
