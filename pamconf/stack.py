"""The stack of a service: which rules libpam goes through, from all the files that they stand in.

Imitated is Debian's libpam 1.5.2. Where upstream's differs: there is no @include there, and an
include without a leading slash is looked for wherever services are; Debian's looks for it in
/etc/pam.d alone.

Source: libpam/pam_handlers.c of Linux-PAM, and Debian's patch 031_pam_include.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pamconf import control as control_
from pamconf import lines, simulate
from pamconf.control import Control
from pamconf.errors import FileError, PamconfError, UsageError
from pamconf.lines import TYPES, Entry, module_name
from pamconf.tree import NOWHERE, Root, Tree, unreadable

if TYPE_CHECKING:
    from pamconf.explain import Decision
    from pamconf.explore import Model
    from pamconf.login import World

CONFDIRS = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
"""Where services are looked for: the admin's folder, the distribution's, a vendor's."""

INCLUDES_FROM = "/etc/pam.d"
PAM_CONF = "/etc/pam.conf"
OTHER = "other"

SUBSTACKS_MAX = 16
INCLUDES_MAX = 20
NESTING_MAX = 60
"""Files within each other, in substacks or not: more than this is given up."""

RULES_MAX = 50_000
LINES_MAX = 200_000
"""More than this is given up: files that include themselves several times grow without end."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as libpam goes through it.

    `module` is None, and `fault` says why, where nothing is called and the rule fails with
    perm_denied (Debian and upstream: PAM_HT_MUST_FAIL). `enters` is a rule that only marks where a
    substack begins. `level` is how many substacks the rule lies in. `path`, `line` and `column`
    (from 1) say where it stands.
    """

    type: str
    control: Control
    module: str | None
    arguments: tuple[str, ...]
    silent: bool
    path: str
    line: int
    column: int
    level: int = 0
    fault: str | None = None
    enters: bool = False
    entry: Entry | None = field(default=None, compare=False, repr=False)

    def __hash__(self) -> int:
        return hash((self.path, self.line, self.type))  # all the fields would take long

    @property
    def name(self) -> str:
        """The module without its folders and its ending: pam_unix."""
        return module_name(self.module or "")

    @property
    def place(self) -> str:
        """Where it stands, as people write it: /etc/pam.d/sshd:7."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class Problem:
    """Why libpam gives up a service, or reads less than somebody would think."""

    message: str
    path: str
    line: int | None = None


@dataclass(frozen=True)
class File:
    """A file that rules come from: `path` as libpam names it, and what is in it."""

    path: str
    entries: tuple[Entry, ...]

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return lines.render(self.entries)

    @cached_property
    def said(self) -> tuple[Entry, ...]:
        """The entries that say something, or that libpam stops at."""
        return tuple(entry for entry in self.entries if entry.fields or entry.unfinished)


Reader = Callable[[str], bytes | None]
"""Gives the bytes of the file with this absolute path, or None where there is none."""


@dataclass(frozen=True)
class Service:
    """A service's rules. `abort` says why libpam refuses all that is asked of it, if it does.

    `path` is its own file, None where it has none and `other` stands in for it; `files` are all
    that were read, by their paths. `root` is where they are.
    """

    name: str
    path: str | None
    files: Mapping[str, File]
    abort: Problem | None = None
    notes: tuple[Problem, ...] = ()
    _own: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    _other: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    root: Root = "/"

    def rules(self, type_: str) -> tuple[Rule, ...]:
        """Return the flattened list for a type, one of TYPES: `other`'s where it has none."""
        if type_ not in TYPES:
            raise UsageError(f"no type of rules: {type_!r}", hint=f"There are {', '.join(TYPES)}.")
        return self._own.get(type_) or self._other.get(type_, ())

    def run(
        self, call: str, returns: simulate.Returns, after: simulate.Outcome | None = None
    ) -> simulate.Outcome:
        """Return what a call comes to where `returns` says what each module returns.

        `call` is one of simulate.CALLS: "auth", "account", "session" and "password", and "setcred"
        and "close_session", which follow the path that was taken in the Outcome `after`.
        """
        if call not in simulate.CALLS:
            raise UsageError(f"no call: {call!r}", hint=f"There are {', '.join(simulate.CALLS)}.")
        if self.abort:
            return simulate.Outcome(call, "abort", (), None, self.abort.message)
        return simulate.run(call, self.rules(simulate.CALLS[call]), returns, after)

    def explain(
        self, world: "World | None" = None, models: "Mapping[str, Model] | None" = None
    ) -> "tuple[Decision, ...]":
        """Return who is asked what, and gets in or not; see pamconf.explain.

        Every combination of the facts that matter is tried. `world` says what is known already; if
        it is None, anybody may come from anywhere (places.world_of).
        """
        # Who only reads and changes files does not wait for all that follows logins.
        from pamconf.explain import explain  # noqa: PLC0415 - see above
        from pamconf.models import MODELS  # noqa: PLC0415 - see above
        from pamconf.places import world_of  # noqa: PLC0415 - see above

        return explain(self, world or world_of(self), MODELS if models is None else models)

    def is_other(self, type_: str) -> bool:
        """Tell whether the rules of that type are those of `other`."""
        return not self._own.get(type_)


