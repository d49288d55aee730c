"""The real sshd's word on its configuration, joined with the lines that we found.

`sshd -T` knows all defaults and all keywords, and is right; but it names no lines, and it can only
be asked about the machine that it runs on, since it includes files by absolute paths.
"""

import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pamconf import accounts
from pamconf.errors import ToolError, UsageError
from pamconf.sshd.config import DEFAULTS, LISTS, PATH, BadConfigError, Effective, Setting, load
from pamconf.sshd.config import effective as read_effective
from pamconf.sshd.match import Connection
from pamconf.tree import Root, Tree

SSHD = "/usr/sbin/sshd"
_SECONDS_MAX = 10
_BAD_LINE = re.compile(r"(/.*?):? line ([0-9]+): (.*?)\.?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts for a connection, and how far to trust it.

    `asked` says whether the values are the real sshd's; `warnings` say where our reader, which
    found the lines, came to something else, or why sshd was not asked.
    """

    effective: Effective
    asked: bool
    warnings: tuple[str, ...] = ()


def connect(
    user: str,
    address: str | None = None,
    *,
    host: str | None = None,
    local_address: str | None = None,
    local_port: int = 22,
    root: Root = "/",
) -> Connection:
    """Return somebody's connection, with the account that a root has for them."""
    account = accounts.find(user, root)
    return Connection(user, account, address, host, local_address, local_port)


def query(
    connection: Connection,
    *,
    root: Root = "/",
    config: str = PATH,
    sshd: str = SSHD,
) -> Answer:
    """Tell what counts for a connection.

    This machine's sshd is asked (as root: it reads its host keys), and its values count. Another
    root's cannot be, nor what is not on disk yet, so our reader's values do; also where this
    machine has no sshd. Options on the daemon's own command line are not seen. Raises FileError,
    BadConfigError, ToolError where sshd fails for another reason, UsageError where it cannot be
    asked about such a name.
    """
    tree = Tree(root)
    if tree.root != Path("/") or not tree.is_on_disk:
        return Answer(read_effective(load(tree, config), connection), asked=False)
    if not Path(sshd).exists():
        ours = read_effective(load(tree, config), connection)
        return Answer(ours, asked=False, warnings=(f"there is no {sshd} to ask",))
    said = parse_dump(_run(sshd, config, connection))
    try:
        ours = read_effective(load(tree, config), connection)
    except BadConfigError as error:
        theirs = join(Effective(connection, _settings(DEFAULTS)), said).effective
        return Answer(
            theirs, asked=True, warnings=(f"sshd takes what our reader does not: {error}",)
        )
    return join(ours, said)


def consult(connection: Connection, *, root: Root = "/") -> Answer:
    """Tell what counts for a connection, by our own reading where sshd itself cannot be asked.

    It cannot without root's rights, where it has no host keys, or about a name with a comma. Raises
    as `query`, but no ToolError and no UsageError.
    """
    try:
        return query(connection, root=root)
    except (ToolError, UsageError) as error:
        ours = read_effective(load(Tree(root)), connection)
        said = f"{error.message.rstrip('.')}: this is by our own reading of its files"
        return Answer(ours, asked=False, warnings=(said,))


def parse_dump(text: str) -> dict[str, list[str]]:
    """Read `sshd -T`: a list of values, of which most have one, for each keyword (lower case)."""
    said: dict[str, list[str]] = {}
    for line in text.removesuffix("\n").split("\n"):
        keyword, _, value = line.partition(" ")
        said.setdefault(keyword, []).append(value)
    return said


def join(ours: Effective, said: Mapping[str, list[str]]) -> Answer:
    """Take sshd's values, with our lines for those that we came to as well."""
    warnings = []
    settings = dict(ours.settings)
    for keyword, setting in ours.settings.items():
        value = _plain(said.get(keyword.lower(), [setting.value])[0])
        if value != setting.value:
            warnings.append(_differs(keyword, value, setting.value))
            settings[keyword] = Setting(value)
    lists = dict(ours.lists)
    for keyword in LISTS:
        values = said.get(keyword.lower(), [])
        found = [setting.value for setting in lists.get(keyword, ())]
        if values != found:
            warnings.append(_differs(keyword, " ".join(values), " ".join(found)))
            lists[keyword] = tuple(map(Setting, values))
    return Answer(
        replace(ours, settings=settings, lists=lists), asked=True, warnings=tuple(warnings)
    )


def _plain(value: str) -> str:
    """Return a value as we spell it."""
    return "prohibit-password" if value == "without-password" else value


def _differs(keyword: str, theirs: str, ours: str) -> str:
    return f"sshd says {keyword} {theirs!r}, our reader {ours!r}: the line is not known"


def _settings(values: Mapping[str, str]) -> dict[str, Setting]:
    return {keyword: Setting(value) for keyword, value in values.items()}


def _run(sshd: str, config: str, connection: Connection) -> str:
    """Return what `sshd -T` writes."""
    argv = [sshd, "-T", "-f", config, "-C", specification(connection)]
    try:
        done = subprocess.run(argv, capture_output=True, check=False, timeout=_SECONDS_MAX)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{sshd} could not be asked: {error}") from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").split("\n")
        _raise_bad_line(lines)
        last = [line.strip() for line in lines if line.strip()][-1:]
        raise ToolError(
            f"{sshd} -T failed: {''.join(last) or f'exit status {done.returncode}'}",
            hint="It needs root's rights, its host keys and /run/sshd. 'sshd -t' says more.",
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _raise_bad_line(lines: Iterable[str]) -> None:
    """Raise BadConfigError with the first line of the configuration that sshd objects to."""
    for line in lines:
        bad = _BAD_LINE.fullmatch(line.strip())
        if bad:
            path, number, message = bad.groups()
            hint = f"'sshd -t' says what {SSHD} makes of it."
            raise BadConfigError(message, path=path, line=int(number), hint=hint)


def specification(connection: Connection) -> str:
    """Return a connection as `sshd -C` takes it. Raises UsageError on a comma or a NUL."""
    fields = {
        "user": connection.user,
        "host": connection.name,
        "addr": connection.address,
        "laddr": connection.local_address,
        "lport": str(connection.local_port),
        "rdomain": connection.rdomain,
    }
    given = {name: value for name, value in fields.items() if value is not None}
    for name, value in given.items():
        if "," in value or "\0" in value:
            raise UsageError(f"sshd cannot be asked about a {name} such as {value!r}")
    return ",".join(f"{name}={value}" for name, value in given.items())
