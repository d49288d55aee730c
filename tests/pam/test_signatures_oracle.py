"""pamconf's signatures of modules, side by side with the modules themselves."""

import subprocess
from pathlib import Path

import pytest

from pamconf import signatures
from pamconf.lines import bytes_of
from pamconf.signatures import SIGNATURES, Words

FOLDER = Path("/usr/lib/x86_64-linux-gnu/security")
HERE = sorted(SIGNATURES.keys() & {path.stem for path in FOLDER.glob("pam_*.so")})
"""Modules that this private host has."""

LINUX_PAM = 40
"""Debian's libpam-modules has as many of them, at least."""

FUNCTIONS = {
    "auth": {"authenticate", "setcred"},
    "account": {"acct_mgmt"},
    "password": {"chauthtok"},
    "session": {"open_session", "close_session"},
}

# Those whose names are split from their values before they are looked at.
SPLIT = {"pam_debug", "pam_faillock", "pam_listfile"}

# What the checks of their own know.
CHECKED = {
    "pam_exec": signatures._exec_words.known,
    "pam_listfile": [
        *signatures._listfile_words.known,
        *(value for values in signatures._LISTFILE.values() for value in values),
    ],
    "pam_succeed_if": [
        *signatures._SUCCEED_IF_OPTIONS,
        *signatures._SUCCEED_IF_FIELDS,
        *signatures._SUCCEED_IF_TESTS,
    ],
}

# Prints the functions that a module has: loading some of them changes the process.
LIST = """
import ctypes, sys
module = ctypes.CDLL(sys.argv[1])
print(*(name for name in sys.argv[2:] if hasattr(module, f"pam_sm_{name}")))
"""


def known(name: str) -> tuple[list[str], set[str]]:
    """The words of a module's signature, and those that Debian 12's does not know."""
    arguments = SIGNATURES[name].arguments
    if isinstance(arguments, Words):
        return arguments.known, {*arguments.elsewhere.split()}
    return CHECKED.get(name, []), set()


def test_they_are_there() -> None:
    """Nothing would have been compared."""
    assert len(HERE) >= LINUX_PAM


@pytest.mark.parametrize("name", HERE)
def test_it_has_these_functions(name: str) -> None:
    """A rule would be called useless that works, or the reverse."""
    functions = {one for type_ in FUNCTIONS for one in FUNCTIONS[type_]}
    command = ["/usr/bin/python3", "-c", LIST, str(FOLDER / f"{name}.so"), *functions]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    expected = {one for type_ in SIGNATURES[name].types for one in FUNCTIONS[type_]}
    assert {*listed.split()} == expected


@pytest.mark.parametrize("name", HERE)
def test_it_knows_these_words(name: str) -> None:
    """An argument would be let pass that the module does not know."""
    text = (FOLDER / f"{name}.so").read_bytes()
    words, elsewhere = known(name)
    for word in words:
        spelt = word.removesuffix("=") if name in SPLIT else word
        assert (bytes_of(spelt) in text) == (word not in elsewhere), word
