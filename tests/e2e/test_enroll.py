"""Enrolment as a person sees it: in a real terminal, with a phone, and with second thoughts."""

import json
import re
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyotp
import pytest
from doorward.native import verify
from PIL import Image

from tests.e2e.enrollee import Enrollee, Terminal, account
from tests.screen import DARK, LIGHT, picture_of, scanned

ASKED = "Code from the app: "
CODE = re.compile(r"^  ([A-Z2-7]{4}(?:-[A-Z2-7]{4}){3})\r?$", re.MULTILINE)


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Yield somebody who is not enrolled."""
    with account("alice") as person:
        yield person


def test_enrol(alice: Enrollee) -> None:
    """Scan, type the code, keep the recovery codes: then a login takes what the phone shows."""
    terminal = alice.in_terminal("enroll")
    terminal.wait_for(ASKED)
    for theme in (DARK, LIGHT):
        assert scanned(picture_of(terminal.screen(), theme)) == terminal.uri()
    assert not alice.secret.exists()
    assert not CODE.search(terminal.seen)

    app = terminal.app()
    grouped = " ".join(re.findall("....", app.secret))
    assert f"Secret   {grouped}" in terminal.seen
    now = int(time.time())
    terminal.answer(app.at(now))
    assert terminal.end() == 0
    assert "alice is enrolled: /home/alice/.google_authenticator" in terminal.seen
    assert "The code that you typed counts as used" in terminal.seen

    codes = CODE.findall(terminal.seen)
    assert len(codes) == 5
    first, kept, *lines = alice.secret.read_text().splitlines()
    assert first == app.secret
    assert lines == ['" RATE_LIMIT 3 30', f'" DISALLOW_REUSE {now // 30}', '" TOTP_AUTH']
    assert kept.startswith('" RECOVERY ')
    text = alice.secret.read_bytes()
    for code in codes:
        assert code.replace("-", "") not in kept
        verdict = verify(text, code, now)
        assert (verdict.reason, verdict.recovery) == (None, True)
    facts = alice.secret.stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid) == (
        0o600,
        alice.uid,
        alice.gid,
    )


def test_no_code_fits(alice: Enrollee) -> None:
    """After five wrong codes it is over, and nothing was changed."""
    before = alice.files()
    terminal = alice.in_terminal("enroll")
    for _ in range(5):
        terminal.wait_for(ASKED)
        terminal.answer("nonsense")
    assert terminal.end() == 6
    assert "nothing was changed" in terminal.seen
    assert alice.files() == before


@pytest.mark.parametrize(
    ("arguments", "question"),
    [
        (["enroll", "--force"], ASKED),
        (["enroll", "--force", "--qr", "/home/alice/code.png"], ASKED),
        (["show"], "on this screen? [y/N] "),
        (["unenroll"], "has no codes? [y/N] "),
    ],
)
@pytest.mark.parametrize("enrolled", [True, False], ids=["enrolled", "not-enrolled"])
def test_ctrl_c_at_each_question(
    alice: Enrollee, arguments: list[str], question: str, *, enrolled: bool
) -> None:
    """Whoever thinks better of it has what they had: same file, same inode, nothing beside it."""
    if enrolled:
        alice.enrol()
    elif arguments[0] != "enroll":
        arguments, question = ["enroll"], ASKED
    before = alice.files()
    terminal = alice.in_terminal(*arguments)
    terminal.wait_for(question)
    terminal.interrupt()
    assert terminal.end() == 130
    assert "doorward: error: interrupted; nothing was changed" in terminal.seen
    assert "Traceback" not in terminal.seen
    assert alice.files() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_killed_at_the_question(alice: Enrollee, number: signal.Signals) -> None:
    """A terminal that is closed, or worse, changes nothing either."""
    alice.enrol()
    before = alice.files()
    terminal = alice.in_terminal("enroll", "--force")
    terminal.wait_for(ASKED)
    terminal.child.kill(number)
    terminal.child.wait()
    assert alice.files() == before


def test_end_of_input_at_the_question(alice: Enrollee) -> None:
    """Ctrl-D, or a script that forgot --no-confirm, is told what to do."""
    run = alice.run("enroll")
    assert run.returncode == 6
    assert "error: the input ended before there was an answer; nothing was changed" in run.stderr
    assert not alice.secret.exists()


def test_secrets_stay_inside(alice: Enrollee) -> None:
    """While it waits, neither its arguments nor its memory tell another process the secret."""
    terminal = alice.in_terminal("enroll")
    terminal.wait_for(ASKED)
    process = Path("/proc", str(terminal.child.pid))
    secret = terminal.app().secret.encode()
    assert secret not in (process / "cmdline").read_bytes()
    assert secret not in (process / "environ").read_bytes()
    assert (process / "mem").stat().st_uid == 0, "it can be dumped: PR_SET_DUMPABLE is not 0"
    terminal.interrupt()
    assert terminal.end() == 130


def test_existing_enrolment_stays(alice: Enrollee) -> None:
    """Without --force somebody who is enrolled is told so before anything else."""
    alice.enrol()
    before = alice.files()
    run = alice.run("enroll", "--json")
    assert (run.returncode, run.stdout) == (3, "")
    assert "error: alice is enrolled already: /home/alice/.google_authenticator" in run.stderr
    assert "hint: " in run.stderr
    assert alice.files() == before


def test_force(alice: Enrollee) -> None:
    """With --force the new secret is in the old one's place, and nothing else lies there."""
    old = alice.enrol()
    new = alice.enrol("--force")
    assert new["secret"] != old["secret"]
    assert alice.secret_text() == new["secret"]
    code = old["recovery_codes"][0]
    assert verify(alice.secret.read_bytes(), code, int(time.time())).reason == "wrong-code"
    assert [name for name in alice.files() if name.startswith(".google")] == [alice.secret.name]


