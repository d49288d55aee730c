"""Consoles on which agetty logs somebody in: units and drop-ins of systemd, and inittab.

(systemd.unit(5) for which files count, systemd.service(5) for ExecStart=, agetty(8), inittab(5).)
"""

import getopt
import re
import shlex
from collections.abc import Iterator

from pamconf.logins.found import Entry, Found, entries, texts
from pamconf.tree import Files

_FOLDERS = (  # the first that has a file of some name hides those of the others
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_UNITS = ("*getty@*.service", "console-getty.service", "autovt@*.service")
_UNIT = re.compile(r"/([^/]+\.service)(?:\.d/[^/]+)?$")
_INITTAB = re.compile(r"\s*[^#:\s][^:]*:[^:]*:([^:]*):(.*)")
_SHORT = "8a:cC:d:Ef:hH:iI:Jl:LmnNo:pP:r:Rst:Uw"
_LONG = [
    "8bits",
    "autologin=",
    "noreset",
    "chdir=",
    "delay=",
    "remote",
    "issue-file=",
    "flow-control",
    "host=",
    "noissue",
    "init-string=",
    "noclear",
    "login-program=",
    "local-line=",
    "extract-baud",
    "skip-login",
    "nonewline",
    "login-options=",
    "login-pause",
    "nice=",
    "chroot=",
    "hangup",
    "keep-baud",
    "timeout=",
    "detect-case",
    "wait-cr",
    "nohints",
    "nohostname",
    "long-hostname",
    "erase-chars=",
    "kill-chars=",
    "reload",
    "list-speeds",
]


def autologins(files: Files) -> list[Found]:
    """Return whom a console logs in by itself."""
    return [*_by_systemd(files), *_by_inittab(files)]


def _by_systemd(files: Files) -> Iterator[Found]:
    seen = set()
    for unit in _units(files):
        for entry in _commands(files, unit):
            user = logged_in(entry.value)
            place = (entry.path, entry.line)
            if user and place not in seen:  # a template's line counts for each of its instances
                seen.add(place)
                yield Found(f"ExecStart={entry.value}", (user,), *place)


def _units(files: Files) -> list[str]:
    """Return the names of units that any folder has a file or a drop-in for."""
    paths = [
        path
        for folder in _FOLDERS
        for unit in _UNITS
        for suffix in ("", ".d/*.conf")
        for path in files.glob(f"{folder}/{unit}{suffix}")
    ]
    return sorted({found[1] for found in map(_UNIT.search, paths) if found})


def _commands(files: Files, unit: str) -> list[Entry]:
    """Return the ExecStart= entries that count for a unit; an empty one undoes those before it."""
    counting: list[Entry] = []
    for path, text in _fragments(files, unit):
        for entry in entries(_joined(text), path, comments="#;"):
            if (entry.section, entry.key) == ("Service", "ExecStart"):
                counting = [*counting, entry] if entry.value else []
    return counting


def _fragments(files: Files, unit: str) -> Iterator[tuple[str, str]]:
    """Yield a unit's file, or its template's, then all drop-ins by their names."""
    template = re.sub(r"@[^@]+\.service$", "@.service", unit)
    own = _first(files, unit) or _first(files, template)
    drop_ins = {
        path.rpartition("/")[2]: path
        for name in (template, unit)
        for folder in reversed(_FOLDERS)
        for path in files.glob(f"{folder}/{name}.d/*.conf")
    }
    paths = [own] if own else []
    yield from texts(files, *paths, *(drop_ins[name] for name in sorted(drop_ins)))


def _first(files: Files, unit: str) -> str | None:
    paths = [path for folder in _FOLDERS for path in files.glob(f"{folder}/{unit}")]
    return paths[0] if paths else None


def _joined(text: str) -> str:
    r"""Join lines that end in `\` with the next, and keep the numbers of those that follow."""
    lines: list[str] = []
    blank = 0
    for line in text.split("\n"):
        if lines and lines[-1].endswith("\\"):
            lines[-1] = f"{lines[-1][:-1]} {line}"
            blank += 1
            continue
        lines += [""] * blank
        blank = 0
        lines.append(line)
    return "\n".join(lines)


def _by_inittab(files: Files) -> Iterator[Found]:
    for path, text in texts(files, "/etc/inittab"):
        for number, line in enumerate(text.split("\n"), 1):
            found = _INITTAB.match(line)
            user = logged_in(found[2]) if found and found[1] != "off" else None
            if found and user:
                yield Found(found[2], (user,), path, number)


def logged_in(command: str) -> str | None:
    """Return whom a getty's command line logs in, if anybody."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    if not words or "getty" not in words[0]:
        return None
    try:
        options, _ = getopt.gnu_getopt(words[1:], _SHORT, _LONG)
    except getopt.GetoptError:
        return None
    users = [value for name, value in options if name in {"-a", "--autologin"}]
    return users[-1] if users else None
