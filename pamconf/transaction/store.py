"""The transactions of a machine: prepared, found again, undone."""

import itertools
import re
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pamconf.transaction.errors import (
    Conflict,
    ConflictError,
    PendingError,
    RecordError,
    UntrustedError,
    explained,
)
from pamconf.transaction.plan import Planned, check_expected, inside, missing, plan
from pamconf.transaction.record import Record, actor
from pamconf.transaction.restore import script
from pamconf.transaction.snapshot import (
    Attributes,
    content,
    of_new_file,
    sync_folder,
    write,
    write_private,
)
from pamconf.transaction.transaction import (
    PENDING,
    State,
    Transaction,
    locked,
    state_in,
)
from pamconf.tree import Tree

_ID = re.compile(r"(\d{8}-\d{6})(?:-(\d+))?")
_MODE_PRIVATE = 0o700


class Store:
    """The transactions of this machine, or of an image that is mounted at `root`.

    `folder` is where they are, as seen inside the root; it is made, with those above it, mode
    0700. `tag` is what the log's lines about them begin with.
    """

    def __init__(self, folder: Path, root: Path = Path("/"), *, tag: str = "pamconf") -> None:
        self._tree = Tree(root)
        self.root = self._tree.root
        self.folder = self._tree.real(str(folder))
        self._preparing = self.folder / ".preparing"
        self.tag = tag

    def prepare(
        self,
        changes: Mapping[str, bytes | None],
        *,
        command: str,
        note: Mapping[str, Any] | None = None,
        afterwards: Sequence[Sequence[str]] = (),
        confirm_within: float | None = None,
        expected: Mapping[str, bytes | None] | None = None,
        modes: Mapping[str, int] | None = None,
    ) -> Transaction:
        """Write down a change that is to be made, and have that on disk; no file is touched yet.

        `changes` are absolute paths inside the root and their new contents, None for what is to be
        absent. A file that is there keeps its rights; a new one is root's, mode 0644 or what
        `modes` says. `expected` is what the caller has read: where a file is other now, that is a
        ChangedError. `note` is the caller's own, JSON. `afterwards` are commands to be run when the
        files have been put back (never for an image). With `confirm_within`, in seconds, the change
        has to be confirmed.

        Raises PendingError, LockedError, ChangedError, UsageError, UntrustedError, FileError.
        """
        draft = _draft(command, note, confirm_within, afterwards=afterwards)
        made = {path: of_new_file(mode) for path, mode in (modes or {}).items()}
        return self._prepare(draft, changes, made, expected or {})

    def undo(
        self,
        id_: str,
        *,
        command: str,
        note: Mapping[str, Any] | None = None,
        confirm_within: float | None = None,
    ) -> Transaction:
        """Prepare the transaction that puts back what a confirmed one changed.

        It is applied like any other; once it is confirmed, the other is State.UNDONE. Raises as
        `prepare`; RecordError; StateError where there is nothing to undo; ConflictError where
        somebody has changed a file since.
        """
        looked_at = self.check_undo(id_)
        before = {one.path: one.before for one in looked_at}
        now = {one.path: one.now for one in looked_at}
        undone = self.find(id_)
        files = undone.record.files
        draft = replace(
            _draft(command, note, confirm_within, afterwards=undone.record.afterwards),
            undoes=undone.id,
            folders=undone.record.folders,
        )
        made = {one.path: one.before.attributes for one in files if one.before}
        return self._prepare(draft, before, made, now)

    def check_undo(self, id_: str) -> list[Conflict]:
        """Return each file of a transaction as it was before, after it, and now, if it can go back.

        Raises RecordError; StateError where there is nothing to undo; ConflictError.
        """
        undone = self.find(id_)
        undone.expect(State.CONFIRMED)
        paths = [one.path for one in undone.record.files]
        files = [
            Conflict(path, undone.before(path), undone.after(path), self._content(path))
            for path in paths
        ]
        _refuse_conflicts(files)
        return files

    def recover(self) -> list[Transaction]:
        """Finish what was interrupted, and return those transactions, as they are now.

        What was not applied whole is taken back; so is what was not confirmed in time, where no
        watchdog did it; what is decided is cleared up after. A command calls it before it looks at
        the files that it is to change. Raises LockedError, ToolError, RecordError.
        """
        with explained():
            if self._preparing.exists():
                with locked(self.folder):
                    shutil.rmtree(self._preparing, ignore_errors=True)
        left = [one for one in self.history() if not one.is_settled()]
        for one in left:
            one.settle(*([] if _is_overdue(one) else ["recover"]))
        return [one for one in left if one.is_settled()]

    def pending(self) -> Transaction | None:
        """Return the transaction that is not decided; there is one at most. Raises RecordError."""
        ids = [id_ for id_ in self._ids() if state_in(self.folder / id_) in PENDING]
        return self.find(ids[0]) if ids else None

    def history(self) -> list[Transaction]:
        """Return all transactions, the newest first. Raises RecordError."""
        return [self.find(id_) for id_ in self._ids()]

    def find(self, id_: str) -> Transaction:
        """Return a transaction by its id. Raises RecordError."""
        folder = self.folder / id_
        if id_ not in self._ids():
            raise RecordError(f"there is no transaction {id_!r}")
        try:
            record = Record.from_json((folder / "record.json").read_bytes())
        except (OSError, LookupError, TypeError, ValueError) as error:
            raise RecordError(
                f"{folder}/record.json: cannot be read: {error}",
                hint=f"'sh {folder}/restore' needs no record: it puts the files back, if they wait "
                "for that. Then move the folder away.",
            ) from error
        return Transaction(record, folder, self.root)

    def _ids(self) -> list[str]:
        """Return the ids, the newest first."""
        with explained():
            names = [one.name for one in self.folder.iterdir()] if self.folder.exists() else []
        found = filter(None, map(_ID.fullmatch, names))
        ordered = sorted(found, key=lambda id_: (id_[1], int(id_[2] or 1)), reverse=True)
        return [id_[0] for id_ in ordered]

    def _content(self, path: str) -> bytes | None:
        with explained():
            return content(self._tree.real(path))

    def _prepare(
        self,
        draft: Record,
        changes: Mapping[str, bytes | None],
        made: Mapping[str, Attributes],
        expected: Mapping[str, bytes | None],
    ) -> Transaction:
        with explained():
            self._make_folder()
            with locked(self.folder):
                self._refuse_pending()
                planned = plan(self._tree, changes, made)
                check_expected(planned, expected)
                record = replace(
                    draft,
                    id=self._new_id(draft.when),
                    folders=list(dict.fromkeys([*draft.folders, *self._missing_above(planned)])),
                    files=[one.change(self.root) for one in planned],
                )
                self._write_down(record, planned)
        return Transaction(record, self.folder / record.id, self.root)

    def _make_folder(self) -> None:
        for folder in missing(self._tree, self.folder):
            folder.mkdir(_MODE_PRIVATE)
            sync_folder(folder.parent)
        if self.folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UntrustedError(
                "others than its owner may look into it",
                hint=f"chmod {_MODE_PRIVATE:o} {self.folder}",
                path=str(self.folder),
            )

    def _refuse_pending(self) -> None:
        pending = self.pending()
        if pending:
            raise PendingError(
                f"transaction {pending.id} ({pending.record.command}) is {pending.state()}",
                hint="Confirm that one, or take it back, first.",
            )

    def _missing_above(self, planned: Iterable[Planned]) -> list[str]:
        """Return the folders that are to be made, as seen inside the root, the topmost first."""
        ways = [missing(self._tree, one.real.parent) for one in planned if one.after]
        return [inside(self.root, one) for one in itertools.chain(*ways)]

    def _new_id(self, when: datetime) -> str:
        stem = f"{when:%Y%m%d-%H%M%S}"
        names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        return next(name for name in names if not (self.folder / name).exists())

    def _write_down(self, record: Record, planned: Sequence[Planned]) -> None:
        """Make the folder of a transaction: whole, on disk, or not at all."""
        final, folder = self.folder / record.id, self._preparing
        if folder.exists():
            shutil.rmtree(folder)
        try:
            folder.mkdir(_MODE_PRIVATE)
            _fill(folder, record, planned, script(record, final, self.root, self.tag))
            folder.rename(final)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        sync_folder(self.folder)


