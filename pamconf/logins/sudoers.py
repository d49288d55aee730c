r"""sudoers(5), as far as it says for whom sudo asks no password, and so runs no auth line of PAM.

    line     = "Defaults" [scope] parameter {"," parameter} | kind_Alias definitions
             | "@include" path | "@includedir" folder | rule
    rule     = users hosts "=" commands {":" hosts "=" commands}
    commands = command {"," command}
    command  = ["(" runas ")"] {option "=" value} {tag ":"} text

A tag such as NOPASSWD holds for the rest of its list. `\` ends a line that goes on; `#` starts a
comment where it is no uid, and `#include` is `@include`. What cannot be read is passed over, unless
it has the words in it that we look for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pamconf.accounts import Account
from pamconf.errors import FileError
from pamconf.logins.found import Found
from pamconf.tree import Files

PATH = "/etc/sudoers"
_DEPTH_MAX = 128

_BLANKS = re.compile(r"[ \t]*")
_WORD = re.compile(
    r"""!*[ \t]*(?:(?:%:|[%+])?"(?:\\.|[^"\\])*\""""
    r"""|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:./]*"""
    r"""|(?:%:)?(?:%?#-?)?(?:\\.|[^\s,=:()!"\\#])+)"""
)
_RUNAS = re.compile(r"\([^)]*\)")
_OPTION = re.compile(
    r"(?:ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|TIMEOUT|CWD|CHROOT)"
    r'[ \t]*=[ \t]*(?:"[^"]*"|(?:\\.|[^\s,:\\])+)'
)
_TAG = re.compile(
    r"((?:NO)?(?:PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|FOLLOW|MAIL|INTERCEPT))[ \t]*:"
)
_DIGEST = re.compile(
    r"sha(?:224|256|384|512)[ \t]*:[ \t]*[0-9A-Za-z+/=]+[ \t]*,?[ \t]*(?=sha|/|ALL)"
)
_COMMAND = re.compile(r"(?:\^(?:\\.|[^$\\])*\$|\\.|\"[^\"]*\"|[^,:=\\#\"])+")
_CODE = re.compile(r"""(?:[^#"\\]|"[^"]*"|\\.|["\\]|#-?[0-9])*""")  # up to a comment
_PARAMETER = re.compile(r"""(?:[^,"\\]|"[^"]*"|\\.|["\\])+""")
_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\b")
_DEFAULTS = re.compile(r"Defaults(?:([@:!>])[ \t]*|[ \t]+)")
_INCLUDE = re.compile(r"[@#](include|includedir)[ \t]+(.+)")
_TELLING = re.compile(r"NOPASSWD|![ \t]*authenticate|exempt_group")


@dataclass(frozen=True, slots=True)
class Line:
    """A line, joined with those that it goes on in; `number` is the first's."""

    path: str
    number: int
    text: str


@dataclass(slots=True)
class _Sudoers:
    """What is read so far."""

    found: list[Found] = field(default_factory=list)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)


class _UnreadableError(Exception):
    """A line is no rule."""


def nopasswd(files: Files, path: str = PATH) -> list[Found]:
    """Return the rules and defaults by which sudo asks no password, aliases of users resolved.

    sudo goes by the last rule that matches: a later one may ask after all. A file that is missing
    says nothing.
    """
    sudoers = _Sudoers()
    for line in lines(files, path):
        _take(sudoers, line)
    return [
        Found(found.what, tuple(_resolved(found.who, sudoers.aliases)), found.path, found.line)
        for found in sudoers.found
    ]


def applies(who: tuple[str, ...], account: Account) -> bool:
    """Tell whether a list of users is about somebody: the last that matches says.

    Of a netgroup nothing is known, so it might.
    """
    mine = {"ALL", account.name, f"#{account.uid}", *(f"%{group}" for group in account.groups)}
    verdict = False
    for word in who:
        name = word.lstrip("!")
        if name in mine or name.startswith("+"):
            verdict = (len(word) - len(name)) % 2 == 0
    return verdict


def lines(files: Files, path: str = PATH, depth: int = 0) -> Iterator[Line]:
    """Yield the lines of a file and of those that it includes, in their order."""
    try:
        text = files.read(path)
    except FileError:
        return
    for line in joined(text, path):
        include = _INCLUDE.fullmatch(line.text)
        if include is None:
            yield line
        elif depth < _DEPTH_MAX:
            for included in _included(files, path, include[1], _unescaped(include[2])):
                yield from lines(files, included, depth + 1)


def _included(files: Files, path: str, directive: str, target: str) -> list[str]:
    if not target.startswith("/"):
        target = f"{path.rpartition('/')[0]}/{target}"
    if directive == "include":
        return [target]
    names = files.glob(f"{target.rstrip('/')}/*")
    return [name for name in names if "." not in name.rpartition("/")[2] and not name.endswith("~")]


