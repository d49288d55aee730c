"""Where configuration is read from: a root folder on disk, or texts in memory.

Paths are absolute and as a program that runs in the root sees them: a symbolic link that points to
/etc/x leads to ROOT/etc/x. So a mounted disk can be read without leaving it.
"""

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Mapping
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from pamconf.errors import FileError, UnreadableError

Root: TypeAlias = "str | Path | Tree"
"""A folder that is / of some machine, or what that would be after a change."""

_LINKS_MAX = 40  # as Linux has it (path_resolution(7))
_FOLDERS = ("", ".", "..")  # parts of a path that only a folder has
_MAGIC = re.compile(r"[*?\[]")


class Files(Protocol):
    """What a reader of configuration asks for."""

    def read(self, path: str) -> str:
        """Return a file's text, bytes that are no UTF-8 as surrogates. Raises FileError."""

    def glob(self, pattern: str) -> list[str]:
        """Return the paths of the files that match, in the order of their bytes (glob(7))."""


class Texts:
    """Files in memory: path to text."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def read(self, path: str) -> str:
        """See Files."""
        try:
            return self._texts[path]
        except KeyError:
            raise FileError("no such file", path=path) from None

    def glob(self, pattern: str) -> list[str]:
        """See Files."""
        wanted = pattern.split("/")

        def matches(path: str) -> bool:
            parts = path.split("/")
            return len(parts) == len(wanted) and all(map(_matches, parts, wanted))

        return sorted(filter(matches, self._texts), key=_bytes)


NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Errors that programs take for a file that is not there."""

CONTENT_MAX = 16 * 2**20
"""Bytes of a file that are read; none that logins go by is that large."""

_NULL = (1, 3)  # the device's number: what is masked is often a link to it


def opened(real: Path) -> BinaryIO:
    """Open a plain file, or what reads like an empty one. Raises OSError on pipes and devices.

    Nothing is waited for, as by who opens a pipe that nobody writes to.
    """
    file = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check_plain(os.fstat(file), real)
    except OSError:
        os.close(file)
        raise
    return os.fdopen(file, "rb")


def _check_plain(facts: os.stat_result, real: Path) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(real))
    device = (os.major(facts.st_rdev), os.minor(facts.st_rdev))
    is_null = stat.S_ISCHR(facts.st_mode) and device == _NULL
    if not is_null and not stat.S_ISREG(facts.st_mode):
        raise OSError(errno.EINVAL, "It is no plain file", str(real))


def content(real: Path) -> bytes:
    """Return what is in a plain file. Raises OSError, as `opened`, and where it is too large."""
    with opened(real) as file:
        read = file.read(CONTENT_MAX + 1)
    if len(read) > CONTENT_MAX:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(real))
    return read


class Kind(Enum):
    """What there is at a path; a plain file that everybody may change is OTHER."""

    NOTHING = auto()
    FILE = auto()
    FOLDER = auto()
    OTHER = auto()