def load(service: str, root: Root = "/", confdirs: Sequence[str] | None = None) -> Service:
    """Return a service as libpam would find it under `root`.

    `confdirs` are the folders to look in, CONFDIRS if None, below `root` too. A service that is
    nowhere is `other`. Raises FileError where a file is there but cannot be read, UsageError where
    the name can be none of a file.
    """
    if service.rpartition("/")[2] in {"", ".", ".."}:
        raise UsageError(f"no name of a service: {service!r}")
    found = load_from(_reader(Tree(root)), service, CONFDIRS if confdirs is None else confdirs)
    return replace(found, root=root)


def load_from(read: Reader, service: str, confdirs: Sequence[str] = CONFDIRS) -> Service:
    """Return a service whose files `read` gives; like `load`, for what is on no disk."""
    return _Loader(read, service.rpartition("/")[2].lower(), confdirs).service()


PARTS = ("common-", "system-auth", "password-auth", "postlogin", "fingerprint-", "smartcard-")
"""Beginnings of the names of files that distributions only include in services."""


def services(
    root: Root = "/", confdirs: Sequence[str] | None = None, *, parts: bool = True
) -> list[str]:
    """Return the names of all services under `root`, sorted, as far as the folders can be read.

    Where there are no folders, they are those of pam.conf. Without `parts`, files are left out that
    are only included (PARTS).
    """
    tree = Tree(root)
    names = _names_in_folders(tree, CONFDIRS if confdirs is None else confdirs)
    if names is None:
        names = _names_in_pam_conf(tree) if confdirs is None else set()
    left_out = () if parts else PARTS
    return sorted(name for name in names if not name.startswith(left_out))


def _names_in_folders(tree: Tree, folders: Sequence[str]) -> set[str] | None:
    """Return the services in folders; None where there is no folder."""
    names: set[str] | None = None
    for folder in folders:
        try:
            found = tree.names(folder)
            names = names or set()
            names |= {name for name in found if _is_file(f"{folder}/{name}", tree)}
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise FileError(f"{folder}: {error.strerror}") from error
    if names is None:
        return None
    return {name for name in names if name == name.lower() and not _is_leftover(name)}


def _names_in_pam_conf(tree: Tree) -> set[str]:
    content = _reader(tree)(PAM_CONF)
    entries = lines.parse(content or b"")
    return {entry.fields[0].text.lower() for entry in entries if entry.fields}


def _is_leftover(name: str) -> bool:
    """Whether a package manager or an editor left the file, and nobody logs in with its name."""
    return name.startswith(".") or name.endswith(
        ("~", ".bak", ".orig", ".rej", ".swp", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".rpmnew",
         ".rpmsave", ".ucf-dist", ".ucf-old", ".pam-new", ".pam-old")
    )  # fmt: skip