def joined(text: str, path: str) -> list[Line]:
    r"""Cut a file into lines, each with those that it goes on in, without comments and blanks.

    A `\` at a comment's end is part of the comment.
    """
    found: list[Line] = []
    parts: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        code = line if _INCLUDE.match(line) else _code(line)
        part = re.sub(r"\\[ \t]*\r?$", "", code)
        parts.append(part)
        if part != code:
            continue
        if whole := " ".join(parts).strip():
            found.append(Line(path, number - len(parts) + 1, whole))
        parts = []
    return found


def _code(line: str) -> str:
    """Return what stands before a comment."""
    found = _CODE.match(line)
    return found[0] if found else ""


def _take(sudoers: _Sudoers, line: Line) -> None:
    try:
        if (alias := _ALIAS.match(line.text)) is not None:
            if alias[1] == "User":
                sudoers.aliases.update(_aliases(line.text[alias.end() :]))
        elif (defaults := _DEFAULTS.match(line.text)) is not None:
            sudoers.found += _defaults(line, defaults)
        else:
            sudoers.found += _rule(line)
    except _UnreadableError:
        if _TELLING.search(line.text):
            sudoers.found.append(Found(line.text, ("ALL",), line.path, line.number))


def _aliases(text: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    at = 0
    while True:
        name, at = _word(text, at)
        members, at = _words(text, _expect(text, at, "="))
        yield name, members
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            return
        at += 1


def _defaults(line: Line, defaults: re.Match[str]) -> Iterator[Found]:
    at, mark = defaults.end(), defaults[1] or ""
    scope: tuple[str, ...] = ()
    if mark:
        scope, at = _words(line.text, at)
    who = scope if mark == ":" else ("ALL",)
    for parameter in _PARAMETER.findall(line.text, at):
        plain = parameter.strip()
        if re.fullmatch(r"![ \t]*authenticate", plain):
            what = f"Defaults{mark}{','.join(scope)} !authenticate"
            yield Found(what, who, line.path, line.number)
        exempt = re.fullmatch(r'exempt_group[ \t]*=[ \t]*"?([^"]+)"?', plain)
        if exempt:
            yield Found(f"Defaults {plain}", (f"%{exempt[1]}",), line.path, line.number)


def _rule(line: Line) -> Iterator[Found]:
    """Yield those commands of a rule that need no password, a list of hosts at a time."""
    text = line.text
    who, at = _words(text, 0)
    while True:
        _, at = _words(text, at)
        free, at = _commands(text, _expect(text, at, "="))
        if free:
            yield Found(f"NOPASSWD: {', '.join(free)}", who, line.path, line.number)
        if text[at : at + 1] != ":":
            return
        at += 1


def _commands(text: str, at: int) -> tuple[list[str], int]:
    """Read a list of commands; return those without a password, and where it ends."""
    free, nopasswd_ = [], False
    while True:
        at = _skip(text, at)
        found = _RUNAS.match(text, at) or _OPTION.match(text, at) or _DIGEST.match(text, at)
        if found:
            at = found.end()
            continue
        tag = _TAG.match(text, at)
        if tag:
            nopasswd_ = {"NOPASSWD": True, "PASSWD": False}.get(tag[1], nopasswd_)
            at = tag.end()
            continue
        command = _COMMAND.match(text, at)
        if command is None:
            raise _UnreadableError
        if nopasswd_:
            free.append(command[0].strip())
        at = command.end()
        if text[at : at + 1] != ",":
            return free, at
        at += 1


def _words(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """Read words that commas part; return them and where they end."""
    words = []
    while True:
        word, at = _word(text, at)
        words.append(word)
        after = _skip(text, at)
        if text[after : after + 1] != ",":
            return tuple(words), at
        at = after + 1


def _word(text: str, at: int) -> tuple[str, int]:
    """Read a word, its `!` included."""
    found = _WORD.match(text, _skip(text, at))
    if found is None:
        raise _UnreadableError
    return _unescaped(re.sub(r"^(!*)[ \t]*", r"\1", found[0])), found.end()


def _expect(text: str, at: int, char: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != char:
        raise _UnreadableError
    return at + 1


def _skip(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _unescaped(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word.replace('"', ""))


def _resolved(who: tuple[str, ...], aliases: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Put an alias's members in its place."""
    for word in who:
        name = word.lstrip("!")
        if name not in aliases:
            yield word
            continue
        others = {other: members for other, members in aliases.items() if other != name}
        for member in _resolved(aliases[name], others):
            yield word.removesuffix(name) + member
