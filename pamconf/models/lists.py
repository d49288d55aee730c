"""Modules that let through, or refuse, by a list of names in a file.

A file that everybody may change, or that is no plain file, is not read: they refuse.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pamconf.errors import FileError
from pamconf.login import Login
from pamconf.models.words import chunks, shell_in
from pamconf.tree import Kind

if TYPE_CHECKING:
    from pamconf.stack import Rule

_SHELLS, _SECURETTY = "/etc/shells", "/etc/securetty"
_CMDLINE, _ACTIVE = "/proc/cmdline", "/sys/class/tty/console/active"
_LISTFILE_LINE, _LINE = 255, 254  # bytes that fgets() is asked for, less one
_NAMED = 255  # bytes of an argument's value
_SENSES = {"allow": True, "deny": False}
_ONERR = {"succeed": "success", "fail": "service_err"}
_ITEMS = ("user", "tty", "rhost", "ruser", "group", "shell")
_PLACES = ("tty", "rhost")
"""Items that `apply=` counts for; the others are about who it is already."""


# --- pam_listfile ---


@dataclass
class _List:
    """What a rule's arguments say; `wrong` is what it returns because of one of them.

    `apply` is True for a group and False for a user, whose name is `value`: that of the last
    argument, since the module keeps no other.
    """

    item: str = ""
    sense: bool | None = None
    file: str | None = None
    apply: bool | None = None
    value: str = ""
    onerr: str = "service_err"
    wrong: str | None = None


def listfile(rule: "Rule", login: Login) -> str:
    """Model pam_listfile (modules/pam_listfile/pam_listfile.c:pam_sm_authenticate).

    What is amiss in the arguments, and a file that is not there, is as `onerr=` says. An empty item
    is on no list. What `apply=` names is forgotten where another argument than quiet follows it.
    """
    if login.call == "setcred":
        return "success"
    options = _read(rule)
    others = [one for one in rule.arguments if one != "quiet"]
    if options.apply is not None and not others[-1].startswith("apply="):
        login.note(f"{rule.place}: what apply= names is forgotten, since {others[-1]} follows it")
    if options.wrong:
        return options.wrong
    if not _applies(options, login):
        return "ignore"
    try:
        is_listed = _is_listed(options, login)
    except FileError as error:
        login.note(f"{error.path}: {error.message}")
        return options.onerr if error.message == _MISSING else "auth_err"
    return "success" if is_listed == options.sense else "auth_err"


def _read(rule: "Rule") -> _List:
    """Read the arguments in their order: the first that makes no sense ends it."""
    options = _List()
    for argument in rule.arguments:
        name, is_option, value = argument.partition("=")
        if argument != "quiet":
            options.value = value[:_NAMED]
        if is_option:
            _take(options, name, options.value)
        if options.wrong:
            return options
    named = options.item in _ITEMS and options.sense is not None and options.file is not None
    if not named or (options.apply is not None and not options.value[options.apply :]):
        options.wrong = options.onerr
    return options


def _take(options: _List, name: str, value: str) -> None:
    if name == "onerr":
        options.onerr = _ONERR.get(value, "service_err")
        options.wrong = None if value in _ONERR else "service_err"
    elif name == "sense":
        options.sense = _SENSES.get(value)
        options.wrong = None if value in _SENSES else options.onerr
    elif name == "apply":
        options.apply = value.startswith("@")
    elif name in {"item", "file"}:
        setattr(options, name, value)
    else:
        options.wrong = options.onerr


def _applies(options: _List, login: Login) -> bool:
    """Tell whether `apply=` is about this user."""
    if options.apply is None or options.item not in _PLACES:
        return True
    name = options.value[options.apply :]
    return login.in_group(name) if options.apply else login.user_is(name)


def _is_listed(options: _List, login: Login) -> bool:
    """Tell whether the file has a line for this login. Raises FileError where it is not read."""
    place = {"rhost": login.origin.rhost or "", "tty": _terminal(login.origin.tty or "")}
    value = place.get(options.item)
    if value == "":
        return False
    path = str(options.file)
    lines = [line.removesuffix("\r") for line in _safe_lines(path, login)]
    if options.item == "ruser":
        on, off = f"asked by somebody in {path}", f"asked by nobody in {path}"
        return login.fact(f"ruser in {path}", on, off) == on
    return _COMPARED[options.item](value or path, lines, login)


def _safe_lines(path: str, login: Login) -> list[str]:
    kind = login.world.files.kind(path, follow=False) if path else Kind.NOTHING
    if kind is Kind.NOTHING:
        raise FileError(_MISSING, path=path)
    if kind is not Kind.FILE:
        raise FileError("is no plain file, or everybody may change it", path=path)
    return [line for line in chunks(login.world.files.read(path), _LISTFILE_LINE) if line]


_MISSING = "no such file"

_COMPARED: dict[str, Callable[[str, list[str], Login], bool]] = {
    "user": lambda _, lines, login: any(map(login.user_is, lines)),
    "group": lambda _, lines, login: any(map(login.in_group, lines)),
    "shell": shell_in,
    "rhost": lambda rhost, lines, _: rhost in lines,
    "tty": lambda tty, lines, _: tty in map(_terminal, lines),
}
"""By items: whether a file's lines have what a login is compared by."""


def _terminal(name: str) -> str:
    return name.removeprefix("/dev/")


# --- pam_shells, pam_securetty ---


def shells(_rule: "Rule", login: Login) -> str:
    """Model pam_shells (modules/pam_shells/pam_shells.c): the shell has to be in /etc/shells."""
    if login.call not in {"auth", "account"}:
        return "success" if login.call == "setcred" else "module_unknown"
    if login.world.files.kind(_SHELLS) is not Kind.FILE:
        login.note(f"{_SHELLS} is not there, or everybody may change it: pam_shells refuses")
        return "auth_err"
    lines = chunks(login.world.files.read(_SHELLS), _LINE)
    return "success" if shell_in(_SHELLS, lines, login, without="/bin/sh") else "auth_err"


def securetty(rule: "Rule", login: Login) -> str:
    """Model pam_securetty (modules/pam_securetty/pam_securetty.c): where root may log in.

    Without /etc/securetty that is everywhere. The kernel's own console needs no line in it.
    """
    if login.call not in {"auth", "account"}:
        return "success" if login.call == "setcred" else "module_unknown"
    if not login.uid_below(1):
        return "success"
    if login.origin.tty is None:
        return "service_err"
    kind = login.world.files.kind(_SECURETTY)
    if kind is not Kind.FILE:
        return "success" if kind is Kind.NOTHING else "auth_err"
    tty = _terminal(login.origin.tty)
    lines = chunks(login.world.files.read(_SECURETTY), _LINE)
    console = "noconsole" not in rule.arguments and _is_console(tty, login)
    return "success" if tty in lines or console else "auth_err"


def _is_console(tty: str, login: Login) -> bool:
    """Tell whether a terminal is the kernel's console, as far as the files of a machine say."""
    words = _words(_CMDLINE, login)
    named = [word[8:].partition(",")[0] for word in words if word.startswith("console=")]
    return tty in named or tty in _words(_ACTIVE, login)


def _words(path: str, login: Login) -> list[str]:
    try:
        return login.world.files.read(path).partition("\n")[0].split(" ")
    except FileError:
        login.note(f"{path} cannot be read: no terminal is taken for the kernel's console")
        return []
