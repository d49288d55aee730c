"""The way back, as a shell script: it needs neither Python nor anything that was just changed."""

import shlex
from collections.abc import Iterable
from pathlib import Path

from pamconf.transaction.plan import outside
from pamconf.transaction.record import FileChange, Kept, Record

_BODY = Path(__file__).with_name("restore.sh")
_ABSENT = "absent"


def beside(path: Path, id_: str) -> tuple[Path, Path]:
    """Return the names beside a file for the old one, which waits there, and for the new one.

    They are hidden, and end in nothing that an Include or a folder of drop-ins is read for.
    """
    old, new = (path.with_name(f".{path.name}.{id_}.{which}") for which in ("old", "new"))
    return old, new


def script(record: Record, folder: Path, root: Path, tag: str) -> bytes:
    """Return the script that puts the files of a transaction back, or clears up after it.

    `folder` is where the transaction is recorded; `tag` is what the log's lines begin with. For an
    image nothing is run afterwards, and nothing goes to this machine's log.
    """
    is_here = root == Path("/")
    changes = [_arguments(at, one, root, record.id) for at, one in enumerate(record.files, 1)]
    folders = [[str(outside(root, one))] for one in reversed(record.folders)]
    commands = record.afterwards if is_here else ()
    said = "\n".join(
        (
            "#!/bin/sh",
            "# Takes a change of files back that was not confirmed. Do not edit.",
            f"folder={shlex.quote(str(folder))}",
            f"id={shlex.quote(record.id)}",
            f"tag={shlex.quote(tag if is_here else '')}",
            f"undoes={shlex.quote(record.undoes or '')}",
            _function("each_file", changes),
            _function("each_folder", folders),
            _function("each_command", commands),
        )
    )
    return said.encode("utf-8", "surrogateescape") + b"\n" + _BODY.read_bytes()


def _arguments(number: int, change: FileChange, root: Path, id_: str) -> list[str]:
    path = outside(root, change.target)
    names = map(str, (number, path, *beside(path, id_)))
    return [*names, _hash(change.before), _hash(change.after)]


def _hash(kept: Kept | None) -> str:
    return kept.sha256 if kept else _ABSENT


def _function(name: str, calls: Iterable[Iterable[str]]) -> str:
    """Return a function that calls what it is told to, once for each list of arguments."""
    lines = [f'\t"$1" {shlex.join(arguments)}' for arguments in calls]
    return "\n".join((f"{name}() {{", *(lines or ["\t:"]), "}"))
