"""One change of files: prepared, applied, and then confirmed or taken back."""

import contextlib
import enum
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pamconf.process import run
from pamconf.transaction.errors import (
    ChangedError,
    LockedError,
    RecordError,
    StateError,
    explained,
)
from pamconf.transaction.plan import outside
from pamconf.transaction.record import FileChange, Kept, Record
from pamconf.transaction.restore import beside
from pamconf.transaction.snapshot import (
    Snapshot,
    content,
    remove,
    sync_file,
    sync_folder,
    take,
    write,
)

LOCK = "lock"
"""The file in a store that is locked by whoever changes something."""

LOCK_PATIENCE = 3.0
"""Seconds to wait for another process that changes files."""

_PAUSE = 0.02  # seconds between two tries for the lock
_RESTORE_SECONDS = 300.0  # the script may wait for the lock, and for the commands afterwards
_MODE_FOLDER = 0o755

_DISTURBING = {
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
}
"""What a terminal, a lost connection or a shutdown sends: it waits while the lock is held."""


class State(enum.StrEnum):
    """What became of a transaction."""

    PREPARED = "prepared"
    """All is written down, and no file is changed."""
    APPLYING = "applying"
    """Files are being replaced."""
    APPLIED = "applied"
    """All files are replaced, and come back unless that is confirmed."""
    ROLLING_BACK = "rolling-back"
    """Files are being put back."""
    ROLLED_BACK = "rolled-back"
    """All files are as they were before."""
    CONFIRMED = "confirmed"
    """All files are replaced, and stay so."""
    UNDONE = "undone"
    """It was confirmed, and a later transaction took it back."""


PENDING = frozenset({State.PREPARED, State.APPLYING, State.APPLIED, State.ROLLING_BACK})
"""States in which the old files are to come back unless that is decided otherwise."""


@dataclass(frozen=True)
class Transaction:
    """A change of files, in a folder of its own; `root` is where its paths begin."""

    record: Record
    folder: Path
    root: Path

    @property
    def id(self) -> str:
        """What it is called: when it was prepared, in UTC."""
        return self.record.id

    def state(self) -> State:
        """Return what became of it, as it is on disk now. Raises RecordError."""
        return state_in(self.folder)

    @property
    def deadline(self) -> datetime | None:
        """When it is taken back unless it is confirmed; None where it counts at once."""
        seconds = self.record.confirm_within
        return None if seconds is None else self.record.when + timedelta(seconds=seconds)

    @property
    def restore(self) -> Path:
        """The script that takes it back where it is pending, and clears up after it otherwise.

        It may be run at any time, by sh(1); it needs no Python.
        """
        return self.folder / "restore"

    def is_settled(self) -> bool:
        """Tell whether it is decided, and nothing is left to clear away."""
        return not (self.folder / "next").exists()

    def theirs(self) -> list[tuple[str, Path]]:
        """Return what others had made of its files before they were put back: path, and copy."""
        kept = sorted((self.folder / "theirs").iterdir())
        numbers = [int(one.name.partition("-")[0]) for one in kept]
        return [
            (self.record.files[at - 1].path, one) for at, one in zip(numbers, kept, strict=True)
        ]

    def before(self, path: str) -> bytes | None:
        """Return what was in one of its files before. Raises FileError."""
        return self._kept("before", path)

    def after(self, path: str) -> bytes | None:
        """Return what it puts into one of its files. Raises FileError."""
        return self._kept("after", path)

    def apply(self) -> None:
        """Replace the files; then it waits to be confirmed, or counts at once.

        Raises LockedError, and StateError where it is not prepared any more. On ChangedError and
        FileError all files are as they were before, and it is rolled back.
        """
        waits = self.record.confirm_within is not None
        try:
            with explained(), locked(self.folder.parent):
                self.expect(State.PREPARED)
                self._stage()
                self._enter(State.APPLYING)
                self._replace()
                self._enter(State.APPLIED if waits else State.CONFIRMED)
        except (LockedError, StateError):
            raise
        except BaseException:
            if self.state() in PENDING:
                self.roll_back()
            raise
        if not waits:
            self.settle()

    def confirm(self) -> None:
        """Have the change last. Raises LockedError, and StateError where it was taken back."""
        with explained(), locked(self.folder.parent):
            if self.state() is not State.CONFIRMED:
                self.expect(State.APPLIED)
                self._enter(State.CONFIRMED)
        self.settle()

    def roll_back(self) -> None:
        """Put the files back. Raises StateError where it is not pending, and ToolError."""
        self.expect(*PENDING)
        self.settle()
        self.expect(State.ROLLED_BACK)

    def settle(self, *how: str) -> None:
        """Run the script `restore`, which says what `how` may be. Raises ToolError."""
        run(["/bin/sh", str(self.restore), *how], seconds=_RESTORE_SECONDS)

    def expect(self, *states: State) -> None:
        """Raise StateError where it is in none of these states."""
        state = self.state()
        if state not in states:
            raise StateError(f"transaction {self.id} is {state}")

    def _enter(self, state: State) -> None:
        """Write down what became of it; that takes no space on the disk, as in the script."""
        (self.folder / "next" / state).replace(self.folder / "state")
        sync_folder(self.folder)
        sync_folder(self.folder / "next")

    def _kept(self, when: str, path: str) -> bytes | None:
        number = [change.path for change in self.record.files].index(path) + 1
        with explained():
            return content(self.folder / when / str(number))

    def _stage(self) -> None:
        """Put all beside the files that takes space on the disk, so that only renames are left."""
        for folder in self.record.folders:
            real = outside(self.root, folder)
            if not real.exists():
                real.mkdir()
                real.chmod(_MODE_FOLDER)
                sync_folder(real.parent)
        for number, change in enumerate(self.record.files, 1):
            self._stage_file(change, self.folder / "after" / str(number))

    def _stage_file(self, change: FileChange, after: Path) -> None:
        path = outside(self.root, change.target)
        old, new = beside(path, self.id)
        if change.before:
            old.hardlink_to(path)
        if Kept.of(take(old if change.before else path)) != change.before:
            raise ChangedError(f"{change.path}: somebody has changed it meanwhile")
        if change.before:
            sync_file(old)
        if change.after:
            write(new, Snapshot(after.read_bytes(), change.after.attributes))
        if change.before or change.after:
            sync_folder(path.parent)

    def _replace(self) -> None:
        for change in self.record.files:
            path = outside(self.root, change.target)
            if change.after:
                beside(path, self.id)[1].replace(path)
                sync_folder(path.parent)
            elif change.before:
                remove(path)
                sync_folder(path.parent)


def state_in(folder: Path) -> State:
    """Return what became of the transaction in a folder. Raises RecordError."""
    try:
        return State((folder / "state").read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise RecordError(f"{folder}/state: cannot be read: {error}") from error


@contextlib.contextmanager
def locked(store: Path) -> Iterator[None]:
    """Keep all others from changing files by this store. Raises LockedError.

    The same lock is taken by the script that puts files back, and is gone with who held it.
    """
    with open(store / LOCK, "ab", opener=_private) as lock:
        deadline = time.monotonic() + LOCK_PATIENCE
        while not _lock(lock.fileno()):
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"{store}: another process changes files at this moment", hint="Try again."
                )
            time.sleep(_PAUSE)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _DISTURBING)
        try:
            yield
        finally:
            lock.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
