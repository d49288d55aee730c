"""What is on the disk where a system call of a change fails, or where it dies between two.

A power cut leaves what a process leaves that dies there, as long as everything is synced in order;
and whether it is, is looked for, too. Each fault is followed by what comes next: the script that a
watchdog runs, or the next command.
"""

import itertools
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pamconf.errors import FileError
from pamconf.transaction import Store, Transaction
from pamconf.transaction.transaction import State
from tests.e2e.change import ACTIONS, FOLDER, NEEDS, NEW, OLD, ONE, STORE, THREE, TOLD, TWO, prepare
from tests.e2e.faults import (
    KILL,
    MAKING,
    RENAMING,
    Call,
    between_markers,
    calls,
    traced,
    unsafe_renames,
)

KILLED = -9
PROGRAM = (sys.executable, "-BS", "-m", "tests.e2e.change")
AS_IF_CHANGED = (State.APPLIED, State.CONFIRMED, State.UNDONE)


@pytest.fixture(autouse=True)
def folder() -> Iterator[None]:
    """A folder with two files, and no transactions."""
    reset()
    yield
    for path in (FOLDER, STORE.parent):
        shutil.rmtree(path, ignore_errors=True)


def reset() -> None:
    """Have all as it was in the beginning."""
    for each in (FOLDER, STORE.parent):
        shutil.rmtree(each, ignore_errors=True)
    TOLD.unlink(missing_ok=True)
    FOLDER.mkdir()
    for path, content in OLD.items():
        Path(path).write_bytes(content)


def start(action: str) -> None:
    """Have all as it is before an action."""
    reset()
    if action in NEEDS:
        ACTIONS[NEEDS[action]]()


def files(*, hidden: bool = True) -> dict[str, bytes]:
    """What is in the folder."""
    found = [path for path in FOLDER.rglob("*") if not path.is_dir()]
    kept = [path for path in found if hidden or not path.name.startswith(".")]
    return {str(path): path.read_bytes() for path in kept}


def wanted() -> dict[str, bytes]:
    """What should be in the folder, by the record: before, and what counts of each change."""
    contents = dict(OLD)
    for one in reversed(Store(STORE).history()):
        if one.state() in AS_IF_CHANGED:
            for file in one.record.files:
                after = one.after(file.path)
                contents.pop(file.path, None)
                contents |= {} if after is None else {file.path: after}
    return contents


def are_whole() -> bool:
    """Whether each file is one of those that it may be, from the first byte to the last."""
    now = files(hidden=False)
    return all(now.get(path) in (OLD.get(path), NEW.get(path)) for path in (ONE, TWO, THREE))


def check_settled() -> None:
    """All is as the record says, and nothing lies about."""
    assert files() == wanted()
    assert (FOLDER / "new").exists() == (THREE in wanted())
    history = Store(STORE).history()
    assert all(one.is_settled() for one in history)
    assert {one.name for one in STORE.glob("*")} <= {one.id for one in history} | {"lock"}


def run_restore(transaction: Transaction) -> None:
    """Do what a watchdog does."""
    subprocess.run(["/bin/sh", transaction.restore], check=True, capture_output=True)


def by_the_next_command() -> None:
    """Clean up as the next command does."""
    store = Store(STORE)
    store.recover()
    pending = store.pending()
    if pending:
        assert pending.state() is State.APPLIED
        assert files(hidden=False) == wanted()
        pending.roll_back()


def by_a_watchdog() -> None:
    """Clean up as a watchdog does; it knows nothing of what was not even prepared."""
    for one in Store(STORE).history():
        run_restore(one)
    shutil.rmtree(STORE / ".preparing", ignore_errors=True)


def steps(action: str, trace: Path) -> list[Call]:
    """What an action does to the disk where all goes well, in an order that bears a power cut."""
    start(action)
    done = traced([*PROGRAM, action], trace)
    assert done.returncode == 0, done.stderr
    found = between_markers(calls(trace))
    assert unsafe_renames(found) == []
    changing = [call for call in found if call.changes_the_disk]
    assert len({call.name for call in changing} & {"fsync", *RENAMING}) > 1
    # What is prepared is written alike: a file stands for its folder, one action for all.
    recording = {
        (call.name, str(Path(call.paths[0]).parent)): call
        for call in changing
        if ".preparing" in call.paths[0]
    }
    others = [call for call in changing if ".preparing" not in call.paths[0]]
    return [*(recording.values() if action == "change" else ()), *others]


@pytest.mark.parametrize("action", ["change", "try", "confirm", "undo"])
def test_dying_at_any_call(tmp_path: Path, action: str) -> None:
    """A power cut would leave half a change that nobody takes back, or a record that lies."""
    ways = itertools.cycle([by_the_next_command, by_a_watchdog])
    for call, clean_up in zip(steps(action, tmp_path / "whole"), ways, strict=False):
        start(action)
        inject = f"-einject={call.name}:{KILL}:when={call.number}"
        assert traced([*PROGRAM, action], tmp_path / "cut", inject).returncode == KILLED, call
        assert are_whole(), call
        clean_up()
        check_settled()


def failing(name: str) -> str:
    """How a call fails: where it needs space, because there is none."""
    return "error=ENOSPC" if name in MAKING else "error=EIO"


