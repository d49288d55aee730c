"""Watchdogs, with stand-ins for systemd's programs: what they are told, and what comes of it.

The real systemd is asked in a virtual machine, and the process that waits is one in tests/e2e.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pamconf import watchdog
from pamconf.errors import FileError, ToolError, UsageError
from pamconf.transaction import State, Store, Transaction
from pamconf.watchdog import Guard, Systemd, arm


@pytest.fixture
def prepared(tmp_path: Path) -> Transaction:
    """A change of a file below a folder, which is taken for the machine's root."""
    root = tmp_path / 'a "root" $x %h'
    (root / "etc").mkdir(parents=True)
    for folder in (root, root / "etc"):
        folder.chmod(0o755)
    (root / "etc/file").write_bytes(b"old\n")
    store = Store(Path("/var/lib/example"), root)
    return replace(
        store.prepare({"/etc/file": b"new\n"}, command="x", confirm_within=300), root=Path("/")
    )


@dataclass(frozen=True)
class Machine:
    """A systemd that is not there: its folders, and what its programs were told."""

    systemd: Systemd
    calls: Path

    def said(self) -> list[list[str]]:
        """What the programs were called with."""
        return [shlex.split(line) for line in self.calls.read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that was started by systemd."""
    for folder in ("run", "units"):
        (tmp_path / folder).mkdir()
    calls = tmp_path / "calls"
    calls.touch()
    for name in ("systemctl", "systemd-run"):
        program = tmp_path / name
        quoted = 'for one; do printf " \'%s\'" "$one"; done; echo'
        program.write_text(f'#!/bin/sh\n{{ printf {name}; {quoted}; }} >>"{calls}"\n')
        program.chmod(0o755)
    (tmp_path / "systemd").touch()
    systemd = Systemd(
        tmp_path / "run",
        tmp_path / "systemd",
        tmp_path / "units",
        str(tmp_path / "systemctl"),
        str(tmp_path / "systemd-run"),
    )
    return Machine(systemd, calls)


def test_both_watchdogs(prepared: Transaction, machine: Machine) -> None:
    """The timer would run something else, or not be looked for; or the files not come back."""
    name = f"example-{prepared.id}"
    assert arm(prepared, 300, "example", machine.systemd) == Guard(f"{name}.timer", at_boot=True)
    enabled, started, active = machine.said()
    assert enabled == ["systemctl", "--root=/", "is-enabled", f"{name}-boot.service"]
    assert active == ["systemctl", "is-active", f"{name}.timer"]
    assert {f"--unit={name}", "--on-active=300000ms", "--collect"} <= set(started)
    assert started[-2:] == ["/bin/sh", str(prepared.restore)]
    unit = machine.systemd.units / f"{name}-boot.service"
    link = machine.systemd.units / "sysinit.target.wants" / unit.name
    assert link.resolve() == unit
    assert unit.stat().st_mode & 0o777 == 0o644


def test_the_unit_of_the_next_start(prepared: Transaction, machine: Machine) -> None:
    """Somebody could log in before the files are back, or the machine wait for ever."""
    arm(prepared, 300, "example", machine.systemd)
    (unit,) = machine.systemd.units.glob("*.service")
    lines = unit.read_text().splitlines()
    path = str(prepared.restore).replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    assert f'ExecStart=/bin/sh "{path}" boot' in lines
    assert "DefaultDependencies=no" in lines
    assert "TimeoutStartSec=2min" in lines
    before = {word for line in lines if line.startswith("Before=") for word in line[7:].split()}
    assert {"sysinit.target", "ssh.service", "getty.target", "display-manager.service"} <= before
    assert re.search("^After=.*local-fs.target", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("decide", [Transaction.confirm, Transaction.roll_back])
def test_disarmed_when_it_is_decided(
    prepared: Transaction, machine: Machine, decide: Callable[[Transaction], None]
) -> None:
    """A watchdog would come when all is over, and every start of the machine run a script."""
    wants = machine.systemd.units / "sysinit.target.wants"
    wants.mkdir()
    (wants / "other.service").touch()
    arm(prepared, 300, "example", machine.systemd)
    changed = replace(prepared, root=prepared.folder.parents[3])
    changed.apply()
    assert len(list(machine.systemd.units.glob("*.service"))) == 1
    decide(changed)
    assert machine.said()[-1] == ["systemctl", "stop", f"example-{prepared.id}.timer"]
    assert [one.name for one in machine.systemd.units.rglob("*.service")] == ["other.service"]


@pytest.mark.parametrize("broken", ["systemctl", "systemd-run"])
def test_a_watchdog_that_cannot_be_armed(
    prepared: Transaction, machine: Machine, broken: str
) -> None:
    """The change would be made with nothing that takes it back."""
    Path(machine.systemd.units.with_name(broken)).write_text("#!/bin/sh\nfalse\n")
    with pytest.raises(ToolError):
        arm(prepared, 300, "example", machine.systemd)
    assert prepared.state() is State.ROLLED_BACK
    assert list(machine.systemd.units.rglob("*.service")) == []


def test_units_that_cannot_be_written(prepared: Transaction, machine: Machine) -> None:
    """As above."""
    machine.systemd.units.rmdir()
    with pytest.raises(FileError):
        arm(prepared, 300, "example", machine.systemd)
    assert prepared.state() is State.ROLLED_BACK


@pytest.mark.parametrize("name", ["", "a b", "../x", "a%b", "a@b"])
def test_names_that_are_none(prepared: Transaction, name: str) -> None:
    """A unit would be written somewhere else, or mean something else."""
    with pytest.raises(UsageError):
        arm(prepared, 300, name)


def test_images_are_not_watched(prepared: Transaction, machine: Machine) -> None:
    """This machine would take back what belongs to another."""
    image = replace(prepared, root=prepared.folder.parents[3])
    assert arm(image, 300, "example", machine.systemd) == Guard()
    assert machine.said() == []
    assert not (prepared.folder / "disarm").exists()


@pytest.fixture
def bare(machine: Machine) -> Machine:
    """A machine without systemd."""
    machine.systemd.runs.rmdir()
    machine.systemd.program.unlink()
    return machine


@contextlib.contextmanager
def waiting(guard: Guard) -> Iterator[int]:
    """The process that waits, which is ended if it does not end by itself."""
    assert guard.process
    try:
        yield guard.process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(guard.process, signal.SIGKILL)


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it comes to be so within half a minute."""
    deadline = time.monotonic() + 30
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


def opened(process: int) -> set[Path]:
    """What a process has open."""
    return {one.readlink() for one in Path(f"/proc/{process}/fd").iterdir()}


def is_gone(process: int) -> bool:
    """Whether a process has ended."""
    return (
        not Path(f"/proc/{process}/cmdline").exists()
        or not Path(f"/proc/{process}/cmdline").read_bytes()
    )


def test_a_process_where_systemd_does_not_run(prepared: Transaction, bare: Machine) -> None:
    """Without systemd nothing would take the change back, or it be taken back too early."""
    guard = arm(prepared, 1, "example", bare.systemd)
    assert guard == Guard(None, guard.process, at_boot=False)
    with waiting(guard) as process:
        assert os.getsid(process) != os.getsid(0)
        assert eventually(lambda: opened(process) == {Path("/dev/null")})
        changed = replace(prepared, root=prepared.folder.parents[3])
        changed.apply()
        assert eventually(changed.is_settled)
        assert changed.state() is State.ROLLED_BACK
        assert eventually(lambda: is_gone(process))


def test_a_process_ends_when_it_is_decided(prepared: Transaction, bare: Machine) -> None:
    """A process would stay that waits for nothing."""
    with waiting(arm(prepared, 3600, "example", bare.systemd)) as process:
        changed = replace(prepared, root=prepared.folder.parents[3])
        changed.apply()
        changed.confirm()
        assert eventually(lambda: is_gone(process))
        assert changed.state() is State.CONFIRMED


def test_a_process_tries_again(
    prepared: Transaction, bare: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails once would keep the old files from coming back."""
    monkeypatch.setattr(watchdog, "_SECONDS_AGAIN", 0.05)
    changed = replace(prepared, root=prepared.folder.parents[3])
    path = changed.root / "etc/file"
    with waiting(arm(prepared, 1, "example", bare.systemd)):
        changed.apply()
        path.unlink()
        path.mkdir()
        assert eventually(lambda: changed.state() is State.ROLLING_BACK)
        path.rmdir()
        assert eventually(changed.is_settled)
    assert path.read_bytes() == b"old\n"


def test_the_program_that_waits_is_one() -> None:
    """A slip in it would be seen by nobody until it is needed."""
    subprocess.run(["sh", "-n", "-c", watchdog._WAIT], check=True)


def test_a_transaction_that_has_gone(prepared: Transaction, bare: Machine) -> None:
    """A process would wait for ever for what somebody has removed."""
    with waiting(arm(prepared, 1, "example", bare.systemd)) as process:
        prepared.folder.rename(prepared.folder.with_name("away"))
        assert eventually(lambda: is_gone(process))
