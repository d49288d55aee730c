"""Logins on a terminal by sudo, su and login, held against what `pam explain` foretold of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pexpect
import pytest

from demo.person import Person
from demo.process import output_of
from demo.service import disable, enable
from tests.e2e.attempts import ATTEMPTS, CODE, PASSWORD, Attempt, forecast

pytestmark = pytest.mark.usefixtures("eased")

PROMPTS = {  # as a regular expression, what is asked for
    r"\[sudo\] password for \S+: $": PASSWORD,
    "Password: $": PASSWORD,
    "Verification code: $": CODE,
}
SHELL = r"\$ $"  # after login
WHO = 'echo "$(id -un) is in"'
REFUSALS = ["Sorry, try again", "su: Authentication failure", "Login incorrect"]


@dataclass(frozen=True)
class Door:
    """A way in: its service, the file with the line, and what is typed by whom."""

    service: str
    file: str
    command: Callable[[Person], list[str]]
    in_as: Callable[[Person], str] = lambda person: person.name
    caller: str = ""  # in the words of `pam explain`


def become(user: str, group: str, *command: str) -> list[str]:
    """Return a command that runs another as somebody, without PAM."""
    ids = [f"--reuid={user}", f"--regid={group}", "--init-groups", "--inh-caps=-all"]
    return ["setpriv", *ids, "--", *command]


def sudo(person: Person) -> list[str]:
    """Return what somebody types to be root."""
    return become(person.name, person.name, "sudo", "sh", "-c", WHO)


def su(person: Person, *options: str) -> list[str]:
    """Return what nobody types to be somebody."""
    return become("nobody", "nogroup", "su", *options, person.name, "-c", WHO)


OTHER = "asked by another user"
DOORS = [
    Door("sudo", "sudo", sudo, in_as=lambda _: "root"),
    Door("su", "su", su, caller=OTHER),
    Door("su-l", "su", lambda person: su(person, "-"), caller=OTHER),
    Door("login", "login", lambda person: ["login", person.name]),
]


@pytest.fixture(autouse=True)
def services() -> Iterator[None]:
    """The services, which afterwards are as they were."""
    yield
    for door in DOORS:
        disable(door.file)


def talk(command: list[str], answers: list[str], in_as: str) -> tuple[list[str], bool]:
    """Answer one prompt after another; return what was asked for, and whether somebody is in."""
    terminal = pexpect.spawn(command[0], command[1:], timeout=60, encoding="utf-8", cwd="/")
    terminal.delaybeforesend = None  # they turn the echo off before they prompt
    patterns = [*PROMPTS, SHELL, f"{in_as} is in", *REFUSALS]
    asked: list[str] = []
    while (seen := patterns[terminal.expect([*patterns])]) in {*PROMPTS, SHELL}:
        if seen in PROMPTS:
            asked.append(PROMPTS[seen])
        terminal.sendline(WHO if seen == SHELL else answers[len(asked) - 1])
    terminal.close(force=True)
    return asked, seen not in REFUSALS


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
@pytest.mark.parametrize("door", DOORS, ids=[door.service for door in DOORS])
def test_foretold(person: Person, door: Door, attempt: Attempt) -> None:
    """A terminal would let in whom it must not, or our explanation of its service be wrong."""
    output_of("usermod", "--append", "--groups", "sudo", person.name)
    answers = attempt.answers(person)
    enable(door.file, "--i-know", *(f"--{option}" for option in attempt.options))
    foretold = forecast(door.service, person.name, door.caller, attempt.state)
    asked, let_in = talk(door.command(person), answers, door.in_as(person))
    assert foretold.holds(attempt, asked, let_in=let_in)


def test_root_asks_su(person: Person) -> None:
    """An admin would need everybody's phone, or not be told that nobody's is needed."""
    enable("su", "--i-know")
    foretold = forecast("su", person.name, "asked by root")
    asked, let_in = talk(["su", person.name, "-c", WHO], [], person.name)
    assert (asked, let_in) == ([], True)
    assert foretold.holds(Attempt(set()), asked, let_in=let_in)
