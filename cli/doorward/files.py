"""Files that hold secrets: opened without surprises, locked, and replaced in one step.

A file is named by a `Place`: its folder, held open, and its name in there. So nothing that happens
to the path between two steps can make them act on different files. There are two ways to a place:

- `place` follows links: for a process that has no more rights than whoever made them;
- `place_of_root` starts at ``/``, follows no link, and goes only through folders that root alone
  can change: for a process that is root.

The lock is the PAM module's: flock(2) on the file itself, and whoever got it looks whether the
path still names what was locked, for the file is replaced, not written to. The order on disk is
write, fsync, rename, fsync the folder.

OSErrors leave this module as FileError, with the whole path.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass

from doorward.errors import FileError, LockedError

SIZE_MAX = 64 * 1024
"""Bytes. The module reads no larger secret file."""

LOCK_PATIENCE = 3.0
"""Seconds to wait for a lock, as the module does."""

_PAUSE_FIRST, _PAUSE_MAX = 0.002, 0.1  # seconds between two tries for a lock

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_HINTS = {
    errno.ENOSPC: "The disk is full. What was there before is still there.",
    errno.EDQUOT: "The user's quota is used up. What was there before is still there.",
    errno.EROFS: "The file system is mounted read-only.",
    errno.ELOOP: "A link stands where none may be followed.",
    errno.ENOENT: "The folder for it must be there first.",
    errno.EACCES: "See who owns the file and its folder, or run this as root.",
    errno.EPERM: "See who owns the file and its folder, or run this as root.",
    errno.EBADF: "Its file system cannot lock it, as NFS cannot: do this where the disk is.",
    errno.ENOLCK: "Its file system cannot lock it: do this where the disk is.",
    errno.EEXIST: "It is not overwritten. Move it away, or choose another name.",
}


class MissingError(FileError):
    """Neither the file nor, perhaps, its folder is there."""


class ExistsError(FileError):
    """There is a file already where a new one was to be made."""


class UntrustedFolderError(FileError):
    """Somebody other than root can change what is on the way to a file."""


_HINT_UNTRUSTED = (
    "For root it must be in folders that root alone can change, with no link on the way."
)

_KINDS: dict[int, type[FileError]] = {errno.ENOENT: MissingError, errno.EEXIST: ExistsError}


@dataclass(frozen=True)
class Place:
    """Where a file is, or will be: `folder` is a descriptor, `path` is for messages."""

    folder: int
    name: str
    path: str


@contextlib.contextmanager
def place(path: str) -> Iterator[Place]:
    """Open the place where `path` leads after all links, its last part included."""
    with _explained(path):
        real = os.path.realpath(path)
        above, name = os.path.split(real)
        try:
            folder = os.open(above, _FOLDER)
        except PermissionError:  # it may be searched, and that is all that reading needs
            folder = os.open(above, _FOLDER | os.O_PATH)
    try:
        yield Place(folder, name, real)
    finally:
        os.close(folder)


@contextlib.contextmanager
def place_of_root(path: str, *, make_folders: bool = False) -> Iterator[Place]:
    """Open the place that `path` names literally; raises UntrustedFolderError.

    `make_folders` makes those that are missing, mode 0700.
    """
    with _explained(path):
        above, name = os.path.split(path)
        folder = _open_folder_of_root(above, make=make_folders)
    try:
        yield Place(folder, name, path)
    finally:
        os.close(folder)


def belongs_to_root(path: str) -> bool:
    """Tell whether root alone can change which file `path` names, so that root may handle it.

    Folders that are missing do not matter: root would make them.
    """
    try:
        with place_of_root(path):
            return True
    except MissingError:
        return True
    except UntrustedFolderError:
        return False


def _open_folder_of_root(path: str, *, make: bool) -> int:
    folder, reached = os.open("/", _FOLDER), ""
    try:
        _check_root_alone(folder, "/")
        for part in filter(None, path.split("/")):
            reached += f"/{part}"
            below = _open_subfolder(folder, part, reached, make=make)
            os.close(folder)
            folder = below
            _check_root_alone(folder, reached)
    except BaseException:
        os.close(folder)
        raise
    return folder


def _check_root_alone(folder: int, path: str) -> None:
    facts = os.fstat(folder)
    if facts.st_uid != 0 or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UntrustedFolderError(f"{path}: others than root can change it", hint=_HINT_UNTRUSTED)


def _open_subfolder(above: int, name: str, path: str, *, make: bool) -> int:
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=above)
        os.fsync(above)
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=above)
    except NotADirectoryError as error:
        message = f"{path}: a link, or no folder at all"
        raise UntrustedFolderError(message, hint=_HINT_UNTRUSTED) from error


@contextlib.contextmanager
def opened(at: Place) -> Iterator[int]:
    """Open the regular file there for reading; anything else is a FileError."""
    with _explained(at.path):
        file = os.open(
            at.name,
            os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC,
            dir_fd=at.folder,
        )
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise FileError(f"{at.path}: not a regular file")
        yield file
    finally:
        os.close(file)


def read(at: Place, file: int, *, size_max: int = SIZE_MAX) -> bytes:
    """Return all of an opened file; FileError where it has more than `size_max` bytes."""
    with _explained(at.path), os.fdopen(file, "rb", closefd=False) as stream:
        content = stream.read(size_max + 1)
    if len(content) > size_max:
        raise FileError(f"{at.path}: larger than {size_max} bytes")
    return content


@contextlib.contextmanager
def locked(at: Place, *, patience: float = LOCK_PATIENCE) -> Iterator[int]:
    """Open the file and lock it against the module and other doorwards.

    `patience` is in seconds; raises LockedError after that.
    """
    deadline = time.monotonic() + patience
    pause = _PAUSE_FIRST
    while True:
        with opened(at) as file:
            if _lock(at, file):
                yield file
                return
        if time.monotonic() >= deadline:
            raise LockedError(
                f"{at.path}: locked by another process",
                hint="A login or another doorward is at work on it. Try again.",
            )
        time.sleep(pause)
        pause = min(2 * pause, _PAUSE_MAX)


def _lock(at: Place, file: int) -> bool:
    """Tell whether the lock was to be had, and the name still means that file."""
    with _explained(at.path):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return _is_named(at, file)


def _is_named(at: Place, file: int) -> bool:
    try:
        named = os.stat(at.name, dir_fd=at.folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(file))


def create(at: Place, content: bytes) -> None:
    """Put a new file there, mode 0600, whole or not at all; ExistsError where there is one."""
    with _explained(at.path), _temporary(at, content) as temporary:
        os.link(temporary, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder)
    _sync_folder(at)


def replace(
    at: Place, content: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Put a file there in the place of what there was, whole or not at all.

    `owner` is a user and a group id, those of this process where it is None or may not give the
    file away; then the group gets no rights.
    """
    with _explained(at.path), _temporary(at, content, mode, owner) as temporary:
        os.rename(temporary, at.name, src_dir_fd=at.folder, dst_dir_fd=at.folder)
    _sync_folder(at)


