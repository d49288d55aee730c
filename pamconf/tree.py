"""Where configuration is read from: a root folder on disk, or texts in memory.

Paths are absolute and as a program that runs in the root sees them: a symbolic link that points to
/etc/x leads to ROOT/etc/x. So a mounted disk can be read without leaving it.
"""

import errno
import fnmatch
import os
import re
import stat
from enum import Enum, auto
from pathlib import Path
from typing import Protocol

from pamconf.errors import FileError

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


class Kind(Enum):
    """What there is at a path; a plain file that everybody may change is OTHER."""

    NOTHING = auto()
    FILE = auto()
    FOLDER = auto()
    OTHER = auto()


class Tree:
    """The files below a root folder."""

    def __init__(self, root: str | Path = "/") -> None:
        self.root = Path(os.path.realpath(root))

    def read(self, path: str) -> str:
        """See Files."""
        try:
            return self.follow(path).read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise _unreadable(path, error) from error

    def kind(self, path: str, *, follow: bool = True) -> Kind:
        """Return what there is at a path, and whether everybody may change it.

        Without `follow`, a symbolic link is no plain file.
        """
        try:
            if not follow:
                folder, _, name = path.rpartition("/")
                if name and (self.real(folder) / name).is_symlink():
                    return Kind.OTHER
            mode = self.real(path).stat().st_mode
        except (OSError, FileError):
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
            raise _unreadable(path, error) from error

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
            real = self.real(folder)
            if not _MAGIC.search(part):
                plain = re.sub(r"\\(.)", r"\1", part)
                names = [plain] if (real / plain).is_symlink() or (real / plain).exists() else []
            else:
                names = [path.name for path in real.iterdir() if _matches(path.name, part)]
        except (OSError, FileError):
            return []
        return [f"{folder.rstrip('/')}/{name}" for name in names]

    def _is_folder(self, path: str) -> bool:
        try:
            return self.real(path).is_dir()
        except (OSError, FileError):
            return False


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _unreadable(path: str, error: OSError) -> FileError:
    return FileError(f"cannot be read: {error.strerror}", path=path)


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _matches(name: str, part: str) -> bool:
    """Tell whether a file's name matches one part of a pattern; a dot must be asked for."""
    if name.startswith(".") and not part.startswith("."):
        return False
    literal = re.sub(r"\\(.)", lambda found: f"[{found[1]}]", part)
    return fnmatch.fnmatchcase(name, literal)
