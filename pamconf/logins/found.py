"""What is reported, and the files that it is read from."""

from collections.abc import Iterator
from dataclasses import dataclass

from pamconf.errors import FileError
from pamconf.tree import Files


@dataclass(frozen=True, slots=True)
class Found:
    """A line by which somebody logs in, or becomes somebody, without PAM's auth lines.

    `what` is the setting as one would write it, `who` whom it is for: names, or patterns of the
    file's own kind, such as `%sudo`, `ALL` and `!bob`.
    """

    what: str
    who: tuple[str, ...]
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A `key=value` below a `[section]`, and where it stands."""

    section: str
    key: str
    value: str
    path: str
    line: int


def texts(files: Files, *patterns: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of the files that match, pattern by pattern; what cannot be read, not."""
    for pattern in patterns:
        for path in files.glob(pattern):
            try:
                yield path, files.read(path)
            except FileError:
                continue


def entries(text: str, path: str, comments: str = "#") -> Iterator[Entry]:
    """Yield the entries of a file in INI's manner; what is none is passed over."""
    section = ""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in comments:
            continue
        if stripped.startswith("[") and stripped.endswith("]"):
            section = stripped[1:-1]
            continue
        key, equals, value = stripped.partition("=")
        if equals:
            yield Entry(section, key.strip(), value.strip(), path, number)
