"""The demo's own verdicts: `make demo` runs the rest of it."""

import pytest

from demo import lightdm
from demo.__main__ import Knock, Tally, knock_on_screen
from demo.person import Person
from demo.server import Server, Syslog
from demo.service import protect, unprotect


def test_tally(
    server: Server, syslog: Syslog, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo would say that all is well whatever the server does."""
    server.protect("nullok")
    tally = Tally(server, syslog)
    tally.attempt("let in, and that is right", Knock(person))
    assert (tally.as_expected, tally.made) == (1, 1)
    tally.attempt("let in instead of refused", Knock(person, "123456", let_in=False))
    tally.attempt("asked for too little", Knock(person, "123456"))
    tally.attempt("one of two is wrong", Knock(person), Knock(person, let_in=False))
    server.protect()
    tally.attempt("asked for too much", Knock(person))
    tally.attempt("refused instead of let in", Knock(person, "123456"))
    assert (tally.as_expected, tally.made) == (1, 6)
    tally.attempt("refused, and that is right", Knock(person, "123456", let_in=False))
    assert (tally.as_expected, tally.made) == (2, 7)
    shown = capsys.readouterr().out
    assert (shown.count("✔"), shown.count("✘")) == (2, 5)
    assert "Verification code: (no answer)" in shown
    assert person.password not in shown


def test_no_ssh_is_no_refusal(
    server: Server, syslog: Syslog, person: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """A client that cannot reach the server would count as one that was refused."""
    server.protect()
    tally = Tally(server, syslog)
    tally.attempt("from nowhere", Knock(person, "123456", let_in=False, source="192.0.2.1"))
    assert (tally.as_expected, tally.made) == (0, 1)
    assert "neither let in nor refused" in capsys.readouterr().out


def test_tally_on_screen(
    server: Server, syslog: Syslog, enrolled: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo would say that all is well whatever the login box does."""
    protect(lightdm.SERVICE)
    tally = Tally(server, syslog)
    tally.attempt_on_screen("let in, and that is right", Knock(enrolled, enrolled.code()))
    assert (tally.as_expected, tally.made) == (1, 1)
    wrong = enrolled.wrong_code()
    tally.attempt_on_screen("refused instead of let in", Knock(enrolled, wrong))
    tally.attempt_on_screen("asked for too much", Knock(enrolled))
    unprotect(lightdm.SERVICE)
    tally.attempt_on_screen("let in instead of refused", Knock(enrolled, wrong, let_in=False))
    tally.attempt_on_screen("asked for too little", Knock(enrolled, wrong))
    assert (tally.as_expected, tally.made) == (1, 5)
    shown = capsys.readouterr().out
    assert (shown.count("✔"), shown.count("✘")) == (1, 4)
    assert "(log: code)" in shown
    assert "neither let in nor refused: asked once more" in shown
    assert enrolled.password not in shown


def test_no_screen(
    server: Server,
    syslog: Syslog,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The demo would fail where there is nothing but an SSH server."""
    monkeypatch.setenv("PATH", "/nowhere")
    tally = Tally(server, syslog)
    knock_on_screen(tally)
    assert tally.made == 0
    (line,) = capsys.readouterr().out.split("\n")[1:-1]
    assert "no dbus-daemon, lightdm, " in line
