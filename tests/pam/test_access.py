"""The access file at a login, and side by side with the real pam_access.so."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.server import Syslog
from tests.pam.conftest import enrol, logged, owned
from tests.pam.login import FEWER, Setting, log_in

PAM_ACCESS = next(Path("/usr/lib").glob("*/security/pam_access.so"))
ACCESS_FILE = Path("/etc/security/access-doorward.conf")
USERS = ["galuser", "galother"]
GROUPS = {"galstaff": ["galuser"], "galnone": []}

FILES = 120 // FEWER
LOGINS_EACH = 5
SEED = 6238


@pytest.fixture(autouse=True)
def groups() -> Iterator[None]:
    """The groups that the files name, in this private host's /etc/group."""
    file = Path("/etc/group")
    before = file.read_text()
    lines = [
        f"{name}:x:{gid}:{','.join(who)}\n" for gid, (name, who) in enumerate(GROUPS.items(), 4200)
    ]
    file.write_text(before + "".join(lines))
    yield
    file.write_text(before)


@pytest.fixture
def access_file() -> Iterator[Path]:
    """An access file of root's, to be written."""
    ACCESS_FILE.touch(mode=0o644)
    yield ACCESS_FILE
    ACCESS_FILE.unlink(missing_ok=True)


def skips(confdir: Path, user: str, rhost: str | None) -> bool:
    """Whether a login passes without being asked; a question must then be the one for a code."""
    setting = Setting(args=[f"accessfile={ACCESS_FILE}"], user=user, rhost=rhost)
    result = log_in(confdir, setting, ["=000000"])
    if result.module == "PAM_IGNORE":
        assert result.messages == []
        return True
    assert result.module == "PAM_AUTH_ERR"
    assert result.messages == [("ECHO_OFF", "Verification code: ")]
    return False


@pytest.mark.parametrize("user", USERS)
def test_a_skip_is_ignore_and_not_success(confdir: Path, access_file: Path, user: str) -> None:
    """A `sufficient` line would turn a LAN address into a login."""
    access_file.write_text("+ : ALL : 10.0.0.0/8\n")
    assert skips(confdir, user, "10.1.2.3")
    assert not skips(confdir, user, "11.1.2.3")
    assert not skips(confdir, user, None)


def test_an_enrolled_user_skips_too(home: Path, confdir: Path, access_file: Path) -> None:
    """The local network would be asked in spite of the file."""
    enrol(home)
    access_file.write_text("+ : (galstaff) : 10.0.0.0/8\n")
    assert skips(confdir, "galuser", "10.1.2.3")
    assert not skips(confdir, "galother", "10.1.2.3")


@pytest.mark.parametrize(
    ("entry", "skipping"),
    [
        ("galgroup:x:4101:", True),  # it is in the account's own entry
        ("galgroup:x:4200:galother,galuser", True),
        ("galgroup:x:4200:galother", False),
        (f"galgroup:x:4200:galuser,{'x' * (1 << 16)}", True),
        (f"galgroup:x:4200:galuser,{'x' * (5 << 20)}", False),  # more than is looked at
        ("", False),
    ],
    ids=["primary", "listed", "not listed", "large", "huge", "none"],
)
def test_who_is_in_a_group(confdir: Path, access_file: Path, entry: str, *, skipping: bool) -> None:
    """A group would open the door to others than its members, or not to all of them."""
    with Path("/etc/group").open("a") as file:
        file.write(f"{entry}\n" if entry else "")
    access_file.write_text("+ : (galgroup) : ALL\n")
    assert skips(confdir, "galuser", "10.1.2.3") == skipping


def test_an_access_file_that_cannot_be_reached_asks_everybody(confdir: Path) -> None:
    """A disk that fails would open the door."""
    setting = Setting(args=["accessfile=/etc/hostname/x"], rhost="10.1.2.3")
    assert log_in(confdir, setting, ["=000000"]).module == "PAM_AUTH_ERR"