@pytest.mark.parametrize("action", ["change", "try", "confirm", "undo"])
def test_a_call_that_fails(tmp_path: Path, action: str) -> None:
    """A disk that fails or is full would leave half a change, and wait for the next command."""
    for call in steps(action, tmp_path / "whole"):
        start(action)
        inject = f"-einject={call.name}:{failing(call.name)}:when={call.number}"
        done = traced([*PROGRAM, action], tmp_path / "failed", inject)
        assert done.returncode == 1, (call, done.stderr)
        assert files(hidden=False) == wanted(), call
        states = {one.state() for one in Store(STORE).history()}
        assert not states & {State.APPLYING, State.ROLLING_BACK}, call
        assert action == "confirm" or State.APPLIED not in states, call
        by_the_next_command()
        check_settled()


def fill(folder: Path) -> None:
    """Leave no space on a disk."""
    subprocess.run(["sh", "-c", f"cat /dev/zero >{folder}/filling"], check=False, stderr=-3)


@pytest.fixture
def disks() -> Iterator[list[Path]]:
    """Two small disks, for the files and for what is kept of them."""
    places = [FOLDER, STORE.parent]
    for place in places:
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", place], check=True)
        place.chmod(0o755)
    for path, content in OLD.items():
        Path(path).write_bytes(content)
    yield places
    for place in places:
        subprocess.run(["umount", place], check=True)


def test_no_space_left_for_a_change(disks: list[Path]) -> None:
    """It would be made by halves, or take the last space."""
    for full in disks:
        fill(full)
        with pytest.raises(FileError, match="No space left"):
            prepare().apply()
        (full / "filling").unlink()
        by_the_next_command()
        assert files() == OLD
    assert not Store(STORE).pending()


def test_no_space_left_for_the_way_back(disks: list[Path]) -> None:
    """A disk that fills up in those five minutes would lock everybody out."""
    made = applied()
    for full in disks:
        fill(full)
    run_restore(made)
    assert made.state() is State.ROLLED_BACK
    for full in disks:
        (full / "filling").unlink()
    check_settled()


# --- The way back ---------------------------------------------------------------------------------


def applied() -> Transaction:
    """A change that waits."""
    made = prepare(3600)
    made.apply()
    return made


def half_applied() -> Transaction:
    """A change of which the first file is replaced."""
    made = applied()
    (made.folder / "state").write_text("applying\n")
    (FOLDER / f".two.{made.id}.old").rename(TWO)
    (FOLDER / "new/three").rename(FOLDER / f"new/.three.{made.id}.new")
    return made


def without_the_old_files() -> Transaction:
    """A change whose old files somebody has tidied up."""
    made = applied()
    for path in FOLDER.glob(".*.old"):
        path.unlink()
    return made


def with_an_edit() -> Transaction:
    """A change of which somebody edited two files while it waited."""
    made = applied()
    for path in (ONE, THREE):
        Path(path).rename(f"{path}~")
        Path(path).write_bytes(b"theirs\n")
        Path(f"{path}~").unlink()
    return made


def confirmed() -> Transaction:
    """A change that is confirmed, but not yet cleared up after."""
    made = applied()
    made._enter(State.CONFIRMED)
    return made


SITUATIONS = [applied, half_applied, without_the_old_files, with_an_edit, confirmed]


def check_put_back(made: Transaction) -> None:
    """The old files are there, as they were; where it is confirmed, the new ones."""
    check_settled()
    is_confirmed = made.state() is State.CONFIRMED
    assert TOLD.exists() != is_confirmed
    assert files() == (NEW if is_confirmed else OLD)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_script_dies_between_two_commands(
    tmp_path: Path, situation: Callable[[], Transaction]
) -> None:
    """Whoever restarts the machine at the wrong moment would be locked out."""
    trace = tmp_path / "trace"
    made = situation()
    assert traced(["/bin/sh", made.restore], trace).returncode == 0
    check_put_back(made)
    found = [call for call in calls(trace) if call.name in {"clone", "clone3", "fork", "vfork"}]
    assert len(found) > 10
    for call in found:
        reset()
        made = situation()
        inject = f"-einject={call.name}:{KILL}:when={call.number}"
        assert traced(["/bin/sh", made.restore], trace, inject).returncode == KILLED, call
        run_restore(made)  # it waits for a command that goes on, which has the lock
        check_put_back(made)


@pytest.mark.parametrize("dies", [True, False], ids=["dies", "fails"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_command_of_the_script_fails(
    tmp_path: Path, situation: Callable[[], Transaction], *, dies: bool
) -> None:
    """A disk that fails would lock out, or the files be put back by halves for ever."""
    trace = tmp_path / "trace"
    first = situation()
    assert traced(["/bin/sh", first.restore], trace, "-f").returncode == 0
    found = [call for call in calls(trace) if call.changes_the_disk]
    assert unsafe_renames(found) == []
    for name, path in dict.fromkeys((call.name, call.target) for call in found):
        reset()
        made = situation()
        about = f"-P{path.replace(first.id, made.id)}"
        fault = f"-einject={name}:{KILL if dies else failing(name)}"
        traced(["/bin/sh", made.restore], trace, "-f", about, fault)
        assert "(INJECTED)" in trace.read_text() or "killed by SIGKILL" in trace.read_text(), name
        assert situation is with_an_edit or are_whole(), (name, path)
        run_restore(made)
        check_put_back(made)
        if situation is with_an_edit:
            kept = [(one, copy.read_bytes()) for one, copy in made.theirs()]
            assert kept == [(ONE, b"theirs\n"), (THREE, b"theirs\n")], (name, path)
