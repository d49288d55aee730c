"""Logins to a real OpenSSH server, by asyncssh and by OpenSSH's own client."""

import os
import pwd
import re
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from demo import client as openssh
from demo.person import Person
from demo.server import ADDRESS, Server, Syslog
from tests.e2e.conftest import AccessFile, AccountLike
from tests.e2e.fast_client import log_in, log_in_together

PASSWORD, CODE = ("Password: ", False), ("Verification code: ", False)
LAN_ADDRESS = "127.0.0.2"
SYSTEM_SECRETS = Path("/var/lib/doorward/secrets")
SYSTEM_OPTIONS = (f"secret={SYSTEM_SECRETS}/${{USER}}", "user=root")
AT_ONCE = 16


def home_file(person: Person) -> Path:
    """Return where somebody's secret is unless the module is told otherwise."""
    return Path(pwd.getpwnam(person.name).pw_dir, ".google_authenticator")


def results(syslog: Syslog) -> list[str]:
    """Return what the module said of each login so far, from `rhost=` on."""
    return re.findall(r"pam_doorward\(sshd:auth\): (rhost=.*)", "\n".join(syslog.lines()))


# --- Codes ----------------------------------------------------------------------------------------


def test_password_then_code(server: Server, enrolled: Person) -> None:
    """Nobody could log in, or not with these two prompts in two rounds, neither echoed."""
    server.protect()
    outcome = log_in(server, enrolled.name, enrolled.password, enrolled.code())
    assert outcome.session == enrolled.name
    assert outcome.prompts == [PASSWORD, CODE]


def test_openssh_client(server: Server, enrolled: Person) -> None:
    """OpenSSH's own client could not log in, or let anything in without the right code."""
    server.protect()
    code = enrolled.code()
    right = openssh.log_in(server, enrolled.name, [enrolled.password, code])
    wrong = openssh.log_in(server, enrolled.name, [enrolled.password, enrolled.wrong_code()])
    again = openssh.log_in(server, enrolled.name, [enrolled.password, code])
    assert (right.let_in, right.refused) == (True, False)
    assert (wrong.let_in, wrong.refused) == (False, True)
    assert (again.let_in, again.refused) == (False, True)
    for login in (right, wrong, again):
        assert login.asked == ("Password: ", "Verification code: ")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda person: person.wrong_code(),
        lambda person: person.code()[:-1],
        lambda person: person.code() + "0",
        lambda person: person.password + person.code(),
        lambda person: person.password,
        lambda _: "",
        lambda _: "00000000",
        lambda _: "٠١٢٣٤٥",  # digits, but not ours
    ],
    ids=["wrong", "short", "long", "with-password", "password", "empty", "zeros", "arabic"],
)
def test_wrong_answer(server: Server, enrolled: Person, spoil: Callable[[Person], str]) -> None:
    """A password and something that is no code would do."""
    server.protect()
    outcome = log_in(server, enrolled.name, enrolled.password, spoil(enrolled))
    assert not outcome.let_in
    assert outcome.prompts == [PASSWORD, CODE]


def test_right_code_after_wrong_password(server: Server, enrolled: Person) -> None:
    """A code would stand in for the password, or be used up by somebody who has none."""
    server.protect()
    code = enrolled.code()
    assert not log_in(server, enrolled.name, "not it", code).let_in
    assert log_in(server, enrolled.name, enrolled.password, code).let_in


def test_code_works_once(server: Server, enrolled: Person) -> None:
    """Who looks over a shoulder could log in too."""
    server.protect()
    code = enrolled.code()
    assert log_in(server, enrolled.name, enrolled.password, code).let_in
    assert not log_in(server, enrolled.name, enrolled.password, code).let_in


def test_recovery_code_works_once(server: Server, enrolled: Person) -> None:
    """A lost phone would lock out, or a recovery code be good for ever."""
    server.protect()
    code, other, *_ = enrolled.recovery_codes
    assert log_in(server, enrolled.name, enrolled.password, code).let_in
    assert not log_in(server, enrolled.name, enrolled.password, code).let_in
    assert log_in(server, enrolled.name, enrolled.password, other).let_in


def test_too_many_attempts(server: Server, enrolled: Person) -> None:
    """A code could be guessed: after three attempts, even the right one must wait, unasked."""
    server.protect()
    for _ in range(3):
        log_in(server, enrolled.name, enrolled.password, enrolled.wrong_code())
    outcome = log_in(server, enrolled.name, enrolled.password, enrolled.code())
    assert not outcome.let_in
    assert outcome.prompts == [PASSWORD]


