"""Ways to knock at an SSH server and a login screen that ask for codes, and what came of each."""

import io
import json
import os
import re
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pexpect

from demo import lightdm
from demo.client import Login, log_in
from demo.person import Person
from demo.pictures import keep
from demo.process import output_of
from demo.server import ADDRESS, Listening, MachineServer, Server, Syslog
from demo.service import enable

PASSWORD, CODE = "Password: ", "Verification code: "
LAN_ADDRESS = "127.0.0.2"
ACCESS_FILE = Path("/etc/security/doorward-access.conf")
ACCESS_RULE = f"+ : ALL : {LAN_ADDRESS}"
SECRET_FILE = "/var/lib/doorward/secrets/${USER}"  # noqa: S105 - where one is

TITLE = f"""\
doorward: a code from the phone at every SSH login

A private host, which is gone when this ends, runs a real OpenSSH server at
{ADDRESS}. Its PAM service has one more line, below the one for the password:

    /etc/pam.d/sshd    @include common-auth
                       auth required pam_doorward.so

Alice enrols her phone. This is what she sees and types:
"""

_TAKEN_BACK = "rolled-back"
_SECONDS_MAX = 60

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_IS_TERMINAL = sys.stdout.isatty()


def styled(text: str, style: str) -> str:
    """Return text in a style of ECMA-48 (2 dim, 31 red, 32 green), on a terminal only."""
    if not _IS_TERMINAL or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{style}m{text}\x1b[0m"


def say(text: str = "", end: str = "\n") -> None:
    """Print at once: until the next line there may be seconds."""
    print(text, end=end, flush=True)


@dataclass(frozen=True)
class Knock:
    """One login as it should be: who comes from where, is asked for a code or not, gets in or not.

    Without a `code` they know only their password, and that must be all they are asked for.
    """

    person: Person
    code: str | None = None
    let_in: bool = True
    source: str = ADDRESS
    methods: str = ""

    @property
    def asked(self) -> tuple[str, ...]:
        """The prompts that there must be."""
        if self.methods == "password":  # sshd's own, of before PAM asks
            return (PASSWORD.lower(),)
        return (PASSWORD,) if self.code is None else (PASSWORD, CODE)

    @property
    def answers(self) -> tuple[str, ...]:
        """What they type."""
        return (self.person.password,) if self.code is None else (self.person.password, self.code)

    @property
    def expected(self) -> str:
        """How it should go, in words."""
        verdict = "let in" if self.let_in else "refused"
        return f"{verdict}, asked for {' and '.join(prompt.strip(': ') for prompt in self.asked)}"

    def is_as_expected(self, login: Login) -> bool:
        """Compare with how it went at a server, from the client's point of view."""
        verdict = login.let_in if self.let_in else login.refused
        return verdict and login.asked == self.asked

    def is_as_expected_on_screen(self, login: lightdm.Login) -> bool:
        """Compare with how it went at a login box: how often it asked, and what came then."""
        verdict = login.let_in if self.let_in else login.refused
        return verdict and len(login.prompts) == len(self.asked)


class Tally:
    """Makes the attempts, tells of them, and counts those that went as they should."""

    def __init__(self, server: Listening, syslog: Syslog) -> None:
        """Take over what is running; another `server` may be put in its place."""
        self.server = server
        self._syslog = syslog
        self.made = 0
        self.as_expected = 0

    def attempt(self, what: str, *knocks: Knock, note: str = "") -> None:
        """Knock, once or several times, and print what was tried and what came of it."""
        self._begin(what)
        logins: list[Login] = []
        details = [note] if note else []
        for knock in knocks:
            lines_before = len(self._syslog)
            login = self._log_in(knock)
            logins.append(login)
            details.append(_asked(login, knock.answers) + _logged(self._syslog.lines(lines_before)))
        good = all(knock.is_as_expected(login) for knock, login in zip(knocks, logins, strict=True))
        self._end(", then ".join(map(_outcome, logins)), details, knocks, good=good)

    def attempt_on_screen(self, what: str, knock: Knock) -> lightdm.Login:
        """Log in at lightdm's login box, print as for the others, and return how it went."""
        self._begin(what)
        lines_before = len(self._syslog)
        with closing(lightdm.Lightdm()) as running:
            login = running.log_in(knock.person.name, knock.answers)
        details = [_seen(login, knock.answers) + _logged(self._syslog.lines(lines_before))]
        good = knock.is_as_expected_on_screen(login)
        self._end(_outcome_on_screen(login), details, [knock], good=good)
        return login

    def _log_in(self, knock: Knock) -> Login:
        name, answers = knock.person.name, knock.answers
        return log_in(self.server, name, answers, knock.source, methods=knock.methods)

    def _begin(self, what: str) -> None:
        self.made += 1
        say(f"{self.made:<2} {what:<30}", end="")

    def _end(
        self, outcome: str, details: Iterable[str], knocks: Iterable[Knock], *, good: bool
    ) -> None:
        self.as_expected += good
        mark = styled("✔", "32") if good else styled("✘", "31")
        say(f"{mark} {outcome}")
        for detail in details:
            say(styled(f"     {detail}", "2"))
        if not good:
            for knock in knocks:
                say(f"     expected: {knock.expected}")


def _asked(login: Login, answers: tuple[str, ...]) -> str:
    typed = ["•" * len(answer) for answer in answers] + ["(no answer)"]
    return "  ".join(map("".join, zip(login.asked, typed, strict=False))) or "asked nothing"


def _seen(login: lightdm.Login, answers: tuple[str, ...]) -> str:
    """Say how often a login box asked, and what was typed; what it asks for is in the pictures."""
    typed = ["•" * len(answer) for answer in answers[: len(login.prompts)]]
    times = {1: "once", 2: "twice"}.get(len(login.prompts), f"{len(login.prompts)} times")
    return f"asked {times}: {'  '.join(typed)}"


def _logged(lines: list[str]) -> str:
    """Return the module's own word on a login, out of all that was logged meanwhile."""
    reasons = re.findall(r"pam_doorward\(\w+:auth\): .* reason=(\S+)", "\n".join(lines))
    return f"  (log: {', '.join(reasons)})" if reasons else ""


def _outcome(login: Login) -> str:
    if login.let_in:
        return "let in"
    if login.refused:
        return "refused (ssh: Permission denied)"
    return f"neither let in nor refused: ssh ended with {login.status}: {login.printed}"


def _outcome_on_screen(login: lightdm.Login) -> str:
    if login.let_in:
        return "let in"
    if login.refused:
        return f"refused (lightdm: {login.verdict})"
    return f"neither let in nor refused: {login.verdict or 'asked once more'}"


def enrol_in_terminal(person: Person) -> None:
    """Enrol them as they would do it themself, and show what they see."""
    say(styled(f"{person.name}$ doorward enroll", "1"))
    seen = io.StringIO()
    terminal = pexpect.spawn(
        "runuser",
        ["--login", person.name, "--command", "doorward enroll"],
        env={**os.environ, "TERM": "xterm-256color"},
        dimensions=(60, 80),
        encoding="utf-8",
    )
    terminal.logfile_read = seen
    terminal.expect(["Code from the app: ", pexpect.EOF])
    if secret := re.search(r"Secret +([A-Z2-7 ]+)\r\n", seen.getvalue()):
        person.scan(secret[1].replace(" ", ""))
        terminal.sendline(person.code())
        terminal.expect(pexpect.EOF)
    terminal.close()
    shown = seen.getvalue().replace("\r\n", "\n")
    say(shown if _IS_TERMINAL else _COLOURS.sub("", shown))
    if terminal.exitstatus != 0:
        raise RuntimeError(f"doorward enroll: exit status {terminal.exitstatus}")


def knock_nine_times(server: Server, tally: Tally) -> None:
    """Alice and Bob have a second factor, Carol has none, Dave's is waived, Erin's is elsewhere."""
    alice, bob, carol, dave, erin = (
        Person(name, f"{name}-pw") for name in ("alice", "bob", "carol", "dave", "erin")
    )
    server.protect()
    enrol_in_terminal(alice)
    bob.enrol()
    dave.enrol()
    erin.enrol("--secret-file", SECRET_FILE)

    say("Nine ways to knock at that server, each with OpenSSH's own client:\n")
    code = alice.code()
    tally.attempt("alice, the right code", Knock(alice, code))
    tally.attempt("alice, a wrong code", Knock(alice, alice.wrong_code(), let_in=False))
    tally.attempt("alice, the right code again", Knock(alice, code, let_in=False))

    recovery_code = bob.recovery_codes[0]
    once, twice = Knock(bob, recovery_code), Knock(bob, recovery_code, let_in=False)
    tally.attempt("bob, a recovery code, twice", once, twice)

    line = server.protect("nullok")
    tally.attempt("carol, not enrolled, nullok", Knock(carol), note=line)
    line = server.protect()
    tally.attempt("carol, not enrolled", Knock(carol, "123456", let_in=False), note=line)

    ACCESS_FILE.write_text(f"{ACCESS_RULE}\n")
    server.protect(f"accessfile={ACCESS_FILE}")
    note = f"accessfile= has {ACCESS_RULE!r}; ssh -b "
    exempt, other = Knock(dave, source=LAN_ADDRESS), Knock(dave, dave.code())
    tally.attempt("dave, from an exempt address", exempt, note=note + LAN_ADDRESS)
    tally.attempt("dave, from another address", other, note=note + ADDRESS)

    server.protect(f"secret={SECRET_FILE}", "user=root")
    note = f"secret={SECRET_FILE} user=root"
    tally.attempt("erin, secret not in her home", Knock(erin, erin.code()), note=note)


def knock_on_screen(tally: Tally) -> None:
    """Frank logs in at a login screen, with a wrong code and with the right one."""
    if missing := lightdm.missing_programs():
        say(f"\nNo login on a screen: this host has no {', '.join(missing)}.")
        return
    frank = Person("frank", "frank-pw")
    frank.enrol()
    say("\nTwo more, at lightdm's login box:\n")
    say(styled(f"root# {enable(lightdm.SERVICE, '--nullok')}\n", "1"))
    wrong = Knock(frank, frank.wrong_code(), let_in=False)
    tally.attempt_on_screen("frank, a wrong code", wrong)
    login = tally.attempt_on_screen("frank, the right code", Knock(frank, frank.code()))
    paths = [keep("demo-code", login.prompts[-1]), keep("demo-session", login.screen)]
    say(styled(f"     pictures: {', '.join(map(str, paths))}", "2"))


def change_on_trial(tally: Tally) -> None:
    """Root has the host's own sshd ask for codes, which Gina finds; first nobody confirms it."""
    gina = Person("gina", "gina-pw")
    gina.enrol()
    with closing(MachineServer()) as tally.server:
        say("\nThe host's own sshd, as Debian sets it up. A change of it is on trial:\n")
        before = Knock(gina, methods="password")
        tally.attempt("gina, before the change", before)
        say(styled(f"root# {enable('sshd', '--nullok', '--confirm-within', '10s')}", "1"))
        tally.attempt("gina, with a code", Knock(gina, gina.code()))
        _wait_until_taken_back()
        tally.attempt("nobody confirms: as before", before)
        say(styled(f"root# {enable('sshd', '--nullok', '--confirm-within', '5m')}", "1"))
        tally.attempt("gina, with a recovery code", Knock(gina, gina.recovery_codes[0]))
        said = output_of("doorward", "pam", "confirm").rstrip()
        say(styled(f"root# doorward pam confirm\n{said}", "1"))
        tally.attempt("gina, a wrong code", Knock(gina, gina.wrong_code(), let_in=False))


def _wait_until_taken_back() -> None:
    """Wait until the old files are back, of which the change's last word is."""
    deadline = time.monotonic() + _SECONDS_MAX
    while json.loads(output_of("doorward", "pam", "history", "--json"))[0]["state"] != _TAKEN_BACK:
        if time.monotonic() > deadline:
            raise RuntimeError("a change that nobody confirmed was not taken back")
        time.sleep(0.2)


def main() -> int:
    """Run the demo; return 0 if all went as expected."""
    say(TITLE)
    try:
        with closing(Syslog()) as syslog, closing(Server()) as server:
            tally = Tally(server, syslog)
            knock_nine_times(server, tally)
            knock_on_screen(tally)
            server.close()
            change_on_trial(tally)
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"demo: error: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    say()
    say(f"{tally.as_expected} of {tally.made} as expected")
    return 0 if tally.as_expected == tally.made else 1


if __name__ == "__main__":
    sys.exit(main())
