"""Root acts for a user: with the user's rights in their home, and followed nowhere by their links.

Whatever a user puts where root is going to look, no file of anybody else's is read, changed or
made.
"""

import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from doorward.native import base32_encode, credential_parse, verify

from tests.e2e.enrollee import Enrollee, Terminal, account, run_as_root

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SYSTEM_SECRET = Path("/var/lib/doorward/secrets/alice")


@pytest.fixture
def alice() -> Iterator[Enrollee]:
    """Yield somebody who is not enrolled."""
    with account("alice") as person:
        yield person


@pytest.fixture
def bob() -> Iterator[Enrollee]:
    """Yield somebody else."""
    with account("bob") as person:
        yield person


@pytest.fixture
def system_secrets() -> Iterator[str]:
    """Yield the --secret-file of root's own folder, which is not there before and after."""
    yield "/var/lib/doorward/secrets/${USER}"
    shutil.rmtree("/var/lib/doorward", ignore_errors=True)


def _told(*arguments: str) -> dict[str, Any]:
    run = run_as_root(*arguments, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_enrol(alice: Enrollee) -> None:
    """What root makes in a home is the user's own from the start."""
    told = _told("enroll", "alice", "--qr", "/home/alice/code.png")
    assert (told["user"], told["secret"]) == ("alice", alice.secret_text())
    made = {name: facts for name, facts in alice.files().items() if not name.startswith(".b")}
    assert set(made) >= {".google_authenticator", "code.png"}
    for name in (".google_authenticator", "code.png"):
        facts = (alice.home / name).stat()
        assert (facts.st_uid, facts.st_gid) == (alice.uid, alice.gid)
        assert stat.S_IMODE(facts.st_mode) == 0o600


def test_all_commands(alice: Enrollee) -> None:
    """Root shows, renews and removes for a user what they could themself."""
    told = _told("enroll", "alice")
    assert _told("show", "alice")["uri"] == told["uri"]
    codes = _told("recovery-codes", "alice")["recovery_codes"]
    text = alice.secret.read_bytes()
    assert all(verify(text, code, 10**9).recovery for code in codes)
    assert alice.secret.stat().st_uid == alice.uid
    assert run_as_root("unenroll", "alice", "--yes").returncode == 0
    assert not alice.secret.exists()


def test_picture_in_a_folder_of_roots(alice: Enrollee) -> None:
    """A picture that root wants for itself is root's."""
    folder = Path("/root/pictures")
    folder.mkdir()
    try:
        _told("enroll", "alice", "--qr", str(folder / "code.svg"))
        facts = (folder / "code.svg").stat()
        assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (0, 0o600)
    finally:
        shutil.rmtree(folder)
    assert alice.secret.exists()


@pytest.fixture
def victim() -> Iterator[Path]:
    """Yield a file that root and root's group may write, with what looks like a secret in it."""
    path = Path("/srv/victim")
    path.write_text(f'{SECRET}\n" TOTP_AUTH\n12345678\n')
    path.chmod(0o660)
    yield path
    path.unlink()


def _link_to_root(alice: Enrollee, victim: Path, _bob: Enrollee) -> None:
    alice.secret.symlink_to(victim)


def _link_to_folder_of_root(alice: Enrollee, victim: Path, _bob: Enrollee) -> None:
    alice.secret.symlink_to(victim.with_name("new"))


def _link_to_bob(alice: Enrollee, _victim: Path, bob: Enrollee) -> None:
    alice.secret.symlink_to(bob.secret)


def _link_through_proc(alice: Enrollee, victim: Path, _bob: Enrollee) -> None:
    alice.secret.symlink_to(f"/proc/1/root{victim}")


def _hard_link(alice: Enrollee, victim: Path, _bob: Enrollee) -> None:
    os.link(victim, alice.secret)


def _fifo(alice: Enrollee, _victim: Path, _bob: Enrollee) -> None:
    os.mkfifo(alice.secret, 0o666)


def _folder(alice: Enrollee, _victim: Path, _bob: Enrollee) -> None:
    alice.secret.mkdir()


def _device(alice: Enrollee, _victim: Path, _bob: Enrollee) -> None:
    alice.secret.symlink_to("/dev/zero")


def _circle(alice: Enrollee, _victim: Path, _bob: Enrollee) -> None:
    alice.secret.symlink_to(alice.secret.name)


TRAPS = [
    _link_to_root,
    _link_to_folder_of_root,
    _link_to_bob,
    _link_through_proc,
    _hard_link,
    _fifo,
    _folder,
    _device,
    _circle,
]


def _state(path: Path) -> tuple[int, int, int, int, str]:
    facts = path.stat()
    return facts.st_ino, facts.st_mode, facts.st_uid, facts.st_mtime_ns, path.read_text()


@pytest.mark.parametrize("trap", TRAPS)
def test_traps(
    alice: Enrollee, bob: Enrollee, victim: Path, trap: Callable[[Enrollee, Path, Enrollee], None]
) -> None:
    """Each ends in an error, and neither root's file nor another user's is touched or told."""
    bob.enrol()
    trap(alice, victim, bob)
    before = (_state(victim), bob.files(), set(victim.parent.iterdir()), set(alice.files()))
    for command in (
        ["enroll", "alice", "--force", "--json"],
        ["show", "alice", "--json"],
        ["recovery-codes", "alice"],
        ["unenroll", "alice", "--yes"],
    ):
        run = run_as_root(*command)
        assert run.returncode in {4, 8}
        assert run.stdout == ""
        assert SECRET not in run.stderr
        assert (
            _state(victim),
            bob.files(),
            set(victim.parent.iterdir()),
            set(alice.files()),
        ) == before

    run = run_as_root("status", "alice", "bob", "--json")
    hers, his = json.loads(run.stdout)
    assert his["problems"] == []
    assert hers["problems"] or not hers["enrolled"]
    assert run.returncode == (1 if hers["problems"] else 0)


def test_huge_file(alice: Enrollee) -> None:
    """A file that would fill the memory of a root process is not read, and can be removed."""
    with alice.secret.open("wb") as stream:
        stream.truncate(1 << 40)
    os.chown(alice.secret, alice.uid, alice.gid)
    run = run_as_root("status", "alice")
    assert run.returncode == 1
    assert "larger than 65536 bytes" in run.stdout
    assert run_as_root("unenroll", "alice", "--yes").returncode == 0


def test_links_in_the_way_to_a_picture(alice: Enrollee, victim: Path) -> None:
    """A picture in a user's home goes where the user could put it, and nowhere else."""
    (alice.home / "a.png").symlink_to(victim)
    (alice.home / "b.png").symlink_to(victim.with_name("new.png"))
    (alice.home / "folder").symlink_to("/srv")
    for path in ("a.png", "b.png", "folder/c.png"):
        run = run_as_root("enroll", "alice", "--json", "--qr", str(alice.home / path))
        assert (run.returncode, run.stdout) == (8, "")
    assert list(victim.parent.iterdir()) == [victim]
    assert not alice.secret.exists()


def test_a_link_of_ones_own_is_followed(alice: Enrollee) -> None:
    """Who keeps dot files elsewhere in their home keeps the link, and the file where it is."""
    (alice.home / "dots").mkdir(0o700)
    os.chown(alice.home / "dots", alice.uid, alice.gid)
    alice.secret.symlink_to("dots/secret")
    _told("enroll", "alice")
    _told("enroll", "alice", "--force")
    _told("recovery-codes", "alice")
    assert alice.secret.is_symlink()
    assert list((alice.home / "dots").iterdir()) == [alice.home / "dots/secret"]
    assert (alice.home / "dots/secret").stat().st_uid == alice.uid


def test_system_secrets(alice: Enrollee, system_secrets: str) -> None:
    """A secret in root's folder is root's, in folders that nobody else may enter."""
    told = _told("enroll", "alice", "--secret-file", system_secrets)
    assert told["file"] == str(SYSTEM_SECRET)
    for path in (SYSTEM_SECRET.parent.parent, SYSTEM_SECRET.parent):
        facts = path.stat()
        assert (facts.st_uid, stat.S_IMODE(facts.st_mode)) == (0, 0o700)
    facts = SYSTEM_SECRET.stat()
    assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (0, 0, 0o600)

    (status,) = json.loads(
        run_as_root("status", "alice", "--json", "--secret-file", system_secrets).stdout
    )
    assert (status["enrolled"], status["problems"]) == (True, [])
    assert run_as_root("enroll", "alice", "--secret-file", system_secrets).returncode == 3
    _told("recovery-codes", "alice", "--secret-file", system_secrets)
    assert SYSTEM_SECRET.stat().st_uid == 0

    for command in (["show", "--yes"], ["recovery-codes"], ["enroll", "--force", "--json"]):
        run = alice.run(*command, "--secret-file", system_secrets)
        assert (run.returncode, run.stdout) == (8, "")
    assert (
        run_as_root("unenroll", "alice", "--yes", "--secret-file", system_secrets).returncode == 0
    )
    assert not SYSTEM_SECRET.exists()


def test_system_secrets_before_the_folder_is_there(alice: Enrollee, system_secrets: str) -> None:
    """Nobody is enrolled there then, and looking does not make the folder."""
    run = run_as_root("status", alice.name, "--json", "--secret-file", system_secrets)
    (status,) = json.loads(run.stdout)
    assert (run.returncode, status["enrolled"]) == (0, False)
    run = run_as_root("enroll", alice.name, "--secret-file", system_secrets)
    assert run.returncode == 6
    assert not SYSTEM_SECRET.parent.parent.exists()


def test_a_users_way_into_system_secrets(
    alice: Enrollee, bob: Enrollee, system_secrets: str
) -> None:
    """A link of a user's that ends in root's folder is followed with their rights: nowhere."""
    told = _told("enroll", bob.name, "--secret-file", system_secrets)
    secret = Path(str(told["file"]))
    before = _state(secret)
    (alice.home / "way").symlink_to(secret.parent)
    alice.secret.symlink_to(secret)
    way = ["--secret-file", "/home/alice/way/bob"]
    for command in (["enroll", "--force", "--json"], ["show", "--yes"], ["unenroll", "--yes"]):
        for who in (["alice"], ["alice", *way], way):  # the last is root itself
            run = run_as_root(*command, *who)
            assert (run.returncode, run.stdout) == (8, "")
    assert _state(secret) == before


def test_unknown_user() -> None:
    """Who is not there cannot be enrolled, whatever their name would do to a path."""
    for name in ("nobody-here", "../alice", "/etc/passwd", "", ".", ".."):
        run = run_as_root("enroll", "--json", "--", name)
        assert (run.returncode, run.stdout) == (10, "")


def test_another_user(alice: Enrollee, bob: Enrollee) -> None:
    """Only root acts for others."""
    bob.enrol()
    before = bob.files()
    for command in ("enroll", "show", "status", "recovery-codes", "unenroll"):
        run = alice.run(command, "bob")
        assert (run.returncode, run.stdout) == (5, "")
        assert run.stderr.startswith("doorward: error: only root may do this for bob\nhint: ")
    assert bob.files() == before


def _spoil(alice: Enrollee, how: str) -> None:
    if how == "mode":
        alice.secret.chmod(0o644)
    elif how == "owner":
        alice.secret.unlink()
        alice.secret.write_text(f'{SECRET}\n" TOTP_AUTH\n')
        alice.secret.chmod(0o644)
    elif how == "secret":
        alice.secret.write_text('999\n" TOTP_AUTH\n')
    elif how == "window":
        alice.secret.write_text(f'{SECRET}\n" TOTP_AUTH\n" WINDOW_SIZE 101\n')
    elif how == "empty":
        alice.secret.write_text("")
    elif how == "home":
        alice.home.rename("/home/moved")
    elif how == "closed":
        alice.home.chmod(0)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("mode", "has mode 0644, and a login takes 0600 at most"),
        ("owner", "belongs to user id 0, and a login wants"),
        ("secret", "secret file's secret is not as it must be"),
        ("window", "secret file's WINDOW_SIZE is not as it must be"),
        ("empty", "is not as it must be"),
        ("home", "/home/alice: there is no such folder"),
        ("closed", "Permission denied"),
    ],
)
def test_status_says_what_is_wrong(alice: Enrollee, how: str, said: str) -> None:
    """Whatever would keep somebody out is said, to them and to root, and the exit code tells."""
    alice.enrol()
    _spoil(alice, how)
    try:
        for run in (
            alice.run("status"),
            run_as_root("status", "alice"),
            run_as_root("status", "alice", "--json"),
        ):
            assert run.returncode == 1
            assert said in run.stdout
            assert run.stderr == ""
    finally:
        if how == "home":
            Path("/home/moved").rename(alice.home)


