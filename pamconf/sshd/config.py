"""sshd's configuration with all that it includes, and what it comes to for a connection.

sshd reads everything twice. At its start, what stands outside Match blocks counts (and `Match
all`). For a connection, what stands in Match blocks that hold, and that goes before. Within each
reading the first value of a keyword stays; AllowUsers and its kin add up. A Match block ends with
its file. Some keywords, UsePAM among them, count at the start alone.

(servconf.c of OpenSSH 9.2: process_server_config_line_depth, copy_set_server_options.)
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from pamconf.errors import PamconfError
from pamconf.sshd import match, words
from pamconf.sshd.match import Connection, Criterion
from pamconf.sshd.words import Line
from pamconf.tree import Files

PATH = "/etc/ssh/sshd_config"
_FOLDER = "/etc/ssh"
_DEPTH_MAX = 16


class BadConfigError(PamconfError):
    """With this configuration sshd does not start, or ends every connection."""


class TooNewError(BadConfigError):
    """So it is for the sshd imitated here; a newer one may know what stands there."""


@dataclass(frozen=True, slots=True)
class Source:
    """The line that a value comes from."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and the line that it comes from; None if it is built in."""

    value: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file's lines in the order in which they are read."""

    path: str
    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A line with a keyword; the files that an Include reads, or the criteria of a Match."""

    line: Line
    files: tuple[File, ...] = ()
    criteria: tuple[Criterion, ...] = ()


DEFAULTS: Mapping[str, str] = {
    "UsePAM": "no",
    "KbdInteractiveAuthentication": "yes",
    "PasswordAuthentication": "yes",
    "PubkeyAuthentication": "yes",
    "HostbasedAuthentication": "no",
    "GSSAPIAuthentication": "no",
    "KerberosAuthentication": "no",
    "PermitRootLogin": "prohibit-password",
    "PermitEmptyPasswords": "no",
    "AuthenticationMethods": "any",
    "UseDNS": "no",
}
"""What sshd has built in, Debian's as upstream's (`sshd -T` with an empty file).