@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_one_of_many_at_once(server: Server, syslog: Syslog, person: Person, kind: str) -> None:
    """Who sees a code while it is typed could get in too, by being just as fast."""
    server.protect()
    person.enrol("--rate-limit", "none")
    code = person.code() if kind == "code" else person.recovery_codes[0]
    outcomes = log_in_together(server, person.name, person.password, code, logins=AT_ONCE)
    assert [outcome.prompts for outcome in outcomes] == [[PASSWORD, CODE]] * AT_ONCE
    assert [outcome.session for outcome in outcomes if outcome.let_in] == [person.name]
    said = [result.partition("result=")[2] for result in results(syslog)]
    reason = "code-used-before" if kind == "code" else "wrong-code"
    accepted = "code" if kind == "code" else "recovery-code"
    device = "main" if kind == "code" else ""
    expected = [
        f"accepted reason={accepted} device={device}",
        *[f"refused reason={reason} device="] * (AT_ONCE - 1),
    ]
    assert sorted(said) == expected


# --- Who is asked ---------------------------------------------------------------------------------


def test_nullok(server: Server, person: Person) -> None:
    """Who is not enrolled yet would be locked out, or who is enrolled not be asked."""
    server.protect("nullok")
    before = log_in(server, person.name, person.password)
    assert before.session == person.name
    assert before.prompts == [PASSWORD]
    person.enrol()
    after = log_in(server, person.name, person.password)
    assert not after.let_in
    assert after.prompts == [PASSWORD, CODE]


def test_not_enrolled(server: Server, person: Person) -> None:
    """Who is not enrolled would get in, or the prompts tell that they are not."""
    server.protect()
    outcome = log_in(server, person.name, person.password, "123456")
    assert not outcome.let_in
    assert outcome.prompts == [PASSWORD, CODE]


def test_access_file(server: Server, enrolled: Person, access_file: AccessFile) -> None:
    """The LAN would be asked for codes, or the internet not."""
    server.protect(access_file(f"+ : {enrolled.name} : {LAN_ADDRESS}"))
    lan = log_in(server, enrolled.name, enrolled.password, source=LAN_ADDRESS)
    assert lan.session == enrolled.name
    assert lan.prompts == [PASSWORD]
    outside = log_in(server, enrolled.name, enrolled.password, enrolled.code())
    assert outside.session == enrolled.name
    assert outside.prompts == [PASSWORD, CODE]
    without = log_in(server, enrolled.name, enrolled.password)
    assert not without.let_in


def test_access_file_by_openssh(server: Server, enrolled: Person, access_file: AccessFile) -> None:
    """`ssh -b` from the LAN would be asked for a code, or ssh from elsewhere not."""
    server.protect(access_file(f"+ : ALL : {LAN_ADDRESS}/32\n- : ALL : ALL\n"))
    lan = openssh.log_in(server, enrolled.name, [enrolled.password], LAN_ADDRESS)
    assert lan.let_in
    assert lan.asked == ("Password: ",)
    outside = openssh.log_in(server, enrolled.name, [enrolled.password, enrolled.code()])
    assert outside.let_in
    assert outside.asked == ("Password: ", "Verification code: ")


def test_local_is_no_ssh_login(server: Server, enrolled: Person, access_file: AccessFile) -> None:
    """An exemption for the console would hold for whoever comes over the network."""
    server.protect(access_file("+ : ALL : LOCAL\n"))
    for source in (ADDRESS, LAN_ADDRESS):
        outcome = log_in(server, enrolled.name, enrolled.password, source=source)
        assert not outcome.let_in
        assert outcome.prompts == [PASSWORD, CODE]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("+ : ALL : ALL\n+ : ALL\n", "{path}:2: "),
        ("+ : ALL : 127.0.0.0/33\n+ : ALL : ALL\n", "{path}:1: "),
        (None, "{path}: there is no such file; "),
    ],
    ids=["two-fields", "prefix", "missing"],
)
def test_broken_access_file(
    server: Server,
    syslog: Syslog,
    enrolled: Person,
    access_file: AccessFile,
    text: str | None,
    complaint: str,
) -> None:
    """A typing error in the access file would let everybody in without a code, and not be told."""
    option = access_file(text or "")
    path = option.removeprefix("accessfile=")
    if text is None:
        Path(path).unlink()
    server.protect(option)
    outcome = log_in(server, enrolled.name, enrolled.password)
    assert not outcome.let_in
    assert outcome.prompts == [PASSWORD, CODE]
    told = [line for line in syslog.lines() if complaint.format(path=path) in line]
    assert len(told) == 1
    assert told[0].endswith("nobody skips the code")