def test_force_where_there_is_nothing(alice: Enrollee) -> None:
    """--force on somebody who is not enrolled enrols them."""
    assert alice.enrol("--force")["secret"] == alice.secret_text()


def test_json(alice: Enrollee) -> None:
    """A script gets all of it in one object, which agrees with the file."""
    told = alice.enrol("--issuer", "ACME / Köln", "--label", "alice & co")
    app = pyotp.parse_uri(told["uri"])
    assert (app.issuer, app.name, app.secret) == ("ACME / Köln", "alice & co", told["secret"])
    assert told["secret"] == alice.secret_text()
    assert alice.credential().recovery_codes == len(told["recovery_codes"])
    assert (told["user"], told["file"]) == ("alice", str(alice.secret))
    assert (told["issuer"], told["label"]) == ("ACME / Köln", "alice & co")
    assert (told["step"], told["window"]) == (30, 3)
    assert told["rate_limit"] == {"attempts": 3, "seconds": 30}


def test_options(alice: Enrollee) -> None:
    """Each option is in the file, and in the URI where the app must know."""
    options = ["--window", "17", "--step", "60", "--rate-limit", "none", "--recovery-codes", "0"]
    told = alice.enrol(*options)
    lines = [
        told["secret"],
        '" WINDOW_SIZE 17',
        '" STEP_SIZE 60',
        '" DISALLOW_REUSE',
        '" TOTP_AUTH',
    ]
    assert alice.secret.read_text() == "".join(f"{line}\n" for line in lines)
    assert "period=60" in told["uri"]


def test_home_is_that_of_the_passwd_database(alice: Enrollee, tmp_path: Path) -> None:
    """$HOME, $USER and $LOGNAME are anybody's to set, and lead nowhere."""
    tmp_path.chmod(0o777)
    lies = {"HOME": str(tmp_path), "USER": "root", "LOGNAME": "root"}
    assert alice.run("enroll", "--json", **lies).returncode == 0
    assert alice.secret.exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_picture(alice: Enrollee, ending: str) -> None:
    """A picture of the QR code is a new file of the user's own, and private."""
    path = alice.home / f"code.{ending}"
    told = alice.enrol("--qr", str(path))
    facts = path.stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_uid) == (0o600, alice.uid)
    assert told["qr"] == str(path)
    if ending == "png":
        assert scanned(Image.open(path).convert("RGB")) == told["uri"]
    assert alice.run("show", "--json", "--qr", str(path)).returncode == 8
    assert alice.run("enroll", "--force", "--json", "--qr", str(path)).returncode == 8
    assert alice.secret_text() == told["secret"]