def test_status_of_everybody(alice: Enrollee, bob: Enrollee) -> None:
    """Root sees all who can log in, as a table and as JSON; a user sees themself."""
    told = alice.enrol()
    (bob.home / "unreadable").mkdir()
    listed = {one["user"]: one for one in json.loads(run_as_root("status", "--json").stdout)}
    assert {"root", "alice", "bob"} <= set(listed)
    assert "daemon" not in listed
    assert listed["alice"] == {
        "user": "alice",
        "file": str(alice.secret),
        "enrolled": True,
        "problems": [],
        "mends": [],
        "type": "totp",
        "devices": [
            {
                "name": "main",
                "type": "totp",
                "algorithm": "SHA1",
                "digits": 6,
                "step": 30,
                "counter": None,
                "reuse": False,
                "last_code": None,
            }
        ],
        "recovery_codes": len(told["recovery_codes"]),
        "last_code": None,
        "last_attempt": None,
        "foreign_keys": ["RECOVERY"],
    }
    assert listed["bob"]["enrolled"] is False
    table = run_as_root("status").stdout
    assert [row.split() for row in table.splitlines() if row.startswith("alice ")] == [
        ["alice", "yes", "totp", "1", "5", "never"]
    ]
    assert table.endswith("\nSecret file: ~/.google_authenticator\n")
    assert [one["user"] for one in json.loads(bob.run("status", "--json").stdout)] == ["bob"]


