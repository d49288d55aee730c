"""`doorward pam access test` asks this machine's name service, as pam_access does."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.enrollee import Enrollee, account, run_as_root

FILE = Path("/etc/security/access-doorward.conf")
NAMES = {
    "/etc/group": "main:x:5001:alice\n",
    "/etc/hosts": "10.1.2.3 v4.example.org\n2001:db8::6 v6.example.org\n",
    "/etc/netgroup": "people (-,alice,)\nmachines (v4.example.org,-,)\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nnetgroup: files\n",
}

# The line, and from where alice comes; then whether it lets her in.
LOGINS = [
    ("+ : main : ALL", "10.1.2.3", True),
    ("+ : (alice) : ALL", "10.1.2.3", True),
    ("+ : root : ALL", "10.1.2.3", False),
    ("+ : (no-such-group) : ALL", "10.1.2.3", False),
    ("+ : @people : ALL", "10.1.2.3", True),
    ("+ : @machines : ALL", "10.1.2.3", False),
    ("+ : ALL : @machines", "v4.example.org", True),
    (f"+ : alice@{socket.gethostname()} : ALL", "10.1.2.3", True),
    ("+ : ALL : 10.1.", "v4.example.org", True),
    ("+ : ALL : 2001:db8::/32", "v6.example.org", True),
    ("+ : ALL : 10. 2001:db8::/32", "v6.example.org", False),
    ("+ : ALL : fe80::/10", "fe80::1%lo", True),
]


@pytest.fixture(scope="module")
def alice() -> Iterator[Enrollee]:
    """Yield alice, with NAMES in this private host's /etc."""
    with account("alice") as person:
        before = {name: Path(name).read_text() for name in NAMES if Path(name).exists()}
        for name, text in NAMES.items():
            kept = "" if name == "/etc/nsswitch.conf" else before.get(name, "")
            Path(name).write_text(kept + text)
        yield person
        FILE.unlink()
        for name in NAMES:
            if name in before:  # in a container it may be mounted, so that nobody can remove it
                Path(name).write_text(before[name])
            else:
                Path(name).unlink()


@pytest.mark.parametrize(("line", "rhost", "expected"), LOGINS)
def test_names_are_looked_up(alice: Enrollee, line: str, rhost: str, *, expected: bool) -> None:
    """An admin would be told of another decision than this machine's."""
    FILE.write_text(f"{line}\n- : ALL : ALL\n")
    login = ("--user", alice.name, "--from", rhost)
    run = run_as_root("pam", "access", "test", str(FILE), *login, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["pam_access"]["granted"] == expected


def test_anybody_may_ask(alice: Enrollee) -> None:
    """Who may read a file would need root's rights to understand it."""
    FILE.write_text("- : ALL : ALL\n")
    run = alice.run("pam", "access", "check", str(FILE))
    assert (run.returncode, run.stdout, run.stderr) == (0, "Nothing is wrong.\n", "")
    run = alice.run("pam", "access", "test", str(FILE), "--user", "root", "--from", "10.1.2.3")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("pam_access: refuses, by line 1\n")
