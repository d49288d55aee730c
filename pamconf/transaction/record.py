"""What is written down of a change before it is made: who, when, why, and what was there."""

import contextlib
import json
import os
import pwd
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pamconf.transaction.snapshot import Attributes, Snapshot

_FORMAT = 1
_NO_LOGIN = 2**32 - 1  # what the kernel says of a process that no login led to


@dataclass(frozen=True)
class Actor:
    """Who makes a change.

    `login` is who logged in, whatever they became since; `terminal` is a device, `client` the
    address that an SSH connection came from. None: not known.
    """

    uid: int
    login: str | None = None
    terminal: str | None = None
    client: str | None = None


@dataclass(frozen=True)
class Kept:
    """A file before or after the change; its content is kept beside the record."""

    sha256: str
    attributes: Attributes

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> "Kept | None":
        """Return what is to be written down of a file, None of one that is not there."""
        return cls(snapshot.sha256, snapshot.attributes) if snapshot else None


@dataclass(frozen=True)
class FileChange:
    """A file that is changed: None for `before` where it is new, for `after` where it goes.

    `path` is what the caller said, `target` the file that this led to, with no link on the way;
    both as seen inside the root.
    """

    path: str
    target: str
    before: Kept | None
    after: Kept | None


@dataclass(frozen=True)
class Record:
    """A change, as it was meant. What became of it is not in here.

    `folders` are those that the change makes, the deepest last: they go again when they are empty.
    `confirm_within` is in seconds, None for a change that counts at once. `undoes` is the id of
    the transaction that this one takes back.
    """

    id: str
    when: datetime
    by: Actor
    command: str
    note: Mapping[str, Any]
    confirm_within: float | None
    undoes: str | None
    afterwards: Sequence[Sequence[str]]
    folders: Sequence[str]
    files: Sequence[FileChange]

    def to_json(self) -> bytes:
        """Return what `from_json` reads. Raises TypeError where the note is no JSON."""
        return json.dumps({"format": _FORMAT, **_plain(self)}, indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Record":
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError on anything else."""
        said = json.loads(text)
        if said.pop("format") != _FORMAT:
            raise ValueError("a record of another format")
        said["when"] = datetime.fromisoformat(said["when"])
        said["by"] = Actor(**said["by"])
        said["files"] = [_file_change(one) for one in said["files"]]
        return cls(**said)


def _plain(record: Record) -> dict[str, Any]:
    files = [
        {
            "path": one.path,
            "target": one.target,
            "before": _plain_kept(one.before),
            "after": _plain_kept(one.after),
        }
        for one in record.files
    ]
    return {
        **vars(record),
        "when": record.when.isoformat(),
        "by": vars(record.by),
        "files": files,
    }


def _plain_kept(kept: Kept | None) -> dict[str, Any] | None:
    return {"sha256": kept.sha256, **kept.attributes.to_json()} if kept else None


def _file_change(said: Mapping[str, Any]) -> FileChange:
    before, after = map(_kept, (said["before"], said["after"]))
    return FileChange(said["path"], said["target"], before, after)


def _kept(said: Mapping[str, Any] | None) -> Kept | None:
    return Kept(said["sha256"], Attributes.from_json(said)) if said else None


def actor(environment: Mapping[str, str] = os.environ) -> Actor:
    """Return who runs this process, as far as the kernel, sudo and sshd say."""
    connection = environment.get("SSH_CONNECTION") or _inherited("SSH_CONNECTION")
    login = _login_name() or environment.get("SUDO_USER")
    return Actor(os.getuid(), login, _terminal(), connection.split(" ")[0] or None)


def _inherited(name: str, process: Path = Path("/proc/self")) -> str:
    """Return a variable of the nearest process above that has it: sudo hands few of them down."""
    with contextlib.suppress(OSError):  # another user's; or it has just ended
        while process.name != "0":
            for variable in (process / "environ").read_bytes().split(b"\0"):
                found = variable.removeprefix(f"{name}=".encode())
                if found != variable:
                    return found.decode("utf-8", "replace")
            parent = re.findall(r"^PPid:\t(\d+)$", (process / "status").read_text(), re.MULTILINE)
            process = process.with_name(parent[0])
    return ""


def _login_name(source: Path = Path("/proc/self/loginuid")) -> str | None:
    """Return the name of the login that this process comes from (pam_loginuid(8))."""
    try:
        uid = int(source.read_text())
        return None if uid == _NO_LOGIN else pwd.getpwuid(uid).pw_name
    except (OSError, ValueError, KeyError):  # no audit in this kernel; an account that has gone
        return None


def _terminal() -> str | None:
    for number in range(3):
        try:
            return os.ttyname(number)
        except OSError:
            continue
    return None
