"""A file as it was at one moment: its content, and who may do what with it."""

import base64
import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pamconf.errors import FileError
from pamconf.tree import CONTENT_MAX

_KERNELS_OWN = ("security.evm", "security.ima")
"""Extended attributes that vouch for a content, and that the kernel makes itself."""

_NOT_PLAIN = (errno.ELOOP, errno.ENXIO)  # open(2): a symbolic link; a socket


@dataclass(frozen=True)
class Attributes:
    """Rights to a file, and labels of it: SELinux's and POSIX ACLs are among the xattrs."""

    mode: int
    uid: int
    gid: int
    xattrs: Mapping[str, bytes] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads: the mode is octal, values of xattrs are in base64."""
        xattrs = {name: base64.b64encode(value).decode() for name, value in self.xattrs.items()}
        return {"mode": f"{self.mode:04o}", "uid": self.uid, "gid": self.gid, "xattrs": xattrs}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Attributes":
        """Read what `to_json` wrote."""
        xattrs = {name: base64.b64decode(value) for name, value in said["xattrs"].items()}
        return cls(int(said["mode"], 8), said["uid"], said["gid"], xattrs)


@dataclass(frozen=True)
class Snapshot:
    """What was in a file, and its attributes."""

    content: bytes
    attributes: Attributes

    @property
    def sha256(self) -> str:
        """The content's hash in hex, as sha256sum(1) prints it."""
        return hashlib.sha256(self.content).hexdigest()


def of_new_file(mode: int) -> Attributes:
    """Return the attributes of a file that was not there: root's, if root makes it."""
    uid = os.geteuid()
    return Attributes(mode, uid, os.getegid() if uid else 0)


def take(path: Path) -> Snapshot | None:
    """Return what there is now, None for nothing.

    Raises FileError on a link (it is not followed), a folder, a device, a pipe, and on more than
    CONTENT_MAX bytes; OSError where it cannot be read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NOT_PLAIN:
            raise _not_plain(path) from error
        raise
    try:
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode):
            raise _not_plain(path)
        attributes = Attributes(
            stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid, _xattrs(file)
        )
        return Snapshot(_read(file, path), attributes)
    finally:
        os.close(file)


def content(path: Path) -> bytes | None:
    """Return what is in a file now, None where there is none. Raises as `take`."""
    now = take(path)
    return now.content if now else None


def write(path: Path, snapshot: Snapshot) -> None:
    """Make a file that is not there yet, attributes and all, and have it on disk.

    Raises OSError; then a part of it may be there.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb", buffering=0) as stream:
        file, left, wanted = stream.fileno(), snapshot.content, snapshot.attributes
        while left:
            left = left[stream.write(left) :]
        os.fchown(file, wanted.uid, wanted.gid)
        os.fchmod(file, wanted.mode)
        for name, value in wanted.xattrs.items():
            os.setxattr(file, name, value)
        os.fsync(file)


def write_private(path: Path, content: bytes) -> None:
    """Make a file that is not there yet, mode 0600, and have it on disk. Raises OSError."""
    write(path, Snapshot(content, of_new_file(0o600)))


def remove(path: Path) -> None:
    """Remove a file, if there is one."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def sync_file(path: Path) -> None:
    """Have what is in a file on disk, whoever wrote it. Raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Have the names in a folder on disk. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: int, path: Path) -> bytes:
    with os.fdopen(file, "rb", closefd=False) as stream:
        read = stream.read(CONTENT_MAX + 1)
    if len(read) > CONTENT_MAX:
        raise FileError(f"larger than {CONTENT_MAX} bytes", path=str(path))
    return read


def _xattrs(file: int) -> dict[str, bytes]:
    try:
        names = os.listxattr(file)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:  # a file system that has none
            return {}
        raise
    return {name: os.getxattr(file, name) for name in names if name not in _KERNELS_OWN}


def _not_plain(path: Path) -> FileError:
    return FileError("not a plain file", path=str(path))
