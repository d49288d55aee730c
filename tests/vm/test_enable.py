"""`doorward pam enable` on a machine with systemd: timers, a reload of sshd, restarts."""

import json
import shlex
from dataclasses import dataclass

import pytest

from lab.vm import Guest

SSHD = "/etc/pam.d/sshd"
DROP_IN = "/etc/ssh/sshd_config.d/00-doorward.conf"
NAME, PASSWORD = "carol", "carol's own"
UNPROVEN = 14

# Answers what ssh asks for: the password, and then the first line of a file of codes.
ASKPASS = f"""\
#!/bin/sh
case $1 in
*code*) head -n 1 /run/codes; sed -i 1d /run/codes ;;
*) echo {shlex.quote(PASSWORD)} ;;
esac
"""
SSH = (
    "env", "SSH_ASKPASS=/run/askpass", "SSH_ASKPASS_REQUIRE=force",
    "ssh", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null",
    "-oNumberOfPasswordPrompts=1",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A guest with somebody who is enrolled."""

    guest: Guest
    codes: list[str]

    def doorward(self, *arguments: str) -> str:
        """Run a command of `doorward pam` that succeeds."""
        return self.guest.call("doorward", "pam", *arguments)

    def state(self) -> str:
        """What became of the last change."""
        state: str = json.loads(self.doorward("history", "--json"))[0]["state"]
        return state

    def logs_in(self, method: str) -> bool:
        """Log in by SSH; with a recovery code, if one is asked for."""
        self.guest.put("/run/askpass", ASKPASS.encode(), 0o755)
        self.guest.put("/run/codes", f"{self.codes.pop()}\n".encode())
        how = (f"-oPreferredAuthentications={method}", f"{NAME}@127.0.0.1", "id", "-un")
        done = self.guest.run(*SSH, *how)
        return done.status == 0 and done.stdout.decode().strip() == NAME

    def units(self) -> str:
        """What of doorward's units systemd has waiting."""
        waits = "--state=active,activating,failed"
        command = ("systemctl", "list-units", waits, "--no-legend", "--plain", "doorward-*")
        return self.guest.call(*command)


@pytest.fixture(scope="module")
def machine(guest: Guest) -> Machine:
    """A machine as Debian installs it, and carol, who has enrolled."""
    guest.call("useradd", "--create-home", "--shell", "/bin/sh", NAME)
    guest.call("chpasswd", stdin=f"{NAME}:{PASSWORD}\n".encode())
    rest = ("--json", "--recovery-codes", "10", "--rate-limit", "none")
    said = json.loads(guest.call("doorward", "enroll", NAME, *rest))
    guest.call("sync")
    return Machine(guest, said["recovery_codes"])


def test_on_trial_through_a_restart(machine: Machine) -> None:
    """A machine whose admin is locked out would not let them in again once it is started anew."""
    old = machine.guest.call("cat", SSHD)
    assert machine.logs_in("password")
    said = machine.doorward("enable", "sshd", "--nullok", "--confirm-within", "1h")
    assert "a reboot before that would not take it back" not in said
    assert ".timer" in machine.units()
    assert machine.logs_in("keyboard-interactive")
    assert not machine.logs_in("password")
    machine.guest.reboot()
    assert machine.state() == "rolled-back"
    assert machine.guest.call("cat", SSHD) == old
    assert machine.guest.run("test", "-e", DROP_IN).status == 1
    assert machine.logs_in("password")
    assert machine.units() == ""


def test_confirmed(machine: Machine) -> None:
    """What a login has proven would not last, or be watched for ever."""
    machine.doorward("enable", "sshd", "--nullok", "--confirm-within", "1h")
    assert machine.guest.run("doorward", "pam", "confirm").status == UNPROVEN
    assert machine.logs_in("keyboard-interactive")
    machine.doorward("confirm")
    assert machine.units() == ""
    machine.guest.reboot()
    assert machine.state() == "confirmed"
    assert machine.logs_in("keyboard-interactive")
    machine.doorward("disable", "sshd")
    assert machine.logs_in("password")