class Tree:
    """The files below a root folder: as they are, or as they would be after a change.

    A Tree can stand wherever a root is asked for.
    """

    def __init__(self, root: "Root" = "/") -> None:
        self.root: Path
        self._changed: Mapping[Path, bytes | None]
        if isinstance(root, Tree):
            self.root, self._changed = root.root, root._changed  # noqa: SLF001 - it is its own
        else:
            self.root, self._changed = Path(os.path.realpath(root)), {}

    def changed(self, files: Mapping[str, bytes | None]) -> "Tree":
        """Return the tree in which files have another content, or are gone (None). Nothing is done.

        Raises FileError where a path leads nowhere, as on too many links.
        """
        tree = Tree(self)
        tree._changed = {**self._changed, **{self.real(path): files[path] for path in files}}
        return tree

    @property
    def is_on_disk(self) -> bool:
        """Whether its files are as they are on disk, so that programs can be asked about them."""
        return not self._changed

    def read(self, path: str) -> str:
        """See Files."""
        try:
            return self.content(path).decode("utf-8", "surrogateescape")
        except OSError as error:
            raise unreadable(path, error) from error

    def content(self, path: str) -> bytes:
        """Return the bytes of a file. Raises OSError, as `content` of this module does."""
        real = self.follow(path)
        if real not in self._changed:
            return content(real)
        text = self._changed[real]
        if text is None:
            raise _error(errno.ENOENT, path)
        return text

    def find(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where there is nothing. Raises FileError."""
        if self.kind(path) is Kind.NOTHING:
            return None
        try:
            return self.content(path)
        except OSError as error:
            raise unreadable(path, error) from error

    def names(self, folder: str) -> list[str]:
        """Return what is in a folder. Raises OSError, also where it is none."""
        real = self.follow(folder)
        changed = {path.name: text for path, text in self._changed.items() if path.parent == real}
        added = [name for name, text in changed.items() if text is not None]
        try:
            there = [path.name for path in real.iterdir() if path.name not in changed]
        except FileNotFoundError:
            if not added:
                raise
            return added
        return there + added

    def is_file(self, path: str) -> bool:
        """Tell whether a plain file is there, after all links. Raises OSError."""
        real = self.follow(path)
        return self._changed[real] is not None if real in self._changed else real.is_file()

    def kind(self, path: str, *, follow: bool = True) -> Kind:
        """Return what there is at a path, and whether everybody may change it.

        Without `follow`, a symbolic link is no plain file. Raises UnreadableError where one may not
        look.
        """
        try:
            if not follow:
                folder, _, name = path.rpartition("/")
                if name and (self.follow(folder) / name).is_symlink():
                    return Kind.OTHER
            real = self.follow(path)
            if real in self._changed:
                return Kind.FILE if self._changed[real] is not None else Kind.NOTHING
            mode = real.stat().st_mode
        except PermissionError as error:
            raise unreadable(path, error) from error
        except OSError:
            return Kind.NOTHING
        if stat.S_ISDIR(mode):
            return Kind.FOLDER
        return Kind.FILE if stat.S_ISREG(mode) and not mode & stat.S_IWOTH else Kind.OTHER

    def glob(self, pattern: str) -> list[str]:
        """See Files."""
        found = ["/"]
        for part in filter(None, pattern.split("/")):
            found = [name for folder in found for name in self._inside(folder, part)]
        return sorted((path for path in found if not self._is_folder(path)), key=_bytes)

    def real(self, path: str) -> Path:
        """Return where on this machine a path of the root leads. Raises FileError; see follow."""
        try:
            return self.follow(path)
        except OSError as error:
            raise unreadable(path, error) from error

    def follow(self, path: str) -> Path:
        """Return where a path leads, as the kernel finds it (path_resolution(7)).

        No link, and no `..`, leaves the root. What stands last need not be there. Raises OSError
        as open(2) would: on too many links, and where something is looked for in what is no folder.
        """
        if "\0" in path:
            raise _error(errno.ENOENT, path)
        links = 0
        real, parts = self.root, path.split("/")[::-1]
        while parts:
            part = parts.pop()
            if part in _FOLDERS:
                if real != self.root:
                    os.stat(f"{real}/.")  # noqa: PTH116 - a Path has no dot, which asks for a folder
                    real = real.parent if part == ".." else real
                continue
            real /= part
            if real.is_symlink():
                links += 1
                if links > _LINKS_MAX:
                    raise _error(errno.ELOOP, path)
                target = os.readlink(real)  # noqa: PTH115 - a Path drops a slash at its end
                real = self.root if target.startswith("/") else real.parent
                parts += target.split("/")[::-1]
        return real

    def _inside(self, folder: str, part: str) -> list[str]:
        """Return the paths in a folder that match one part of a pattern."""
        try:
            if not _MAGIC.search(part):
                plain = re.sub(r"\\(.)", r"\1", part)
                names = [plain] if self._is_there(self.follow(folder) / plain) else []
            else:
                names = [name for name in self.names(folder) if _matches(name, part)]
        except PermissionError as error:
            raise unreadable(folder, error) from error
        except OSError:
            return []
        return [f"{folder.rstrip('/')}/{name}" for name in names]

    def _is_there(self, path: Path) -> bool:
        if path in self._changed:
            return self._changed[path] is not None
        return path.is_symlink() or path.exists()

    def _is_folder(self, path: str) -> bool:
        try:
            return self.follow(path).is_dir()
        except OSError:
            return False


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def unreadable(path: str, error: OSError) -> FileError:
    """Return the error that says why a file was not read; UnreadableError where it is there."""
    message = f"cannot be read: {error.strerror}"
    if error.errno in NOWHERE or isinstance(error, IsADirectoryError):
        return FileError(message, path=path)
    is_denied = isinstance(error, PermissionError)
    hint = "Run this as root." if is_denied else "It should be a plain file, and not so large."
    return UnreadableError(message, hint=hint, path=path)


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _matches(name: str, part: str) -> bool:
    """Tell whether a file's name matches one part of a pattern; a dot must be asked for."""
    if name.startswith(".") and not part.startswith("."):
        return False
    literal = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", part)
    return fnmatch.fnmatchcase(name, literal)