@pytest.mark.parametrize(
    ("size", "environment", "said"),
    [
        ((50, 40), {}, "With 40 columns this terminal is too narrow for the QR code"),
        ((50, 120), {"TERM": "dumb"}, "This terminal has no colours to draw the QR code in"),
        ((50, 120), {"PYTHONIOENCODING": "latin-1"}, "This locale has no characters to draw"),
    ],
)
def test_terminals_that_cannot_draw(
    alice: Enrollee, size: tuple[int, int], environment: dict[str, str], said: str
) -> None:
    """Where there can be no QR code, the reason stands in its place, and the rest is as ever."""
    terminal = alice.in_terminal("enroll", size=size, **environment)
    terminal.wait_for(ASKED)
    assert said in terminal.seen
    assert "type the secret into the app" in terminal.seen
    terminal.answer(terminal.app().now())
    assert terminal.end() == 0


def test_terminal_too_low(alice: Enrollee) -> None:
    """A code that is higher than the window says how high the window has to be."""
    terminal = alice.in_terminal("enroll", size=(12, 80))
    assert "Make the window 2" in terminal.wait_for(ASKED)
    terminal.interrupt()
    assert terminal.end() == 130


def test_no_color_does_not_spoil_the_code(alice: Enrollee) -> None:
    """NO_COLOR is about decoration; a QR code in unknown colours would not be read."""
    terminal = alice.in_terminal("enroll", NO_COLOR="1")
    terminal.wait_for(ASKED)
    assert scanned(picture_of(terminal.screen(), DARK)) == terminal.uri()
    terminal.interrupt()
    assert terminal.end() == 130


def _showing(alice: Enrollee) -> Terminal:
    terminal = alice.in_terminal("show")
    terminal.wait_for("Show the secret of alice on this screen? [y/N] ")
    return terminal


def test_show(alice: Enrollee) -> None:
    """The same QR code again, once somebody agreed to have it on the screen."""
    told = alice.enrol()
    before = alice.files()
    terminal = _showing(alice)
    assert told["secret"] not in terminal.seen
    terminal.answer("y")
    assert terminal.end() == 0
    assert scanned(picture_of(terminal.screen(), DARK)) == told["uri"]

    terminal = _showing(alice)
    terminal.answer("")
    assert terminal.end() == 0
    assert "Not shown." in terminal.seen

    again = json.loads(alice.run("show", "--json").stdout)
    assert {name: again[name] for name in ("uri", "secret", "issuer", "label", "file")} == {
        name: told[name] for name in ("uri", "secret", "issuer", "label", "file")
    }
    assert alice.files() == before


def test_show_of_a_counter(alice: Enrollee) -> None:
    """A counter-based credential of google-authenticator's is shown as what it is."""
    alice.secret.write_text('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n" HOTP_COUNTER 41\n')
    alice.secret.chmod(0o600)
    subprocess.run(["/bin/chown", "alice", str(alice.secret)], check=True)
    told = json.loads(alice.run("show", "--json").stdout)
    assert told["type"] == "hotp"
    app = pyotp.parse_uri(told["uri"])
    assert isinstance(app, pyotp.HOTP)
    assert app.initial_count == 41


