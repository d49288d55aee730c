"""Several devices, and other codes than the usual: enrolled, shown, listed and removed alone."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pyotp
import pytest
from doorward.native import Algorithm, verify

from tests.e2e.enrollee import Enrollee, account

ASKED = "Code from the app: "


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Yield somebody who is not enrolled."""
    with account("alice") as person:
        yield person


def _accepted(alice: Enrollee, code: str) -> str | None:
    """Whose code it is that a login would take, if it would."""
    return verify(alice.secret.read_bytes(), code, int(time.time()), learn_skew=False).device


def test_a_second_device(alice: Enrollee) -> None:
    """A tablet has a secret of its own; the phone, the recovery codes and the limit stay."""
    alice.enrol()
    before = alice.credential()
    terminal = alice.in_terminal("enroll", "--device", "tablet")
    terminal.wait_for(ASKED)
    app = terminal.app()
    now = int(time.time())
    terminal.answer(app.at(now))
    assert terminal.end() == 0
    assert "the device 'tablet' of alice is enrolled: /home/alice/.goog" in terminal.seen
    assert "Recovery codes" not in terminal.seen

    after = alice.credential()
    main, tablet = after.devices
    assert replace(after, devices=(main,), foreign_keys=before.foreign_keys) == before
    assert (tablet.name, tablet.used_steps) == ("tablet", (now // 30,))
    assert tablet.secret == app.byte_secret() != main.secret
    assert _accepted(alice, app.at(now + 30)) == "tablet"


def test_a_device_needs_an_enrolment(alice: Enrollee) -> None:
    """The first device is enrolled without a name; a broken file is not made worse."""
    run = alice.run("enroll", "--device", "tablet", "--json")
    assert (run.returncode, run.stdout) == (4, "")
    assert "hint: 'doorward enroll alice' does that." in run.stderr
    alice.enrol()
    alice.secret.write_text("9\n")
    assert alice.run("enroll", "--device", "tablet", "--json").returncode == 7
    assert alice.secret.read_text() == "9\n"


@pytest.mark.parametrize("name", ["main", "tablet"])
def test_one_is_replaced_alone(alice: Enrollee, name: str) -> None:
    """A name that is taken is refused; --force gives it a new secret, and nobody else."""
    alice.enrol()
    alice.enrol("--device", "tablet", "--digits", "8")
    before = alice.files()
    run = alice.run("enroll", "--device", name, "--json")
    assert (run.returncode, run.stdout) == (3, "")
    assert f"error: there is a device '{name}' already" in run.stderr
    assert alice.files() == before

    old = alice.credential()
    told = alice.enrol("--device", name, "--force")
    new = alice.credential()
    changed = [one.name for one in new.devices if one not in old.devices]
    assert changed == [name] == [told["device"]]
    assert new.recovery_codes == old.recovery_codes


def test_force_says_what_goes(alice: Enrollee) -> None:
    """Whoever starts anew hears what they had, before and as JSON."""
    alice.enrol()
    alice.enrol("--device", "tablet")
    terminal = alice.in_terminal("enroll", "--force")
    said = terminal.wait_for(ASKED)
    assert "takes the place of 2 devices (main, tablet) and 5 recovery codes that alice has" in said
    terminal.interrupt()
    assert terminal.end() == 130
    told = alice.enrol("--force")
    assert [device["name"] for device in told["replaced"]["devices"]] == ["main", "tablet"]
    assert told["replaced"]["recovery_codes"] == 5
    assert [device.name for device in alice.credential().devices] == ["main"]


def test_list(alice: Enrollee) -> None:
    """Each device is listed with what it takes to know it, and nothing that is secret."""
    alice.enrol("--allow-reuse")
    alice.enrol("--device", "tablet", "--algorithm", "sha256", "--digits", "8", "--step", "60")
    alice.enrol("--device", "token", "--counter-based")
    rows = [row.split() for row in alice.run("devices").stdout.splitlines()]
    assert rows[1:] == [
        ["main", "totp", "SHA1", "6", "30", "s", "not", "recorded"],
        ["tablet", "totp", "SHA256", "8", "60", "s", "never"],
        ["token", "hotp", "SHA1", "6", "next", "is", "code", "1"],
    ]
    listed = json.loads(alice.run("devices", "--json").stdout)
    (status,) = json.loads(alice.run("status", "--json").stdout)
    assert listed == status["devices"]
    assert status["foreign_keys"] == ["DEVICE", "RECOVERY"]
    assert alice.run("status").stdout.splitlines()[1].split()[:4] == ["alice", "yes", "totp", "3"]


def test_show(alice: Enrollee) -> None:
    """Each device's own QR code is shown again, by its name."""
    told = {"main": alice.enrol(), "tablet": alice.enrol("--device", "tablet", "--digits", "7")}
    for name in told:
        again = json.loads(alice.run("show", "--device", name, "--json").stdout)
        assert again["uri"] == told[name]["uri"]
    run = alice.run("show", "--device", "phone", "--json")
    assert run.returncode == 4
    assert run.stderr == (
        "doorward: error: there is no device 'phone'\nhint: There is main, tablet.\n"
    )


def test_remove(alice: Enrollee) -> None:
    """A device goes alone; the next one takes the first one's place; the last one does not go."""
    alice.enrol()
    told = alice.enrol("--device", "tablet", "--digits", "8")
    alice.enrol("--device", "token", "--counter-based")
    codes = alice.credential().recovery_codes

    terminal = alice.in_terminal("unenroll", "--device", "token")
    terminal.wait_for("Remove the device 'token' of alice? [y/N] ")
    terminal.answer("no")
    assert terminal.end() == 0
    assert alice.run("unenroll", "--device", "token", "--yes").returncode == 0
    assert [device.name for device in alice.credential().devices] == ["main", "tablet"]

    run = alice.run("unenroll", "--device", "main", "--yes")
    assert run.returncode == 0
    assert "The next one is called main from now on." in run.stdout
    (device,) = alice.credential().devices
    assert (device.name, alice.secret_text(), device.digits) == ("main", told["secret"], 8)
    assert alice.credential().recovery_codes == codes

    before = alice.files()
    run = alice.run("unenroll", "--device", "main", "--yes")
    assert run.returncode == 1
    assert "'main' is the only device" in run.stderr
    assert alice.run("unenroll", "--device", "token", "--yes").returncode == 4
    assert alice.files() == before


def test_devices_at_the_same_time(alice: Enrollee) -> None:
    """Each run waits for the others: none takes a device away that another one added."""
    alice.enrol()
    processes = [alice.start("enroll", "--device", f"d{at}", "--json") for at in range(8)]
    assert [process.wait() for process in processes if process.communicate()] == [0] * 8
    assert {one.name for one in alice.credential().devices} == {
        "main",
        *(f"d{at}" for at in range(8)),
    }


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("digits", [6, 7, 8])
def test_other_codes(alice: Enrollee, algorithm: Algorithm, digits: int) -> None:
    """The app is told the algorithm and the digits, and its code is what a login takes."""
    options = ["--algorithm", algorithm.lower(), "--digits", str(digits)]
    terminal = alice.in_terminal("enroll", *options)
    usual = (algorithm, digits) == (Algorithm.SHA1, 6)
    assert ("Few apps can do other than" in terminal.wait_for(ASKED)) == (not usual)
    app = terminal.app()
    assert (app.digits, app.digest().name) == (digits, algorithm.lower())
    now = int(time.time())
    terminal.answer(app.at(now))
    assert terminal.end() == 0
    lines = alice.secret.read_text().splitlines()
    assert (f'" ALGORITHM {algorithm}' in lines) == (algorithm != Algorithm.SHA1)
    assert (f'" DIGITS {digits}' in lines) == (digits != 6)
    assert _accepted(alice, app.at(now + 30)) == "main"


def test_an_app_that_knows_sha1_alone(alice: Enrollee) -> None:
    """Somebody would look for the fault in their clock."""
    terminal = alice.in_terminal("enroll", "--algorithm", "sha256")
    terminal.wait_for(ASKED)
    app = terminal.app()
    terminal.answer(pyotp.TOTP(app.secret, digest=hashlib.sha1).now())
    assert "That code is made with SHA1" in terminal.wait_for(ASKED)
    terminal.answer(app.now())
    assert terminal.end() == 0


def test_codes_that_are_counted(alice: Enrollee) -> None:
    """The app's first code is asked for, and a login wants the second."""
    terminal = alice.in_terminal("enroll", "--counter-based")
    terminal.wait_for("First code from the app: ")
    app = pyotp.parse_uri(terminal.uri())
    assert isinstance(app, pyotp.HOTP)
    terminal.answer(app.at(0))
    assert terminal.end() == 0
    assert '" HOTP_COUNTER 2' in alice.secret.read_text().splitlines()
    assert _accepted(alice, app.at(0)) is None
    assert _accepted(alice, app.at(1)) == "main"


def test_reuse(alice: Enrollee) -> None:
    """A code that was typed to confirm opens the door, if that is how somebody wants it."""
    terminal = alice.in_terminal("enroll", "--allow-reuse")
    terminal.wait_for(ASKED)
    code = terminal.app().now()
    terminal.answer(code)
    assert terminal.end() == 0
    assert "counts as used" not in terminal.seen
    assert "DISALLOW_REUSE" not in alice.secret.read_text()
    assert _accepted(alice, code) == "main"


@pytest.mark.parametrize(
    "options",
    [
        ["--compatible", "--device", "tablet"],
        ["--compatible", "--algorithm", "sha256"],
        ["--compatible", "--digits", "8"],
        ["--device", "tablet", "--recovery-codes", "3"],
        ["--device", "tablet", "--rate-limit", "none"],
        ["--counter-based", "--step", "60"],
        ["--counter-based", "--allow-reuse"],
    ],
)
def test_options_that_exclude_each_other(alice: Enrollee, options: list[str]) -> None:
    """An option would be passed over in silence."""
    run = alice.run("enroll", "--json", *options)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"{options[0]}" in run.stderr
    assert "exclude each other: " in run.stderr
    assert not alice.secret.exists()


def test_names(alice: Enrollee) -> None:
    """A name that the module would not read is refused before anything is done."""
    alice.enrol()
    for name in ("", "my tablet", "a/b", "ä", "x" * 33):
        run = alice.run("enroll", "--json", "--device", name)
        assert run.returncode == 2
        assert "a name is 1 to 32 letters, digits, dots, dashes and underscores" in run.stderr