def test_status_of_use(alice: Enrollee) -> None:
    """When a code was last used is told in local time; times that are none are not."""
    alice.enrol()
    alice.secret.write_text(
        f'{SECRET}\n" RATE_LIMIT 3 30 1700000100\n" DISALLOW_REUSE 56666666 56666667\n'
        '" TOTP_AUTH\n" NEW_KEY 1\n'
    )
    run = alice.run("status", TZ="UTC-1")
    assert "2023-11-14 23:13" in run.stdout
    assert run.returncode == 0
    (told,) = json.loads(alice.run("status", "--json").stdout)
    assert told["last_code"] == "2023-11-14T22:13:30+00:00"
    assert told["last_attempt"] == "2023-11-14T22:15:00+00:00"
    alice.secret.write_text(f'{SECRET}\n" RATE_LIMIT 3 30 99999999999999\n" TOTP_AUTH\n')
    assert "never" in alice.run("status").stdout


def test_the_table_in_a_terminal(alice: Enrollee) -> None:
    """In a terminal that is too narrow for it nothing of the table is cut off."""
    alice.enrol("--compatible")
    terminal: Terminal = alice.in_terminal("status", size=(24, 50))
    assert terminal.end() == 0
    letters = "".join(terminal.seen.split())
    assert "…" not in letters
    assert all(part in letters for part in ("alice", "yes", "totp", "never"))


