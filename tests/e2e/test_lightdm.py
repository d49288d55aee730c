"""Logins at a display manager: lightdm, its GTK login box, and who types there."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from demo.lightdm import SERVICE, Lightdm, missing_programs
from demo.person import Person
from demo.pictures import keep
from demo.server import Syslog
from demo.service import disable, enable
from tests.e2e.attempts import ATTEMPTS, CODE, PASSWORD, Attempt, forecast

pytestmark = pytest.mark.usefixtures("eased")


@pytest.fixture(autouse=True)
def service() -> Iterator[None]:
    """The service, which afterwards is as it was."""
    yield
    disable(SERVICE)


@pytest.fixture
def lightdm() -> Iterator[Lightdm]:
    """A lightdm, with its login box on the screen before long."""
    with closing(Lightdm()) as started:
        yield started


def results(syslog: Syslog) -> list[str]:
    """Return what the module said of each login so far."""
    return re.findall(r"pam_doorward\(lightdm:auth\): (.*)", "\n".join(syslog.lines()))


def processes_of(person: Person) -> set[str]:
    """Return the commands that somebody has running."""
    return running("-u", person.name)


def running(*whose: str) -> set[str]:
    """Return the commands that run, by the options of ps(1)."""
    argv = ["ps", *whose, "-o", "comm="]
    return {*subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False).stdout.split()}


def test_session(lightdm: Lightdm, syslog: Syslog, enrolled: Person) -> None:
    """Nobody could log in at a screen, or into somebody else's session, or the log not say how."""
    enable(SERVICE, "--i-know")
    login = lightdm.log_in(enrolled.name, [enrolled.password, enrolled.code()])
    keep("lightdm-session", login.screen)
    keep("lightdm-code", login.prompts[-1])
    assert login.let_in
    assert len(login.prompts) == 2
    colours = {colour for _, colour in login.screen.getcolors(1 << 24) or ()}
    assert (255, 255, 255) in colours  # the terminal is to be seen
    assert processes_of(enrolled) == {"openbox", "xterm", "bash"}
    line = f"rhost= user={enrolled.name} service=lightdm result=accepted reason=code device=main"
    assert results(syslog) == [line]


def test_nothing_stays(person: Person) -> None:
    """A demo, or another test, would meet what is left of the last one."""
    before = running("-e")
    with closing(Lightdm()) as lightdm:
        assert lightdm.log_in(person.name, [person.password]).let_in
    until = time.monotonic() + 30
    while left := running("-e") - before:  # what has lost its screen ends a moment later
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.1)


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_foretold(lightdm: Lightdm, person: Person, attempt: Attempt) -> None:
    """A screen would let in whom it must not, or our explanation of its service be wrong."""
    answers = attempt.answers(person)
    enable(SERVICE, "--i-know", *(f"--{option}" for option in attempt.options))
    foretold = forecast(SERVICE, person.name, attempt.state)
    login = lightdm.log_in(person.name, answers)
    asked = [PASSWORD, CODE][: len(login.prompts)]
    assert foretold.holds(attempt, asked, let_in=login.let_in)
    assert login.refused != login.let_in
    assert bool(processes_of(person)) == login.let_in


def test_waits_for_an_answer(lightdm: Lightdm, enrolled: Person) -> None:
    """The password would be enough, for whoever leaves it at that."""
    enable(SERVICE, "--i-know")
    login = lightdm.log_in(enrolled.name, [enrolled.password])
    assert len(login.prompts) == 2
    assert not login.let_in
    assert not login.refused
    assert not processes_of(enrolled)


def test_typed_too_early(lightdm: Lightdm, person: Person) -> None:
    """On a slow machine, a field that is emptied while one types would fail a good login."""
    lightdm.name(person.name)
    lightdm.screen.wait_for_field()
    lightdm.screen.type("and then")
    lightdm.screen.fill_in(person.password)
    lightdm.screen.wait_for_window(f"{person.name}@")


def test_programs() -> None:
    """The demo would leave lightdm out on a machine that has it."""
    assert missing_programs() == []