Debian's /etc/ssh/sshd_config, as installed, says `UsePAM yes` and `KbdInteractiveAuthentication
no`: remove the file, and these come back.
"""

LISTS = ("DenyUsers", "AllowUsers", "DenyGroups", "AllowGroups")
"""Keywords that add up, in the order in which sshd looks at them."""

METHODS: Mapping[str, str | None] = {
    "none": None,
    "publickey": "PubkeyAuthentication",
    "gssapi-with-mic": "GSSAPIAuthentication",
    "gssapi-keyex": "GSSAPIAuthentication",  # Debian's and Red Hat's
    "password": "PasswordAuthentication",
    "keyboard-interactive": "KbdInteractiveAuthentication",
    "hostbased": "HostbasedAuthentication",
}
"""Ways to authenticate, and the keyword that enables each; `none` always is."""

_AT_START_ALONE = {"usepam", "usedns", "dsaauthentication"}
_NAMES = {
    **{keyword.lower(): keyword for keyword in (*DEFAULTS, *LISTS)},
    "challengeresponseauthentication": "KbdInteractiveAuthentication",
    "skeyauthentication": "KbdInteractiveAuthentication",
    "dsaauthentication": "PubkeyAuthentication",
}
_YES_NO = {"yes": "yes", "no": "no"}
_ROOT = {
    **_YES_NO,
    "prohibit-password": "prohibit-password",
    "without-password": "prohibit-password",
    "forced-commands-only": "forced-commands-only",
}


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts for a connection: a setting a keyword, and the patterns of each of LISTS."""

    connection: Connection
    settings: Mapping[str, Setting]
    lists: Mapping[str, tuple[Setting, ...]] = field(default_factory=dict)

    def __getitem__(self, keyword: str) -> Setting:
        return self.settings[keyword]

    def yes(self, keyword: str) -> bool:
        """Tell whether a keyword's value is `yes`."""
        return self[keyword].value == "yes"

    def enabled(self, method: str) -> bool:
        """Tell whether a method is one of METHODS, and enabled."""
        keyword = METHODS.get(method, "")
        return keyword is None or (keyword in self.settings and self.yes(keyword))

    @property
    def alternatives(self) -> tuple[str, ...]:
        """AuthenticationMethods, such as ("publickey,password", …); empty if any one will do."""
        value = self["AuthenticationMethods"].value
        return () if value == "any" else tuple(value.split())


def load(files: Files, path: str = PATH) -> File:
    """Read a configuration and all that it includes.

    Raises FileError where a file is missing or cannot be read, BadConfigError where sshd could make
    nothing of a line.
    """
    return _load(files, path, 0)


def _load(files: Files, path: str, depth: int) -> File:
    if depth > _DEPTH_MAX:
        raise BadConfigError("files include each other, or too deeply", path=path)
    lines = words.parse(files.read(path), path)
    return File(path, tuple(_node(files, line, depth) for line in lines if _counts(line)))


def _counts(line: Line) -> bool:
    if line.problem:
        raise _bad(line, line.problem)
    return bool(line.keyword)


def _node(files: Files, line: Line, depth: int) -> Node:
    if line.name == "match":
        try:
            return Node(line, criteria=match.criteria(line.rest))
        except match.UnknownCriterionError as error:
            raise _bad(line, str(error), TooNewError) from error
        except ValueError as error:
            raise _bad(line, str(error)) from error
    if line.name != "include":
        return Node(line)
    if not all(line.arguments) or not line.arguments:
        raise _bad(line, "an empty path to include")
    paths = [path for pattern in line.arguments for path in _included(files, pattern)]
    return Node(line, files=tuple(_load(files, path, depth + 1) for path in paths))


def _included(files: Files, pattern: str) -> list[str]:
    if pattern.startswith("~"):  # sshd expands no `~`
        return []
    return files.glob(pattern if pattern.startswith("/") else f"{_FOLDER}/{pattern}")


def effective(config: File, connection: Connection) -> Effective:
    """Tell what counts for a connection. Raises BadConfigError where sshd would stop."""
    start = _Reading(None)
    start.read(config, _Blocks.EVALUATED)
    for_all = {**{keyword: Setting(value) for keyword, value in DEFAULTS.items()}, **start.settings}
    at_start = Effective(connection, for_all, start.patterns())
    _check_methods(at_start)
    matched = _Reading(connection)
    matched.read(config, _Blocks.ALONE)
    matched.settings.pop("UsePAM", None)
    matched.settings.pop("UseDNS", None)
    return Effective(
        connection, {**for_all, **matched.settings}, {**start.patterns(), **matched.patterns()}
    )


def _check_methods(at_start: Effective) -> None:
    """Check that AuthenticationMethods leaves a way in, as sshd does for what all share."""
    ways = [[step.partition(":")[0] for step in way.split(",")] for way in at_start.alternatives]
    if ways and not any(all(map(at_start.enabled, way)) for way in ways):
        source = at_start["AuthenticationMethods"].source
        raise BadConfigError(
            "AuthenticationMethods has no alternative whose methods are all enabled",
            path=source.path if source else None,
            line=source.line if source else None,
        )


class _Blocks(enum.Enum):
    """How the Match lines of a file are taken; what stands above the first counts accordingly."""

    EVALUATED = enum.auto()
    ALONE = enum.auto()  # and nothing outside of them counts
    NEVER = enum.auto()  # the file is included by a block that does not hold


class _Reading:
    """One reading of everything."""

    def __init__(self, connection: Connection | None) -> None:
        self.connection = connection
        self.settings: dict[str, Setting] = {}
        self._lists: dict[str, list[Setting]] = {}
        self._active = connection is None

    def patterns(self) -> dict[str, tuple[Setting, ...]]:
        """Return the patterns of LISTS that were seen."""
        return {keyword: tuple(patterns) for keyword, patterns in self._lists.items()}

    def read(self, file: File, blocks: _Blocks) -> None:
        """Take all lines of a file."""
        for node in file.nodes:
            if node.criteria:
                held = match.holds(node.criteria, self.connection)
                self._active = held and blocks is not _Blocks.NEVER
                if blocks is _Blocks.ALONE:
                    blocks = _Blocks.EVALUATED
            elif node.line.name in _NAMES:
                self._take(node.line, _NAMES[node.line.name])
            else:
                self._include(node.files, blocks)

    def _include(self, files: tuple[File, ...], blocks: _Blocks) -> None:
        active = self._active
        if blocks is not _Blocks.ALONE:
            blocks = _Blocks.EVALUATED if active else _Blocks.NEVER
        for file in files:
            self.read(file, blocks)
            self._active = active

    def _take(self, line: Line, keyword: str) -> None:
        if not self._active and line.name in _AT_START_ALONE:
            if self.connection is None:
                raise _bad(line, f"{line.keyword} has no place in a Match block")
            return
        if keyword in LISTS:
            self._add(line, keyword)
        elif keyword == "AuthenticationMethods":
            self._set(line, keyword, self._methods(line))
        else:
            self._set(line, keyword, _choice(line, keyword))

    def _set(self, line: Line, keyword: str, value: str) -> None:
        if self._active:
            self.settings.setdefault(keyword, Setting(value, _source(line)))

    def _add(self, line: Line, keyword: str) -> None:
        for pattern in line.arguments:
            try:
                if keyword.endswith("Users"):
                    match.check_user(pattern)
            except ValueError as error:
                raise _bad(line, str(error)) from error
            if not pattern:
                raise _bad(line, "an empty pattern")
            if self._active:
                self._lists.setdefault(keyword, []).append(Setting(pattern, _source(line)))

    def _methods(self, line: Line) -> str:
        """Return AuthenticationMethods as one text.

        `any` is held against what counts so far, so sshd may take in a block that does not hold
        what stops it in one that does.
        """
        if not line.arguments:
            raise _bad(line, "no methods")
        fresh = "AuthenticationMethods" not in self.settings
        counting, any_seen = not fresh, False
        for way in line.arguments:
            clash = counting if way == "any" else any_seen
            if clash:
                raise _bad(line, "'any' goes with no other methods, not even on another line")
            if way != "any":
                _check_way(line, way)
            any_seen = any_seen or way == "any"
            counting = counting or self._active
        return " ".join(line.arguments)


def _check_way(line: Line, way: str) -> None:
    for step in way.split(","):
        if step.partition(":")[0] not in METHODS:
            raise _bad(line, f"no method of authentication: {step!r}")


def _choice(line: Line, keyword: str) -> str:
    """Return the value of a keyword that has a few."""
    choices = _ROOT if keyword == "PermitRootLogin" else _YES_NO
    if len(line.arguments) != 1:
        raise _bad(line, f"{line.keyword} takes one argument")
    try:
        return choices[words.folded(line.arguments[0])]
    except KeyError:
        raise _bad(line, f"no value of {line.keyword}: {line.arguments[0]!r}") from None


def _source(line: Line) -> Source:
    return Source(line.path, line.number)


def _bad(line: Line, message: str, kind: type[BadConfigError] = BadConfigError) -> BadConfigError:
    text = line.text.removesuffix("\n")
    return kind(
        message,
        hint="'sshd -t' says what sshd makes of it.",
        path=line.path,
        line=line.number,
        column=len(text) - len(text.lstrip()) + 1,
        text=text,
    )