def _reader(tree: Tree) -> Reader:
    """Return what opens files below a root as libpam does."""

    def read(path: str) -> bytes | None:
        try:
            return tree.content(path)
        except IsADirectoryError:
            return b""  # fopen opens it, and nothing can be read from it
        except OSError as error:
            if error.errno in NOWHERE:
                return None
            raise unreadable(path, error) from error

    return read


def _is_file(path: str, tree: Tree) -> bool:
    """Tell whether a file is there, after all links."""
    try:
        return tree.is_file(path)
    except OSError as error:
        if error.errno not in NOWHERE:
            raise
        return False


class _GiveUp(Exception):  # noqa: N818 - what PAM_ABORT is to libpam
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class _Crash(_GiveUp):
    """The program that logs somebody in crashes: nothing above makes it good."""


@dataclass
class _Place:
    """Which file is being read for whom: the rules of `only` one type, or of all.

    `above` are the files that include it, up to the substack that it is in; `depth` is how many
    there are in all.
    """

    file: File
    only: str | None = None
    level: int = 0
    above: tuple[str, ...] = ()
    depth: int = 0


class _Loader:
    """Reads what one pam_start reads."""

    def __init__(self, read: Reader, name: str, confdirs: Sequence[str]) -> None:
        self._read = read
        self._name = name
        self._confdirs = confdirs
        self._files: dict[str, File | None] = {}
        self._notes: list[Problem] = []
        self._own: dict[str, list[Rule]] = {}
        self._other: dict[str, list[Rule]] = {}
        self._rules = self._own  # where rules go just now
        self._path: str | None = None
        self._count = 0
        self._lines = 0

    def service(self) -> Service:
        """Return the service; an `abort` in it where libpam gives up."""
        abort = None
        try:
            if any(self._read(folder) is not None for folder in self._confdirs):
                self._load_files()
            else:
                self._load_pam_conf()
        except _GiveUp as reason:
            abort = reason.problem
        return Service(
            self._name,
            self._path,
            {path: file for path, file in self._files.items() if file},
            abort,
            tuple(self._notes),
            {type_: tuple(rules) for type_, rules in self._own.items()},
            {type_: tuple(rules) for type_, rules in self._other.items()},
        )

    def _load_files(self) -> None:
        own, other = self._find(self._name), self._find(OTHER)
        if own:
            self._path = own.path
            self._load(_Place(own))
        if other:
            self._rules = self._other
            self._load(_Place(other))
        elif not own:
            raise _GiveUp(Problem(f"no file for {self._name!r}, and none for 'other'", ""))
        if self._name == OTHER:  # it is read twice, once as itself
            self._own = {type_: rules * 2 for type_, rules in self._own.items()}

    def _load_pam_conf(self) -> None:
        """Read the one file of all services, in which a line begins with the service's name."""
        file = self._open(PAM_CONF)
        if file is None:
            raise _GiveUp(Problem("no folder of services, and no file of all of them", PAM_CONF))
        self._path = file.path
        for entry in file.entries:
            self._check_finished(file, entry)
            whose = entry.fields[0].text.lower() if entry.fields else None
            if whose in (self._name, OTHER):
                self._rules = self._other if whose == OTHER else self._own
                self._load_entry(_Place(file), entry.without_service())

    def _find(self, name: str) -> File | None:
        for folder in self._confdirs:
            if file := self._open(f"{folder}/{name}"):
                return file
        return None

    def _open(self, path: str) -> File | None:
        if path not in self._files:
            content = self._read(path) if "\0" not in path else None
            self._files[path] = None if content is None else File(path, lines.parse(content))
        return self._files[path]

    def _load(self, place: _Place) -> None:
        for entry in place.file.said:
            self._check_finished(place.file, entry)
            self._lines += 1
            if self._lines > LINES_MAX:
                raise self._too_much("lines", LINES_MAX, place.file.path, entry.line)
            self._load_entry(place, entry)

    def _check_finished(self, file: File, entry: Entry) -> None:
        if entry.unfinished:
            message = "the last line ends in a backslash, and nothing follows"
            raise _GiveUp(Problem(message, file.path, entry.line))

    def _load_entry(self, place: _Place, entry: Entry) -> None:
        if entry.is_include:
            self._include(place, entry, place.only)
            return
        type_ = entry.type if entry.type in TYPES else place.only or "auth"
        if place.only not in (None, type_):
            return
        rule = self._rule(place, entry, type_)
        if rule.control.includes:
            self._include(place, entry, type_)
        else:
            self._add(rule)

    def _rule(self, place: _Place, entry: Entry, type_: str) -> Rule:
        target = entry.target
        fault = None
        if entry.type not in TYPES:
            fault = f"no type of rules: {entry.type!r}"
        elif len(entry.fields) == 1:
            fault = "nothing follows the type"
        elif target is None:
            fault = "no module is named"
        return Rule(
            type_,
            entry.control,
            target.text if target else None,
            tuple(argument.text for argument in entry.arguments),
            entry.silent,
            place.file.path,
            entry.line,
            entry.fields[0].column if entry.fields else 1,
            place.level,
            fault,
            entry=entry,
        )

    def _include(self, place: _Place, entry: Entry, type_: str | None) -> None:
        target = entry.target
        if target is None:
            message = "no file to include is named: libpam crashes"
            raise _Crash(Problem(message, place.file.path, entry.line))
        inside = not entry.is_include and entry.control.keyword == "substack"
        if inside:
            marker = self._rule(place, entry, type_ or "auth")
            self._add(replace(marker, arguments=(), enters=True, fault=None))
        path = target.text if target.text.startswith("/") else f"{INCLUDES_FROM}/{target.text}"
        fault = self._include_file(place, path, type_, place.level + inside)
        if fault is None:
            return
        if type_ is None:
            raise _GiveUp(Problem(fault, place.file.path, entry.line))
        self._notes.append(Problem(fault, place.file.path, entry.line))
        failing = self._rule(place, entry, type_)
        self._add(replace(failing, control=control_.bad(), module=None, arguments=(), fault=fault))

    def _include_file(self, place: _Place, path: str, type_: str | None, level: int) -> str | None:
        """Read a file in the place of a rule; return why that failed, if it did."""
        if level >= SUBSTACKS_MAX:
            return f"{path}: more than {SUBSTACKS_MAX - 1} substacks within each other"
        file = self._open(path)
        if file is None:
            return f"{path}: no such file"
        above = (*place.above, place.file.path)
        if level > place.level:  # counted, so it comes to an end
            above = ()
        if path in above:
            message = "a file that includes itself, without end: libpam crashes"
            raise _Crash(Problem(f"{path}: {message}", place.file.path))
        if len(above) > INCLUDES_MAX:
            message = f"more than {INCLUDES_MAX} files include each other"
            raise PamconfError(message, path=place.file.path)
        if place.depth == NESTING_MAX:
            message = f"more than {NESTING_MAX} files within each other"
            raise PamconfError(message, path=place.file.path)
        try:
            self._load(_Place(file, type_, level, above, place.depth + 1))
        except _Crash:
            raise
        except _GiveUp as reason:
            where = reason.problem
            return f"{path}: given up at line {where.line}: {where.message}"
        return None

    def _add(self, rule: Rule) -> None:
        if (rule.module is not None or rule.enters) and _names_nothing(rule.module or ""):
            message = f"{rule.module!r} names no module: libpam crashes"
            raise _Crash(Problem(message, rule.path, rule.line))
        self._count += 1
        if self._count > RULES_MAX:
            raise self._too_much("rules", RULES_MAX, rule.path, rule.line)
        self._rules.setdefault(rule.type, []).append(rule)

    def _too_much(self, what: str, most: int, path: str, line: int) -> PamconfError:
        return PamconfError(
            f"{self._name}: more than {most} {what}",
            hint="Do its files include each other?",
            path=path,
            line=line,
        )


def _names_nothing(module: str) -> bool:
    """Whether libpam finds no name for its audit trail in that, and gets lost in its memory."""
    name = module.rpartition("/")[2]
    return name.rpartition(".")[0] in ("", "?") if "." in name else name in ("", "?")
