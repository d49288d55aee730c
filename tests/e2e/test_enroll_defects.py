"""The defects of google-authenticator's tool, on it and on ours."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from tests.e2e.enrollee import Enrollee, account, run_as_root

ASKED = "Code from the app: "
# google-authenticator's questions, but for the code: a TOTP, used once each, written without more.
ANSWERED = ("-t", "-d", "-f", "-u", "-w3")


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Yield somebody who is not enrolled."""
    with account("alice") as person:
        yield person


def test_wrong_codes(alice: Enrollee) -> None:
    """A wrong code, a code of a wrong clock and nonsense are each told apart, and not helped."""
    theirs = alice.run_reference(*ANSWERED, answers="000000\n-1\n").stdout
    (told,) = re.findall("correct code ([0-9]{6})", theirs)
    assert pyotp.TOTP(alice.secret.read_text().split()[0]).verify(told, valid_window=1)
    alice.secret.unlink()

    terminal = alice.in_terminal("enroll")
    terminal.wait_for(ASKED)
    app = terminal.app()
    now = int(time.time())
    right = {app.at(now + off) for off in range(-300, 300, 30)}
    wrong = next(code for code in ("000000", "111111", "222222") if code not in right)
    for typed, said in (
        ("12345", "A code has 6 digits"),
        (app.at(now - 600), "from a clock about 10 minutes behind this machine's"),
        (app.at(now + 3600), "from a clock about 1 hour ahead of this machine's"),
        (wrong, "That code "),
    ):
        terminal.answer(typed)
        assert said in terminal.wait_for(ASKED)
        assert not right & set(re.findall(r"\b[0-9]{6}\b", terminal.seen.replace(typed, "")))
    terminal.answer(app.now())
    assert terminal.end() == 0
    assert alice.secret.exists()


@pytest.fixture
def full_home(alice: Enrollee) -> Iterator[Path]:
    """Yield the home of alice, enrolled, on a file system of its own with no room left."""
    mount = ["mount", "--types", "tmpfs", "--options"]
    mount += [f"size=64k,mode=700,uid={alice.uid},gid={alice.gid}", "tmpfs", str(alice.home)]
    subprocess.run(mount, check=True)
    alice.enrol()
    with (alice.home / "ballast").open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"x" * 4096)
        except OSError:
            pass
    yield alice.home
    subprocess.run(["umount", str(alice.home)], check=True)


@pytest.mark.usefixtures("full_home")
def test_full_disk_on_the_reference(alice: Enrollee) -> None:
    """The old secret is gone, and there is no new one."""
    assert alice.run_reference(*ANSWERED, "-C").returncode == 1
    assert not alice.secret.exists()


@pytest.mark.parametrize(
    "command",
    [["enroll", "--force", "--json"], ["recovery-codes"], ["enroll", "--force", "--no-confirm"]],
)
def test_full_disk(alice: Enrollee, full_home: Path, command: list[str]) -> None:
    """Where there is no room for the new file, the old one stays, whoever asks."""
    before = alice.files()
    for run in (alice.run(*command), run_as_root(command[0], "alice", *command[1:])):
        assert run.returncode == 8
        assert "No space left on device" in run.stderr
        assert "What was there before is still there." in run.stderr
        assert "Recovery codes" not in run.stdout
        assert alice.files() == before
    alice.secret.rename(full_home / "kept")
    run = alice.run("enroll", "--json")
    assert (run.returncode, run.stdout) == (8, "")
    assert set(alice.files()) == {"ballast", "kept"}


def test_full_disk_for_a_picture(alice: Enrollee, full_home: Path) -> None:
    """A picture that does not fit ends it before anything is changed."""
    before = alice.files()
    run = alice.run("enroll", "--force", "--json", "--qr", str(full_home / "code.png"))
    assert (run.returncode, run.stdout) == (8, "")
    assert alice.files() == before


@pytest.mark.parametrize("name", [".google_authenticator~", ".google_authenticator~aaaaaa"])
def test_stale_temporary_file(alice: Enrollee, name: str) -> None:
    """What a run left behind that was cut short does not block those that follow."""
    stale = alice.home / name
    stale.write_text("cut short")
    theirs = alice.run_reference(*ANSWERED, "-C")
    assert (theirs.returncode == 1) == ("File exists" in theirs.stderr) == name.endswith("~")
    alice.secret.unlink(missing_ok=True)
    assert alice.enrol()["secret"] == alice.secret_text()
    assert alice.enrol("--force")["secret"] == alice.secret_text()


def test_uri(alice: Enrollee) -> None:
    """An app that assumes other digits or another period would show codes that never fit."""
    theirs = alice.run_reference(*ANSWERED, "-C", "-S60").stdout
    (uri,) = re.findall(r"chl=(\S+)", theirs)
    told = parse_qs(urlsplit(unquote(uri)).query)
    assert told.keys() == {"secret", "issuer"}
    assert '" STEP_SIZE 60\n' in alice.secret.read_text()
    ours = parse_qs(urlsplit(alice.enrol("--force", "--step", "60")["uri"]).query)
    assert (ours["digits"], ours["period"]) == (["6"], ["60"])
