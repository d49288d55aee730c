r"""pam_access's file, access.conf(5): what each line says, and whom pam_access lets in by it.

    file       = *(line "\n")
    line       = comment / blank / rule / malformed
    comment    = "#" anything                            ; in column 1 only
    rule       = permission ":" users ":" origins        ; ":" is fieldsep=
    permission = ("+" / "-") anything                    ; its first character alone counts
    users      = words *("EXCEPT" words)                 ; words are split at listsep=
    origins    = words *("EXCEPT" words)                 ; goes on to the end of the line
    user word  = "ALL" / name / group / "(" group ")" / "@" netgroup / user-word "@" this-host
    origin     = "ALL" / "LOCAL" / terminal / service / host name / "." domain / "192.168."
               / address ["/" bits / "/" mask] / "@" netgroup

Text is `str` that `pamconf.lines.text_of` has made of a file's bytes, so that none of them is lost;
where no bytes can have made it (a lone surrogate of another kind), `parse` refuses. Nothing here
reads a disk or asks a name service: what has to be asked goes through `Names` and the groups that
`who` is given.

This is the reading of Linux-PAM 1.5.2, Debian 12's (modules/pam_access/pam_access.c), with all in
it that surprises: the first rule that matches decides, **whoever none matches is let in**, and a
line that is not a rule is passed over. Differences of newer ones:

=====  ===========================================================================================
1.5.3  a word that is no address is looked up as a host name, and matches where it and the remote
       host share an address. That is done for words meant as terminals and services too
       (CVE-2024-10963): whoever can give a host such a name is let in.
1.6.0  lines have no limit of length; `quiet_log`
1.7.0  numbers in users are UIDs, `(N)` is a GID; 127.0.0.1 and ::1 match each other
1.7.1  `nodns`; words that begin with ":" or name a device in /dev are not looked up
=====  ===========================================================================================
"""

import itertools
import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pamconf.errors import UsageError
from pamconf.lines import bytes_of

FIELD_SEPARATORS = ":"
LIST_SEPARATORS = ", \t"
CHUNK = 8191
"""Bytes that pam_access reads at once, the newline among them (BUFSIZ less one)."""

_TOO_LONG = (
    "the line is too long, and what is beyond its limit is read as another line",
    f"Make several lines of it, each shorter than {CHUNK} bytes.",
)
_NUL = ("there is a NUL byte in the line", "Take it out.")
_NO_NEWLINE = ("the last line has no newline at its end", "End it with one.")
_INDENTED = ("the line begins with a blank", "Begin each line in column 1, comments too.")
_NO_PERMISSION = ("the line begins with neither + nor -", "+ lets in, - refuses.")
_THREE_FIELDS = "three fields are needed, permission, users and origins"
_AS_WRITTEN = "Write '+ : users : origins', or '- : users : origins'."

_SETTINGS = ("accessfile=", "fieldsep=", "listsep=")
_SWITCHES = ("debug", "nodefgroup", "noaudit")

_BLANKS = " \t\n\v\f\r"  # isspace()
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)  # strcasecmp()


@dataclass(frozen=True)
class Word:
    """A piece of a line, and the column (from 1) at which it begins."""

    text: str
    column: int


@dataclass(frozen=True)
class Line:
    """What pam_access reads at once: a line, or a part of one that is too long for it.

    `number` and `column` (both from 1) say where it begins; `ending` is a newline, or nothing.
    """

    number: int
    column: int
    text: str
    ending: str


@dataclass(frozen=True)
class Comment(Line):
    """A line that begins with `#`."""


@dataclass(frozen=True)
class Blank(Line):
    """A line with nothing in it but blanks."""


@dataclass(frozen=True)
class Malformed(Line):
    """A line that pam_access passes over: `what` is wrong with it, at the piece `where`."""

    what: str
    hint: str
    where: Word


@dataclass(frozen=True)
class Rule(Line):
    """`permission : users : origins`, each as written, with its blanks."""

    permission: Word
    users: Word
    origins: Word
    listsep: str = field(repr=False)

    @property
    def grants(self) -> bool:
        """Whether it lets people in: the line's first character says so, not the first field's."""
        return self.text.startswith("+")

    @property
    def user_words(self) -> list[Word]:
        """The words of the users, EXCEPT among them."""
        return list(_pieces(self.users.text, self.listsep, self.users.column))

    @property
    def origin_words(self) -> list[Word]:
        """The words of the origins, EXCEPT among them."""
        return list(_pieces(self.origins.text, self.listsep, self.origins.column))


@dataclass(frozen=True)
class AccessFile:
    """An access file, whole: `render` gives back what was parsed."""

    lines: tuple[Line, ...]
    path: str | None = None
    fieldsep: str = FIELD_SEPARATORS
    listsep: str = LIST_SEPARATORS

    @property
    def rules(self) -> list[Rule]:
        """The lines that pam_access goes by."""
        return [line for line in self.lines if isinstance(line, Rule)]