def test_new_recovery_codes(alice: Enrollee) -> None:
    """The new codes are there, the old are gone, and every other byte and the mode stay."""
    told = alice.enrol("--rate-limit", "5/60", "--compatible")
    alice.secret.chmod(0o400)
    before = alice.secret.read_text()
    run = alice.run("recovery-codes", "--count", "3", "--compatible", "--json")
    assert (run.returncode, run.stderr) == (0, "")
    codes = json.loads(run.stdout)["recovery_codes"]
    assert len(codes) == 3
    head = before.removesuffix("".join(f"{code}\n" for code in told["recovery_codes"]))
    assert alice.secret.read_text() == head + "".join(f"{code}\n" for code in codes)
    assert stat.S_IMODE(alice.secret.stat().st_mode) == 0o400

    shown = CODE.findall(alice.run("recovery-codes").stdout)
    assert len(shown) == 5
    first, _, rest = alice.secret.read_text().split("\n", 2)
    assert f"{first}\n{rest}" == head
    assert verify(alice.secret.read_bytes(), shown[0], int(time.time())).recovery


def test_new_recovery_codes_for_a_broken_file(alice: Enrollee) -> None:
    """A file that no login takes is not made worse."""
    alice.enrol()
    alice.secret.write_text("9\n")
    before = alice.files()
    assert alice.run("recovery-codes").returncode == 7
    assert alice.files() == before


def test_unenrol(alice: Enrollee) -> None:
    """After a yes the secret is gone, and what follows from that is said."""
    alice.enrol()
    terminal = alice.in_terminal("unenroll")
    terminal.wait_for("[y/N] ")
    terminal.answer("no")
    assert terminal.end() == 0
    assert alice.secret.exists()
    run = alice.run("unenroll", "--yes")
    assert run.returncode == 0
    assert "refuse the next login" in run.stdout
    assert not alice.secret.exists()


@pytest.mark.parametrize("command", [["show"], ["recovery-codes"], ["unenroll", "--yes"]])
def test_not_enrolled(alice: Enrollee, command: list[str]) -> None:
    """What needs an enrolment says that there is none."""
    run = alice.run(*command)
    assert (run.returncode, run.stdout) == (4, "")
    assert "error: alice is not enrolled: there is no /home/alice/.google_auth" in run.stderr


def _at_the_same_time(run: Callable[[], subprocess.Popen[str]]) -> list[tuple[int, str]]:
    processes = [run() for _ in range(8)]
    outputs = [process.communicate()[0] for process in processes]
    return [
        (process.returncode, output) for process, output in zip(processes, outputs, strict=True)
    ]


def test_first_enrolments_at_the_same_time(alice: Enrollee) -> None:
    """One of many gets in; the others are told, and do not take it away from the one."""
    ended = _at_the_same_time(lambda: alice.start("enroll", "--json"))
    assert sorted(code for code, _ in ended) == [0, *[3] * 7]
    (winner,) = (json.loads(output) for code, output in ended if code == 0)
    assert alice.secret_text() == winner["secret"]
    assert [name for name in alice.files() if name.startswith(".google")] == [alice.secret.name]


def test_new_recovery_codes_at_the_same_time(alice: Enrollee) -> None:
    """Each run waits for the other, and the file has the codes of exactly one of them."""
    alice.enrol()
    ended = _at_the_same_time(lambda: alice.start("recovery-codes", "--json"))
    assert {code for code, _ in ended} == {0}
    told = [json.loads(output)["recovery_codes"] for _, output in ended]
    text, now = alice.secret.read_bytes(), int(time.time())
    (kept,) = (codes for codes in told if verify(text, codes[0], now).recovery)
    assert all(verify(text, code, now).recovery for code in kept)
    assert alice.credential().recovery_codes == len(kept)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["enroll", "--json"], "alice is enrolled, but the result could not be shown"),
        (["recovery-codes"], "alice has new recovery codes, but the result could not be shown"),
    ],
)
def test_result_that_nobody_saw(alice: Enrollee, command: list[str], what: str) -> None:
    """Where the disk that the output goes to is full, it is said that the work was done."""
    if command[0] != "enroll":
        alice.enrol()
    with Path("/dev/full").open("w") as full:
        process = alice.start(*command, stdout=full)
        _, said = process.communicate()
    assert process.returncode == 12
    assert what in said
    assert alice.credential().recovery_codes == 5
