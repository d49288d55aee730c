"""The virtual machine that the other tests rely on."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab import vm
from lab.disk import disk
from lab.vm import Done, Guest, GuestError


def test_a_whole_debian(guest: Guest) -> None:
    """What is seen in it would not be so on a machine with systemd."""
    assert guest.call("systemctl", "is-system-running") == "running\n"
    for unit in ("ssh.service", "serial-getty@ttyS0.service", "systemd-logind.service"):
        assert guest.call("systemctl", "is-active", unit) == "active\n"
    assert guest.call("doorward", "--version")


def test_commands(guest: Guest) -> None:
    """A status or a byte of what a command reads and writes would get lost."""
    every = bytes(range(256)) * 1000
    assert guest.run("cat", stdin=every) == Done(0, every, b"")
    said = guest.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert said == Done(3, b"out\n", b"err\n")
    assert guest.run("sh", "-c", "kill -9 $$").status == -9


def test_a_daemon_holds_nothing_up(guest: Guest) -> None:
    """A command that leaves something running would not end, or take that with it."""
    number = guest.call("sh", "-c", "sleep 1000 & echo $!").strip()
    guest.call("kill", number)


def test_failures_are_told(guest: Guest) -> None:
    """A test would wait for ever, or go on with nothing; or the console not be shown."""
    with pytest.raises(GuestError, match=r"(?s)timed out.*doorward login:"):
        guest.run("sleep", "1000", timeout=0.5)
    with pytest.raises(GuestError, match=r"exit status 3 from .*:\nout\.\n"):
        guest.call("sh", "-c", "echo out.; exit 3")
    with pytest.raises(GuestError, match="No such file"):
        guest.run("no-such-program")


def test_a_power_cut(guest: Guest) -> None:
    """What is not on the disk would survive one, and a test of what is lost would show nothing."""
    guest.put("/root/synced", b"here")
    guest.call("sync")
    guest.put("/root/unsynced", b"here")
    guest.call("touch", "/run/memory")
    guest.power_cut()
    assert guest.call("cat", "/root/synced") == "here"
    assert guest.run("cat", "/root/unsynced").stdout == b""
    assert guest.run("cat", "/run/memory").status == 1


def test_a_machine_that_does_not_start(tmp_path: Path) -> None:
    """A test would wait in vain, and not say what for."""
    zeros = tmp_path / "zeros"
    zeros.write_bytes(bytes(1 << 16))
    nothing = replace(disk(), initramfs=zeros, image=zeros)
    with pytest.raises(GuestError, match=r"(?s)QEMU has ended.*Kernel panic"), vm.boot(nothing):
        pass
