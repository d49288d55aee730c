"""`doorward pam try` before it tries (tests/e2e/test_pam_try.py does), and how it reads replies."""

import os

import pytest
from doorward import terminal
from doorward.errors import NonsenseError
from doorward.main import main
from doorward.terminal import typed

SIZE = 8


@pytest.mark.parametrize(
    ("uid", "arguments", "code", "message", "hint"),
    [
        (1000, ["sshd", "--user", "root"], 5, "only root may try a login", "Run this with sudo."),
        (0, ["sshd"], 2, "Missing option '--user'", "'doorward pam try --help'"),
        (0, ["../sshd", "--user", "root"], 2, "no name of a service: '../sshd'", "sshd, say"),
        (0, ["/etc/pam.d/sshd", "--user", "root"], 2, "no name of a service", "without the folder"),
        (0, ["", "--user", "root"], 2, "no name of a service: ''", "sshd, say"),
        (0, ["a b", "--user", "root"], 2, "no name of a service: 'a b'", "sshd, say"),
        (0, ["sshd", "--user", "nobody-here"], 10, "there is no user 'nobody-here'", "getent"),
        (
            0,
            ["sshd", "--user", "root", "--from", "10.0.0.256"],
            2,
            "'10.0.0.256' is no address",
            "",
        ),
    ],
)
def test_what_is_not_tried(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    uid: int,
    arguments: list[str],
    code: int,
    message: str,
    hint: str,
) -> None:
    """A mistyped command would count as an attempt of somebody's."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert main(["pam", "try", *arguments]) == code
    said = capsys.readouterr()
    assert said.out == ""
    error, told = said.err.splitlines()
    assert message in error
    assert hint in told


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> int:
    """The end of a pipe to write to; the other one is the standard input."""
    reader, writer = os.pipe()
    monkeypatch.setattr(terminal, "_STDIN", reader)
    return writer


def padded(text: bytes) -> bytearray:
    """A line as it is handed over."""
    return bytearray(text.ljust(SIZE, b"\0"))


def test_lines_are_read_one_by_one(stdin: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A code would be typed where a password is asked for."""
    os.write(stdin, "first\n\né\nlast".encode())
    os.close(stdin)
    lines = [typed("? ", SIZE, echo=False) for _ in range(5)]
    assert lines == [padded(b"first"), padded(b""), padded("é".encode()), padded(b"last"), None]
    assert capsys.readouterr() == ("? \n" * 5, "")
    typed("On the standard error? ", SIZE, echo=True, err=True)
    assert capsys.readouterr() == ("", "On the standard error? \n")


def test_a_line_that_is_too_long(stdin: int) -> None:
    """The beginning of a long password would be tried, and the rest as the next reply."""
    os.write(stdin, b"1234567\n12345678\n")
    assert typed("? ", SIZE, echo=False) == padded(b"1234567")
    with pytest.raises(NonsenseError):
        typed("? ", SIZE, echo=False)