def _draft(
    command: str,
    note: Mapping[str, Any] | None,
    confirm_within: float | None,
    afterwards: Sequence[Sequence[str]],
) -> Record:
    """Return a record that has no id yet, and no files."""
    now = datetime.now(UTC).replace(microsecond=0)
    told = [list(one) for one in afterwards]
    return Record("", now, actor(), command, note or {}, confirm_within, None, told, [], [])


def _fill(folder: Path, record: Record, planned: Sequence[Planned], restore: bytes) -> None:
    folders = [folder / name for name in ("before", "after", "theirs", "next")]
    for one in folders:
        one.mkdir(_MODE_PRIVATE)
    for number, file in enumerate(planned, 1):
        if file.before:
            write(folder / "before" / str(number), file.before)
        if file.after:
            write_private(folder / "after" / str(number), file.after.content)
    write_private(folder / "record.json", record.to_json())
    write_private(folder / "restore", restore)
    write_private(folder / "state", f"{State.PREPARED}\n".encode())
    for state in State:
        write_private(folder / "next" / state, f"{state}\n".encode())
    for one in (*folders, folder):
        sync_folder(one)


def _refuse_conflicts(files: Iterable[Conflict]) -> None:
    """Raise ConflictError where a file is neither as the change left it nor as it was before."""
    conflicts = [one for one in files if one.now not in (one.after, one.before)]
    if conflicts:
        names = ", ".join(one.path for one in conflicts)
        raise ConflictError(
            f"changed by somebody since: {names}",
            conflicts,
            hint="Edit the file by hand: what you want of both changes is known to you alone.",
        )


def _is_overdue(transaction: Transaction) -> bool:
    deadline = transaction.deadline
    return deadline is not None and datetime.now(UTC) > deadline
