"""Several devices, other codes than six digits of SHA-1, recovery codes that are kept hashed."""

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pyotp
import pytest

from demo.server import Syslog
from tests.pam.conftest import SECRET, enrol, logged
from tests.pam.login import Result, Setting, log_in

NOW = 300_000
TABLET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
TOKEN = "MZXW6YTBOJSWI43FMZXW6YTBOJSWI43F"
DEVICES = (
    f'" DEVICE tablet SECRET {TABLET}',
    '" DEVICE tablet ALGORITHM SHA256',
    '" DEVICE tablet DIGITS 8',
    f'" DEVICE token SECRET {TOKEN}',
    '" DEVICE token HOTP_COUNTER 5',
)
HASHES: dict[str, Any] = {
    "SHA1": hashlib.sha1,
    "SHA256": hashlib.sha256,
    "SHA512": hashlib.sha512,
}
RECOVERY_CODE = "ABCDEFGHIJKLMNOP"


def phone_code(when: int = NOW) -> str:
    """The first device's code at a time."""
    return pyotp.TOTP(SECRET).at(when)


def tablet_code(when: int = NOW) -> str:
    """The tablet's code at a time."""
    return pyotp.TOTP(TABLET, digits=8, digest=hashlib.sha256).at(when)


def hashed(*codes: str, key: bytes = bytes(range(16))) -> str:
    """The line that keeps recovery codes, made as docs/FILEFORMAT.md says."""
    hashes = [hmac.digest(key, base64.b32decode(code), "sha256") for code in codes]
    words = [base64.b32encode(data).decode().rstrip("=") for data in (key, *hashes)]
    return '" RECOVERY ' + " ".join(words)


def accepted(result: Result) -> bool:
    """Whether the door opened."""
    return result.module == "PAM_SUCCESS"


@pytest.mark.parametrize("name", list(HASHES))
@pytest.mark.parametrize("digits", [6, 7, 8])
def test_algorithm_and_length(home: Path, confdir: Path, name: str, digits: int) -> None:
    """Who chose a stronger hash or a longer code could not log in."""
    enrol(home, f'" ALGORITHM {name}', f'" DIGITS {digits}', '" DISALLOW_REUSE')
    code = pyotp.TOTP(SECRET, digits=digits, digest=HASHES[name]).at(NOW)
    assert not accepted(log_in(confdir, Setting(), [f"={code[1:]}"]))
    assert not accepted(log_in(confdir, Setting(), [f"=1{code}"]))
    assert accepted(log_in(confdir, Setting(), [f"={code}"]))
    assert not accepted(log_in(confdir, Setting(), [f"={code}"]))


def test_every_device_opens_the_door_and_is_logged(
    home: Path, confdir: Path, syslog: Syslog
) -> None:
    """A second phone would be of no use, or nobody know which one was."""
    path = enrol(home, '" DISALLOW_REUSE', *DEVICES, '" DEVICE tablet DISALLOW_REUSE')
    for code in (phone_code(), tablet_code(), pyotp.HOTP(TOKEN).at(6)):
        assert accepted(log_in(confdir, Setting(), [f"={code}"]))
        assert not accepted(log_in(confdir, Setting(), [f"={code}"]))
    devices = [line.split(" device=")[1] for line in logged(syslog) if "result=accepted" in line]
    assert devices == ["main", "tablet", "token"]
    step = NOW // 30
    assert path.read_text().splitlines() == [
        SECRET,
        '" TOTP_AUTH',
        f'" DISALLOW_REUSE {step}',
        *DEVICES[:4],
        '" DEVICE token HOTP_COUNTER 7',
        f'" DEVICE tablet DISALLOW_REUSE {step}',
    ]


@pytest.mark.parametrize("order", [(SECRET, TABLET), (TABLET, SECRET)])
def test_a_code_is_one_time_across_devices(
    home: Path, confdir: Path, order: tuple[str, str]
) -> None:
    """A secret that is on two devices would make each code good for two logins."""
    lines = [f'" DEVICE d{at} SECRET {secret}' for at, secret in enumerate(order)]
    enrol(home, *lines)
    setting = Setting(args=["disallow_reuse"])
    assert accepted(log_in(confdir, setting, [f"={phone_code()}"]))
    assert not accepted(log_in(confdir, setting, [f"={phone_code()}"]))
    assert accepted(log_in(confdir, setting, [f"={pyotp.TOTP(TABLET).at(NOW)}"]))


def test_a_code_that_one_device_used_is_refused_for_the_others(home: Path, confdir: Path) -> None:
    """A phone's code could be replayed through a device that was enrolled with its secret."""
    enrol(home, f'" DISALLOW_REUSE {NOW // 30}', f'" DEVICE copy SECRET {SECRET}')
    assert not accepted(log_in(confdir, Setting(), [f"={phone_code()}"]))


def test_no_code_of_another_device_moves_a_token(home: Path, confdir: Path) -> None:
    """A code mistyped for the phone would put the token out of step for good."""
    path = enrol(home, *DEVICES)
    for reply in (phone_code(), tablet_code(), "000000", "nonsense"):
        log_in(confdir, Setting(), [f"={reply}"])
        assert '" DEVICE token HOTP_COUNTER 5\n' in path.read_text()