def test_root(server: Server) -> None:
    """Root's login would need no code, or be impossible."""
    root = Person("root", "pass word of root")
    root.enrol("--force")
    server.protect()
    code = root.code()
    assert log_in(server, "root", root.password, code).session == "root"
    assert not log_in(server, "root", root.password, code).let_in


def test_unknown_option(server: Server, syslog: Syslog, enrolled: Person) -> None:
    """A misspelt option would be overlooked, and with it what it should have demanded."""
    server.protect("nulok")
    outcome = log_in(server, enrolled.name, enrolled.password, enrolled.code())
    assert not outcome.let_in
    assert outcome.prompts == [PASSWORD]
    assert any("refusing everybody" in line and "nulok" in line for line in syslog.lines())


# --- Prompts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "prompt"),
    [
        (["echo_verification_code"], ("Verification code: ", True)),
        (["authtok_prompt=Code from the app: "], ("Code from the app: ", False)),
        (["authtok_prompt=Código? ", "echo_verification_code"], ("Código? ", True)),
    ],
)
def test_prompt(
    server: Server, enrolled: Person, options: list[str], prompt: tuple[str, bool]
) -> None:
    """Who cannot see what they type, or reads another language, could not be helped."""
    server.protect(*options)
    outcome = log_in(server, enrolled.name, enrolled.password, enrolled.code())
    assert outcome.session == enrolled.name
    assert outcome.prompts == [PASSWORD, prompt]


# --- Secret files ---------------------------------------------------------------------------------


def test_secret_outside_home(server: Server, person: Person) -> None:
    """A secret in a folder of root's would not be found, or one in the home be taken instead."""
    server.protect(*SYSTEM_OPTIONS)
    person.enrol()
    assert not log_in(server, person.name, person.password, person.code()).let_in
    person.enrol("--secret-file", f"{SYSTEM_SECRETS}/${{USER}}")
    code = person.code()
    assert log_in(server, person.name, person.password, code).session == person.name
    assert not log_in(server, person.name, person.password, code).let_in


def make_fifo(path: Path) -> None:
    """Put a FIFO in a file's place: who opens one waits for somebody who writes."""
    owner = path.stat()
    path.unlink()
    os.mkfifo(path, 0o600)
    os.chown(path, owner.st_uid, owner.st_gid)


def make_root_s(path: Path) -> None:
    """Make a file root's, and one that its former owner may still read."""
    os.chown(path, 0, -1)
    path.chmod(0o640)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (make_fifo, "secret-file-unsafe"),
        (make_root_s, "secret-file-unsafe"),
        (lambda path: path.chmod(0o644), "secret-file-unsafe"),
        (lambda path: path.chmod(0o000), "secret-file-error"),
        (lambda path: path.write_text("not a secret: 9"), "secret-file-malformed"),
        (Path.unlink, "not-enrolled"),
    ],
    ids=["fifo", "owner", "mode", "unreadable", "malformed", "missing"],
)
def test_bad_secret_file(
    server: Server, syslog: Syslog, enrolled: Person, spoil: Callable[[Path], None], reason: str
) -> None:
    """The login would hang, or pass with a file that anybody could have made or read."""
    server.protect()
    spoil(home_file(enrolled))
    outcome = log_in(server, enrolled.name, enrolled.password, enrolled.code())
    assert not outcome.let_in
    assert outcome.prompts == [PASSWORD, CODE]
    assert f"result=refused reason={reason} " in results(syslog)[-1]


@pytest.mark.parametrize("name", [".", "..", "x/../{}", "../secrets/{}", "./{}", "/{}"])
def test_name_that_is_a_path(
    server: Server, syslog: Syslog, person: Person, account_like: AccountLike, name: str
) -> None:
    """By choosing a login name, one could choose whose secret is asked for: one's own."""
    server.protect(*SYSTEM_OPTIONS)
    person.enrol("--secret-file", f"{SYSTEM_SECRETS}/${{USER}}")
    file = SYSTEM_SECRETS / person.name
    before = file.read_bytes()
    code = person.code()
    # Debian's sshd takes what follows a slash for an SELinux role: test_pam_clients.py goes on.
    account, slash, _ = name.partition("/")
    if account:
        account_like(person, account)
    outcome = log_in(server, name.format(person.name), person.password, code)
    assert not outcome.let_in
    assert file.read_bytes() == before  # where an attempt would have been counted
    if not slash:
        assert "result=refused reason=bad-user-name " in results(syslog)[-1]
    assert log_in(server, person.name, person.password, code).let_in


