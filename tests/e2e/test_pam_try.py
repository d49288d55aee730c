"""`doorward pam try`, by real rules: what is asked, what lets in, and what it leaves behind."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doorward.proof import FOLDER, expect, forget

from demo.person import Person
from demo.process import output_of
from tests.e2e.conftest import AccessFile
from tests.e2e.enrollee import Terminal

SERVICE = "doorward-try"
FILE = Path("/etc/pam.d", SERVICE)
REFUSED, INTERRUPTED = 15, 130
PASSWORD = "auth requisite pam_unix.so nodelay"
CODE = "auth required pam_doorward.so"
ACCOUNT = "account required pam_unix.so"
LAN = "10.0.0.5"

Rules = Callable[..., None]


@pytest.fixture
def rules() -> Iterator[Rules]:
    """Writes the rules of SERVICE: those for auth, and pam_unix's for accounts."""

    def write(*auth: str) -> None:
        FILE.write_text("".join(f"{line}\n" for line in (*auth, ACCOUNT)))

    yield write
    FILE.unlink(missing_ok=True)


def run(
    person: Person, *options: str, replies: tuple[str, ...] = (), service: str = SERVICE
) -> subprocess.CompletedProcess[str]:
    """Try a login as a script does."""
    return subprocess.run(
        ["doorward", "pam", "try", service, "--user", person.name, *options],
        input="".join(f"{reply}\n" for reply in replies),
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def as_json(person: Person, *replies: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """What came of it, for programs; it says the same as the exit code, and no reply."""
    done = run(person, "--json", *options, replies=replies)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["gets_in"] else REFUSED), done.stderr
    assert [one for one in replies if len(one) > 1 and one in done.stdout + done.stderr] == []
    return found


def asked(found: dict[str, Any]) -> list[str]:
    """The prompts."""
    return [one["text"] for one in found["messages"] if one["style"].startswith("prompt_")]


# --- What lets in ---------------------------------------------------------------------------------


def test_password_and_code(rules: Rules, enrolled: Person) -> None:
    """An admin would be told that a door is open which is shut, or the other way round."""
    rules(PASSWORD, CODE)
    code = enrolled.code()
    found = as_json(enrolled, enrolled.password, code)
    assert found["gets_in"]
    assert (
        found["authenticate"] == found["acct_mgmt"] == {"returned": "success", "words": "Success"}
    )
    assert [one["style"] for one in found["messages"]] == ["prompt_echo_off"] * 2
    assert asked(found) == ["Password: ", "Verification code: "]
    assert not as_json(enrolled, enrolled.password, code)["gets_in"]  # it is used up


@pytest.mark.parametrize("right_password", [True, False])
def test_a_wrong_reply(rules: Rules, enrolled: Person, *, right_password: bool) -> None:
    """As above."""
    rules(PASSWORD, CODE)
    password = enrolled.password if right_password else "not it"
    found = as_json(enrolled, password, enrolled.wrong_code())
    assert found["authenticate"] == {"returned": "auth_err", "words": "Authentication failure"}
    assert found["acct_mgmt"] is None
    assert len(asked(found)) == (2 if right_password else 1)


def test_a_refusal_says_where_to_read_on(rules: Rules, enrolled: Person) -> None:
    """An admin would not find the one line that says why."""
    rules(PASSWORD, CODE)
    done = run(enrolled, replies=("not it",))
    assert done.returncode == REFUSED
    assert "authenticate: Authentication failure\n" in done.stdout
    error, hint = done.stderr.splitlines()
    assert error == f"doorward: error: {SERVICE} refuses {enrolled.name}: Authentication failure"
    assert re.match(r"hint: 'journalctl _PID=[0-9]+', or /var/log/auth.log, ", hint)
    assert f"'doorward pam explain {SERVICE} --user {enrolled.name}'" in hint


def test_who_is_not_enrolled(rules: Rules, person: Person) -> None:
    """An admin who brings codes in step by step would not see who is asked for none."""
    rules(PASSWORD, f"{CODE} nullok")
    found = as_json(person, person.password)
    assert (found["gets_in"], asked(found)) == (True, ["Password: "])


def test_from_where(rules: Rules, enrolled: Person, access_file: AccessFile) -> None:
    """An access file could not be tried before it keeps people out, or lets them in."""
    rules(PASSWORD, f"{CODE} {access_file('+ : ALL : 10.0.0.0/24')}")
    inside = as_json(enrolled, enrolled.password, options=("--from", LAN))
    assert (inside["gets_in"], asked(inside)) == (True, ["Password: "])
    outside = as_json(enrolled, enrolled.password, options=("--from", "203.0.113.9"))
    assert (outside["gets_in"], len(asked(outside))) == (False, 3)  # a code, and once more
    here = as_json(enrolled, enrolled.password, enrolled.code())
    assert (here["rhost"], here["gets_in"], len(asked(here))) == (None, True, 2)


def test_at_which_terminal(rules: Rules, enrolled: Person) -> None:
    """A rule about terminals would be tried at another one."""
    rules("auth required pam_succeed_if.so quiet tty = tty7")
    assert as_json(enrolled, options=("--tty", "tty7"))["gets_in"]
    assert not as_json(enrolled)["gets_in"]


def test_sshd_is_at_its_own_terminal(enrolled: Person) -> None:
    """Rules for `ssh`, as sshd calls it, would not hold where they are tried."""
    sshd = Path("/etc/pam.d/sshd")
    before = sshd.read_text()
    sshd.write_text(f"auth required pam_succeed_if.so quiet tty = ssh\n{ACCOUNT}\n")
    try:
        assert run(enrolled, service="sshd").returncode == 0
        assert run(enrolled, service="SSHD").returncode == 0
        assert run(enrolled, "--tty", "tty7", service="sshd").returncode == REFUSED
    finally:
        sshd.write_text(before)


@pytest.mark.parametrize(
    ("command", "returned", "hint"),
    [
        ("chage --expiredate 0 {}", "acct_expired", "journalctl"),
        ("chage --lastday 0 {}", "new_authtok_reqd", "'passwd'"),
    ],
)
def test_an_account_that_is_not_let_in(
    rules: Rules, person: Person, command: str, returned: str, hint: str
) -> None:
    """A right password would count as a login, though the account is shut."""
    rules(PASSWORD)
    output_of(*command.format(person.name).split())
    found = as_json(person, person.password)
    assert (found["authenticate"]["returned"], found["acct_mgmt"]["returned"]) == (
        "success",
        returned,
    )
    done = run(person, replies=(person.password,))
    assert done.returncode == REFUSED
    assert hint in done.stderr


def test_the_input_ends_too_early(rules: Rules, enrolled: Person) -> None:
    """A script would hang, or have typed an empty code."""
    rules(PASSWORD, CODE)
    found = as_json(enrolled, enrolled.password)
    assert not found["gets_in"]
    assert asked(found)[-1] == "Verification code: "


def test_a_service_that_is_not_there(enrolled: Person) -> None:
    """An admin would try the rules of `other`, and think they are those of sshd."""
    found = as_json_of_another(enrolled)
    assert found["notes"] == [
        "There is no service 'sshdd': libpam goes by the rules of 'other'. Did you mean 'sshd'?"
    ]


def as_json_of_another(person: Person) -> dict[str, Any]:
    """What came of a login at a service that has no file."""
    done = run(person, "--json", service="sshdd", replies=(person.password,))
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_service_that_is_broken(rules: Rules, enrolled: Person) -> None:
    """A file that libpam gives up would look like a wrong password."""
    rules("@include no-such-file")
    done = run(enrolled)
    assert done.returncode == 1
    assert f"libpam cannot begin with the service '{SERVICE}'" in done.stderr
    assert f"doorward pam lint {SERVICE}" in done.stderr


def test_root_is_let_pass(enrolled: Person) -> None:
    """An admin would think that nobody is asked anything by su."""
    done = run(enrolled, service="su")
    assert done.returncode == 0
    assert "pam_rootok lets root pass, who runs this; others are asked more." in done.stdout


# --- What it leaves -------------------------------------------------------------------------------


def test_it_is_no_proof_of_a_login(rules: Rules, enrolled: Person) -> None:
    """A change would be confirmed by an attempt that logged nobody in."""
    rules(PASSWORD, CODE)
    expect([SERVICE])
    try:
        assert as_json(enrolled, enrolled.password, enrolled.code())["gets_in"]
        assert Path(FOLDER, SERVICE).read_text() == ""
    finally:
        forget()


def test_nobody_is_logged_in(rules: Rules, person: Person) -> None:
    """An attempt would leave credentials, or a session that nobody closes."""
    trace = Path("/tmp/doorward-try")
    script = trace.with_suffix(".sh")
    script.write_text(f"#!/bin/sh\necho $PAM_TYPE >> {trace}\n")
    script.chmod(0o755)
    rules(f"auth optional pam_exec.so {script}", PASSWORD)
    FILE.write_text(f"{FILE.read_text()}session required pam_exec.so {script}\n")
    assert as_json(person, person.password)["gets_in"]
    assert trace.read_text() == "auth\n"


# --- At a terminal --------------------------------------------------------------------------------


def at_a_terminal(person: Person, *options: str) -> Terminal:
    """Try a login by hand."""
    command = ["doorward", "pam", "try", SERVICE, "--user", person.name, *options]
    return Terminal(command, (24, 100), dict(os.environ))


@pytest.mark.parametrize("shown", [True, False])
def test_typed_replies_are_seen_where_the_module_says_so(
    rules: Rules, enrolled: Person, *, shown: bool
) -> None:
    """A password would stand on the screen, or somebody not see the code that they may see."""
    rules(PASSWORD, f"{CODE} echo_verification_code" if shown else CODE)
    terminal = at_a_terminal(enrolled)
    terminal.wait_for("a right code is used up.")
    terminal.wait_for("Password: ")
    terminal.answer(enrolled.password)
    terminal.wait_for("Verification code: ")
    code = enrolled.code()
    terminal.answer(code)
    assert terminal.end() == 0
    assert enrolled.password not in terminal.seen
    assert (code in terminal.seen) == shown
    lines = terminal.seen.replace("\r\n", "\n").splitlines()[-3:]
    assert lines == [
        "authenticate: Success",
        "acct_mgmt: Success",
        f"{enrolled.name} would get in.",
    ]


def test_what_modules_have_to_say_is_shown(rules: Rules, person: Person) -> None:
    """Nobody would read what people are told when they log in."""
    rules(PASSWORD, f"{CODE} nullok_until=2100-01-01")
    done = run(person, replies=(person.password,))
    assert "No one-time code is set up for you yet." in done.stdout
    assert done.returncode == 0


def test_ctrl_c(rules: Rules, enrolled: Person) -> None:
    """It would count as a reply, or the terminal stay without an echo."""
    rules(PASSWORD, CODE)
    terminal = at_a_terminal(enrolled)
    terminal.wait_for("Password: ")
    terminal.interrupt()
    terminal.wait_for("interrupted; the attempt may count all the same")
    assert terminal.child.getecho()
    assert terminal.end() == INTERRUPTED
