"""Who may import whom, and who may say what: CONTRIBUTING's rooms, held against the sources.

core <- pam, core <- ffi; pamconf imports nothing of ours; cli/doorward imports pamconf and, through
native.py alone, the core.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

C_FILES = sorted((CHECKOUT / "pam_module").rglob("*.[ch]"))
PYTHON_FILES = sorted(
    path for room in ("cli", "pamconf") for path in (CHECKOUT / room).rglob("*.py")
)
OURS = {"doorward", "pamconf", "demo", "lab", "tests"}
MAY_IMPORT = {"cli": {"doorward", "pamconf"}, "pamconf": {"pamconf"}}

# What only some files import: the core, libpam, and what starts programs.
DOORS = {
    "cffi": {"native.py"},
    "doorward._core": {"native.py"},
    "pamela": {"attempt.py"},
    "subprocess": {"process.py", "ask.py", "loading.py"},
}

# What a pure function may use: memory, numbers, text. nettle's hashes and inet_pton are just that.
CORE_HEADERS = {
    "arpa/inet.h",
    "inttypes.h",
    "nettle/hmac.h",
    "nettle/memops.h",
    "nettle/sha1.h",
    "nettle/sha2.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "strings.h",
}
IMPURE = re.compile(
    r"\b(f?open(at)?|f?printf|fopen|fputs|puts|syslog|getenv|time|clock_gettime|gettimeofday|"
    r"getpw\w+|getgr\w+|read|write|socket|fork|exec\w*|system)\s*\("
)


def room(path: Path) -> str:
    """The folder of pam_module that a file lies in."""
    return path.relative_to(CHECKOUT / "pam_module").parts[0]


def includes(path: Path) -> list[tuple[str, bool]]:
    """What a file includes, and whether with quotes, that is, from among our own."""
    found = re.findall(r'^#include ([<"])([^>"]+)[>"]', path.read_text(), re.MULTILINE)
    return [(name, bracket == '"') for bracket, name in found]


@pytest.mark.parametrize("path", C_FILES, ids=[path.name for path in C_FILES])
def test_c_includes(path: Path) -> None:
    """Parts that decide could no longer be tested, fuzzed or read on their own."""
    allowed = {"core": {"core"}, "pam": {"core", "pam"}, "ffi": {"core", "ffi"}}[room(path)]
    for name, ours in includes(path):
        if ours:
            target = (path.parent / name).resolve()
            assert room(target) in allowed, f"{path.name} includes {name}"
        elif room(path) == "core":
            assert name in CORE_HEADERS, f"{path.name} includes <{name}>"
        elif not path.name.startswith("pam_doorward"):
            assert not name.startswith("security/"), f"{path.name} speaks PAM"


@pytest.mark.parametrize(
    "path",
    [path for path in C_FILES if room(path) == "core"],
    ids=[path.name for path in C_FILES if room(path) == "core"],
)
def test_the_core_is_pure(path: Path) -> None:
    """A decision would depend on something else than what it is given."""
    assert not IMPURE.search(without_comments(path))


def test_files_are_opened_in_one_place() -> None:
    """A file would be opened without the checks that store.c makes."""
    for path in C_FILES:
        opens = re.search(
            r"\b(open|openat|fopen|rename|renameat|unlink|unlinkat)\s*\(", without_comments(path)
        )
        assert not opens or path.name == "store.c", path.name


def test_pam_codes_are_said_in_one_place() -> None:
    """A verdict would be mapped to a return code twice, and differently."""
    for path in C_FILES:
        if not path.name.startswith("pam_doorward"):
            assert not re.search(r"\bPAM_(SUCCESS|IGNORE|AUTH_ERR)\b", without_comments(path))


def without_comments(path: Path) -> str:
    """A C file's code."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


def imports(path: Path) -> set[str]:
    """The modules that a Python file imports, in full."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted((CHECKOUT / "pamconf").rglob("*.py")), ids=str)
def test_pamconf_does_not_speak_of_us(path: Path) -> None:
    """Who uses the library alone would be sent to commands and files that are not there."""
    said = {line for line in path.read_text().splitlines() if "doorward" in line.lower()}
    assert all("pam_doorward.so" in line for line in said)  # the module of an example


@pytest.mark.parametrize("path", PYTHON_FILES, ids=[path.name for path in PYTHON_FILES])
def test_python_imports(path: Path) -> None:
    """Pamconf would be no library of its own, or the core or libpam have a second, untyped door."""
    names = imports(path)
    ours = {name.split(".")[0] for name in names} & OURS
    assert ours <= MAY_IMPORT[path.relative_to(CHECKOUT).parts[0]]
    assert all(path.name in DOORS[name] for name in DOORS.keys() & names)
