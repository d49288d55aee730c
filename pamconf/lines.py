r"""One file of pam.d as libpam reads it, with every byte kept.

    file  = *(blank | comment | rule)
    rule  = ["-"] type control (module | file) *argument
          | "@include" file

Fields are separated by blanks, tabs and ends of line. One that begins with a bracket goes to the
next `]`, for which `\]` may stand. `#` begins a comment anywhere, even within brackets; a
backslash before the end of a line joins it to the next one that is neither blank nor a comment.

Source: libpam/pam_handlers.c:_pam_assemble_line and libpam/pam_misc.c:_pam_StrTok of Linux-PAM
1.5.2, which reads 1023 bytes at a time: what is longer is read as if it were several lines.
Everything here is bytes until it is shown; a carriage return is a byte as any other.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from pamconf import control as control_
from pamconf.control import Control

TYPES = ("auth", "account", "password", "session")

BUFFER = 1024
"""Bytes of the buffer that libpam 1.5 assembles a line in, the one at its end included."""

_BLANK = b" \t\n"
_WORD = re.compile(rb"[^ \t\n]*")
_IN_BRACKETS = re.compile(rb"(?:[^\\\]]+|\\\]|\\)*")  # to the first ] that has no backslash


def text_of(content: bytes) -> str:
    """Return bytes as text from which the same bytes can be made again (`bytes_of`)."""
    return content.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """Return the bytes of a text that `text_of` made."""
    return text.encode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """Return a text as it can stand in a line for people: what would steer it as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def module_name(path: str) -> str:
    """Return what a module is called, without its folders and its ending: pam_unix."""
    return path.rpartition("/")[2].removesuffix(".so")


@dataclass(frozen=True)
class Field:
    """A field of a line: its text, and where that begins: line and column in the file, from 1."""

    text: str
    line: int
    column: int
    bracketed: bool = False


@dataclass(frozen=True)
class Entry:
    """Some lines of a file that belong together, and what libpam makes of them.

    `raw` are their bytes, `line` is the number of the first one, from 1. `fields` is empty where
    there is nothing to read. `unfinished` are lines that end, with the file, in a backslash, or
    that are joined to more than libpam can hold: it then gives up the file.
    """

    raw: bytes
    line: int
    fields: tuple[Field, ...] = ()
    unfinished: bool = False

    @property
    def silent(self) -> bool:
        """Whether a module that cannot be loaded is not to be logged."""
        return bool(self.fields) and self.fields[0].text.startswith("-")

    @property
    def type(self) -> str:
        """What stands for the type, in small letters and without its dash."""
        return self.fields[0].text.removeprefix("-").lower() if self.fields else ""

    @property
    def is_include(self) -> bool:
        """Whether the line is Debian's @include, for rules of every type."""
        return self.type == "@include"

    @cached_property
    def control(self) -> Control:
        """The control field; one in which all is bad where there is none."""
        if self.is_include or len(self.fields) < 2:  # noqa: PLR2004 - type and control
            return control_.bad()
        return control_.parse(self.fields[1].text)

    @property
    def target(self) -> Field | None:
        """The module, or the file to include, if any is named."""
        place = 1 if self.is_include else 2
        return self.fields[place] if len(self.fields) > place else None

    @property
    def included(self) -> str:
        """The file whose rules stand for the line; empty where it is a rule itself, or nothing."""
        if self.target and (self.is_include or self.control.includes):
            return self.target.text
        return ""

    @property
    def arguments(self) -> tuple[Field, ...]:
        """What stands behind the module."""
        return self.fields[3:]

    def without_service(self) -> "Entry":
        """Return the line of a pam.conf as it would stand in the service's own file."""
        return replace(self, fields=self.fields[1:])


def parse(content: bytes) -> tuple[Entry, ...]:
    """Return all that is in a file. Put together, the entries' bytes are the file's."""
    return tuple(_Reader(content).entries())


def render(entries: Iterable[Entry]) -> bytes:
    """Return the bytes of a file that is made of these entries."""
    return b"".join(entry.raw for entry in entries)


class _Reader:
    """Reads as fgets and _pam_assemble_line do."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0
        self._line = 1  # the number of the line that `_at` is in
        self._column = 0  # characters of that line before it

    def entries(self) -> Iterator[Entry]:
        while self._at < len(self._content):
            start, line = self._at, self._line
            joined = _Joined()
            finished = self._assemble(joined)
            fields = tuple(joined.fields()) if finished else ()
            yield Entry(self._content[start : self._at], line, fields, not finished)
            if not finished and self._at < len(self._content):  # libpam reads no further
                yield Entry(self._content[self._at :], self._line)
                return

    def _assemble(self, joined: "_Joined") -> bool:
        """Read one rule, blank line or comment; tell whether it came to an end."""
        while True:
            room = BUFFER - joined.length
            if room <= 1 or self._at >= len(self._content):
                return False
            place = (self._line, self._column + 1)
            piece = self._take(room - 1).partition(b"\0")[0]
            said = piece.partition(b"#")[0]
            bare = piece.lstrip(_BLANK)
            if not bare or bare.startswith(b"#"):
                if not joined.length:
                    return True
                continue
            stripped = said.rstrip(_BLANK)
            if len(said) < len(piece) or not stripped.endswith(b"\\"):
                joined.add(said, place)
                return True
            joined.add(stripped[:-1] + b" ", place)

    def _take(self, most: int) -> bytes:
        """What fgets reads: up to `most` bytes, not beyond the end of the line."""
        content, start = self._content, self._at
        end = content.find(b"\n", start, start + most)
        self._at = min(len(content), start + most) if end < 0 else end + 1
        if end >= 0:
            self._line += 1
            self._column = 0
        else:
            self._column += len(text_of(content[start : self._at]))
        return content[start : self._at]


class _Joined:
    """The text of a rule, and where each piece of it comes from."""

    def __init__(self) -> None:
        self._pieces: list[tuple[bytes, tuple[int, int]]] = []
        self.length = 0

    def add(self, piece: bytes, place: tuple[int, int]) -> None:
        self._pieces.append((piece, place))
        self.length += len(piece)

    def fields(self) -> Iterator[Field]:
        text = b"".join(piece for piece, _ in self._pieces)
        pieces = iter(self._pieces)
        at = start = end = 0
        while True:
            begin = len(text) - len(text[at:].lstrip(_BLANK))
            if begin == len(text):
                return
            while begin >= end:  # the piece that the field begins in, from `start` to `end`
                piece, (line, column) = next(pieces)
                start, end = end, end + len(piece)
            bracketed = text[begin] == ord("[")
            field, at = (_bracketed if bracketed else _word)(text, begin)
            shown = len(text_of(piece[: begin - start]))
            yield Field(text_of(field), line, column + shown + bracketed, bracketed)


def _word(text: bytes, begin: int) -> tuple[bytes, int]:
    end = _end(_WORD, text, begin)
    return text[begin:end], end + 1


def _bracketed(text: bytes, begin: int) -> tuple[bytes, int]:
    end = _end(_IN_BRACKETS, text, begin + 1)
    return text[begin + 1 : end].replace(b"\\]", b"]"), end + 1


def _end(pattern: re.Pattern[bytes], text: bytes, begin: int) -> int:
    found = pattern.match(text, begin)
    assert found is not None  # noqa: S101 - it matches the empty text
    return found.end()