@dataclass(frozen=True)
class Options:
    """What the module is told in pam.d; `unknown` is what it only logs, a misspelt name too."""

    accessfile: str = "/etc/security/access.conf"
    fieldsep: str = FIELD_SEPARATORS
    listsep: str = LIST_SEPARATORS
    nodefgroup: bool = False
    unknown: tuple[str, ...] = ()


def read_options(arguments: Sequence[str]) -> Options:
    """Read the arguments of a line with pam_access.so; the last of a name counts."""
    values = dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    named = {name: values[name] for name in ("accessfile", "fieldsep", "listsep") if name in values}
    unknown = tuple(
        argument
        for argument in arguments
        if argument not in _SWITCHES and not argument.startswith(_SETTINGS)
    )
    return Options(**named, nodefgroup="nodefgroup" in arguments, unknown=unknown)


def parse(
    text: str,
    path: str | None = None,
    fieldsep: str = FIELD_SEPARATORS,
    listsep: str = LIST_SEPARATORS,
) -> AccessFile:
    """Read a file; the separators are those of the module's options, each character one of them.

    Raises UsageError where the text cannot be a file's, or a separator is not ASCII.
    """
    if not (fieldsep + listsep).isascii():
        raise UsageError(
            "a separator is not an ASCII character",
            hint="pam_access would split in the middle of letters: choose another.",
        )
    lines = tuple(
        line
        for number, written in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), 1)
        for line in _read_lines(number, written, fieldsep, listsep)
    )
    return AccessFile(lines, path, fieldsep, listsep)


def render(file: AccessFile) -> str:
    """Return the text of a file, unchanged where the file is."""
    return "".join(line.text + line.ending for line in file.lines)


def is_word(word: str, keyword: str) -> bool:
    """Whether a word is this keyword or name: capitals of ASCII do not matter (strcasecmp)."""
    return word.translate(_LOWER) == keyword.translate(_LOWER)


def _read_lines(number: int, written: str, fieldsep: str, listsep: str) -> Iterator[Line]:
    """Read one line of a file, which may be several for pam_access."""
    column = 1
    *beginning, last = _chunks(number, written)
    for text in beginning:
        yield _malformed(Line(number, column, text, ""), 0, len(text), *_TOO_LONG)
        column += len(text)
    text = last.removesuffix("\n")
    yield _read(Line(number, column, text, last[len(text) :]), fieldsep, listsep)


def _chunks(number: int, written: str) -> list[str]:
    """Cut a line as fgets() does, but never in the middle of a character."""
    try:
        if len(bytes_of(written)) <= CHUNK:
            return [written]
    except UnicodeEncodeError as error:
        raise UsageError(
            "this text is no file's",
            hint="Decode the file with pamconf.lines.text_of.",
            line=number,
            column=error.start + 1,
        ) from error
    ends = itertools.accumulate(len(bytes_of(char)) for char in written)
    chunks = itertools.groupby(
        zip(ends, written, strict=True), key=lambda char: (char[0] - 1) // CHUNK
    )
    return ["".join(char for _, char in chunk) for _, chunk in chunks]


def _read(line: Line, fieldsep: str, listsep: str) -> Line:
    if "\0" in line.text:
        return _malformed(line, line.text.index("\0"), 1, *_NUL)
    if line.text.startswith("#"):
        return Comment(*_place(line))
    body = line.text.rstrip(_BLANKS)
    if not body:
        return Blank(*_place(line))
    if not line.ending:
        return _malformed(line, len(line.text), 1, *_NO_NEWLINE)
    return _read_rule(line, body, fieldsep, listsep)


def _read_rule(line: Line, body: str, fieldsep: str, listsep: str) -> Line:
    permission, users, *_ = *_pieces(body, fieldsep, line.column), None, None
    if permission and permission.text[0] not in "+-":
        return _bad_permission(line, permission)
    origins = _rest(line, body, users) if users else None
    if permission and users and origins and origins.text:
        return Rule(*_place(line), permission, users, origins, listsep)
    return _malformed(line, len(body), 1, f"{_THREE_FIELDS}, split at {fieldsep!r}", _AS_WRITTEN)


def _rest(line: Line, body: str, users: Word) -> Word:
    """Return what stands behind the users and one separator, to the end of the line."""
    column = users.column + len(users.text) + 1
    return Word(body[column - line.column :], column)


def _bad_permission(line: Line, first: Word) -> Malformed:
    at, indent = first.column - line.column, len(first.text) - len(first.text.lstrip(_BLANKS))
    if indent:
        return _malformed(line, at, indent, *_INDENTED)
    return _malformed(line, at, len(first.text.rstrip(_BLANKS)), *_NO_PERMISSION)


def _malformed(line: Line, at: int, width: int, what: str, hint: str) -> Malformed:
    where = Word(line.text[at : at + width], line.column + at)
    return Malformed(*_place(line), what, hint, where)


def _place(line: Line) -> tuple[int, int, str, str]:
    return line.number, line.column, line.text, line.ending


def _pieces(text: str, separators: str, column: int) -> Iterator[Word]:
    """Split as strtok_r() does: separators in a row are one."""
    pattern = f"[^{re.escape(separators)}]+" if separators else "(?s:.+)"
    return (Word(found[0], column + found.start()) for found in re.finditer(pattern, text))