# --- The log, and what must not be in it ----------------------------------------------------------


def test_log_of_each_result(
    server: Server, syslog: Syslog, person: Person, access_file: AccessFile
) -> None:
    """An admin could not tell from the log why somebody did not get in, or how they did."""
    server.protect("nullok", access_file(f"+ : ALL : {LAN_ADDRESS}"))

    def said(*answers: str, source: str = ADDRESS) -> str:
        log_in(server, person.name, person.password, *answers, source=source)
        return results(syslog)[-1]

    line = f"rhost={ADDRESS} user={person.name} service=sshd result="
    assert said() == f"{line}skipped reason=not-enrolled device="
    person.enrol()
    code = person.code()
    assert said(code) == f"{line}accepted reason=code device=main"
    assert said(code) == f"{line}refused reason=code-used-before device="
    assert said(person.wrong_code()) == f"{line}refused reason=wrong-code device="
    assert said(code) == f"{line}refused reason=rate-limit device="
    lan_line = line.replace(ADDRESS, LAN_ADDRESS)
    assert said(source=LAN_ADDRESS) == f"{lan_line}skipped reason=access-file device="
    person.enrol("--force")
    assert said(person.recovery_codes[0]) == f"{line}accepted reason=recovery-code device="
    assert len(results(syslog)) == 7, "one line a login"


def processes_with(words: list[str]) -> list[str]:
    """Return which processes have one of some secrets in their arguments or environment."""
    pattern = re.compile("|".join(rf"(?<!\d){re.escape(word)}(?!\d)" for word in words).encode())
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        for file in ("cmdline", "environ"):
            try:
                content = (process / file).read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it has ended, or root of a container may not look into it
            if pattern.search(content):
                found.append(f"{process / file}: {content!r}")
    return found


def logs_with(words: list[str], *more: str) -> list[str]:
    """Return which logs have one of some secrets in them: files in /var/log, and `more` lines."""
    files = [path.read_bytes() for path in Path("/var/log").rglob("*") if path.is_file()]
    content = b"\n".join([*files, *(line.encode() for line in more)])
    return [word for word in words if word.encode() in content]


def test_secrets_stay_secret_at_login(server: Server, syslog: Syslog, person: Person) -> None:
    """A code, a password or a secret would be there to read in a log or in `ps`."""
    server.protect("debug")
    said = person.enrol()
    code, wrong, recovery_code = person.code(), person.wrong_code(), person.recovery_codes[0]
    words = [person.password, said["secret"], code, wrong, *person.recovery_codes]
    seen: list[str] = []
    times = 0

    def watch() -> None:
        nonlocal times
        times += 1
        seen.extend(processes_with(words))

    for answer in (code, wrong, recovery_code):
        log_in(server, person.name, person.password, answer, watch=watch)
    assert times == 2 * 3 + 2
    assert seen == []
    assert logs_with(words, *syslog.lines(), *server.log.lines()) == []
    assert any("secret file" in line for line in syslog.lines()), "debug logs nothing"


def test_secrets_stay_secret_at_enrolment(syslog: Syslog, person: Person) -> None:
    """Somebody else on the machine could read a new secret in `ps` while it is made."""
    terminal = pexpect.spawn("doorward", ["enroll", person.name], encoding="utf-8")
    terminal.expect("Code from the app: ")
    found = re.search(r"Secret +([A-Z2-7 ]+)\r\n", str(terminal.before))
    assert found
    secret = found[1].replace(" ", "")
    person.scan(secret)
    code = person.code()
    assert processes_with([secret, code]) == []
    terminal.sendline(code)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert logs_with([secret, code], *syslog.lines()) == []


def test_watching_finds_what_there_is() -> None:
    """The two tests above would pass whatever happens."""
    sleeper = pexpect.spawn("sleep", ["600"], env={"CODE": "271828", "PATH": os.environ["PATH"]})
    try:
        assert len(processes_with(["271828"])) == 1
        assert len(processes_with(["600"])) == 1
        assert processes_with(["27182", "60"]) == []
        assert logs_with(["271828"], "the code is 271828") == ["271828"]
    finally:
        sleeper.close(force=True)