def remove(at: Place, *, locked: int | None = None) -> None:
    """Remove the file; FileError where it is not the one that was `locked`, if one was."""
    with _explained(at.path):
        if locked is not None and not _is_named(at, locked):
            raise FileError(f"{at.path}: somebody replaced it meanwhile", hint="Try again.")
        os.unlink(at.name, dir_fd=at.folder)
    _sync_folder(at)


def sync(at: Place, file: int) -> None:
    """Have an opened file and its name on disk, whoever wrote them."""
    with _explained(at.path):
        os.fsync(file)
    _sync_folder(at)


@contextlib.contextmanager
def _temporary(
    at: Place, content: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> Iterator[str]:
    """Give the name of a file in the same folder, complete on disk and gone afterwards.

    The name is new each time, so one left behind by a crash is in nobody's way.
    """
    name = f"{at.name}~{secrets.token_hex(3)}"
    file = os.open(
        name,
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
        0o600,
        dir_fd=at.folder,
    )
    try:
        with os.fdopen(file, "wb", buffering=0) as stream:
            _set_rights(file, mode, owner)
            while content:
                content = content[stream.write(content) :]
            os.fsync(file)
        yield name
    finally:
        with contextlib.suppress(OSError):  # after a rename it has another name
            os.unlink(name, dir_fd=at.folder)


def _set_rights(file: int, mode: int, owner: tuple[int, int] | None) -> None:
    if owner:
        try:
            os.fchown(file, *owner)
        except PermissionError:  # this process's group must not get what another one had
            mode &= ~stat.S_IRWXG
    os.fchmod(file, mode)


def _sync_folder(at: Place) -> None:
    try:
        os.fsync(at.folder)
    except OSError as error:
        if error.errno == errno.EINVAL:  # a file system without such a thing
            return
        raise FileError(
            f"{at.path}: changed, but perhaps not yet on disk: {error.strerror}",
            hint="Look after the disk first. 'doorward status' says what is there now.",
        ) from error


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn an OSError about `path` into a FileError."""
    try:
        yield
    except OSError as error:
        kind = _KINDS.get(error.errno or 0, FileError)
        hint = _HINTS.get(error.errno or 0)
        raise kind(f"{path}: {error.strerror or error}", hint=hint) from error
