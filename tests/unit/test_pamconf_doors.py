"""A service's doors: sshd's methods, and PAM's own."""

import pytest

from pamconf import stack
from pamconf.accounts import Account
from pamconf.doors import Door, own_door, sshd_doors
from pamconf.login import World
from pamconf.sshd import Connection, effective, load
from pamconf.tree import Texts

D = "/etc/pam.d"
ALICE = Account("alice", 1000, ("alice",))
STACK = """auth required pam_unix.so
auth required pam_google_authenticator.so
account required pam_permit.so
"""


def doors(config: str, text: str = STACK, account: Account = ALICE) -> dict[str, Door]:
    """Sshd's doors, by their names."""
    service = stack.load_from({D: b"", f"{D}/sshd": text.encode()}.get, "sshd")
    read = load(Texts({"/etc/ssh/sshd_config": config}))
    connection = Connection(account.name, account, "192.0.2.7")
    found = sshd_doors(service, effective(read, connection), World())
    return {door.name: door for door in found}


def lines(door: Door) -> list[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
    """What is asked, and with which answers somebody gets in."""
    return [(decision.asked, decision.keys) for decision in door.decisions]


BOTH = ("password", "code")


def test_debian_s_own_settings() -> None:
    """An admin would count on a code that no one can type, or that keys are asked for."""
    found = doors("UsePAM yes\nKbdInteractiveAuthentication no\n")
    assert list(found) == ["publickey", "password", "keyboard-interactive"]
    assert lines(found["publickey"]) == [(("key",), (("key",),))]
    assert not found["publickey"].asks_pam
    assert lines(found["password"]) == [(BOTH, ())]
    assert not found["password"].is_usable
    assert "no code can be typed" in found["password"].notes[-1]
    (obstacle,) = found["keyboard-interactive"].obstacles
    assert str(obstacle.source) == "/etc/ssh/sshd_config:2"


def test_the_code_can_be_typed() -> None:
    """A door that works would look like one that does not."""
    found = doors("UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n")
    assert lines(found["keyboard-interactive"]) == [(BOTH, (BOTH,)), (BOTH, ())]
    assert found["keyboard-interactive"].is_usable
    assert not found["password"].is_usable


def test_without_pam() -> None:
    """It would not be seen that the password logs in without a code."""
    found = doors("UsePAM no\n")
    assert lines(found["password"]) == [(("password",), (("password",),))]
    assert not found["password"].asks_pam


@pytest.mark.parametrize("type_", ["account", "auth"])
def test_a_key_and_then_pam(type_: str) -> None:
    """What sshd asks before PAM does would be left out, or account rules would."""
    config = "UsePAM yes\nAuthenticationMethods publickey,keyboard-interactive:pam\n"
    (door,) = doors(config).values()
    assert door.name == "publickey,keyboard-interactive:pam"
    assert lines(door)[0] == (("key", *BOTH), (("key", *BOTH),))
    (door,) = doors(config, f"{STACK}{type_} required pam_deny.so\n").values()
    assert not door.is_usable


def test_every_other_service() -> None:
    """A service that is not sshd would have sshd's doors."""
    service = stack.load_from({D: b"", f"{D}/login": STACK.encode()}.get, "login")
    (door,) = own_door(service, World())
    assert (door.name, door.asks_pam) == ("", True)
    assert lines(door) == [(BOTH, (BOTH,)), (BOTH, ())]