def test_each_device_learns_its_own_skew(home: Path, confdir: Path) -> None:
    """A tablet whose clock is off would put the phone off, too."""
    path = enrol(home, *DEVICES)
    for late in (0, 30, 60):
        result = log_in(confdir, Setting(time=NOW + late), [f"={tablet_code(NOW + late + 3000)}"])
    assert accepted(result)
    assert '" DEVICE tablet TIME_SKEW 100\n' in path.read_text()
    assert accepted(log_in(confdir, Setting(time=NOW + 90), [f"={phone_code(NOW + 90)}"]))


@pytest.mark.parametrize(
    "lines",
    [
        ['" DIGITS 5'],
        ['" DIGITS 9'],
        ['" DIGITS six'],
        ['" ALGORITHM MD5'],
        ['" ALGORITHM'],
        ['" DEVICE tablet'],
        ['" DEVICE tablet SECRET 99'],
        ['" DEVICE tablet DIGITS 6'],
        [f'" DEVICE  tablet SECRET {TABLET}'],
        [f'" DEVICE\ttablet SECRET {TABLET}'],
        [f'" DEVICE tablet SECRET {TABLET}', '" DEVICE tablet  DISALLOW_REUSE'],
        [f'" DEVICE tablet SECRET {TABLET}', '" DEVICE tablet DISALOW_REUSE'],
        [f'" DEVICE tablet SECRET {TABLET}', '" DEVICE tablet RATE_LIMIT 3 30'],
        [f'" DEVICE main SECRET {TABLET}'],
        [f'" DEVICE ta/blet SECRET {TABLET}'],
        [f'" DEVICE {"x" * 33} SECRET {TABLET}'],
        [f'" DEVICE d{number} SECRET {TABLET}' for number in range(16)],
    ],
    ids=lambda lines: lines[-1][2:32],
)
def test_a_device_that_is_not_as_it_must_be_refuses(
    home: Path, confdir: Path, syslog: Syslog, lines: list[str]
) -> None:
    """A setting that is not understood would be taken for another."""
    enrol(home, *lines)
    assert not accepted(log_in(confdir, Setting(), [f"={phone_code()}"]))
    assert "reason=secret-file-malformed" in logged(syslog)[-1]


@pytest.mark.parametrize(
    "typed", ["ABCDEFGHIJKLMNOP", "abcd-efgh-ijkl-mnop", "AbCdEfGhIjKlMnOp", "ABCDEFGH-IJKLMNOP"]
)
def test_a_hashed_recovery_code_works_once(home: Path, confdir: Path, typed: str) -> None:
    """The way back in would be shut, or stay open."""
    others = ["QRSTUVWXYZ234567", "AAAAAAAAAAAAAAAA"]
    path = enrol(home, hashed(others[0], RECOVERY_CODE, others[1]), "12345678")
    assert accepted(log_in(confdir, Setting(), [f"={typed}"]))
    assert path.read_text().splitlines()[2:] == [hashed(*others), "12345678"]
    for reply in (typed, "ABCDEFGHIJKLMNOQ", "ABCD-EFGH-IJKL", "-ABCDEFGHIJKLMNOP"):
        assert not accepted(log_in(confdir, Setting(), [f"={reply}"]))
    assert accepted(log_in(confdir, Setting(), ["=12345678"]))
    for code in others:
        assert accepted(log_in(confdir, Setting(), [f"={code}"]))
    assert path.read_text().splitlines()[2:] == [hashed()]


@pytest.mark.parametrize(
    "value", ["", "99", "AAAA", f"{'A' * 26} {'B' * 51}", f"{'A' * 26} {'B' * 52} x"]
)
def test_hashes_that_are_not_as_they_must_be_refuse(
    home: Path, confdir: Path, syslog: Syslog, value: str
) -> None:
    """A recovery code would be held against something that nobody put there."""
    enrol(home, f'" RECOVERY {value}')
    assert not accepted(log_in(confdir, Setting(), [f"={RECOVERY_CODE}"]))
    assert "reason=secret-file-malformed" in logged(syslog)[-1]


READINGS = {
    "eight digits": tablet_code(),
    "six digits": phone_code(),
    "old recovery code": "12345678",
    "recovery code": RECOVERY_CODE,
    "recovery code with dashes": "abcd-efgh-ijkl-mnop",
}


@pytest.mark.parametrize("kind", list(READINGS))
@pytest.mark.parametrize("password", ["", "hunter2", "99999999", "ABCD-", "pass-word-1", "é€"])
def test_what_verified_is_what_is_cut_off(
    home: Path, confdir: Path, kind: str, password: str
) -> None:
    """The next module would get a wrong password, or a part of the code with it."""
    enrol(home, *DEVICES, hashed(RECOVERY_CODE), "12345678")
    setting = Setting(args=["forward_pass"])
    result = log_in(confdir, setting, [f"={password}{READINGS[kind]}"])
    assert (accepted(result), result.authtok) == (True, password)
