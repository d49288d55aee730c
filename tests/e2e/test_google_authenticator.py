"""google-authenticator and doorward, each with the other's files, and the table between them."""

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from doorward.commands import enroll
from doorward.native import verify

from tests.conftest import CHECKOUT
from tests.e2e.enrollee import Enrollee, account
from tests.pam.login import Setting, copy_programs, log_in, module_under_test, reference_module

MODULES = ["ours", "theirs"]


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """What logs in, as the tests of the module have it."""
    copy_programs()


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Yield somebody who is not enrolled."""
    with account("alice") as person:
        yield person


def _let_in(folder: Path, module: str, reply: str) -> bool:
    path = module_under_test() if module == "ours" else reference_module()
    setting = Setting(user="alice", time=None, module=path)
    return log_in(folder, setting, [f"={reply}"]).libpam == "PAM_SUCCESS"


def _codes(text: str) -> Iterator[str]:
    """The codes that a phone with that secret file's secret makes, each good for one login."""
    secret, *lines = text.splitlines()
    values = dict(line[2:].split(" ", 1) for line in lines if line.count(" ") > 1)
    if "HOTP_COUNTER" in values:
        for counter in range(int(values["HOTP_COUNTER"]), 100):
            yield pyotp.HOTP(secret).at(counter)
    step = int(values.get("STEP_SIZE", 30))
    for offset in (0, 1):
        yield pyotp.TOTP(secret, interval=step).at(int(time.time()) + offset * step)


FLAGS = [
    "-t -d -f -r 3 -R 30 -w 3",
    "-t -D -f -u -w 17",
    "-c -f -u -w 5",
    "-c -f -r 10 -R 600 -W",
    "-t -d -f -S 60 -r 10 -R 15 -w 4 -e 3",
]


@pytest.mark.parametrize("flags", FLAGS)
def test_their_files(alice: Enrollee, tmp_path: Path, flags: str) -> None:
    """Somebody would have to enrol anew to get in here, or could not go back."""
    words = ["google-authenticator", "-C", "-q", *flags.split()]
    ids = ["--reuid", str(alice.uid), "--regid", str(alice.gid), "--init-groups"]
    environment = {"HOME": str(alice.home), "USER": "alice", "PATH": "/usr/bin:/bin"}
    subprocess.run(["setpriv", *ids, "--", *words], check=True, env=environment)
    run = alice.run("status", "--json")
    (status,) = json.loads(run.stdout)
    assert (run.returncode, status["problems"], status["foreign_keys"]) == (0, [], [])
    text = alice.secret.read_text()
    recovery_code = text.splitlines()[-1]
    assert status["recovery_codes"] == len(re.findall("^[0-9]{8}$", text, re.MULTILINE)) > 0

    codes = _codes(text)
    assert _let_in(tmp_path, "ours", next(codes))
    assert _let_in(tmp_path, "ours", recovery_code)
    assert not _let_in(tmp_path, "ours", recovery_code)
    alice.secret.write_text(re.sub("(RATE_LIMIT [0-9]+ [0-9]+).*", r"\1", alice.secret.read_text()))
    assert _let_in(tmp_path, "theirs", next(codes))


OPTIONS = [
    [],
    ["--counter-based"],
    ["--counter-based", "--window", "1", "--rate-limit", "10/600"],
    ["--step", "60", "--window", "5"],
    ["--allow-reuse", "--rate-limit", "none", "--recovery-codes", "1"],
]


@pytest.mark.parametrize("options", OPTIONS, ids=[" ".join(options) for options in OPTIONS])
def test_our_files(alice: Enrollee, tmp_path: Path, options: list[str]) -> None:
    """Somebody who goes back would be shut out."""
    told = alice.enrol("--compatible", *options)
    codes = _codes(alice.secret.read_text())
    assert _let_in(tmp_path, "theirs", next(codes))
    assert _let_in(tmp_path, "theirs", told["recovery_codes"][0])
    assert not _let_in(tmp_path, "theirs", told["recovery_codes"][0])
    assert json.loads(alice.run("status", "--json").stdout)[0]["foreign_keys"] == []


@pytest.mark.parametrize("module", MODULES)
def test_what_they_do_not_know(alice: Enrollee, tmp_path: Path, module: str) -> None:
    """The first device gets in everywhere, and the others' lines survive a login there."""
    alice.enrol("--rate-limit", "none")
    told = alice.enrol("--device", "tablet", "--algorithm", "sha256", "--digits", "8")
    token = alice.enrol("--device", "token", "--counter-based")
    extra = [line for line in alice.secret.read_text().splitlines() if "DEVICE" in line]
    assert _let_in(tmp_path, module, next(_codes(alice.secret.read_text())))
    assert [one for one in alice.secret.read_text().splitlines() if "DEVICE" in one] == extra

    tablet = pyotp.TOTP(told["secret"], digits=8, digest=hashlib.sha256)
    for code in (tablet.now(), pyotp.HOTP(token["secret"]).at(1)):
        assert _let_in(tmp_path, module, code) == (module == "ours")


def test_recovery_codes(alice: Enrollee, tmp_path: Path) -> None:
    """A code that is kept hashed would not open the door, or twice."""
    told = alice.enrol("--rate-limit", "none")
    dashed, plain, *_ = told["recovery_codes"]
    for code in (dashed, plain.replace("-", "").lower()):
        assert _let_in(tmp_path, "ours", code)
        assert not _let_in(tmp_path, "ours", code)
        assert verify(alice.secret.read_bytes(), code, int(time.time())).reason == "wrong-code"
    assert alice.credential().recovery_codes == len(told["recovery_codes"]) - 2


def _table(heading: str) -> list[list[list[str]]]:
    """The flags in each cell of the rows of the table under a heading."""
    text = (CHECKOUT / "docs/google-authenticator.md").read_text()
    table = text.split(f"## {heading}\n")[1].split("\n|---")[1].split("\n\n")[0]
    rows = [row.split("|")[1:3] for row in table.splitlines()[1:]]
    return [[re.findall("`([^`]+)`", cell) for cell in row] for row in rows]


def test_the_table_has_every_flag() -> None:
    """Somebody would look for what they used there in vain, or read of an option that is none."""
    run = subprocess.run(
        ["google-authenticator", "--help"], capture_output=True, check=True, text=True
    )
    said = run.stdout + run.stderr
    theirs = [list(flags) for flags in re.findall(r"^ (-\w), (--[\w-]+)", said, re.MULTILINE)]
    ours = {flag for param in enroll.command.params for flag in param.opts if flag.startswith("-")}
    rows = _table("The commands")
    assert sorted(row[0] for row in rows if row[0]) == sorted(theirs)
    assert {flag for row in rows for flag in row[1]} == ours | {"-h", "--help"}


def test_the_table_has_every_option_of_the_modules() -> None:
    """An option would be missed, or refuse everybody on the way back."""
    here = (CHECKOUT / "pam_module/core/options.c").read_text()
    ours = set(re.findall(r'"([a-z_-]{4,}=?)"', here))
    rows = _table("The module's options")
    assert {option for row in rows for option in row[1]} == ours
    there = reference_module().read_bytes()
    for theirs, (option,) in rows:
        assert theirs in ([option], [])
        assert (option.encode() in there) == bool(theirs)
