"""What a change would do to each file, found out beforehand."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pamconf.errors import FileError, UsageError
from pamconf.transaction.errors import ChangedError, UntrustedError
from pamconf.transaction.record import FileChange, Kept
from pamconf.transaction.snapshot import Attributes, Snapshot, of_new_file, take
from pamconf.tree import Tree

_MODE_NEW = 0o644


@dataclass(frozen=True)
class Planned:
    """A file that is to be changed: `real` is where it is, after all links, on this machine."""

    path: str
    real: Path
    before: Snapshot | None
    after: Snapshot | None

    def change(self, root: Path) -> FileChange:
        """Return what is to be written down of it."""
        target = inside(root, self.real)
        return FileChange(self.path, target, Kept.of(self.before), Kept.of(self.after))


def plan(
    tree: Tree, changes: Mapping[str, bytes | None], made: Mapping[str, Attributes]
) -> list[Planned]:
    """Look at each file that is to be changed; `made` are the attributes of those that are new.

    Raises UsageError where a path is none, or two lead to the same file; UntrustedError; FileError.
    """
    planned = [_plan(tree, path, content, made.get(path)) for path, content in changes.items()]
    if not planned:
        raise UsageError("there is nothing to change")
    targets = [one.real for one in planned]
    for one in planned:
        if targets.count(one.real) > 1:
            raise UsageError(f"{one.path}: another path leads to the same file")
    return planned


def check_expected(planned: Sequence[Planned], expected: Mapping[str, bytes | None]) -> None:
    """Raise ChangedError where a file is not what the caller has read."""
    for one in planned:
        now = one.before and one.before.content
        if one.path in expected and now != expected[one.path]:
            raise ChangedError(f"{one.path}: somebody has changed it meanwhile", hint="Try again.")


def missing(tree: Tree, folder: Path) -> Iterator[Path]:
    """Yield the folders on the way to a real one that are not there, the topmost first.

    Raises UntrustedError where somebody other than root, or who runs this, can change one.
    """
    for one in (*reversed(folder.parents), folder):
        if one.is_relative_to(tree.root):
            try:
                _check_trusted(one, one.lstat())
            except FileNotFoundError:
                yield one


def inside(root: Path, real: Path) -> str:
    """Return a path as it is seen inside the root."""
    return f"/{real.relative_to(root)}"


def outside(root: Path, path: str) -> Path:
    """Return where a path inside the root is on this machine, if no link leads elsewhere."""
    return root / path.lstrip("/")


def _plan(tree: Tree, path: str, content: bytes | None, made: Attributes | None) -> Planned:
    folder, _, name = path.rpartition("/")
    if not path.startswith("/") or name in {"", ".", ".."} or "\0" in path:
        raise UsageError(f"not an absolute path of a file: {path!r}")
    real = tree.real(path)
    for way in (tree.real(folder), real.parent):
        list(missing(tree, way))
    before = take(real)
    if content is None:
        return Planned(path, real, before, None)
    attributes = before.attributes if before else made or of_new_file(_MODE_NEW)
    return Planned(path, real, before, Snapshot(content, attributes))


def _check_trusted(folder: Path, facts: os.stat_result) -> None:
    if not stat.S_ISDIR(facts.st_mode):
        raise FileError("not a folder", path=str(folder))
    others = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if others or facts.st_uid not in {0, os.geteuid()}:
        raise UntrustedError(
            "others than root can change what is in it",
            hint="Files that logins go by must be in folders that root alone can change.",
            path=str(folder),
        )