def test_a_file_that_is_not_roots_alone_asks_everybody(confdir: Path, access_file: Path) -> None:
    """Whoever can write the file would decide who is asked."""
    access_file.write_text("+ : ALL : ALL\n")
    assert skips(confdir, "galuser", "10.1.2.3")
    for mode in (0o664, 0o646, 0o666):
        access_file.chmod(mode)
        assert not skips(confdir, "galuser", "10.1.2.3")
    access_file.chmod(0o644)
    owned(access_file, "galuser", 0o644)
    assert not skips(confdir, "galuser", "10.1.2.3")
    access_file.unlink()
    assert not skips(confdir, "galuser", "10.1.2.3")
    access_file.write_text("+ : ALL : ALL\n" + "#" * (1 << 20))
    assert not skips(confdir, "galuser", "10.1.2.3")
    access_file.unlink()
    access_file.mkdir()
    assert not skips(confdir, "galuser", "10.1.2.3")
    access_file.rmdir()


def test_one_bad_line_asks_everybody_and_is_logged(
    confdir: Path, access_file: Path, syslog: Syslog
) -> None:
    """A slip would open the door, and nobody would find out where it is."""
    access_file.write_text("+ : ALL : ALL\n- : ALL : 10.0.0.0/24 # old\n")
    assert not skips(confdir, "galuser", "10.1.2.3")
    assert any(f"{ACCESS_FILE}:2: " in line for line in logged(syslog))


# What both readers accept and mean. pam_access reads neither 0.0.0.0/0 nor mapped addresses so.
USER_WORDS = ["ALL", "galuser", "galother", "galstaff", "(galstaff)", "(galnone)", "nobody"]
ORIGIN_WORDS = [
    "ALL",
    "LOCAL",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "10.1.2.0/29",
    "192.168.0.1",
    "2001:db8::/32",
    "2001:db8::1",
    "2001:db8:8000::/33",
]
HOSTS = [
    None,
    "10.1.2.3",
    "10.1.2.9",
    "10.200.0.1",
    "192.168.0.1",
    "203.0.113.9",
    "2001:db8::1",
    "2001:db8:8000::5",
    "2001:db9::1",
]


def some_list(rng: random.Random, words: list[str]) -> str:
    """A list of either field, with up to two EXCEPTs."""
    parts = [
        rng.choice([" ", ", ", ","]).join(rng.sample(words, rng.randint(1, 3)))
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))
    ]
    return rng.choice([" EXCEPT ", " except "]).join(parts)


def some_file(rng: random.Random) -> str:
    """An access file; the last line decides what pam_access otherwise lets through."""
    lines = [
        f"{rng.choice('+-')} : {some_list(rng, USER_WORDS)} : {some_list(rng, ORIGIN_WORDS)}"
        for _ in range(rng.randint(1, 5))
    ]
    return "".join(f"{line}\n" for line in [*lines, "- : ALL : ALL"])


def test_it_agrees_with_pam_access(confdir: Path, access_file: Path) -> None:
    """A file taken over from pam_access would let in others than before."""
    rng = random.Random(SEED)  # noqa: S311  reproducible, not secret
    verdicts = {True: 0, False: 0}
    for _ in range(FILES):
        text = some_file(rng)
        access_file.write_text(text)
        for _ in range(LOGINS_EACH):
            user, host = rng.choice(USERS), rng.choice(HOSTS)
            theirs = log_in(
                confdir,
                Setting(
                    args=[f"accessfile={access_file}"], user=user, rhost=host, module=PAM_ACCESS
                ),
            )
            assert theirs.module in {"PAM_SUCCESS", "PAM_PERM_DENIED"}
            expected = theirs.module == "PAM_SUCCESS"
            assert skips(confdir, user, host) == expected, f"{user} from {host}:\n{text}"
            verdicts[expected] += 1
    assert min(verdicts.values()) > FILES // 2  # the generator is not one-sided
