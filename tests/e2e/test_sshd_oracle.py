"""Our reader of sshd_config beside the real one: `sshd -T -C` on trees made up at random.

Configurations are written where sshd looks for them, with files that include each other, Match
blocks of every kind, aliases and odd spelling; each is asked about several connections.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pamconf.errors import PamconfError
from pamconf.sshd import Answer, BadConfigError, Connection, effective, load, query
from pamconf.tree import Tree
from tests.e2e import sshd_maker
from tests.e2e.sshd_maker import SSHD_CONFIG, Maker

FOLDER = Path(sshd_maker.FOLDER)
SEED = 20230202  # the day of OpenSSH 9.2
CONFIGURATIONS, CONNECTIONS = 400, 4

PASSWD, GROUP = Path("/etc/passwd"), Path("/etc/group")
USERS = """\
ann:x:5500:5501::/:/bin/sh
bob:x:5501:5501::/:/bin/sh
Eve-x:x:5502:5999::/:/bin/sh
"""  # Eve is in no group that has a name
GROUPS = "staff:x:5501:\nwheel:x:5502:ann\n"


@pytest.fixture(scope="module", autouse=True)
def machine() -> Iterator[None]:
    """What sshd wants to find, and the users of sshd_maker."""
    before = {path: path.read_text() for path in (PASSWD, GROUP)}
    PASSWD.write_text(before[PASSWD] + USERS)
    others = [line for line in before[GROUP].splitlines(keepends=True) if line[:6] != "staff:"]
    GROUP.write_text("".join(others) + GROUPS)
    Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-A"], check=True)
    yield
    for path, text in before.items():
        path.write_text(text)
    Path(SSHD_CONFIG).unlink(missing_ok=True)


@pytest.fixture
def written() -> Iterator[Path]:
    """The folder of included files, empty before each configuration."""
    FOLDER.mkdir()
    yield FOLDER
    shutil.rmtree(FOLDER)


def write(tree: dict[str, str]) -> None:
    """Put a configuration where sshd looks for it, and nothing else."""
    for path in FOLDER.iterdir():
        path.unlink()
    for name, text in tree.items():
        Path(name).write_bytes(text.encode())


def outcome(connection: Connection) -> str:
    """Ask both; return what happened in a word, having failed on any difference."""
    try:
        answer = query(connection, config=SSHD_CONFIG)
    except PamconfError:
        with pytest.raises(BadConfigError):
            effective(load(Tree(), SSHD_CONFIG), connection)
        return "refused by both"
    assert answer.warnings == ()
    return described(answer)


def described(answer: Answer) -> str:
    """Whether anything but the defaults counts, and whether an included line does."""
    sources = [setting.source for setting in answer.effective.settings.values() if setting.source]
    sources += [
        entry.source
        for entries in answer.effective.lists.values()
        for entry in entries
        if entry.source
    ]
    if not sources:
        return "defaults"
    return "own lines" if {source.path for source in sources} == {SSHD_CONFIG} else "included lines"


def test_effective_values(written: Path) -> None:
    """We would explain a login by settings that sshd does not have for it."""
    del written
    maker, seen = Maker(SEED), Counter[str]()
    for _ in range(CONFIGURATIONS):
        tree = maker.tree()
        write(tree)
        for _ in range(CONNECTIONS):
            connection = maker.connection()
            try:
                seen[outcome(connection)] += 1
            except BaseException:
                print(connection, *[f"--- {path}\n{text}" for path, text in tree.items()], sep="\n")  # noqa: T201
                raise
    print(dict(seen.most_common()))  # noqa: T201
    assert min(seen[kind] for kind in ("own lines", "included lines", "refused by both")) > 100
    assert seen["refused by both"] < sum(seen.values()) / 2
