"""The files of PAM's modules: whether they are there, load, and have what libpam calls.

Source: libpam/pam_handlers.c:_pam_load_module of Linux-PAM 1.5.2, and Debian's patch
lib_security_multiarch_compat, which has it look in /lib/security as well.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pamconf.errors import ToolError
from pamconf.tree import Kind, Tree, opened

_LIBRARIES = ("/usr/lib", "/lib", "/usr/lib64", "/lib64")
"""Where a distribution's libraries are; its modules are in security/ there, or one folder below."""

FUNCTIONS = {
    "auth": "pam_sm_authenticate",
    "account": "pam_sm_acct_mgmt",
    "session": "pam_sm_open_session",
    "password": "pam_sm_chauthtok",
}
"""What libpam calls in a module, by the types of rules."""

_PROGRAMS = ("/usr/bin/passwd", "/usr/bin/su", "/bin/su", "/bin/login")
_ELF = b"\x7fELF"
_HEAD = 20
_SECONDS_OF_A_MODULE = 5
_SECONDS_MAX = 60

_PROBE = """
import ctypes, json, os, signal, sys

def probe(path, functions):
    signal.alarm(SECONDS)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    try:
        module = ctypes.CDLL(path, mode=os.RTLD_NOW)
    except OSError as error:
        return {"error": str(error)}
    return {"types": [name for name, one in functions.items() if hasattr(module, one)]}

paths, functions = json.load(sys.stdin)
ctypes.CDLL("libpam.so.0", mode=os.RTLD_NOW | os.RTLD_GLOBAL)
for path in paths:
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        os.write(writer, json.dumps(probe(path, functions)).encode())
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        said = answer.read()
    status = os.wait()[1]
    hangs = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    why = "it hangs when it is loaded" if hangs else "it ends the program that loads it"
    print(json.dumps(json.loads(said) if said else {"error": why}))
"""
"""Loads each module in a child of its own, as a program with libpam does.

What the module prints is not seen, and it has `SECONDS`.
"""


@dataclass(frozen=True)
class Loaded:
    """What came of loading a module: why it failed, or for which types it has functions."""

    error: str | None = None
    types: frozenset[str] = frozenset()


def folders(files: Tree) -> tuple[str, ...]:
    """Return the folders of modules that there are; none: nobody knows where modules would be.

    Where there are folders of several architectures, it is that of the machine's own programs.
    """
    found: dict[str, str] = {}
    for library in _LIBRARIES:
        for folder in (*_inside(library, files), library):
            path = f"{folder}/security"
            if files.kind(path) is Kind.FOLDER:
                found.setdefault(str(files.real(path)), path)
    programs = {architecture(_head(path, files)) for path in _PROGRAMS} - {None}
    native = [
        path
        for path in found.values()
        if architecture(_head(path.replace("/security", "/libpam.so.0"), files)) in programs
    ]
    return tuple(native or found.values())


def architecture(head: bytes) -> bytes | None:
    """Return class, byte order and machine of an ELF file from how it begins; None of any other.

    Source: elf(5).
    """
    return head[4:6] + head[18:20] if head.startswith(_ELF) else None


def _head(path: str, files: Tree) -> bytes:
    """Return how a file begins; nothing where it cannot be read, or is no plain file."""
    try:
        with opened(files.follow(path)) as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _inside(library: str, files: Tree) -> list[str]:
    """Return the folders of architectures: /usr/lib/x86_64-linux-gnu."""
    return sorted(f"{library}/{one.name}" for one in files.real(library).glob("*-linux-*"))


def candidates(module: str, places: Iterable[str]) -> tuple[str, ...]:
    """Return the paths at which libpam may look for what a rule names.

    $ISA is a way back to the same folder, for the architecture that libpam was built for.
    """
    plain = module.replace("$ISA/", "")
    return (plain,) if plain.startswith("/") else tuple(f"{place}/{plain}" for place in places)


def find(module: str, places: Iterable[str], files: Tree) -> str | None:
    """Return the path of a module, or None where it is at none of its places."""
    paths = candidates(module, places)
    return next((path for path in paths if files.kind(path) is not Kind.NOTHING), None)


def looks_like_one(path: str, files: Tree) -> bool:
    """Tell whether a file could be a module, from how it begins."""
    return _head(path, files).startswith(_ELF)


def load(paths: Iterable[str]) -> Mapping[str, Loaded]:
    """Load modules of this machine, each in a process of its own, and tell what came of it.

    What a module does when it is loaded, it does here: so only such are to be named that the
    machine's own logins load anyway. Raises ToolError where nothing can be loaded at all.
    """
    wanted = list(paths)
    if not wanted:
        return {}
    probe = _PROBE.replace("SECONDS", str(_SECONDS_OF_A_MODULE))
    argv = [sys.executable, "-I", "-S", "-c", probe]
    try:
        done = subprocess.run(
            argv,
            input=json.dumps([wanted, FUNCTIONS]),
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS_MAX,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolError(
            f"modules could not be loaded, to see whether they do: {error}",
            hint="It takes a Python that can start another one.",
        ) from error
    answers = map(json.loads, done.stdout.splitlines())
    return {
        path: Loaded(said.get("error"), frozenset(said.get("types", ())))
        for path, said in zip(wanted, answers, strict=True)
    }
