"""`doorward pam explain`: what people see of a machine's logins."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

STOCK = Path(__file__).parents[1] / "fixtures" / "pam"
LINE = "auth required pam_doorward.so nullok accessfile=/etc/security/lan.conf\n"
CONFIG = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "doorward", "pam", "explain", *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine of Debian 12, whose sshd asks for a code from outside its network."""
    shutil.copytree(STOCK / "debian-12-desktop", tmp_path, dirs_exist_ok=True)
    sshd = (STOCK / "debian-12/etc/pam.d/sshd").read_text()
    password = "@include common-auth\n"
    assert password in sshd
    (tmp_path / "etc/pam.d/sshd").write_text(sshd.replace(password, password + LINE))
    for folder in ("ssh", "security"):
        (tmp_path / "etc" / folder).mkdir(exist_ok=True)
    (tmp_path / "etc/ssh/sshd_config").write_text(CONFIG)
    (tmp_path / "etc/security/lan.conf").write_text("+ : ALL : 192.168.1.0/24\n- : ALL : ALL\n")
    (tmp_path / "etc/passwd").write_text("alice:x:1000:1000::/home/alice:/bin/sh\n")
    (tmp_path / "etc/group").write_text("alice:x:1000:\nstaff:x:50:alice\n")
    return tmp_path


def table(output: str) -> list[list[str]]:
    """The rows of what was printed, their columns parted by two blanks or more."""
    rows = [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in output.split("\n")
    ]
    return [row for row in rows if row]


def as_json(*arguments: object) -> Any:  # noqa: ANN401 - JSON
    """What the command prints for programs."""
    done = run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_sshd_that_asks_for_a_code_from_outside(root: Path) -> None:
    """An admin would not learn who is asked for what, from where, and by which line."""
    done = run("sshd", "--root", root)
    assert (done.returncode, done.stderr) == (0, "")
    heading = ["Who", "Is asked", "Gets in", "Because of"]
    assert table(done.stdout) == [
        ["sshd"],
        ["By publickey, where PAM's auth rules are not run:"],
        heading,
        ["anybody", "key", "yes"],
        ["By password: nobody, because of PasswordAuthentication no (/etc/ssh/sshd_config:3)"],
        ["By keyboard-interactive:"],
        heading,
        ["from 192.168.1.0/24", "password", "yes", "/etc/pam.d/sshd:5"],
        ["from elsewhere, enrolled", "password, code", "yes", "/etc/pam.d/sshd:5"],
        ["from elsewhere, not enrolled", "password", "yes", "/etc/pam.d/sshd:5"],
    ]


def doors(explained: Any) -> dict[str, list[tuple[object, ...]]]:  # noqa: ANN401 - JSON
    """What is asked at each door, and whether somebody gets in."""
    (service,) = explained["services"]
    return {
        door["door"]: [(one["asked"], one["gets_in"]) for one in door["decisions"]]
        for door in service["doors"]
    }


def test_somebody_from_somewhere(root: Path) -> None:
    """A question about one person would be answered with all people and places."""
    inside = as_json("sshd", "--root", root, "--user", "alice", "--from", "192.168.1.7")
    assert doors(inside)["keyboard-interactive"] == [(["password"], True)]
    outside = as_json("sshd", "--root", root, "--from", "192.168.2.7")
    assert doors(outside)["keyboard-interactive"] == [
        (["password", "code"], True),
        (["password"], True),
    ]


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("+ : alice : 192.168.1.0/24\n", [["password"]]),
        ("+ : (staff) : 192.168.1.0/24\n", [["password"]]),
        ("+ : (gone) : 192.168.1.0/24\n", [["password", "code"], ["password"]]),
        ("+ : ALL : 192.168.1.0/024\n", [["password", "code"], ["password"]]),
        (None, [["password", "code"], ["password"]]),
    ],
)
def test_the_access_file_is_read_as_at_a_login(
    root: Path, file: str | None, asked: list[list[str]]
) -> None:
    """Somebody would be said to skip the code whom the module asks, or the reverse."""
    path = root / "etc/security/lan.conf"
    path.unlink()
    if file:
        path.write_text(file)
    for user in (["--user", "alice"], []):
        found = as_json("sshd", "--root", root, "--from", "192.168.1.7", *user)
        rows = [row[0] for row in doors(found)["keyboard-interactive"]]
        assert rows[: len(asked)] == asked
    if file is None or "024" in file:
        assert any("lan.conf" in note for door in found["services"][0]["doors"]
                   for one in door["decisions"] for note in one["notes"])  # fmt: skip


def test_every_service(root: Path) -> None:
    """A door without a second factor would not be listed, or one that asks nothing."""
    (root / "etc/lightdm").mkdir(exist_ok=True)
    (root / "etc/lightdm/lightdm.conf").write_text("[Seat:*]\nautologin-user=alice\n")
    explained = as_json("--all", "--root", root)
    names = [one["service"] for one in explained["services"]]
    assert {"sshd", "lightdm", "su", "login"} <= {*names}
    assert not any(name.startswith("common-") for name in names)
    assert [one["who"] for one in explained["unasked"]] == [["alice"]]
    shown = run("--all", "--root", root).stdout
    where = "[Seat:*] autologin-user=alice (/etc/lightdm/lightdm.conf:2)"
    assert shown.endswith(f"\nalice: nothing is asked, by {where}\n")


def test_rules_that_surprise(root: Path) -> None:
    """A door that stands open, or that nobody gets through, would look like any other."""
    for name, text in {
        "open": "auth optional pam_unix.so\nauth required pam_permit.so\n",
        "either": "auth sufficient pam_unix.so\nauth required pam_google_authenticator.so\n",
        "new": "auth required pam_new.so\n",
        "gone": "@include nowhere\n",
    }.items():
        account = "account required pam_permit.so\n"
        (root / "etc/pam.d" / name).write_text(text + account)
    shown = {name: run(name, "--root", root).stdout for name in ("open", "either", "new", "gone")}
    assert "anybody  password  yes, whatever is typed" in shown["open"]
    assert "with code, or with password" in shown["either"]
    assert "Note: nobody has described pam_new.so (/etc/pam.d/new:1)" in shown["new"]
    assert "Nobody gets in: /etc/pam.d/nowhere: no such file" in shown["gone"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Name a service, or say --all"),
        (["sshd", "--all"], 2, "Name a service, or say --all"),
        (["sshd", "--user", "nobody-there"], 10, "there is no user 'nobody-there'"),
    ],
)
def test_what_cannot_be_answered(root: Path, arguments: list[str], code: int, said: str) -> None:
    """A question that makes no sense would get an answer."""
    done = run(*arguments, "--root", root)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_sshd_config(root: Path) -> None:
    """A mistake in a file would look like a defect of doorward's."""
    (root / "etc/ssh/sshd_config").write_text("UsePAM maybe\n")
    done = run("sshd", "--root", root)
    assert done.returncode == 1
    assert done.stderr.startswith("doorward: error: /etc/ssh/sshd_config:1")


def test_this_machine() -> None:
    """It would work in images alone."""
    (service,) = as_json("other")["services"]
    assert service["doors"][0]["asks_pam"]