def test_a_hint_in_a_terminal(alice: Enrollee) -> None:
    """A terminal would break a hint in the middle of a word, or of an option."""
    alice.enrol()
    terminal: Terminal = alice.in_terminal("enroll", size=(24, 80))
    assert terminal.end() == 3
    lines = terminal.seen.partition("hint: ")[2].splitlines()
    assert len(lines) == 2
    assert " ".join(lines).endswith("and what the phone has now stops working.")


def test_install_module(alice: Enrollee) -> None:
    """The module is next to libpam's own, root's and 0644; once is enough, and damage is mended."""
    (beside,) = {path.parent for path in Path("/usr/lib").rglob("pam_permit.so")}
    module = beside / "pam_doorward.so"
    module.unlink(missing_ok=True)
    run = run_as_root("pam", "install-module")
    assert (run.returncode, run.stdout) == (0, f"Installed: {module}\n")
    content = module.read_bytes()
    for spoil in (
        lambda: None,
        lambda: module.chmod(0o666),
        lambda: module.write_bytes(b"garbage"),
        lambda: os.chown(module, alice.uid, alice.gid),
    ):
        spoil()
        run_as_root("pam", "install-module")
        facts = module.stat()
        assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (0, 0, 0o644)
        assert module.read_bytes() == content
    run = run_as_root("pam", "install-module")
    assert (run.returncode, run.stdout) == (0, f"Already up to date: {module}\n")
    run = alice.run("pam", "install-module")
    assert run.returncode == 5
    assert run.stderr.startswith("doorward: error: only root can install the PAM module\nhint: ")


def test_install_module_below_another_root() -> None:
    """An image would get no module, or one that cannot be loaded there, and refuse everybody."""
    (beside,) = {path.parent for path in Path("/usr/lib").rglob("pam_permit.so")}
    libc = next(Path("/lib").glob("*-linux-gnu/libc.so.6")).read_bytes()
    permit = (beside / "pam_permit.so").read_bytes()
    root = Path("/srv/image")
    folder = root / "usr/lib" / beside.parent.name / "security"
    folder.mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")

    def installed() -> tuple[int, str]:
        run = run_as_root("pam", "install-module", "--root", str(root))
        return run.returncode, run.stdout + run.stderr.partition("\n")[0]

    assert installed()[0] == 11
    (folder / "pam_permit.so").write_bytes(permit[:18] + b"\0\1" + permit[20:])
    path = f"/usr/lib/{beside.parent.name}/security/pam_permit.so"
    why = f"{path} below {root} is for another architecture than this doorward"
    assert installed() == (11, f"doorward: error: {why}")
    (folder / "pam_permit.so").write_bytes(permit)
    needed = re.findall(rb"GLIBC_[0-9.]+\0", (beside / "pam_doorward.so").read_bytes())[0]
    (folder.parent / "libc.so.6").write_bytes(libc.replace(needed, b"x" * len(needed)))
    assert installed()[0] == 11
    assert f"has no {needed[:-1].decode()}, which" in installed()[1]
    (folder.parent / "libc.so.6").write_bytes(libc)
    assert installed() == (0, f"Installed: {folder}/pam_doorward.so\n")
    assert (folder / "pam_doorward.so").read_bytes() == (beside / "pam_doorward.so").read_bytes()
    shutil.rmtree(root)


def test_what_root_wrote_a_login_reads(alice: Enrollee) -> None:
    """The file that root made for a user holds the secret that root was told."""
    told = _told("enroll", "alice")
    assert base32_encode(credential_parse(alice.secret.read_bytes()).first.secret) == told["secret"]
